"""cbor.json: what the wire's CBOR can say and refuses to read."""

from gateway.core import cbor
from gateway.core.cbor import Tagged
from gateway.core.errors import DecodeError
from gateway.core.model import Decimal
from tools.vectors.plain import Plain, to_plain

ABOUT = (
    "Deterministic CBOR (RFC 8949, 4.2.1), the part that the wire uses. Bytes that are refused have a reason."
)

EDGES = (0, 23, 24, 0xFF, 0x100, 0xFFFF, 0x1_0000, 0xFFFF_FFFF, 0x1_0000_0000, 0xFFFF_FFFF_FFFF_FFFF)

VALUES: tuple[object, ...] = (
    *EDGES,
    *(-1 - edge for edge in EDGES),
    False,
    True,
    b"",
    bytes(range(24)),
    bytes(256),
    "",
    "a" * 23,
    "a" * 24,
    "blåbærsyltetøy",
    "\x00\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff",
    [],
    [1, [2, [3]]],
    list(range(24)),
    {},
    # bytewise order of the encodings: 10, 100, -1, "z", "aa" (RFC 8949, 4.2.1), not the shorter first (RFC 7049, 3.9)
    {10: 0, 100: 1, -1: 2, "z": 3, "aa": 4},
    {b"\x01": 1, b"": 0, "": 2},
    Decimal(970, -1),
    Decimal(-1, 0),
    Decimal(0xFFFF_FFFF_FFFF_FFFF, -0x1_0000_0000_0000_0000),
    Tagged(18, [b"", {}]),
    Tagged(0xFFFF_FFFF_FFFF_FFFF, 0),
    [[[[[[[[0]]]]]]]],
    {1: Tagged(1, {1: Tagged(1, {1: Tagged(1, {1: {}})})})},
)

# hex: why no decoder of the wire may read it
REFUSED = {
    "": "no item",
    "0000": "a second item",
    "1817": "a number in a longer form",
    "1900ff": "a number in a longer form",
    "1a0000ffff": "a number in a longer form",
    "1b00000000ffffffff": "a number in a longer form",
    "3817": "a negative number in a longer form",
    "5801aa": "a length in a longer form",
    "980100": "a count in a longer form",
    "b8010000": "a count in a longer form",
    "d80401": "a tag in a longer form",
    "18": "ends in its head",
    "1901": "ends in its head",
    "4201": "ends in its bytes",
    "6261": "ends in its text",
    "8201": "ends in its array",
    "a10001a1": "a second item",
    "a101": "ends in its map",
    "c4": "ends in its tag",
    "5bffffffffffffffff": "a length that nothing can hold",
    "7bffffffffffffffff": "a length that nothing can hold",
    "9bffffffffffffffff": "a count that nothing can hold",
    "bbffffffffffffffff": "a count that nothing can hold",
    "5f41aaff": "indefinite length",
    "7f6161ff": "indefinite length",
    "9f00ff": "indefinite length",
    "bf0000ff": "indefinite length",
    "ff": "break without a beginning",
    "1c": "reserved form",
    "1f": "reserved form",
    "f6": "null",
    "f7": "undefined",
    "e0": "a simple value that nobody assigned",
    "f820": "a simple value that nobody assigned",
    "f814": "false in two bytes",
    "f93c00": "float of 16 bits",
    "fa3f800000": "float of 32 bits",
    "fb3ff0000000000000": "float of 64 bits",
    "a201000000": "keys not sorted",
    "a201000100": "a key twice",
    "a2616100614100": "text keys not sorted",
    "a22002186401": "keys in the order of RFC 7049, 3.9: -1 before 100",
    "a262616100617a00": "keys in the order of their letters: aa before z",
    "a1f500": "a flag as key",
    "a1810000": "an array as key",
    "a1c482000100": "a decimal as key",
    "61ff": "text is not UTF-8",
    "61c3": "text ends within a character",
    "62c080": "text holds NUL in a longer form",
    "63e08080": "text holds a longer form",
    "64f0808080": "text holds a longer form",
    "63eda080": "text holds half of a surrogate pair",
    "63edbfbf": "text holds half of a surrogate pair",
    "64f4908080": "text holds what lies beyond U+10FFFF",
    "65f888808080": "text holds a form of five bytes",
    "c400": "decimal of a number",
    "c48100": "decimal of one number",
    "c483000000": "decimal of three numbers",
    "c4820100f5": "a second item",
    "c48200f5": "decimal whose mantissa is a flag",
    "c482616100": "decimal whose exponent is text",
    "81818181818181818100": "nine levels of arrays",
    "c1c1c1c1c1c1c1c1c100": "nine levels of tags",
    "a100a100a100a100a100a100a100a100a10000": "nine levels of maps",
}


def cbor_vectors() -> dict[str, Plain]:
    """The content of cbor.json. Raises AssertionError where a row is not what it says."""
    refused = []
    for digits, why in REFUSED.items():
        try:
            cbor.decode(bytes.fromhex(digits))
        except DecodeError as error:
            refused.append({"hex": digits, "why": why, "reason": error.reason})
            continue
        raise AssertionError(f"{digits} ({why}) was read")
    return {
        "about": ABOUT,
        "valid": [{"hex": cbor.encode(value).hex(), "value": to_plain(value)} for value in VALUES],
        "refused": refused,
    }
