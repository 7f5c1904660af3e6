"""`trygg-kit ca`: requests of gateways, certificates, tokens, and the broker's access list."""

import argparse
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.core import wire
from gateway.core.errors import ConfigError, DecodeError, RefusedError
from gateway.daemon import enrolment
from gateway.daemon.arguments import reworded
from gateway.daemon.typed_codes import label_code
from tools.authority import access, issuing
from tools.authority.folder import CA_CERTIFICATE, CRL, REGISTRY, Folder, utc_ms, write, write_new
from tools.authority.given import certificates, unreadable
from tools.authority.register import GATEWAY, SERVICE, Register
from tools.authority.root_verbs import day
from tools.authority.secrets_asked import passphrase
from tools.platform.parties import read_registry

HOUR_MS = 3_600_000
MOST_HOURS, MOST_DAYS = 31 * 24, 5 * 365
SERVICE_DAYS = 397  # what clients take of a server's certificate


def read_request(path: Path) -> enrolment.Request:
    """A request of a file. Raises ConfigError, RefusedError."""
    try:
        return enrolment.read(enrolment.from_text(path.read_text("utf-8")))
    except (OSError, UnicodeError) as error:
        raise unreadable("FILE", error, path) from error
    except DecodeError as error:
        raise ConfigError(
            "FILE", error.reason, "what trygg identity --request has written", str(path)
        ) from error


def sign_request(options: argparse.Namespace) -> int:
    """Check a request, issue its certificate, register the gateway; or hand the PKCS #10 to another authority."""
    folder, request = Folder(options.directory), read_request(options.file)
    with Register(folder) as register:
        if options.pkcs10 is not None:
            register.check_request(request, replaces=options.replace)
            write(options.pkcs10, request.csr.public_bytes(Encoding.PEM), 0o644)
            print(reworded(f"checked; for the other authority: {options.pkcs10}"))
            return 0
        if options.out is None:
            raise ConfigError("--out", "nothing", "where the certificate goes, or --pkcs10", "command line")
        check_range("--days", options.days, MOST_DAYS)
        register.check_request(request, replaces=options.replace)
        authority = folder.authority(passphrase(options.passphrase_file))
        before = [row.pem for row in register.certificates(request.gateway)]
        text = register.answer(request, authority, replaces=options.replace, days=options.days)
        write(options.out, text + issuing.pem(authority.certificate), 0o644)
        renewed_ms = register.renewed_from(text)
    told(request, options.out, text)
    if text in before:
        print(reworded(f"It is the same certificate as before: another is issued from {day(renewed_ms)} on."))
    return 0


def accept(options: argparse.Namespace) -> int:
    """Record the certificate that another authority issued for a request that was checked here."""
    folder, request = Folder(options.directory), read_request(options.file)
    text, _ = certificates("--certificate", options.certificate)
    _, above = (b"", []) if options.authority is None else certificates("--authority", options.authority)
    with Register(folder) as register:
        register.accept(request, text, above, replaces=options.replace)
    told(request, options.certificate, text)
    return 0


def told(request: enrolment.Request, path: Path, text: bytes) -> None:
    """What a person compares with the label, and how long it holds."""
    code = label_code(request.tenant, request.gateway, request.identity)
    until = x509.load_pem_x509_certificates(text)[0].not_valid_after_utc.date()
    print(
        reworded(
            f"{request.gateway} is registered; short code {code}; certificate {path}, valid until {until}"
        )
    )


def issue(options: argparse.Namespace) -> int:
    """A key and a certificate for a broker (with --host), the platform, or the enrolment server."""
    if not wire.is_id(options.name):
        raise ConfigError(
            "NAME", repr(options.name), "small letters, digits and -, at most 32", "command line"
        )
    check_range("--days", options.days, MOST_DAYS)
    folder = Folder(options.directory)
    certificate_path, key_path = (options.out / f"{options.name}{end}" for end in (".pem", ".key"))
    for path in (certificate_path, key_path):
        if path.exists():
            raise ConfigError(
                path.name, "there already", "a new file: nothing is overwritten", str(options.out)
            )
    if (folder.book().tenant, options.name) in read_registry(folder.path(REGISTRY)):
        raise ConfigError("NAME", f"{options.name}, which is a gateway", "a name of its own", "command line")
    with Register(folder) as register:
        register.check_name(options.name, SERVICE)
        authority = folder.authority(passphrase(options.passphrase_file))
        options.out.mkdir(mode=0o700, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = authority.issue(options.name, key.public_key(), options.days, hosts=options.host)
        write_new(key_path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        with register.commit():
            digest = certificate.fingerprint(hashes.SHA256())
            register.record(certificate, options.name, SERVICE, None, digest)
        write(certificate_path, issuing.pem(certificate), 0o644)
    print(reworded(f"certificate {certificate_path}, authority {folder.path(CA_CERTIFICATE)}"))
    return 0


def revoke(options: argparse.Namespace) -> int:
    """Take back a gateway's or a service's certificates, and take a gateway out of the registry."""
    folder = Folder(options.directory)
    authority = folder.authority(passphrase(options.passphrase_file))
    with Register(folder) as register:
        is_registered = (folder.book().tenant, options.name) in read_registry(folder.path(REGISTRY))
        if not is_registered and not register.certificates(options.name):
            raise RefusedError(f"{options.name} is not known: see trygg-kit ca list. Nothing was taken back")
        count = register.revoke(options.name)
        register.publish_revocations(authority, folder.path(CRL))
    print(
        reworded(
            f"certificates taken back: {count}; give the broker {folder.path(CRL)} and a new access list"
        )
    )
    return 0 if count else 1


def revocations(options: argparse.Namespace) -> int:
    """Sign the list of certificates that were taken back anew; a broker refuses one that is too old."""
    folder = Folder(options.directory)
    authority = folder.authority(passphrase(options.passphrase_file))
    with Register(folder) as register:
        register.publish_revocations(authority, folder.path(CRL))
    print(reworded(f"list of certificates taken back: {folder.path(CRL)}"))
    return 0


def acl(options: argparse.Namespace) -> int:
    """Mosquitto's access list."""
    folder = Folder(options.directory)
    tenant = folder.book().tenant
    gateways = sorted(name for owner, name in read_registry(folder.path(REGISTRY)) if owner == tenant)
    services = options.service or [access.PLATFORM]
    for name in services:
        if name in gateways or not wire.is_id(name):
            raise ConfigError(
                "--service", repr(name), "the platform's name, and no gateway's", "command line"
            )
    text = access.access_list(tenant, gateways, services, listed=options.listed)
    if options.out is None:
        print(text)
    else:
        write(options.out, text.encode(), 0o644)
    return 0


def token(options: argparse.Namespace) -> int:
    """A token for one gateway; the one thing on standard output."""
    if not wire.is_id(options.gateway):
        raise ConfigError(
            "GATEWAY", repr(options.gateway), "small letters, digits and -, at most 32", "command line"
        )
    check_range("--hours", options.hours, MOST_HOURS)
    folder = Folder(options.directory)
    until_ms = utc_ms() + options.hours * HOUR_MS
    with Register(folder) as register:
        register.check_name(options.gateway, GATEWAY)
        made = register.make_token(options.gateway, until_ms, replaces=options.replace)
    print(made)
    said = f"For {options.gateway}, once, until {day(until_ms)}. It is shown now and kept nowhere."
    print(reworded(said), file=sys.stderr)
    return 0


def check_range(option: str, value: int, most: int) -> None:
    """A number from the command line. Raises ConfigError."""
    if not 1 <= value <= most:
        raise ConfigError(option, str(value), f"1 to {most}", "command line")
