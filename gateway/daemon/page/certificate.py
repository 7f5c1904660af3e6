"""The page's certificate: self-signed, made for one window, known by its fingerprint.

No authority can vouch for `192.168.1.20` in a home, so a browser warns, and the technician compares the SHA-256 that was
shown with the code. P-256, which every phone knows; the identity and the key of the uplink sign nothing here.
"""

import datetime as dt
import hashlib
import ipaddress
import socket
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.daemon.page.gate import write_private

CERTIFICATE, KEY = "page.crt", "page.key"
# A gateway without a clock wakes up years ago, and phones refuse what is valid for years (825 days on some).
EARLIEST = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
BEFORE, AFTER = dt.timedelta(days=2), dt.timedelta(days=365)


def make(folder: Path, name: str, addresses: list[str]) -> None:
    """Key and certificate into `folder`, for a gateway of this name at these addresses. Raises OSError."""
    since = max(EARLIEST, dt.datetime.now(dt.UTC) - BEFORE)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names: list[x509.GeneralName] = [x509.DNSName(each) for each in host_names()]
    names += [x509.IPAddress(ipaddress.ip_address(each)) for each in addresses]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + AFTER)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(folder / KEY, private)
    write_private(folder / CERTIFICATE, certificate.public_bytes(Encoding.PEM))


def fingerprint(folder: Path) -> str:
    """SHA-256 of the certificate, as browsers show it: `AB:CD:...`. Raises OSError, ValueError."""
    der = ssl.PEM_cert_to_DER_cert((folder / CERTIFICATE).read_text(encoding="ascii"))
    return hashlib.sha256(der).digest().hex(":").upper()


def context(folder: Path) -> ssl.SSLContext:
    """TLS 1.2 and later with that certificate. Raises OSError."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.load_cert_chain(folder / CERTIFICATE, folder / KEY)
    return tls


def host_names() -> list[str]:
    """What this machine may be called on the local network."""
    name = socket.gethostname().partition(".")[0].lower()
    return ["localhost", *([name, f"{name}.local"] if name.isascii() and name != "localhost" else [])]
