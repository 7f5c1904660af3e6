"""Device Information: lenient with text, exact with numbers."""

from gateway.core.devices.device_information import ATTRIBUTE_SIZE, LONGEST, STRINGS, decode, decode_string
from tests.core.vectors import refusal

TEXTS = [
    (b"Wahoo Fitness", "Wahoo Fitness"),
    (b"Wahoo Fitness\x00\x00\x00", "Wahoo Fitness"),
    (b"  Nonin \x00leftover", "Nonin"),
    (b"R\xc3\xb8yk\n2", "Røyk 2"),
    (b"\xffABC\xc3", "?ABC?"),
    (
        b"\xed\xa0\x80\xc0\x80",
        "?????",
    ),  # half a surrogate pair, and a longer form: MicroPython's own check takes both
    (b"\x1b[31mred\x7f", "[31mred"),
    (b"a\xc2\x9b1mb", "a 1mb"),
    (b"", ""),
    (b"\x00", ""),
]


def test_text_ends_at_the_first_nul_and_is_fit_to_be_shown() -> None:
    for value, text in TEXTS:
        assert decode_string(value) == text, value


def test_text_is_bounded() -> None:
    assert decode_string(b"x" * 10_000) == "x" * LONGEST
    assert decode_string("ø".encode() * 200) == "ø" * LONGEST
    assert len(decode_string(b"\xff" * (ATTRIBUTE_SIZE + 1))) == LONGEST


def test_every_string_has_its_name() -> None:
    found = {}
    for characteristic in STRINGS:
        found.update(decode(characteristic, characteristic.encode()))
    assert found == {
        "maker": "2a29",
        "model": "2a24",
        "serial_number": "2a25",
        "firmware": "2a26",
        "hardware": "2a27",
        "software": "2a28",
    }


def test_system_id_and_pnp_id_are_numbers() -> None:
    assert decode("2a23", bytes.fromhex("55aa55aa55aa55aa")) == {
        "manufacturer_id": 367_929_961_045,
        "oui": 11_163_050,
    }
    assert decode("2a50", bytes.fromhex("01590002000301")) == {
        "vendor_id_source": 1,
        "vendor_id": 89,
        "product_id": 2,
        "product_version": 0x0103,
    }


def test_numbers_that_are_cut_off_are_refused() -> None:
    for characteristic, whole in (("2a23", 8), ("2a50", 7)):
        for length in range(whole):
            assert refusal(decode, characteristic, bytes(length)).offset == length
