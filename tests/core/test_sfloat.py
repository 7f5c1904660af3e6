"""SFLOAT and FLOAT of IEEE 11073-20601: every digit, every special value, nothing else special."""

from gateway.core.model import Absent, Decimal
from gateway.core.sfloat import FLOAT_SPECIALS, SFLOAT_SPECIALS, decode_float, decode_sfloat

# pattern, value, its digits. Source: HL7 PHD "FLOATS", IEEE 11073-20601 annex F.8, PLXS 1.0.1 table 5.1.
SFLOATS = [
    (0x0000, 0, "0"),
    (0x0061, 97, "97"),
    (0xF3CA, Decimal(970, -1), "97.0"),
    (0xF16E, Decimal(366, -1), "36.6"),
    (0xE0C8, Decimal(200, -2), "2.00"),
    (0x1007, 70, "70"),
    (0x2002, 200, "200"),
    (0x7001, 10_000_000, "10000000"),
    (0x0FFF, -1, "-1"),
    (0xFFFF, Decimal(-1, -1), "-0.1"),
    (0x8001, Decimal(1, -8), "0.00000001"),
    (0x87FF, Decimal(2047, -8), "0.00002047"),
    (0x07FD, 2045, "2045"),
    (0x0803, -2045, "-2045"),
    (0xF000, Decimal(0, -1), "0.0"),
    # A special mantissa is special with exponent 0 only.
    (0x17FF, 20_470, "20470"),
    (0xF800, Decimal(-2048, -1), "-204.8"),
    (0xF802, Decimal(-2046, -1), "-204.6"),
]

FLOATS = [
    (0x00000000, 0, "0"),
    (0xFF00016C, Decimal(364, -1), "36.4"),
    (0xFFFFFE94, Decimal(-364, -1), "-36.4"),
    (0xFC03FE01, Decimal(261_633, -4), "26.1633"),
    (0x01000002, 20, "20"),
    (0x00FFFB2E, -1234, "-1234"),
    (0x00FFFFFF, -1, "-1"),
    (0x80000001, Decimal(1, -128), "0." + "0" * 127 + "1"),
    (0x7F000001, Decimal(1, 127), "1" + "0" * 127),
    (0x007FFFFD, 8_388_605, "8388605"),
    (0xFF7FFFFF, Decimal(8_388_607, -1), "838860.7"),
]

SPECIALS = ["nan", "nres", "+inf", "-inf", "reserved"]


def test_sfloats_keep_the_digits_of_the_device() -> None:
    for pattern, value, digits in SFLOATS:
        assert decode_sfloat(pattern) == value, hex(pattern)
        assert str(decode_sfloat(pattern)) == digits, hex(pattern)


def test_floats_keep_the_digits_of_the_device() -> None:
    for pattern, value, digits in FLOATS:
        assert decode_float(pattern) == value, hex(pattern)
        assert str(decode_float(pattern)) == digits, hex(pattern)


def test_equal_numbers_with_other_digits_are_told_apart() -> None:
    assert decode_sfloat(0xF014) != decode_sfloat(0xE0C8)  # 2.0 and 2.00
    assert decode_sfloat(0xF014) != decode_sfloat(0x0002)


def test_five_patterns_say_why_there_is_no_number() -> None:
    sfloats = [decode_sfloat(pattern) for pattern in (0x07FF, 0x0800, 0x07FE, 0x0802, 0x0801)]
    floats = [decode_float(p) for p in (0x007FFFFF, 0x00800000, 0x007FFFFE, 0x00800002, 0x00800001)]
    for found in (sfloats, floats):
        assert found == [Absent(reason) for reason in SPECIALS]


def test_every_sfloat_is_its_mantissa_and_exponent() -> None:
    specials = 0
    for exponent_bits in range(16):
        exponent = exponent_bits if exponent_bits < 8 else exponent_bits - 16
        for mantissa in range(-2048, 2048, 1 if exponent_bits in (0, 15) else 13):
            pattern = exponent_bits << 12 | mantissa & 0xFFF
            value = decode_sfloat(pattern)
            if pattern in SFLOAT_SPECIALS:
                specials += 1
                assert isinstance(value, Absent)
            elif exponent < 0:
                assert value == Decimal(mantissa, exponent)
            else:
                assert value == mantissa * 10**exponent
    assert specials == len(SFLOAT_SPECIALS) == len(FLOAT_SPECIALS) == 5
