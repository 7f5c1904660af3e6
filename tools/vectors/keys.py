"""Keys of the vectors. They are public by intent: each seed is SHA-256 of a label that stands in the file."""

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core import cose
from gateway.core.wire import Sealer

# name: who it stands for
HOLDERS = {
    "gateway": "identity of the gateway",
    "root": "the municipality's offline root",
    "next-root": "the root that follows it",
    "platform": "the platform, for receipts and dispositions",
    "operator": "the municipality's operations, for configuration and commands",
    "stranger": "a key that nobody named",
}


class VectorKey:
    """An Ed25519 key that anybody can make again from its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.label = "trygg test vectors: " + name
        self.seed = hashlib.sha256(self.label.encode()).digest()
        self.private = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.public = self.private.public_key().public_bytes_raw()
        self.sealer = Sealer(self.public)

    def message(self, sort: str, payload: bytes) -> bytes:
        """`payload` as a signed message of `sort`."""
        return self.sealer.seal(payload, self.private.sign(self.sealer.to_sign(sort, payload)))

    def to_row(self) -> dict[str, str]:
        """What the vectors say of the key."""
        return {
            "name": self.name,
            "holder": HOLDERS[self.name],
            "seed_label": self.label,
            "seed": self.seed.hex(),
            "public": self.public.hex(),
            "kid": cose.kid_of(self.public).hex(),
        }


KEYS = {name: VectorKey(name) for name in HOLDERS}
