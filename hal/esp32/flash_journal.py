"""The journal in flash, for a gateway of ESP32 class: a raw circular log in a partition of its own.

Contract: DESIGN.md 5. Same promises as the store on Linux, over a block device such as `esp32.Partition`. How it is laid out:
`journal_frames` (bytes), `journal_stream` (lanes), `journal_store` (what is written together), `journal_opening`
(starts), `journal_space` (who gives way), `journal_epoch`, `journal_aside`. Why: docs/adr/0029-flash-journal.md.
"""

import asyncio
import os

from hal.errors import CorruptDataError, DeniedError, HalError, StorageFullError, UnavailableError
from hal.esp32.journal_aside import Aside
from hal.esp32.journal_epoch import renew
from hal.esp32.journal_opening import open_store, own_asides
from hal.esp32.journal_sectors import ASIDE, Sectors
from hal.esp32.journal_space import make_room
from hal.esp32.journal_words import gaps_word
from hal.types import ASIDE_STATE, EPOCH_SIZE, LANES, GivenUp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from hal.esp32.journal_opening import Scan
    from hal.esp32.journal_store import Store
    from hal.types import Entry, LaneMark, SetAside

CRAMPED_SHARE = 8  # more than one part in this many is taken by what is set aside


class FlashJournal:
    """Implements `hal.interfaces.Journal`. Calls are served one after the other; none waits for the flash but in itself."""

    _in_use: "list[object]" = []  # devices that a journal of this process has

    def __init__(self, device: object, random: "Callable[[int], bytes]" = os.urandom) -> None:
        self._device = device
        self._lock = asyncio.Lock()
        self._closed = False
        self._is_sound = True  # False: a write failed, and the flash has to be read again
        self._sectors = Sectors(device)
        self._store: Store
        self._scan: Scan
        self._store, self._scan = open_store(self._sectors, random)

    @classmethod
    async def open(cls, device: object, *, random: "Callable[[int], bytes]" = os.urandom) -> "FlashJournal":
        """The journal on `device`, made where there is none.

        Raises:
            DeniedError: this process has it open already.
            UnavailableError: the medium failed.
        """
        for other in cls._in_use:
            if other is device:
                raise DeniedError("the journal is in use: close it before it is opened again")
        cls._in_use.append(device)
        try:
            await asyncio.sleep(0)
            return cls(device, random)
        except BaseException:
            cls._let_go_of(device)
            raise

    @classmethod
    def _let_go_of(cls, device: object) -> None:
        cls._in_use[:] = [other for other in cls._in_use if other is not device]

    # --- reading ------------------------------------------------------------------------------------------------

    @property
    def epoch(self) -> bytes:
        return self._store.epoch

    def state(self, key: str) -> "bytes | None":
        return self._store.words.state.get(key)

    def state_keys(self, prefix: str) -> "list[str]":
        return sorted([key for key in self._store.words.state if key.startswith(prefix)])

    def mark(self, lane: int) -> "LaneMark":
        self._try_to_mend()
        return self._store.mark(lane)

    def peek(self, lane: int, after: int, limit_bytes: int, limit_count: int = 128) -> "list[Entry]":
        self._make_sound()
        try:
            return self._store.peek(lane, after, limit_bytes, limit_count)
        except CorruptDataError:
            pass  # once more: a reading may have gone wrong
        try:
            return self._store.peek(lane, after, limit_bytes, limit_count)
        except CorruptDataError as error:
            self._note_damage(error)
            raise

    def given_up(self) -> "list[GivenUp]":
        return list(self._store.words.gaps)

    @property
    def cramped(self) -> bool:
        return self._sectors.aside > self._sectors.count // CRAMPED_SHARE

    def set_aside(self) -> "list[SetAside]":
        return [Aside(self._scan, epoch, reason).set_aside() for epoch, reason in self._store.words.asides]

    @property
    def erases(self) -> int:
        """Sectors erased since the start."""
        return self._sectors.erases

    # --- writing ------------------------------------------------------------------------------------------------

    async def append(
        self, events: "Sequence[tuple[int, bytes]]", state: "Mapping[str, bytes | None] | None" = None
    ) -> "list[Entry]":
        check_events(events)
        entries: list[Entry] = await self._do(lambda store: self._append(store, events, state))
        return entries

    async def ack(self, lane: int, seq: int) -> None:
        await self._do(lambda store: store.ack(lane, seq))

    async def confirm_given_up(self, gone: GivenUp, events: "Sequence[tuple[int, bytes]]") -> "list[Entry]":
        check_events(events)
        entries: list[Entry] = await self._do(lambda store: self._confirm(store, gone, events))
        return entries

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
        await self._turn()
        async with self._lock:
            self._make_sound()
            try:
                self._store, entries = await renew(self._store, epoch, again, events, state)
            except CorruptDataError as error:
                self._note_damage(error)
                raise
            except UnavailableError:
                self._is_sound = False
                self._try_to_mend()
                raise
            return entries

    async def close(self) -> None:
        if self._closed:
            return
        async with self._lock:
            try:
                if self._is_sound:
                    self._store.forget_acked()
            finally:
                self._closed = True
                self._sectors.buffer = (
                    bytearray()
                )  # 4 KiB in one piece: whoever opens it anew may be short of memory
                self._let_go_of(self._device)

    # --- within -------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        if self._closed:
            raise UnavailableError("the journal is closed: open it again")

    async def _turn(self) -> None:
        """Let others run, so that a loop of appends does not hold them all."""
        self._check()
        await asyncio.sleep(0)

    def _make_sound(self) -> None:
        """After a write that failed nobody knows what the flash holds: it is read again, as after a start."""
        self._check()
        if not self._is_sound:
            acked, epoch = self._store.acked, self._store.epoch
            self._store, self._scan = open_store(self._sectors, None)
            self._is_sound = True
            if epoch == self._store.epoch:
                for lane in LANES:
                    self._store.ack(lane, acked[lane])

    def _try_to_mend(self) -> None:
        """Read the flash again where that is due, so that marks say what is there; the next call says what is in the way."""
        try:
            if not self._closed:
                self._make_sound()
        except HalError:
            return

    def _note_damage(self, error: CorruptDataError) -> None:
        """Leave word for the next start, where that is still possible."""
        if self._is_sound:
            self._is_sound = self._store.note_damage(error.detail)

    async def _do(self, work: "Callable[[Store], Any]") -> "Any":
        await self._turn()
        async with self._lock:
            self._make_sound()
            try:
                return work(self._store)
            except StorageFullError:
                raise
            except CorruptDataError as error:
                self._note_damage(error)
                raise
            except UnavailableError:
                self._is_sound = False
                self._try_to_mend()
                raise
            except BaseException:
                self._is_sound = False
                raise

    def _append(
        self,
        store: "Store",
        events: "Sequence[tuple[int, bytes]]",
        state: "Mapping[str, bytes | None] | None",
    ) -> "list[Entry]":
        make_room(store, events, state)
        entries = store.append(events, state)
        for key, value in (state or {}).items():
            if value is not None and key.startswith(ASIDE_STATE):
                self._let_go(store)
        return entries

    def _let_go(self, store: "Store") -> None:
        """A store that was set aside is journalled again: its sectors are free."""
        sectors = self._sectors
        for place in range(sectors.count):
            if sectors.owner[place] == ASIDE:
                sectors.release(place)
        own_asides(self._scan, store.words)

    def _confirm(self, store: "Store", gone: GivenUp, events: "Sequence[tuple[int, bytes]]") -> "list[Entry]":
        make_room(store, events)
        rows = store.words.gaps
        for index in range(len(rows)):
            row = rows[index]
            if (row.lane, row.first) == (gone.lane, gone.first) and row.last >= gone.last:
                rest = [GivenUp(row.lane, gone.last + 1, row.last)] if row.last > gone.last else []
                word = gaps_word(rows[:index] + rest + rows[index + 1 :])
                return store.append(events, None, (word,))
        return []


def check_events(events: "Sequence[tuple[int, bytes]]") -> None:
    """Refuse what no journal can hold; that is a fault of the caller."""
    for lane, event in events:
        if lane not in LANES or not event:
            raise ValueError("an event has a lane from 0 to 4 and at least one byte")
