"""Frames and messages of the open dispenser protocol, version 1. Specification: docs/protocols/dispenser.md.

A frame is header, payload (deterministic CBOR) and CRC-32, in COBS between two zeros. Both sides use this
codec; what a message may hold is a table, and the specification's tables are checked against these.
"""

import struct

from gateway.core import cbor, schema
from gateway.core.crc import CRC32_SIZE, crc32_holds, with_crc32
from gateway.core.errors import DecodeError
from gateway.core.framing import cobs
from gateway.core.schema import OPTIONAL, REQUIRED, integer, octets, row, up_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.schema import Check, Table

VERSION = 1
HEADER = ">BBBHIH"  # version, flags, type, seq, boot id, payload length
HEADER_SIZE = 11
MAX_FRAME = 254  # so that COBS costs one byte and a frame with both delimiters 257
MAX_PAYLOAD = MAX_FRAME - HEADER_SIZE - CRC32_SIZE

FROM_DEVICE, ANSWER, AGAIN = 1, 2, 4  # flags; the other bits are sent as 0 and ignored

# The gateway's whole command set. Closed: version 1 has no command that dispenses, unlocks or changes a plan.
HELLO, LOG_FROM, ACK, SET_TIME, IDENTIFY = 0x01, 0x02, 0x03, 0x04, 0x05
COMMANDS = {"hello": HELLO, "log_from": LOG_FROM, "ack": ACK, "set_time": SET_TIME, "identify": IDENTIFY}
# What the device says.
DESCRIPTION, LOG_STATE, ENTRY, BEAT, DONE = 0x41, 0x42, 0x43, 0x44, 0x45
ERROR = 0x7F  # either side

# Codes of an error.
WRONG_VERSION, UNKNOWN_TYPE, BAD_PAYLOAD, UNKNOWN_LOG, OUT_OF_RANGE, REFUSED = 1, 2, 3, 4, 5, 6

# Capabilities of a dispenser, bits (DOMAIN.md D1).
CAPABILITIES = (
    "multidose_roll",
    "tray",
    "lock",
    "sound",
    "light",
    "screen",
    "battery",
    "mains_sense",
    "set_time",
    "identify",
    "backed_up_clock",
    "plan",
    "lid_sense",
    "tamper_sense",
    "remaining_count",
)
CAN_SET_TIME = 1 << 8
CAN_IDENTIFY = 1 << 9

LOG_ID_SIZE = 8
BOOT_MAX = 0xFFFF_FFFF
COUNT_MAX = 0x7FFF_FFFF_FFFF_FFFF
TEXT_MAX = 24
PLANNED_MAX = 32


class VersionError(DecodeError):
    """A whole frame of a protocol version that this codec does not read."""

    def __init__(self, version: int) -> None:
        super().__init__("protocol version " + str(version) + ", this side reads version " + str(VERSION), 0)
        self.version = version


def short_text(limit: int) -> "Check":
    """Text of at most `limit` bytes in UTF-8."""

    def check(value: object) -> object:
        if not isinstance(value, str) or len(value.encode()) > limit:
            raise DecodeError("not text of at most " + str(limit) + " bytes")
        return value

    return check


def boolean(value: object) -> object:
    """True or false."""
    if value is not True and value is not False:
        raise DecodeError("not true or false")
    return value


def between(least: int, most: int) -> "Check":
    """An integer of `least` to `most`."""

    def check(value: object) -> object:
        if not cbor.is_int(value) or not least <= value <= most:  # type: ignore[operator]
            raise DecodeError("not an integer of " + str(least) + " to " + str(most))
        return value

    return check


LOG_ID = octets(LOG_ID_SIZE)
COUNT = up_to(COUNT_MAX)
NUMBER = between(1, COUNT_MAX)  # log numbers begin at 1
VERSIONS = row(up_to(255), up_to(255))
NAME = short_text(TEXT_MAX)


def standing(rows: "Table") -> "Table":
    """Keys 1 to 7, the same in every message that says where the device stands, and `rows` after them."""
    table: Table = {
        1: ("log_id", LOG_ID, REQUIRED),
        2: ("first", NUMBER, REQUIRED),
        3: ("newest", COUNT, REQUIRED),
        4: ("acknowledged", COUNT, REQUIRED),
        5: ("uptime_ms", COUNT, REQUIRED),
        6: ("utc_ms", integer, OPTIONAL),
        7: ("clock", up_to(2), REQUIRED),
    }
    table.update(rows)
    return table


STATE: "Table" = {
    8: ("battery_pct", up_to(100), OPTIONAL),
    9: ("mains", boolean, OPTIONAL),
    10: ("remaining_doses", COUNT, OPTIONAL),
}
DESCRIBED: "Table" = {
    8: ("versions", VERSIONS, REQUIRED),
    9: ("maker", NAME, REQUIRED),
    10: ("model", NAME, REQUIRED),
    11: ("serial_number", NAME, REQUIRED),
    12: ("firmware", NAME, REQUIRED),
    13: ("hardware", NAME, OPTIONAL),
    14: ("capabilities", COUNT, REQUIRED),
    15: ("beat_s", between(1, 60), REQUIRED),
}
ESSENTIAL = (1, 2, 3)  # keys of an entry without which it says nothing
ENTRY_TABLE: "Table" = {
    1: ("log_id", LOG_ID, REQUIRED),
    2: ("number", NUMBER, REQUIRED),
    3: ("event", up_to(255), REQUIRED),
    4: ("boot", up_to(BOOT_MAX), REQUIRED),
    5: ("uptime_ms", COUNT, REQUIRED),
    6: ("utc_ms", integer, OPTIONAL),
    7: ("clock", up_to(2), REQUIRED),
    8: ("uncertainty_ms", COUNT, OPTIONAL),
    9: ("dose_id", COUNT, OPTIONAL),
    10: ("planned", short_text(PLANNED_MAX), OPTIONAL),
    11: ("planned_utc_ms", integer, OPTIONAL),
    12: ("window_end_utc_ms", integer, OPTIONAL),
    13: ("remaining_doses", COUNT, OPTIONAL),
    14: ("collected_by", up_to(255), OPTIONAL),
    15: ("cause", up_to(255), OPTIONAL),
    16: ("battery_pct", up_to(100), OPTIONAL),
}
ERROR_TABLE: "Table" = {
    1: ("code", up_to(255), REQUIRED),
    2: ("type", up_to(255), OPTIONAL),
    3: ("text", short_text(PLANNED_MAX), OPTIONAL),
    4: ("versions", VERSIONS, OPTIONAL),
}

# type: (name, table)
MESSAGES: "dict[int, tuple[str, Table]]" = {
    HELLO: ("hello", {1: ("versions", VERSIONS, REQUIRED)}),
    LOG_FROM: ("log_from", {1: ("log_id", LOG_ID, REQUIRED), 2: ("number", NUMBER, REQUIRED)}),
    ACK: ("ack", {1: ("log_id", LOG_ID, REQUIRED), 2: ("number", COUNT, REQUIRED)}),
    SET_TIME: ("set_time", {1: ("utc_ms", integer, REQUIRED), 2: ("uncertainty_ms", COUNT, REQUIRED)}),
    IDENTIFY: ("identify", {1: ("seconds", between(1, 60), REQUIRED)}),
    DESCRIPTION: ("description", standing(DESCRIBED)),
    LOG_STATE: ("log_state", standing({})),
    ENTRY: ("entry", ENTRY_TABLE),
    BEAT: ("beat", standing(STATE)),
    DONE: ("done", {1: ("type", up_to(255), REQUIRED)}),
    ERROR: ("error", ERROR_TABLE),
}


class Frame:
    """One frame as read: header fields and the payload's bytes."""

    __slots__ = ("boot", "flags", "payload", "seq", "type")

    def __init__(self, type: int, seq: int, boot: int, flags: int, payload: bytes) -> None:  # noqa: A002
        self.type = type
        self.seq = seq
        self.boot = boot
        self.flags = flags
        self.payload = payload

    @property
    def from_device(self) -> bool:
        """Whether the device sent it; a gateway that reads its own frames has an echo on the line."""
        return self.flags & FROM_DEVICE != 0

    @property
    def is_answer(self) -> bool:
        """Whether `seq` is that of the request it answers."""
        return self.flags & ANSWER != 0


def encode_frame(frame: Frame) -> bytes:
    """The frame as it goes to the line, a zero before and after. Raises ValueError where it is too long."""
    if len(frame.payload) > MAX_PAYLOAD:
        raise ValueError("payload of " + str(len(frame.payload)) + " bytes, at most " + str(MAX_PAYLOAD))
    header = struct.pack(
        HEADER, VERSION, frame.flags, frame.type, frame.seq & 0xFFFF, frame.boot, len(frame.payload)
    )
    return cobs.DELIMITER + cobs.encode(with_crc32(header + frame.payload)) + cobs.DELIMITER


def decode_frame(raw: bytes) -> Frame:
    """Read what COBS gave.

    Raises:
        VersionError: whole and of another version: to be answered.
        DecodeError: too short, too long, CRC wrong, or lengths that do not agree: noise, never answered.
    """
    if len(raw) < HEADER_SIZE + CRC32_SIZE:
        raise DecodeError("frame of " + str(len(raw)) + " bytes is too short", len(raw))
    if not crc32_holds(raw):
        raise DecodeError("CRC-32 does not hold", len(raw) - CRC32_SIZE)
    if raw[0] != VERSION:
        raise VersionError(raw[0])
    if len(raw) > MAX_FRAME:
        raise DecodeError("frame of " + str(len(raw)) + " bytes, at most " + str(MAX_FRAME), MAX_FRAME)
    _, flags, kind, seq, boot, size = struct.unpack_from(HEADER, raw, 0)
    if HEADER_SIZE + size + CRC32_SIZE != len(raw):
        raise DecodeError("payload length " + str(size) + " does not fit the frame", HEADER_SIZE - 2)
    return Frame(kind, seq, boot, flags, raw[HEADER_SIZE:-CRC32_SIZE])


def encode_payload(type: int, fields: "dict[str, object]") -> bytes:  # noqa: A002
    """The payload of a message. Raises DecodeError where the table refuses a field."""
    return cbor.encode(schema.write(MESSAGES[type][1], fields))


def decode_payload(frame: Frame) -> "dict[str, object]":
    """Fields of a message by name, as its table says. Raises DecodeError, also for an unknown type."""
    name, table = message_of(frame)
    fields = schema.read(table, cbor.decode(frame.payload), name)
    if "newest" in fields:
        check_standing(fields, name)
    return fields


def decode_entry(frame: Frame) -> "tuple[dict[str, object], list[str]]":
    """Fields of an entry, and the names of those that could not be read and were left out.

    A missed dose must not be lost for a wrong battery figure: only log id, number and event must be right.

    Raises:
        DecodeError: not even those, or an unknown key below 24, which may change what the others mean.
    """
    name, table = message_of(frame)
    pairs = cbor.decode(frame.payload)
    if not isinstance(pairs, dict):
        raise DecodeError(name + " is not a map")
    sound = dict(pairs)
    unreadable = []
    for key, (field, check, required) in table.items():
        if key in ESSENTIAL:
            continue
        try:
            if key in pairs:
                check(pairs[key])
            elif required:
                unreadable.append(field)
        except DecodeError:
            unreadable.append(field)
            sound.pop(key)
    fields = schema.read(
        {key: (table[key][0], table[key][1], key in ESSENTIAL) for key in table}, sound, name
    )
    return fields, sorted(unreadable)


def message_of(frame: Frame) -> "tuple[str, Table]":
    """(name, table) of a frame's message. Raises DecodeError for a type that version 1 does not have."""
    message = MESSAGES.get(frame.type)
    if message is None:
        raise DecodeError("message type " + str(frame.type) + " is unknown", 2)
    return message


def check_standing(fields: "dict[str, object]", name: str) -> None:
    """Log numbers that agree: first <= newest + 1, acknowledged <= newest, the first number is 1."""
    first, newest, acknowledged = (fields["first"], fields["newest"], fields["acknowledged"])
    if not (first <= newest + 1 and acknowledged <= newest):  # type: ignore[operator]
        raise DecodeError(name + ": log numbers do not agree")


def log_position(frame: Frame) -> "tuple[bytes, int] | None":
    """(log id, number) of an entry that does not decode, where at least these do; else None."""
    try:
        pairs = cbor.decode(frame.payload)
        if isinstance(pairs, dict):
            log_id, number = LOG_ID(pairs.get(1)), NUMBER(pairs.get(2))
            return log_id, number  # type: ignore[return-value]
    except DecodeError:
        pass
    return None
