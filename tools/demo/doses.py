"""Each dose once: what became of the doses of a dispenser, of what arrived verified, against what a scenario says."""

from collections import Counter
from typing import Any

from gateway.core.rules.dose import OUTCOMES
from tools.home.scenario import Doses

Event = dict[str, Any]
Shortfall = tuple[str, dict[str, object]]
PLANNED, OFFERED, MISSED, WITHDRAWN = "dose.planned", "dose.dispensed", "dose.missed", "dose.withdrawn"
MS_PER_S = 1000


def is_of_dose(event: Event) -> bool:
    """Whether an event tells of a dose."""
    return str(event["kind"]).startswith("dose.") and "dose_id" in event["values"]


def by_dose(events: list[Event]) -> dict[int, list[Event]]:
    """Events of each dose, in the order in which they arrived."""
    found: dict[int, list[Event]] = {}
    for event in events:
        found.setdefault(int(event["values"]["dose_id"]), []).append(event)
    return dict(sorted(found.items()))


def ends(events: list[Event]) -> Counter[str]:
    """How many doses ended how, and how many were planned."""
    return Counter(event["kind"] for event in events if event["kind"] in (PLANNED, *OUTCOMES))


def shortfalls(events: list[Event], expected: Doses) -> list[Shortfall]:
    """Doses that are not told once as expected, or were invented; missed ones that were told too late or too early."""
    told = by_dose([event for event in events if event["device"] == expected.device])
    found: list[Shortfall] = []
    for dose_id in sorted({*told, *range(1, expected.planned + 1)}):
        kinds = Counter(event["kind"] for event in told.get(dose_id, []))
        if dose_id > expected.planned:
            found.append(("dose_invented", {"dose": dose_id}))
            continue
        found += [
            ("dose_count", {"dose": dose_id, "kind": kind, "count": kinds[kind]})
            for kind in (PLANNED, expected.end_of(dose_id))
            if kinds[kind] != 1
        ]
        found += [
            ("dose_extra", {"dose": dose_id, "kind": kind})
            for kind in sorted(kinds)
            if kind not in (PLANNED, expected.end_of(dose_id)) and (kind != OFFERED or kinds[kind] > 1)
        ]
    return found + late(told, expected)


def late(told: dict[int, list[Event]], expected: Doses) -> list[Shortfall]:
    """Missed doses that the gateway heard of before the end of their window, or too long after it."""
    found: list[Shortfall] = []
    for dose_id, within_s in expected.missed.items():
        rows = {event["kind"]: event for event in told.get(dose_id, [])}
        if PLANNED not in rows or MISSED not in rows:
            continue
        after_ms = rows[MISSED]["utc_ms"] - rows[PLANNED]["values"]["window_end_utc_ms"]
        if not 0 <= after_ms <= within_s * MS_PER_S:
            seconds = {"seconds": f"{after_ms / MS_PER_S:.1f}", "within": f"{within_s:g}"}
            found.append(("dose_late", {"dose": dose_id, **seconds}))
    return found
