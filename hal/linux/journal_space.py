"""Room on the disk, taken before it is needed.

An alarm must find room when another program has filled the disk. So the file grows ahead of use, with blocks that the
file system has really given (`posix_fallocate`), and so does the write-ahead log. When growing fails, the limit is
what the file has; lanes 4, 3 and 2 then yield within it, and growing is tried again after every group.
"""

import os
import sqlite3
from pathlib import Path

PAGE_BYTES = 4096
MIN_CAPACITY_BYTES = 64 * PAGE_BYTES
GROW_PAGES = 64
WAL_BYTES = 2 << 20


class Space:
    """Knows and moves the limit of one open database; `descriptor` is one of its file."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, descriptor: int, capacity_bytes: int
    ) -> None:
        self._connection = connection
        self._path = path
        self._capacity_pages = capacity_bytes // PAGE_BYTES
        self._descriptor = descriptor
        self._held_pages: int | None = None  # what the file has, while the disk gives no more
        connection.execute(f"PRAGMA max_page_count = {self._capacity_pages + GROW_PAGES}")

    def limit_pages(self) -> int:
        """Pages that may be in use."""
        return self._capacity_pages if self._held_pages is None else self._held_pages

    def used_pages(self) -> int:
        """Pages in use."""
        return self._pragma("page_count") - self._pragma("freelist_count")

    @property
    def tight(self) -> bool:
        """Whether the disk gave no more when it was last asked."""
        return self._held_pages is not None

    def take(self) -> None:
        """Let file and log have their first blocks; without room in the log, commits fail on a full disk."""
        self.grow()
        try:
            descriptor = os.open(f"{self._path}-wal", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:  # nothing was written yet
            return
        try:
            os.posix_fallocate(descriptor, 0, WAL_BYTES)
        except OSError:
            self.hold()
        finally:
            os.close(descriptor)

    def hold(self) -> None:
        """The disk gave no more: live within what the file has. Not in a transaction."""
        self._held_pages = self._pragma("page_count")
        self.checkpoint()

    def grow(self) -> bool:
        """Take `GROW_PAGES` where fewer than half are free; False while the disk gives none. Not in a transaction."""
        pages = self._pragma("page_count")
        if self._pragma("freelist_count") >= GROW_PAGES // 2 or pages >= self._capacity_pages:
            self._held_pages = None if pages >= self._capacity_pages else self._held_pages
            return not self.tight
        count = min(GROW_PAGES, self._capacity_pages - pages)
        try:
            os.posix_fallocate(self._descriptor, 0, (pages + count) * PAGE_BYTES)
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("INSERT INTO ballast VALUES (zeroblob(?))", (count * (PAGE_BYTES - 4),))
            self._connection.execute("DELETE FROM ballast")
            self._connection.execute("COMMIT")
            self.checkpoint()
        except (OSError, sqlite3.OperationalError):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._held_pages = pages
            return False
        self._held_pages = None
        return True

    def checkpoint(self) -> None:
        """Bring what is in the log into the file, as far as readers allow, so that the log starts again."""
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _pragma(self, name: str) -> int:
        value: int = self._connection.execute(f"PRAGMA {name}").fetchone()[0]
        return value
