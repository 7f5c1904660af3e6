"""F20, what reaches the card: bytes written for each event, its receipt and its deletion counted."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

from hal.linux.journal import SqliteJournal
from hal.linux.journal_store import Store
from hal.types import MEASUREMENT, Entry
from tools.bench.journal import EVENT, written
from tools.evidence.figure import Control, Figure, Outcome

ALONE_LIMIT, TENS_LIMIT = 12 * 1024, 2 * 1024
TENS = 10
CONTROL_EVENTS = 200  # each of them is synced several times


class EagerJournal(SqliteJournal):
    """The control: what is receipted is deleted at once, and the log, which gathers changes, goes back with each of them."""

    async def ack(self, lane: int, seq: int) -> None:
        await super().ack(lane, seq)
        await self._do(forget_at_once)


def forget_at_once(store: Store) -> list[Entry]:
    """Delete in a transaction of its own; with a log of one page each commit writes its pages a second time, in their place."""
    store.connection.execute("PRAGMA wal_autocheckpoint = 1")
    return store.forget_all()


async def cost(folder: Path, group: int, count: int, journal_of: type[SqliteJournal]) -> tuple[int, int]:
    """Bytes for `count` events in groups, from open to close: handed to the system, and sent on to the device."""
    journal = await journal_of.open(folder / "journal.sqlite")
    before, device_before = written(), written("write_bytes")
    for _ in range(count // group):
        entries = await journal.append([(MEASUREMENT, EVENT)] * group)
        await journal.ack(MEASUREMENT, entries[-1].seq)
    await journal.close()
    return written() - before, written("write_bytes") - device_before


def measured(
    group: int, limit: int, journal_of: type[SqliteJournal] = SqliteJournal
) -> Callable[[int, int], Outcome]:
    """A run for groups of so many; bad are the bytes over the limit."""

    def run(trials: int, _seed: int) -> Outcome:
        count = max(group, trials - trials % group)
        with tempfile.TemporaryDirectory(prefix="trygg-bytes-") as name:
            size, device = asyncio.run(cost(Path(name), group, count, journal_of))
        over = max(0, size - limit * count)
        return Outcome(
            count,
            over,
            {
                "bytes_an_event": size // count,
                "device_bytes_an_event": device // count,
                "limit_bytes": limit,
            },
        )

    return run


def figure(part: str, how: str, group: int, limit: int, control: Control, unsafe: str) -> Figure:
    """One row."""
    return Figure(
        id="F20" + part,
        title=f"Bytes written to the card per routine event, {how}",
        trial="event",
        asked=f"{limit // 1024} KiB at most",
        release=20_000,
        share=2_000,
        modules=("hal/linux", "hal/types.py", "tools/bench/journal.py", "tools/bench/journal_figures.py"),
        run=measured(group, limit),
        control=control,
        unsafe=unsafe,
        conditions=(
            "100-byte events, receipt and deletion counted, all that the process wrote (wchar) is what is asked; "
            "beside it what went on to the device in whole pages (write_bytes: 0 where TMPDIR is in memory); what the card's "
            "own controller makes of it is the card's"
        ),
        adds_up=False,
    )


def eager(seed: int) -> Outcome:
    """Deletes with each receipt, and keeps no log."""
    return measured(1, ALONE_LIMIT, EagerJournal)(CONTROL_EVENTS, seed)


def lonely(seed: int) -> Outcome:
    """Commits each event by itself, and is held to what tens may cost."""
    return measured(1, TENS_LIMIT)(CONTROL_EVENTS, seed)


FIGURES = (
    figure(
        "c",
        "alone",
        1,
        ALONE_LIMIT,
        eager,
        "deletes with each receipt and writes each change into its place at once",
    ),
    figure("d", "in tens", TENS, TENS_LIMIT, lonely, "commits each event by itself"),
)
