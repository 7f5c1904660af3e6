"""Serial ports over simulated cables."""

import asyncio

from hal.errors import DeniedError, LinkLostError, UnavailableError
from hal.sim.line import CHUNK, SerialLine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.sim.world import World


class SimSerialPort:
    """`SerialPort` on a `SerialLine`."""

    def __init__(self, line: SerialLine) -> None:
        self._line = line
        self._waiting = bytearray()
        self._changed = asyncio.Event()
        self._lost = ""

    async def read(self) -> bytes:
        """At least one byte, at most 4096; what came before a loss is handed out first."""
        while not self._waiting:
            self._check()
            self._changed.clear()
            await self._changed.wait()
        data = bytes(self._waiting[:CHUNK])
        self._waiting = self._waiting[CHUNK:]
        return data

    async def write(self, data: bytes) -> None:
        """All of `data`."""
        self._check()
        self._line.hear(data)

    async def close(self) -> None:
        """Let go of the line; no error where it is closed or lost."""
        if not self._lost:
            self._line.detach()
            self._end("closed here")

    def hear(self, data: bytes) -> None:
        """Line side: bytes arrive."""
        self._waiting.extend(data)
        self._changed.set()

    def lose(self) -> None:
        """Line side: the cable was pulled."""
        self._end("the cable was pulled")

    def _end(self, why: str) -> None:
        self._lost = why
        self._changed.set()

    def _check(self) -> None:
        if self._lost:
            raise LinkLostError(
                "serial line " + self._line.name + " is gone: open it again when it is back", self._lost
            )


class SimSerialPorts:
    """`SerialPorts` of a `World`: the URL is the name of the line."""

    def __init__(self, world: "World") -> None:
        self._world = world

    async def open(self, url: str, *, baud: int = 115_200, parity: str = "N") -> SimSerialPort:
        """Open exclusively."""
        line = self._world.find_line(url)
        if line is None or not line.plugged:
            raise UnavailableError(
                "no serial port " + url + ": check the cable and the name", "simulated line is absent"
            )
        if line.opened:
            raise DeniedError(
                "serial port " + url + " is in use: stop the other program", "simulated line is open"
            )
        port = SimSerialPort(line)
        line.attach(port, baud, parity)
        return port
