"""Parts that run beside each other: each is started again when it fails, and says so.

A lack of memory is another thing. It may strike after a driver or a rule has moved on and before its event is stored; then the
repetition of an alarm is taken for one that was told. So whoever meets it does not go on: the process starts anew from what is
stored, where state and event stand together or not at all (docs/adr/0044-short-of-memory.md).
"""

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
SHORT = "memory is short"


class PartFailedError(Exception):
    """Raised by a part that only a fresh process can help, such as one whose journal is broken."""


class Parts:
    """Runs named coroutines until told to stop. An error in one is our bug: loud, reported, bounded.

    reserve: memory that is let go when it runs short, so that what waits for the journal can still be stored.
    """

    def __init__(self, recorder: "Recorder", clock: "Clock", log: "Log", reserve_bytes: int = 0) -> None:
        self.reserve_bytes = reserve_bytes
        self.reserve: "bytearray | None" = bytearray(reserve_bytes)
        self.recorder = recorder
        self.clock = clock
        self.log = log
        self.tasks: "dict[str, asyncio.Task[None]]" = {}
        self.given_up: "asyncio.Event" = asyncio.Event()
        self.failed, self.cause = "", ""  # the part that gave up, and why
        self.is_told = False  # whether the lack of memory was
        recorder.gave_up = self.give_up

    def start(
        self, name: str, run: "Callable[[], Awaitable[None]]", once: bool = False, sends: bool = False
    ) -> None:
        """Begin a part: a coroutine function that runs for ever, or with `once` until it has done its work.

        sends: a lack of memory is a failure like any other in it, but where the recorder was frozen by it.
        """
        self.tasks[name] = asyncio.create_task(self.keep(name, run, once, sends))

    async def keep(
        self, name: str, run: "Callable[[], Awaitable[None]]", once: bool, sends: bool = False
    ) -> None:
        """Run a part again and again; short of memory the process gives up, which itself takes none."""
        try:
            await self.restart(name, run, once, sends)
        except MemoryError:
            self.recorder.freeze()
            self.failed = self.failed or name
            self.tell_short()

    def give_up(self) -> None:
        """Memory is short: the process must start anew."""
        self.reserve = None
        if self.given_up.is_set():
            return
        self.cause = SHORT
        current = asyncio.current_task()
        for name in self.tasks:
            if self.tasks[name] is current:
                self.failed = name
        self.given_up.set()

    def tell_short(self) -> None:
        """Say so once, where there is memory for it."""
        if self.cause != SHORT or self.is_told:
            return
        try:
            self.log("error", "Memory is short; the process must start anew.", part=self.failed)
            self.is_told = True
        except MemoryError:
            pass

    async def restart(self, name: str, run: "Callable[[], Awaitable[None]]", once: bool, sends: bool) -> None:
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
            except MemoryError:
                if self.recorder.is_frozen or not sends:
                    raise
                self.reserve, reason = None, SHORT
            except Exception as error:  # noqa: BLE001 - the one place where our own bugs are caught, reported and bounded
                reason = type(error).__name__ + ": " + str(error)
                self.log("debug", "trace", part=name, error=error)
            if self.clock.uptime_ms() - began_ms >= STEADY_MS:
                pause_ms, failures = FIRST_PAUSE_MS, 0
            failures += 1
            await self.report(name, reason)
            await self.clock.sleep_ms(pause_ms)
            pause_ms = min(LONGEST_PAUSE_MS, pause_ms * 2)
            if self.reserve is None:
                self.reserve = bytearray(self.reserve_bytes)
        self.failed, self.cause = name, reason
        self.given_up.set()

    async def report(self, name: str, reason: str) -> None:
        """Say it in the log, and upstream where the journal still takes it."""
        self.log("error", "A part failed and starts again.", part=name, cause=reason)
        try:
            await self.recorder.note("part.restarted", values={"part": name, "reason": reason})
        except MemoryError:
            raise
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
            try:
                await ended(task)
            except MemoryError:  # it is cancelled, and ends by itself
                self.recorder.freeze()
        self.tell_short()  # a part that is cancelled on its way out has not said it
