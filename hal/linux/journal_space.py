"""Room on the disk, taken before it is needed.

An alarm must find room when another program has filled the disk. So the file has free pages ahead of use, with blocks
that the file system has really given (`posix_fallocate`), and nothing is committed that they could not take; then the
log can always be brought into the file and begin again, within blocks of its own. When the disk gives no more, the
limit is what the file has: lanes 4, 3 and 2 yield within it, and the disk is asked again from time to time.

While the journal is closed, SQLite has no log; a file beside it keeps the blocks that the log will need.
"""

import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

Events = Sequence[tuple[int, bytes]]
State = Mapping[str, bytes | None]

PAGE_BYTES = 4096
ROW_BYTES = 16 + 16  # chain value, and at most what SQLite adds to a row
MIN_CAPACITY_BYTES = 64 * PAGE_BYTES
GROW_PAGES = 128
SPARE_PAGES = 16  # for state, inner pages and what an estimate by rows leaves out
WAL_BYTES = 2 << 20
WAL_PAGES = 450  # that many fit into it, with their heads
ASK_AGAIN_S = 0.2  # how often a full disk is asked for more


def row_cost(size: int) -> int:
    """Bytes of pages that a row with `size` bytes of event takes, on the safe side."""
    whole = size + ROW_BYTES
    if whole > PAGE_BYTES - 40:
        return (whole // (PAGE_BYTES - 8) + 2) * PAGE_BYTES
    return PAGE_BYTES // ((PAGE_BYTES - 16) // whole)


def needed(events: Events, state: State) -> int:
    """Bytes of pages that an append takes at most; pages of state fill to the half only."""
    rows = sum(row_cost(len(event)) for _, event in events)
    return rows + sum(2 * (len(key) + len(value) + 16) for key, value in state.items() if value is not None)


class Blocks:
    """Blocks of the disk for a store and its log; `descriptor` is one of the store's file."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def for_file(self, size: int) -> None:
        """See to it that the file has blocks for `size` bytes. Raises OSError where the disk has none."""
        os.posix_fallocate(self._descriptor, 0, size)

    def for_log(self, size: int) -> None:
        """The same for its log, where there is one."""
        try:
            descriptor = os.open(f"{self._path}-wal", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:  # nothing was written yet
            return
        try:
            os.posix_fallocate(descriptor, 0, size)
        finally:
            os.close(descriptor)


class Space:
    """Knows and moves the limit of one open database."""

    def __init__(self, connection: sqlite3.Connection, blocks: Blocks, capacity_bytes: int) -> None:
        self._connection = connection
        self._blocks = blocks
        self._capacity_pages = capacity_bytes // PAGE_BYTES
        self._held_pages: int | None = None  # what the file has, while the disk gives no more
        self._asked_s = 0.0
        self._known_free = 0  # at least so many pages are free, beside the spare ones
        connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        self._allow(self._pragma("page_count"))

    @property
    def cramped(self) -> bool:
        """Whether the disk gave no more when it was last asked."""
        return self._held_pages is not None

    def limit_pages(self) -> int:
        """Pages that may be in use."""
        return self._capacity_pages if self._held_pages is None else self._held_pages

    def used_pages(self) -> int:
        """Pages in use."""
        return self._pragma("page_count") - self._pragma("freelist_count")

    def take(self) -> None:
        """Let file and log have their first blocks."""
        self.ensure(GROW_PAGES // 2, ahead=True)
        self._fill_log()

    def _fill_log(self) -> None:
        """Blocks for the log before anything is written to it."""
        try:
            self._blocks.for_log(WAL_BYTES)
        except OSError:
            self.hold()

    def hold(self) -> None:
        """The disk gave no more: live within what the file has. Not in a transaction."""
        self._held_pages = self._pragma("page_count")
        self._known_free = 0
        self._asked_s = time.monotonic()
        self.checkpoint()

    def ensure(self, need_pages: int, ahead: bool = False) -> None:
        """See to it that `need_pages` are free in the file, as far as capacity and disk allow. Not in a transaction.

        They count as used afterwards, unless it is done `ahead` of appends to come.
        """
        is_short = self._known_free < need_pages or (ahead and self._held_pages is not None)
        if is_short:  # asking SQLite each time would cost as much as an insert
            if self._held_pages is not None and time.monotonic() - self._asked_s < ASK_AGAIN_S:
                return
            free = self._pragma("freelist_count")
            self._known_free = free - SPARE_PAGES
            if self._known_free < need_pages or self._held_pages is not None:
                self._ask(free, max(1, need_pages - self._known_free))
        if not ahead:
            self._known_free -= need_pages

    def _ask(self, free: int, missing: int) -> None:
        """Take at least `missing` pages from the disk."""
        pages = self._pragma("page_count")
        count = min(max(missing, GROW_PAGES), self._capacity_pages - pages)
        try:
            if count > 0:
                self._grow(pages, free, count)
                self._known_free += count
            self._held_pages = None
        except (OSError, sqlite3.OperationalError):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self.hold()

    def _grow(self, pages: int, free: int, count: int) -> None:
        """Blocks first, then pages; a checkpoint cuts the file to its pages, so the one needs the other.

        A row that takes all free pages and `count` more is put in and out again.
        """
        self._blocks.for_file((pages + count) * PAGE_BYTES)
        self._allow(pages + count)
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(
            "INSERT INTO ballast VALUES (zeroblob(?))", ((free + count) * (PAGE_BYTES - 4),)
        )
        self._connection.execute("DELETE FROM ballast")
        self._connection.execute("COMMIT")
        self.checkpoint()

    def checkpoint(self) -> None:
        """Bring what is in the log into the file, as far as readers and the disk allow, so that the log starts again.

        Nothing is lost where that fails: what was committed is in the log.
        """
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.OperationalError:
            pass

    def cut_log(self) -> bool:
        """Give back what one large transaction made the log take; whether it could be done now."""
        try:
            busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.OperationalError:
            return False
        self._fill_log()
        return not busy

    def _allow(self, pages: int) -> None:
        """Let SQLite itself refuse what the file has no blocks for."""
        self._connection.execute(f"PRAGMA max_page_count = {pages}")

    def _pragma(self, name: str) -> int:
        value: int = self._connection.execute(f"PRAGMA {name}").fetchone()[0]
        return value


def keep_for_log(path: Path) -> None:
    """Now that the log is gone, keep what the next one needs; on a full disk another program may be faster."""
    descriptor = os.open(f"{path}.reserve", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, WAL_BYTES)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def give_to_log(path: Path) -> None:
    """Let go of what `keep_for_log` kept."""
    Path(f"{path}.reserve").unlink(missing_ok=True)
