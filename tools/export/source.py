"""What a platform's store holds, for an export: each event once, with what is known of its device and its date.

A store holds only what verified when it came; `trygg-kit verify` checks a store that has travelled.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gateway.core import event_codec, wire
from gateway.core.errors import ConfigError, DecodeError
from tools.platform.books import GatewayBook, Row, Verified
from tools.platform.ledger import learn_devices
from tools.platform.store import SCHEMAS, is_store, snapshot

OPTION = "--store"
TABLES = {"gateway", "epoch", "message", "event", "boot", "manifest"}
FIRST_MS, LAST_MS = 0, 2**63 - 1


class State(NamedTuple):
    """The newest state of a gateway that counted as a sign of life."""

    epoch: bytes
    boot: int
    uptime_ms: int


@contextlib.contextmanager
def open_store(path: Path) -> Iterator[sqlite3.Connection]:
    """A platform's store as it is now, for reading only. Raises ConfigError for anything else."""
    try:
        is_sqlite = is_store(path)
    except OSError as error:
        expected = "a store that `trygg-kit platform --store` has written"
        raise ConfigError(OPTION, str(error), expected, "command line") from error
    if not is_sqlite:
        raise not_ours(path, "which is no SQLite file")
    try:
        with snapshot(path) as store:
            check(store, path)
            yield store
    except sqlite3.Error as error:
        raise not_ours(path, str(error)) from error


def check(store: sqlite3.Connection, path: Path) -> None:
    """Whether the tables are ours, and of a version that this one reads. Raises ConfigError."""
    names = {row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    if not names >= TABLES:
        raise not_ours(path, "without the tables " + ", ".join(sorted(TABLES - names)))
    version = store.execute("PRAGMA user_version").fetchone()[0]
    if version > len(SCHEMAS):
        raise ConfigError(
            OPTION, f"{path}, made by a newer version", "the same version of trygg-kit", "command line"
        )


def not_ours(path: Path, why: str) -> ConfigError:
    """The file is something else."""
    return ConfigError(OPTION, f"{path}, {why}", "a store of `trygg-kit platform`", "command line")


def books(store: sqlite3.Connection, gateway: str | None = None) -> list[GatewayBook]:
    """Each gateway with its devices and the dates of its boots. Raises ConfigError where `gateway` is none of them."""
    rows = store.execute("SELECT key, tenant, name FROM gateway ORDER BY tenant, name").fetchall()
    found = [book_of(store, *row) for row in rows if gateway in (None, row[2])]
    if gateway is not None and not found:
        names = ", ".join(row[2] for row in rows[:20]) or "a store with events"
        raise ConfigError("--gateway", repr(gateway), "one of the store: " + names, "command line")
    return found


def book_of(store: sqlite3.Connection, key: int, tenant: str, name: str) -> GatewayBook:
    """What the store knows of one gateway; manifests are merged, the higher revision holds (docs/platform.md 7)."""
    book = GatewayBook(key, tenant, name)
    manifests = (
        "SELECT bytes FROM manifest JOIN message ON message.key=manifest.message"
        " WHERE manifest.gateway=? ORDER BY revision, message.key"
    )
    for (message,) in store.execute(manifests, (key,)):
        learn_devices(book, wire.parse("manifest", message).fields)
    boots = (
        "SELECT boot, zero_utc_ms FROM boot JOIN epoch ON epoch.key=boot.epoch"
        " WHERE gateway=? AND zero_utc_ms IS NOT NULL ORDER BY epoch.key"
    )
    book.zero_utc_ms.update(store.execute(boots, (key,)).fetchall())
    return book


def events(
    store: sqlite3.Connection, book: GatewayBook, since_ms: int = FIRST_MS, until_ms: int = LAST_MS
) -> Iterator[Verified]:
    """Events of one gateway in order of arrival, copies left out; `content` is None where one does not decode.

    since_ms, until_ms: when the platform received it, not when it happened: of exports that follow each other none
    may miss what a gateway sends after a week without a network.
    """
    query = (
        "SELECT event.epoch, epoch.epoch, lane, seq, chain, own_identity, event, is_copy, received_ms"
        " FROM event JOIN epoch ON epoch.key=event.epoch JOIN message ON message.key=event.message"
        " WHERE epoch.gateway=? AND is_copy=0 AND received_ms>=? AND received_ms<? ORDER BY message.key, seq"
    )
    for key, epoch, lane, seq, chain, own, event, is_copy, received_ms in store.execute(
        query, (book.key, since_ms, until_ms)
    ):
        content, fault = None, None
        try:
            content = event_codec.decode_event(event)
        except DecodeError as error:
            fault = str(error)
        row = Row(key, lane, seq, chain, own, event, is_copy=bool(is_copy), fault=fault)
        yield Verified(book, epoch, row, content, received_ms)


def last_state(store: sqlite3.Connection, book: GatewayBook) -> State | None:
    """What the newest state said, as far as the store keeps it: states themselves are not stored."""
    query = (
        "SELECT epoch.epoch, boot, uptime_ms FROM boot JOIN epoch ON epoch.key=boot.epoch"
        " WHERE gateway=? AND is_left=0 AND uptime_ms IS NOT NULL"
        " ORDER BY coalesce(zero_utc_ms, 0) + uptime_ms DESC LIMIT 1"
    )
    row = store.execute(query, (book.key,)).fetchone()
    return None if row is None else State(*row)
