"""Waiting for what an interrupt brings, no longer than there is time. Portable: each clock is the one that is given."""

import asyncio

from hal.errors import TimedOutError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hal.interfaces import Clock


class Deadline:
    """A moment on a clock, so many milliseconds from now."""

    def __init__(self, clock: "Clock", within_ms: int) -> None:
        self.clock = clock
        self._end_ms = clock.uptime_ms() + within_ms

    def left_ms(self) -> int:
        """How long it is until then; 0 afterwards."""
        return max(0, self._end_ms - self.clock.uptime_ms())


class Answer:
    """One thing that is waited for. The first word counts, a value or an error."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._value: "Any" = None
        self._error: "Exception | None" = None

    @property
    def done(self) -> bool:
        """Whether it has come."""
        return self._event.is_set()

    def give(self, value: "Any") -> None:
        """It has come."""
        if not self.done:
            self._value = value
            self._event.set()

    def fail(self, error: "Exception") -> None:
        """It will not come."""
        if not self.done:
            self._error = error
            self._event.set()

    async def within(self, deadline: Deadline) -> "Any":
        """The value, or its error; TimedOutError where neither comes in time."""
        if not self.done:
            alarm = asyncio.create_task(self._ring(deadline))
            try:
                await self._event.wait()
            finally:
                alarm.cancel()
        if self._error is not None:
            raise self._error
        return self._value

    async def _ring(self, deadline: Deadline) -> None:
        await deadline.clock.sleep_ms(deadline.left_ms())
        self.fail(TimedOutError("no answer in time"))
