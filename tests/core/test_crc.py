from gateway.core.crc import crc32, crc32_holds, with_crc32


def test_the_check_value_of_crc_32_iso_hdlc_is_met() -> None:
    assert crc32(b"123456789") == 0xCBF43926
    assert crc32(b"") == 0


def test_the_crc_follows_highest_byte_first() -> None:
    assert with_crc32(b"123456789") == b"123456789\xcb\xf4\x39\x26"
    assert crc32_holds(b"123456789\xcb\xf4\x39\x26")


def test_every_single_bit_flip_is_noticed() -> None:
    good = with_crc32(bytes(range(40)))
    assert crc32_holds(good)
    for bit in range(8 * len(good)):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << (bit % 8)
        assert not crc32_holds(bytes(flipped)), bit


def test_what_is_too_short_for_a_crc_does_not_hold() -> None:
    for size in range(4):
        assert not crc32_holds(bytes(size))
    assert crc32_holds(bytes(4))  # the CRC of nothing is 0: a frame needs a length check of its own
