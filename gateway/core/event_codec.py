"""Events as the immutable bytes the journal keeps (wire contract `event`, `value`, `devtime`)."""

from gateway.core import cbor, registry, schema
from gateway.core.errors import DecodeError
from gateway.core.model import Absent, Decimal, DeviceTime, Event
from gateway.core.schema import OPTIONAL, REQUIRED, exactly, integer, nested, octets, text, uint, up_to

BOOT_MAX = 0xFFFF_FFFF
IDENTITY_SIZE = 16
INCIDENT_SIZE = 8
UNKNOWN = "#"  # before the number of a kind or value name the reader does not know


def value(item: object) -> object:
    """A wire value; an array of one text is `absent`."""
    if isinstance(item, (str, bytes, Decimal)) or cbor.is_int(item) or item is True or item is False:
        return item
    if isinstance(item, list) and len(item) == 1 and isinstance(item[0], str):
        return Absent(item[0])
    raise DecodeError("not a value")


DEVICE_TIME = {
    1: ("raw", text, REQUIRED),
    2: ("clock", up_to(2), REQUIRED),
    3: ("utc_ms", integer, OPTIONAL),
    4: ("uncertainty_ms", uint, OPTIONAL),
}

EVENT = {
    1: ("placement", uint, REQUIRED),
    2: ("kind", uint, REQUIRED),
    3: ("boot", up_to(BOOT_MAX), REQUIRED),
    4: ("uptime_ms", uint, REQUIRED),
    5: ("utc_ms", integer, OPTIONAL),
    6: ("values", schema.mapping(uint, value, 1), OPTIONAL),
    7: ("incident", octets(INCIDENT_SIZE), OPTIONAL),
    8: ("exercise", exactly(True), OPTIONAL),
    9: ("identity", octets(IDENTITY_SIZE), OPTIONAL),
    10: ("device_time", nested(DEVICE_TIME, "device time"), OPTIONAL),
    11: ("provenance", uint, OPTIONAL),
    12: ("rule", octets(8), OPTIONAL),
}


def number_of(name: str, codes: "dict[str, int]") -> int:
    """Code of a name; `#217` is 217. Raises ValueError for a name the registry does not have."""
    if name in codes:
        return codes[name]
    if name.startswith(UNKNOWN):
        return int(name[1:])
    raise ValueError("not in the registry: " + name)


def kind_code(kind: str) -> int:
    """Code of a kind by name."""
    row = registry.KINDS.get(kind)
    return row[0] if row is not None else number_of(kind, {})


def lane_of(kind: str) -> int:
    """Lane of a kind. Raises ValueError for one the registry does not have."""
    row = registry.KINDS.get(kind)
    if row is None:
        raise ValueError("not in the registry: " + kind)
    return row[1]


def encode_value(item: object) -> object:
    """A value as cbor.encode takes it. Raises ValueError for what is no value."""
    if isinstance(item, Absent):
        return [item.reason]
    try:
        return value(item)
    except DecodeError as error:
        raise ValueError(error.reason + ": " + repr(item))


def encode_values(values: "dict[str, object]") -> "dict[int, object]":
    """Values by name to the wire's map by code."""
    return {number_of(name, registry.VALUES): encode_value(item) for name, item in values.items()}


def decode_values(values: "dict[int, object]") -> "dict[str, object]":
    """The wire's map by code to values by name; unknown codes as `#code`."""
    return {registry.VALUE_NAMES.get(code, UNKNOWN + str(code)): item for code, item in values.items()}


def encode_event(event: Event) -> bytes:
    """The event's bytes, for ever. Raises ValueError where a name or value is not of the registry or wire."""
    fields: "dict[str, object]" = {
        "placement": event.placement,
        "kind": kind_code(event.kind),
        "boot": event.boot,
        "uptime_ms": event.uptime_ms,
        "utc_ms": event.utc_ms,
        "incident": event.incident,
        "exercise": True if event.exercise else None,
        "identity": event.identity,
        "provenance": event.provenance or None,
        "rule": event.rule,
    }
    try:
        pairs = schema.write(EVENT, fields)
        if event.device_time is not None:
            pairs[10] = encode_device_time(event.device_time)
    except DecodeError as error:
        raise ValueError(error.reason)
    if event.values:
        pairs[6] = encode_values(event.values)
    return cbor.encode(pairs)


def encode_device_time(time: DeviceTime) -> "dict[int, object]":
    """The `devtime` map. Raises DecodeError where it would not be one."""
    return schema.write(
        DEVICE_TIME,
        {"raw": time.raw, "clock": time.clock, "utc_ms": time.utc_ms, "uncertainty_ms": time.uncertainty_ms},
    )


def decode_event(data: bytes) -> Event:
    """Read an event. Unknown kinds and value names come back as `#code`.

    Raises:
        DecodeError: the bytes are not an event; a receiver stores and receipts them all the same.
    """
    fields = schema.read(EVENT, cbor.decode(data), "event")
    time = fields.pop("device_time", None)
    code = fields.pop("kind")
    values = decode_values(fields.pop("values", {}))  # type: ignore[arg-type]
    return Event(
        kind=registry.KIND_NAMES.get(code, UNKNOWN + str(code)),  # type: ignore[call-overload]
        values=values,
        device_time=DeviceTime(**time) if time is not None else None,  # type: ignore[arg-type]
        **fields,  # type: ignore[arg-type]
    )


def with_identity(data: bytes, identity: bytes, provenance: int = 0) -> bytes:
    """The same event with `identity` as key 9, unless it has one: for an event that is journalled again.

    `provenance`: bits that it has from now on beside its own.

    Raises:
        DecodeError: the bytes are not deterministic CBOR.
    """
    pairs = cbor.decode(data)
    if not isinstance(pairs, dict) or (9 in pairs and not provenance):
        return data
    pairs[9] = pairs.get(9, identity)
    if provenance:
        own = pairs.get(11, 0)
        pairs[11] = (own if isinstance(own, int) and own >= 0 else 0) | provenance
    return cbor.encode(pairs)


def identity_of(event: Event, chain: bytes) -> bytes:
    """Key 9, else the event's chain value (DESIGN.md 4, Identity)."""
    return event.identity if event.identity is not None else chain
