"""What can still be read from a store that was set aside."""

import sqlite3
from pathlib import Path

from hal.types import CHAIN_SIZE, LANES, Entry

Row = tuple[int, bytes, bytes]


def salvage(path: Path) -> list[Entry]:
    """Entries that read back, by lane and number; numbers may be missing, and the chain need not hold.

    The store is opened to read only: what was set aside is kept as it was found.
    """
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    except sqlite3.Error:
        return []
    try:
        return [Entry(lane, *row) for lane in LANES for row in readable(connection, lane)]
    finally:
        connection.close()


def readable(connection: sqlite3.Connection, lane: int) -> list[Row]:
    """Rows of a lane in order: all, or what lies before the first damage and after the last."""
    rows, whole = read_until_damage(connection, lane, "ASC")
    if not whole:
        rows += read_until_damage(connection, lane, "DESC")[0]
    return sorted({row[0]: row for row in rows}.values())


def read_until_damage(connection: sqlite3.Connection, lane: int, order: str) -> tuple[list[Row], bool]:
    """Rows that look like ours, and whether the end was reached."""
    rows: list[Row] = []
    sql = f"SELECT seq, event, chain FROM entry_{lane} ORDER BY seq {order}"  # noqa: S608  words of ours
    try:
        for seq, event, chain in connection.execute(sql):
            if isinstance(event, bytes) and event and isinstance(chain, bytes) and len(chain) == CHAIN_SIZE:
                rows.append((seq, event, chain))
    except sqlite3.Error:
        return rows, False
    return rows, True
