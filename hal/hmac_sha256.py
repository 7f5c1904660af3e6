"""HMAC-SHA-256 for interpreters that have no `hmac`. Source: RFC 2104."""

import hashlib

HASH_BLOCK = 64


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """32 bytes."""
    if len(key) > HASH_BLOCK:
        key = hashlib.sha256(key).digest()
    key = key + bytes(HASH_BLOCK - len(key))
    inner = hashlib.sha256(bytes([byte ^ 0x36 for byte in key]) + message).digest()
    return hashlib.sha256(bytes([byte ^ 0x5C for byte in key]) + inner).digest()
