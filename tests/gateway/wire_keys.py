"""Keys of the wire vectors on `cryptography`, for tests that sign and verify as others would."""

import json
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FOLDER = Path(__file__).resolve().parents[1] / "vectors"


def vectors(name: str) -> dict[str, Any]:
    """One file of our own vectors."""
    content: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return content


KEYS = {row["name"]: row for row in vectors("wire_valid.json")["keys"]}
PUBLIC = {name: bytes.fromhex(row["public"]) for name, row in KEYS.items()}


def private(name: str) -> Ed25519PrivateKey:
    """The private key of a holder."""
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KEYS[name]["seed"]))


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Ed25519 by OpenSSL."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True
