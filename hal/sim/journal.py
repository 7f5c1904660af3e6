"""The journal in memory, on both interpreters: same contract as the stores on disk and in flash."""

import asyncio
import os

from hal.errors import StorageFullError, UnavailableError
from hal.sim.faults import ERROR, FULL, POWER_CUT, POWER_CUT_AFTER
from hal.types import (
    ALARM,
    ASIDE_STATE,
    EPOCH_SIZE,
    LANES,
    SAFETY,
    YIELD_ORDER,
    Entry,
    GivenUp,
    LaneMark,
    chain_next,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hal.sim.faults import FaultPlan
    from hal.sim.medium import SimMedium, Store, StoredLane
    from hal.types import SetAside

ENTRY_COST = 32  # bytes that an entry or a state key takes beside its own
RESERVE_SHARE = 8  # one part in this many is kept for lanes 0 and 1
FORGET_AFTER = 16  # acknowledged entries that may come back after a cut


class SimJournal:
    """Holds its entries on `medium`, so that another journal finds them after a power cut.

    Faults of the interface `journal`, by operation `append`, `ack`, `confirm_given_up`, `begin_epoch`: ERROR and
    FULL leave the medium as it was, POWER_CUT stops before the operation took hold, POWER_CUT_AFTER when it did.
    """

    def __init__(
        self,
        medium: "SimMedium",
        *,
        capacity_bytes: int = 1 << 20,
        random: "Callable[[int], bytes]" = os.urandom,
        faults: "FaultPlan | None" = None,
    ) -> None:
        self._medium = medium
        self._capacity_bytes = capacity_bytes
        self._faults = faults
        self._closed = False
        self._store, self._power = medium.attach(random)
        self._acked = [lane.forgotten for lane in self._store.lanes]
        self._used_bytes = used_bytes(self._store)

    # --- reading -----------------------------------------------------------------------------------------------

    @property
    def epoch(self) -> bytes:
        return self._store.epoch

    def state(self, key: str) -> "bytes | None":
        return self._store.state.get(key)

    def state_keys(self, prefix: str) -> "list[str]":
        return sorted([key for key in self._store.state if key.startswith(prefix)])

    def mark(self, lane: int) -> LaneMark:
        stored = self._store.lanes[lane]
        acked = self._acked[lane]
        before = stored.before if acked == stored.forgotten else self._held(stored, acked).chain
        last, chain = last_of(stored)
        return LaneMark(acked + 1, before, last, chain)

    def peek(self, lane: int, after: int, limit_bytes: int, limit_count: int = 128) -> "list[Entry]":
        self._check()
        stored = self._store.lanes[lane]
        start = max(after, self._acked[lane]) - stored.forgotten
        found: list[Entry] = []
        size = 0
        for entry in stored.entries[start : start + limit_count]:
            size += len(entry.event)
            if found and size > limit_bytes:
                break
            found.append(entry)
        return found

    @property
    def cramped(self) -> bool:
        return self._medium.cramped_bytes is not None

    def given_up(self) -> "list[GivenUp]":
        return list(self._store.given_up)

    def set_aside(self) -> "list[SetAside]":
        return [aside for aside in self._medium.asides if ASIDE_STATE + aside.name not in self._store.state]

    # --- writing -----------------------------------------------------------------------------------------------

    async def append(
        self, events: "Sequence[tuple[int, bytes]]", state: "Mapping[str, bytes | None] | None" = None
    ) -> "list[Entry]":
        check_events(events)
        after = await self._begin("append")
        self._make_room(events, state)
        return self._commit(self._write(events, state), after)

    async def ack(self, lane: int, seq: int) -> None:
        after = await self._begin("ack")
        stored = self._store.lanes[lane]
        self._acked[lane] = max(self._acked[lane], min(seq, last_of(stored)[0]))
        if self._acked[lane] - stored.forgotten >= FORGET_AFTER:
            self._forget_acked()
        self._commit([], after)

    async def confirm_given_up(self, gone: GivenUp, events: "Sequence[tuple[int, bytes]]") -> "list[Entry]":
        check_events(events)
        after = await self._begin("confirm_given_up")
        rows = self._store.given_up
        for index in range(len(rows)):
            row = rows[index]
            if (row.lane, row.first) == (gone.lane, gone.first) and row.last >= gone.last:
                self._make_room(events, None)
                rest = (
                    [GivenUp(row.lane, gone.last + 1, rows[index].last)]
                    if rows[index].last > gone.last
                    else []
                )
                self._store.given_up = rows[:index] + rest + rows[index + 1 :]
                return self._commit(self._write(events, None), after)
        return self._commit([], after)

    async def begin_epoch(
        self,
        epoch: bytes,
        again: "Callable[[Entry], bytes]",
        events: "Sequence[tuple[int, bytes]]",
        state: "Mapping[str, bytes | None] | None" = None,
    ) -> "list[Entry]":
        check_events(events)
        if len(epoch) != EPOCH_SIZE or epoch == self.epoch:
            raise ValueError("an epoch is 8 bytes and never used twice")
        after = await self._begin("begin_epoch")
        store = self._store
        before = (store.epoch, store.lanes, store.given_up, self._acked, self._used_bytes)
        held = [self.peek(lane, 0, self._used_bytes, len(store.lanes[lane].entries)) for lane in LANES]
        self._used_bytes = sum([entry_cost(key, value) for key, value in store.state.items()])
        store.epoch, store.lanes, store.given_up = epoch, store.empty_lanes(epoch), []
        self._acked = [0 for _ in LANES]
        try:
            for lane in YIELD_ORDER + (ALARM, SAFETY):
                for entry in held[lane]:
                    self._add([(lane, again(entry))], None)
            entries = self._add(events, state)
        except StorageFullError:
            store.epoch, store.lanes, store.given_up, self._acked, self._used_bytes = before
            raise
        return self._commit(entries, after)

    def _add(
        self, events: "Sequence[tuple[int, bytes]]", state: "Mapping[str, bytes | None] | None"
    ) -> "list[Entry]":
        """Make room for `events` and `state`, and store them."""
        self._make_room(events, state)
        return self._write(events, state)

    async def close(self) -> None:
        if not self._closed:
            self._check()
            self._forget_acked()
            self._closed = True
            self._medium.detach(self._power)

    # --- within ------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        self._medium.check(self._power)
        if self._closed:
            raise UnavailableError("the journal is closed: open it again")

    async def _begin(self, operation: str) -> bool:
        """Let others run, then meet what the plan holds; whether the power goes when the operation took hold."""
        self._check()
        await asyncio.sleep(0)
        self._check()
        effect = self._faults.effect("journal", operation) if self._faults is not None else None
        if effect is None:
            return False
        if effect == ERROR:
            raise UnavailableError("the medium failed: try again", "simulated")
        if effect == FULL:
            raise StorageFullError("the medium is full: nothing was stored", "simulated")
        if effect == POWER_CUT:
            self._medium.cut()
            self._check()
        if effect != POWER_CUT_AFTER:
            raise ValueError("a journal knows no fault " + effect)
        return True

    def _commit(self, entries: "list[Entry]", power_goes: bool) -> "list[Entry]":
        if power_goes:
            self._medium.cut()
        self._check()
        return entries

    def _write(
        self, events: "Sequence[tuple[int, bytes]]", state: "Mapping[str, bytes | None] | None"
    ) -> "list[Entry]":
        entries = []
        for lane, event in events:
            stored = self._store.lanes[lane]
            last, chain = last_of(stored)
            entry = Entry(lane, last + 1, bytes(event), chain_next(chain, event))
            stored.entries.append(entry)
            entries.append(entry)
            self._used_bytes += entry_cost("", event)
        for key, value in (state or {}).items():
            old = self._store.state.pop(key, None)
            self._used_bytes -= entry_cost(key, old)
            if value is not None:
                self._store.state[key] = bytes(value)
            self._used_bytes += entry_cost(key, value)
        return entries

    def _make_room(
        self, events: "Sequence[tuple[int, bytes]]", state: "Mapping[str, bytes | None] | None"
    ) -> None:
        """Give up the oldest of lanes 4, 3 and 2 until `events` and `state` fit, or raise with nothing given up."""
        need = sum([entry_cost("", event) for _, event in events])
        for key, value in (state or {}).items():
            need += entry_cost(key, value) - entry_cost(key, self._store.state.get(key))
        urgent = any([lane not in YIELD_ORDER for lane, _ in events])
        limit = self._capacity_bytes
        if self._medium.cramped_bytes is not None:
            limit = min(limit, self._medium.cramped_bytes)
        if not urgent:
            limit -= limit // RESERVE_SHARE
        if need <= 0 or self._used_bytes + need <= limit:
            return
        self._forget_acked()
        lanes = self._store.lanes
        yielding = sum([entry_cost("", entry.event) for lane in YIELD_ORDER for entry in lanes[lane].entries])
        if self._used_bytes + need - yielding > limit:
            raise StorageFullError(
                "the journal holds nothing more that may be given up, and nothing was stored:"
                " restore the connection to the platform, or give it more room"
            )
        for lane in YIELD_ORDER:
            if self._used_bytes + need > limit:
                self._yield(lane, self._used_bytes + need - limit)

    def _yield(self, lane: int, size: int) -> None:
        stored = self._store.lanes[lane]
        freed = 0
        count = 0
        while count < len(stored.entries) and freed < size:
            freed += entry_cost("", stored.entries[count].event)
            count += 1
        if count:
            first = stored.forgotten + 1
            stored.forget(stored.entries[count - 1].seq)
            self._acked[lane] = stored.forgotten
            self._used_bytes -= freed
            note_given_up(self._store.given_up, GivenUp(lane, first, stored.forgotten))

    def _forget_acked(self) -> None:
        for lane in LANES:
            for entry in self._store.lanes[lane].forget(self._acked[lane]):
                self._used_bytes -= entry_cost("", entry.event)

    def _held(self, stored: "StoredLane", seq: int) -> Entry:
        return stored.entries[seq - stored.forgotten - 1]


def check_events(events: "Sequence[tuple[int, bytes]]") -> None:
    """Refuse what no journal can hold; that is a fault of the caller."""
    for lane, event in events:
        if lane not in LANES or not event:
            raise ValueError("an event has a lane from 0 to 4 and at least one byte")


def last_of(stored: "StoredLane") -> "tuple[int, bytes]":
    """Number and chain value of the newest entry that was ever in the lane."""
    if stored.entries:
        return stored.entries[-1].seq, stored.entries[-1].chain
    return stored.forgotten, stored.before


def entry_cost(key: str, value: "bytes | None") -> int:
    """Bytes that an event, or a state key with its value, takes; an absent value takes none."""
    return 0 if value is None else ENTRY_COST + len(key) + len(value)


def used_bytes(store: "Store") -> int:
    """What a store takes of the capacity."""
    held = sum([entry_cost("", entry.event) for lane in store.lanes for entry in lane.entries])
    return held + sum([entry_cost(key, value) for key, value in store.state.items()])


def note_given_up(rows: "list[GivenUp]", gone: GivenUp) -> None:
    """Add `gone`, as one row with the lane's newest where the numbers go on."""
    for index in range(len(rows) - 1, -1, -1):
        if rows[index].lane == gone.lane:
            if rows[index].last + 1 == gone.first:
                rows[index] = GivenUp(gone.lane, rows[index].first, gone.last)
                return
            break
    rows.append(gone)
