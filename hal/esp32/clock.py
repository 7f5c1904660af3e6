"""The clocks of a board: ticks that wrap, and a time of day that comes from a time server and is not believed blindly.

A board wakes up without a time. What was believed last is kept (`LastTime`); certificates may be judged by it, since it is
late at most by the time without power, but nothing is stamped with it.
"""

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Kept(Protocol):
        """A number that outlives the power, such as `hal.esp32.nvs.NvsNumber`."""

        def read(self) -> int:
            """0 where nothing is kept."""
            ...

        def write(self, value: int) -> None:
            """Raises OSError."""
            ...


EARLIEST_UTC_MS = 1_790_000_000_000  # 2026-09-21: before this software; a clock that says less is wrong
NONSENSE_UTC_MS = 7_258_118_400_000  # the year 2200: no clock said so
STEP_MS = 60_000  # a time server that says so much else is believed when it has kept to it for HOLD_MS
HOLD_MS = 600_000
NOTE_MS = 3_600_000  # written no more often: a write wears the flash


class BoardClock:
    """`Clock` over ticks. `learn` is told what a time server said; `uptime_ms` must be asked once in a turn of the ticks.

    Args:
        ticks: milliseconds that wrap, `time.ticks_ms`.
        ticks_since: `time.ticks_diff`.
        sleep_ms: `asyncio.sleep_ms`.
        floor_ms: the last time of day that was believed before; none before it is.
        set_wall: sets the machine's own time of day, by which TLS judges certificates.
    """

    def __init__(
        self,
        ticks: "Callable[[], int]",
        ticks_since: "Callable[[int, int], int]",
        *,
        floor_ms: int = 0,
        set_wall: "Callable[[int], None]" = lambda utc_ms: None,
    ) -> None:
        self._ticks = ticks
        self._ticks_since = ticks_since
        self._seen = ticks()
        self._uptime_ms = 0
        self._utc_at_start_ms: "int | None" = None
        self._stepped_to_ms: "int | None" = None
        self._stepped_at_ms = 0
        self._said_ms = 0
        self._floor_ms = max(EARLIEST_UTC_MS, floor_ms)
        self._set_wall = set_wall
        self.is_dated = EARLIEST_UTC_MS < floor_ms < NONSENSE_UTC_MS
        if self.is_dated:
            set_wall(floor_ms)

    def uptime_ms(self) -> int:
        ticks = self._ticks()
        self._uptime_ms += self._ticks_since(ticks, self._seen)
        self._seen = ticks
        return self._uptime_ms

    def utc_ms(self) -> "int | None":
        """Never goes back: where the time server corrects it, it stands still until it is caught up."""
        if self._utc_at_start_ms is None:
            return None
        self._said_ms = max(self._said_ms, self._utc_at_start_ms + self.uptime_ms())
        return self._said_ms

    async def sleep_ms(self, duration_ms: int) -> None:
        due_ms = self.uptime_ms() + duration_ms
        await asyncio.sleep(max(0, duration_ms) / 1000)
        while self.uptime_ms() < due_ms:  # the loop's timers may be early by a tick
            await asyncio.sleep(0.001)

    def learn(self, utc_ms: int) -> bool:
        """A time server says that it is `utc_ms` now; whether that is believed.

        Nothing before the floor is. The first that is later is; then only small corrections are, and a step when the
        server has kept to it for `HOLD_MS`: one that lies for a while moves nothing.
        """
        if not self._floor_ms <= utc_ms < NONSENSE_UTC_MS:
            return False
        uptime_ms = self.uptime_ms()
        at_start_ms = utc_ms - uptime_ms
        if self._utc_at_start_ms is not None and abs(at_start_ms - self._utc_at_start_ms) > STEP_MS:
            if self._stepped_to_ms is None or abs(at_start_ms - self._stepped_to_ms) > STEP_MS:
                self._stepped_to_ms, self._stepped_at_ms = at_start_ms, uptime_ms
            if uptime_ms - self._stepped_at_ms < HOLD_MS:
                return False
            self._said_ms = 0  # a step that is believed is a step, back too
        self._utc_at_start_ms, self._stepped_to_ms = at_start_ms, None
        self.is_dated = True
        self._set_wall(utc_ms)
        return True

    def untrust(self) -> None:
        """The time of day is no longer to be believed."""
        self._utc_at_start_ms = self._stepped_to_ms = None


class LastTime:
    """Keeps the last time of day that was believed, forwards only and once an hour."""

    def __init__(self, kept: "Kept") -> None:
        self._kept = kept
        value = kept.read()
        self.utc_ms = value if 0 <= value < NONSENSE_UTC_MS else 0

    def note(self, utc_ms: int) -> bool:
        """Whether it was written. Raises OSError."""
        if utc_ms - self.utc_ms < NOTE_MS:
            return False
        self._kept.write(utc_ms)
        self.utc_ms = utc_ms
        return True
