"""Checks of what the log says: sections 7 and 8 of docs/protocols/dispenser.md, judged from the entries it holds."""

from typing import Any

from gateway.core.devices.dispenser_events import EVENTS
from tools.conform.device import Device, FailedError, UntestedError

PLANNED, WITHDRAWN, OFFERED, COLLECTED, MISSED, WRONG_TIME = range(1, 7)
OUTCOMES = (COLLECTED, MISSED, WRONG_TIME)
# begin: end, of states that are told once when they begin and once when they end (D15)
STATES = {18: 19, 20: 21, 22: 23, 24: 25, 26: 27, 28: 29, 30: 31}
NEEDS = {
    PLANNED: ("dose_id", "planned_utc_ms", "window_end_utc_ms"),
    WITHDRAWN: ("dose_id", "planned_utc_ms"),
    OFFERED: ("dose_id", "planned_utc_ms"),
    COLLECTED: ("dose_id", "planned_utc_ms", "collected_by"),
    MISSED: ("dose_id", "planned_utc_ms"),
    WRONG_TIME: ("collected_by",),
}
SLACK_MS = 60_000

Entry = dict[str, Any]


def about_doses(device: Device, *events: int) -> list[Entry]:
    """Entries of these events in their order. Raises UntestedError where there is none."""
    rows = [entry for entry in device.read_log().values() if entry["event"] in events]
    if not rows:
        raise UntestedError("no_doses")
    return rows


def by_dose(rows: list[Entry]) -> dict[int, list[Entry]]:
    """Entries of each dose."""
    found: dict[int, list[Entry]] = {}
    for entry in rows:
        if "dose_id" in entry:
            found.setdefault(entry["dose_id"], []).append(entry)
    return found


def entry_fields(device: Device) -> None:
    """An event says what its kind must say."""
    log = device.read_log()
    if not log:
        raise UntestedError("few_entries")
    for number, entry in log.items():
        event = entry["event"]
        if event not in EVENTS and event < 128:
            raise FailedError("event_reserved", number=number, event=event)
        lacking = [name for name in NEEDS.get(event, ()) if name not in entry]
        if lacking:
            raise FailedError("field_missing", number=number, name=lacking[0])


def dose_ids(device: Device) -> None:
    """D16: an id names one dose for ever."""
    for dose_id, rows in by_dose(about_doses(device, PLANNED)).items():
        if len(rows) > 1:
            raise FailedError("dose_id_twice", dose_id=dose_id)


def dose_planned(device: Device) -> None:
    """D17: what becomes of a dose is said of one that was said to be planned, before its time."""
    if not device.can("plan"):
        raise UntestedError("no_plan")
    rows = about_doses(device, PLANNED, OFFERED, *OUTCOMES)
    whole = min(device.read_log()) == 1
    for dose_id, entries in by_dose(rows).items():
        if entries[0]["event"] != PLANNED:
            if whole:
                raise FailedError("not_planned", dose_id=dose_id)
            continue
        if entries[0]["clock"] == 1 and entries[0]["utc_ms"] > entries[0].get("planned_utc_ms", 0):
            raise FailedError("planned_late", dose_id=dose_id)


def dose_outcome(device: Device) -> None:
    """D18: one end, and only one."""
    rows = about_doses(device, PLANNED, WITHDRAWN, *OUTCOMES)
    standing = device.stand()
    for dose_id, entries in by_dose(rows).items():
        ends = [entry for entry in entries if entry["event"] != PLANNED]
        if len(ends) > 1:
            raise FailedError("two_outcomes", dose_id=dose_id)
        if ends or standing["clock"] != 1:
            continue
        if entries[0].get("window_end_utc_ms", standing["utc_ms"]) + SLACK_MS < standing["utc_ms"]:
            raise FailedError("no_outcome", dose_id=dose_id)


def dose_once(device: Device) -> None:
    """D19: a dose is put out once."""
    for dose_id, entries in by_dose(about_doses(device, OFFERED)).items():
        if len(entries) > 1:
            raise FailedError("put_out_twice", dose_id=dose_id)


def dose_clock(device: Device) -> None:
    """D21: who does not know the time puts nothing out by it."""
    for entry in about_doses(device, OFFERED):
        if entry["clock"] != 1:
            raise FailedError("put_out_without_clock", dose_id=entry.get("dose_id", "–"))


def states(device: Device) -> None:
    """D15: told once when it begins, once when it ends."""
    log = device.read_log()
    standing: set[tuple[int, object]] = set()
    seen = False
    for number, entry in log.items():
        event = entry["event"]
        key = (event, entry.get("cause"))
        if event in STATES:
            seen = True
            if key in standing:
                raise FailedError("begun_twice", number=number, event=EVENTS[event])
            standing.add(key)
        standing = {key for key in standing if STATES[key[0]] != event}
    if not seen:
        raise UntestedError("no_states")
