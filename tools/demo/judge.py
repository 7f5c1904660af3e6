"""Personal alarm or technical fault: decided from lane, kind and incident of what arrived verified (N4, DOMAIN.md 5).

A personal alarm is an incident of lanes 0 and 1. What repeats it (marked), tells it again or ends it is none of its own,
nor is an exercise. A technical fault is what begins in lane 2; a start and an orderly stop of the hub are none.

The judge does not believe the lane alone: the registry says which lane a kind is of. A kind in a lane that is not its own,
an incident that holds both, an event that does not decode, and a repetition or an end of an alarm that was never told are
*confused* and count as neither, so that no number looks right by mistake. An alarm of a kind that the registry does not
know is an alarm all the same.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway.core.registry import KINDS
from gateway.core.rules.incidents import ANY, OPENING, part_of
from hal.types import ALARM, MEASUREMENT, TECHNICAL
from tools.demo import doses
from tools.home.scenario import Expect, Measured

Event = dict[str, Any]
State = tuple[int, str, str]  # placement, kind that begins it, part
FAILED = "measurement.failed"
# What a healthy hub tells of itself, and a technician's visit.
ORDERLY = frozenset(
    {
        "hub.started",
        "hub.stopped",
        "self_test.begun",
        "pairing.opened",
        "pairing.heard",
        "pairing.begun",
        "pairing.bonded",
        "pairing.bonded_weak",
        "pairing.cancelled",
        "bond.forgotten",
        "device.counter_reset",
    }
)


@dataclass
class Alarm:
    """One incident: what began in it, what ended, which states stand, and how many events were marked as repetitions."""

    begun: list[Event] = field(default_factory=list)
    ended: list[Event] = field(default_factory=list)
    standing: set[State] = field(default_factory=set)
    marked: int = 0

    def begin(self, event: Event, state: State) -> None:
        """A beginning, or one that is told again."""
        if "repeat" in event["values"]:
            self.marked += 1
        else:
            self.begun.append(event)
        if event["kind"] in OPENING:
            self.standing.add(state)

    def end(self, event: Event, state: State) -> None:
        """An end; one of a marked beginning is marked as well, and ends it."""
        self.marked += "repeat" in event["values"]
        self.ended.append(event)
        self.standing = set() if state[1] == ANY else self.standing - {state}

    @property
    def over(self) -> bool:
        """Whether the end of all that can end was seen."""
        return not self.standing


@dataclass
class Verdict:
    """What the events say. `marked`: faults marked as repetitions. `confused`: the name of the reason (`words.TEXTS`), and the event."""

    alarms: dict[str, Alarm] = field(default_factory=dict)
    faults: list[Event] = field(default_factory=list)
    readings: list[Event] = field(default_factory=list)
    doses: list[Event] = field(default_factory=list)
    confused: list[tuple[str, Event]] = field(default_factory=list)
    marked: int = 0

    def fault_counts(self) -> Counter[str]:
        """Technical faults by kind."""
        return Counter(event["kind"] for event in self.faults)


def judge(events: Iterable[Event]) -> Verdict:
    """Part events, in their order within each lane, into personal alarms and technical faults."""
    verdict = Verdict()
    technical: dict[tuple[str, str], Event] = {}
    for event in events:
        if event.get("exercise"):
            continue
        row = KINDS.get(event["kind"])
        if doses.is_of_dose(event):
            verdict.doses.append(event)
        if event["kind"] is None or (row is not None and row[1] != event["lane"]):
            verdict.confused.append(("wrong_lane", event))
        elif event["lane"] <= ALARM:
            take_alarm(verdict, event)
        elif event["lane"] == MEASUREMENT and is_reading(event):
            verdict.readings.append(event)
        elif event["lane"] == TECHNICAL and is_fault(event):
            technical.setdefault((incident_of(event), event["kind"]), event)
        elif event["lane"] == TECHNICAL:
            verdict.marked += "repeat" in event["values"]
    for (incident, _kind), event in technical.items():
        # The events of one dose share an incident by its number, whatever became of it; nothing else may.
        if incident in verdict.alarms and "dose_id" not in event["values"]:
            verdict.confused.append(("joined", event))
        else:
            verdict.faults.append(event)
    return verdict


def take_alarm(verdict: Verdict, event: Event) -> None:
    """An event of lane 0 or 1: a new incident, or one that belongs to an incident that was told."""
    incident, ends = incident_of(event), clears(event)
    state = (event["placement"], ends or event["kind"], part_of(event["values"]))
    told = verdict.alarms.get(incident)
    if ends and event["incident"] is None:
        return  # the end of what had never begun: nobody was called, nobody need be told
    if told is None and (ends or "repeat" in event["values"]):
        verdict.confused.append(("never_told", event))
    elif ends:
        verdict.alarms[incident].end(event, state)
    else:
        verdict.alarms.setdefault(incident, Alarm()).begin(event, state)


def is_fault(event: Event) -> bool:
    """Whether an event of lane 2 begins a fault that nobody has heard of yet."""
    return not clears(event) and "repeat" not in event["values"] and event["kind"] not in ORDERLY


def is_reading(event: Event) -> bool:
    """Whether an event of lane 3 is a measurement, or says that one failed; a dose is neither."""
    return str(event["kind"]).endswith(".measured") or event["kind"] == FAILED


def clears(event: Event) -> str:
    """The kind whose state this one ends; empty for what begins something."""
    row = KINDS.get(event["kind"])
    return "" if row is None else str(row[2])


def incident_of(event: Event) -> str:
    """Its incident; what has none, such as a press of a button, stands for itself."""
    return str(event["incident"] or f"{event['lane']}/{event['epoch']}/{event['seq']}")


def shortfalls(verdict: Verdict, expect: Expect) -> list[tuple[str, dict[str, object]]]:
    """Where the verdict is not what was expected: the name of the text, and what it is filled with. Empty where it is met."""
    found: list[tuple[str, dict[str, object]]] = []
    for reason, event in verdict.confused:
        found.append((reason, {"kind": event["kind"], "lane": event["lane"], "device": event["device"]}))
    alarms = verdict.alarms.values()
    if len(alarms) != expect.personal_alarms:
        found.append(("alarms_differ", {"found": len(alarms), "expected": expect.personal_alarms}))
    seen = {event["kind"] for alarm in alarms for event in alarm.begun}
    found += [("alarm_missing", {"kind": kind}) for kind in sorted(expect.kinds - seen)]
    if expect.over and not all(alarm.over for alarm in alarms):
        found.append(("alarm_stands", {}))
    counts = verdict.fault_counts()
    for kind in sorted(counts | expect.faults):
        if counts[kind] != expect.faults[kind]:
            numbers = {"found": counts[kind], "expected": expect.faults[kind]}
            found.append(("faults_differ", {"kind": kind, **numbers}))
    if expect.doses is not None:
        found += doses.shortfalls(verdict.doses, expect.doses)
    return found + unread(verdict.readings, expect.measured)


def unread(readings: list[Event], expected: tuple[Measured, ...]) -> list[tuple[str, dict[str, object]]]:
    """Measurements that did not arrive in their digits, and those that nobody expects of the devices that are listed."""
    left = [event for event in readings if event["device"] in {each.device for each in expected}]
    found: list[tuple[str, dict[str, object]]] = []
    for each in expected:
        match = next((event for event in left if is_that(event, each)), None)
        if match is None:
            said = ", ".join(f"{name} {item}" for name, item in each.values.items())
            found.append(("reading_missing", {"device": each.device, "kind": each.kind, "values": said}))
        else:
            left.remove(match)
    found += [("reading_extra", {"device": event["device"], "kind": event["kind"]}) for event in left]
    return found


def is_that(event: Event, expected: Measured) -> bool:
    """Whether an event is the reading that is expected, digit by digit."""
    values = {name: str(item) for name, item in event["values"].items()}
    is_alike = all(values.get(name) == item for name, item in expected.values.items())
    return (event["device"], event["kind"]) == (expected.device, expected.kind) and is_alike
