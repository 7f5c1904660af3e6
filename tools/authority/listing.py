"""`trygg-kit ca list`: who may what until when, and every date after which something stops: keys, keyset, certificates, broker's list."""

import argparse
from collections.abc import Iterator
from typing import Any

from cryptography import x509

from gateway.core.errors import ConfigError
from gateway.daemon.arguments import reworded
from gateway.daemon.json_text import dumps
from tools.authority.book import DAY_MS, Book, Entry
from tools.authority.folder import CA_CERTIFICATE, CRL, Folder, utc_ms
from tools.authority.given import unreadable
from tools.authority.issuing import read_certificate
from tools.authority.register import Issued, Register
from tools.authority.root_verbs import day

SOON_MS = 30 * DAY_MS  # the list is looked at once a month
MARK = "  ! "


def listing(options: argparse.Namespace) -> int:
    """Who may what until when."""
    folder, now_ms = Folder(options.directory), utc_ms()
    if options.json:
        print(dumps(facts(folder, now_ms)))
    else:
        for line in lines(folder, now_ms):
            print(line)
    return 0


def facts(folder: Folder, now_ms: int) -> dict[str, Any]:
    """All of it for programs. Raises ConfigError."""
    book, certificates = folder.book(), issued(folder)
    keys = [
        {"name": each.name, "sort": each.sort, "roles": list(each.roles), "public_key": each.public_key}
        | {"until_ms": each.until_ms, "revoked_ms": each.revoked_ms, "counts": each.counts(now_ms)}
        | {"ends_soon": each.counts(now_ms) and ends_soon(each.until_ms, now_ms)}
        for each in book.entries
    ]
    rows = [
        {"name": each.name, "sort": each.sort, "serial": str(each.serial), "identity": each.identity}
        | {"not_after_ms": each.not_after_ms, "revoked_ms": each.revoked_ms}
        | {"ends_soon": is_used(each, certificates, now_ms) and ends_soon(each.not_after_ms, now_ms)}
        for each in certificates
    ]
    told: dict[str, Any] = {"tenant": book.tenant, "keyset_version": book.keyset_version}
    told |= {"keyset_not_after": book.keyset_not_after}
    told |= {"keyset_ends_soon": ends_soon(book.keyset_not_after or None, now_ms)}
    for name, until_ms in (("ca", authority_end(folder)), ("crl", revocations_end(folder))):
        told |= {f"{name}_not_after_ms": until_ms, f"{name}_ends_soon": ends_soon(until_ms, now_ms)}
    return told | {"keys": keys, "certificates": rows}


def lines(folder: Folder, now_ms: int) -> Iterator[str]:
    """The same for people; what has ended or soon ends is marked. Raises ConfigError."""
    book, certificates = folder.book(), issued(folder)
    until_ms = book.keyset_not_after or None  # none was signed from here
    said = reworded(f"tenant {book.tenant}, keyset {book.keyset_version}, until {day(until_ms)}")
    yield said + mark(until_ms, now_ms)
    until_ms = authority_end(folder)
    said = "no certificate" if until_ms is None else f"certificate of the authority until {day(until_ms)}"
    yield f"{CA_CERTIFICATE}: {reworded(said)}" + mark(until_ms, now_ms)
    until_ms = revocations_end(folder)
    said = "none was signed yet" if until_ms is None else f"the broker's list until {day(until_ms)}"
    yield f"{CRL}: {reworded(said)}" + mark(until_ms, now_ms)
    for each in book.entries:
        marked = mark(each.until_ms, now_ms) if each.counts(now_ms) else ""
        yield f"{each.name}  {', '.join(each.roles)}: {reworded(state(each, book, now_ms))}{marked}"
    for row in certificates:
        ended = row.revoked_ms is not None or row.not_after_ms < now_ms
        said = "certificate that has ended" if ended else f"certificate until {day(row.not_after_ms)}"
        marked = mark(row.not_after_ms, now_ms) if is_used(row, certificates, now_ms) else ""
        yield f"{row.name}: {reworded(said)}{marked}"


def issued(folder: Folder) -> list[Issued]:
    """The certificates, oldest first."""
    with Register(folder) as register:
        return register.certificates()


def state(entry: Entry, book: Book, now_ms: int) -> str:
    """Whether a key counts, and how long."""
    if entry.revoked_ms is not None:
        return f"revoked {day(entry.revoked_ms)}"
    if not entry.counts(now_ms):
        return f"ended {day(entry.until_ms)}"
    if book.keyset_version == 0:
        return "in no keyset yet"
    return "until revoked" if entry.until_ms is None else f"until {day(entry.until_ms)}"


# --- what ends ----------------------------------------------------------------------------------------------------


def authority_end(folder: Folder) -> int | None:
    """utc_ms at which `ca.pem` ends; None where there is none. Raises ConfigError."""
    path = folder.path(CA_CERTIFICATE)
    if not path.exists():
        return None
    return int(read_certificate(path).not_valid_after_utc.timestamp() * 1000)


def revocations_end(folder: Folder) -> int | None:
    """utc_ms after which a broker with `crl.pem` lets nobody in; None where none was signed. Raises ConfigError."""
    path = folder.path(CRL)
    if not path.exists():
        return None
    try:
        end = x509.load_pem_x509_crl(path.read_bytes()).next_update_utc
    except OSError as error:
        raise unreadable(CRL, error, path) from error
    except ValueError as error:
        found = "one of another sort, or a damaged one"
        raise ConfigError(CRL, found, "one that trygg-kit ca crl has signed", str(path)) from error
    return None if end is None else int(end.timestamp() * 1000)


def ends_soon(until_ms: int | None, now_ms: int) -> bool:
    """Within 30 days, or already."""
    return until_ms is not None and until_ms - now_ms < SOON_MS


def mark(until_ms: int | None, now_ms: int) -> str:
    """What stands behind a line that somebody has to do something about."""
    if not ends_soon(until_ms, now_ms):
        return ""
    return MARK + reworded("has ended" if until_ms is None or until_ms <= now_ms else "ends within 30 days")


def is_used(row: Issued, rows: list[Issued], now_ms: int) -> bool:
    """Whether it still counts, and none came after it under its name."""
    last = [each for each in rows if each.name == row.name][-1]
    return row is last and row.revoked_ms is None and row.not_after_ms > now_ms
