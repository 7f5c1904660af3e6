"""Trygg's journal in a process of its own: `python -m tools.bench.peers.trygg_store FOLDER`."""

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

from hal.linux.journal import SqliteJournal
from hal.types import MEASUREMENT
from tools.bench.peers.events import number_of, payload
from tools.bench.peers.worker import Commands, holding, serve, taking

T = TypeVar("T")
PEEK_BYTES, PEEK_COUNT = 1 << 20, 1000
CAPACITY_BYTES = 1 << 30


class TryggStore:
    """Accepted: `append` has returned, so the event is in the journal, synced."""

    def __init__(self, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self.journal = self._run(SqliteJournal.open(folder / "journal.db", capacity_bytes=CAPACITY_BYTES))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def offer(self, numbers: range, size: int, window: int) -> None:
        self._run(self._offer(iter(numbers), size, window))

    async def _offer(self, numbers: Iterator[int], size: int, window: int) -> None:
        async def one_by_one() -> None:
            for number in numbers:
                await self.journal.append([(MEASUREMENT, payload(number, size))])

        await asyncio.gather(*[one_by_one() for _ in range(window)])

    def settle(self) -> bool:
        return True

    def held(self) -> list[int]:
        found: list[int] = []
        seq = self.journal.mark(MEASUREMENT).first - 1
        while entries := self.journal.peek(MEASUREMENT, seq, PEEK_BYTES, PEEK_COUNT):
            found += [number_of(entry.event) for entry in entries]
            seq = entries[-1].seq
        return found

    def forget(self) -> None:
        """A receipt for each 128 events, as the platform gives one for a bundle."""
        mark = self.journal.mark(MEASUREMENT)
        for seq in [*range(mark.first + 127, mark.last, 128), mark.last]:
            self._run(self.journal.ack(MEASUREMENT, seq))


def commands(folder: Path) -> Commands:
    """A journal sends nothing: the whole hub does."""
    store = TryggStore(folder)
    return {**taking(store), **holding(store)}


if __name__ == "__main__":
    serve(commands)
