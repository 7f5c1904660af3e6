"""A clock that stands still until a test moves it; sleepers wake in the order in which they are due."""

import asyncio
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

SETTLE_ROUNDS = 30  # turns of the loop that woken tasks get at most before the clock moves on


def idle() -> bool:
    """Whether no task but the one that asks can run now. Neither interpreter says so but by its queue of what is ready.

    Where threads or sockets may wake somebody at any moment nobody is idle: whoever says then that nothing came has given it all its turns.
    """
    core = getattr(asyncio, "core", None)  # of MicroPython
    if core is None:
        task = asyncio.current_task()
        assert task is not None
        loop = task.get_loop()
        return not getattr(loop, "_ready", True) and not is_woken_from_outside(loop)
    first = core._task_queue.peek()
    return first is None or core.ticks_diff(first.ph_key, core.ticks()) > 0


def is_woken_from_outside(loop: "Any") -> bool:
    """Whether a loop of CPython watches a socket beside its own, or threads are there that may call it."""
    threading: "Any" = sys.modules.get("threading")  # CPython's own; a board has none
    selector = getattr(loop, "_selector", None)
    own = 1  # by which threads wake the loop
    return (threading is not None and threading.active_count() > 1) or (
        selector is not None and len(selector.get_map()) > own
    )


class SimClock:
    """Virtual time. `await clock.advance(ms)` jumps from one sleeper to the next and lets each run in between.

    Nothing moves by itself: a program that sleeps waits until somebody advances the clock. `utc_ms` given at the
    start is the trusted time at that moment; without it the clock is untrusted until `set_utc`.
    """

    def __init__(self, uptime_ms: int = 0, utc_ms: "int | None" = None) -> None:
        self._uptime_ms = uptime_ms
        self._utc_at_zero_ms = None if utc_ms is None else utc_ms - uptime_ms
        self._order = 0
        self._sleepers: list[tuple[int, int, asyncio.Event]] = []

    def uptime_ms(self) -> int:
        return self._uptime_ms

    def utc_ms(self) -> "int | None":
        return None if self._utc_at_zero_ms is None else self._utc_at_zero_ms + self._uptime_ms

    async def sleep_ms(self, duration_ms: int) -> None:
        if duration_ms <= 0:
            await asyncio.sleep(0)
            return
        self._order += 1
        sleeper = (self._uptime_ms + duration_ms, self._order, asyncio.Event())
        self._sleepers.append(sleeper)
        try:
            await sleeper[2].wait()
        finally:
            if sleeper in self._sleepers:  # cancelled
                self._sleepers.remove(sleeper)

    # --- back door ---------------------------------------------------------------------------------------------

    def set_utc(self, utc_ms: int) -> None:
        """Trust the clock from now on: it is `utc_ms` at this moment."""
        self._utc_at_zero_ms = utc_ms - self._uptime_ms

    def untrust(self) -> None:
        """Lose the trusted time, as after a start without network."""
        self._utc_at_zero_ms = None

    @property
    def sleepers(self) -> int:
        """How many tasks wait for this clock."""
        return len(self._sleepers)

    def next_due_ms(self) -> "int | None":
        """Uptime at which the next sleeper wakes, or None where nobody sleeps."""
        return min([due for due, _, _ in self._sleepers]) if self._sleepers else None

    async def settle(self, rounds: int = SETTLE_ROUNDS) -> None:
        """Let every task that can run do so, without moving time. Turns in which nobody would run are left out (`idle`)."""
        for _ in range(rounds):
            await asyncio.sleep(0)
            if idle():
                return

    async def advance(self, duration_ms: int) -> None:
        """Move `duration_ms` on, waking sleepers in order of when they are due, then of when they went to sleep."""
        await self.settle()
        end_ms = self._uptime_ms + duration_ms
        while self._sleepers:
            first = min(self._sleepers, key=lambda sleeper: (sleeper[0], sleeper[1]))
            if first[0] > end_ms:
                break
            self._sleepers.remove(first)
            self._uptime_ms = max(self._uptime_ms, first[0])
            first[2].set()
            await self.settle()
        self._uptime_ms = end_ms

    async def run(self, work: "Coroutine[object, object, object]", limit_ms: int = 86_400_000) -> "Any":
        """Advance from sleeper to sleeper until `work` ends; returns its result or raises its error.

        Raises:
            RuntimeError: `work` did not end within `limit_ms`, or it waits for something that no clock brings.
        """
        task = asyncio.create_task(work)
        end_ms = self._uptime_ms + limit_ms
        await self.settle()
        while not task.done():
            due_ms = self.next_due_ms()
            if due_ms is None or due_ms > end_ms:
                task.cancel()
                try:
                    await task
                except asyncio.CancelledError:
                    pass
                raise RuntimeError("the work waits for something that no clock brings")
            await self.advance(due_ms - self._uptime_ms)
        return await task


def after(clock: SimClock, duration_ms: int, action: "Callable[[], None]") -> "asyncio.Task[None]":
    """Run `action` when the clock has moved on by `duration_ms`: for scripted scenes."""

    async def wait() -> None:
        await clock.sleep_ms(duration_ms)
        action()

    return asyncio.create_task(wait())
