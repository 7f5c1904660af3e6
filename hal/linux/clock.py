"""The clocks of a Linux machine, and when its time of day is to be believed."""

import asyncio
import ctypes
import time

CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on through a suspend
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
STA_UNSYNC = 0x0040
EARLIEST_UTC_MS = 1_790_000_000_000  # 2026-09-21: before this software; a clock that says less is wrong
TIMEX_BYTES = 256  # struct timex is 208 bytes on 64-bit machines and less on others; modes = 0 only reads


def synchronised() -> bool:
    """Whether the kernel says that something keeps the clock right (NTP, PTP, a disciplined RTC)."""
    libc = ctypes.CDLL(None, use_errno=True)
    timex = ctypes.create_string_buffer(TIMEX_BYTES)
    state = int(libc.adjtimex(timex))
    return state not in (-1, TIME_ERROR)


class SystemClock:
    """`trust` is "kernel" (as adjtimex says) or "always"; `offset_ms` shifts the time of day, for training only.

    A machine whose clock was never set says 1970 or the day its image was made: below EARLIEST_UTC_MS no time is
    believed, whatever the kernel says.
    """

    def __init__(self, *, offset_ms: int = 0, trust: str = "kernel") -> None:
        self._started_ns = time.clock_gettime_ns(CLOCK)
        self._offset_ms = offset_ms
        self._always = trust == "always"
        self._trusted = self._always
        self._looked_ms = -LOOK_AGAIN_MS

    def uptime_ms(self) -> int:
        return (time.clock_gettime_ns(CLOCK) - self._started_ns) // 1_000_000

    def utc_ms(self) -> int | None:
        utc_ms = time.time_ns() // 1_000_000
        if utc_ms < EARLIEST_UTC_MS or not self._is_trusted():
            return None
        return utc_ms + self._offset_ms

    def _is_trusted(self) -> bool:
        now_ms = self.uptime_ms()
        if not self._always and now_ms - self._looked_ms >= LOOK_AGAIN_MS:
            self._looked_ms = now_ms
            self._trusted = synchronised()
        return self._trusted

    async def sleep_ms(self, duration_ms: int) -> None:
        await asyncio.sleep(max(0, duration_ms) / 1000)


LOOK_AGAIN_MS = 1_000
