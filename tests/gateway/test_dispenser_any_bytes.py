"""Any bytes in any pieces: the framer, the codec, the driver and the device never fail, and pieces change nothing."""

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core import cbor
from gateway.core.crc import with_crc32
from gateway.core.devices.dispenser_events import decode_stream
from gateway.core.devices.dispenser_messages import (
    ENTRY,
    FROM_DEVICE,
    MAX_FRAME,
    MESSAGES,
    Frame,
    decode_frame,
    decode_payload,
    encode_frame,
)
from gateway.core.devices.driver import Reading
from gateway.core.errors import DecodeError
from gateway.core.framing import cobs
from gateway.core.model import Observation
from tests.core.dispenser_bench import UTC_AT_START_MS, Numbers
from tests.core.dispenser_talk import BOOT, LOG, Device, settled
from tests.core.vectors import load
from tools.simulators.dispenser import DispenserDevice

VECTORS = load("dispenser.json")
LINES = [
    bytes.fromhex(row["line"])
    for group in ("conversation", "more", "lenient", "refused")
    for row in VECTORS[group]
]

values = st.recursive(
    st.integers(-(2**63), 2**63) | st.text(max_size=8) | st.binary(max_size=10) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.integers(0, 40), inner, max_size=3),
    max_leaves=6,
)
maps = st.dictionaries(st.integers(0, 30), values, max_size=12).map(cbor.encode)
entries = st.builds(
    lambda number, more: cbor.encode({**more, 1: LOG, 2: number, 3: 20}),
    st.integers(1, 6),
    st.dictionaries(st.integers(4, 26), values, max_size=4),
)
kinds = st.sampled_from(list(MESSAGES)) | st.integers(0, 255)


def framed(kind: int, seq: int, flags: int, payload: bytes, boot: int = BOOT) -> bytes:
    return encode_frame(Frame(kind, seq, boot, flags, payload[: MAX_FRAME - 15]))


frames = st.builds(framed, kinds, st.integers(0, 9), st.integers(0, 255), maps | st.binary(max_size=60))
entry_frames = st.builds(framed, st.just(ENTRY), st.integers(0, 9), st.just(FROM_DEVICE), entries)
damaged = st.builds(
    lambda line, at, bit: (
        line[: at % len(line)] + bytes([line[at % len(line)] ^ bit]) + line[at % len(line) + 1 :]
    ),
    st.sampled_from(LINES),
    st.integers(0, 300),
    st.integers(1, 255),
)
streams = st.lists(
    st.binary(max_size=40) | frames | entry_frames | damaged | st.sampled_from(LINES), max_size=12
).map(b"".join)
sizes = st.lists(st.integers(1, 300), min_size=1, max_size=10)


def pieces(stream: bytes, chosen: list[int]) -> list[bytes]:
    """`stream` cut into pieces of the sizes, over and over."""
    out, at, turn = [], 0, 0
    while at < len(stream):
        size = chosen[turn % len(chosen)]
        out.append(stream[at : at + size])
        at, turn = at + size, turn + 1
    return out


def stored(stream: bytes, chosen: list[int]) -> tuple[list[Observation], dict[str, bytes]]:
    """What a hub has stored after a stream that came in such pieces."""
    device = settled(newest=6)
    for piece in pieces(stream, chosen):
        device.say(piece)
    return device.hub.events, device.hub.state


@given(streams, sizes)
@example(b"\x00" * 50, [1])
@example(b"\xff" * 5000, [7])
def test_pieces_change_nothing_of_what_is_stored(stream: bytes, chosen: list[int]) -> None:
    assert stored(stream, chosen) == stored(stream, [max(1, len(stream))])


@given(st.lists(st.integers(1, 6), max_size=20), sizes)
def test_whatever_the_order_of_entries_each_is_stored_once_and_in_order(
    order: list[int], chosen: list[int]
) -> None:
    device = settled(newest=6)
    stream = b"".join([device.entry(number) for number in order])
    for piece in pieces(stream, chosen):
        device.say(piece)
    got = device.hub.numbers()
    assert got == list(range(1, len(got) + 1))
    acknowledged = [
        decode_payload(frame)["number"]
        for reading in device.readings
        for line in reading.send + reading.send_after
        for frame in [decode_frame(cobs.decode(line[1:-1]))]
        if frame.type == 3
    ]
    assert all(number <= len(got) for number in acknowledged if isinstance(number, int))


@given(streams, sizes)
def test_the_driver_survives_any_stream_and_answers_in_whole_frames(stream: bytes, chosen: list[int]) -> None:
    device = Device()
    for piece in pieces(stream, chosen):
        reading = device.hub.driver.received(piece, device.now_ms, UTC_AT_START_MS)
        assert isinstance(reading, Reading)
        for line in reading.send + reading.send_after:
            assert not decode_frame(cobs.decode(line[1:-1])).from_device
        device.hub.take(reading)
        assert len(device.hub.driver.framer.held) <= device.hub.driver.framer.limit


@given(streams, sizes)
def test_the_device_survives_any_stream_and_answers_in_whole_frames(stream: bytes, chosen: list[int]) -> None:
    device = DispenserDevice({}, Numbers(), 0, UTC_AT_START_MS)
    device.log_event("lid.opened", 0)
    for now_ms, piece in enumerate(pieces(stream, chosen)):
        for line in device.received(piece, now_ms).split(cobs.DELIMITER):
            if line:
                assert decode_frame(cobs.decode(line)).from_device
    assert device.log.acknowledged <= device.log.newest
    assert device.doses.remaining == 14


@given(streams | st.binary(max_size=600))
def test_decode_stream_gives_observations_and_errors_only(stream: bytes) -> None:
    for item in decode_stream(stream):
        assert isinstance(item, Observation | DecodeError)
        if isinstance(item, DecodeError):
            assert 0 <= item.offset <= len(stream) + 1


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_a_whole_frame_after_any_garbage_is_read(garbage: bytes, more: bytes) -> None:
    line = LINES[4]
    expected = decode_stream(line)
    assert expected[0] in decode_stream(garbage + line + more)
    framer = cobs.Framer(cobs.encoded_size(MAX_FRAME))
    assert cobs.decode(line[1:-1]) in framer.push(garbage + line + more)


@given(st.binary(max_size=700))
def test_cobs_gives_back_what_it_was_given(data: bytes) -> None:
    encoded = cobs.encode(data)
    assert cobs.decode(encoded) == data
    assert 0 not in encoded and len(encoded) <= cobs.encoded_size(len(data))


@given(st.binary(max_size=300))
def test_any_bytes_with_a_right_crc_are_read_or_refused(data: bytes) -> None:
    for raw in (with_crc32(data), with_crc32(b"\x01\x01\x43" + data), data):
        try:
            frame = decode_frame(raw)
            decode_payload(frame)
        except DecodeError:
            pass
