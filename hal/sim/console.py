"""The console of a simulated board: a cable to a technician's machine, and an interrupt that ends what runs, as on a board."""

from hal.buffer import Buffer
from hal.errors import HalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.sim.line import SerialLine

INTERRUPT = 3
HELD = 64


class SimConsole:
    """`firmware.natives.Console`. interrupted: how often a byte 3 came while it was an interrupt; what came with it is lost."""

    def __init__(self, line: "SerialLine") -> None:
        self.interrupted = 0
        self._line = line
        self._interrupts = True
        self._came = Buffer(HELD)
        line.attach(self, 115_200, "N")  # type: ignore[arg-type]  # it has a port's face

    def interrupts(self, wanted: bool) -> None:
        self._interrupts = wanted

    async def read(self) -> bytes:
        try:
            data: bytes = await self._came.get()
        except HalError:
            return b""
        return data

    def write(self, data: bytes) -> None:
        self._line.hear(data)

    def close(self) -> None:
        self._line.detach()

    def hear(self, data: bytes) -> None:
        """Line side: bytes arrive."""
        if self._interrupts and INTERRUPT in data:
            self.interrupted += 1
        else:
            self._came.put(bytes(data))

    def lose(self) -> None:
        """Line side: the cable was pulled."""
        self._came.end("the cable was pulled")
