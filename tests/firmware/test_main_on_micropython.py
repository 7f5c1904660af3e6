"""The firmware on the real interpreter: a home's events stored, signed, verified, receipted and only then forgotten."""

from pathlib import Path
from typing import Any

import pytest

from tests.firmware import board

KINDS = {"door.night_exit", "smoke.detected", "oximetry.measured", "dose.collected", "dose.missed"}
Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the manifest freezes, compiled."""
    made = tmp_path_factory.mktemp("board")
    board.build(made)
    return made


def play(folder: Path, *arguments: str) -> tuple[Lines, dict[str, int]]:
    """Events and summary of the scripted home."""
    status, lines, complaints = board.run(folder, "tests.firmware.home", *arguments)
    assert status == 0 and complaints == "", complaints
    return lines[:-1], lines[-1]["summary"]


def in_order(events: Lines) -> bool:
    """Whether the numbers of each lane rise without a hole."""
    return all(
        [event["seq"] for event in events if event["lane"] == lane]
        == list(range(1, 1 + sum(event["lane"] == lane for event in events)))
        for lane in range(5)
    )


def test_every_kind_of_the_home_arrives_verified_and_nothing_is_lost(folder: Path) -> None:
    events, summary = play(folder)
    assert {event["kind"] for event in events} >= KINDS
    assert summary["lost"] == summary["held"] == summary["refused"] == summary["duplicates_removed"] == 0
    assert summary["sent"] == summary["verified"] == len(events)
    assert in_order(events)


def test_events_say_what_the_devices_said(folder: Path) -> None:
    events, _ = play(folder)
    by_kind = {event["kind"]: event for event in events}
    assert by_kind["oximetry.measured"]["values"] == {"spo2_pct": 96, "pulse_rate_bpm": 77}
    assert by_kind["oximetry.measured"]["device"] == "Oximeter"
    assert by_kind["door.night_exit"]["incident"] == by_kind["door.night_return"]["incident"]
    assert (by_kind["dose.collected"]["values"]["dose_id"], by_kind["dose.missed"]["values"]["dose_id"]) == (
        7,
        8,
    )
    assert by_kind["dose.missed"]["lane"] == by_kind["door.night_exit"]["lane"] == 1
    assert by_kind["smoke.detected"]["lane"] == 0 and by_kind["smoke.detected"]["device"] == "Smoke detector"
    assert by_kind["hub.started"]["values"]["software"].startswith("trygg firmware ")


@pytest.mark.parametrize("trouble", [["--cut"], ["--losing"], ["--losing", "--cut"]])
def test_power_cuts_and_a_broker_that_loses_cost_nothing(folder: Path, trouble: list[str]) -> None:
    events, summary = play(folder, *trouble)
    assert {event["kind"] for event in events} >= KINDS
    assert summary["lost"] == summary["held"] == summary["refused"] == 0
    assert summary["sent"] == summary["verified"] == len(events)
    assert all(
        sum(event["kind"] == kind for event in events) == 1 for kind in ("dose.collected", "dose.missed")
    )
    assert sum(event["kind"] == "hub.started" for event in events) == 1 + ("--cut" in trouble)


def test_a_gateway_that_forgets_on_a_puback_is_seen_to_lose(folder: Path) -> None:
    events, summary = play(folder, "--losing", "--forget-on-puback")
    assert summary["lost"] == summary["sent"] - summary["verified"] > 0
    assert not {event["kind"] for event in events} >= KINDS


def test_the_entry_itself_runs_and_holds_what_nobody_has_receipted(folder: Path) -> None:
    status, lines, complaints = board.run(folder, "firmware.main")
    assert status == 0 and complaints == ""
    stored = [line["kind"] for line in lines if line.get("message") == "stored"]
    assert {"door.night_exit", "smoke.detected", "oximetry.measured"} <= set(stored)
    assert lines[-1] == {"summary": {"stored": len(stored), "held": len(stored), "lost": 0}}
