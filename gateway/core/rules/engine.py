"""Observations to events. Every observation becomes an event of its own; rules only ever add to them.

That is the whole guarantee for lanes 0 and 1: a rule has no way to drop, change or delay what a device said.
The one filter, `Recording`, is asked for the measurement lane alone.
"""

from gateway.core.event_codec import lane_of
from gateway.core.model import Event
from gateway.core.rules.incidents import PREFIX, Incidents
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
    """All rules of a hub, the recording of streams, and incidents."""

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

    def observe(self, placement: int, observation: "Observation", moment: Moment) -> "list[Event]":
        """The observation's own event, where its recording keeps it, and what the rules add, alarms first."""
        event = Event(
            observation.kind,
            placement,
            moment.boot,
            moment.uptime_ms,
            moment.utc_ms,
            observation.values,
            device_time=observation.device_time,
            provenance=observation.provenance,
        )
        events = [event] if self.keeps(event) else []
        for rule in self.rules:
            if rule.placement == placement:
                events += rule.observe(event, moment)
        return self.finished(events)

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
        return self.finished(events)

    def next_due_ms(self) -> "int | None":
        """Uptime in ms at which a rule next wants `due`, or None."""
        times = [at for at in [rule.next_due_ms() for rule in self.rules] if at is not None]
        return min(times) if times else None

    def finished(self, events: "list[Event]") -> "list[Event]":
        """Incidents given; the order of the device's own word kept."""
        for event in events:
            self.incidents.assign(event)
        return events

    def take_changes(self) -> "dict[str, bytes | None]":
        """State to store with the events just made; the next call gives only what changed since."""
        changes = self.incidents.changes
        self.incidents.changes = {}
        for rule in self.rules:
            changes.update(rule.changes)
            rule.changes = {}
        return changes
