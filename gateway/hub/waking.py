"""Waiting for whichever comes first, and ending tasks: what must never hang or swallow a cancellation."""

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
                timer.cancel()  # it ends by itself: nothing is left to wait for
        else:
            await asyncio.sleep(0)  # a time that has passed still lets others run
        self.event.clear()

    async def alarm(self, duration_ms: int) -> None:
        """Wake the waiter after `duration_ms`; at once where memory is short: it must not sleep for ever."""
        try:
            await self.clock.sleep_ms(duration_ms)
        except MemoryError:
            pass
        self.event.set()


async def stop(task: "asyncio.Task[None]") -> None:
    """Cancel a task of our own and wait until it has ended; its error, if it had one, is raised.

    A caller that is cancelled meanwhile ends with CancelledError; the task then ends by itself. Awaiting the task
    directly would not do: both interpreters hand a cancellation on to what is awaited, and the caller's is lost.
    """
    task.cancel()
    await ended(task)


async def ended(task: "asyncio.Task[None]") -> None:
    """Wait for the end of a task; its error is raised, its cancellation is none."""
    over = asyncio.Event()
    errors: "list[BaseException]" = []
    watcher = asyncio.create_task(tell_end(task, over, errors))
    await over.wait()
    del watcher  # held until here: CPython's loop keeps no task alive by itself
    if errors:
        raise errors[0]


async def tell_end(task: "asyncio.Task[None]", over: asyncio.Event, errors: "list[BaseException]") -> None:
    """Set `over` when the task has ended, and keep the error it had.

    The error is handed over, not met again by awaiting the task a second time: MicroPython 1.28 crashes when two
    tasks await one that has failed.
    """
    try:
        await task
    except asyncio.CancelledError:
        pass
    except BaseException as error:  # noqa: BLE001  whoever waits for `over` raises it
        errors.append(error)
    over.set()
