"""What can still be read from a store that was set aside."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from hal.errors import UnavailableError
from hal.types import CHAIN_SIZE, EPOCH_SIZE, LANES, Entry, GivenUp

Row = tuple[int, bytes, bytes]

NO_ANSWER = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
NO_ANSWER_MESSAGE = "the journal's medium failed while a store that was set aside was read: check the card or disk, and restart"


class Salvage:
    """Entries that read back, by lane and number; numbers may be missing, and the chain need not hold.

    They are read from the disk as they are taken, anew by each iteration: a store may hold more than the memory.
    It is opened to read only: what was set aside is kept as it was found. Where the medium did not answer, the end is an
    UnavailableError: what reads has been handed out, and the rest may read later. Damage is no such error.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[Entry]:
        unread: list[sqlite3.Error] = []
        try:
            with contextlib.closing(self._open()) as connection:
                for lane in LANES:
                    for row in readable(connection, lane, unread):
                        yield Entry(lane, *row)
        except sqlite3.Error as error:
            unread.append(error)
        for one in unread:
            if getattr(one, "sqlite_errorcode", 0) & 0xFF in NO_ANSWER:
                raise UnavailableError(NO_ANSWER_MESSAGE, str(one))

    def starts(self) -> dict[int, tuple[int, bytes]]:
        """Number and chain value just before what each lane holds, where that reads back."""
        try:
            with contextlib.closing(self._open()) as connection:
                rows = connection.execute("SELECT lane, forgotten, chain FROM lane").fetchall()
        except sqlite3.Error:
            return {}
        return {lane: (number, chain) for lane, number, chain in rows}

    def state(self) -> tuple[dict[str, bytes], bool]:
        """State that reads back, from both ends where something in between does not; and whether it is all."""
        found: dict[str, bytes] = {}
        for order in ("ASC", "DESC"):
            try:
                with contextlib.closing(self._open()) as connection:
                    found.update(state_rows(connection, order))  # keeps what came before an error
                    count = connection.execute("SELECT count(*) FROM state").fetchone()[0]
            except sqlite3.Error:
                continue
            return found, order == "ASC" and count == len(found)
        return found, False

    def given_up(self) -> list[tuple[bytes, GivenUp]]:
        """What went for space and was not confirmed, with its epoch, as far as it reads back and looks like ours."""
        sql = "SELECT epoch, lane, first, last FROM journal, given_up ORDER BY id"
        try:
            with contextlib.closing(self._open()) as connection:
                rows = connection.execute(sql).fetchall()
        except sqlite3.Error:
            return []
        return [(row[0], GivenUp(*row[1:])) for row in rows if is_range(*row)]

    def _open(self) -> sqlite3.Connection:
        """Raises sqlite3.Error."""
        return sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def is_range(epoch: object, lane: object, first: object, last: object) -> bool:
    """Whether a row that read back can be numbers of a lane of an epoch."""
    return (
        isinstance(epoch, bytes)
        and len(epoch) == EPOCH_SIZE
        and lane in LANES
        and isinstance(first, int)
        and isinstance(last, int)
        and 0 < first <= last
    )


def state_rows(connection: sqlite3.Connection, order: str) -> Iterator[tuple[str, bytes]]:
    """State that looks like ours, by key. Raises sqlite3.Error at damage."""
    for key, value in connection.execute(f"SELECT key, value FROM state ORDER BY key {order}"):  # noqa: S608  words of ours
        if isinstance(key, str) and isinstance(value, bytes):
            yield key, value


def readable(connection: sqlite3.Connection, lane: int, unread: list[sqlite3.Error]) -> Iterator[Row]:
    """Rows of a lane in order: all, or what lies before the first damage and after the last. `unread` takes the errors."""
    reached = 0
    try:
        for row in rows_from(connection, lane, 1):
            reached = row[0]
            yield row
        return
    except sqlite3.Error as error:
        unread.append(error)
        behind = lowest_behind(connection, lane)
    if behind is not None:
        try:
            yield from rows_from(connection, lane, max(reached + 1, behind))
        except sqlite3.Error as error:
            unread.append(error)


def rows_from(connection: sqlite3.Connection, lane: int, first: int, order: str = "ASC") -> Iterator[Row]:
    """Rows from number `first` on that look like ours. Raises sqlite3.Error at damage."""
    sql = f"SELECT seq, event, chain FROM entry_{lane} WHERE seq >= ? ORDER BY seq {order}"  # noqa: S608  words of ours
    for seq, event, chain in connection.execute(sql, (first,)):
        if isinstance(event, bytes) and event and isinstance(chain, bytes) and len(chain) == CHAIN_SIZE:
            yield seq, event, chain


def lowest_behind(connection: sqlite3.Connection, lane: int) -> int | None:
    """The lowest number that can be reached from the end of a damaged lane, or None."""
    lowest = None
    try:
        for row in rows_from(connection, lane, 1, "DESC"):
            lowest = row[0]
    except sqlite3.Error:
        pass
    return lowest
