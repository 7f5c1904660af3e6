"""The events of a run: numbered, the same bytes for every party that takes bytes, JSON of the same size for ThingsBoard.

Two sizes: `LARGE` is 200 bytes; `SMALL` is an oximeter's reading as each party would write it itself, 36 bytes of
CBOR or 88 of JSON. An alarm has a number of `ALARMS` or above.
"""

import functools
import json

from gateway.core.event_codec import encode_event
from gateway.core.model import Decimal, Event

SMALL, LARGE = 0, 200
ALARMS = 1_000_000_000
FIRST_UTC_MS = 1_795_000_000_000
DEVICE = "Bench"
# The number is the event's uptime: from here on it takes four bytes whatever it is, so it stands at one place.
BASE = 1 << 20
MARK = 0x7EAD_BEEF
PADDING = "#9000"  # no value of the registry: a receiver stores it and understands the rest


@functools.cache
def template(size: int) -> tuple[bytes, bytes]:
    """What stands before and behind the four bytes of the number."""
    reading: dict[str, object] = {"spo2_pct": Decimal(967, -1), "pulse_rate_bpm": 75}

    def whole(values: dict[str, object]) -> bytes:
        return encode_event(Event("oximetry.measured", 77, 5, MARK, FIRST_UTC_MS, values))

    encoded = whole(reading)
    if size != SMALL:
        padding = size - len(whole({**reading, PADDING: "x" * 100})) + 100
        encoded = whole({**reading, PADDING: "x" * padding})
    before, behind = encoded.split(MARK.to_bytes(4, "big"))
    return before, behind


def payload(number: int, size: int = LARGE) -> bytes:
    """One event as Trygg stores it; Mosquitto and paho carry the same bytes."""
    before, behind = template(size)
    return before + (BASE + number).to_bytes(4, "big") + behind


def number_of(event: bytes) -> int:
    """The number of what `payload` made."""
    at = len(template(SMALL)[0])  # padding comes later: what stands before is the same in both sizes
    return int.from_bytes(event[at : at + 4], "big") - BASE


def telemetry(number: int, size: int = LARGE) -> dict[str, object]:
    """The same reading as a ThingsBoard connector hands it on; `size` bytes as JSON."""
    values: dict[str, object] = {"spo2_pct": 96.7, "pulse_rate_bpm": 75, "n": number}
    entry: dict[str, object] = {"ts": FIRST_UTC_MS + number, "values": values}
    if size != SMALL:
        values["pad"] = ""
        values["pad"] = "x" * (size - len(json.dumps(entry, separators=(",", ":"))))
    return entry


def gateway_message(number: int, size: int = LARGE) -> str:
    """What ThingsBoard's gateway puts into its storage for it: its own envelope around one telemetry entry."""
    message = {
        "deviceName": DEVICE,
        "deviceType": "default",
        "telemetry": [telemetry(number, size)],
        "attributes": {},
    }
    return json.dumps(message, separators=(",", ":"))
