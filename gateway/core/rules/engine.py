"""Observations to events. Every observation becomes an event of its own; rules only ever add to them.

That is the whole guarantee for lanes 0 and 1: what a rule answers stands behind what the device said. A rule that fails
answers nothing, is reported once (`part.restarted`) and is asked again the next time: no rule can drop or delay a word. It
is handed the event itself, to know later which incident that got; that no rule of ours writes to it is what
tests/core/test_rules_bounded.py holds. The one filter, `Recording`, is asked for the measurement lane alone.

Beside what the device said an event carries what the engine knows of it: its incident, that it is part of an exercise
(`exercise.py`), and a count where it repeats what was told within ten minutes (`storm.py`). None of these holds an event
back: each is in the answer of the call that brought the observation, and what the device said stands in it unchanged.
"""

from gateway.core.event_codec import lane_of
from gateway.core.model import Event
from gateway.core.rules.exercise import Exercises
from gateway.core.rules.incidents import PREFIX, Incidents
from gateway.core.rules.storm import Storms
from hal.types import MEASUREMENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gateway.core.model import Observation
    from gateway.core.rules.recording import Recording

FAILED = "part.restarted"
REST_MS = 60_000  # so long a rule that failed when its time came is let alone: time alone must not keep the hub busy
LONGEST_TEXT = 200  # characters of a cause


class Moment:
    """When the hub learned something: boot, uptime in ms, UTC in ms while the clock is trusted."""

    __slots__ = ("boot", "uptime_ms", "utc_ms")

    def __init__(self, boot: int, uptime_ms: int, utc_ms: "int | None") -> None:
        self.boot = boot
        self.uptime_ms = uptime_ms
        self.utc_ms = utc_ms


class Rule:
    """One rule for one placement. `changes` is the state it wants stored with the events it made."""

    def __init__(self, placement: int, rule_id: bytes) -> None:
        self.placement = placement
        self.rule_id = rule_id
        self.changes: "dict[str, bytes | None]" = {}

    def observe(self, event: Event, moment: Moment) -> "list[Event]":
        """What follows from an event of this placement."""
        return []

    def due(self, moment: Moment) -> "list[Event]":
        """What follows from time having passed."""
        return []

    def next_due_ms(self) -> "int | None":
        """Uptime in ms at which `due` wants to be called, or None."""
        return None

    def has_told(self, incident: bytes) -> bool:
        """Whether it has told of a state in this incident that has not ended."""
        return False

    def made(
        self, kind: str, moment: Moment, values: "dict[str, object] | None" = None, provenance: int = 0
    ) -> Event:
        """An event made by this rule."""
        return Event(
            kind,
            self.placement,
            moment.boot,
            moment.uptime_ms,
            moment.utc_ms,
            values,
            provenance=provenance,
            rule=self.rule_id,
        )


class Engine:
    """All rules of a hub, the recording of streams, incidents, storms and exercises."""

    def __init__(
        self,
        rules: "list[Rule]",
        recordings: "dict[int, Recording]",
        random: "Callable[[int], bytes]",
        stored: "dict[str, bytes]",
    ) -> None:
        self.rules = rules
        self.recordings = recordings
        self.incidents = Incidents(
            random, {key: item for key, item in stored.items() if key.startswith(PREFIX)}
        )
        self.storms = Storms(self.incidents, stored)
        self.storms.is_missed = self.is_missed
        self.exercises = Exercises(self.storms, stored)
        self.failed: "list[Rule]" = []  # rules that failed in this run: each is reported once
        self.unsaid: "list[tuple[Rule, str]]" = []  # those that no event tells of yet, and why
        self.rests: "dict[Rule, int]" = {}  # until when (uptime in ms) time alone does not call a rule

    def observe(
        self, placement: int, observation: "Observation", moment: Moment, identity: "bytes | None" = None
    ) -> "list[Event]":
        """The observation's own event, where its recording keeps it, and what the rules add, alarms first.

        `identity`: event key 9, for what the device told from its own log and may tell again.
        """
        event = Event(
            observation.kind,
            placement,
            moment.boot,
            moment.uptime_ms,
            moment.utc_ms,
            dict(observation.values),  # a mark is the event's, not the device's
            identity=identity,
            device_time=observation.device_time,
            provenance=observation.provenance,
        )
        events = [event] if self.keeps(event) else []
        for rule in self.rules:
            if rule.placement == placement:
                events += self.asked(rule, rule.observe, event, moment) or []
        return self.finished(events, moment)

    def is_missed(self, incident: bytes) -> bool:
        """Whether a rule has told, in this incident, of a state that has not ended."""
        return any([self.asked(rule, rule.has_told, incident) for rule in self.rules])

    def asked(self, rule: Rule, ask: "Callable[..., Any]", *given: object) -> "Any":
        """What a rule answers, or None where it fails: a fault of ours, with which nothing may go that a device said.

        Raises MemoryError: it may have moved on without its answer, so nobody goes on with it.
        """
        try:
            return ask(*given)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is: the device's word is stored, and the fault told
            if rule not in self.failed:
                self.failed.append(rule)
                self.unsaid.append((rule, type(error).__name__ + ": " + str(error)))
            return None

    def keeps(self, event: Event) -> bool:
        """Whether the event is recorded; only a stream of the measurement lane may be thinned."""
        recording = self.recordings.get(event.placement)
        return recording is None or lane_of(event.kind) != MEASUREMENT or recording.keeps(event)

    def due(self, moment: Moment) -> "list[Event]":
        """Events that time alone brought."""
        events: "list[Event]" = []
        for rule in self.rules:
            at = self.due_of(rule)
            if at is not None and at <= moment.uptime_ms:
                answered = self.asked(rule, rule.due, moment)
                if answered is None:
                    self.rests[rule] = moment.uptime_ms + REST_MS
                events += answered or []
        return self.finished(events, moment)

    def due_of(self, rule: Rule) -> "int | None":
        """Uptime in ms at which a rule wants `due`, or None; one that failed then not before it has rested."""
        at: "int | None" = self.asked(rule, rule.next_due_ms)
        return None if at is None else max(at, self.rests.get(rule, at))

    def next_due_ms(self) -> "int | None":
        """Uptime in ms at which a rule, a storm or an exercise next wants `due`, or None."""
        if self.unsaid:
            return 0
        times = [self.due_of(rule) for rule in self.rules]
        known = [
            at for at in times + [self.storms.next_due_ms(), self.exercises.next_due_ms()] if at is not None
        ]
        return min(known) if known else None

    def finished(self, events: "list[Event]", moment: Moment) -> "list[Event]":
        """Incidents and marks given, the order of the device's own word kept; then what storms and exercises bring."""
        for rule, why in self.unsaid:
            values: "dict[str, object]" = {
                "part": "rule " + type(rule).__name__,
                "reason": why[:LONGEST_TEXT],
            }
            events.append(rule.made(FAILED, moment, values))
        self.unsaid = []
        for event in events:
            self.assign(event)
        for event in self.exercises.due(moment):
            self.assign(event)
            events.append(event)
        return events + self.storms.due(moment)

    def assign(self, event: Event) -> None:
        """Give an event its incident and its marks. What an exercise brings is no part of a storm, nor makes one."""
        event.exercise = self.exercises.covers(event)
        if event.exercise:
            self.incidents.assign(event)
        else:
            self.storms.follow(event)

    def take_changes(self) -> "dict[str, bytes | None]":
        """State to store with the events just made; the next call gives only what changed since."""
        changes: "dict[str, bytes | None]" = {}
        for moved in (self.incidents.changes, self.storms.changes, self.exercises.changes):
            changes.update(moved)
        self.incidents.changes, self.storms.changes, self.exercises.changes = {}, {}, {}
        for rule in self.rules:
            changes.update(self.asked(rule, getattr, rule, "changes") or {})
            rule.changes = {}
        return changes
