"""The platform's store: SQLite, every event and every signed message as they came, durable before any receipt.

One connection, one thread, and beside them only checkpoints. Reads see what was put and is not committed yet; `commit` is the power-cut line:
write-ahead log with `synchronous=FULL`, so that what it returned from is on the disk.
"""

import bisect
import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from gateway.core import wire
from hal.types import CHAIN_SIZE
from tools.platform import checkpoints
from tools.platform.books import EpochBook, GatewayBook, LaneBook, Row, new_epoch_book
from tools.platform.ledger import learn_devices

SCHEMAS = sorted((Path(__file__).parent / "sql").glob("[0-9]*.sql"))
MAGIC = b"SQLite format 3\0"
ASKED_AT_ONCE = 500  # parameters of one query; SQLite's default limit was 999


class StoreError(Exception):
    """A file that is no store of this version: cause and next action."""


class ChainValues:
    """A set of chain values in 16 bytes each: an epoch may have a million."""

    def __init__(self, values: Iterable[bytes]) -> None:
        self.packed = b"".join(sorted(values))

    def __contains__(self, value: bytes) -> bool:
        count = len(self.packed) // CHAIN_SIZE
        at = bisect.bisect_left(range(count), value, key=self.value)
        return at < count and self.value(at) == value

    def value(self, number: int) -> bytes:
        """The value of that rank."""
        return self.packed[number * CHAIN_SIZE : (number + 1) * CHAIN_SIZE]


class Store:
    """The shelf of the ledger. `path` may be `:memory:`. Use as a context manager, or call `close`."""

    def __init__(self, path: str) -> None:
        if path != ":memory:":
            make_private(Path(path))
        self.connection = sqlite3.connect(path, isolation_level=None)
        try:
            self.prepare(path)
        except sqlite3.DatabaseError as error:
            self.connection.close()
            raise StoreError(f"{path}: not a store of the platform ({error}); name another file") from error
        except StoreError:
            self.connection.close()
            raise
        self.checkpoints = None if path == ":memory:" else checkpoints.Checkpoints(path)
        self.is_open = False  # whether a transaction is
        self.left: dict[int, ChainValues] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def prepare(self, path: str) -> None:
        """Settings of the connection, and the schemas the file does not have yet."""
        settings = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536")
        for setting in (*settings, f"wal_autocheckpoint={checkpoints.LOG_PAGES}"):
            self.connection.execute("PRAGMA " + setting)
        version: int = self.connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(SCHEMAS):
            raise StoreError(f"{path}: made by a newer version; use that one, or name another file")
        for number, schema in enumerate(SCHEMAS[version:], version + 1):
            script = schema.read_text(encoding="utf-8")
            self.connection.executescript(f"BEGIN; {script} PRAGMA user_version={number}; COMMIT;")

    def close(self) -> None:
        """Commit what is open and let go of the file."""
        self.commit()
        if self.checkpoints is not None:
            self.checkpoints.close()
        self.connection.close()

    def begin(self) -> None:
        """Open a transaction where none is open; every `put` and `open` does."""
        if not self.is_open:
            self.connection.execute("BEGIN IMMEDIATE")
            self.is_open = True

    def commit(self) -> None:
        """Make everything put so far survive a power cut."""
        if self.is_open:
            self.connection.execute("COMMIT")
            self.is_open = False
            if self.checkpoints is not None:
                self.checkpoints.want()

    def roll_back(self) -> None:
        """Forget what was put since the last commit."""
        self.left.clear()
        self.is_open = False
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def ask(self, query: str, *parameters: object) -> sqlite3.Cursor:
        """Run one query."""
        return self.connection.execute(query, parameters)

    # --- what the ledger asks -------------------------------------------------------------------------------------

    def chains(self, epoch_key: int, lane: int, first: int, last: int) -> set[tuple[int, bytes]]:
        query = "SELECT seq, chain FROM event WHERE epoch=? AND lane=? AND seq BETWEEN ? AND ?"
        return set(self.ask(query, epoch_key, lane, first, last))

    def contents(self, epoch_key: int, lane: int, first: int, limit: int) -> list[tuple[int, bytes, bytes]]:
        query = "SELECT seq, event, chain FROM event WHERE epoch=? AND lane=? AND seq>=? ORDER BY seq LIMIT ?"
        return self.ask(query, epoch_key, lane, first, limit).fetchall()

    def known(self, gateway_key: int, identities: list[bytes], own: list[bytes]) -> set[bytes]:
        found: set[bytes] = set()
        for start in range(0, len(identities), ASKED_AT_ONCE):
            part = identities[start : start + ASKED_AT_ONCE]
            query = (  # only question marks are put together
                "SELECT own_identity FROM event CROSS JOIN epoch ON epoch.key = event.epoch"  # noqa: S608
                " WHERE own_identity IN (" + ",".join("?" * len(part)) + ") AND gateway = ?"
            )
            found.update(row[0] for row in self.ask(query, *part, gateway_key))
        if own:
            epochs = self.ask("SELECT key FROM epoch WHERE gateway=? AND is_left=1", gateway_key).fetchall()
            for (epoch_key,) in epochs:
                left = self.left_chains(epoch_key)
                found.update(identity for identity in own if identity in left)
        return found

    def left_chains(self, epoch_key: int) -> "ChainValues":
        """Chain values of an epoch that was left; read once, and again where something came late."""
        if epoch_key not in self.left:
            query = "SELECT chain FROM event INDEXED BY event_number WHERE epoch=?"
            self.left[epoch_key] = ChainValues(row[0] for row in self.ask(query, epoch_key))
        return self.left[epoch_key]

    def put_message(
        self, gateway_key: int, sort: str, received_ms: int, message: bytes, *, is_read: bool
    ) -> int:
        self.begin()
        query = "INSERT INTO message (gateway, sort, received_ms, is_read, bytes) VALUES (?,?,?,?,?)"
        key = self.ask(query, gateway_key, sort, received_ms, is_read, message).lastrowid
        assert key is not None
        return key

    def put_events(self, message_key: int, rows: list[Row]) -> None:
        self.begin()
        self.left.pop(rows[0].epoch_key, None)
        self.connection.executemany(
            "INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?)", [(*row, message_key) for row in rows]
        )

    def open_gateway(self, tenant: str, name: str) -> int:
        self.begin()
        key = self.ask("INSERT INTO gateway (tenant, name) VALUES (?,?)", tenant, name).lastrowid
        assert key is not None
        return key

    def open_epoch(self, gateway_key: int, epoch: bytes, *, is_left: bool) -> int:
        self.begin()
        if not is_left:
            self.ask("UPDATE epoch SET is_left=1 WHERE gateway=?", gateway_key)
        query = "INSERT INTO epoch (gateway, epoch, is_left) VALUES (?,?,?)"
        key = self.ask(query, gateway_key, epoch, is_left).lastrowid
        assert key is not None
        return key

    def put_mark(self, epoch_key: int, lane: int, seq: int, chain: bytes) -> None:
        self.begin()
        self.ask("INSERT OR REPLACE INTO lane VALUES (?,?,?,?)", epoch_key, lane, seq, chain)

    def put_hole(self, epoch_key: int, lane: int, first: int, last: int, cause: str) -> None:
        self.begin()
        self.ask("INSERT INTO hole VALUES (?,?,?,?,?)", epoch_key, lane, first, last, cause)

    def rename_holes(self, epoch_key: int, lane: int, first: int, last: int, cause: str) -> None:
        self.begin()
        query = (
            "UPDATE hole SET cause=? WHERE epoch=? AND lane=? AND first_seq>=? AND last_seq<=? AND cause<>?"
        )
        self.ask(query, cause, epoch_key, lane, first, last, cause)

    def put_boot(self, epoch_key: int, boot: int, uptime_ms: int | None, zero_utc_ms: int | None) -> None:
        self.begin()
        self.ask(
            "INSERT INTO boot VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET"
            " uptime_ms=coalesce(excluded.uptime_ms, uptime_ms),"
            " zero_utc_ms=coalesce(excluded.zero_utc_ms, zero_utc_ms)",
            epoch_key,
            boot,
            uptime_ms,
            zero_utc_ms,
        )

    def put_manifest(self, gateway_key: int, revision: int, message_key: int) -> None:
        self.begin()
        self.ask("INSERT INTO manifest VALUES (?,?,?)", gateway_key, revision, message_key)

    def put_standing(
        self, tenant: str, gateway: str, standing: tuple[int, int, int, str], now_ms: int
    ) -> None:
        """What a gateway says of itself has changed; (configuration, keyset, keys changed in the home, software)."""
        self.begin()
        query = "INSERT OR REPLACE INTO standing (tenant, gateway, config, keyset, local, software, since_ms) VALUES (?,?,?,?,?,?,?)"
        self.ask(query, tenant, gateway, *standing, now_ms)

    # --- at start -------------------------------------------------------------------------------------------------

    def books(self) -> list[GatewayBook]:
        """Everything the ledger keeps in mind, as the store has it."""
        return [self.load_book(*row) for row in self.ask("SELECT key, tenant, name FROM gateway").fetchall()]

    def load_book(self, key: int, tenant: str, name: str) -> GatewayBook:
        """The book of one gateway."""
        book = GatewayBook(key, tenant, name)
        epochs = self.ask(
            "SELECT key, epoch, is_left FROM epoch WHERE gateway=? ORDER BY key", key
        ).fetchall()
        for epoch_key, epoch, is_left in epochs:
            found = self.load_epoch(book, epoch_key, epoch)
            book.epochs[epoch] = found
            if is_left:
                found.left_at = 0
            else:
                book.current = found
        query = (
            "SELECT bytes FROM manifest JOIN message ON message.key=manifest.message"
            " WHERE manifest.gateway=? ORDER BY revision, message.key"
        )
        for (message,) in self.ask(query, key):
            parsed = wire.parse("manifest", message)
            book.manifests.add(parsed.sign1.signature)
            learn_devices(book, parsed.fields)
        return book

    def load_epoch(self, book: GatewayBook, key: int, epoch: bytes) -> EpochBook:
        """The book of one epoch."""
        found = new_epoch_book(key, epoch)
        for number, seq, chain in self.ask("SELECT lane, seq, chain FROM lane WHERE epoch=?", key):
            found.lanes[number] = LaneBook(number, seq, chain)
        for lane in found.lanes:
            query = "SELECT max(seq) FROM event WHERE epoch=? AND lane=?"
            lane.highest = max(lane.seq, self.ask(query, key, lane.number).fetchone()[0] or 0)
        for boot, uptime_ms, zero_utc_ms in self.ask(
            "SELECT boot, uptime_ms, zero_utc_ms FROM boot WHERE epoch=?", key
        ):
            if uptime_ms is not None:
                found.uptimes[boot] = uptime_ms
            if zero_utc_ms is not None:
                book.zero_utc_ms[boot] = zero_utc_ms
        return found

    # --- when there is time ---------------------------------------------------------------------------------------

    def unread(self) -> tuple[int, bytes] | None:
        """(key, bytes) of the oldest message with events that nobody looked at, or None."""
        query = "SELECT key, bytes FROM message WHERE is_read=0 ORDER BY key LIMIT 1"
        row: tuple[int, bytes] | None = self.ask(query).fetchone()
        return row

    def has_unread(self, more_than: int) -> bool:
        """Whether more than so many messages wait to be looked at."""
        query = "SELECT 1 FROM message WHERE is_read=0 LIMIT 1 OFFSET ?"
        return self.ask(query, more_than).fetchone() is not None

    def put_read(self, message_key: int, faults: list[tuple[str, int, int, int, bytes]]) -> None:
        """A message was looked at; `faults` are (why, epoch key, lane, number, chain value) of what does not decode."""
        self.begin()
        self.connection.executemany(
            "UPDATE event SET fault=? WHERE epoch=? AND lane=? AND seq=? AND chain=?", faults
        )
        self.ask("UPDATE message SET is_read=1 WHERE key=?", message_key)

    # --- for readers ----------------------------------------------------------------------------------------------

    def lost(self) -> int:
        """How many numbers stand in holes and are not stored after all."""
        query = (
            "SELECT total(last_seq - first_seq + 1 - (SELECT count(DISTINCT seq) FROM event WHERE event.epoch=hole.epoch"
            " AND event.lane=hole.lane AND seq BETWEEN first_seq AND last_seq)) FROM hole"
        )
        return int(self.ask(query).fetchone()[0])

    def counts(self) -> dict[str, int]:
        """Events stored, those that are copies of others, and numbers lost."""
        events, copies = self.ask("SELECT count(*), total(is_copy) FROM event").fetchone()
        return {"events": events, "copies": int(copies), "lost": self.lost()}


def make_private(path: Path) -> None:
    """Make the file where it is not there, readable by its owner only: it holds what happens in homes."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened ({error.strerror}); name another file") from error


def is_store(path: Path) -> bool:
    """Whether a file is one of SQLite's. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


@contextlib.contextmanager
def snapshot(path: Path) -> Iterator[sqlite3.Connection]:
    """A store as it is at one moment, for reading only: its platform may go on writing."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.execute("BEGIN")
        yield connection
    finally:
        connection.close()


def messages(store: sqlite3.Connection) -> Iterator[tuple[str, int, bytes]]:
    """(sort, received_ms, message), in order of arrival."""
    yield from store.execute("SELECT sort, received_ms, bytes FROM message ORDER BY key")


def marks(store: sqlite3.Connection) -> Iterator[tuple[str, str, bytes, int, int, bytes]]:
    """(tenant, gateway, epoch, lane, number, chain value) of how far each lane is unbroken."""
    yield from store.execute(
        "SELECT tenant, name, epoch.epoch, lane, seq, chain FROM lane JOIN epoch ON epoch.key=lane.epoch"
        " JOIN gateway ON gateway.key=epoch.gateway"
    )


def events(store: sqlite3.Connection) -> Iterator[tuple[str, str, bytes, int, int, bytes, bytes]]:
    """(tenant, gateway, epoch, lane, number, chain value, event)."""
    yield from store.execute(
        "SELECT tenant, name, epoch.epoch, lane, seq, chain, event FROM event JOIN epoch ON epoch.key=event.epoch"
        " JOIN gateway ON gateway.key=epoch.gateway ORDER BY epoch.key, lane, seq"
    )
