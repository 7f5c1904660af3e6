"""What the platform prints for people: one line an event, in their language."""

import pytest

from gateway.core import event_codec
from gateway.core.model import Absent, Decimal
from tests.gateway.english import english_in
from tests.tools.platform_parties import SimGateway
from tools.platform.books import GatewayBook, Row, Verified
from tools.platform.lines import text_lines


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "nb",
            (
                "ØVELSE: Oksygenmetning målt",
                "enhet 7",
                "oksygenmetning 97.0 %",
                "puls NaN",
                "lest fra enhetens minne ja",
            ),
        ),
        (
            "en",
            (
                "EXERCISE: Oximetry measured",
                "placement 7",
                "oxygen saturation 97.0 %",
                "pulse rate NaN",
                "yes",
            ),
        ),
    ],
)
def test_a_row_for_people_is_in_their_language_to_the_last_word(
    gateway: SimGateway, language: str, words: tuple[str, ...]
) -> None:
    values = {
        "spo2_pct": Decimal(970, -1),
        "pulse_rate_bpm": Absent("NaN"),
        "stored": True,
        "battery_pct": Decimal(1, 2**40),  # nobody's printing hangs on a number
        "press": "long_press",
    }
    event = event_codec.decode_event(gateway.event(values=values, exercise=True))
    row = Row(0, 3, 31, b"c" * 16, None, b"", is_copy=False, fault=None)
    verified = Verified(GatewayBook(0, "oslo", "hub-1"), b"e" * 8, row, event, None)
    said = text_lines(language)(verified, {})
    assert all(each in said for each in words), said
    assert language == "en" or not english_in(said.replace("NaN", "")), said
    torn = row._replace(fault="ends in mid-item at byte 0")
    broken = Verified(verified.book, verified.epoch, torn, None, None)
    said = text_lines(language)(broken, {})
    assert language == "en" or (said.startswith("ingen hendelse") and not english_in(said)), said
