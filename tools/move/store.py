"""The journal of a gateway whose hub does not run, opened so that nothing of it is left behind beside it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.core.config import Config
from hal.interfaces import Journal
from hal.linux.journal import SqliteJournal
from hal.types import LANES
from tools.move.erase import Eraser


@asynccontextmanager
async def opened(config: Config, work: Path, eraser: Eraser) -> AsyncIterator[SqliteJournal]:
    """The journal, where there is one.

    SQLite unlinks its log when it is closed and would leave its bytes: a second name in `work` holds them until they are erased.

    Raises:
        DeniedError: a hub runs with it. UnavailableError: the medium failed.
    """
    path = Path(config.storage.path)
    journal = await SqliteJournal.open(path, capacity_bytes=config.storage.capacity_mb << 20)
    log, held = Path(f"{path}-wal"), work / "wal"
    try:
        yield journal
    finally:
        hold(log, held)
        await journal.close()
        eraser.file(held)


def hold(log: Path, held: Path) -> None:
    """Give a file a second name. Raises OSError."""
    held.unlink(missing_ok=True)
    if log.exists():
        os.link(log, held)


def count_held(journal: Journal) -> int:
    """Events without a receipt."""
    marks = [journal.mark(lane) for lane in LANES]
    return sum(mark.last - mark.first + 1 for mark in marks)
