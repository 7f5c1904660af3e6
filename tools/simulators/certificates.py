"""A certificate authority for one bench: P-256 certificates for brokers and gateways, gone with their folder."""

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS = 30
# A home's clock may run behind the bench's; a certificate must be valid on both.
BACKDATED_DAYS = 1


class Credentials:
    """Files of one party: its certificate, its private key (mode 0600), and the authority it trusts."""

    def __init__(self, ca: Path, certificate: Path, key: Path) -> None:
        self.ca = ca
        self.certificate = certificate
        self.key = key

    def der(self) -> tuple[bytes, bytes, bytes]:
        """Authority, certificate and private key as a board takes them."""
        authority, own = (
            x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(serialization.Encoding.DER)
            for path in (self.ca, self.certificate)
        )
        key = serialization.load_pem_private_key(self.key.read_bytes(), password=None)
        return (
            authority,
            own,
            key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            ),
        )


class Authority:
    """Issues certificates into `directory`. Two authorities do not trust each other, whatever their names."""

    def __init__(self, directory: Path, name: str = "Trygg bench authority") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            self._builder(self._name, self._key.public_key(), VALID_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.path = directory / "ca.pem"
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, *hosts: str, valid_days: int = VALID_DAYS) -> Credentials:
        """For a broker reached under `hosts`, names or addresses; the first names its files."""
        names = x509.SubjectAlternativeName([general_name(host) for host in hosts])
        return self._issue(hosts[0], ExtendedKeyUsageOID.SERVER_AUTH, valid_days, names)

    def client(self, common_name: str, *, valid_days: int = VALID_DAYS) -> Credentials:
        """For a gateway or the platform: the common name is its MQTT client id."""
        return self._issue(common_name, ExtendedKeyUsageOID.CLIENT_AUTH, valid_days, None)

    def revoked(self, *parties: Credentials, valid_days: int = VALID_DAYS) -> Path:
        """The list of those whose certificates are taken back, for `crlfile` of a broker. valid_days: below 0 it has ended."""
        now = dt.datetime.now(dt.UTC)
        end = now + dt.timedelta(days=valid_days)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name)
            .last_update(min(now, end) - dt.timedelta(days=BACKDATED_DAYS))
            .next_update(end)
        )
        for party in parties:
            number = x509.load_pem_x509_certificate(party.certificate.read_bytes()).serial_number
            row = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(now).build()
            builder = builder.add_revoked_certificate(row)
        path = self._directory / "crl.pem"
        path.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path

    def _issue(
        self,
        common_name: str,
        usage: x509.ObjectIdentifier,
        valid_days: int,
        names: x509.SubjectAlternativeName | None,
    ) -> Credentials:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = (
            self._builder(subject, key.public_key(), valid_days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        stem = common_name.replace(":", "_")
        issued = Credentials(self.path, self._directory / f"{stem}.pem", self._directory / f"{stem}.key")
        issued.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        issued.key.touch(mode=0o600)
        issued.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return issued

    def _builder(
        self, subject: x509.Name, public_key: ec.EllipticCurvePublicKey, valid_days: int
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        end = now + dt.timedelta(days=valid_days)
        begin = min(now, end) - dt.timedelta(days=BACKDATED_DAYS)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        )


def general_name(host: str) -> x509.GeneralName:
    """An address as an address, anything else as a DNS name: clients compare the two differently."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
