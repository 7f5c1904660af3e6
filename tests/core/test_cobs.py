from gateway.core.errors import DecodeError
from gateway.core.framing.cobs import Framer, decode, encode, encoded_size

RUN = bytes(range(1, 255))

# (data, encoding): examples of the paper's rules, written out by hand.
PAIRS = (
    (b"", b"\x01"),
    (b"\x00", b"\x01\x01"),
    (b"\x00\x00", b"\x01\x01\x01"),
    (b"\x00\x11\x00", b"\x01\x02\x11\x01"),
    (b"\x11\x22\x00\x33", b"\x03\x11\x22\x02\x33"),
    (b"\x11\x22\x33\x44", b"\x05\x11\x22\x33\x44"),
    (b"\x11\x00\x00\x00", b"\x02\x11\x01\x01\x01"),
    (RUN, b"\xff" + RUN),
    (b"\x00" + RUN, b"\x01\xff" + RUN),
    (RUN + b"\xff", b"\xff" + RUN + b"\x02\xff"),
    (RUN + b"\x00", b"\xff" + RUN + b"\x01\x01"),
    (RUN[1:] + b"\xff\x00", b"\xff" + RUN[1:] + b"\xff" + b"\x01\x01"),
    (RUN + RUN, b"\xff" + RUN + b"\xff" + RUN),
)


def refused(data: bytes) -> DecodeError:
    try:
        decode(data)
    except DecodeError as error:
        return error
    raise AssertionError("was taken: " + data.hex())


def test_the_examples_encode_and_decode_exactly() -> None:
    for data, encoded in PAIRS:
        assert encode(data) == encoded, data
        assert decode(encoded) == data, encoded
        assert 0 not in encoded
        assert len(encoded) <= encoded_size(len(data))


def test_a_run_past_the_end_and_a_zero_inside_are_refused_with_their_place() -> None:
    assert refused(b"\x05123").offset == 0
    assert refused(b"\x02a\x03b").offset == 2
    assert refused(b"\x00").offset == 0
    assert refused(b"\x03a\x00").offset == 0
    assert refused(b"\x02a\x00").offset == 2


def test_an_empty_run_after_a_full_one_is_taken_too() -> None:
    # Some encoders write it; both readings give the same bytes, and the CRC inside decides.
    assert decode(b"\xff" + RUN + b"\x01") == RUN


def pieces(data: bytes, sizes: "list[int]") -> "list[bytes]":
    """`data` cut into pieces of the sizes, over and over."""
    out = []
    turn = 0
    while data:
        out.append(data[: sizes[turn % len(sizes)]])
        data = data[sizes[turn % len(sizes)] :]
        turn += 1
    return out


def taken(framer: Framer, stream: bytes, sizes: "list[int]") -> "list[bytes | str]":
    found: list[bytes | DecodeError] = []
    for piece in pieces(stream, sizes):
        found += framer.push(piece)
    return [item.reason if isinstance(item, DecodeError) else item for item in found]


def test_frames_come_out_the_same_however_the_stream_is_cut() -> None:
    stream = (
        b"\x00"
        + b"\x00".join([encoded for _, encoded in PAIRS])
        + b"\x00"
        + b"\x05ab\x00"
        + b"x" * 999
        + b"\x00"
    )
    whole = taken(Framer(600), stream, [len(stream)])
    assert whole[: len(PAIRS)] == [data for data, _ in PAIRS]
    assert len(whole) == len(PAIRS) + 2
    for sizes in ([1], [2], [3, 1], [7], [254], [255], [256, 1], [600], [601], [1000]):
        assert taken(Framer(600), stream, sizes) == whole, sizes


def test_after_garbage_the_next_zero_begins_afresh() -> None:
    framer = Framer(20)
    assert [type(item) for item in framer.push(b"\xffgarbage")] == []
    assert [type(item) for item in framer.push(b"\x00")] == [DecodeError]
    assert framer.push(encode(b"next") + b"\x00") == [b"next"]


def test_what_is_too_long_is_said_once_and_never_held() -> None:
    framer = Framer(20)
    for _ in range(100):
        assert framer.push(b"y" * 1000) == []
        assert len(framer.held) <= 20
    found = framer.push(b"z\x00" + encode(b"next") + b"\x00")
    assert [type(item) for item in found[:1]] == [DecodeError]
    assert "without a delimiter" in found[0].reason
    assert found[1:] == [b"next"]


def test_a_frame_of_just_the_limit_is_taken() -> None:
    data = b"q" * 19
    assert Framer(20).push(encode(data) + b"\x00") == [data]
    assert [type(item) for item in Framer(20).push(encode(data + b"q") + b"\x00")] == [DecodeError]


def test_an_opened_line_forgets_the_half_frame() -> None:
    framer = Framer(20)
    assert framer.push(b"\x05ab") == []
    framer.reset()
    assert framer.push(encode(b"new") + b"\x00") == [b"new"]


def test_two_delimiters_in_a_row_mean_nothing() -> None:
    assert Framer(20).push(b"\x00\x00\x00" + encode(b"a") + b"\x00\x00") == [b"a"]
