"""Deterministic CBOR (RFC 8949 section 4.2.1), the part Trygg's wire uses, and nothing a reader could dispute.

Values: int (64 bit), bytes, str, bool, list, dict, `Decimal` (tag 4) and `Tagged`. No floats, no null, no
indefinite lengths. Map keys are sorted bytewise on their encoding; a decoder refuses anything else, so that
one value has one encoding and signed bytes never need encoding again.
"""

from gateway.core.errors import DecodeError
from gateway.core.model import Decimal

MAX_DEPTH = 8  # DESIGN.md 4; containers and tags count, the outermost is 1
MAX_INT = 0xFFFF_FFFF_FFFF_FFFF
TAG_DECIMAL = 4  # RFC 8949 3.4.4: [exponent, mantissa]

UINT, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)


class Tagged:
    """A tag other than 4, with its content."""

    __slots__ = ("tag", "value")

    def __init__(self, tag: int, value: object) -> None:
        self.tag = tag
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tagged) and self.tag == other.tag and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.tag)


def head(major: int, argument: int) -> bytes:
    """Initial byte and argument, in the shortest form."""
    major <<= 5
    if argument < 24:
        return bytes((major | argument,))
    if argument <= 0xFF:
        return bytes((major | 24, argument))
    if argument <= 0xFFFF:
        return bytes((major | 25,)) + argument.to_bytes(2, "big")
    if argument <= 0xFFFF_FFFF:
        return bytes((major | 26,)) + argument.to_bytes(4, "big")
    if argument <= MAX_INT:
        return bytes((major | 27,)) + argument.to_bytes(8, "big")
    raise ValueError("integer beyond 64 bits: " + str(argument))


def encode(value: object) -> bytes:
    """The one encoding of `value`. Raises ValueError for what the wire does not carry (floats, None, huge)."""
    if value is True:
        return b"\xf5"
    if value is False:
        return b"\xf4"
    if isinstance(value, int):
        return head(UINT, value) if value >= 0 else head(NEGATIVE, -1 - value)
    if isinstance(value, (bytes, bytearray)):
        return head(BYTES, len(value)) + bytes(value)
    if isinstance(value, str):
        text = value.encode()
        return head(TEXT, len(text)) + text
    if isinstance(value, (list, tuple)):
        return head(ARRAY, len(value)) + b"".join([encode(item) for item in value])
    if isinstance(value, dict):
        rows = sorted([(encode(key), encode(item)) for key, item in value.items()])
        return head(MAP, len(rows)) + b"".join([key + item for key, item in rows])
    if isinstance(value, Decimal):
        return head(TAG, TAG_DECIMAL) + encode([value.exponent, value.mantissa])
    if isinstance(value, Tagged):
        return head(TAG, value.tag) + encode(value.value)
    raise ValueError("not a value of the wire: " + repr(value))


def array_of_encoded(items: "list[bytes]") -> bytes:
    """An array whose items are byte strings that hold `items`: the events of a bundle, never encoded again."""
    parts = [head(ARRAY, len(items))]
    for item in items:
        parts.append(head(BYTES, len(item)))
        parts.append(item)
    return b"".join(parts)


def decode(data: bytes) -> object:
    """The value that `data` is the deterministic encoding of.

    Raises:
        DecodeError: anything else: trailing bytes, a longer form than needed, unsorted or duplicate keys,
            floats, null, indefinite lengths, nesting deeper than 8, text that is not UTF-8.
    """
    value, end = decode_item(data, 0, 1)
    if end != len(data):
        raise DecodeError("trailing bytes", end)
    return value


def decode_head(data: bytes, at: int) -> "tuple[int, int, int]":
    """(major type, argument, offset after it)."""
    if at >= len(data):
        raise DecodeError("ends in mid-item", at)
    first = data[at]
    info = first & 31
    if info < 24:
        return first >> 5, info, at + 1
    if info > 27:
        raise DecodeError("indefinite length or reserved form", at)
    size = 1 << (info - 24)
    end = at + 1 + size
    if end > len(data):
        raise DecodeError("ends in mid-item", len(data))
    argument = int.from_bytes(data[at + 1 : end], "big")
    if argument < 24 or (size > 1 and argument >> (4 * size) == 0):
        if first >> 5 == SIMPLE:
            raise DecodeError("simple value or float", at)
        raise DecodeError("not the shortest form", at)
    return first >> 5, argument, end


def decode_item(data: bytes, at: int, depth: int) -> "tuple[object, int]":
    """(value, offset after it) of the item at `at`."""
    major, argument, end = decode_head(data, at)
    if major == UINT:
        return argument, end
    if major == NEGATIVE:
        return -1 - argument, end
    if major in (BYTES, TEXT):
        stop = end + argument
        if stop > len(data):
            raise DecodeError("ends in mid-string", len(data))
        raw = bytes(data[end:stop])
        return (raw if major == BYTES else decode_text(raw, end)), stop
    if major == SIMPLE:
        if data[at] == 0xF4 or data[at] == 0xF5:
            return data[at] == 0xF5, end
        raise DecodeError("simple value or float", at)
    if depth > MAX_DEPTH:
        raise DecodeError("nested deeper than " + str(MAX_DEPTH), at)
    if major == ARRAY:
        items = []
        for _ in range(argument):
            item, end = decode_item(data, end, depth + 1)
            items.append(item)
        return items, end
    if major == MAP:
        return decode_map(data, argument, end, depth)
    content, stop = decode_item(data, end, depth + 1)
    if argument != TAG_DECIMAL:
        return Tagged(argument, content), stop
    if not (isinstance(content, list) and len(content) == 2 and is_int(content[0]) and is_int(content[1])):
        raise DecodeError("decimal fraction is not [exponent, mantissa]", end)
    return Decimal(content[1], content[0]), stop


def decode_text(raw: bytes, at: int) -> str:
    """UTF-8 text. MicroPython does not check on decoding, so the round trip does."""
    try:
        text = raw.decode()
        if text.encode() == raw:
            return text
    except (UnicodeError, ValueError):
        pass
    raise DecodeError("text is not UTF-8", at)


def decode_map(data: bytes, count: int, at: int, depth: int) -> "tuple[dict[object, object], int]":
    """A map of `count` pairs from `at`, keys rising bytewise."""
    result: "dict[object, object]" = {}
    before = b""
    for _ in range(count):
        key, end = decode_item(data, at, depth + 1)
        encoded = bytes(data[at:end])
        if encoded <= before:
            raise DecodeError("map keys are not sorted or not unique", at)
        if not (is_int(key) or isinstance(key, (str, bytes))):
            raise DecodeError("map key is neither integer, text nor bytes", at)
        before = encoded
        result[key], at = decode_item(data, end, depth + 1)
    return result, at


def is_int(value: object) -> bool:
    """True for integers, False for booleans, on both interpreters."""
    return isinstance(value, int) and value is not True and value is not False
