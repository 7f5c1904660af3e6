"""What the municipality's desk has said to gateways, kept in the platform's store beside what they said.

The desk is a process of its own: the platform may have the store open. Both write in short transactions, and SQLite lets one
wait for the other.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

from gateway.core import event_codec, wire
from gateway.core.alarms import ACCEPTED, HANDLED
from gateway.core.errors import ConfigError, DecodeError
from gateway.core.model import Event
from gateway.core.registry import KINDS
from hal.types import ALARM
from tools.export.source import OPTION, books, events, open_store
from tools.platform.books import Verified
from tools.platform.store import Store, StoreError

WAIT_S = 20.0  # for the platform's own commit
MAX_INT = 2**63 - 1


class Word(NamedTuple):
    """The newest disposition of an alarm."""

    became: int
    utc_ms: int
    note: str


class Waiting(NamedTuple):
    """An alarm of the store, and what was said of it last."""

    verified: Verified
    word: Word | None
    is_over: bool

    @property
    def waits(self) -> bool:
        """Whether nobody has taken it yet, nor dealt with it."""
        return self.word is None or self.word.became not in (ACCEPTED, HANDLED)


class Said:
    """The table of what was said. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError: no store of the platform."""
        with open_store(path):
            pass  # an SQLite file of ours: nothing is made, and no other file is written into
        try:
            with Store(str(path)):
                pass  # a store of before this version gets its tables
        except StoreError as error:
            raise ConfigError(
                OPTION, str(error), "a store of `trygg-kit platform`", "command line"
            ) from error
        self.connection = sqlite3.connect(path, isolation_level=None, timeout=WAIT_S)
        self.connection.execute("PRAGMA synchronous=FULL")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    @contextlib.contextmanager
    def change(self) -> Iterator[None]:
        """One transaction: whoever else says something waits for it, so no number is given twice."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def put(
        self,
        address: tuple[str, str],
        sort: str,
        kid: bytes,
        subject: bytes,
        number: int,
        message: bytes,
        now_ms: int,
    ) -> None:
        """Something is said."""
        query = (
            "INSERT INTO said (tenant, gateway, sort, kid, subject, number, said_ms, bytes)"
            " VALUES (?,?,?,?,?,?,?,?)"
        )
        self.connection.execute(query, (*address, sort, kid, subject, number, now_ms, message))

    def heard(self, tenant: str) -> set[str]:
        """The gateways of a tenant of which this store has anything, by name."""
        query = "SELECT name FROM gateway WHERE tenant=? UNION SELECT gateway FROM standing WHERE tenant=?"
        return {str(name) for (name,) in self.connection.execute(query, (tenant, tenant))}

    def last_number(self, address: tuple[str, str], sort: str, kid: bytes | None = None) -> int:
        """The highest number said to a gateway, by one key or by any; 0 where nothing was."""
        query = "SELECT max(number) FROM said WHERE tenant=? AND gateway=? AND sort=?"
        parameters: tuple[object, ...] = (*address, sort)
        if kid is not None:
            query, parameters = query + " AND kid=?", (*parameters, kid)
        row = self.connection.execute(query, parameters).fetchone()
        return int(row[0] or 0)


def last_words(store: sqlite3.Connection, tenant: str, gateway: str) -> dict[bytes, Word]:
    """The newest disposition by identity."""
    query = "SELECT bytes FROM said WHERE tenant=? AND gateway=? AND sort='disposition' ORDER BY key"
    found: dict[bytes, Word] = {}
    for (message,) in store.execute(query, (tenant, gateway)):
        fields = wire.parse("disposition", message).fields
        word = Word(fields["became"], fields["utc_ms"], str(fields.get("note", "")))  # type: ignore[arg-type]
        found[fields["identity"]] = word  # type: ignore[index]
    return found


def alarms(store: sqlite3.Connection, since_ms: int, gateway: str | None = None) -> Iterator[Waiting]:
    """Alarms received since then, each with the newest word on it, in order of arrival. Raises ConfigError."""
    for book in books(store, gateway):
        words = last_words(store, book.tenant, book.name)
        urgent = [one for one in events(store, book, since_ms, MAX_INT) if one.row.lane <= ALARM]
        ended = {
            one.content.incident
            for one in urgent
            if one.content is not None and one.content.incident and ends(one.content.kind)
        }
        for one in urgent:
            if one.content is not None and one.content.kind in KINDS and not ends(one.content.kind):
                yield Waiting(one, words.get(one.row.identity), one.content.incident in ended)


def ends(kind: str) -> bool:
    """Whether a kind ends a state, or says that nobody follows it any more."""
    return kind in KINDS and KINDS[kind][2] != ""


class Standing(NamedTuple):
    """What a gateway runs, beside what was published for it. `published` 0: nothing; `reason`: why that is not used, or empty."""

    tenant: str
    gateway: str
    published: int
    running: int | None
    local: int
    reason: str

    @property
    def differs(self) -> bool:
        """Whether somebody should look: another revision than the published one, or changes in the home."""
        return self.running is not None and (self.published != self.running or self.local > 0)


def standings(store: sqlite3.Connection, gateway: str | None = None) -> list[Standing]:
    """Each gateway that was heard or told something, by name."""
    query = "SELECT tenant, gateway, max(number) FROM said WHERE sort='config' GROUP BY tenant, gateway"
    told = {(tenant, name): number for tenant, name, number in store.execute(query)}
    query = "SELECT tenant, gateway, config, local FROM standing"
    heard = {(tenant, name): (config, local) for tenant, name, config, local in store.execute(query)}
    found = []
    for tenant, name in sorted(set(told) | set(heard)):
        if gateway in (None, name):
            running, local = heard.get((tenant, name), (None, 0))
            published = told.get((tenant, name), 0)
            reason = refusal(store, tenant, name, published) if published != running else ""
            found.append(Standing(tenant, name, published, running, local, reason))
    return found


def refusal(store: sqlite3.Connection, tenant: str, gateway: str, revision: int) -> str:
    """Why a gateway does not use a revision, as it said last; empty where it has not said."""
    reason = ""
    for content in told_of(store, tenant, gateway, "config.refused"):
        if content.values.get("revision") == revision:
            reason = str(content.values.get("reason", ""))
    return reason


def answer(store: sqlite3.Connection, tenant: str, gateway: str, command_id: bytes) -> Event | None:
    """What a gateway has answered to a command, or None."""
    for kind in ("command.answered", "command.refused"):
        for content in told_of(store, tenant, gateway, kind):
            if content.values.get("command_id") == command_id:
                return content
    return None


def told_of(store: sqlite3.Connection, tenant: str, gateway: str, kind: str) -> Iterator[Event]:
    """Events of a technical kind, in order."""
    query = (
        "SELECT event FROM event JOIN epoch ON epoch.key=event.epoch JOIN gateway ON gateway.key=epoch.gateway"
        " WHERE tenant=? AND name=? AND lane=? AND is_copy=0 ORDER BY epoch.key, seq"
    )
    for (data,) in store.execute(query, (tenant, gateway, KINDS[kind][1])):
        with contextlib.suppress(DecodeError):
            content = event_codec.decode_event(data)
            if content.kind == kind:
                yield content
