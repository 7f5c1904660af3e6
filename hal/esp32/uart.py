"""Serial ports of a board: its UARTs, by name. Portable.

A UART does not notice that a cable is pulled. Where a line has a pin that tells (DSR of an RS-232 converter, or a contact of the
socket), `Line.plugged` reads it; without one a pulled cable is a device that has fallen silent, which the hub tells by itself.
"""

import asyncio

from hal.errors import DeniedError, LinkLostError, UnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from hal.interfaces import Clock

    class Flag(Protocol):
        """`asyncio.ThreadSafeFlag`."""

        def set(self) -> None: ...
        async def wait(self) -> None: ...


CHUNK = 4096  # the most that one read returns
BUFFER = 4096  # of the driver: 350 ms at 115,200 baud, as long as an erase of the flash may take
PARITIES = {"N": None, "E": 0, "O": 1}  # as machine.UART has them
FULL_MS = 5  # after which a driver that took nothing is asked again


class Line:
    """One UART.

    `make(baudrate=, parity=, timeout=, rxbuf=, txbuf=)` opens the driver, whose `irq(handler, trigger)` calls when bytes have come.
    """

    def __init__(
        self, make: "Callable[..., Any]", plugged: "Callable[[], bool] | None" = None, trigger: int = 0
    ) -> None:
        self.make = make
        self.trigger = trigger
        self.plugged = plugged if plugged is not None else always
        self.port: "BoardSerialPort | None" = None

    def changed(self) -> None:
        """Called when the pin of the socket has changed."""
        if self.port is not None:
            self.port.wake()


def always() -> bool:
    """No pin tells: it is taken for plugged in."""
    return True


class BoardSerialPort:
    """`SerialPort` on a driver like `machine.UART` with its time-out at 0."""

    def __init__(self, url: str, line: Line, native: "Any", clock: "Clock", flag: "Flag") -> None:
        self._url = url
        self._line = line
        self._native = native
        self._clock = clock
        self._flag = flag
        self._turn = asyncio.Lock()
        self._lost = ""

    async def read(self) -> bytes:
        """At least one byte, at most 4096; what came before a loss is handed out first."""
        while True:
            data = self._taken()
            if data:
                return data
            self._check()
            await self._flag.wait()

    async def write(self, data: bytes) -> None:
        """All of `data`."""
        async with self._turn:
            left = memoryview(bytes(data))
            while left:
                self._check()
                try:
                    count = self._native.write(left[:CHUNK]) or 0
                except OSError as error:
                    self._end(str(error))
                    continue
                left = left[count:]
                if not count:
                    await self._clock.sleep_ms(FULL_MS)

    async def close(self) -> None:
        """Let go of the line; no error where it is closed or lost."""
        if self._line.port is self:
            self._line.port = None
            try:
                self._native.deinit()
            except OSError:
                pass
        self._end("closed here")

    def wake(self) -> None:
        """The driver or the pin has something to say."""
        self._flag.set()

    def look(self) -> None:
        """Notice a cable that was pulled while nobody read."""
        if not self._line.plugged():
            self._end("the cable was pulled")
            if self._line.port is self:
                self._line.port = None

    def _taken(self) -> bytes:
        if self._lost:
            return b""
        try:
            return bytes(self._native.read(CHUNK) or b"")
        except OSError as error:
            self._end(str(error))
            return b""

    def _end(self, why: str) -> None:
        self._lost = self._lost or why or "the driver failed"
        self._flag.set()

    def _check(self) -> None:
        self.look()
        if self._lost:
            if self._line.port is self:
                self._line.port = None
            raise LinkLostError(
                "serial port " + self._url + " is gone: open it again when it is back", self._lost
            )


class BoardSerialPorts:
    """`SerialPorts` of a board: `lines` by the name that the configuration has for them."""

    def __init__(self, lines: "dict[str, Line]", clock: "Clock", flag: "Callable[[], Flag]") -> None:
        self._lines = lines
        self._clock = clock
        self._flag = flag

    async def open(self, url: str, *, baud: int = 115_200, parity: str = "N") -> BoardSerialPort:
        """Open exclusively."""
        line = self._lines.get(url)
        if line is not None and line.port is not None:
            line.port.look()
        if line is None or not line.plugged():
            raise UnavailableError("no serial port " + url + ": check the cable and the name")
        if line.port is not None:
            raise DeniedError("serial port " + url + " is in use: stop the other program")
        try:
            made = line.make(baudrate=baud, parity=PARITIES[parity], timeout=0, rxbuf=BUFFER, txbuf=BUFFER)
        except (OSError, ValueError) as error:
            raise UnavailableError("no serial port " + url + ": check the cable and the name", str(error))
        line.port = port = BoardSerialPort(url, line, made, self._clock, self._flag())
        made.irq(lambda _: port.wake(), line.trigger)
        return port
