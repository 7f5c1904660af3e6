"""What of the record of an installation is fuzzed: it is handed around as a file, and anybody may hand over any bytes."""

import asyncio
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.core import wire
from gateway.core.errors import DecodeError, RefusedError
from gateway.hub import installing_record as record
from tests.gateway.fuzz.harness import Target

IDENTITY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = IDENTITY.public_key().public_bytes_raw()
FIELDS = {
    "tenant": "oslo",
    "gateway": "gw-0001",
    "utc_ms": 1_795_309_800_000,
    "technician": "Kari",
    "software": "trygg 1",
    "identity": KEY,
    "epoch": bytes(8),
    "boot": 7,
    "keyset": 1,
    "manifest": 1,
    "devices": [
        {
            "placement": 1,
            "name": "R\u00f8yk",
            "room": "stue",
            "driver": "bthome",
            "tested_utc_ms": 1,
            "tested": "smoke.detected",
        }
    ],
    "rooms": [
        {"room": "stue", "rssi_dbm": -60, "lowest_dbm": -70, "verdict": 0, "utc_ms": 1, "device": "R\u00f8yk"}
    ],
    "plug": {"begun_utc_ms": 1, "back_utc_ms": 2, "before": 3, "after": 4, "cut": 1},
    "centre": {"alarm": bytes(16), "rung_utc_ms": 1, "accepted_utc_ms": 2},
    "time_zone": "Europe/Oslo",
}


async def made(payload: bytes) -> bytes:
    sealer = wire.Sealer(KEY)
    return sealer.seal(payload, IDENTITY.sign(sealer.to_sign(record.SORT, payload)))


PAYLOAD = record.payload(FIELDS)
GOOD = asyncio.run(made(PAYLOAD))


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def refusing() -> Callable[[bytes], None]:
    """Takes the one that was signed and refuses every other."""

    def take(data: bytes) -> None:
        try:
            record.read(data, KEY, verify)
        except RefusedError as error:
            raise DecodeError(error.reason) from None
        assert data == GOOD, "a record that nobody signed was accepted"

    return take


def telling() -> Callable[[bytes], None]:
    """What a signed record says can be told, whatever it is."""

    def take(data: bytes) -> None:
        record.told(record.fields_of(asyncio.run(made(data))))

    return take


INSTALLATION_TARGETS: tuple[Target, ...] = (
    Target("installation record", (GOOD,), refusing),
    Target("installation payload", (PAYLOAD,), telling),
)
