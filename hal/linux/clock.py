"""The clocks of a Linux machine, and when its time of day is to be believed."""

import asyncio
import ctypes
import time
from collections.abc import Callable
from pathlib import Path

CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on through a suspend
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
TIMEX_BYTES = 256  # struct timex is 208 bytes on 64-bit machines and less on others; modes = 0 only reads
TIMESYNC_MARK = Path(
    "/run/systemd/timesync/synchronized"
)  # systemd-timesyncd, where it may not tell the kernel
EARLIEST_UTC_MS = 1_790_000_000_000  # 2026-09-21: before this software; a clock that says less is wrong
LOOK_AGAIN_MS = 1_000  # the kernel is asked no more often
STEP_MS = 60_000  # a time of day that moved by more was set by somebody
HOLD_MS = 600_000  # a kept clock that was moved by more is believed when it has kept its new time for so long
NS_PER_MS = 1_000_000


def synchronised() -> bool:
    """Whether something keeps the clock right (NTP, PTP, a disciplined oscillator), as kernel or systemd say."""
    libc = ctypes.CDLL(None, use_errno=True)
    state = int(libc.adjtimex(ctypes.create_string_buffer(TIMEX_BYTES)))
    return state not in (-1, TIME_ERROR) or TIMESYNC_MARK.exists()


class SystemClock:
    """`trust` is "kernel" (as `synchronised` says) or "always"; `offset_ms` shifts the time of day, for training only.

    A machine whose clock was never set says 1970 or the day its image was made: before the day of this software no
    time is believed, whatever the kernel says.

    Once it was right, the time of day stays trusted when the network goes: the kernel calls the clock unsynchronised
    after hours, but its crystal drifts seconds in a week. A step of more than `STEP_MS` meanwhile ends the trust.

    A clock that is kept and steps all the same has a time server that lies, or had one: for `HOLD_MS` the time goes on
    as the crystal counts it from the time that was believed before, then the new one is believed. No time before
    `floor_ms`, the last that was believed in an earlier run, is believed at all: where a kept clock stays before it, there
    is no trusted time until somebody has looked which of the two is wrong.
    """

    def __init__(
        self,
        *,
        offset_ms: int = 0,
        trust: str = "kernel",
        is_synchronised: Callable[[], bool] = synchronised,
        wall_ns: Callable[[], int] = time.time_ns,
        boot_ns: Callable[[], int] = lambda: time.clock_gettime_ns(CLOCK),
        look_again_ms: int = LOOK_AGAIN_MS,
        floor_ms: int = 0,
    ) -> None:
        if trust not in ("kernel", "always"):
            raise ValueError(f"trust: found {trust!r}, expected 'kernel' or 'always'")
        self._boot_ns = boot_ns
        self._started_ns = boot_ns()
        self._offset_ms = offset_ms
        self._always = trust == "always"
        self._is_synchronised = is_synchronised
        self._wall_ns = wall_ns
        self._look_again_ms = look_again_ms
        self._looked_ms = -look_again_ms
        self._utc_at_start_ms: int | None = None  # by the last synchronised look that was believed
        self._stepped_to_ms: int | None = None  # the same by a step that is not believed yet,
        self._stepped_at_ms = 0  # and the uptime at which it was seen
        self._floor_ms = max(EARLIEST_UTC_MS, floor_ms)

    def uptime_ms(self) -> int:
        return (self._boot_ns() - self._started_ns) // NS_PER_MS

    def utc_ms(self) -> int | None:
        utc_ms = self._wall_ns() // NS_PER_MS
        believed_ms: int | None = utc_ms
        if not self._always:
            believed_ms = self._believed(utc_ms)
        if believed_ms is None or believed_ms < self._floor_ms:
            return None
        return believed_ms + self._offset_ms

    def _believed(self, utc_ms: int) -> int | None:
        """The time of day, when the clock says `utc_ms`."""
        uptime_ms = self.uptime_ms()
        if uptime_ms - self._looked_ms >= self._look_again_ms:
            self._looked_ms = uptime_ms
            if self._is_synchronised():
                self._kept_at(utc_ms - uptime_ms, uptime_ms)
        if self._utc_at_start_ms is None:
            return None
        if self._stepped_to_ms is not None:
            return self._utc_at_start_ms + uptime_ms
        return utc_ms if abs(utc_ms - uptime_ms - self._utc_at_start_ms) <= STEP_MS else None

    def _kept_at(self, utc_at_start_ms: int, uptime_ms: int) -> None:
        """Something keeps the clock, and by it this run began at `utc_at_start_ms`."""
        possible = utc_at_start_ms + uptime_ms >= self._floor_ms
        if self._utc_at_start_ms is None:
            self._utc_at_start_ms = utc_at_start_ms if possible else None
            return
        steady = abs(utc_at_start_ms - self._utc_at_start_ms) <= STEP_MS
        if not steady:
            if self._stepped_to_ms is None or abs(utc_at_start_ms - self._stepped_to_ms) > STEP_MS:
                self._stepped_to_ms, self._stepped_at_ms = utc_at_start_ms, uptime_ms
            steady = uptime_ms - self._stepped_at_ms >= HOLD_MS
        if steady and not possible:  # one of the two is wrong, and nothing says which
            self._utc_at_start_ms = self._stepped_to_ms = None
            return
        if steady:
            self._utc_at_start_ms, self._stepped_to_ms = utc_at_start_ms, None

    async def sleep_ms(self, duration_ms: int) -> None:
        began_ns = self._boot_ns()
        await asyncio.sleep(max(0, duration_ms) / 1000)
        rest_ns = began_ns + duration_ms * NS_PER_MS - self._boot_ns()
        if rest_ns > 0:  # the loop's timers may be early by a tick
            await asyncio.sleep(rest_ns / 1e9 + 0.001)
