"""One MQTT connection over a stream that is open already, from CONNECT to its end. Portable; needs no thread and no socket.

Three tasks: one reads, one writes, one looks at the clock. The writer is never cancelled while the connection stands, and
nobody else writes: a TLS write that was begun must be ended with the same bytes, and MicroPython's streams write the whole
again where a `drain` was cut short. A waiter that is cancelled leaves the tasks alone.
"""

import asyncio

from hal.buffer import Buffer
from hal.errors import DeniedError, HalError, LinkLostError, UnavailableError
from hal.esp32 import mqtt_packets as packets
from hal.types import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Protocol

    from hal.interfaces import Clock

    class Stream(Protocol):
        """A byte stream to a broker; errors are OSError."""

        async def read(self) -> "bytes | memoryview":
            """Some bytes, which hold until the next read; none at the end."""
            ...

        async def write(self, data: bytes) -> None:
            """All of them."""
            ...

        def close(self, last: bytes = b"") -> None:
            """Close at once; `last` is sent where that needs no waiting."""
            ...


LARGEST = 9 * 1024  # a message towards a gateway is at most 8 KiB (DESIGN.md 4), its topic some 130 bytes
HELD_BYTES = 16 * 1024  # of messages nobody has taken yet: from here on a broker waits in TCP
HELD = 64
ACKS = 64  # of ours that wait for the writer
HELLO_ID = 1
ENDED = "the connection to the broker ended: connect again"


class Limits:
    """What a connection may cost.

    keepalive_s: a ping goes when nothing was heard or said for so long. answer_ms: what a ping's answer, or the end of a
    write, has. look_ms: between two looks at these. largest: bytes of one packet; a larger one is left out.
    A connection that has become silent is given up after keepalive, answer and two looks: 60 s, of the 70 s that the other
    gateway has for it (gateway/daemon/patience.py).
    """

    __slots__ = ("answer_ms", "keepalive_s", "largest", "look_ms")

    def __init__(
        self, *, keepalive_s: int = 30, answer_ms: int = 20_000, look_ms: int = 5_000, largest: int = LARGEST
    ) -> None:
        self.keepalive_s = keepalive_s
        self.answer_ms = answer_ms
        self.look_ms = look_ms
        self.largest = largest


class Handed:
    """One message on its way out, and whether its PUBACK has come; `lost` where it will not."""

    __slots__ = ("identifier", "lost", "payload", "retain", "settled", "topic")

    def __init__(self, identifier: int, topic: str, payload: bytes, retain: bool) -> None:
        self.identifier = identifier
        self.topic = topic
        self.payload = payload
        self.retain = retain
        self.lost = False
        self.settled = asyncio.Event()


def hello(client_id: str, topics: "list[str]", limits: Limits) -> bytes:
    """CONNECT and SUBSCRIBE together (3.1.4 allows it): a round trip less before an alarm."""
    said = packets.connect(client_id, limits.keepalive_s)
    return said + packets.subscribe(HELLO_ID, topics) if topics else said


class MqttLink:
    """Owns `stream`, on which `hello` was said. `await open(...)`, then `publish` and `receive`; `end` at last. `broker` is its name in errors.

    left_out: messages that were too large. heard_ms, said_ms: uptime when a byte last came, and went.
    """

    def __init__(self, stream: "Stream", clock: "Clock", broker: str, limits: Limits) -> None:
        self.left_out = 0
        self._stream = stream
        self._clock = clock
        self._broker = broker
        self._limits = limits
        self._framer = packets.Framer(limits.largest)
        self._inbox = Buffer(HELD)
        self._held_bytes = 0
        self._room = asyncio.Event()
        self._waits_for_room = False
        self._out: "list[Handed]" = []
        self._first: "list[bytes]" = []  # packets of our own that go before messages
        self._to_write = asyncio.Event()
        self._pending: "dict[int, Handed]" = {}
        self._identifier = HELLO_ID
        self._answers: "list[packets.Packet]" = []  # CONNACK and SUBACK
        self._answered = asyncio.Event()
        self._tasks: "list[asyncio.Task[None]]" = []
        self._detail = ""
        now_ms = clock.uptime_ms()
        self.heard_ms = self.said_ms = now_ms
        self._pinged_ms: "int | None" = None
        self._writing_ms: "int | None" = None

    @property
    def stands(self) -> bool:
        """Whether it has not ended."""
        return not self._inbox.ended

    # --- opening --------------------------------------------------------------------------------------------------

    async def open(self, topics: int) -> None:
        """Hear the answers to `hello`, which has gone with so many topics.

        Raises:
            DeniedError, UnavailableError: as `Uplink.connect`.
        """
        for run in (self._read, self._write, self._watch):
            self._tasks.append(asyncio.create_task(self._guarded(run)))
        self._check_connack(await self._answer(packets.CONNACK, "did not accept the connection"))
        if topics:
            answer = await self._answer(packets.SUBACK, "did not grant the subscriptions")
            self._check_suback(answer, topics)

    async def _answer(self, sort: int, otherwise: str) -> packets.Packet:
        """The answer that is due; `otherwise` says what it means where the connection ends instead."""
        while not self._answers:
            if not self.stands:
                raise UnavailableError(
                    self._broker + " " + otherwise + " and ended the connection: see the broker's log",
                    self._detail,
                )
            self._answered.clear()
            await self._answered.wait()
        answer = self._answers.pop(0)
        if answer.sort != sort:
            raise self._no_mqtt("an answer that was not asked for")
        return answer

    def _check_connack(self, answer: packets.Packet) -> None:
        try:
            code = packets.decode_connack(answer)
        except packets.PacketError as error:
            raise self._no_mqtt(str(error)) from None
        if code == packets.SERVER_UNAVAILABLE:
            raise UnavailableError(self._broker + " is not available: try again later", code_text(code))
        if code:
            raise DeniedError(
                self._broker + " refuses this gateway: check its id and what the broker allows it",
                code_text(code),
            )

    def _check_suback(self, answer: packets.Packet, count: int) -> None:
        try:
            identifier, codes = packets.decode_suback(answer)
        except packets.PacketError as error:
            raise self._no_mqtt(str(error)) from None
        if identifier != HELLO_ID or len(codes) != count:
            raise self._no_mqtt("an answer to SUBSCRIBE that is none")
        if max(codes) >= packets.REFUSED:
            raise DeniedError(self._broker + " refuses a subscription: check its access list")

    def _no_mqtt(self, what: str) -> HalError:
        return UnavailableError(self._broker + " does not speak MQTT 3.1.1: check the port", what)

    # --- what the hub does ------------------------------------------------------------------------------------------

    async def publish(self, topic: str, payload: bytes, retain: bool) -> None:
        """PUBLISH in the order of the calls, return on the PUBACK. Raises LinkLostError."""
        if not self.stands:
            raise LinkLostError("the connection to the broker has ended: connect again", self._detail)
        handed = Handed(self._free_identifier(), topic, payload, retain)
        self._pending[handed.identifier] = handed
        self._out.append(handed)
        self._to_write.set()
        try:
            await handed.settled.wait()
        finally:
            if handed in self._out:  # nobody waits for it, and nothing of it has gone
                self._out.remove(handed)
            if self._pending.get(handed.identifier) is handed:
                del self._pending[handed.identifier]
        if handed.lost:
            raise LinkLostError("the connection ended before the broker acknowledged", self._detail)

    async def receive(self) -> Message:
        """The next message; what had come before the end is still handed out. Raises LinkLostError."""
        message: Message = await self._inbox.get()
        self._held_bytes -= len(message.payload)
        self._room.set()
        return message

    def end(self, detail: str = "", *, goodbye: bool = False) -> None:
        """It is over: everyone who waits is told. With `goodbye` the broker is, too. Twice is no error."""
        if not self.stands:
            return
        self._detail = detail
        self._inbox.end(ENDED, detail)
        current = asyncio.current_task()
        for task in self._tasks:
            if (
                task is not current
            ):  # all at once: MicroPython forgets the other waiter of a stream with the first
                task.cancel()
        quiet = self._writing_ms is None and not self._first
        self._stream.close(packets.DISCONNECT if goodbye and quiet else b"")
        pending = list(self._pending.values())
        self._pending, self._out, self._first = {}, [], []
        for handed in pending:
            handed.lost = True
            handed.settled.set()
        self._answered.set()

    def _free_identifier(self) -> int:
        """Not of a message whose PUBACK has yet to come (2.3.1)."""
        while True:
            self._identifier = self._identifier % packets.MOST_ID + 1
            if self._identifier not in self._pending:
                return self._identifier

    # --- the three tasks --------------------------------------------------------------------------------------------

    async def _guarded(self, run: "Callable[[], Awaitable[None]]") -> None:
        """Run one of them; its end is the connection's. What is no error of the other side's is loud besides."""
        try:
            await run()
        except (OSError, ValueError, packets.PacketError) as error:  # ValueError: TLS, on MicroPython
            self.end(type(error).__name__ + ": " + str(error))
        except MemoryError:  # the next connection may have it; nothing is forgotten for this one
            self.end("out of memory")
        except Exception as error:
            self.end(type(error).__name__ + ": " + str(error))
            raise

    async def _read(self) -> None:
        while True:
            data = await self._stream.read()
            if not len(data):
                self.end("the broker hung up")
                return
            self.heard_ms = self._clock.uptime_ms()
            self._pinged_ms = None
            for packet in self._framer.feed(data):
                await self._take(packet)

    async def _take(self, packet: packets.Packet) -> None:
        """What a packet means."""
        if packet.sort == packets.PUBLISH:
            await self._take_message(packets.decode_publish(packet))
        elif packet.sort == packets.PUBACK:
            handed = self._pending.pop(packets.decode_puback(packet), None)
            if handed is not None:
                handed.settled.set()
        elif packet.sort in (packets.CONNACK, packets.SUBACK) and len(self._answers) < 2:
            self._answers.append(packet)
            self._answered.set()
        elif packet.sort != packets.PINGRESP:
            raise packets.PacketError("a packet of sort " + str(packet.sort >> 4))

    async def _take_message(self, published: packets.Published) -> None:
        """Hold it, waiting for room where nobody takes them, and acknowledge it."""
        if published.payload is None:
            self.left_out += 1
        else:
            while self._is_full(len(published.payload)):
                await self._wait_for_room()
            self._held_bytes += len(published.payload)
            self._inbox.put(Message(published.topic, published.payload, published.retained))
        if published.identifier:
            while len(self._first) >= ACKS:  # the broker takes nothing and goes on sending
                await self._wait_for_room()
            self._first.append(packets.puback(published.identifier))
            self._to_write.set()

    def _is_full(self, more: int) -> bool:
        """One message is always taken, however large."""
        return self._inbox.full or (len(self._inbox) > 0 and self._held_bytes + more > HELD_BYTES)

    async def _wait_for_room(self) -> None:
        """Until a message was taken or something written; meanwhile the broker's silence is our own doing."""
        self._waits_for_room = True
        self._room.clear()
        try:
            await self._room.wait()
        finally:
            self._waits_for_room = False
            self.heard_ms = self._clock.uptime_ms()
            self._pinged_ms = None

    async def _write(self) -> None:
        while True:
            while not self._first and not self._out:
                self._to_write.clear()
                await self._to_write.wait()
            self._writing_ms = self._clock.uptime_ms()
            if self._first:
                data = b"".join(self._first)
                self._first = []
            else:
                handed = self._out.pop(0)
                data = packets.publish(handed.identifier, handed.topic, handed.payload, handed.retain)
            await self._stream.write(data)
            self.said_ms = self._clock.uptime_ms()
            self._writing_ms = None
            self._room.set()

    async def _watch(self) -> None:
        limits = self._limits
        while True:
            await self._clock.sleep_ms(limits.look_ms)
            now_ms = self._clock.uptime_ms()
            if self._writing_ms is not None and now_ms - self._writing_ms >= limits.answer_ms:
                self.end("the broker takes nothing any more")
                return
            waited_ms = 0 if self._pinged_ms is None else now_ms - self._pinged_ms
            if waited_ms >= limits.answer_ms and not self._waits_for_room:
                self.end("the broker does not answer")
                return
            since_ms = self.heard_ms if self._pinged_ms is None else self.said_ms
            if now_ms - min(since_ms, self.said_ms) >= limits.keepalive_s * 1000 and not self._first:
                if self._pinged_ms is None:
                    self._pinged_ms = now_ms
                self._first.append(packets.PINGREQ)
                self._to_write.set()


def code_text(code: int) -> str:
    """A CONNACK return code for the log, table 3.1."""
    return "CONNACK return code " + str(code)
