"""The live view at the widths terminals have: what happened, to what, and its values can be read."""

import io
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from tools.demo.view import WIDE, Screen

EVENT: dict[str, Any] = {
    "utc_ms": 1_795_309_502_000,
    "lane": 3,
    "seq": 12,
    "device": "Medicine dispenser",
    "kind": "oximetry.measured",
    "values": {"pulse_rate_bpm": 75, "spo2_pct": 96.7},
}


def drawn(width: int, language: str) -> str:
    console = Console(file=io.StringIO(), width=width, height=24)
    screen = Screen(language, ZoneInfo("Europe/Oslo"), console)
    screen.events.append(EVENT)
    screen.notes.append("a note")
    console.print(screen.render())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, WIDE - 1, WIDE, 140])
@pytest.mark.parametrize(("language", "said"), [("nb", "Oksygenmetning målt"), ("en", "Oximetry measured")])
def test_time_device_event_and_values_are_whole(width: int, language: str, said: str) -> None:
    text = drawn(width, language)
    for words in ("02:05:02", "Medicine dispenser", said, "pulse_rate_bpm=75", "spo2_pct=96.7", "a note"):
        assert words in text, (width, words)
    assert max(len(line) for line in text.splitlines()) <= width


def test_a_wide_terminal_has_lane_and_number_too() -> None:
    assert (
        "måling" in drawn(WIDE, "nb") and "measurement" in drawn(WIDE, "en") and "│ 12 " in drawn(WIDE, "en")
    )
