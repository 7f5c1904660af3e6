"""MQTT 3.1.1 and 5 as far as a counting receiver and a plain publisher need it; standard library only."""

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9
UNSUBSCRIBE, PINGREQ, DISCONNECT = 10, 12, 14
PONG = b"\xd0\x00"


def length(number: int) -> bytes:
    """A remaining length."""
    out = bytearray()
    while True:
        number, low = divmod(number, 128)
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def text(words: str) -> bytes:
    """A UTF-8 string with its length before it."""
    raw = words.encode()
    return len(raw).to_bytes(2, "big") + raw


def connect(client_id: str) -> bytes:
    """CONNECT of MQTT 3.1.1 with a clean session."""
    body = text("MQTT") + b"\x04\x02" + (600).to_bytes(2, "big") + text(client_id)
    return b"\x10" + length(len(body)) + body


def publish(topic: str, payload: bytes, *, mid: int = 0, version: int = 4) -> bytes:
    """PUBLISH: QoS 1 with a packet identifier, QoS 0 without."""
    body = (
        text(topic) + (mid.to_bytes(2, "big") if mid else b"") + (b"\x00" if version == 5 else b"") + payload
    )
    return (b"\x32" if mid else b"\x30") + length(len(body)) + body


def subscribe(topics: dict[str, int]) -> bytes:
    """SUBSCRIBE to these filters, each with its QoS."""
    body = b"\x00\x01" + b"".join(text(topic) + bytes([qos]) for topic, qos in topics.items())
    return b"\x82" + length(len(body)) + body


def take(buffer: bytes | bytearray, at: int) -> tuple[int, int, int] | None:
    """First byte, start and end of the packet's body at `at`, or None where it is not there in full."""
    size = shift = 0
    for offset in range(at + 1, min(at + 5, len(buffer))):
        byte = buffer[offset]
        size |= (byte & 0x7F) << shift
        if byte < 0x80:
            end = offset + 1 + size
            return (buffer[at], offset + 1, end) if end <= len(buffer) else None
        shift += 7
    return None


def read_publish(first: int, body: bytes, version: int) -> tuple[str, int, bytes]:
    """Topic, packet identifier (0 at QoS 0) and payload of a PUBLISH."""
    at = 2 + int.from_bytes(body[:2], "big")
    topic = body[2:at].decode()
    mid = 0
    if first & 0x06:
        mid = int.from_bytes(body[at : at + 2], "big")
        at += 2
    if version == 5:  # properties: their length, taken to be below 128, and they
        at += 1 + body[at]
    return topic, mid, body[at:]
