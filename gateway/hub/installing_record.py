"""The record of an installation: what was found, tested and answered, signed by the gateway's identity.

A tagged COSE_Sign1 in the shape of every message (`gateway.core.cose`), external_aad `trygg/v1/installation`. It goes over no
topic: it stays in the home until somebody fetches it, and the event `installation.completed` carries its SHA-256, so whoever
has the event can tell whether a record that is handed over is the one. It names devices and rooms as the configuration does,
and no resident. docs/adr/0037-installation.md has the fields.
"""

from gateway.core import cbor, cose, schema, wire
from gateway.core.errors import DecodeError, RefusedError
from gateway.core.schema import OPTIONAL, REQUIRED, integer, listing, nested, octets, text, uint, up_to
from hal.types import EPOCH_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SORT = "installation"
LARGEST = 64 * 1024
PUBLIC_KEY_SIZE, IDENTITY_SIZE = 32, 16
VERDICTS = ("good", "weak", "lost")  # by number
CUTS = ("process", "power")  # what went: by number

DEVICE = {
    1: ("placement", uint, REQUIRED),
    2: ("name", text, REQUIRED),
    3: ("room", text, REQUIRED),
    4: ("driver", text, REQUIRED),
    5: ("bond", up_to(2), OPTIONAL),
    6: ("found_utc_ms", integer, OPTIONAL),
    7: ("rssi_dbm", integer, OPTIONAL),
    8: ("tested_utc_ms", integer, REQUIRED),
    9: ("tested", text, REQUIRED),  # the kind that came when a person tried it
    10: (
        "alarm",
        octets(IDENTITY_SIZE),
        OPTIONAL,
    ),  # identity of that exercise alarm, which the platform receipted
    11: ("maker", text, OPTIONAL),
    12: ("model", text, OPTIONAL),
}
ROOM = {
    1: ("room", text, REQUIRED),
    2: ("rssi_dbm", integer, REQUIRED),  # median
    3: ("lowest_dbm", integer, REQUIRED),
    4: ("verdict", up_to(2), REQUIRED),
    5: ("utc_ms", integer, REQUIRED),
    6: ("device", text, REQUIRED),
}
PLUG = {
    1: ("begun_utc_ms", integer, REQUIRED),
    2: ("back_utc_ms", integer, REQUIRED),
    3: ("before", uint, REQUIRED),  # boot
    4: ("after", uint, REQUIRED),
    5: ("cut", up_to(1), REQUIRED),
}
CENTRE = {
    1: ("alarm", octets(IDENTITY_SIZE), REQUIRED),
    2: ("rung_utc_ms", integer, REQUIRED),
    3: ("accepted_utc_ms", integer, REQUIRED),  # as the platform's signed disposition says
    4: ("note", text, OPTIONAL),
}
TABLE = wire.table(
    {
        4: ("utc_ms", integer, REQUIRED),
        5: ("technician", text, REQUIRED),
        6: ("software", text, REQUIRED),
        7: ("identity", octets(PUBLIC_KEY_SIZE), REQUIRED),
        8: ("epoch", octets(EPOCH_SIZE), REQUIRED),
        9: ("boot", uint, REQUIRED),
        10: ("keyset", uint, REQUIRED),
        11: ("manifest", uint, REQUIRED),
        12: ("devices", listing(nested(DEVICE, "device"), 1), REQUIRED),
        13: ("rooms", listing(nested(ROOM, "room")), REQUIRED),
        14: ("plug", nested(PLUG, "plug"), REQUIRED),
        15: ("centre", nested(CENTRE, "centre"), REQUIRED),
        16: ("begun_utc_ms", integer, OPTIONAL),
        17: ("time_zone", text, REQUIRED),
    }
)


def payload(fields: "dict[str, Any]") -> bytes:
    """Deterministic CBOR of the fields by name; None values are left out. Raises DecodeError for what no record holds."""
    whole = dict(fields)
    whole["version"] = wire.VERSION
    whole["devices"] = [schema.write(DEVICE, row) for row in fields["devices"]]
    whole["rooms"] = [schema.write(ROOM, row) for row in fields["rooms"]]
    whole["plug"] = schema.write(PLUG, fields["plug"])
    whole["centre"] = schema.write(CENTRE, fields["centre"])
    return cbor.encode(schema.write(TABLE, whole))


def fields_of(message: bytes) -> "dict[str, Any]":
    """What a record says; its signature is checked by nobody here. Raises DecodeError."""
    return fields_in(apart(message))


def apart(message: bytes) -> "cose.Sign1":
    """The message taken apart. Raises DecodeError."""
    if len(message) > LARGEST:
        raise DecodeError("message of more than " + str(LARGEST) + " bytes")
    return cose.take_apart(message)


def fields_in(sign1: "cose.Sign1") -> "dict[str, Any]":
    """The fields by name. Raises DecodeError."""
    return schema.read(TABLE, cbor.decode(sign1.payload), SORT)


def read(message: bytes, key: bytes, verify: "Callable[[bytes, bytes, bytes], bool]") -> "dict[str, Any]":
    """What a record says that `key` has signed.

    Raises:
        DecodeError: no such record.
        RefusedError: signed by another key, for another identity than its own, or altered.
    """
    sign1 = apart(message)
    fields = fields_in(sign1)
    if sign1.kid != cose.kid_of(key) or fields["identity"] != key:
        raise RefusedError("the record is another gateway's: check which public key belongs to it")
    signed = cose.to_be_signed(sign1.protected, wire.aad(SORT), sign1.payload)
    if not verify(key, signed, sign1.signature):
        raise RefusedError("the signature does not hold")
    return fields


def told(item: "Any") -> "Any":
    """Fields as JSON holds them: byte strings in hex, and verdicts and cuts by their words."""
    if isinstance(item, dict):
        row = {name: told(item[name]) for name in sorted(item)}
        if "verdict" in row:
            row["verdict"] = VERDICTS[row["verdict"]]
        if "cut" in row:
            row["cut"] = CUTS[row["cut"]]
        return row
    if isinstance(item, (list, tuple)):
        return [told(each) for each in item]
    return item.hex() if isinstance(item, (bytes, bytearray)) else item
