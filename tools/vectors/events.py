"""event.json: events as bytes and by name, and bytes that are no event."""

from gateway.core import cbor
from gateway.core.errors import DecodeError
from gateway.core.event_codec import decode_event
from tools.vectors.home import BROKEN, EVENT_BYTES, EVENTS, GROWN, GROWN_BYTES, LEAST
from tools.vectors.plain import Plain, event_to_plain

ABOUT = (
    "Events (docs/wire.cddl, `event`). `canonical` ones are what a gateway of this version writes; the others come "
    "from a later one and are read all the same. `refused` ones are stored and receipted as bytes, and not understood."
)


def refused(name: str, data: bytes) -> dict[str, Plain]:
    """A row of bytes that are no event; raises where they are one."""
    try:
        decode_event(data)
    except DecodeError as error:
        return {"name": name, "hex": data.hex(), "reason": error.reason}
    raise AssertionError(f"{name}: was read")


def event_vectors() -> dict[str, Plain]:
    """The content of event.json."""
    rows: list[Plain] = [
        {"name": name, "hex": EVENT_BYTES[name].hex(), "canonical": True, "event": event_to_plain(item)}
        for name, item in EVENTS.items()
    ]
    rows += [
        {"name": name, "hex": GROWN_BYTES[name].hex(), "canonical": False, "event": event_to_plain(item)}
        for name, (_, item) in GROWN.items()
    ]
    bad = [refused(name, cbor.encode(item)) for name, item in BROKEN.items()]
    least = cbor.encode(LEAST)
    bad += [
        refused("nothing", b""),
        refused("ends early", least[:-1]),
        refused("goes on", least + b"\x00"),
        refused("a value is a float", b"\xa5" + least[1:] + b"\x06\xa1\x01\xf9\x3c\x00"),
        refused("a value is null", b"\xa5" + least[1:] + b"\x06\xa1\x01\xf6"),
        refused("keys not sorted", b"\xa4" + least[3:] + least[1:3]),
    ]
    return {"about": ABOUT, "valid": rows, "refused": bad}
