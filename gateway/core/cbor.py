"""Deterministic CBOR (RFC 8949 section 4.2.1), the part Trygg's wire uses, and nothing a reader could dispute.

Values: int (64 bit), bytes, str, bool, list, dict, `Decimal` (tag 4) and `Tagged`. No floats, no null, no
indefinite lengths. Map keys are sorted bytewise on their encoding; a decoder refuses anything else, so that
one value has one encoding and signed bytes never need encoding again.
"""

from gateway.core.errors import DecodeError
from gateway.core.model import MAX_INT, Decimal

MAX_DEPTH = 8  # DESIGN.md 4; containers and tags count, the outermost is 1
TAG_DECIMAL = 4  # RFC 8949 3.4.4: [exponent, mantissa]

UINT, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
LAST_KEY_HEAD = TEXT << 5 | 31  # initial bytes of what may be a map key end here
ONE_BYTE = bytes(range(256))  # a slice of it is cheaper than making the byte


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
        return ONE_BYTE[major | argument : (major | argument) + 1]
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
        raw = value.encode()
        if not is_text(value, len(raw)):
            raise ValueError("text holds what is no character")
        return head(TEXT, len(raw)) + raw
    if isinstance(value, (list, tuple)):
        return head(ARRAY, len(value)) + b"".join([encode(item) for item in value])
    if isinstance(value, dict):
        rows = sorted([(encode(key), encode(item)) for key, item in value.items()])
        return head(MAP, len(rows)) + b"".join([key + item for key, item in rows])
    if isinstance(value, Decimal):
        return b"\xc4\x82" + encode(value.exponent) + encode(value.mantissa)
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


def long_argument(data: bytes, at: int) -> "tuple[int, int]":
    """(argument, offset after it) of the item at `at`, whose argument does not fit its first byte."""
    first = data[at]
    if first & 31 > 27:
        raise DecodeError("indefinite length or reserved form", at)
    if first >> 5 == SIMPLE:
        raise DecodeError("simple value or float", at)
    size = 1 << (first & 3)
    end = at + 1 + size
    if end > len(data):
        raise DecodeError("ends in mid-item", len(data))
    argument = int.from_bytes(data[at + 1 : end], "big")
    if argument < 24 or (size > 1 and argument >> (4 * size) == 0):
        raise DecodeError("not the shortest form", at)
    return argument, end


def decode_item(data: bytes, at: int, depth: int) -> "tuple[object, int]":
    """(value, offset after it) of the item at `at`."""
    if at >= len(data):
        raise DecodeError("ends in mid-item", at)
    first = data[at]
    major = first >> 5
    argument = first & 31
    end = at + 1
    if argument > 23:
        argument, end = long_argument(data, at)
    if major == UINT:
        return argument, end
    if major == NEGATIVE:
        return -1 - argument, end
    if major == SIMPLE:
        if first == 0xF4 or first == 0xF5:
            return first == 0xF5, end
        raise DecodeError("simple value or float", at)
    # Each item takes a byte at least, so that no length can make a reader wait or reserve memory.
    if major != TAG and argument > len(data) - end:
        raise DecodeError("ends before its length", len(data))
    if major == BYTES:
        return bytes(data[end : end + argument]), end + argument
    if major == TEXT:
        return decode_text(bytes(data[end : end + argument]), end), end + argument
    if depth > MAX_DEPTH:
        raise DecodeError("nested deeper than " + str(MAX_DEPTH), at)
    if major == MAP:
        return decode_map(data, argument, end, depth + 1)
    if major == ARRAY:
        items = []
        for _ in range(argument):
            item, end = decode_item(data, end, depth + 1)
            items.append(item)
        return items, end
    return decode_tag(data, argument, end, depth + 1)


def decode_tag(data: bytes, tag: int, at: int, depth: int) -> "tuple[object, int]":
    """The content of `tag` from `at`: a `Decimal` for tag 4."""
    content, end = decode_item(data, at, depth)
    if tag != TAG_DECIMAL:
        return Tagged(tag, content), end
    if not (isinstance(content, list) and len(content) == 2 and is_int(content[0]) and is_int(content[1])):
        raise DecodeError("decimal fraction is not [exponent, mantissa]", at)
    return Decimal(content[1], content[0]), end


def decode_text(raw: bytes, at: int = -1) -> str:
    """UTF-8 text, strict on both interpreters. Raises DecodeError, with `at` for its offset."""
    try:
        text = raw.decode()
        if is_text(text, len(raw)):
            return text
    except ValueError:  # UnicodeError, there and here
        pass
    raise DecodeError("text is not UTF-8", at)


def is_text(text: str, size: int) -> bool:
    """Whether `text`, of `size` bytes, is made of characters in their shortest form (RFC 3629).

    MicroPython's own check lets surrogates, longer forms and numbers beyond U+10FFFF pass.
    """
    if len(text) == size:
        return True
    for letter in text:
        point = ord(letter)
        if 0xD800 <= point <= 0xDFFF or point > 0x10FFFF:
            return False
        size -= 1 if point < 0x80 else 2 if point < 0x800 else 3 if point < 0x10000 else 4
    return size == 0


def decode_map(data: bytes, count: int, at: int, depth: int) -> "tuple[dict[object, object], int]":
    """A map of `count` pairs from `at`, keys rising bytewise; `depth` is that of its items."""
    result: "dict[object, object]" = {}
    before = b""
    for _ in range(count):
        key, end = decode_item(data, at, depth)
        encoded = data[at:end]
        if encoded <= before:
            raise DecodeError("map keys are not sorted or not unique", at)
        if data[at] > LAST_KEY_HEAD:
            raise DecodeError("map key is neither integer, text nor bytes", at)
        before = encoded
        result[key], at = decode_item(data, end, depth)
    return result, at


def is_int(value: object) -> bool:
    """True for integers, False for booleans, on both interpreters."""
    return isinstance(value, int) and value is not True and value is not False
