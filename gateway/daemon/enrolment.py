"""The request of a gateway for its TLS certificate, as the authority reads it; what it looks like is in `gateway.core.enrolling`.

The signature within the PKCS #10 shows that the sender holds the TLS key, that around it that it holds the identity.
"""

import base64

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import NameOID

from gateway.core import cbor, cose, schema, wire
from gateway.core.enrolling import BEGIN, END, SORT, TABLE, make, to_text
from gateway.core.errors import DecodeError, RefusedError

__all__ = ("BEGIN", "END", "SORT", "make", "to_text")

LARGEST = 4096
# What `cryptography` says of PKCS #10 beside errors of values: none of them is one.
UNUSUAL = (x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


class Request:
    """A request whose two signatures hold and whose names agree."""

    def __init__(
        self, tenant: str, gateway: str, identity: bytes, csr: x509.CertificateSigningRequest, message: bytes
    ) -> None:
        self.tenant = tenant
        self.gateway = gateway
        self.identity = identity
        self.csr = csr
        self.message = message


def from_text(text: str) -> bytes:
    """The bytes between the two marks. Raises DecodeError."""
    begin, end = text.find(BEGIN), text.find(END)
    if begin < 0 or end < begin or end - begin > 2 * LARGEST:
        raise DecodeError("no request of a gateway")
    try:
        return base64.b64decode("".join(text[begin + len(BEGIN) : end].split()), validate=True)
    except ValueError:
        raise DecodeError("the request was damaged on its way: fetch it again") from None


def read(message: bytes) -> Request:
    """Check a request: form, the identity's signature, the TLS key's signature, the name, the sort of key.

    Raises:
        DecodeError: not such a request.
        RefusedError: a signature that does not hold, another name, or another sort of key.
    """
    if len(message) > LARGEST:
        raise DecodeError("message of more than " + str(LARGEST) + " bytes")
    sign1 = cose.take_apart(message)
    fields = schema.read(TABLE, cbor.decode(sign1.payload), SORT)
    identity, der = fields["identity"], fields["request"]
    assert isinstance(identity, bytes), "the table has checked it"
    assert isinstance(der, bytes), "the table has checked it"
    check_countersignature(sign1, identity)
    gateway = str(fields["gateway"])
    return Request(str(fields["tenant"]), gateway, identity, read_csr(der, gateway), message)


def check_countersignature(sign1: cose.Sign1, identity: bytes) -> None:
    """The identity that the request names has signed it. Raises RefusedError."""
    signed = cose.to_be_signed(sign1.protected, wire.aad(SORT), sign1.payload)
    try:
        if sign1.kid != cose.kid_of(identity):
            raise RefusedError("the request is countersigned by another identity than it names")
        Ed25519PublicKey.from_public_bytes(identity).verify(sign1.signature, signed)
    except (InvalidSignature, ValueError):
        raise RefusedError("the identity's signature of the request does not hold") from None


def read_csr(der: bytes, gateway: str) -> x509.CertificateSigningRequest:
    """The PKCS #10 within: of a P-256 key, signed by it, for the common name `gateway` and for nothing else.

    Raises:
        DecodeError, RefusedError.
    """
    try:
        csr = x509.load_der_x509_csr(der)
        key, holds = csr.public_key(), csr.is_signature_valid
        asks_more, subject = len(csr.extensions) > 0, csr.subject
    except (ValueError, TypeError, UnsupportedAlgorithm, *UNUSUAL):
        raise DecodeError("what the request holds is no PKCS #10") from None
    if not holds:
        raise RefusedError("the TLS key's signature of the request does not hold")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise RefusedError("the TLS key is not of P-256")
    if name_of(subject) != gateway or len(subject) != 1:
        raise RefusedError("the certificate is asked for another name than the gateway's")
    if asks_more:
        raise RefusedError(
            "the request asks for extensions: the authority alone says what a certificate is for"
        )
    return csr


def name_of(subject: x509.Name) -> str:
    """The one common name, or nothing."""
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else ""
