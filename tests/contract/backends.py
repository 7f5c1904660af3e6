"""Which backends stand behind each interface: one dictionary an interface, from a backend's name to what makes it.

A contract file takes its dictionary as the parameters of a fixture and knows no backend:

    @pytest.fixture(params=JOURNALS)
    def host(request: pytest.FixtureRequest, tmp_path: Path) -> JournalHost:
        return JOURNALS[request.param](tmp_path)

To add a backend, write a host for it and give it a line. A host has the interface's front, and a back door for what
no program can do by itself: cut the power, damage the medium, move the time. A backend that this machine cannot have
is skipped by its host, with a reason.
"""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from hal.interfaces import Journal
from hal.linux.journal import SqliteJournal
from hal.sim.journal import SimJournal
from hal.sim.medium import SimMedium
from tests.contract.air_hosts import AirHost, bumble_air, sim_air
from tests.contract.line_hosts import LineHost, PtyLineHost, SimLineHost

SMALL_BYTES = 256 * 1024


# --- journal -------------------------------------------------------------------------------------------------------


class JournalHost(Protocol):
    """A machine with a medium for one journal."""

    def opened(self, capacity_bytes: int = ...) -> AbstractAsyncContextManager[Journal]:
        """The journal, closed at the end."""
        ...

    def cut(self, capacity_bytes: int = ...) -> AbstractAsyncContextManager[Journal]:
        """The journal; at the end the power goes, and only what the medium holds is there for the next."""
        ...

    def damage(self) -> None:
        """Make the closed store such that it does not open. Entries in the middle of what it holds are spared."""
        ...


class LinuxJournalHost:
    """Keeps a directory for each life of the machine: a cut copies the files as they are at that moment."""

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
            for file in before.parent.iterdir():
                if file.suffix != ".lock" and not file.name.endswith("-shm"):
                    shutil.copy(file, self.path.parent / file.name)

    def damage(self) -> None:
        """The root of the state table is overwritten: nothing that an entry needs."""
        connection = sqlite3.connect(self.path)
        root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'state'").fetchone()[0]
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


JOURNALS: Mapping[str, Callable[[Path], JournalHost]] = {"linux": LinuxJournalHost, "sim": SimJournalHost}


# --- scanner and central: tests/contract/air_hosts.py --------------------------------------------------------------

AIRS: Mapping[str, Callable[[Path], AbstractAsyncContextManager[AirHost]]] = {
    "bumble": bumble_air,
    "sim": sim_air,
}


# --- serial ports: tests/contract/line_hosts.py --------------------------------------------------------------------

LINES: Mapping[str, Callable[[Path], LineHost]] = {"linux": PtyLineHost, "sim": SimLineHost}
