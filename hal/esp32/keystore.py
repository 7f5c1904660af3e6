"""The keys of a board in its non-volatile storage; they are made there at the first start and never leave.

    identity       32 bytes of the Ed25519 private key, 32 of the key that makes identities of stored records
    k + 14 digits  a symmetric key: the length of its reference, the reference, the key; the name is a hash of the reference

NVS is not encrypted unless the chip's flash encryption is on: whoever holds the board can read it (docs/firmware.md).
"""

import binascii
import hashlib

from hal.errors import CorruptDataError, DeniedError
from hal.key_references import IDENTITY, check_import

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hal.esp32.ed25519 import KeyPair
    from hal.esp32.nvs import Nvs
    from hal.esp32.signing import Signing

SIZE = 32


class NvsKeyStore:
    """`KeyStore` with `add_key` for the technician's kit and `secret` for `Esp32Crypto`; made by `open`."""

    def __init__(self, nvs: "Nvs", signing: "Signing", pair: "KeyPair", own: bytes) -> None:
        self._nvs = nvs
        self._signing = signing
        self._pair = pair
        self._keys = {IDENTITY: own}  # a sensor sends many frames

    @classmethod
    async def open(cls, nvs: "Nvs", signing: "Signing", random: "Callable[[int], bytes]") -> "NvsKeyStore":
        """The key store, with an identity that is made where there is none; `signing` has been started.

        Raises:
            UnavailableError: the storage failed.
            CorruptDataError: what stands there is no identity; none is made in its place.
        """
        stored = nvs.read(IDENTITY)
        if stored is None:
            stored = random(2 * SIZE)
            nvs.write(IDENTITY, stored)
        if len(stored) != 2 * SIZE:
            raise CorruptDataError("the identity of this gateway does not read back: provision it again")
        return cls(nvs, signing, await signing.key_pair(stored[:SIZE]), stored[SIZE:])

    @property
    def public_key(self) -> bytes:
        return self._pair.public

    async def sign(self, message: bytes) -> bytes:
        return await self._signing.sign(self._pair, message)

    def has(self, key_ref: str) -> bool:
        return self._find(key_ref) is not None

    def add_key(self, key_ref: str, key: bytes) -> None:
        """Store a symmetric key of 16 or 32 bytes, replacing an older one. Raises ValueError where it cannot be."""
        check_import(key_ref, key)
        name, reference = place(key_ref)
        stored = self._nvs.read(name)
        if stored is not None and not stored.startswith(reference):
            raise ValueError("key " + key_ref + ": its place is taken by another one: give it another name")
        self._nvs.write(name, reference + key)
        self._keys[key_ref] = key

    def secret(self, key_ref: str) -> bytes:
        """For `Esp32Crypto` alone. Raises DeniedError where there is no such key."""
        key = self._find(key_ref)
        if key is None:
            raise DeniedError("no key is stored as " + repr(key_ref) + ": import the device's key")
        return key

    def _find(self, key_ref: str) -> "bytes | None":
        if key_ref not in self._keys:
            name, reference = place(key_ref)
            stored = self._nvs.read(name)
            if stored is None or not stored.startswith(reference):
                return None
            self._keys[key_ref] = stored[len(reference) :]
        return self._keys[key_ref]


def place(key_ref: str) -> "tuple[str, bytes]":
    """The name of a key in the storage, and what stands before the key there."""
    reference = key_ref.encode()
    digest = binascii.hexlify(hashlib.sha256(reference).digest())
    return "k" + str(digest[:14], "ascii"), bytes([len(reference) & 0xFF]) + reference
