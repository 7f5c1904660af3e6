"""`machine.UART` over a simulated cable: a driver with buffers, and a handler that is called when bytes have come."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hal.sim.line import SerialLine

PARITIES = {None: "N", 0: "E", 1: "O"}
AT_ONCE = 4000  # bytes that the driver takes of one write


class SimUart:
    """The driver. What the far end sends faster than the buffer holds waits on the wire: a real line is as slow as its baud."""

    def __init__(
        self,
        line: "SerialLine",
        baudrate: int = 115_200,
        parity: "int | None" = None,
        timeout: int = 0,
        rxbuf: int = 256,
        txbuf: int = 256,
    ) -> None:
        self._line = line
        self._waiting = bytearray()
        self._handler: "Callable[[Any], None] | None" = None
        self._size = rxbuf
        line.attach(self, baudrate, PARITIES[parity])  # type: ignore[arg-type]  # it has a port's face

    def irq(self, handler: "Callable[[Any], None]", trigger: int = 0) -> None:
        self._handler = handler

    def any(self) -> int:
        return min(len(self._waiting), self._size)

    def read(self, count: int) -> "bytes | None":
        count = min(count, self._size)
        if not self._waiting:
            return None
        data = bytes(self._waiting[:count])
        self._waiting = self._waiting[count:]
        return data

    def write(self, data: bytes) -> int:
        taken = bytes(data[:AT_ONCE])
        self._line.hear(taken)
        return len(taken)

    def deinit(self) -> None:
        self._line.detach()
        self._handler = None

    def hear(self, data: bytes) -> None:
        """Line side: bytes arrive."""
        self._waiting.extend(data)
        self._call()

    def lose(self) -> None:
        """Line side: the cable was pulled; the driver does not know, its handler may be called by a pin."""
        self._call()

    def _call(self) -> None:
        if self._handler is not None:
            self._handler(self)
