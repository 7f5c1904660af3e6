"""The stock of a municipality: one SQLite file of gateways and devices, and every change of their states."""

import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple, Self

from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.typed_codes import LABEL_BYTES, LABEL_CHECK_BYTES, decode, encode
from tools.authority.given import no_store
from tools.stock.states import STATES, STOCK, check_change, check_note

VERSION = 1
BUSY_S = 5.0
DAY_MS = 86_400_000
GATEWAY, DEVICE = SORTS = ("gateway", "device")
# A spreadsheet takes what begins with = + - @ for a formula.
CODE = re.compile(r"[0-9A-Za-zÆØÅæøå](?:[0-9A-Za-zÆØÅæøå ._/:-]{0,62}[0-9A-Za-zÆØÅæøå])?")


class Item(NamedTuple):
    """One gateway or device."""

    code: str
    sort: str
    model: str
    label: str
    state: str
    battery_pct: int | None


class Change(NamedTuple):
    """When what went from where to where, and who said so; before is None where it came into the books."""

    code: str
    at_ms: int
    before: str | None
    after: str
    who: str
    note: str


def utc_ms() -> int:
    """The machine's time of day."""
    return time.time_ns() // 1_000_000


def plain_label(text: str) -> str:
    """A label's short code as it is kept, however it was typed; "" for what is none."""
    whole = decode(text, LABEL_BYTES + LABEL_CHECK_BYTES)
    return "" if whole is None else encode(whole)


class Book:
    """The file; with `make` it is made where it is not there, and `is_new` says so.

    Raises:
        ConfigError: it is not there, or is something else.
    """

    def __init__(self, path: Path, *, make: bool = False) -> None:
        self.is_new = make and not path.exists()
        if not (make or path.exists()):
            raise ConfigError(
                "FILE",
                "that there is no such stock file",
                "the name of one: add and import make it",
                str(path),
            )
        try:
            os.close(os.open(path, os.O_RDWR | (os.O_CREAT if make else 0), 0o600))
            self.store = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
            self.store.execute("PRAGMA synchronous = FULL")
            (version,) = self.store.execute("PRAGMA user_version").fetchone()
            if version == 0:
                if not self.is_new:
                    raise sqlite3.DatabaseError("something else")
                with self.commit():
                    for statement in (
                        files("tools.stock").joinpath("sql/1.sql").read_text("utf-8").split(";\n")
                    ):
                        self.store.execute(statement)
        except (OSError, sqlite3.Error) as error:
            raise no_store("FILE", error, "a file of trygg-kit stock", path) from error
        if version > VERSION:
            raise ConfigError("FILE", "one of a newer version", "the same version of trygg-kit", str(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.store.close()

    @contextmanager
    def commit(self) -> Iterator[None]:
        """All of it or nothing; nobody else writes meanwhile. Within another one it is part of that."""
        if self.store.in_transaction:
            yield
            return
        self.store.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.store.execute("ROLLBACK")
            raise
        self.store.execute("COMMIT")

    # --- reading -----------------------------------------------------------------------------------------------

    def items(self, state: str | None = None) -> list[Item]:
        """All, or those of a state, in order of their codes."""
        sql = "SELECT code, sort, model, label, state, battery_pct FROM item WHERE ?1 IS NULL OR state = ?1 ORDER BY code"
        return [Item(*row) for row in self.store.execute(sql, (state,))]

    def find(self, name: str) -> Item:
        """By id, serial number, or the short code of a label as it was typed. Raises RefusedError."""
        label = plain_label(name)
        for item in self.items():
            if item.code == name or (label and item.label == label):
                return item
        raise RefusedError(f"{name} is not in the stock's books: add it first")

    def changes(self, code: str | None = None) -> list[Change]:
        """What happened, oldest first."""
        sql = "SELECT code, at_ms, before, after, who, note FROM change WHERE ?1 IS NULL OR code = ?1 ORDER BY id"
        return [Change(*row) for row in self.store.execute(sql, (code,))]

    def days(self, code: str, now_ms: int) -> dict[str, int]:
        """Whole days that it was in each state, until now. A clock that was wrong never takes days away."""
        spent = dict.fromkeys(STATES, 0)
        rows = self.changes(code)
        ends = [each.at_ms for each in rows[1:]] + [now_ms]
        for row, end_ms in zip(rows, ends, strict=True):
            spent[row.after] += max(0, end_ms - row.at_ms)
        return {state: took_ms // DAY_MS for state, took_ms in spent.items()}

    # --- writing -----------------------------------------------------------------------------------------------

    def add(self, item: Item, who: str, note: str, at_ms: int) -> None:
        """Take something new into the books, in whatever state it is. Raises RefusedError."""
        check_item(item)
        check_note(note)
        if not who.strip():
            raise RefusedError("say who does it")
        label = plain_label(item.label)
        if item.label and not label:
            raise RefusedError("a label's short code with a typing error: read it again")
        with self.commit():
            try:
                self.store.execute("INSERT INTO item VALUES (?, ?, ?, ?, ?, ?)", item._replace(label=label))
            except sqlite3.IntegrityError:
                raise RefusedError(f"{item.code}, or its label, is in the stock's books already") from None
            self._note(item.code, at_ms, None, item.state, who, note)

    def move(self, text: str, after: str, who: str, note: str, at_ms: int) -> Item:
        """Into another state. Raises RefusedError: it is not known, or not allowed."""
        with self.commit():
            item = self.find(text)
            check_change(item.state, after, who, note)
            self.store.execute("UPDATE item SET state = ? WHERE code = ?", (after, item.code))
            self._note(item.code, at_ms, item.state, after, who, note)
        return item._replace(state=after)

    def relabel(self, code: str, label: str) -> None:
        """A gateway has a new identity, and so another short code. Raises RefusedError."""
        plain = plain_label(label)
        if not plain:
            raise RefusedError("a label's short code with a typing error: read it again")
        with self.commit():
            self.store.execute("UPDATE item SET label = ? WHERE code = ?", (plain, self.find(code).code))

    def charge(self, text: str, battery_pct: int) -> None:
        """What its battery was last. Raises RefusedError."""
        if not 0 <= battery_pct <= 100:
            raise RefusedError("a battery holds 0 to 100 per cent")
        with self.commit():
            self.store.execute(
                "UPDATE item SET battery_pct = ? WHERE code = ?", (battery_pct, self.find(text).code)
            )

    def _note(self, code: str, at_ms: int, before: str | None, after: str, who: str, note: str) -> None:
        sql = "INSERT INTO change (code, at_ms, before, after, who, note) VALUES (?, ?, ?, ?, ?, ?)"
        self.store.execute(sql, (code, at_ms, before, after, who.strip(), note.strip()))


def check_item(item: Item) -> None:
    """Raises RefusedError."""
    if not CODE.fullmatch(item.code):
        raise RefusedError(
            f"{item.code!r} is no id and no serial number: letters, digits and ._/:- between them"
        )
    if item.sort not in SORTS:
        raise RefusedError(f"there is no sort {item.sort!r}; there are {', '.join(SORTS)}")
    if item.state not in STATES:
        raise RefusedError(f"there is no state {item.state!r}; there are {', '.join(STATES)}")
    if item.model and not CODE.fullmatch(item.model):
        raise RefusedError(f"{item.model!r} is no model: letters, digits and ._/:- between them")
    check_note(item.code)


def new(code: str, sort: str, model: str = "", label: str = "", state: str = STOCK) -> Item:
    """Something that is not in the books yet."""
    return Item(code, sort, model, label, state, None)
