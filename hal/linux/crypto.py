"""Primitives of `cryptography` (OpenSSL), over keys that stay in the key store."""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from hal.errors import DeniedError
from hal.linux.keystore import FileKeyStore
from hal.public_keys import is_usable


class NativeCrypto:
    """Works with the keys of a `FileKeyStore`."""

    def __init__(self, keystore: FileKeyStore) -> None:
        self._keystore = keystore

    async def ed25519_verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        if not is_usable(public_key):
            return False
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def aes_ccm_open(
        self, key_ref: str, nonce: bytes, ciphertext: bytes, tag: bytes, aad: bytes = b""
    ) -> bytes:
        key = self._keystore.secret(key_ref)
        try:
            plaintext: bytes = AESCCM(key, tag_length=len(tag)).decrypt(nonce, ciphertext + tag, aad or None)
            return plaintext
        except InvalidTag:
            message = f"the tag does not hold under key {key_ref}: wrong key, or not from this device"
            raise DeniedError(message) from None

    def hmac_sha256(self, key_ref: str, message: bytes) -> bytes:
        return hmac.new(self._keystore.secret(key_ref), message, hashlib.sha256).digest()

    def random(self, size: int) -> bytes:
        return os.urandom(size)
