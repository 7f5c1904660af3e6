"""A simulated serial cable, seen from the device at its far end."""

from hal.buffer import Buffer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.sim.serial_ports import SimSerialPort

CHUNK = 4096  # the most that one read returns


class SerialLine:
    """The far end: what a device does, and the hand that pulls the cable."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.plugged = True
        self.baud = 0
        self.parity = ""
        self._port: SimSerialPort | None = None
        self._received = bytearray()
        self._arrived = Buffer(1)  # holds one mark while bytes wait, so that `read` can sleep on it

    @property
    def opened(self) -> bool:
        """Whether the hub holds the line open."""
        return self._port is not None

    def send(self, data: bytes) -> bool:
        """Bytes towards the hub. False where nobody has the line open: a UART keeps nothing for later."""
        if self._port is None:
            return False
        self._port.hear(data)
        return True

    def received(self) -> bytes:
        """Take everything the hub has written and nobody has taken."""
        data = bytes(self._received)
        self._received = bytearray()
        return data

    async def read(self) -> bytes:
        """Wait until the hub has written something and take it."""
        while not self._received:
            await self._arrived.get()
        return self.received()

    def pull(self) -> None:
        """Pull the cable: the hub's port is lost and cannot be opened."""
        self.plugged = False
        port, self._port = self._port, None
        if port is not None:
            port.lose()

    def put_back(self) -> None:
        """Plug the cable in again; the hub may open the line."""
        self.plugged = True

    def attach(self, port: "SimSerialPort", baud: int, parity: str) -> None:
        """Hub side: the line was opened."""
        self._port = port
        self.baud = baud
        self.parity = parity

    def detach(self) -> None:
        """Hub side: the line was closed."""
        self._port = None

    def hear(self, data: bytes) -> None:
        """Hub side: bytes were written."""
        self._received.extend(data)
        self._arrived.put(True)
