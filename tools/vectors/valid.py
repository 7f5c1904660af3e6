"""wire_valid.json: messages that every reader accepts, with what they say."""

from gateway.core import wire
from tools.vectors.keys import KEYS
from tools.vectors.messages import SIGNER, VALID, Vector
from tools.vectors.plain import Plain, fields_to_plain

ABOUT = (
    "Messages that every reader of version 1 accepts under their topic (docs/wire.cddl). `fields` are those of the "
    "payload by name (docs/wire.md lists them); lanes that version 1 does not have, and unknown keys of 24 and above, "
    "are left out. The keys are made from their labels and protect nothing."
)


def row(vector: Vector) -> dict[str, Plain]:
    """A message and its reading, checked as a receiver would."""
    message = vector.message
    parsed = wire.parse(vector.sort, message)
    wire.check_topic(parsed, wire.parse_topic(vector.topic))
    return {
        "name": vector.name,
        "sort": vector.sort,
        "topic": vector.topic,
        "signer": SIGNER[vector.sort],
        "message": message.hex(),
        "payload": vector.payload.hex(),
        "fields": fields_to_plain(parsed.fields),
    }


def valid_vectors() -> dict[str, Plain]:
    """The content of wire_valid.json."""
    return {
        "about": ABOUT,
        "keys": [key.to_row() for key in KEYS.values()],
        "messages": [row(vector) for vector in VALID],
    }
