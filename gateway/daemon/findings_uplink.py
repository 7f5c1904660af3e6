"""What `trygg check` finds on the way to the municipality: certificates, and brokers that accept this hub."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.core.config import Config
from gateway.daemon.control import ask
from gateway.daemon.findings import FAULT, OK, OPEN_TO_OTHERS, WARNING, Checker, Finding
from gateway.daemon.mqtt import PahoUplink
from gateway.daemon.mqtt_tls import tls_context, tls_files
from gateway.daemon.texts import Texts
from hal.errors import DeniedError, HalError

RENEW_DAYS = 30
BROKER_TIMEOUT_MS = 10_000


def check_tls(config: Config, texts: Texts, now: dt.datetime | None = None) -> list[Finding]:
    """The three files: readable, fitting, valid now and for a while, and for this hub."""
    found = Checker("tls", texts)
    files = tls_files(config.uplink)
    if files is None:
        return [found(OK, "none")]
    now = now or dt.datetime.now(dt.UTC)
    findings: list[Finding] = []
    for name in (files.ca, files.certificate):
        try:
            certificates = x509.load_pem_x509_certificates(Path(name).read_bytes())
        except OSError as error:
            findings.append(found(FAULT, "unreadable", path=name, detail=found.reword(error.strerror)))
            continue
        except ValueError as error:  # the library explains itself at length; its first sentence will do
            detail = str(error).partition(". ")[0]
            findings.append(found(FAULT, "no_certificate", path=name, detail=detail))
            continue
        for certificate in certificates:
            findings += check_dates(name, certificate, now, found)
        if name == files.certificate:
            findings += check_name(name, certificates[0], config.hub.id, found)
    if not any(finding.level == FAULT for finding in findings):
        findings += check_private_key(files.key, found)
    if not any(finding.level == FAULT for finding in findings):
        try:
            tls_context(files)
        except DeniedError as error:
            findings.append(found(FAULT, "failed", cause=found.reword(error)))
    return findings


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


def check_private_key(path: str, found: Checker) -> Iterator[Finding]:
    """Closed to others."""
    try:
        mode = Path(path).stat().st_mode & 0o7777
    except OSError as error:
        yield found(FAULT, "unreadable", path=path, detail=found.reword(error.strerror))
        return
    if mode & OPEN_TO_OTHERS:
        yield found(FAULT, "open", path=path, mode=f"{mode:o}")


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
