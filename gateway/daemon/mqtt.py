"""The uplink over paho-mqtt: the only file that knows paho.

paho's client is driven from our own event loop (its `loop_read`, `loop_write` and `loop_misc`), not from a
thread of its own: a PUBLISH goes to the socket within the call, and no thread has to win the interpreter from a
hub that drains a backlog. docs/adr/0009-mqtt.md has the numbers. Only name look-up, TCP connect and the TLS
handshake block, so they alone run in a short-lived thread.

Each connection gets a fresh client: sessions are clean, what is under way when a connection ends is lost with
it, and whoever published is told so. Queueing, resending and waiting between attempts are the hub's.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterable
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from gateway.core.config_fields import Broker
from gateway.daemon.mqtt_tls import TlsFiles, refused, tls_context, translate
from gateway.daemon.patience import Patience
from gateway.daemon.reaching import ADDRESS_TIMEOUT_S, in_daemon_thread, probe, tcp
from hal.buffer import Buffer
from hal.errors import DeniedError, HalError, LinkLostError, TimedOutError, UnavailableError
from hal.types import Message

QOS = 1
CONNECT_TIMEOUT_MS = 15_000
# The hub takes messages at once; a broker that sends faster waits in TCP from here on.
PAUSE_AT = 256
BUFFERED = 4 * PAUSE_AT

# CONNACK return code 3 as paho's MQTT 5 reason; the others are refusals. Source: MQTT 3.1.1, table 3.1.
SERVER_UNAVAILABLE = 136


class PahoUplink:
    """`Uplink` to one broker.

    Args:
        broker: where it is.
        client_id: the gateway's id, which is also its certificate's common name (DESIGN.md 4).
        tls: files for mqtts, read anew at each connection so that a renewed certificate counts at once.
        connect_timeout_ms: for look-up, TCP, TLS, CONNACK and SUBACK together.
        patience: with a connection that has become silent; 70 s at most.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        client_id: str,
        tls: TlsFiles | None = None,
        connect_timeout_ms: int = CONNECT_TIMEOUT_MS,
        patience: Patience | None = None,
    ) -> None:
        self.broker = broker
        self._tls = tls
        self._client_id = client_id
        self._connect_timeout_ms = connect_timeout_ms
        self._patience = patience
        self._link: Link | None = None

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection and it still stands."""
        return self._link is not None and self._link.stands

    async def connect(self, subscriptions: Iterable[str], *, interface: str | None = None) -> None:
        """Connect once, clean session, and subscribe; an own connection that still stands ends first."""
        await self.close()
        link = Link(self.broker)
        try:
            async with asyncio.timeout(self._connect_timeout_ms / 1000):
                attempt = Attempt(self.broker, self._client_id, self._tls, interface, self._patience)
                await attempt.run()
                link.attach(attempt)
                topics = [(topic, QOS) for topic in subscriptions]
                if topics:  # on its way with CONNECT (MQTT 3.1.1, 3.1.4): a round trip less before an alarm
                    attempt.client.subscribe(topics)
                await link.answer("did not accept the connection")
                if topics:
                    await link.answer("did not grant the subscriptions")
            self._link = link
        except TimeoutError as error:
            raise TimedOutError(f"{self.broker} does not answer: check the network and firewalls") from error
        finally:
            if self._link is not link:
                link.close()

    async def probe(self, *, interface: str | None = None) -> None:
        """Whether the broker could be reached; a connection that stands is not touched."""
        try:
            async with asyncio.timeout(self._connect_timeout_ms / 1000):
                await in_daemon_thread(lambda: probe(self.broker, self._tls, interface), lambda: None)
        except TimeoutError as error:
            raise TimedOutError(f"{self.broker} does not answer: check the network and firewalls") from error

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand over with QoS 1; returns on the broker's PUBACK."""
        if self._link is None:
            raise LinkLostError("not connected to the broker: connect again")
        await self._link.publish(topic, payload, retain)

    async def receive(self) -> Message:
        """The next message, oldest first; what had arrived before the connection ended is still handed out."""
        if self._link is None:
            raise LinkLostError("not connected to the broker: connect again")
        return await self._link.receive()

    async def close(self) -> None:
        """Say goodbye and end the connection; no error where it has already ended."""
        link, self._link = self._link, None
        if link is not None:
            link.close()


class Client(paho.Client):
    """paho's client, whose socket may be bound to one interface. `tests/gateway/test_mqtt.py` watches the seam."""

    interface: str | None = None

    def _create_socket_connection(self) -> socket.socket:
        return tcp(self._host, self._port, self.interface, self.connect_timeout)


class Attempt:
    """One attempt to reach a broker: look-up, TCP, TLS and the sending of CONNECT, all of which may block.

    abandoned: set by whoever no longer waits; then no CONNECT is sent, which would take over the session of
    the attempt that came after.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        tls: TlsFiles | None,
        interface: str | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.abandoned = False
        self.patience = patience if patience is not None else Patience()
        self.socket: Any = None
        self._broker = broker
        self._tls = tls
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        self.client.interface = interface
        self.client.connect_timeout = ADDRESS_TIMEOUT_S
        self.client.max_inflight_messages_set(0)  # no limit of its own: it would queue, and the queue is ours
        self.client.on_socket_open = self._on_socket_open

    def block(self) -> None:
        """Do it, in a thread. Raises what `Uplink.connect` raises."""
        if self._broker.tls:
            if self._tls is None:
                raise DeniedError(f"{self._broker} needs certificates: set [uplink] ca, certificate and key")
            self.client.tls_set_context(tls_context(self._tls))
        try:
            self.client.connect(self._broker.host, self._broker.port, self.patience.keepalive_s)
        except OSError as error:
            raise translate(error, self._broker) from error

    async def run(self) -> None:
        """Do it in a daemon thread."""
        try:
            await in_daemon_thread(self.block, self._hang_up)
        finally:
            self.abandoned = True

    def _hang_up(self) -> None:
        self.client.disconnect()

    def _on_socket_open(self, _client: paho.Client, _data: Any, sock: Any) -> None:
        if self.abandoned:
            sock.close()
            raise ConnectionAbortedError("nobody waits for this connection any more")
        self.socket = sock
        self.patience.prepare(sock)


class Link:
    """One connection, from the CONNECT that was sent to its end. All of it runs on the event loop."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._loop = asyncio.get_running_loop()
        self._client: paho.Client | None = None
        self._socket: Any = None
        self._closed_socket: Any = None
        self._inbox = Buffer(BUFFERED)
        self._pending: dict[int, asyncio.Future[None]] = {}
        self._awaited: asyncio.Future[None] | None = None
        self._answers: list[HalError | None] = []  # that came before anyone waited for them
        self._otherwise = ""
        self._refusal: HalError | None = None
        self._paused = False
        self._look_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def stands(self) -> bool:
        """Whether it has not ended."""
        return not self._inbox.ended

    def attach(self, attempt: Attempt) -> None:
        """Take over a client whose CONNECT is on its way."""
        client = attempt.client
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.on_socket_close = self._on_socket_close
        self._client = client
        if client.socket() is None:  # it ended while the thread still had it
            self._closed_socket = attempt.socket
            self._end()
            return
        self._socket, self._look_s = attempt.socket, attempt.patience.look_s
        self._loop.add_reader(self._socket, self._readable)
        self._timer = self._loop.call_later(self._look_s, self._tick)
        self._flush()

    async def answer(self, otherwise: str) -> None:
        """Wait for the CONNACK or SUBACK that is due; `otherwise` says what it means if the link ends instead."""
        self._otherwise = otherwise
        if self._answers:
            if (error := self._answers.pop(0)) is not None:
                raise error
            return
        if not self.stands:
            raise self._loss()
        self._awaited = self._loop.create_future()
        try:
            await self._awaited
        finally:
            self._awaited = None

    async def publish(self, topic: str, payload: bytes, retain: bool) -> None:
        """PUBLISH now, return on its PUBACK. Raises LinkLostError when the connection ends before that."""
        client = self._client
        if client is None or not self.stands:
            raise LinkLostError("the connection to the broker has ended: connect again")
        sent = client.publish(topic, payload, QOS, retain)
        if sent.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS or not self.stands:
            raise LinkLostError(
                "the connection to the broker ended: connect again", paho.error_string(sent.rc)
            )
        acknowledged = self._loop.create_future()
        self._pending[sent.mid] = acknowledged
        self._flush()
        try:
            await acknowledged
        finally:
            self._pending.pop(sent.mid, None)

    async def receive(self) -> Message:
        """The next message."""
        message: Message = await self._inbox.get()
        if self._paused and len(self._inbox) < PAUSE_AT // 2 and self._socket is not None:
            self._paused = False
            self._loop.add_reader(self._socket, self._readable)
            self._loop.call_soon(self._readable)  # TLS may hold decrypted bytes that no selector sees
        return message

    def close(self) -> None:
        """DISCONNECT and close, without waiting for a peer that takes nothing any more."""
        client = self._client
        if client is not None and self._socket is not None:
            client.disconnect()
            if self._socket is not None:
                with contextlib.suppress(OSError):  # the peer may have reset it since the last look
                    self._socket.shutdown(socket.SHUT_RDWR)
                client.loop_write()
        self._end()

    # --- the event loop's side ------------------------------------------------------------------------------------

    def _readable(self) -> None:
        """Read until nothing is left: TLS holds whole records that the selector knows nothing of."""
        client = self._client
        while client is not None and self._socket is not None and not self._paused:
            failed = client.loop_read()
            if failed or self._socket is None or not getattr(self._socket, "pending", int)():
                break
        self._flush()

    def _writable(self) -> None:
        if self._client is not None:
            self._client.loop_write()
        self._flush()

    def _flush(self) -> None:
        """Paho writes within each call; what the socket did not take goes when it can."""
        if self._client is None or self._socket is None:
            return
        if self._client.want_write():
            self._loop.add_writer(self._socket, self._writable)
        else:
            self._loop.remove_writer(self._socket)

    def _tick(self) -> None:
        if self._client is not None and self._socket is not None:
            self._client.loop_misc()
            self._flush()
        if self.stands:
            self._timer = self._loop.call_later(self._look_s, self._tick)

    def _end(self, detail: str = "") -> None:
        """The connection is over: everyone who waits on it is told."""
        if self._timer is not None:
            self._timer.cancel()
        self._inbox.end("the connection to the broker ended: connect again", detail)
        self._settle(self._loss())
        pending, self._pending = self._pending, {}
        for acknowledged in pending.values():
            if not acknowledged.done():
                acknowledged.set_exception(
                    LinkLostError("the connection ended before the broker acknowledged", detail)
                )

    def _settle(self, error: HalError | None) -> None:
        """Give whoever waits for CONNACK or SUBACK their answer."""
        if self._awaited is not None and not self._awaited.done():
            if error is None:
                self._awaited.set_result(None)
            else:
                self._awaited.set_exception(error)
        elif self.stands:
            self._answers.append(error)

    def _loss(self) -> HalError:
        """Why a connection ended before it was ours to use."""
        if self._refusal is not None:
            return self._refusal
        if getattr(self._closed_socket, "refusal", None) is not None:
            return refused(self._closed_socket, self._broker)
        return UnavailableError(
            f"{self._broker} {self._otherwise} and ended the connection: see the broker's log"
        )

    # --- paho's side ----------------------------------------------------------------------------------------------

    def _on_connect(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if not reason.is_failure:
            self._settle(None)
        elif reason.value == SERVER_UNAVAILABLE:
            self._refusal = UnavailableError(f"{self._broker} is not available: try again later", str(reason))
        else:
            self._refusal = DeniedError(
                f"{self._broker} refuses this gateway: check its id and what the broker allows it",
                str(reason),
            )

    def _on_subscribe(
        self, _client: paho.Client, _data: Any, _mid: int, reasons: list[Any], _properties: Any
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            self._refusal = DeniedError(
                f"{self._broker} refuses a subscription: check its access list", ", ".join(refused)
            )
        self._settle(self._refusal)

    def _on_publish(self, _client: paho.Client, _data: Any, mid: int, _reason: Any, _properties: Any) -> None:
        acknowledged = self._pending.get(mid)
        if acknowledged is not None and not acknowledged.done():
            acknowledged.set_result(None)

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._inbox.put(Message(message.topic, bytes(message.payload), bool(message.retain)))
        if len(self._inbox) >= PAUSE_AT and not self._paused and self._socket is not None:
            self._paused = True
            self._loop.remove_reader(self._socket)

    def _on_disconnect(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        self._end(str(reason))

    def _on_socket_close(self, _client: paho.Client, _data: Any, sock: Any) -> None:
        self._loop.remove_reader(sock)
        self._loop.remove_writer(sock)
        self._closed_socket, self._socket = sock, None
