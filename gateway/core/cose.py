"""COSE_Sign1 (RFC 9052 section 4.2) with Ed25519, in the one shape Trygg sends.

Tag 18, protected header `{1: -8, 4: kid}`, empty unprotected header, attached payload, 64-byte signature.
`external_aad` binds the message sort, so that no message passes for another.
"""

import hashlib

from gateway.core import cbor
from gateway.core.cbor import Tagged
from gateway.core.errors import DecodeError

TAG_SIGN1 = 18
HEADER_ALG, HEADER_KID = 1, 4
ALG_EDDSA = -8
KID_SIZE = 8
SIGNATURE_SIZE = 64


class Sign1:
    """A message taken apart; nothing of it is verified yet."""

    __slots__ = ("kid", "payload", "protected", "signature")

    def __init__(self, protected: bytes, kid: bytes, payload: bytes, signature: bytes) -> None:
        self.protected = protected
        self.kid = kid
        self.payload = payload
        self.signature = signature


def kid_of(public_key: bytes) -> bytes:
    """First 8 bytes of SHA-256 of the raw public key."""
    return hashlib.sha256(public_key).digest()[:KID_SIZE]


def protected_header(kid: bytes) -> bytes:
    """Encoded protected header."""
    return cbor.encode({HEADER_ALG: ALG_EDDSA, HEADER_KID: kid})


def to_be_signed(protected: bytes, aad: bytes, payload: bytes) -> bytes:
    """Sig_structure of RFC 9052 section 4.4."""
    return cbor.encode(["Signature1", protected, aad, payload])


def assemble(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    """The message on the wire."""
    return cbor.encode(Tagged(TAG_SIGN1, [protected, {}, payload, signature]))


def take_apart(data: bytes) -> Sign1:
    """Parse a message. Raises DecodeError for any other shape, algorithm or header."""
    outer = cbor.decode(data)
    if not isinstance(outer, Tagged) or outer.tag != TAG_SIGN1:
        raise DecodeError("not a tagged COSE_Sign1", 0)
    parts = outer.value
    if not isinstance(parts, list) or len(parts) != 4:
        raise DecodeError("COSE_Sign1 is not an array of four", 0)
    protected, unprotected, payload, signature = parts
    if not isinstance(protected, bytes) or unprotected != {} or not isinstance(payload, bytes):
        raise DecodeError("COSE_Sign1 needs a protected header, an empty unprotected one and a payload", 0)
    if not isinstance(signature, bytes) or len(signature) != SIGNATURE_SIZE:
        raise DecodeError("signature is not 64 bytes", 0)
    header = cbor.decode(protected)
    if not isinstance(header, dict) or len(header) != 2 or header.get(HEADER_ALG) != ALG_EDDSA:
        raise DecodeError("protected header is not {1: -8, 4: kid}", 0)
    kid = header.get(HEADER_KID)
    if not isinstance(kid, bytes) or len(kid) != KID_SIZE:
        raise DecodeError("kid is not 8 bytes", 0)
    return Sign1(protected, kid, payload, signature)
