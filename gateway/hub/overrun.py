"""What waits for room in the store, and what becomes of it where memory has none either.

Alarms are never given up. Of the rest the least important goes first, and of that the oldest, as in the store itself. The
loss is an event of its own, and the state of what is lost (replay counters, open incidents) is kept for that event.
"""

from gateway.core.event_codec import lane_of
from hal.types import INFO, MEASUREMENT, TECHNICAL, YIELD_ORDER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.model import Event

    State = dict[str, bytes | None]

OWED_LIMIT = 256  # works without an alarm that wait for room
COUNTS = {TECHNICAL: "technical_count", MEASUREMENT: "measurement_count", INFO: "info_count"}


class Work:
    """Events and state that are stored together or not at all; `order` says which was asked for first."""

    __slots__ = ("events", "in_doubt", "is_stored", "order", "rank", "state", "under_way", "urgent")

    def __init__(self, events: "list[Event]", state: "State") -> None:
        """rank: its most important lane; state alone, which costs nothing to merge, stands behind all lanes.

        urgent: whether an alarm is in it, so that it waits behind nothing else and is never given up.
        """
        self.events = events
        self.state = state
        self.order = 0
        self.rank = min([lane_of(event.kind) for event in events] + [INFO + 1])
        self.urgent = self.rank not in YIELD_ORDER and bool(events)
        self.under_way = False  # the journal has it in hand: it must not change
        self.is_stored = False
        self.in_doubt = False  # the journal met a lack of memory, before it stored it or after

    def asked(self, key: str) -> int:
        """The order of its state of this key."""
        return self.order


class Notice(Work):
    """Stands for works that memory lost: how many events of which lanes, and the newest of their state."""

    __slots__ = ("orders",)

    def __init__(self) -> None:
        super().__init__([], {})
        self.orders: "dict[str, int]" = {}

    def asked(self, key: str) -> int:
        """The order in which the lost work was asked for that this state is of."""
        return self.orders.get(key, self.order)

    def take(self, work: Work, made: "Callable[[], Event]") -> None:
        """Count and keep what is lost with `work`; `made` gives the event that says so, at the first loss."""
        for key, item in work.state.items():
            if work.order >= self.orders.get(key, 0):
                self.state[key], self.orders[key] = item, work.order
        if work.events and not self.events:
            self.events = [made()]
        for event in work.events:
            values = self.events[0].values
            for name in ("count", COUNTS[lane_of(event.kind)]):
                values[name] = values.get(name, 0) + 1  # type: ignore[operator]


class Overrun:
    """Keeps what waits within bounds. `lost`: events given up since the start, by lane."""

    def __init__(self, made: "Callable[[], Event]") -> None:
        self.made = made
        self.lost: "dict[int, int]" = {}

    def shed(self, owed: "list[Work]") -> "Work | None":
        """Where too much routine work is `owed`, take one out and let a notice stand for it; the work, where it had events."""
        routine = [work for work in owed if not isinstance(work, Notice)]
        spare = [work for work in routine if not work.under_way]
        if len(routine) <= OWED_LIMIT or not spare:
            return None
        rank = max([work.rank for work in spare])
        work = next(work for work in spare if work.rank == rank)
        owed.remove(work)
        self.notice(owed).take(work, self.made)
        for event in work.events:
            lane = lane_of(event.kind)
            self.lost[lane] = self.lost.get(lane, 0) + 1
        return work if work.events else None

    def notice(self, owed: "list[Work]") -> Notice:
        """The notice that may still change; it goes before all else that can wait."""
        for work in owed:
            if isinstance(work, Notice) and not work.under_way:
                return work
        notice = Notice()
        owed.insert(0, notice)
        return notice
