"""Scenarios that say what must arrive: a person's alarm and a technical fault through the whole system, never confused.

The events are those of real runs; the negative controls alter them, or cut a run short, and must be found.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tools.demo.judge import Verdict, judge, shortfalls
from tools.home.scenario import Expect, load

LIMIT_S = 230
# All at once: a night that nobody can hasten is mostly waiting.
RUNS = {
    "faults": ["--scenario", "faults", "--json"],
    "night": ["--scenario", "night", "--json"],
    "medicine": ["--scenario", "medicine", "--json"],
    "remote-monitoring": ["--scenario", "remote-monitoring", "--json"],
    "short": ["--scenario", "faults", "--json", "--seconds", "6"],
    "said": ["--scenario", "faults", "--language", "nb"],
}
pytestmark = [pytest.mark.long, pytest.mark.timeout(LIMIT_S + 20)]

Event = dict[str, Any]


class Run:
    """One demonstration that has ended."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.output, self.errors = process.communicate(timeout=LIMIT_S)
        self.status = process.returncode

    @property
    def lines(self) -> list[Any]:
        """Its JSON lines, a summary last."""
        return [json.loads(line) for line in self.output.splitlines()]

    @property
    def events(self) -> list[Event]:
        return self.lines[:-1]

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = self.lines[-1]["summary"]
        return found


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[str, Run]]:
    """Each of `RUNS`, played once for all tests of this file."""
    command = [sys.executable, "-m", "gateway.daemon", "demo"]
    processes = {
        name: subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for name, arguments in RUNS.items()
    }
    try:
        yield {name: Run(process) for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.terminate()
            process.wait()


def expected(name: str) -> Expect:
    found = load(name).expect
    assert found is not None
    return found


def reasons(name: str, events: list[Event]) -> list[str]:
    return [reason for reason, _ in shortfalls(judge(events), expected(name))]


@pytest.mark.parametrize("name", ["faults", "night"])
def test_a_scenario_is_as_it_expects_and_loses_nothing(runs: dict[str, Run], name: str) -> None:
    run = runs[name]
    assert run.status == 0, run.errors
    assert run.summary.keys() == {
        "sent", "verified", "duplicates_removed", "lost", "personal_alarms", "technical_faults", "marked_repetitions",
    }  # fmt: skip
    assert run.summary["lost"] == 0 and run.summary["sent"] == run.summary["verified"] == len(run.events)
    assert run.summary["personal_alarms"] == 1
    assert run.summary["technical_faults"] == dict(expected(name).faults)
    assert run.summary["marked_repetitions"] == sum("repeat" in event["values"] for event in run.events)
    assert reasons(name, run.events) == []


def test_a_morning_of_remote_monitoring_brings_every_reading_once_and_names_what_failed(
    runs: dict[str, Run],
) -> None:
    run = runs["remote-monitoring"]
    assert run.status == 0, run.errors
    summary = run.summary
    assert summary["lost"] == 0 and summary["sent"] == summary["verified"] == len(run.events)
    assert summary["personal_alarms"] == 0 and summary["technical_faults"] == {}
    assert summary["duplicates_removed"] >= 3, "the cuff sent all that it had ever measured at every visit"
    assert reasons("remote-monitoring", run.events) == []
    of_cuff = [event for event in run.events if event["device"] == "Blood pressure cuff"]
    stamps = [event["device_time"] for event in of_cuff if event["lane"] == 3]
    assert len(stamps) == 3 and sum("0000-00-00" in str(stamp) for stamp in stamps) == 1


@pytest.mark.parametrize("index", range(len(expected("remote-monitoring").measured)))
def test_a_reading_that_was_lost_on_the_way_would_be_found(runs: dict[str, Run], index: int) -> None:
    lost = expected("remote-monitoring").measured[index]
    events = runs["remote-monitoring"].events
    where = next(
        number
        for number, event in enumerate(events)
        if (event["device"], event["kind"]) == (lost.device, lost.kind)
    )
    assert "reading_missing" in reasons("remote-monitoring", events[:where] + events[where + 1 :])


def test_a_week_of_medicine_brings_each_dose_once_and_none_that_is_not_in_the_plan(
    runs: dict[str, Run],
) -> None:
    run = runs["medicine"]
    assert run.status == 0, run.errors
    summary = run.summary
    assert summary["lost"] == 0 and summary["sent"] == summary["verified"] == len(run.events)
    assert summary["personal_alarms"] == 3 and summary["technical_faults"] == {"line.lost": 1}
    ends = {"dose.planned": 21, "dose.collected": 17, "dose.missed": 3, "dose.wrong_time": 1}
    assert summary["doses"] == ends
    assert reasons("medicine", run.events) == []


def of_dose(events: list[Event], dose_id: int, kind: str) -> int:
    """Where the event stands."""
    return next(
        number
        for number, event in enumerate(events)
        if event["kind"] == kind and event["values"]["dose_id"] == dose_id
    )


def test_control_a_dose_that_is_lost_doubled_invented_or_told_late_is_found(runs: dict[str, Run]) -> None:
    events = runs["medicine"].events
    for dose_id, kind in (
        (1, "dose.collected"),
        (5, "dose.missed"),
        (8, "dose.wrong_time"),
        (21, "dose.planned"),
    ):
        where = of_dose(events, dose_id, kind)
        assert "dose_count" in reasons("medicine", events[:where] + events[where + 1 :])
        assert "dose_count" in reasons("medicine", [*events, {**events[where], "incident": None}])
    collected = events[of_dose(events, 1, "dose.collected")]
    invented = {**collected, "values": {**collected["values"], "dose_id": 22}}
    assert "dose_invented" in reasons("medicine", [*events, invented])
    both = {**collected, "values": {**collected["values"], "dose_id": 5}}
    assert "dose_extra" in reasons("medicine", [*events, both])
    for shift_ms in (-60_000, 60_000):
        where = of_dose(events, 5, "dose.missed")
        moved = {**events[where], "utc_ms": events[where]["utc_ms"] + shift_ms}
        assert "dose_late" in reasons("medicine", [*events[:where], moved, *events[where + 1 :]])


def only_alarm(verdict: Verdict) -> list[str]:
    (alarm,) = verdict.alarms.values()
    assert alarm.over
    return [event["kind"] for event in alarm.begun]


def test_door_and_tag_are_one_incident_and_a_fire_among_faults_stays_a_fire(runs: dict[str, Run]) -> None:
    # Who comes back opens the door once more: that is the same incident.
    told = ["door.night_exit", "tag.gone", "door.night_exit"]
    assert only_alarm(judge(runs["night"].events)) == told
    assert only_alarm(judge(runs["faults"].events)) == ["smoke.detected"]


@pytest.mark.parametrize("kind", sorted(expected("faults").faults))
def test_a_fault_that_came_in_an_alarm_lane_would_be_found(runs: dict[str, Run], kind: str) -> None:
    events = [dict(event) for event in runs["faults"].events]
    next(event for event in events if event["kind"] == kind)["lane"] = 1
    assert "wrong_lane" in reasons("faults", events)


@pytest.mark.parametrize(
    ("name", "kind"), [("faults", "smoke.detected"), ("night", "tag.gone"), ("night", "door.night_exit")]
)
def test_a_run_that_lacked_an_alarm_would_be_found(runs: dict[str, Run], name: str, kind: str) -> None:
    events = [event for event in runs[name].events if event["kind"] != kind]
    assert "alarm_missing" in reasons(name, events)


def test_a_run_that_ends_before_the_fire_ends_with_status_1_and_says_so(runs: dict[str, Run]) -> None:
    run = runs["short"]
    assert run.status == 1 and run.summary["personal_alarms"] == 0 and run.summary["lost"] == 0
    assert run.summary["technical_faults"] == {"battery.low": 1}
    assert "smoke.detected" in run.errors and "dispenser.jammed" in run.errors


def test_the_last_lines_name_who_needed_help_and_what_to_mend(runs: dict[str, Run]) -> None:
    run = runs["said"]
    assert run.status == 0, run.errors
    for said in (
        "Personlige alarmer: 1",
        "Tekniske feil: 6",
        "Røyk oppdaget",
        "Dispenseren sitter fast",
        "Hva du gjør: ",
    ):
        assert said in run.output
