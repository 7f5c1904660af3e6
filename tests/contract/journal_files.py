"""A journal in a file of its own, and the file seen from outside: what tests of the store on Linux share."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

from hal.linux.journal import SqliteJournal
from hal.types import LANES

Program = Callable[[SqliteJournal], Awaitable[None]]


def live(path: Path, program: Program, scripts: list[str] | None = None) -> None:
    async def run() -> None:
        journal = await SqliteJournal.open(path, scripts=scripts)
        try:
            await program(journal)
        finally:
            await journal.close()

    asyncio.run(run())


async def write_thousand(journal: SqliteJournal) -> None:
    for lane in LANES:
        await journal.append([(lane, b"lane %d event %d " % (lane, number) * 5) for number in range(1, 1001)])


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def sql(path: Path, statement: str, *values: object) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return connection.execute(statement, values).fetchall()
    finally:
        connection.close()
