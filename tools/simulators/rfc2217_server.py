"""A serial server in the network that speaks RFC 2217: a line behind Telnet, with speed and parity set by whoever connects.

async with Rfc2217Server() as server:
    port = await ports.open(server.url, baud=57_600, parity="E")
    server.send(b"...")          # the device behind it speaks
    data = await server.read()
    server.pull()                # the box is off: the connection breaks, nobody listens
    await server.put_back()      # under the same name

The protocol is pyserial's own server side (`serial.rfc2217.PortManager`); the UART behind it is simulated, and so is the device.
One client at a time, as such boxes have it: a second connection is closed at once.
"""

import asyncio
from types import TracebackType
from typing import Any, Self

import serial
from serial.rfc2217 import PortManager

CHUNK = 4096


class Uart:
    """What a client may set and ask of the port; every setting is taken."""

    def __init__(self) -> None:
        self.baudrate = 9_600
        self.bytesize = serial.EIGHTBITS
        self.parity = serial.PARITY_NONE
        self.stopbits = serial.STOPBITS_ONE
        self.xonxoff = self.rtscts = self.break_condition = False
        self.dtr = self.rts = True
        self.cts = self.dsr = self.cd = True
        self.ri = False

    def reset_input_buffer(self) -> None:
        """Nothing waits here."""

    def reset_output_buffer(self) -> None:
        """Nor there."""


class Connection:
    """What the protocol writes to."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer

    def write(self, data: bytes) -> None:
        """To the client."""
        self.writer.write(data)


class Rfc2217Server:
    """The box and the device behind it. `uart` holds what was set; `refused` counts clients that came while it was taken."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = 0
        self.uart = Uart()
        self.refused = 0
        self.received = bytearray()
        self._arrived = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._client: tuple[asyncio.StreamWriter, PortManager] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """What a gateway opens."""
        return f"rfc2217://{self.host}:{self.port}"

    async def __aenter__(self) -> Self:
        await self.put_back()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pull()
        await asyncio.gather(*self._tasks, return_exceptions=True)  # each ends with its connection

    async def put_back(self) -> None:
        """Switch it on, under the name that it had."""
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def pull(self) -> None:
        """Switch it off: no connection, and nobody listens."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._client is not None:
            self._client[0].transport.abort()
            self._client = None

    def send(self, data: bytes) -> bool:
        """Bytes of the device. False where nobody is connected."""
        if self._client is None:
            return False
        writer, manager = self._client
        writer.write(b"".join(manager.escape(data)))
        return True

    async def read(self) -> bytes:
        """What the gateway has sent to the device."""
        while not self.received:
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self.received)
        self.received.clear()
        return data

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        if self._client is not None:
            self.refused += 1
            writer.close()
            return
        uart: Any = self.uart
        connection: Any = Connection(writer)
        manager = PortManager(uart, connection)
        self._client = (writer, manager)
        try:
            while data := await reader.read(CHUNK):
                self.received += b"".join(manager.filter(data))
                self._arrived.set()
        except ConnectionError:
            pass
        finally:
            writer.close()
            self._left(writer)

    def _left(self, writer: asyncio.StreamWriter) -> None:
        """A client is gone; another one may come."""
        if self._client is not None and self._client[0] is writer:
            self._client = None
