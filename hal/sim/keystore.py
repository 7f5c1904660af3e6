"""Keys in memory, made from a seed: every run of a simulation has the same identities. Never for a real home."""

import asyncio
import hashlib

from hal.errors import DeniedError
from hal.key_references import IDENTITY, check_import
from hal.sim.ed25519 import Ed25519


class SimKeyStore:
    """The identity follows from `seed`, 32 bytes; `keys` holds symmetric keys by reference."""

    def __init__(self, seed: bytes, keys: "dict[str, bytes] | None" = None) -> None:
        self._seed = seed
        self._signer = Ed25519()
        self._public_key = self._signer.public_key(seed)
        self._keys = {IDENTITY: hashlib.sha256(b"identity" + seed).digest()}
        for key_ref, key in (keys or {}).items():
            self.add_key(key_ref, key)

    @property
    def public_key(self) -> bytes:
        return self._public_key

    async def sign(self, message: bytes) -> bytes:
        await asyncio.sleep(0)
        return self._signer.sign(self._seed, message)

    def has(self, key_ref: str) -> bool:
        return key_ref in self._keys

    def add_key(self, key_ref: str, key: bytes) -> None:
        """Store a symmetric key of 16 or 32 bytes, replacing an older one. Raises ValueError where it cannot be."""
        check_import(key_ref, key)
        self._keys[key_ref] = key

    def secret(self, key_ref: str) -> bytes:
        """For `hal.sim.crypto` alone. Raises DeniedError where there is no such key."""
        key = self._keys.get(key_ref)
        if key is None:
            raise DeniedError("no key is stored as " + repr(key_ref) + ": import the device's key")
        return key
