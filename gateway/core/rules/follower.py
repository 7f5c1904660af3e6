"""What rules share that wait: what began when, what was told and has not ended, and how both outlive a restart.

All of it is one row of state under `rule.<placement>.<rule id>`, stored in the append of the events that moved it.
Bytes that are no such row count as nothing remembered: a hub that does not start helps nobody.
"""

from gateway.core import cbor
from gateway.core.event_codec import INCIDENT_SIZE
from gateway.core.model import WINDOW_ASSUMED, Event
from gateway.core.rules.engine import Moment, Rule
from gateway.core.rules.storm import MOST
from gateway.core.timezone import in_window, local_minutes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.core.rules.senses import Senses

STATE = "rule."
CANNOT_TELL, CAN_TELL = "rule.cannot_tell", "rule.can_tell"
MOST_MARKS = 16  # contacts of one sensor that are followed
LOOK_MS = 5_000  # how soon to look again at what has no time of its own
# After a start an alarm that is due waits so long: a sensor whose state changed meanwhile says so (as doses do).
RESUME_MS = 120_000
UNKNOWN = -1  # utc_ms of a mark made without a trusted clock
# name, boot, uptime_ms, utc_ms, before_ms, incident, provenance
MARK_SHAPE: "list[type]" = [str, int, int, int, int, bytes, int]
OPEN_SHAPE: "list[type]" = [str, str, bytes]


class Mark:
    """When something began. before_ms: what had passed before; provenance: of what was said then.

    incident: that of the event which began it, `source`; an event gets its own only after the rules have seen it.
    """

    __slots__ = ("before_ms", "boot", "kept", "provenance", "source", "uptime_ms", "utc_ms")

    def __init__(
        self,
        boot: int,
        uptime_ms: int,
        utc_ms: int = UNKNOWN,
        before_ms: int = 0,
        incident: bytes = b"",
        provenance: int = 0,
    ) -> None:
        self.boot = boot
        self.uptime_ms = uptime_ms
        self.utc_ms = utc_ms
        self.before_ms = before_ms
        self.kept = incident
        self.source: "Event | None" = None
        self.provenance = provenance

    @property
    def incident(self) -> bytes:
        """Where what follows belongs; empty while nothing began it."""
        return self.kept if self.source is None or self.source.incident is None else self.source.incident

    def passed_ms(self, moment: Moment) -> int:
        """How long ago: by uptime; across a restart by the time of day, or where that is unknown since this start."""
        if moment.boot == self.boot:
            return self.before_ms + max(0, moment.uptime_ms - self.uptime_ms)
        if self.utc_ms == UNKNOWN or moment.utc_ms is None:
            return self.before_ms + moment.uptime_ms
        return self.before_ms + max(moment.uptime_ms, moment.utc_ms - self.utc_ms)

    def watched_ms(self, moment: Moment) -> int:
        """As `passed_ms`, without the time in which the hub did not run."""
        began_ms = self.uptime_ms if moment.boot == self.boot else 0
        return self.before_ms + max(0, moment.uptime_ms - began_ms)


def mark_at(moment: Moment, before_ms: int = 0, source: "Event | None" = None, provenance: int = 0) -> Mark:
    """A mark of now, or of `before_ms` ago."""
    utc_ms = UNKNOWN if moment.utc_ms is None else moment.utc_ms
    mark = Mark(moment.boot, moment.uptime_ms, utc_ms, before_ms, b"", provenance)
    mark.source = source
    return mark


def read_state(item: "bytes | None") -> "tuple[dict[str, Mark], list[list[object]]]":
    """Marks by name and open states [kind, part, incident] of a stored row; nothing where it does not read."""
    try:
        row: "Any" = cbor.decode(item or b"")
        rows, told = row
        marks = {row[0]: Mark(*row[1:]) for row in rows if has_shape(row, MARK_SHAPE) and has_sense(row)}
        good = [row for row in told if has_shape(row, OPEN_SHAPE) and len(row[2]) == INCIDENT_SIZE]
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  whatever becomes of bytes that nothing proves
        return {}, []
    return marks, good


def has_shape(row: object, shape: "list[type]") -> bool:
    """Whether a row holds values of these types."""
    return isinstance(row, list) and [type(part) for part in row] == shape


def has_sense(row: "list[Any]") -> bool:
    """Whether the numbers of a mark are such as are kept: one below 0, or beyond all, would make an event that does not encode."""
    return UNKNOWN <= row[3] < MOST and all(
        [0 <= number < MOST for number in (row[1], row[2], row[4], row[6])]
    )


def state_key(placement: int, rule_id: bytes) -> str:
    """Where a rule keeps its row."""
    return STATE + str(placement) + "." + rule_id.hex()


class Window:
    """Hours of the local day [begin, end) in minutes, which may cross midnight; equal ends are the whole day."""

    __slots__ = ("begin", "end", "zone")

    def __init__(self, begin: int, end: int, zone: str) -> None:
        self.begin = begin
        self.end = end
        self.zone = zone

    def has(self, moment: Moment) -> bool:
        """Whether it is within the hours. An unknown clock counts as inside (D7); `assumed` says so."""
        if moment.utc_ms is None:
            return True
        return in_window(local_minutes(moment.utc_ms, self.zone)[1], self.begin, self.end)

    def assumed(self, moment: Moment) -> int:
        """The provenance of what is told now: 4 where the window was assumed."""
        return WINDOW_ASSUMED if moment.utc_ms is None else 0

    def since_ms(self, utc_ms: int) -> "int | None":
        """How long ago these hours last began, the change of summer time counted in; None where they never begin."""
        if self.begin == self.end:
            return None
        minute = local_minutes(utc_ms, self.zone)[1]
        at_ms = utc_ms - utc_ms % 60_000 - (minute - self.begin) % 1440 * 60_000
        off = (local_minutes(at_ms, self.zone)[1] - self.begin) % 1440
        return utc_ms - (at_ms - (off - 1440 if off > 720 else off) * 60_000)


class Ear(Rule):
    """Another device that a rule listens to."""

    def __init__(self, placement: int, listener: "Follower") -> None:
        super().__init__(placement, listener.rule_id)
        self.listener = listener

    def observe(self, event: Event, moment: Moment) -> "list[Event]":
        """Hand on what the device said."""
        return self.listener.overheard(event, moment)


class Follower(Rule):
    """A rule that waits. `marks` and `told` are its whole memory; after `note` they are the next `changes`."""

    def __init__(self, placement: int, rule_id: bytes, senses: "Senses", stored: "dict[str, bytes]") -> None:
        self.is_news = False
        super().__init__(placement, rule_id)
        self.senses = senses
        self.key = state_key(placement, rule_id)
        self.marks, self.told = read_state(stored.get(self.key))
        self.look_ms: "int | None" = 0 if self.marks or self.told else None

    def overheard(self, event: Event, moment: Moment) -> "list[Event]":
        """What follows from an event of another device that the rule listens to."""
        return []

    def next_due_ms(self) -> "int | None":
        """Uptime in ms of the next look."""
        return self.look_ms

    def look_in(self, wait_ms: int, moment: Moment) -> None:
        """Look again after so long, never at once: time alone must not keep the hub busy."""
        at_ms = moment.uptime_ms + max(1_000, wait_ms)
        self.look_ms = at_ms if self.look_ms is None else min(self.look_ms, at_ms)

    def note(self) -> None:
        """Keep what is remembered with the next append."""
        self.is_news = True

    @property  # read when incidents have been given, so that they are kept, too
    def changes(self) -> "dict[str, bytes | None]":
        """State to store with the events just made."""
        return {self.key: self.row()} if self.is_news else {}

    @changes.setter
    def changes(self, taken: "dict[str, bytes | None]") -> None:
        """What there was has been taken."""
        self.is_news = False

    def row(self) -> "bytes | None":
        """All that is remembered, or None where that is nothing."""
        rows = []
        for name in sorted(self.marks):
            mark = self.marks[name]
            rows.append(
                [
                    name,
                    mark.boot,
                    mark.uptime_ms,
                    mark.utc_ms,
                    mark.before_ms,
                    mark.incident,
                    mark.provenance,
                ]
            )
        return cbor.encode([rows, self.told]) if rows or self.told else None

    def put(self, name: str, mark: Mark) -> bool:
        """Remember a mark; False where there are too many."""
        if name not in self.marks and len(self.marks) >= MOST_MARKS:
            return False
        self.marks[name] = mark
        self.note()
        return True

    def drop(self, name: str) -> None:
        """Forget a mark."""
        if self.marks.pop(name, None) is not None:
            self.note()

    def find(self, kind: str, part: str = "") -> "list[object] | None":
        """The open state of that kind and part, or None."""
        for row in self.told:
            if row[0] == kind and row[1] == part:
                return row
        return None

    def has_told(self, incident: bytes) -> bool:
        return any([row[2] == incident for row in self.told])

    def begin(
        self,
        kind: str,
        moment: Moment,
        incident: bytes,
        values: "dict[str, object] | None" = None,
        part: str = "",
        provenance: int = 0,
    ) -> "list[Event]":
        """Tell a state once; nothing where it is open already."""
        if self.find(kind, part) is not None:
            return []
        if len(incident) != INCIDENT_SIZE:  # state that was damaged, or nothing that had one
            incident = self.senses.fresh_incident(INCIDENT_SIZE)
        self.told.append([kind, part, incident])
        self.note()
        return [self.said(kind, moment, incident, values, part, provenance)]

    def end(
        self,
        opened: str,
        kind: str,
        moment: Moment,
        values: "dict[str, object] | None" = None,
        part: str = "",
        provenance: int = 0,
    ) -> "list[Event]":
        """Tell the end of a state with its incident; nothing where it is not open."""
        row = self.find(opened, part)
        if row is None:
            return []
        self.told.remove(row)
        self.note()
        return [self.said(kind, moment, row[2], values, part, provenance)]

    def said(
        self,
        kind: str,
        moment: Moment,
        incident: object,
        values: "dict[str, object] | None",
        part: str,
        provenance: int,
    ) -> Event:
        """An event of this rule with its incident."""
        shown: "dict[str, object]" = {"part": part} if part else {}
        shown.update(values or {})
        event = self.made(kind, moment, shown, provenance)
        event.incident = incident  # type: ignore[assignment]
        return event

    def cannot_tell(self, moment: Moment, reason: str, part: str = "") -> "list[Event]":
        """A fault stands where an alarm would: said once, in the technical lane (H7)."""
        incident = self.senses.fresh_incident(INCIDENT_SIZE)
        return self.begin(CANNOT_TELL, moment, incident, {"reason": reason}, part)

    def can_tell(self, moment: Moment, part: str = "") -> "list[Event]":
        """The fault is over."""
        return self.end(CANNOT_TELL, CAN_TELL, moment, None, part)
