"""Observations to events. Every observation becomes an event of its own; rules only ever add to them.

That is the whole guarantee for lanes 0 and 1: a rule has no way to drop, change or delay what a device said.
The one filter, `Recording`, is asked for the measurement lane alone.

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

    from gateway.core.model import Observation
    from gateway.core.rules.recording import Recording


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
        self.exercises = Exercises(self.storms, stored)

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
                events += rule.observe(event, moment)
        return self.finished(events, moment)

    def keeps(self, event: Event) -> bool:
        """Whether the event is recorded; only a stream of the measurement lane may be thinned."""
        recording = self.recordings.get(event.placement)
        return recording is None or lane_of(event.kind) != MEASUREMENT or recording.keeps(event)

    def due(self, moment: Moment) -> "list[Event]":
        """Events that time alone brought."""
        events: "list[Event]" = []
        for rule in self.rules:
            at = rule.next_due_ms()
            if at is not None and at <= moment.uptime_ms:
                events += rule.due(moment)
        return self.finished(events, moment)

    def next_due_ms(self) -> "int | None":
        """Uptime in ms at which a rule, a storm or an exercise next wants `due`, or None."""
        times = [rule.next_due_ms() for rule in self.rules]
        known = [
            at for at in times + [self.storms.next_due_ms(), self.exercises.next_due_ms()] if at is not None
        ]
        return min(known) if known else None

    def finished(self, events: "list[Event]", moment: Moment) -> "list[Event]":
        """Incidents and marks given, the order of the device's own word kept; then what storms and exercises bring."""
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
        kept = [self.incidents.changes, self.storms.changes, self.exercises.changes]
        for moved in kept + [rule.changes for rule in self.rules]:
            changes.update(moved)
        self.incidents.changes, self.storms.changes, self.exercises.changes = {}, {}, {}
        for rule in self.rules:
            rule.changes = {}
        return changes
