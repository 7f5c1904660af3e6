"""What `trygg check` finds on the way to the municipality: certificates, and brokers that accept this hub."""

import asyncio
import datetime as dt
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.core.config import Config
from gateway.daemon.control import ask
from gateway.daemon.findings import FAULT, OK, OPEN_TO_OTHERS, WARNING, Checker, Finding
from gateway.daemon.hub_user import hub_user, may_read, owner_of
from gateway.daemon.mqtt import PahoUplink
from gateway.daemon.mqtt_tls import tls_context, tls_files
from gateway.daemon.texts import Texts
from hal.errors import DeniedError, HalError

RENEW_DAYS = 30
BROKER_TIMEOUT_MS = 10_000
# With one of these nothing can be connected with at all, and it was said why.
UNUSABLE = (
    "missing_ca",
    "missing_certificate",
    "missing_key",
    "unreadable",
    "key_closed",
    "no_certificate",
    "open",
)


def check_tls(config: Config, texts: Texts, now: dt.datetime | None = None) -> list[Finding]:
    """The three files: there, readable for the hub, fitting, valid now and for a while, and for this hub. Each is told of itself."""
    found = Checker("tls", texts)
    files = tls_files(config.uplink)
    if files is None:
        return [found(OK, "none")]
    now = now or dt.datetime.now(dt.UTC)
    user = hub_user(Path(config.hub.data_directory))
    findings: list[Finding] = []
    for role, name in (("ca", files.ca), ("certificate", files.certificate)):
        broken = closed(role, name, user, found)
        if broken is not None:
            findings.append(broken)
            continue
        try:
            certificates = x509.load_pem_x509_certificates(Path(name).read_bytes())
        except ValueError as error:  # the library explains itself at length; its first sentence will do
            detail = str(error).partition(". ")[0]
            findings.append(found(FAULT, "no_certificate", path=name, detail=detail))
            continue
        for certificate in certificates:
            findings += check_dates(name, certificate, now, found)
        if role == "certificate":
            findings += check_name(name, certificates[0], config.hub.id, found)
    owner = owner_of(Path(config.hub.data_directory))
    findings += check_private_key(files.key, user, owner, found)
    if not any(finding.code in UNUSABLE for finding in findings):
        try:
            tls_context(files)
        except DeniedError as error:
            findings.append(found(FAULT, "failed", cause=found.reword(error)))
    return findings


def closed(role: str, name: str, user: pwd.struct_passwd | None, found: Checker) -> Finding | None:
    """Why the hub cannot read one of the files, with what brings it back; None where it can. role: its key in `[uplink]`."""
    path = Path(name)
    try:
        with path.open("rb") as file:
            file.read(1)
        if user is not None and not may_read(path, user):
            return found(FAULT, "closed", path=name, user=user.pw_name)
    except FileNotFoundError:
        return found(FAULT, "missing_" + role, path=name)
    except OSError as error:
        return found(FAULT, "unreadable", path=name, detail=found.reword(error.strerror))
    return None


def check_dates(
    path: str, certificate: x509.Certificate, now: dt.datetime, found: Checker
) -> Iterator[Finding]:
    """Valid now, and for long enough that somebody can renew it."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    days = (end - now).days
    if now < begin:
        yield found(FAULT, "early", path=path, date=begin.date())
    elif now > end:
        yield found(FAULT, "expired", path=path, date=end.date())
    elif days < RENEW_DAYS:
        yield found(WARNING, "soon", path=path, date=end.date(), count=days)
    else:
        yield found(OK, "good", path=path, name=common_name(certificate), count=days)


def check_name(path: str, certificate: x509.Certificate, gateway: str, found: Checker) -> Iterator[Finding]:
    """The common name is the gateway's id. Source: DESIGN.md 4."""
    name = common_name(certificate)
    if name != gateway:
        yield found(FAULT, "other_name", path=path, name=name, id=gateway)


def common_name(certificate: x509.Certificate) -> str:
    """Common name of the subject, or nothing."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def check_private_key(
    name: str, user: pwd.struct_passwd | None, owner: str, found: Checker
) -> Iterator[Finding]:
    """There, readable for the hub, and closed to others. owner: the hub's user, whose it must be."""
    try:
        Path(name).open("rb").close()
    except PermissionError:  # nobody has another copy of a key to fetch
        yield found(FAULT, "key_closed", path=name, user=owner)
        return
    except OSError:
        pass  # told below
    broken = closed("key", name, user, found)
    if broken is not None:
        yield broken
        return
    mode = Path(name).stat().st_mode & 0o7777
    if mode & OPEN_TO_OTHERS:
        yield found(FAULT, "open", path=name, mode=f"{mode:o}")


def ask_hub(control: Path) -> dict[str, Any] | None:
    """Status of the hub that runs with this configuration, or None where none does."""
    try:
        facts = ask(control, "status")
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def check_brokers(config: Config, texts: Texts, hub: dict[str, Any] | None) -> list[Finding]:
    """Whether each broker accepts this hub. While the hub runs it is asked: a second connection would end its own."""
    found = Checker("broker", texts)
    if hub is not None:
        if hub["connected"]:
            return [found(OK, "connected")]
        return [found(FAULT, "disconnected", cause=found.reword(hub["last_error"]))]
    findings = []
    for broker in config.uplink.brokers:
        uplink = PahoUplink(
            broker,
            client_id=config.hub.id,
            tls=tls_files(config.uplink),
            connect_timeout_ms=BROKER_TIMEOUT_MS,
        )
        try:
            asyncio.run(try_out(uplink))
            findings.append(found(OK, "good", broker=broker))
        except HalError as error:
            findings.append(found(FAULT, "failed", cause=found.reword(error)))
    return findings


async def try_out(uplink: PahoUplink) -> None:
    """Connect and leave. Raises HalError."""
    try:
        await uplink.connect([])
    finally:
        await uplink.close()
