"""What must be caught: a hub with one guard taken out, for the controls of harnesses. Never for a home."""

import asyncio

from gateway.core import event_codec
from gateway.core.outbox import PROGRESS
from gateway.hub.uplink import Delivery
from hal.types import LANES
from tools.rig.sim.telling_journal import TellingJournal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from gateway.core.outbox import Flight
    from gateway.core.wire import Parsed
    from gateway.hub.inward import Inward
    from hal.types import Entry, LaneMark


class ForgetOnPuback(Delivery):
    """Takes the broker's word for delivery, as many gateways do."""

    def after_puback(self, flight: "Flight") -> None:
        """Forget what the broker acknowledged, receipt or not."""
        if self.journal.mark(flight.lane).first <= flight.last:
            self.outbox.forget(self.outbox.lanes[flight.lane], flight.last)
            self.forgetting = asyncio.create_task(self.journal.ack(flight.lane, flight.last))


def believe_numbers(inward: "Inward") -> None:
    """A receipt's numbers count and its chain values do not. Beside it belongs an epoch that is the same in every life."""

    def judge(parsed: "Parsed") -> "list[tuple[int, int, str]]":
        rows: "Any" = parsed.fields["lanes"]
        found = []
        for lane, (seq, _) in sorted(rows.items()):
            mark = inward.journal.mark(lane)
            if seq >= mark.first:
                found.append((lane, min(seq, mark.last), PROGRESS))
        return found

    inward.judge = judge  # type: ignore[method-assign]


class Expiring(Delivery):
    """Lets events expire by the time of day, as a queue does whose entries have a time to live."""

    KEPT_MS = 30 * 86_400_000

    def marks(self) -> "list[LaneMark]":
        """Where all lanes stand; called before each bundle is cut."""
        now_ms = self.clock.utc_ms()
        if now_ms is not None:
            for lane in LANES:
                self.expire(lane, now_ms - self.KEPT_MS)
        return super().marks()

    def expire(self, lane: int, before_ms: int) -> None:
        """Forget what is oldest, up to the first event that is not as old as that or does not say when it was."""
        gone = 0
        for entry in self.journal.peek(lane, 0, 1 << 20, 1_000):
            utc_ms = event_codec.decode_event(entry.event).utc_ms
            if utc_ms is None or utc_ms > before_ms:
                break
            gone = entry.seq
        if gone:
            self.outbox.forget(self.outbox.lanes[lane], gone)
            self.forgetting = asyncio.create_task(self.journal.ack(lane, gone))


class DatedJournal(TellingJournal):
    """Journals again under a new epoch in the order of the time of day, as whoever sorts a queue by its time stamps."""

    renumbering = False

    async def _begin(self, operation: str) -> bool:
        after = await super()._begin(operation)
        self.renumbering = operation == "begin_epoch"  # from here to its end nobody else runs
        return after

    def peek(self, lane: int, after: int, limit_bytes: int, limit_count: int = 128) -> "Any":
        found = super().peek(lane, after, limit_bytes, limit_count)
        return sorted(found, key=time_of_day) if self.renumbering else found

    async def begin_epoch(
        self,
        epoch: bytes,
        again: "Callable[[Entry], bytes]",
        events: "Sequence[tuple[int, bytes]]",
        state: "Any" = None,
    ) -> "list[Entry]":
        try:
            return await super().begin_epoch(epoch, again, events, state)
        finally:
            self.renumbering = False


def time_of_day(entry: "Entry") -> int:
    """When it happened by the gateway's clock, 0 where that was not known."""
    return event_codec.decode_event(entry.event).utc_ms or 0


class EarlyJournal(TellingJournal):
    """Promises an append before it is durable: a power cut takes the last one back."""

    def __init__(self, *arguments: "Any", **options: "Any") -> None:
        super().__init__(*arguments, **options)
        self.newest: "list[Entry]" = []

    async def append(self, events: "Any", state: "Any" = None) -> "Any":
        self.newest = await super().append(events, state)
        return self.newest

    def power_went(self) -> None:
        for entry in self.newest:
            entries = self._store.lanes[entry.lane].entries
            if entries and entries[-1].seq >= entry.seq:
                entries.pop()


class NamelessJournal(TellingJournal):
    """Journals again under a new epoch without the old identity: the platform cannot know that it has it."""

    async def begin_epoch(
        self,
        epoch: bytes,
        again: "Callable[[Entry], bytes]",
        events: "Sequence[tuple[int, bytes]]",
        state: "Any" = None,
    ) -> "list[Entry]":
        return await super().begin_epoch(epoch, lambda entry: entry.event, events, state)
