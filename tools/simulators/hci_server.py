"""Virtual controllers for other processes, over TCP: the home is the dongle, the gateway plugs itself in.

    server = HciServer(link)
    port = await server.start()
    ... # the other process opens Bumble's transport tcp-client:127.0.0.1:PORT
    await server.stop()

A host that listens itself, as the serial line of a virtual machine does, is joined by `join`.

Each connection gets a controller of its own, fresh from reset. When the other process goes away, in whatever way,
its controller goes off the air, and the peripherals that it was connected to see a supervision time-out.
"""

import asyncio
import logging
from pathlib import Path

from bumble import hci
from bumble.core import InvalidPacketError
from bumble.transport.common import PacketParser

from tools.simulators.controller import HomeController
from tools.simulators.link import HomeLink

log = logging.getLogger(__name__)

PUBLIC_ADDRESS = "00:AA:01:00:00:42"


class HciServer:
    """H4 packets over TCP on the loopback interface (Core 5.4, Vol 4, Part A)."""

    def __init__(self, link: HomeLink, public_address: str = PUBLIC_ADDRESS) -> None:
        self.link = link
        self.public_address = public_address
        self._server: asyncio.Server | None = None
        self._sessions: set[Session] = set()
        self._arrival = asyncio.Event()

    @property
    def connected(self) -> int:
        """How many hosts are plugged in."""
        return len(self._sessions)

    async def start(self, port: int = 0) -> int:
        """Listen; port 0 takes a free one. Returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._new_session, "127.0.0.1", port)
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    async def join(self, path: Path) -> None:
        """Plug a controller into a host that listens on a unix socket."""
        await asyncio.get_running_loop().create_unix_connection(self._new_session, str(path))

    async def wait_for_host(self) -> None:
        """Wait until a host is plugged in."""
        while not self._sessions:
            self._arrival.clear()
            await self._arrival.wait()

    @property
    def controllers(self) -> list[HomeController]:
        """Those that hosts are plugged into."""
        return [session.controller for session in self._sessions if session.controller is not None]

    def unplug(self) -> None:
        """Pull the dongle out: hosts are cut off, and find nothing until `start` with the same port."""
        if self._server is not None:
            self._server.close()
        for session in list(self._sessions):
            session.unplug()

    async def stop(self) -> None:
        """Unplug, and wait until all is closed."""
        self.unplug()
        if self._server is not None:
            await self._server.wait_closed()

    def _new_session(self) -> "Session":
        return Session(self)

    def plugged(self, session: "Session") -> None:
        """Session side: a host is there."""
        self._sessions.add(session)
        self._arrival.set()

    def unplugged(self, session: "Session") -> None:
        """Session side: it is gone."""
        self._sessions.discard(session)


class Session(asyncio.Protocol):
    """One host at one controller."""

    def __init__(self, server: HciServer) -> None:
        self._home = server
        self._parser = PacketParser(self)
        self._transport: asyncio.WriteTransport | None = None
        self.controller: HomeController | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Plug in: asyncio has set TCP_NODELAY."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self.controller = HomeController("hub", self._home.link, public_address=self._home.public_address)
        self.controller.set_packet_sink(ToHost(transport))
        self._home.plugged(self)

    def data_received(self, data: bytes) -> None:
        """Bytes from the host."""
        try:
            self._parser.feed_data(data)
        except InvalidPacketError as error:
            log.warning("unplugging a host that does not speak H4: %s", error)
            self.unplug()

    def connection_lost(self, exc: Exception | None) -> None:
        """The host is gone: so are its links."""
        controller, self.controller = self.controller, None
        self._home.unplugged(self)
        if controller is not None:
            controller.set_packet_sink(None)
            controller.remove()

    def on_packet(self, packet: bytes) -> None:
        """One whole packet from the host."""
        if self.controller is not None:
            self.controller.on_hci_packet(hci.HCI_Packet.from_bytes(packet))

    def unplug(self) -> None:
        """Back door: pull the dongle out."""
        if self._transport is not None:
            self._transport.abort()


class ToHost:
    """Packets of a controller to its host, as long as somebody is there."""

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport

    def on_packet(self, packet: bytes) -> None:
        """One whole packet."""
        if not self._transport.is_closing():
            self._transport.write(packet)
