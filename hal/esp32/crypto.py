"""Primitives of a board: signatures in portable Python, AES from `cryptolib`, SHA-256 from `hashlib`."""

import os

from hal.aes import ccm_open
from hal.errors import DeniedError
from hal.hmac_sha256 import hmac_sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from hal.esp32.signing import Signing

    class Secrets(Protocol):
        """A key store of this backend."""

        def secret(self, key_ref: str) -> bytes:
            """Raises DeniedError where there is no such key."""
            ...


class Esp32Crypto:
    """Works with the keys of a key store that has `secret(key_ref)`, as `hal.linux.keystore` has.

    `random` is the hardware's generator on a board while Wi-Fi or Bluetooth runs, and fit for keys only then.
    """

    def __init__(
        self, keystore: "Secrets", signing: "Signing", random: "Callable[[int], bytes]" = os.urandom
    ) -> None:
        self._keystore = keystore
        self._signing = signing
        self._random = random

    async def ed25519_verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        return await self._signing.verify(public_key, message, signature)

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
