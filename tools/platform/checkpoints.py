"""Brings the store's log into its file beside the work, so that no alarm waits for it.

SQLite does this within a commit otherwise: of the commits of a busy platform one in twelve took 8 ms instead of 1, and an
alarm is committed by itself. Passive: neither a reader nor the writer waits for it, and it for none.
"""

import contextlib
import sqlite3
import threading

EACH_S = 0.25
LOG_PAGES = (
    16_384  # 64 MiB: a log of more is cut short within a commit after all, where the writer never pauses
)


class Checkpoints:
    """A thread with a connection of its own to the store at `path`, until `close`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._wanted = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="checkpoints", daemon=True)
        self._thread.start()

    def want(self) -> None:
        """Something was committed."""
        self._wanted.set()

    def close(self) -> None:
        """Bring in what is left, and wait until the thread has let go of the file."""
        self._ended.set()
        self._wanted.set()
        self._thread.join()

    def _serve(self) -> None:
        with contextlib.closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            is_last = False
            while not is_last:
                is_last = self._ended.wait(EACH_S)
                if not is_last:
                    self._wanted.wait()
                self._wanted.clear()
                with contextlib.suppress(
                    sqlite3.Error
                ):  # the log keeps what it holds; a commit tells of a bad disk
                    connection.execute("PRAGMA synchronous=FULL")
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
