"""Deterministic CBOR. Vectors: tests/vectors/cbor.json."""

from gateway.core import cbor
from gateway.core.cbor import Tagged
from gateway.core.errors import DecodeError
from gateway.core.model import Absent, Decimal
from tests.core.vectors import load, refusal
from tests.core.wire_vectors import hexed, not_written, value_of

VECTORS = load("cbor.json")


def test_every_valid_vector_reads_and_writes_the_same_bytes() -> None:
    for row in VECTORS["valid"]:
        value, data = value_of(row["value"]), hexed(row, "hex")
        assert cbor.decode(data) == value, row["hex"]
        assert cbor.encode(value) == data, row["hex"]


def test_every_refused_vector_is_refused_for_its_reason() -> None:
    for row in VECTORS["refused"]:
        assert refusal(cbor.decode, hexed(row, "hex")).reason == row["reason"], str(row["hex"]) + str(
            row["why"]
        )


def test_flags_stay_apart_from_numbers() -> None:
    assert cbor.decode(b"\xf5") is True
    assert cbor.decode(b"\xf4") is False
    assert cbor.encode([True, 1, False, 0]) == bytes.fromhex("84f501f400")
    assert cbor.is_int(0) and cbor.is_int(1)
    assert not cbor.is_int(True) and not cbor.is_int(False) and not cbor.is_int("1")


def test_only_two_of_256_single_bytes_above_the_numbers_are_values() -> None:
    """Every item of one byte: 24 + 24 numbers, empty strings and containers, two flags; all else needs more."""
    read = []
    for first in range(256):
        try:
            cbor.decode(bytes([first]))
            read.append(first)
        except DecodeError:
            pass
    assert read == list(range(24)) + list(range(0x20, 0x38)) + [0x40, 0x60, 0x80, 0xA0, 0xF4, 0xF5]


def test_truncated_at_every_byte_is_refused() -> None:
    for row in VECTORS["valid"]:
        data = hexed(row, "hex")
        for size in range(len(data)):
            assert refusal(cbor.decode, data[:size]).offset <= size


def test_eight_levels_are_read_and_nine_refused_wherever_they_stand() -> None:
    deep = b"\x81" * 7 + b"\x80"
    assert cbor.decode(deep) == [[[[[[[[]]]]]]]]
    for before in (b"\x81", b"\xa1\x00", b"\xc1", b"\x82\x00"):
        assert refusal(cbor.decode, before + deep).reason == "nested deeper than 8"
    assert refusal(cbor.decode, b"\x81" * 10_000).reason == "nested deeper than 8"


def test_lengths_that_nothing_can_hold_cost_nothing() -> None:
    for major in (2, 3, 4, 5):
        for size, argument in ((4, 0xFFFF_FFFF), (8, 0x7FFF_FFFF_FFFF_FFFF), (8, 0xFFFF_FFFF_FFFF_FFFF)):
            head = bytes([major << 5 | (26 if size == 4 else 27)]) + argument.to_bytes(size, "big")
            error = refusal(cbor.decode, head + bytes(100))
            assert error.reason == "ends before its length"


def test_the_offset_says_where_reading_stopped() -> None:
    for digits, offset in (
        ("", 0),
        ("0000", 1),
        ("8200", 2),
        ("82001817", 2),
        ("8261ff00", 2),
        ("a2010001", 3),
    ):
        assert refusal(cbor.decode, bytes.fromhex(digits)).offset == offset, digits


def test_text_is_checked_to_the_letter_on_both_interpreters() -> None:
    """The edges of RFC 3629, section 4, one byte either side."""
    good = ("c280", "dfbf", "e0a080", "ed9fbf", "ee8080", "efbfbf", "f0908080", "f48fbfbf")
    bad = (
        "80",
        "bf",
        "c080",
        "c1bf",
        "c2",
        "c27f",
        "e09fbf",
        "eda080",
        "edbfbf",
        "f08fbfbf",
        "f4908080",
        "f5808080",
    )
    bad += ("f7bfbfbf", "f888808080", "fc8480808080", "fe", "ff", "e282", "f09f98", "c3a5bf")
    for digits in good:
        data = bytes.fromhex(digits)
        assert cbor.decode_text(b"a" + data + b"z").encode() == b"a" + data + b"z", digits
        assert cbor.encode(cbor.decode_text(data))[1:] == data
    for digits in bad:
        for around in (b"", b"a"):
            data = around + bytes.fromhex(digits) + around
            assert refusal(cbor.decode_text, data, 7).offset == 7, digits


def test_what_the_wire_does_not_carry_is_not_written() -> None:
    for value in (
        None,
        1.5,
        2**64,
        -(2**64) - 1,
        Absent("nan"),
        object(),
        [None],
        {1: None},
        Decimal(2**64, 0),
    ):
        not_written(cbor.encode, value)


def test_keys_are_sorted_by_their_bytes_however_the_map_was_made() -> None:
    keys = [-1, 0, 23, 24, 100, 255, 256, 65536, "", "z", "aa", b"", b"z", -25]
    expected = sorted([cbor.encode(key) for key in keys])
    for order in (keys, list(reversed(keys)), keys[5:] + keys[:5]):
        data = cbor.encode(dict.fromkeys(order, 0))
        assert data == b"\xae" + b"".join([key + b"\x00" for key in expected])
        decoded = cbor.decode(data)
        assert isinstance(decoded, dict) and len(decoded) == len(keys)


def test_bytes_that_may_change_are_read_as_bytes_that_may_not() -> None:
    buffer = bytearray(b"\x82\x41a\xa1\x41b\x00")
    value = cbor.decode(buffer)
    buffer[2] = 0
    assert value == [b"a", {b"b": 0}]
    assert cbor.encode(bytearray(b"a")) == b"\x41a"


def test_events_are_put_together_without_encoding_them_again() -> None:
    for events in ([], [b""], [b"\x00" * 23, b"\x00" * 24, b"\x00" * 256], [b"a"] * 24):
        assert cbor.array_of_encoded(events) == cbor.encode(events)


def test_tags_and_decimals_are_equal_by_what_they_hold() -> None:
    assert Tagged(1, [2]) == Tagged(1, [2])
    assert Tagged(1, 2) != Tagged(2, 2) and Tagged(1, 2) != Tagged(1, 3)
    assert cbor.decode(cbor.encode(Tagged(4, [-1, 970]))) == Decimal(970, -1)
