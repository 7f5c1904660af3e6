"""The TLS authority: P-256 certificates for gateways, brokers and services, and the list of those taken back (RFC 5280)."""

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.core.errors import ConfigError

AUTHORITY_DAYS, CRL_DAYS = 20 * 365, 90
BACKDATED = dt.timedelta(days=1)  # a home's clock may run behind: the certificate must be valid there, too
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


class Authority:
    """Signs with one key under one certificate."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self.key = key
        self.certificate = certificate

    def issue(
        self,
        common_name: str,
        public_key: ec.EllipticCurvePublicKey,
        days: int,
        *,
        hosts: list[str] | None = None,
    ) -> x509.Certificate:
        """For a client of this name, or with `hosts` for a server reached under them."""
        now = dt.datetime.now(dt.UTC)
        end = min(now + dt.timedelta(days=days), self.certificate.not_valid_after_utc)
        builder = builder_for(common_name, self.certificate.subject, public_key, now - BACKDATED, end)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(usage("digital_signature"), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([SERVER if hosts else CLIENT]), critical=False)
        if hosts:
            names = x509.SubjectAlternativeName([general_name(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return builder.add_extension(issuer, critical=False).sign(self.key, hashes.SHA256())

    def revocations(self, rows: list[tuple[int, int]]) -> bytes:
        """The signed list of certificates taken back, PEM. rows: (serial, utc_ms)."""
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        builder = builder.last_update(now - BACKDATED).next_update(now + dt.timedelta(days=CRL_DAYS))
        for serial, revoked_ms in rows:
            when = dt.datetime.fromtimestamp(revoked_ms / 1000, dt.UTC)
            row = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when).build()
            builder = builder.add_revoked_certificate(row)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def make_authority(key: ec.EllipticCurvePrivateKey, tenant: str) -> Authority:
    """A certificate of an authority that signs certificates of clients and servers and no other authority."""
    now = dt.datetime.now(dt.UTC)
    name = f"Trygg {tenant}"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    end = now + dt.timedelta(days=AUTHORITY_DAYS)
    certificate = (
        builder_for(name, subject, key.public_key(), now - BACKDATED, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(key, certificate)


def builder_for(
    name: str,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    begin: dt.datetime,
    end: dt.datetime,
) -> x509.CertificateBuilder:
    """What every certificate has."""
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def usage(*names: str) -> x509.KeyUsage:
    """Key usage of these names and no other."""
    return x509.KeyUsage(**{name: name in names for name in USAGES})


def general_name(host: str) -> x509.GeneralName:
    """An address as an address, anything else as a DNS name: clients compare the two differently."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def pem(certificate: x509.Certificate) -> bytes:
    """A certificate as text."""
    return certificate.public_bytes(Encoding.PEM)


def read_certificate(path: Path) -> x509.Certificate:
    """The first certificate of a file. Raises ConfigError."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(
            path.name, str(error).partition(". ")[0], "a certificate in PEM", str(path)
        ) from error
