"""Waiting for whichever comes first: somebody calls, or the clock reaches a time."""

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.interfaces import Clock


class Wake:
    """One waiter, many callers. A call while nobody waits is kept for the next wait."""

    def __init__(self, clock: "Clock") -> None:
        self.clock = clock
        self.event = asyncio.Event()

    def call(self) -> None:
        """Wake the waiter."""
        self.event.set()

    async def wait(self, until_ms: "int | None" = None) -> None:
        """Return at a call, or when uptime reaches `until_ms`."""
        if until_ms is None or self.event.is_set():
            await self.event.wait()
        elif until_ms > self.clock.uptime_ms():
            timer = asyncio.create_task(self.alarm(until_ms - self.clock.uptime_ms()))
            try:
                await self.event.wait()
            finally:
                await stop(timer)
        else:
            await asyncio.sleep(0)  # a time that has passed still lets others run
        self.event.clear()

    async def alarm(self, duration_ms: int) -> None:
        """Wake the waiter after `duration_ms`."""
        await self.clock.sleep_ms(duration_ms)
        self.event.set()


async def stop(task: "asyncio.Task[None]") -> None:
    """Cancel a task of our own and wait until it has ended; its error, if it had one, is raised."""
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        if not task.done():
            raise  # it was us who were cancelled
