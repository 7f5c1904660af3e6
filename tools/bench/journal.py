"""Durable appends a second, beside what the disk itself can sync, in the same run and folder."""

import asyncio
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from hal.linux.journal import SqliteJournal
from hal.types import MEASUREMENT

Say = Callable[..., None]

EVENT = bytes(range(100))
FRAME = bytes(4096 + 24)  # what SQLite appends to its log for one changed page
LOG_BYTES = 2 << 20
SECONDS = 2.0
ROUNDS = 5
HELD = 60_000
PEEK_BYTES = 60_000


def synced_writes(path: Path, seconds: float) -> list[float]:
    """Seconds that each write of one log frame with fdatasync took; over blocks that the file already has."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(descriptor).st_size < LOG_BYTES:
            os.pwrite(descriptor, bytes(LOG_BYTES), 0)
            os.fsync(descriptor)
        took: list[float] = []
        offset, end = 0, time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            os.pwrite(descriptor, FRAME, offset)
            os.fdatasync(descriptor)
            took.append(time.perf_counter() - began)
            offset = (offset + len(FRAME)) % (LOG_BYTES - len(FRAME))
        return took
    finally:
        os.close(descriptor)


async def appends(journal: SqliteJournal, group: int, seconds: float) -> list[float]:
    """Seconds that each append of `group` events took, one after the other."""
    events = [(MEASUREMENT, EVENT)] * group
    took: list[float] = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        await journal.append(events)
        took.append(time.perf_counter() - began)
    return took


async def at_once(journal: SqliteJournal, tasks: int, seconds: float) -> list[float]:
    """The same for `tasks` tasks that each append one event at a time."""
    each = await asyncio.gather(*[appends(journal, 1, seconds) for _ in range(tasks)])
    return [took for one in each for took in one]


def written(counter: str = "wchar") -> int:
    """Bytes that this process has handed to the system to write; `write_bytes`: that went on to a block device."""
    for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        if line.startswith(counter + ":"):
            return int(line.split()[1])
    return 0


async def bytes_an_event(journal: SqliteJournal, group: int, count: int) -> float:
    """Bytes written for each event that is appended, receipted and forgotten."""
    before = written()
    for _ in range(count // group):
        entries = await journal.append([(MEASUREMENT, EVENT)] * group)
        await journal.ack(MEASUREMENT, entries[-1].seq)
    return (written() - before) / count


async def read_all(journal: SqliteJournal) -> float:
    """Events a second, read and checked against the chain."""
    mark = journal.mark(MEASUREMENT)
    began, seq = time.perf_counter(), mark.first - 1
    while found := journal.peek(MEASUREMENT, seq, PEEK_BYTES):
        seq = found[-1].seq
    return (seq - mark.first + 1) / (time.perf_counter() - began)


def quantiles(took: list[float]) -> str:
    """Median and 99th percentile in microseconds."""
    ordered = sorted(took)
    p50, p99 = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    return f"p50 {p50 * 1e6:,.0f} us, p99 {p99 * 1e6:,.0f} us"


async def measure(folder: Path, say: Say) -> None:
    """Rounds of everything in turn, so that a busy moment of the machine falls on all; medians of the rounds."""
    journal = await SqliteJournal.open(folder / "journal.sqlite", capacity_bytes=1 << 30)
    share = SECONDS / ROUNDS
    rates: dict[str, list[float]] = {}
    spreads: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, events, took in (
            ("the disk: one log frame, fdatasync", 1, synced_writes(folder / "frames", share)),
            ("journal, appends one by one", 1, await appends(journal, 1, share)),
            ("journal, appends in tens", 10, await appends(journal, 10, share)),
            ("journal, appends in hundreds", 100, await appends(journal, 100, share)),
            ("journal, 100 tasks, one by one each", 1, await at_once(journal, 100, share)),
        ):
            span = share if name.startswith("journal, 100") else sum(took)
            rates.setdefault(name, []).append(events * len(took) / span)
            spreads.setdefault(name, []).extend(took)
    for name, values in rates.items():
        unit = "syncs/s" if name.startswith("the disk") else "events/s"
        say(name, f"{statistics.median(values):,.0f} {unit}", quantiles(spreads[name]) + " a call")
    say(
        "journal, read and checked",
        f"{await read_all(journal):,.0f} events/s",
        f"{journal.mark(MEASUREMENT).last:,} held",
    )
    await journal.ack(MEASUREMENT, journal.mark(MEASUREMENT).last)
    await journal.close()


async def sizes(folder: Path, say: Say) -> None:
    """Bytes written, and the time to open with a month's backlog."""
    path = folder / "bytes.sqlite"
    journal = await SqliteJournal.open(path)
    for group, name in ((1, "alone"), (10, "in tens"), (100, "in hundreds")):
        figure = await bytes_an_event(journal, group, 2000 * min(group, 10))
        say(
            f"journal, bytes written an event, {name}",
            f"{figure:,.0f}",
            "100-byte events, receipt and deletion counted",
        )
    for _ in range(HELD // 1000):
        await journal.append([(MEASUREMENT, EVENT)] * 1000)
    await journal.close()
    began = time.perf_counter()
    journal = await SqliteJournal.open(path)
    say("journal, open and check", f"{(time.perf_counter() - began) * 1e3:,.0f} ms", f"{HELD:,} events held")
    await journal.close()


def report(folder: Path, say: Say) -> None:
    """Measure in `folder`, on whose disk it depends, and say each figure with its conditions."""
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(measure(folder, say))
    asyncio.run(sizes(folder, say))
