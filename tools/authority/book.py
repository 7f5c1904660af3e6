"""Whom the municipality lets say what, until when, and which keysets it has signed. Rules without I/O.

A gateway knows one date, the `not_after` of its keyset: after it receipts still count and nothing else does. So a keyset never
outlives the first to end of those keys that may say more than receipts: a technician's time is over on the gateways whether or not
somebody signs another keyset that day.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from gateway.core import cose, wire
from gateway.core.errors import ConfigError, RefusedError

ROLES = (wire.RECEIPT_ROLE, wire.CONFIG_ROLE, wire.COMMAND_ROLE, wire.DISPOSITION_ROLE)
PERSONS_ROLES = (wire.CONFIG_ROLE, wire.COMMAND_ROLE, wire.DISPOSITION_ROLE)
DAY_MS = 86_400_000
SERVICE, PERSON = "service", "technician"
MOST_PERSON_DAYS = 366
FORMAT = 1


@dataclass(frozen=True)
class Entry:
    """One key. until_ms: utc_ms of its end, None where it ends with its revocation only."""

    name: str
    sort: str
    public_key: bytes
    roles: tuple[str, ...]
    made_ms: int
    until_ms: int | None = None
    revoked_ms: int | None = None

    def counts(self, now_ms: int) -> bool:
        """Whether a keyset of now names it."""
        return self.revoked_ms is None and (self.until_ms is None or now_ms < self.until_ms)


@dataclass
class Book:
    """The entries of one tenant, oldest first, and the version of the last keyset."""

    tenant: str
    keyset_version: int = 0
    keyset_not_after: int = 0
    entries: list[Entry] = field(default_factory=list)

    def of(self, name: str, now_ms: int) -> list[Entry]:
        """The keys of a name that count, newest last."""
        return [each for each in self.entries if each.name == name and each.counts(now_ms)]

    def add(self, entry: Entry, now_ms: int) -> None:
        """A new holder. Raises ConfigError: name or key is taken, or a role is none or not for people."""
        check_entry(entry, now_ms)
        if any(each.name == entry.name for each in self.entries):
            raise ConfigError(
                "NAME",
                f"{entry.name}, which is in the book",
                "another name, or rotate, or revoke",
                "command line",
            )
        self._append(entry)

    def rotate(
        self, name: str, public_key: bytes, now_ms: int, overlap_ms: int, until_ms: int | None
    ) -> Entry:
        """The next key of a holder; the former one counts for `overlap_ms` more, so that nothing of it is lost.

        A holder whose time is over gets another time so. One that was revoked is not brought back, whichever key it was.

        Raises:
            ConfigError: nobody has this name, it was revoked, or the key is taken.
        """
        former = self.of(name, now_ms)
        last = self._unrevoked(name)[-1]
        entry = replace(last, public_key=public_key, made_ms=now_ms, until_ms=until_ms)
        check_entry(entry, now_ms)
        self._append(entry)
        end_ms = now_ms + overlap_ms
        for each in former:
            sooner = end_ms if each.until_ms is None else min(end_ms, each.until_ms)
            self.entries[self.entries.index(each)] = replace(each, until_ms=sooner)
        return entry

    def revoke(self, name: str, now_ms: int) -> int:
        """Nothing of this name counts from the next keyset on, nor ever again, also where its time is over; how many keys that were.

        Raises:
            ConfigError: nobody has this name, or all of it was revoked.
        """
        found = [each for each in self.entries if each.name == name and each.revoked_ms is None]
        if not found:
            self._unrevoked(name)  # says why
        for each in found:
            self.entries[self.entries.index(each)] = replace(each, revoked_ms=now_ms)
        return len(found)

    def keyset_fields(self, now_ms: int, not_after_ms: int, next_roots: list[bytes]) -> dict[str, object]:
        """The next keyset, with a version above every one before. Raises RefusedError: nobody to name, or no time left."""
        named = [each for each in self.entries if each.counts(now_ms)]
        if not any(wire.RECEIPT_ROLE in each.roles for each in named):
            raise RefusedError(
                "nobody may sign receipts: without one gateways forget nothing; make a role first"
            )
        first = self.first_to_end(now_ms)
        if first is not None and first.until_ms is not None:
            not_after_ms = min(not_after_ms, first.until_ms)
        keys = [[cose.kid_of(each.public_key), each.public_key, list(each.roles)] for each in named]
        fields: dict[str, object] = {
            "keyset_version": self.keyset_version + 1,
            "not_after": not_after_ms,
            "keys": keys,
        }
        return fields | ({"next_roots": next_roots} if next_roots else {})

    def first_to_end(self, now_ms: int) -> Entry | None:
        """Of the keys that count, may say more than receipts and have an end, the first to end: no keyset outlives it."""
        found = [
            (each.until_ms, at, each)
            for at, each in enumerate(self.entries)
            if each.counts(now_ms) and each.until_ms is not None and each.roles != (wire.RECEIPT_ROLE,)
        ]
        return min(found)[2] if found else None

    def _unrevoked(self, name: str) -> list[Entry]:
        """The keys of a name of which none was revoked, newest last. Raises ConfigError."""
        rows = [each for each in self.entries if each.name == name]
        if not rows:
            raise ConfigError(
                "NAME", f"{name}, which is not in the book", "a name of ca list", "command line"
            )
        if any(each.revoked_ms is not None for each in rows):
            raise ConfigError("NAME", f"{name}, which was revoked", "another name, with add", "command line")
        return rows

    def _append(self, entry: Entry) -> None:
        if any(each.public_key == entry.public_key for each in self.entries):
            raise ConfigError(
                "--public-key", "one that is in the book", "a key of its own for each name", "command line"
            )
        self.entries.append(entry)


def check_entry(entry: Entry, now_ms: int) -> None:
    """Roles that exist and fit; an end for a person. Raises ConfigError."""
    allowed = PERSONS_ROLES if entry.sort == PERSON else ROLES
    for role in entry.roles:
        if role not in allowed:
            raise ConfigError("--role", repr(role), "one of " + ", ".join(allowed), "command line")
    if not wire.is_id(entry.name):
        raise ConfigError("NAME", repr(entry.name), "small letters, digits and -, at most 32", "command line")
    latest_ms = now_ms + MOST_PERSON_DAYS * DAY_MS
    if entry.sort == PERSON and (entry.until_ms is None or entry.until_ms > latest_ms):
        raise ConfigError("--days", "no end within a year", f"1 to {MOST_PERSON_DAYS}", "command line")


def to_json(book: Book) -> dict[str, Any]:
    """The book as its file holds it."""
    rows = [
        vars(each) | {"public_key": each.public_key.hex(), "roles": list(each.roles)} for each in book.entries
    ]
    return {"format": FORMAT} | vars(book) | {"entries": rows}


def from_json(tree: Any, source: str) -> Book:
    """What `to_json` gave. Raises ConfigError."""
    try:
        known = tree["format"] == FORMAT
        entries = [
            Entry(**(row | {"public_key": bytes.fromhex(row["public_key"]), "roles": tuple(row["roles"])}))
            for row in tree["entries"]
        ]
        book = Book(str(tree["tenant"]), int(tree["keyset_version"]), int(tree["keyset_not_after"]), entries)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            "book.json", "something else", "a book that trygg-kit ca has made", source
        ) from error
    if not known:
        raise ConfigError("book.json", "one of a newer version", "the same version of trygg-kit", source)
    return book
