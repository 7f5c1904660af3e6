"""A button of a board, debounced: it counts when it has been held, so that neither a bump nor a spark opens anything. Portable."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from hal.interfaces import Clock

    class Flag(Protocol):
        """`asyncio.ThreadSafeFlag`."""

        def set(self) -> None: ...
        async def wait(self) -> None: ...


HELD_MS = 2_000  # a person means it; a hand that dusts does not
LOOK_MS = 50
PRESSED = 0  # pulled up, and to ground by the button


class BoardButton:
    """`Button` on a `machine.Pin` that is an input; `flag` is raised by its interrupt."""

    def __init__(self, pin: "Any", clock: "Clock", flag: "Flag", held_ms: int = HELD_MS) -> None:
        self._pin = pin
        self._clock = clock
        self._flag = flag
        self._held_ms = held_ms
        pin.irq(lambda _: flag.set())

    async def pressed(self) -> None:
        """Wait until it is held down for so long, after it was let go of."""
        await self._until(1 - PRESSED)
        while True:
            await self._until(PRESSED)
            held_ms = 0
            while held_ms < self._held_ms and self._level() == PRESSED:
                await self._clock.sleep_ms(LOOK_MS)
                held_ms += LOOK_MS
            if held_ms >= self._held_ms:
                return

    async def stays(self, more_ms: int) -> bool:
        """Whether it stays down for so long more, after `pressed`."""
        held_ms = 0
        while held_ms < more_ms and self._level() == PRESSED:
            await self._clock.sleep_ms(LOOK_MS)
            held_ms += LOOK_MS
        return held_ms >= more_ms

    async def _until(self, level: int) -> None:
        while self._level() != level:
            await self._flag.wait()

    def _level(self) -> int:
        try:
            return int(self._pin.value())
        except OSError:
            return 1 - PRESSED  # a pin that fails is nobody's finger
