"""The journal of a Linux gateway: SQLite with a write-ahead log, synced at every commit, one thread that writes.

An append goes to the writer's queue. The writer takes what has gathered while it was busy, up to a limit, commits it
in one transaction and tells the loop; so appends made at the same time share a sync, and one that is alone waits for
nothing but its own. Marks and state are mirrored in the loop's thread; `peek` reads the tables there, through a
second connection, which the writer never blocks.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hal.errors import CorruptDataError, HalError, UnavailableError
from hal.linux import journal_file
from hal.linux.journal_errors import CLOSED_MESSAGE, damaged_entry, from_sqlite
from hal.linux.journal_salvage import Salvage
from hal.linux.journal_space import MIN_CAPACITY_BYTES, Events, State
from hal.linux.journal_store import AGAIN_BYTES, Outcome, Work
from hal.linux.journal_writer import Mirror, Request, Writer, settle
from hal.types import ASIDE_STATE, EPOCH_SIZE, LANES, Entry, GivenUp, LaneMark, SetAside, chain_next


class SqliteJournal:
    """Made by `SqliteJournal.open`; belongs to the loop it was opened in."""

    def __init__(self, path: Path, capacity_bytes: int) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._writer = Writer(path, capacity_bytes, self._loop, self._publish)
        self._closed = False
        self._state: dict[str, bytes] = {}
        self._reasons: dict[str, str] = {}
        self._mirror: Mirror
        self._reader: sqlite3.Connection

    @classmethod
    async def open(
        cls,
        path: Path | str,
        *,
        capacity_bytes: int = 64 << 20,
        random: Callable[[int], bytes] = os.urandom,
        scripts: Sequence[str] | None = None,
    ) -> "SqliteJournal":
        """Open or create the store at `path`; its directory is created where it is missing.

        The log takes up to 4 MiB beside `capacity_bytes`. A store that does not open is set aside and a new one
        begun. `scripts` are the schema's versions, by default those that come with this software.

        Raises:
            DeniedError: another hub has the store, or permissions are in the way.
            UnavailableError: the medium fails.
            StorageFullError: there is no room for a new store.
        """
        if capacity_bytes < MIN_CAPACITY_BYTES:
            raise ValueError(
                f"capacity_bytes: found {capacity_bytes}, expected at least {MIN_CAPACITY_BYTES}"
            )
        journal = cls(Path(path), capacity_bytes)
        opened = await journal._writer.open(random, journal_file.migrations() if scripts is None else scripts)
        journal._mirror, journal._reader = opened.mirror, opened.reader
        journal._state, journal._reasons = opened.state, opened.reasons
        return journal

    # --- reading -----------------------------------------------------------------------------------------------

    @property
    def epoch(self) -> bytes:
        return self._mirror.epoch

    def state(self, key: str) -> bytes | None:
        return self._state.get(key)

    def state_keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self._state if key.startswith(prefix))

    def mark(self, lane: int) -> LaneMark:
        return self._mirror.marks[lane]

    def given_up(self) -> list[GivenUp]:
        return list(self._mirror.given_up)

    @property
    def cramped(self) -> bool:
        return self._mirror.cramped

    def set_aside(self) -> list[SetAside]:
        names = [
            name for name in journal_file.aside_names(self._path) if ASIDE_STATE + name not in self._state
        ]
        return [self._aside(name, Salvage(self._path.with_name(name))) for name in names]

    def _aside(self, name: str, salvage: Salvage) -> SetAside:
        reason = self._reasons.get(name, journal_file.EARLIER)
        return SetAside(
            name, reason, salvage, salvage.starts(), *salvage.state(), given_up=salvage.given_up()
        )

    def peek(self, lane: int, after: int, limit_bytes: int, limit_count: int = 128) -> list[Entry]:
        """As the interface has it. Raises CorruptDataError where an entry does not match its chain value."""
        self._check_open()
        mark = self._mirror.marks[lane]
        start = max(after, mark.first - 1)
        if start >= mark.last:
            return []
        try:
            return self._read(lane, start, limit_bytes, limit_count)
        except sqlite3.Error as error:
            raise self._damaged(from_sqlite(error, "reading events")) from error

    def _read(self, lane: int, start: int, limit_bytes: int, limit_count: int) -> list[Entry]:
        """Entries above `start`, each checked against the chain."""
        mark = self._mirror.marks[lane]
        before = (
            mark.before if start < mark.first else None
        )  # else the entry `start` is read along for its value
        found: list[Entry] = []
        size = 0
        cursor = self._reader.execute(
            f"SELECT seq, event, chain FROM entry_{lane} WHERE seq >= ? AND seq <= ? ORDER BY seq LIMIT ?",  # noqa: S608  a number of ours
            (start if before is None else start + 1, mark.last, limit_count + (before is None)),
        )
        try:
            for seq, event, chain in cursor:
                if seq != start + len(found) + (before is not None):
                    break
                if before is not None:
                    if not isinstance(event, bytes) or chain_next(before, event) != chain:
                        return self._mismatch(lane, seq)
                    size += len(event)
                    if found and size > limit_bytes:
                        break
                    found.append(Entry(lane, seq, event, chain))
                before = chain
        finally:
            cursor.close()
        # Without a value to begin with it is the entry `start` that is not there.
        return found or self._mismatch(lane, start if before is None else start + 1)

    def _mismatch(self, lane: int, seq: int) -> list[Entry]:
        """Nothing, where the writer has let go of the entry and its word of that is on the way; else damage."""
        sql = "SELECT epoch, forgotten FROM journal, lane WHERE lane = ?"
        epoch, forgotten = self._reader.execute(sql, (lane,)).fetchone()
        if epoch != self._mirror.epoch or forgotten >= seq:
            return []
        raise self._damaged(damaged_entry(lane, seq))

    def _damaged(self, error: HalError) -> HalError:
        if isinstance(error, CorruptDataError):
            journal_file.note_damage(self._path, str(error))
        return error

    # --- writing -----------------------------------------------------------------------------------------------

    async def append(
        self, events: Sequence[tuple[int, bytes]], state: Mapping[str, bytes | None] | None = None
    ) -> list[Entry]:
        """As the interface has it. Cancelled, it may have stored everything or nothing."""
        events, state = checked(events), dict(state or {})
        return await self._do(lambda store: store.append(events, state), events, state)

    async def ack(self, lane: int, seq: int) -> None:
        await self._do(lambda store: store.ack(lane, seq))

    async def confirm_given_up(self, gone: GivenUp, events: Sequence[tuple[int, bytes]]) -> list[Entry]:
        events = checked(events)
        return await self._do(lambda store: store.confirm_given_up(gone, events), events)

    async def begin_epoch(
        self,
        epoch: bytes,
        again: Callable[[Entry], bytes],
        events: Sequence[tuple[int, bytes]],
        state: Mapping[str, bytes | None] | None = None,
    ) -> list[Entry]:
        events, state = checked(events), dict(state or {})
        if len(epoch) != EPOCH_SIZE or epoch == self.epoch:
            raise ValueError("an epoch is 8 bytes and never used twice")
        held = sum(mark.last - mark.first + 1 for mark in self._mirror.marks)
        return await self._do(
            lambda store: store.begin_epoch(epoch, again, events, state),
            events,
            state,
            grows_bytes=held * AGAIN_BYTES,
        )

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await self._writer.close()

    async def _do(
        self, work: Work, events: Events = (), state: State | None = None, grows_bytes: int = 0
    ) -> list[Entry]:
        self._check_open()
        future: asyncio.Future[list[Entry]] = self._loop.create_future()
        self._writer.put(Request(work, future, events, state, grows_bytes))
        return await future

    def _publish(
        self, mirror: Mirror, group: Sequence[Request], outcomes: Sequence[Outcome | Exception]
    ) -> None:
        """A group is through: show it, then tell who waits."""
        self._mirror = mirror
        for request, outcome in zip(group, outcomes, strict=True):
            if not isinstance(outcome, Exception):
                for key, value in request.state.items():
                    if value is None:
                        self._state.pop(key, None)
                    else:
                        self._state[key] = value
            settle(request.future, outcome)

    def _check_open(self) -> None:
        if self._closed:
            raise UnavailableError(CLOSED_MESSAGE)


def checked(events: Sequence[tuple[int, bytes]]) -> Events:
    """A copy of the events. Raises ValueError for what no journal can hold; that is a fault of the caller."""
    for lane, event in events:
        if lane not in LANES or not event:
            raise ValueError("an event has a lane from 0 to 4 and at least one byte")
    return [(lane, bytes(event)) for lane, event in events]
