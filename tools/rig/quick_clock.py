"""A simulated clock for long lives: the next moment comes when nothing is left to do in this one, and no sooner."""

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from hal.sim.clock import SimClock

Result = TypeVar("Result")
MOST_ROUNDS = 200_000  # turns of the loop in one moment; work that never ends would stop the clock for ever


class QuickLoop(asyncio.SelectorEventLoop):
    """Says whether anything but the caller wants to run."""

    @property
    def idle(self) -> bool:
        """Whether nothing is ready. Within a task: nothing beside that task."""
        return not self._ready  # type: ignore[attr-defined]


class QuickClock(SimClock):
    """As `SimClock`, with sleepers in a heap, and without turns of the loop that nobody needs."""

    def __init__(self, uptime_ms: int = 0, utc_ms: int | None = None) -> None:
        super().__init__(uptime_ms, utc_ms)
        self._heap: list[tuple[int, int, asyncio.Event]] = []
        self._gone: set[int] = set()  # of the heap: cancelled

    async def sleep_ms(self, duration_ms: int) -> None:
        if duration_ms <= 0:
            await asyncio.sleep(0)
            return
        self._order += 1
        order, over = self._order, asyncio.Event()
        heapq.heappush(self._heap, (self._uptime_ms + duration_ms, order, over))
        try:
            await over.wait()
        except asyncio.CancelledError:
            if not over.is_set():
                self._gone.add(order)
            raise

    @property
    def sleepers(self) -> int:
        """How many tasks wait for this clock."""
        return len(self._heap) - len(self._gone)

    def next_due_ms(self) -> int | None:
        """Uptime at which the next sleeper wakes, or None where nobody sleeps."""
        while self._heap and self._heap[0][1] in self._gone:
            self._gone.discard(heapq.heappop(self._heap)[1])
        return self._heap[0][0] if self._heap else None

    async def settle(self, rounds: int = MOST_ROUNDS) -> None:
        """Let every task do all that it can do now. Raises RuntimeError where there is no end to that."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, QuickLoop), "run it with run_quickly"
        for _ in range(rounds):
            await asyncio.sleep(0)
            if loop.idle:
                return
        raise RuntimeError("something runs for ever without waiting")

    async def advance(self, duration_ms: int) -> None:
        """Move `duration_ms` on, from sleeper to sleeper."""
        await self.settle()
        end_ms = self._uptime_ms + duration_ms
        while (due_ms := self.next_due_ms()) is not None and due_ms <= end_ms:
            self._uptime_ms = max(self._uptime_ms, due_ms)
            while self.next_due_ms() == due_ms:
                heapq.heappop(self._heap)[2].set()
            await self.settle()
        self._uptime_ms = end_ms


def run_quickly(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run `work()` on a loop of its own for a `QuickClock`."""
    with asyncio.Runner(loop_factory=QuickLoop) as runner:
        return runner.run(work())
