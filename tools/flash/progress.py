"""How far it is: one line that is written over, with speed and time left, or one line each tenth where no terminal is."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

from gateway.daemon.arguments import reworded

LINE_MS = 250


class Progress:
    """now_ms: a clock that only rises. Each phase begins with `phase` and is told `at` bytes."""

    def __init__(
        self, out: TextIO = sys.stderr, now_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000
    ) -> None:
        self._out = out
        self._now_ms = now_ms
        self._live = out.isatty()
        self._what, self._total, self._began_ms, self._said_ms, self._tenth = "", 0, 0, 0, 0

    def phase(self, what: str, total: int) -> None:
        """A phase of so many bytes."""
        self._what, self._total, self._tenth = what, total, 0
        self._began_ms = self._said_ms = self._now_ms()

    def at(self, done: int) -> None:
        """So many bytes are done."""
        now_ms = self._now_ms()
        ended = done >= self._total
        tenth = done * 10 // self._total if self._total else 10
        if not (ended or (now_ms - self._said_ms >= LINE_MS if self._live else tenth > self._tenth)):
            return
        self._said_ms, self._tenth = now_ms, tenth
        line = reworded(self.line(done, now_ms - self._began_ms))
        self._out.write(f"\r\x1b[K{line}" + ("\n" if ended else "") if self._live else line + "\n")
        self._out.flush()

    def line(self, done: int, passed_ms: int) -> str:
        """What is said after `passed_ms`; speed and time left once there is something to judge by."""
        percent = done * 100 // self._total if self._total else 100
        if passed_ms < 1000 or not done:
            return f"{self._what}, {percent} % done"
        speed = done * 10 // passed_ms  # tenths of kB/s, that is of bytes each ms
        left_s = (self._total - done) * passed_ms // done // 1000
        return f"{self._what}, {percent} % done, {speed // 10_000}.{speed // 1000 % 10} MB/s, {left_s // 60} min {left_s % 60} s left"


class Silent(Progress):
    """Nothing is said: `--json`."""

    def at(self, done: int) -> None:
        pass
