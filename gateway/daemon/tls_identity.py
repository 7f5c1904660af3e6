"""The gateway's TLS key: made here, in the file that `[uplink]` names, and never shown. Its certificate is put beside it.

The certificate comes from the municipality; it is installed only where it is this key's and bears this gateway's id.
"""

import datetime as dt
import os
import stat
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from gateway.core.config import UplinkConfig
from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.configuration import sync_folder
from gateway.daemon.enrolment import name_of

PRIVATE, PUBLIC = 0o600, 0o644
OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def named(uplink: UplinkConfig, key: str, source: str) -> Path:
    """A file that `[uplink]` must name. Raises ConfigError."""
    path = getattr(uplink, key)
    if path is None:
        raise ConfigError("uplink." + key, "nothing", "the path of a file; mqtts:// needs it", source)
    return Path(path)


def key_of(path: Path) -> ec.EllipticCurvePrivateKey:
    """The TLS key in this file, made where there is none. Raises RefusedError: open to others, or another sort of key."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = ec.generate_private_key(ec.SECP256R1())
        text = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        replace(path, text, PRIVATE)
        return made
    if path.stat().st_mode & OPEN_TO_OTHERS:
        raise RefusedError(
            f"{path} is open to others: chmod 600 {path}, or remove it and have a new one made"
        )
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise RefusedError(
            f"{path} holds no key that can be read: remove it and have a new one made"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise RefusedError(f"{path} is not of P-256: remove it and have a new one made")
    return key


def csr_for(key: ec.EllipticCurvePrivateKey, gateway: str) -> bytes:
    """PKCS #10 in DER: the common name and nothing else."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, gateway)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return csr.public_bytes(Encoding.DER)


def install(
    text: bytes, uplink: UplinkConfig, gateway: str, source: str, now: dt.datetime | None = None
) -> x509.Certificate:
    """Put a certificate, and its authority's where none is there yet, into the files that `[uplink]` names.

    text: PEM, the gateway's certificate first, those above it behind, up to the authority's where the file for that is still
    missing. The certificate is written last: until then the former one holds.

    Raises:
        ConfigError: `[uplink]` names no files.
        RefusedError: not for this key, not for this gateway, expired, or not of this authority; nothing is changed.
    """
    key_path, path = named(uplink, "key", source), named(uplink, "certificate", source)
    authority_path = named(uplink, "ca", source)
    own, *issuers = certificates_of(text)
    if not key_path.exists() or public(own.public_key()) != public(key_of(key_path).public_key()):
        raise RefusedError(
            "the certificate is not for this gateway's TLS key: ask for one with trygg identity"
        )
    if name_of(own.subject) != gateway:
        raise RefusedError("the certificate is for another gateway")
    end = own.not_valid_after_utc
    if end < (now or dt.datetime.now(dt.UTC)):
        raise RefusedError(
            f"the certificate expired on {end.date()}: see that the clock is right, or ask for another with trygg identity"
        )
    chain = chain_of(own, issuers)
    known = certificates_of(authority_path.read_bytes()) if authority_path.exists() else chain[-1:]
    if own in known or not any(chain[-1] == each or issued(chain[-1], each) for each in known):
        raise RefusedError("the certificate is not of this gateway's authority")
    if not authority_path.exists():
        replace(authority_path, known[0].public_bytes(Encoding.PEM), PUBLIC)
    shown = [each for each in chain if each not in known]  # those between are shown to the broker, too
    replace(path, b"".join(each.public_bytes(Encoding.PEM) for each in shown), PUBLIC)
    return own


def chain_of(own: x509.Certificate, others: list[x509.Certificate]) -> list[x509.Certificate]:
    """The certificate and those above it, as they come in the file, each issued by the next."""
    chain = [own]
    for each in others:
        if each != chain[-1] and issued(chain[-1], each):
            chain.append(each)
    return chain


def certificates_of(text: bytes) -> list[x509.Certificate]:
    """One or more certificates. Raises RefusedError."""
    try:
        return x509.load_pem_x509_certificates(text)
    except ValueError:
        raise RefusedError("no certificate in PEM") from None


def issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether one certificate is of the other's key and name."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def public(key: object) -> bytes:
    """A public key in DER, to compare."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]


def replace(path: Path, content: bytes, mode: int) -> None:
    """Replace a file whole, and durably; nobody else reads it meanwhile. Raises OSError."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)
