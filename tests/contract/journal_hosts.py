"""Machines with a medium for one journal, and what its contract files share."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from hal.esp32.flash_journal import FlashJournal
from hal.esp32.journal_frames import CONTROL, HEADER_SIZE, SECTOR, decode_header
from hal.esp32.journal_store import SPARE
from hal.interfaces import Journal
from hal.linux.journal import SqliteJournal
from hal.sim.journal import SimJournal
from hal.sim.medium import SimMedium
from hal.sim.nor_flash import NorFlash
from hal.types import Entry, chain_next

SMALL_BYTES = 256 * 1024  # the least a journal can work with
EVENT = b"e" * 1000  # of which few fill it


class JournalHost(Protocol):
    """A machine with a medium for one journal."""

    def opened(self, capacity_bytes: int = ...) -> AbstractAsyncContextManager[Journal]:
        """The journal, closed at the end."""
        ...

    def cut(self, capacity_bytes: int = ...) -> AbstractAsyncContextManager[Journal]:
        """The journal; at the end the power goes, and only what the medium holds is there for the next."""
        ...

    def damage(self) -> None:
        """Make the closed store such that it does not open. Entries in the middle of what it holds are spared, and state."""
        ...


class LinuxJournalHost:
    """Keeps a directory for each life of the machine: a cut copies the files as they are at one moment.

    The writer goes on tidying when nobody waits. So its own thread copies, between two things that it does: half of the files
    from before the log was brought into the store, and half from after it, are a picture that no power cut leaves.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._life = 0

    @property
    def path(self) -> Path:
        return self._folder / f"life-{self._life}" / "journal.sqlite"

    @asynccontextmanager
    async def opened(self, capacity_bytes: int = 8 << 20) -> AsyncIterator[SqliteJournal]:
        journal = await SqliteJournal.open(self.path, capacity_bytes=capacity_bytes)
        try:
            yield journal
        finally:
            await journal.close()

    @asynccontextmanager
    async def cut(self, capacity_bytes: int = 8 << 20) -> AsyncIterator[SqliteJournal]:
        async with self.opened(capacity_bytes) as journal:
            yield journal
            before = self.path
            self._life += 1
            self.path.parent.mkdir()
            await journal._do(lambda _: self._copy_files(before))

    def _copy_files(self, before: Path) -> list[Entry]:
        for file in before.parent.iterdir():
            if file.suffix != ".lock" and not file.name.endswith("-shm"):
                self.copy_file(file, self.path.parent / file.name)
        return []

    def copy_file(self, file: Path, to: Path) -> None:
        """One file of the life before."""
        shutil.copy(file, to)

    def damage(self) -> None:
        """The root of the table of what was given up is overwritten: nothing that an entry or state needs."""
        connection = sqlite3.connect(self.path)
        root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'given_up'").fetchone()[0]
        connection.close()
        with self.path.open("r+b") as file:
            file.seek((root - 1) * 4096)
            file.write(b"\xff" * 4096)


class SimJournalHost:
    """A medium in memory."""

    def __init__(self, folder: Path) -> None:
        self.medium = SimMedium()

    @asynccontextmanager
    async def opened(self, capacity_bytes: int = 8 << 20) -> AsyncIterator[SimJournal]:
        journal = SimJournal(self.medium, capacity_bytes=capacity_bytes)
        try:
            yield journal
        finally:
            await journal.close()

    @asynccontextmanager
    async def cut(self, capacity_bytes: int = 8 << 20) -> AsyncIterator[SimJournal]:
        yield SimJournal(self.medium, capacity_bytes=capacity_bytes)
        self.medium.cut()

    def damage(self) -> None:
        self.medium.damage()


class FlashJournalHost:
    """A partition of NOR flash in memory, of which each life has the bytes that the one before left."""

    MOST_BYTES = SMALL_BYTES  # of what a test asks for: more is only slower

    def __init__(self, folder: Path) -> None:
        self.device: NorFlash | None = None

    def _device(self, capacity_bytes: int) -> NorFlash:
        if self.device is None:
            capacity = min(capacity_bytes, self.MOST_BYTES)
            self.device = NorFlash(2 * capacity // SECTOR + SPARE)
        return self.device

    @asynccontextmanager
    async def opened(self, capacity_bytes: int = 8 << 20) -> AsyncIterator[FlashJournal]:
        journal = await FlashJournal.open(self._device(capacity_bytes))
        try:
            yield journal
        finally:
            await journal.close()

    @asynccontextmanager
    async def cut(self, capacity_bytes: int = 8 << 20) -> AsyncIterator[FlashJournal]:
        async with self.opened(capacity_bytes) as journal:
            yield journal
            before = self._device(capacity_bytes)
            self.device = NorFlash(before.sectors, bytearray(before.data))

    def damage(self) -> None:
        """A bit of the first frame of the control stream: it says marks and gaps, and no entry or state needs it."""
        assert self.device is not None
        damage_picture(self.device.data)


def damage_picture(data: bytearray) -> None:
    """Flip a bit in the newest picture of the control stream, where it says marks and gaps."""
    starts = []
    for place in range(len(data) // SECTOR):
        header = decode_header(data[place * SECTOR : place * SECTOR + HEADER_SIZE])
        if header is not None and header.stream == CONTROL and header.starts:
            starts.append((header.serial, place))
    data[max(starts)[1] * SECTOR + HEADER_SIZE + 8] ^= 1


# --- lives and readings --------------------------------------------------------------------------------------------

Program = Callable[[Journal], Awaitable[None]]


def live(host: JournalHost, program: Program, *, cut: bool = False, capacity_bytes: int = 8 << 20) -> None:
    """One life of the machine: open, run the program, close or lose the power."""

    async def run() -> None:
        async with (host.cut if cut else host.opened)(capacity_bytes) as journal:
            await program(journal)

    asyncio.run(run())


def events_of(entries: Sequence[Entry]) -> list[bytes]:
    return [entry.event for entry in entries]


def held(journal: Journal, lane: int) -> list[Entry]:
    """Everything a lane holds, by as many peeks as it takes; numbers, chain and mark agree."""
    mark = journal.mark(lane)
    entries: list[Entry] = []
    chain, seq = mark.before, mark.first - 1
    while more := journal.peek(lane, seq, 10_000):
        for entry in more:
            seq, chain = seq + 1, chain_next(chain, entry.event)
            assert (entry.lane, entry.seq, entry.chain) == (lane, seq, chain)
        entries += more
    assert (seq, chain) == (mark.last, mark.chain)
    return entries


async def fill(journal: Journal, lane: int, until: Callable[[], bool], limit: int = 2000) -> int:
    """Append to a lane until something happens; how many it took."""
    for count in range(1, limit):
        await journal.append([(lane, EVENT)] * 5)
        if until():
            return 5 * count
    raise AssertionError("it did not happen")
