"""Parts that run beside each other: each is started again when it fails, and says so."""

import asyncio

from gateway.hub.waking import ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.hub.recorder import Log, Recorder
    from hal.interfaces import Clock

FIRST_PAUSE_MS = 1_000
LONGEST_PAUSE_MS = 60_000
STEADY_MS = 600_000  # a part that ran this long starts with the short pause again
TOO_OFTEN = 10  # failures without a steady run between: the process gives up and is started anew


class PartFailedError(Exception):
    """Raised by a part that only a fresh process can help, such as one whose journal is broken."""


class Parts:
    """Runs named coroutines until told to stop. An error in one is our bug: loud, reported, bounded."""

    def __init__(self, recorder: "Recorder", clock: "Clock", log: "Log") -> None:
        self.recorder = recorder
        self.clock = clock
        self.log = log
        self.tasks: "dict[str, asyncio.Task[None]]" = {}
        self.given_up: "asyncio.Event" = asyncio.Event()
        self.failed, self.cause = "", ""  # the part that gave up, and why

    def start(self, name: str, run: "Callable[[], Awaitable[None]]", once: bool = False) -> None:
        """Begin a part: a coroutine function that runs for ever, or with `once` until it has done its work."""
        self.tasks[name] = asyncio.create_task(self.keep(name, run, once))

    async def keep(self, name: str, run: "Callable[[], Awaitable[None]]", once: bool) -> None:
        """Run a part; after a failure report it, pause, and run it again."""
        pause_ms, failures = FIRST_PAUSE_MS, 0
        reason = ""
        while failures < TOO_OFTEN:
            began_ms = self.clock.uptime_ms()
            reason = "it ended by itself"
            try:
                await run()
                if once:
                    self.tasks.pop(name, None)
                    return
            except PartFailedError as error:
                self.log("error", "A part cannot go on; the process must start anew.", part=name, cause=error)
                reason = str(error)
                break
            except Exception as error:  # noqa: BLE001 - the one place where our own bugs are caught, reported and bounded
                reason = type(error).__name__ + ": " + str(error)
                self.log("debug", "trace", part=name, error=error)
            if self.clock.uptime_ms() - began_ms >= STEADY_MS:
                pause_ms, failures = FIRST_PAUSE_MS, 0
            failures += 1
            await self.report(name, reason)
            await self.clock.sleep_ms(pause_ms)
            pause_ms = min(LONGEST_PAUSE_MS, pause_ms * 2)
        self.failed, self.cause = name, reason
        self.given_up.set()

    async def report(self, name: str, reason: str) -> None:
        """Say it in the log, and upstream where the journal still takes it."""
        self.log("error", "A part failed and starts again.", part=name, cause=reason)
        try:
            await self.recorder.note("part.restarted", values={"part": name, "reason": reason})
        except Exception as error:  # noqa: BLE001 - the journal itself may be what failed
            self.log("error", "The failure could not be journalled.", cause=str(error))

    def alive(self) -> bool:
        """Whether every part runs or is about to."""
        return not self.given_up.is_set() and not any([task.done() for task in self.tasks.values()])

    async def stop(self) -> None:
        """End all parts, each in its own time: a second cancellation would cut short what it closes."""
        tasks, self.tasks = list(self.tasks.values()), {}
        for task in tasks:
            task.cancel()
        for task in tasks:
            await ended(task)
