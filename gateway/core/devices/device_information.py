"""Device Information (service 0x180A): what a device says it is. Read leniently, kept short.

Strings are UTF-8 and often padded with NULs. System id and PnP id are numbers (DIS 1.1, 3.7 and 3.9).
"""

from gateway.core.cbor import decode_text
from gateway.core.errors import DecodeError
from gateway.core.model import require_bytes

# Characteristic: the value name of its string.
STRINGS = {
    "2a29": "maker",
    "2a24": "model",
    "2a25": "serial_number",
    "2a26": "firmware",
    "2a27": "hardware",
    "2a28": "software",
}
SYSTEM_ID, PNP_ID = "2a23", "2a50"
LONGEST = 64  # characters of a string that are kept; no product name in the field is longer
ATTRIBUTE_SIZE = 512  # the longest value an attribute can have


def decode_string(value: bytes) -> str:
    """The text up to the first NUL, without what surrounds it; bytes that are no UTF-8 become `?`.

    Control characters become spaces: the text is shown to people. At most 64 characters.
    """
    end = value.find(b"\x00")
    if end >= 0:
        value = value[:end]
    value = value[:ATTRIBUTE_SIZE]
    try:
        text = decode_text(value)
    except DecodeError:
        text = "".join(chr(byte) if byte < 0x80 else "?" for byte in value)
    text = "".join(
        [" " if character < " " or "\x7f" <= character <= "\x9f" else character for character in text]
    )
    return text.strip()[:LONGEST]


def decode_system_id(value: bytes) -> "dict[str, object]":
    """Manufacturer's number (40 bits) and OUI (24 bits).

    Raises:
        DecodeError: fewer than 8 bytes.
    """
    require_bytes(value, 0, 8, "system id")
    return {
        "manufacturer_id": int.from_bytes(value[:5], "little"),
        "oui": int.from_bytes(value[5:8], "little"),
    }


def decode_pnp_id(value: bytes) -> "dict[str, object]":
    """Who gave the vendor number (1 Bluetooth SIG, 2 USB), vendor, product, version.

    Raises:
        DecodeError: fewer than 7 bytes.
    """
    require_bytes(value, 0, 7, "PnP id")
    return {
        "vendor_id_source": value[0],
        "vendor_id": int.from_bytes(value[1:3], "little"),
        "product_id": int.from_bytes(value[3:5], "little"),
        "product_version": int.from_bytes(value[5:7], "little"),
    }


def decode(characteristic: str, value: bytes) -> "dict[str, object]":
    """Values by name of one characteristic of this service.

    Raises:
        DecodeError: system id or PnP id too short.
        KeyError: `characteristic` is not of this service.
    """
    if characteristic == SYSTEM_ID:
        return decode_system_id(value)
    if characteristic == PNP_ID:
        return decode_pnp_id(value)
    return {STRINGS[characteristic]: decode_string(value)}
