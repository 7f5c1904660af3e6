"""Observations and events: what a decoder saw, and what the hub makes of it.

Kinds and value names are names everywhere in the hub and numbers only on the wire (`registry.py`).
"""

from gateway.core.errors import DecodeError

# Provenance bits of an event (key 11).
UNAUTHENTICATED, REPLAY_SUSPECTED, WINDOW_ASSUMED = 1, 2, 4
UNPROVEN = 8  # read back from a damaged store, and not shown by the chain to be what was stored

# Reasons why a number is not there (`absent` on the wire) and how `trygg decode` writes them.
ABSENT_REASONS = ("nan", "nres", "+inf", "-inf", "reserved")
ABSENT_JSON = {"nan": "NaN", "nres": "NRes", "+inf": "+Infinity", "-inf": "-Infinity", "reserved": "Reserved"}

MOST_ZEROS = 128  # a FLOAT of IEEE 11073-20601 has exponents of -128 to 127
MAX_INT = 0xFFFF_FFFF_FFFF_FFFF  # of either sign on the wire

CLOCK_UNKNOWN, CLOCK_SET, CLOCK_NOT_SET = 0, 1, 2


class Decimal:
    """mantissa * 10 ** exponent, exactly as the device sent it; never reduced (9.70e1 is not 97)."""

    __slots__ = ("exponent", "mantissa")

    def __init__(self, mantissa: int, exponent: int) -> None:
        self.mantissa = mantissa
        self.exponent = exponent

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Decimal) and self.mantissa == other.mantissa and self.exponent == other.exponent
        )

    def __hash__(self) -> int:
        return hash((self.mantissa, self.exponent))

    def __repr__(self) -> str:
        return "Decimal(" + str(self.mantissa) + ", " + str(self.exponent) + ")"

    def __str__(self) -> str:
        """The device's digits: Decimal(970, -1) is `97.0`; `970e-1000` where nobody would write the zeros."""
        if abs(self.exponent) > MOST_ZEROS:  # a sender may claim any exponent of 64 bits
            return str(self.mantissa) + "e" + str(self.exponent)
        if self.exponent >= 0:
            return str(self.mantissa * 10**self.exponent)
        places = -self.exponent
        digits = str(abs(self.mantissa))
        digits = "0" * (places + 1 - len(digits)) + digits
        return ("-" if self.mantissa < 0 else "") + digits[:-places] + "." + digits[-places:]


def number(mantissa: int, exponent: int) -> "int | Decimal":
    """An integer where the exponent is 0 or more, else a decimal with that exponent. Source: DESIGN.md 3.

    What no integer of the wire holds (a FLOAT of 1e127) stays a decimal too: the digits are the same.
    """
    if exponent >= 0:
        whole = mantissa * int(10**exponent)
        if -MAX_INT <= whole <= MAX_INT:
            return whole
    return Decimal(mantissa, exponent)


def compare_number(value: "int | Decimal", mantissa: int, exponent: int = 0) -> int:
    """-1, 0 or 1 as `value` is below, at or above mantissa * 10 ** exponent; exact."""
    left, left_exponent = (value.mantissa, value.exponent) if isinstance(value, Decimal) else (value, 0)
    low = min(left_exponent, exponent)
    difference: int = left * 10 ** (left_exponent - low) - mantissa * 10 ** (exponent - low)
    return (difference > 0) - (difference < 0)


class Absent:
    """A number that is not there, and why: one of ABSENT_REASONS on what we make, any text on what we read."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Absent) and self.reason == other.reason

    def __hash__(self) -> int:
        return hash(self.reason)

    def __repr__(self) -> str:
        return "Absent(" + repr(self.reason) + ")"


# What a value may be: int, Decimal, Absent, str, bool, bytes.


class DeviceTime:
    """What a device says of the time of an observation (devtime on the wire).

    raw: its own stamp as text, to the letter. clock: 0 unknown, 1 set, 2 not set.
    utc_ms, uncertainty_ms: the best estimate and how far off it may be, or None.
    """

    __slots__ = ("clock", "raw", "uncertainty_ms", "utc_ms")

    def __init__(
        self,
        raw: str,
        clock: int = CLOCK_UNKNOWN,
        utc_ms: "int | None" = None,
        uncertainty_ms: "int | None" = None,
    ) -> None:
        self.raw = raw
        self.clock = clock
        self.utc_ms = utc_ms
        self.uncertainty_ms = uncertainty_ms

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeviceTime) and (
            (self.raw, self.clock, self.utc_ms, self.uncertainty_ms)
            == (other.raw, other.clock, other.utc_ms, other.uncertainty_ms)
        )

    def __hash__(self) -> int:
        return hash((self.raw, self.clock, self.utc_ms))


class Observation:
    """One thing a device said, decoded: a kind and its values by name.

    record: the device's own record number or stamp as bytes, where a stored record may be read twice; it makes
    the event's identity deterministic. provenance: bits above. device_time: the device's own word on when.
    """

    __slots__ = ("device_time", "kind", "provenance", "record", "values")

    def __init__(
        self,
        kind: str,
        values: "dict[str, object]",
        record: "bytes | None" = None,
        device_time: "DeviceTime | None" = None,
        provenance: int = 0,
    ) -> None:
        self.kind = kind
        self.values = values
        self.record = record
        self.device_time = device_time
        self.provenance = provenance

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Observation) and (
            (self.kind, self.values, self.record, self.device_time, self.provenance)
            == (other.kind, other.values, other.record, other.device_time, other.provenance)
        )

    __hash__ = None  # type: ignore[assignment]  # values is a dict

    def __repr__(self) -> str:
        return "Observation(" + repr(self.kind) + ", " + repr(self.values) + ")"


class Event:
    """An event before it becomes bytes (or after they were read): fields as in the wire contract.

    placement 0 is the hub. Times in ms. `values` by name; a value key the reader does not know has its number
    as name (`"#217"`). `kind` likewise.
    """

    __slots__ = (
        "boot",
        "device_time",
        "exercise",
        "identity",
        "incident",
        "kind",
        "placement",
        "provenance",
        "rule",
        "uptime_ms",
        "utc_ms",
        "values",
    )

    def __init__(
        self,
        kind: str,
        placement: int,
        boot: int,
        uptime_ms: int,
        utc_ms: "int | None" = None,
        values: "dict[str, object] | None" = None,
        incident: "bytes | None" = None,
        exercise: bool = False,
        identity: "bytes | None" = None,
        device_time: "DeviceTime | None" = None,
        provenance: int = 0,
        rule: "bytes | None" = None,
    ) -> None:
        self.kind = kind
        self.placement = placement
        self.boot = boot
        self.uptime_ms = uptime_ms
        self.utc_ms = utc_ms
        self.values = values if values is not None else {}
        self.incident = incident
        self.exercise = exercise
        self.identity = identity
        self.device_time = device_time
        self.provenance = provenance
        self.rule = rule

    def fields(self) -> "tuple[object, ...]":
        """Everything, in one order, to compare."""
        return tuple(getattr(self, name) for name in Event.__slots__)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and self.fields() == other.fields()

    __hash__ = None  # type: ignore[assignment]  # values is a dict

    def __repr__(self) -> str:
        return (
            "Event(" + repr(self.kind) + ", placement=" + str(self.placement) + ", " + repr(self.values) + ")"
        )


def value_to_json(value: object) -> object:
    """A value as `trygg decode` and the exports write it: decimals as text of their digits, absent by reason.

    Decimals come back as `Decimal`; whoever dumps JSON writes `str(value)` without quotes.
    """
    if isinstance(value, Absent):
        return ABSENT_JSON.get(value.reason, value.reason)
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return value


def require_bytes(data: bytes, offset: int, count: int, what: str) -> None:
    """Raise DecodeError at the end of `data` unless `count` bytes are there from `offset`."""
    if offset + count > len(data):
        raise DecodeError(
            what + " needs " + str(count) + " bytes, " + str(max(0, len(data) - offset)) + " left", len(data)
        )
