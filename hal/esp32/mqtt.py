"""The uplink of a board: MQTT 3.1.1 on asyncio, QoS 1, clean sessions, mutual TLS. See docs/adr/0032-mqtt-on-the-board.md.

Queueing, resending and waiting between attempts are the hub's. What is under way when a connection ends is lost with it, and
whoever published is told so.
"""

import asyncio

from hal.errors import DeniedError, LinkLostError, TimedOutError, UnavailableError
from hal.esp32 import tcp
from hal.esp32.mqtt_link import Limits, MqttLink, hello
from hal.esp32.mqtt_packets import DISCONNECT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from typing import Any

    from hal.interfaces import Clock, Network
    from hal.types import Message

CONNECT_TIMEOUT_MS = 20_000  # two handshakes' worth of a classic ESP32


class MqttUplink:
    """`Uplink` to one broker.

    Args:
        broker: where it is: `host`, `port`, `tls`, and a name by `str`; `gateway.core.config_fields.Broker` is one.
        client_id: the gateway's id, which is also its certificate's common name (DESIGN.md 4).
        credentials: gives the DER of ca, certificate and key, at each connection: a renewed certificate counts at once.
        clock: for time-outs.
        is_dated: whether the machine's time of day is known, or restored from one that was known: certificates have dates.
        network: its interfaces, for `interface`; without it that is what the system routes.
    """

    def __init__(
        self,
        broker: "Any",
        *,
        client_id: str,
        clock: "Clock",
        credentials: "Callable[[], tcp.Credentials] | None" = None,
        is_dated: "Callable[[], bool]" = lambda: True,
        network: "Network | None" = None,
        limits: "Limits | None" = None,
        connect_timeout_ms: int = CONNECT_TIMEOUT_MS,
    ) -> None:
        self.broker = broker
        self._client_id = client_id
        self._clock = clock
        self._credentials = credentials
        self._is_dated = is_dated
        self._network = network
        self._limits = limits if limits is not None else Limits()
        self._connect_timeout_ms = connect_timeout_ms
        self._link: "MqttLink | None" = None

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection and it still stands."""
        return self._link is not None and self._link.stands

    async def connect(self, subscriptions: "Iterable[str]", *, interface: "str | None" = None) -> None:
        """Connect once, clean session, and subscribe; an own connection that still stands ends first."""
        await self.close()
        await self._in_time(self._connect(list(subscriptions), interface))

    async def probe(self, *, interface: "str | None" = None) -> None:
        """Whether the broker could be reached; a connection that stands is not touched.

        Of MQTT only DISCONNECT is said, to which a broker without a CONNECT hangs up: it opens no session and ends none.
        """
        await self._in_time(self._probe(interface))

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand over with QoS 1; returns on the broker's PUBACK."""
        if self._link is None:
            raise LinkLostError("not connected to the broker: connect again")
        await self._link.publish(topic, payload, retain)

    async def receive(self) -> "Message":
        """The next message, oldest first; what had arrived before the connection ended is still handed out."""
        if self._link is None:
            raise LinkLostError("not connected to the broker: connect again")
        return await self._link.receive()

    async def close(self) -> None:
        """Say goodbye and end the connection; no error where it has already ended."""
        link, self._link = self._link, None
        if link is not None:
            link.end("closed here", goodbye=True)
            await asyncio.sleep(0)  # its tasks take leave

    async def _in_time(self, attempt: "Awaitable[None]") -> None:
        try:
            await asyncio.wait_for(attempt, self._connect_timeout_ms / 1000)
        except asyncio.TimeoutError:
            raise TimedOutError(str(self.broker) + " does not answer: check the network and firewalls")

    async def _connect(self, topics: "list[str]", interface: "str | None") -> None:
        stream = await self._dial(hello(self._client_id, topics, self._limits), interface)
        link = MqttLink(stream, self._clock, str(self.broker), self._limits)
        try:
            await link.open(len(topics))
            self._link = link
        finally:
            if self._link is not link:
                link.end("not accepted", goodbye=True)

    async def _probe(self, interface: "str | None") -> None:
        (await self._dial(DISCONNECT, interface)).close()

    async def _dial(self, first: bytes, interface: "str | None") -> tcp.TcpStream:
        broker = self.broker
        context = self._context() if broker.tls else None
        return await tcp.dial(broker.host, broker.port, str(broker), context, first, self._source(interface))

    def _context(self) -> "Any":
        """Raises DeniedError (no credentials, or such that cannot be read), UnavailableError (no time of day yet)."""
        if self._credentials is None:
            raise DeniedError(str(self.broker) + " needs certificates: set [uplink] ca, certificate and key")
        if not self._is_dated():
            raise UnavailableError(
                "the clock is not set yet, and the dates of "
                + str(self.broker)
                + "'s certificate cannot be checked: wait for it"
            )
        return tcp.context(self._credentials())

    def _source(self, interface: "str | None") -> "str | None":
        """The address of an interface. Raises UnavailableError."""
        if interface is None:
            return None
        for path in self._network.paths() if self._network is not None else []:
            if path.name == interface and path.up and path.address is not None:
                return path.address
        raise UnavailableError("there is no interface " + interface + " that is up: check the network")
