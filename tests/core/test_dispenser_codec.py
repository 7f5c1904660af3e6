"""Frames and messages of the dispenser protocol, against tests/vectors/dispenser.json."""

from gateway.core import cbor
from gateway.core.devices.dispenser_events import decode_stream
from gateway.core.devices.dispenser_messages import (
    BEAT,
    COMMANDS,
    DONE,
    ENTRY,
    FROM_DEVICE,
    HELLO,
    MAX_FRAME,
    MAX_PAYLOAD,
    MESSAGES,
    Frame,
    VersionError,
    decode_entry,
    decode_frame,
    decode_payload,
    encode_frame,
    encode_payload,
    log_position,
)
from gateway.core.errors import DecodeError
from gateway.core.framing import cobs
from gateway.core.model import Observation
from tests.core.vectors import load, refusal

VECTORS = load("dispenser.json")
LOG_ID = bytes(range(8))


def hexed(row: "dict[str, object]", name: str) -> bytes:
    return bytes.fromhex(row[name])  # type: ignore[arg-type]


def fields_of(row: "dict[str, object]") -> "dict[str, object]":
    written: "dict[str, object]" = row["fields"]  # type: ignore[assignment]
    fields = {}
    for name, value in written.items():
        fields[name] = bytes.fromhex(value["hex"]) if isinstance(value, dict) else value
    return fields


def raw_of(line: bytes) -> bytes:
    assert line[0] == line[-1] == 0 and 0 not in line[1:-1]
    return cobs.decode(line[1:-1])


def said(item: "Observation | DecodeError") -> "dict[str, object]":
    """As the vectors write it."""
    if isinstance(item, DecodeError):
        return {"error": item.reason, "offset": item.offset}
    row: "dict[str, object]" = {"kind": item.kind, "values": item.values}
    if item.record is not None:
        row["record"] = item.record.hex()
    if item.device_time is not None:
        time = item.device_time
        row["device_time"] = {"raw": time.raw, "clock": time.clock, "utc_ms": time.utc_ms}
    return row


def whole_rows() -> "list[dict[str, object]]":
    return VECTORS["conversation"] + VECTORS["more"]


def test_every_frame_of_the_vectors_is_written_byte_for_byte() -> None:
    assert len(whole_rows()) >= 20
    for row in whole_rows():
        payload = encode_payload(row["type"], fields_of(row))  # type: ignore[arg-type]
        assert payload == hexed(row, "payload"), row["name"]
        frame = Frame(row["type"], row["seq"], row["boot"], row["flags"], payload)  # type: ignore[arg-type]
        assert encode_frame(frame) == hexed(row, "line"), row["name"]


def test_every_frame_of_the_vectors_is_read_back() -> None:
    for row in whole_rows():
        frame = decode_frame(raw_of(hexed(row, "line")))
        assert (frame.type, frame.seq, frame.boot) == (row["type"], row["seq"], row["boot"]), row["name"]
        assert frame.from_device == (row["flags"] % 2 == 1), row["name"]  # type: ignore[operator]
        if frame.type == ENTRY:
            assert decode_entry(frame) == (fields_of(row), []), row["name"]
        assert decode_payload(frame) == fields_of(row), row["name"]


def test_every_frame_of_the_vectors_says_what_is_expected() -> None:
    for group in ("conversation", "more", "lenient", "refused"):
        for row in VECTORS[group]:
            found = [said(item) for item in decode_stream(hexed(row, "line"))]
            assert found == row["says"], row["name"]
            errors = [item for item in found if "error" in item]
            assert (len(errors) == 1) if group == "refused" else not errors, row["name"]


def test_a_stream_of_all_frames_says_the_same_as_each_alone_and_garbage_costs_no_neighbour() -> None:
    rows = whole_rows()
    stream = b"\x55\xaa" + b"\x00".join([b"\x07noise" + hexed(row, "line") for row in rows])
    found = [said(item) for item in decode_stream(stream)]
    expected = []
    for row in rows:
        expected += row["says"]  # type: ignore[operator]
    assert [item for item in found if "error" not in item] == expected
    assert len([item for item in found if "error" in item]) == len(rows)


def test_a_last_frame_without_its_zero_is_read() -> None:
    line = hexed(VECTORS["conversation"][4], "line")
    assert decode_stream(line[:-1]) == decode_stream(line)
    assert len(decode_stream(line)) == 1


def test_no_single_bit_flip_gives_another_observation() -> None:
    for row in (VECTORS["conversation"][6], VECTORS["conversation"][8], VECTORS["conversation"][9]):
        line = hexed(row, "line")
        for bit in range(8, 8 * (len(line) - 1)):
            flipped = bytearray(line)
            flipped[bit // 8] ^= 1 << (bit % 8)
            found = decode_stream(bytes(flipped))
            assert found and all([isinstance(item, DecodeError) for item in found]), (row["name"], bit)


def test_a_negative_control_without_the_crc_takes_a_changed_dose() -> None:
    # The dose id is the only thing that changes: COBS and CBOR alone would not notice.
    line = hexed(VECTORS["conversation"][6], "line")
    raw = bytearray(raw_of(line))
    at = bytes(raw).find(b"\x09\x19\x03\x8b")
    raw[at + 3] ^= 1
    frame = Frame(ENTRY, 1, 1, FROM_DEVICE, bytes(raw[11:-4]))
    assert decode_entry(frame)[0]["dose_id"] == 906
    assert refusal(decode_frame, bytes(raw)).reason == "CRC-32 does not hold"


def test_the_longest_frame_fits_257_bytes_and_a_longer_one_is_not_made() -> None:
    line = encode_frame(Frame(BEAT, 1, 1, FROM_DEVICE, b"\xff" * MAX_PAYLOAD))
    assert len(line) <= 257
    assert len(raw_of(line)) == MAX_FRAME
    message = ""
    try:
        encode_frame(Frame(BEAT, 1, 1, FROM_DEVICE, bytes(MAX_PAYLOAD + 1)))
    except ValueError as error:
        message = str(error)
    assert "at most 239" in message


def test_the_fullest_messages_fit_a_frame() -> None:
    most = 0x7FFF_FFFF_FFFF_FFFF
    standing: "dict[str, object]" = {"log_id": LOG_ID, "utc_ms": most, "clock": 1}
    for name in ("first", "newest", "acknowledged", "uptime_ms"):
        standing[name] = most
    described = dict(standing)
    for name in ("maker", "model", "serial_number", "firmware", "hardware"):
        described[name] = "x" * 24
    described["versions"] = [255, 255]
    described["capabilities"] = 0xFFFF_FFFF
    described["beat_s"] = 60
    entry: "dict[str, object]" = {
        "log_id": LOG_ID,
        "event": 255,
        "boot": 0xFFFF_FFFF,
        "clock": 2,
        "planned": "x" * 32,
    }
    for name in ("number", "uptime_ms", "utc_ms", "uncertainty_ms", "dose_id", "planned_utc_ms"):
        entry[name] = most
    for name in ("window_end_utc_ms", "remaining_doses"):
        entry[name] = most
    for name in ("collected_by", "cause", "battery_pct"):
        entry[name] = 100
    for kind, fields in ((0x41, described), (ENTRY, entry)):
        payload = encode_payload(kind, fields)
        assert len(payload) <= MAX_PAYLOAD, len(payload)
        assert decode_payload(Frame(kind, 1, 1, FROM_DEVICE, payload)) == fields


def test_an_unknown_version_is_told_from_noise() -> None:
    rows = [row for row in VECTORS["refused"] if row["name"] == "version 2"]
    error = refusal(decode_frame, raw_of(hexed(rows[0], "line")))
    assert isinstance(error, VersionError) and error.version == 2
    noise = refusal(decode_frame, b"\x02" + bytes(30))
    assert not isinstance(noise, VersionError)


def test_unknown_keys_are_ignored_from_24_and_refused_below() -> None:
    for name, (_, table) in [(kind, MESSAGES[kind]) for kind in (HELLO, DONE, BEAT)]:
        sample = next(row for row in whole_rows() if row["type"] == name)
        pairs = cbor.decode(hexed(sample, "payload"))
        assert isinstance(pairs, dict)
        pairs[24] = {1: [2]}
        assert decode_payload(Frame(name, 1, 1, 0, cbor.encode(pairs))) == fields_of(sample)
        pairs.pop(24)
        pairs[23] = 0
        assert 23 not in table
        assert "unknown key" in refusal(decode_payload, Frame(name, 1, 1, 0, cbor.encode(pairs))).reason


def test_the_place_of_an_unreadable_entry_is_found_where_it_stands() -> None:
    sound = {1: LOG_ID, 2: 7, 3: 5, 23: 1}
    assert log_position(Frame(ENTRY, 1, 1, 1, cbor.encode(sound))) == (LOG_ID, 7)
    for pairs in ({1: LOG_ID, 2: 0}, {1: b"short", 2: 7}, {2: 7}, [1]):
        assert log_position(Frame(ENTRY, 1, 1, 1, cbor.encode(pairs))) is None
    assert log_position(Frame(ENTRY, 1, 1, 1, b"\xff")) is None


def test_the_command_set_is_closed_and_none_dispenses() -> None:
    assert sorted(COMMANDS) == ["ack", "hello", "identify", "log_from", "set_time"]
    from_gateway = [name for kind, (name, _) in MESSAGES.items() if kind < 0x40]
    assert sorted(from_gateway) == sorted(COMMANDS)
    allowed = ("versions", "log_id", "number", "utc_ms", "uncertainty_ms", "seconds")
    for kind, (name, table) in MESSAGES.items():
        if kind < 0x40:
            assert COMMANDS[name] == kind
            assert [row[0] for row in table.values() if row[0] not in allowed] == [], name
