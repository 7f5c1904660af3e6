"""Golden vectors of the dispenser protocol: the worked conversation of its specification, and frames to refuse."""

import struct
from collections.abc import Iterator

from gateway.core import cbor
from gateway.core.crc import with_crc32
from gateway.core.devices.dispenser_events import decode_stream
from gateway.core.devices.dispenser_messages import (
    ACK,
    AGAIN,
    ANSWER,
    BEAT,
    DESCRIPTION,
    DONE,
    ENTRY,
    ERROR,
    FROM_DEVICE,
    HELLO,
    IDENTIFY,
    LOG_FROM,
    LOG_STATE,
    MAX_PAYLOAD,
    MESSAGES,
    REFUSED,
    SET_TIME,
    UNKNOWN_TYPE,
    VERSION,
    Frame,
    encode_frame,
    encode_payload,
)
from gateway.core.errors import DecodeError
from gateway.core.framing import cobs
from gateway.core.model import Observation
from tools.vectors.plain import Plain, to_plain

Fields = dict[str, object]

LOG_ID = bytes.fromhex("5eed10c0ffee0001")
BOOT = 0x0B007001
UTC_MS = 1_795_334_400_000  # 2026-11-22T08:00:00Z
MINUTE_MS = 60_000
DEVICE, FROM_GATEWAY = FROM_DEVICE, 0


def standing(uptime_ms: int, first: int, newest: int, acknowledged: int) -> Fields:
    """Keys 1 to 7, the clock set."""
    return {
        "log_id": LOG_ID,
        "first": first,
        "newest": newest,
        "acknowledged": acknowledged,
        "uptime_ms": uptime_ms,
        "utc_ms": UTC_MS - 3_600_000 + uptime_ms,
        "clock": 1,
    }


def entry(number: int, event: int, uptime_ms: int, **more: object) -> Fields:
    """An entry of this boot, the clock set."""
    return {
        "log_id": LOG_ID,
        "number": number,
        "event": event,
        "boot": BOOT,
        "uptime_ms": uptime_ms,
        "utc_ms": UTC_MS - 3_600_000 + uptime_ms,
        "clock": 1,
        **more,
    }


DOSE: Fields = {"dose_id": 907, "planned": "2026-11-22T09:00+01:00", "planned_utc_ms": UTC_MS}
SOON: Fields = {"dose_id": 908, "planned_utc_ms": UTC_MS + 240 * MINUTE_MS}
DESCRIBED: Fields = {
    "versions": [1, 1],
    "maker": "Example AS",
    "model": "Roll 2",
    "serial_number": "R2-000417",
    "firmware": "3.4.1",
    "capabilities": 0b101_1001_1101_1001,
    "beat_s": 60,
}


# (name, type, seq, flags, fields): one conversation, in the order of the specification
CONVERSATION: tuple[tuple[str, int, int, int, Fields], ...] = (
    ("hello", HELLO, 1, FROM_GATEWAY, {"versions": [1, 1]}),
    ("description", DESCRIPTION, 1, DEVICE | ANSWER, {**standing(3_000_000, 1, 40, 40), **DESCRIBED}),
    ("log_from", LOG_FROM, 2, FROM_GATEWAY, {"log_id": LOG_ID, "number": 41}),
    ("log_state", LOG_STATE, 2, DEVICE | ANSWER, standing(3_000_010, 1, 40, 40)),
    (
        "dose planned",
        ENTRY,
        17,
        DEVICE,
        entry(41, 1, 3_300_000, **DOSE, window_end_utc_ms=UTC_MS + 60 * MINUTE_MS),
    ),
    ("dose put out", ENTRY, 18, DEVICE, entry(42, 3, 3_600_000, **DOSE, remaining_doses=12)),
    (
        "dose collected",
        ENTRY,
        19,
        DEVICE,
        entry(43, 4, 3_725_000, **DOSE, collected_by=1, remaining_doses=12),
    ),
    ("acknowledgement", ACK, 3, FROM_GATEWAY, {"log_id": LOG_ID, "number": 43}),
    (
        "dose missed, sent again",
        ENTRY,
        24,
        DEVICE | AGAIN,
        entry(44, 5, 21_600_000, **SOON, cause=1, remaining_doses=11),
    ),
    (
        "beat",
        BEAT,
        25,
        DEVICE,
        {**standing(21_660_000, 1, 44, 43), "battery_pct": 87, "mains": True, "remaining_doses": 11},
    ),
    ("time offered", SET_TIME, 4, FROM_GATEWAY, {"utc_ms": UTC_MS + 18_135_000, "uncertainty_ms": 1000}),
    ("done", DONE, 4, DEVICE | ANSWER, {"type": SET_TIME}),
    ("identify", IDENTIFY, 5, FROM_GATEWAY, {"seconds": 10}),
    ("refused", ERROR, 5, DEVICE | ANSWER, {"code": REFUSED, "type": IDENTIFY, "text": "no lamp"}),
)
MORE: tuple[tuple[str, int, int, int, Fields], ...] = (
    ("jammed", ENTRY, 26, DEVICE, entry(45, 18, 21_700_000, cause=8)),
    ("an event of the maker's own", ENTRY, 27, DEVICE, entry(46, 200, 21_800_000)),
    (
        "clock not set",
        ENTRY,
        28,
        DEVICE,
        {"log_id": LOG_ID, "number": 47, "event": 20, "boot": BOOT + 1, "uptime_ms": 1200, "clock": 2},
    ),
    ("collected ahead for travel", ENTRY, 29, DEVICE, entry(48, 4, 21_900_000, dose_id=909, collected_by=4)),
    (
        "missed, medicine ran out",
        ENTRY,
        30,
        DEVICE,
        entry(49, 5, 22_000_000, dose_id=910, cause=2, remaining_doses=0),
    ),
    ("unknown type", ERROR, 9, DEVICE | ANSWER, {"code": UNKNOWN_TYPE, "type": 0x20}),
)


def raw_frame(type: int, payload: bytes, version: int = VERSION, flags: int = DEVICE) -> bytes:  # noqa: A002
    """Header and payload, before CRC and COBS, without the encoder's checks."""
    return struct.pack(">BBBHIH", version, flags, type, 1, BOOT, len(payload)) + payload


def line(raw: bytes) -> bytes:
    """What goes to the line for a frame with its CRC."""
    return cobs.DELIMITER + cobs.encode(raw) + cobs.DELIMITER


def refused_lines() -> Iterator[tuple[str, bytes]]:
    """(what is wrong, bytes on the line)."""
    fields = standing(1000, 1, 2, 1)
    beat = encode_payload(BEAT, fields)
    good = with_crc32(raw_frame(BEAT, beat))
    pairs = cbor.decode(beat)
    assert isinstance(pairs, dict)
    yield "last byte of the CRC changed", line(good[:-1] + bytes([good[-1] ^ 1]))
    yield "first byte lost", line(good[1:])
    yield "cut in the middle, the next frame's zero follows", line(good)[:20] + cobs.DELIMITER
    yield "shorter than header and CRC", line(with_crc32(bytes([1, 1, BEAT])))
    yield "payload length does not fit", line(with_crc32(raw_frame(BEAT, beat)[:-1]))
    yield "version 2", line(with_crc32(raw_frame(BEAT, beat, version=2)))
    yield "unknown type", line(with_crc32(raw_frame(0x20, b"\xa0")))
    yield "longer than a frame may be", line(with_crc32(raw_frame(BEAT, bytes(MAX_PAYLOAD + 1))))
    yield "a COBS run passes the end", b"\x00\x05\x01\x02\x00"
    yield "bytes after the payload's map", line(with_crc32(raw_frame(BEAT, beat + b"\x00")))
    yield "keys not sorted", line(with_crc32(raw_frame(DONE, b"\xa2\x18\x18\x00\x01\x04")))
    yield "a key twice", line(with_crc32(raw_frame(DONE, b"\xa2\x01\x04\x01\x04")))
    yield "indefinite length", line(with_crc32(raw_frame(DONE, b"\xbf\x01\x04\xff")))
    yield "number not in its shortest form", line(with_crc32(raw_frame(DONE, b"\xa1\x01\x18\x04")))
    yield "a float", line(with_crc32(raw_frame(DONE, b"\xa1\x01\xf9\x3c\x00")))
    yield "payload is no map", line(with_crc32(raw_frame(DONE, b"\x81\x04")))
    yield "unknown key below 24", line(with_crc32(raw_frame(BEAT, cbor.encode({**pairs, 11: 1}))))
    yield "log id of five bytes", line(with_crc32(raw_frame(BEAT, cbor.encode({**pairs, 1: b"short"}))))
    lacking = {key: pairs[key] for key in pairs if key != 3}
    yield "a key that must be there is missing", line(with_crc32(raw_frame(BEAT, cbor.encode(lacking))))
    yield "newest below first - 1", line(with_crc32(raw_frame(BEAT, cbor.encode({**pairs, 2: 9}))))
    yield "acknowledged above newest", line(with_crc32(raw_frame(BEAT, cbor.encode({**pairs, 4: 3}))))
    yield "entry number 0", line(with_crc32(raw_frame(ENTRY, cbor.encode({1: LOG_ID, 2: 0, 3: 4}))))
    yield "entry without an event", line(with_crc32(raw_frame(ENTRY, cbor.encode({1: LOG_ID, 2: 7}))))


def lenient_lines() -> Iterator[tuple[str, bytes]]:
    """(what is odd, bytes on the line) of frames that count all the same."""
    pairs = cbor.decode(encode_payload(ENTRY, entry(50, 5, 23_000_000, dose_id=911, cause=1)))
    assert isinstance(pairs, dict)
    yield (
        "unknown key 24 is ignored",
        line(with_crc32(raw_frame(ENTRY, cbor.encode({**pairs, 24: [1, "x"]})))),
    )
    odd = cbor.encode({**pairs, 9: "nine hundred", 16: 101})
    yield (
        "a missed dose counts though dose id and battery cannot be read",
        line(with_crc32(raw_frame(ENTRY, odd))),
    )
    bare = cbor.encode({1: LOG_ID, 2: 51, 3: 5})
    yield "a missed dose without a time", line(with_crc32(raw_frame(ENTRY, bare)))
    plain = cbor.encode({**pairs, 14: 77, 15: 77})
    yield "a collector and a cause of a later version", line(with_crc32(raw_frame(ENTRY, plain)))
    flagged = raw_frame(ENTRY, cbor.encode(pairs), flags=DEVICE | 0xF8)
    yield "reserved flags are ignored", line(with_crc32(flagged))
    unlimited = encode_frame(Frame(BEAT, 1, BOOT, DEVICE, encode_payload(BEAT, standing(0, 1, 0, 0))))
    yield "an empty log", unlimited


def said(data: bytes) -> list[object]:
    """What `trygg decode` makes of a stream."""
    return [observation_row(item) for item in decode_stream(data)]


def observation_row(item: Observation | DecodeError) -> object:
    """An observation as JSON."""
    if isinstance(item, DecodeError):
        return {"error": item.reason, "offset": item.offset}
    row: dict[str, object] = {
        "kind": item.kind,
        "values": {name: to_plain(item.values[name]) for name in item.values},
    }
    if item.record is not None:
        row["record"] = item.record.hex()
    if item.device_time is not None:
        time = item.device_time
        row["device_time"] = {"raw": time.raw, "clock": time.clock, "utc_ms": time.utc_ms}
    return row


def frame_row(name: str, type: int, seq: int, flags: int, fields: Fields) -> dict[str, object]:  # noqa: A002
    """One whole frame with all that is in it."""
    boot = 0 if name == "hello" else BOOT
    payload = encode_payload(type, fields)
    data = encode_frame(Frame(type, seq, boot, flags, payload))
    return {
        "name": name,
        "line": data.hex(),
        "type": type,
        "message": MESSAGES[type][0],
        "seq": seq,
        "boot": boot,
        "flags": flags,
        "payload": payload.hex(),
        "fields": {key: to_plain(value) for key, value in fields.items()},
        "says": said(data),
    }


def dispenser_vectors() -> dict[str, Plain]:
    """The whole file."""
    return {
        "about": "Frames of the open dispenser protocol, version 1 (docs/protocols/dispenser.md), bytes in hex.",
        "conversation": [frame_row(*row) for row in CONVERSATION],
        "more": [frame_row(*row) for row in MORE],
        "lenient": [{"name": name, "line": data.hex(), "says": said(data)} for name, data in lenient_lines()],
        "refused": [{"name": name, "line": data.hex(), "says": said(data)} for name, data in refused_lines()],
    }
