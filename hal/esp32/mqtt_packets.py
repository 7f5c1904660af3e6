"""Packets of MQTT 3.1.1 as bytes: what a client with QoS 0 and 1 sends and hears. Pure, on both interpreters.

`Framer` cuts a stream into packets and holds no more than it was told to: of a packet that is larger only the beginning is
kept, so that it can be acknowledged and left out. Source: MQTT Version 3.1.1 (OASIS, 29 October 2014), chapters 2 and 3.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 0x20, 0x30, 0x40, 0x90, 0xD0
PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"
QOS = 1
MOST_ID = 65_535
SERVER_UNAVAILABLE = 3  # CONNACK return code, table 3.1
REFUSED = 0x80  # SUBACK return code, 3.9.3
KEPT = 512  # of a packet that is too large: its topic, and the identifier behind it
LENGTH_BYTES = 4  # of a remaining length at most, 2.2.3


class PacketError(Exception):
    """What came is no MQTT that a client like ours can be sent; the connection is of no use any more."""


# --- what we send -------------------------------------------------------------------------------------------------


def remaining_length(size: int) -> bytes:
    """Seven bits a byte, the lowest first (2.2.3). Raises ValueError: more than four bytes hold."""
    if size >= 1 << 7 * LENGTH_BYTES:
        raise ValueError("a packet of " + str(size) + " bytes is more than MQTT takes")
    out = bytearray()
    while True:
        rest = size >> 7
        out.append(size & 0x7F | (0x80 if rest else 0))
        size = rest
        if not size:
            return bytes(out)


def text(value: str) -> bytes:
    """A string with its length before it (1.5.3)."""
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def packet(first: int, body: bytes) -> bytes:
    """A whole packet: its first byte, its length, its body."""
    return bytes([first]) + remaining_length(len(body)) + body


def connect(client_id: str, keepalive_s: int) -> bytes:
    """CONNECT with a clean session, no will, no name and no password (3.1)."""
    return packet(0x10, text("MQTT") + b"\x04\x02" + keepalive_s.to_bytes(2, "big") + text(client_id))


def subscribe(identifier: int, topics: "list[str]") -> bytes:
    """SUBSCRIBE to all of them with QoS 1 (3.8)."""
    body = identifier.to_bytes(2, "big")
    for topic in topics:
        body += text(topic) + bytes([QOS])
    return packet(0x82, body)


def publish(identifier: int, topic: str, payload: bytes, retain: bool) -> bytes:
    """PUBLISH with QoS 1 (3.3)."""
    body = text(topic) + identifier.to_bytes(2, "big") + payload
    return packet(PUBLISH | QOS << 1 | (1 if retain else 0), body)


def puback(identifier: int) -> bytes:
    """PUBACK (3.4)."""
    return packet(PUBACK, identifier.to_bytes(2, "big"))


# --- what we hear -------------------------------------------------------------------------------------------------


class Packet:
    """One packet: its first byte and its body, or with `is_cut` only the first `KEPT` bytes of that."""

    __slots__ = ("body", "first", "is_cut")

    def __init__(self, first: int, body: bytes, is_cut: bool) -> None:
        self.first = first
        self.body = body
        self.is_cut = is_cut

    @property
    def sort(self) -> int:
        """CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP, or another one."""
        return self.first & 0xF0


class Framer:
    """Bytes in, as they come; packets out. Holds one packet, of at most `largest` bytes."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._first = -1  # the packet that is under way, -1 for none
        self._length = 0
        self._shift = 0
        self._body: "bytearray | None" = None  # None while its length is not known
        self._filled = 0

    def feed(self, data: "bytes | memoryview") -> "Iterator[Packet]":
        """Packets that end in `data`, in order, each as soon as it is there: what comes before an error is not lost.

        Raises:
            PacketError: a length that no packet has; nothing can be read behind it.
        """
        at = 0
        while at < len(data):
            if self._body is None:
                self._header(data[at])
                at += 1
            else:
                at = self._fill(self._body, data, at)
            if self._body is not None and self._filled == self._length:
                cut = len(self._body) < self._length
                whole = Packet(self._first, bytes(self._body), cut)
                self._first, self._body = -1, None
                yield whole

    def _header(self, byte: int) -> None:
        """One byte before the body."""
        if self._first < 0:
            self._first, self._length, self._shift = byte, 0, 0
            return
        self._length |= (byte & 0x7F) << self._shift
        self._shift += 7
        if not byte & 0x80:
            kept = self._length if self._length <= self._largest else min(KEPT, self._length)
            self._body, self._filled = bytearray(kept), 0
        elif self._shift >= 7 * LENGTH_BYTES:
            raise PacketError("a length of more than four bytes")

    def _fill(self, body: bytearray, data: "bytes | memoryview", at: int) -> int:
        """What belongs to the body, which keeps as much as it has room for; where the rest begins."""
        end = min(len(data), at + self._length - self._filled)
        room = min(end - at, len(body) - self._filled)
        if room > 0:
            body[self._filled : self._filled + room] = data[at : at + room]
        self._filled += end - at
        return end


class Published:
    """A PUBLISH that we hear: `identifier` is 0 with QoS 0, `payload` None where it was too large to be kept."""

    __slots__ = ("identifier", "payload", "retained", "topic")

    def __init__(self, topic: str, identifier: int, payload: "bytes | None", retained: bool) -> None:
        self.topic = topic
        self.identifier = identifier
        self.payload = payload
        self.retained = retained


def decode_publish(packet: Packet) -> Published:
    """Raises PacketError: what 3.3 does not allow, or a QoS that we did not ask for."""
    body = packet.body
    qos = packet.first >> 1 & 3
    if qos > QOS:
        raise PacketError("a message with QoS " + str(qos))
    end = 2 + int.from_bytes(body[:2], "big")
    if len(body) < 2 or end == 2 or end + 2 * qos > len(body):
        raise PacketError("a message whose topic does not fit")
    identifier = int.from_bytes(body[end : end + 2], "big") if qos else 0
    if qos and not identifier:
        raise PacketError("a message without its identifier")
    payload = None if packet.is_cut else bytes(memoryview(body)[end + 2 * qos :])
    return Published(decode_topic(body[2:end]), identifier, payload, bool(packet.first & 1))


def decode_topic(data: bytes) -> str:
    """The topic of a message. Raises PacketError: no UTF-8, a null, or a wildcard (1.5.3, 3.3.2.1)."""
    try:
        topic = str(data, "utf-8")
    except UnicodeError:
        raise PacketError("a topic that is no text") from None
    if "\0" in topic or "+" in topic or "#" in topic:
        raise PacketError("a topic with a character that no topic has")
    return topic


def decode_connack(packet: Packet) -> int:
    """Return code, 0 is accepted (3.2). Raises PacketError."""
    if len(packet.body) != 2 or packet.first & 0x0F or packet.body[0] > 1:
        raise PacketError("an answer to CONNECT that is none")
    return packet.body[1]


def decode_suback(packet: Packet) -> "tuple[int, bytes]":
    """Identifier and one return code a topic (3.9). Raises PacketError."""
    if len(packet.body) < 3 or packet.first & 0x0F or packet.is_cut:
        raise PacketError("an answer to SUBSCRIBE that is none")
    return int.from_bytes(packet.body[:2], "big"), packet.body[2:]


def decode_puback(packet: Packet) -> int:
    """Identifier (3.4). Raises PacketError."""
    if len(packet.body) != 2 or packet.first & 0x0F:
        raise PacketError("an acknowledgement that is none")
    return int.from_bytes(packet.body, "big")
