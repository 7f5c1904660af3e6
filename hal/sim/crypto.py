"""Primitives in portable Python, for simulation and tests on both interpreters; not constant time."""

import asyncio
import os

from hal.aes import ccm_open
from hal.errors import DeniedError
from hal.hmac_sha256 import hmac_sha256
from hal.sim.ed25519 import Ed25519

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hal.sim.keystore import SimKeyStore


class SimCrypto:
    """Works with the keys of a `SimKeyStore`; `random` may be a seeded source, for runs that repeat."""

    def __init__(self, keystore: "SimKeyStore", *, random: "Callable[[int], bytes]" = os.urandom) -> None:
        self._keystore = keystore
        self._random = random
        self._verifier = Ed25519()

    async def ed25519_verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        await asyncio.sleep(0)  # a board lets others run meanwhile: what they change must be seen
        return self._verifier.verify(public_key, message, signature)

    def aes_ccm_open(
        self, key_ref: str, nonce: bytes, ciphertext: bytes, tag: bytes, aad: bytes = b""
    ) -> bytes:
        plaintext = ccm_open(self._keystore.secret(key_ref), nonce, ciphertext, tag, aad)
        if plaintext is None:
            raise DeniedError(
                "the tag does not hold under key " + key_ref + ": wrong key, or not from this device"
            )
        return plaintext

    def hmac_sha256(self, key_ref: str, message: bytes) -> bytes:
        return hmac_sha256(self._keystore.secret(key_ref), message)

    def random(self, size: int) -> bytes:
        return self._random(size)
