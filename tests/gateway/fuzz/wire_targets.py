"""What of the wire is fuzzed: each layer by itself, so that chance reaches the inner ones, and the whole.

Beyond refusing with nothing but DecodeError or RefusedError, what is read must be written as the same bytes.
"""

from collections.abc import Callable
from typing import Any

import cbor2

from gateway.core import cbor, cose, wire
from gateway.core.errors import DecodeError, RefusedError
from gateway.core.event_codec import decode_event, encode_event, with_identity
from gateway.core.model import Decimal, value_to_json
from gateway.core.trust import Trust
from gateway.core.wire import Sealer
from tests.gateway.fuzz.harness import Target
from tests.gateway.wire_keys import PUBLIC, vectors, verify

MESSAGES = vectors("wire_valid.json")["messages"] + vectors("wire_refused.json")["messages"]
ROWS = [row for row in MESSAGES if len(row["message"]) < 1200]
EVENTS = tuple(
    bytes.fromhex(row["hex"]) for kind in ("valid", "refused") for row in vectors("event.json")[kind]
)
ITEMS = tuple(
    bytes.fromhex(row["hex"]) for kind in ("valid", "refused") for row in vectors("cbor.json")[kind]
)
KEYSETS = tuple(
    bytes.fromhex(step["message"])
    for story in vectors("trust.json")["stories"]
    for step in story["steps"]
    if step["sort"] == "keyset"
)
SEALER = Sealer(PUBLIC["gateway"])


def messages(sort: str) -> tuple[bytes, ...]:
    """Messages of a sort, good and bad."""
    return tuple(bytes.fromhex(row["message"]) for row in ROWS if row["sort"] == sort)


def payloads(sort: str) -> tuple[bytes, ...]:
    """Payloads of the messages that come apart."""
    found = []
    for message in messages(sort):
        try:
            found.append(cose.take_apart(message).payload)
        except DecodeError:
            continue
    return tuple(found)


def read_item(data: bytes) -> None:
    """CBOR has one encoding of each value."""
    assert cbor.encode(cbor.decode(data)) == data


def read_envelope(data: bytes) -> None:
    """So has the envelope."""
    parts = cose.take_apart(data)
    assert cose.assemble(parts.protected, parts.payload, parts.signature) == data
    assert cose.protected_header(parts.kid) == parts.protected


def read_event(data: bytes) -> None:
    """An event that is read can be written, reads as itself again, and can be printed at once."""
    event = decode_event(data)
    assert decode_event(encode_event(event)) == event
    assert decode_event(with_identity(data, bytes(16))).identity == (event.identity or bytes(16))
    for item in event.values.values():
        value_to_json(item)
        if isinstance(item, Decimal):
            assert len(str(item)) < 200


def reader(sort: str) -> Callable[[bytes], None]:
    """Reads a payload as a message of the sort; the fields of what is accepted can be looked at."""

    def read(data: bytes) -> None:
        parsed = wire.parse(sort, SEALER.seal(data, bytes(64)))
        assert parsed.sign1.payload == data
        repr(parsed.fields)
        wire.topic(str(parsed.fields["tenant"]), "gw-0001", sort, parsed.fields.get("lane"))  # type: ignore[arg-type]

    return read


def receiver() -> Callable[[bytes], None]:
    """A whole message under the topic of each sort; none but the good ones may be accepted."""
    good = {row["message"]: row["topic"] for row in vectors("wire_valid.json")["messages"]}
    signer = {row["sort"]: row["signer"] for row in vectors("wire_valid.json")["messages"]}

    def receive(data: bytes) -> None:
        for sort in wire.SORTS:
            try:
                parsed = wire.parse(sort, data)
                wire.verify(parsed, PUBLIC[signer[sort]], verify)
            except (DecodeError, RefusedError):
                continue
            assert data.hex() in good, "a message that nobody signed was accepted"
            return
        raise DecodeError("of no sort")

    return receive


def trusting() -> Callable[[bytes], None]:
    """A gateway that is handed keysets; only those of a root are taken."""
    known = {bytes(keyset) for keyset in KEYSETS}

    def accept(data: bytes) -> None:
        trust = Trust("oslo", [PUBLIC["root"], PUBLIC["next-root"]])
        try:
            trust.accept(data, verify)
        except RefusedError as error:
            raise DecodeError(error.reason) from None
        assert data in known

    return accept


def read_topic(data: bytes) -> None:
    """A topic that is read is written the same."""
    name = data.decode("utf-8", "surrogateescape")
    where = wire.parse_topic(name)
    assert wire.topic(where.tenant, where.gateway, where.sort, where.lane) == name


TOPICS = (b"trygg/v1/oslo/gw-0001/up/3", *(row["topic"].encode() for row in ROWS[::7]))
ALL_MESSAGES: tuple[bytes, ...] = tuple(bytes.fromhex(row["message"]) for row in ROWS[::3])

WIRE_TARGETS: tuple[Target, ...] = (
    Target("wire cbor", ITEMS + EVENTS, lambda: read_item),
    Target("wire envelope", ALL_MESSAGES, lambda: read_envelope),
    Target("wire event", EVENTS, lambda: read_event),
    *(Target(f"wire {sort} payload", payloads(sort), lambda sort=sort: reader(sort)) for sort in wire.SORTS),  # type: ignore[misc]
    Target("wire message", ALL_MESSAGES, receiver),
    Target("wire keyset", KEYSETS, trusting),
    Target("wire topic", TOPICS, lambda: read_topic),
)


def unsafe_reader() -> Callable[[bytes], None]:
    """Control: a reader that lets any encoding of a value pass, as most CBOR libraries do."""

    def read(data: bytes) -> None:
        try:
            value: Any = cbor2.loads(data)
        except Exception as error:  # noqa: BLE001  whatever a library raises
            raise DecodeError(str(error)) from None
        assert cbor2.dumps(value, canonical=True) == data

    return read
