"""The lamp of a board: one pin, lit in the rhythm that the state has. Portable.

`show` only notes the state; `run` lights the pin. It sleeps while the lamp is steady or dark.
"""

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hal.interfaces import Clock

# state: milliseconds lit, dark, lit, ..., over and over; one number is a steady light, none is dark. The rhythms are those of the
# lamp on Linux; quiet by default (D10).
PATTERNS: "dict[str, tuple[int, ...]]" = {
    "ok": (),
    "starting": (500, 500),
    "offline": (1,),
    "fault": (200, 1800),
    "pairing": (100, 100),
    "identify": (50, 150),
    "storage_full": (1000, 200),
    "stopped": (50, 4950),
    "quiet": (),
    "heard": (1000, 1000),
    "delivered": (70, 140, 70, 720),
}


class BoardIndicator:
    """`Indicator` on a `machine.Pin` that is an output; `lit` is the level at which the lamp burns."""

    def __init__(self, pin: "Any", clock: "Clock", lit: int = 1) -> None:
        self.state = ""
        self._pin = pin
        self._clock = clock
        self._lit = lit
        self._changed = asyncio.Event()

    def show(self, state: str) -> None:
        """Never raises: who looks at a lamp that fails sees the older state."""
        if state != self.state:
            self.state = state
            self._changed.set()

    async def run(self) -> None:
        """Light the lamp, for ever."""
        while True:
            self._changed.clear()
            pattern = PATTERNS.get(self.state, PATTERNS["fault"]) if self.state else ()
            if len(pattern) < 2:
                self._light(bool(pattern))
                await self._changed.wait()
            else:
                await self._blink(pattern)

    async def _blink(self, pattern: "tuple[int, ...]") -> None:
        """Once through the rhythm, or until the state is another one."""
        for at, duration_ms in enumerate(pattern):
            if self._changed.is_set():
                return
            self._light(at % 2 == 0)
            await self._clock.sleep_ms(duration_ms)

    def _light(self, is_lit: bool) -> None:
        try:
            self._pin.value(self._lit if is_lit else 1 - self._lit)
        except OSError:
            pass
