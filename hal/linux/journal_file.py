"""The journal's file: locked, opened and checked, or set aside and begun anew.

Beside `journal.sqlite` stand its log (`-wal`, `-shm`), its lock (`.lock`), the word of a running journal that it
found damage (`.damaged`), blocks for the next log (`.reserve`), and what was set aside (`.aside-1` and so on, each
with the log that belongs to it).
"""

import fcntl
import os
import re
import sqlite3
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

from hal.errors import CorruptDataError, DeniedError
from hal.linux.journal_errors import from_os, from_sqlite
from hal.linux.journal_space import give_to_log, keep_for_log
from hal.types import EPOCH_SIZE, LANES, chain_start

APPLICATION_ID = 0x54525947  # "TRYG", in the header of the file
FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
LOGS = ("-wal", "-shm")
MOVING = "-wal-moving"  # a log on its way aside, before its store
EARLIER = "found set aside at a start"


class OpenedFile:
    """Two connections to one good store. `set_aside` holds name and reason of what this start put aside.

    `descriptor` is one more on the file, for its blocks. It stays open until the connections are closed: closing
    any descriptor of a file drops the locks that SQLite holds on it in this process (POSIX advisory locks).
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.set_aside: list[tuple[str, str]] = []
        self._lock = lock
        self.writer: sqlite3.Connection
        self.reader: sqlite3.Connection
        self.descriptor = -1

    def release(self) -> None:
        """Close both connections, which also brings the log into the file, and then the descriptor."""
        for name in ("reader", "writer"):
            if name in vars(self):
                vars(self).pop(name).close()
                keep_for_log(self.path)
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def close(self) -> None:
        """Release the store and let go of the lock."""
        self.release()
        os.close(self._lock)


def migrations() -> list[str]:
    """The numbered SQL files, in order; the nth makes version n."""
    folder = resources.files("hal.linux") / "journal_sql"
    return [file.read_text("utf-8") for file in sorted(folder.iterdir(), key=lambda file: file.name)]


def open_file(path: Path, random: Callable[[int], bytes], scripts: Sequence[str]) -> OpenedFile:
    """Open `path`, setting aside what is there where it does not open.

    Raises:
        DeniedError: another process has it, or file permissions are in the way.
        UnavailableError: the medium fails.
        StorageFullError: no room for a new store.
    """
    try:
        path.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        opened = OpenedFile(path, lock(path))
    except OSError as error:
        raise from_os(error, "opening it") from error
    try:
        give_to_log(path)
        finish_aside(path)
        damage = read_damage(path)
        if damage is not None:
            opened.set_aside.append((put_aside(path), damage))
        try:
            connect(opened, random, scripts)
        except CorruptDataError as error:
            opened.set_aside.append((put_aside(path), str(error)))
            give_to_log(path)  # what `release` has kept again: the new store needs it
            connect(opened, random, scripts)
    except OSError as error:
        opened.close()
        raise from_os(error, "opening it") from error
    except BaseException:
        opened.close()
        raise
    return opened


def lock(path: Path) -> int:
    """Take the lock file; two hubs with one journal would give numbers twice."""
    name = Path(f"{path}.lock")
    descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(descriptor, 32).decode(errors="replace").strip()
        os.close(descriptor)
        raise DeniedError(
            f"another hub uses the journal {path} (process {holder or 'unknown'}):"
            " stop it, or give this one a [storage] of its own",
            str(error),
        ) from error
    try:
        os.pwrite(descriptor, f"{os.getpid()}\n".ljust(32).encode(), 0)
    except OSError:  # words for a second hub only; a full disk, whose last blocks wait in `.reserve`, must not stop the first
        pass
    return descriptor


def connect(opened: OpenedFile, random: Callable[[int], bytes], scripts: Sequence[str]) -> None:
    """Open, bring up to date and check. Raises CorruptDataError where that store must be set aside."""
    opened.descriptor = os.open(opened.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    os.fchmod(opened.descriptor, FILE_MODE)
    try:
        opened.writer = connection_to(opened.path)
        migrate(opened.writer, scripts)
        check(opened.writer)
        begin(opened.writer, random)
        opened.reader = connection_to(opened.path)
        opened.reader.execute("PRAGMA query_only = ON")
    except (sqlite3.Error, CorruptDataError) as error:
        opened.release()
        raise error if isinstance(error, CorruptDataError) else from_sqlite(error, "opening it") from error
    sync_directory(opened.path.parent)


def connection_to(path: Path) -> sqlite3.Connection:
    """A connection with what durability asks for."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    try:
        configure(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def configure(connection: sqlite3.Connection) -> None:
    """Say what durability asks for."""
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "cell_size_check = ON",
        "trusted_schema = OFF",
    ):
        connection.execute(f"PRAGMA {pragma}")


def migrate(connection: sqlite3.Connection, scripts: Sequence[str]) -> None:
    """Bring the schema to the newest version, each step in a transaction of its own."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    tables: int = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if tables and application != APPLICATION_ID:
        raise CorruptDataError("the file is a database, but no journal of ours")
    if version > len(scripts):
        raise CorruptDataError(f"the journal has schema {version}, this software knows up to {len(scripts)}")
    for number in range(version + 1, len(scripts) + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{scripts[number - 1]}\n;PRAGMA application_id = {APPLICATION_ID};\n"
            f"PRAGMA user_version = {number};\nCOMMIT;"
        )


def check(connection: sqlite3.Connection) -> None:
    """The structure of every page: 10 ms for 60,000 entries here. Contents are checked when they are read."""
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise CorruptDataError("the journal's structure is damaged", str(found))
    try:
        epoch = connection.execute("SELECT epoch FROM journal").fetchall()
        lanes = connection.execute("SELECT lane FROM lane ORDER BY lane").fetchall()
    except sqlite3.OperationalError as error:
        raise CorruptDataError("the journal lacks a table", str(error)) from error
    whole = len(epoch) == 1 and [row[0] for row in lanes] == list(LANES)
    if not whole and (epoch or lanes):
        raise CorruptDataError("the journal has no epoch, or not all lanes")


def begin(connection: sqlite3.Connection, random: Callable[[int], bytes]) -> None:
    """Give a new store its epoch."""
    if connection.execute("SELECT count(*) FROM journal").fetchone()[0]:
        return
    epoch = random(EPOCH_SIZE)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO journal VALUES (1, ?)", (epoch,))
    connection.executemany(
        "INSERT INTO lane VALUES (?, 0, ?)", [(lane, chain_start(epoch, lane)) for lane in LANES]
    )
    connection.execute("COMMIT")


# --- setting aside -------------------------------------------------------------------------------------------------


def aside_names(path: Path) -> list[str]:
    """What was set aside, oldest first."""
    pattern = re.compile(re.escape(path.name) + r"\.aside-([0-9]+)")
    found = [match for match in map(pattern.fullmatch, os.listdir(path.parent)) if match]
    return [match[0] for match in sorted(found, key=lambda match: int(match[1]))]


def put_aside(path: Path) -> str:
    """Rename the store and its log, under a number that nothing has yet, not even a log that somebody left."""
    number = 1
    while any(Path(f"{path}.aside-{number}{suffix}").exists() for suffix in ("", *LOGS, MOVING)):
        number += 1
    name = f"{path}.aside-{number}"
    for old, new in (
        (f"{path}-wal", f"{name}{MOVING}"),
        (f"{path}-shm", f"{name}-shm"),
        (str(path), name),
        (f"{name}{MOVING}", f"{name}-wal"),
    ):
        if Path(old).exists():
            os.rename(old, new)
            sync_directory(path.parent)
    forget_damage(path)
    return Path(name).name


def finish_aside(path: Path) -> None:
    """Complete what a crash interrupted.

    The log goes first, for a store without its log would open and lack events; and under a name of its own, for a log
    whose store somebody has deleted must not be given another.
    """
    for file in sorted(path.parent.glob(f"{path.name}.aside-*{MOVING}")):
        name = str(file).removesuffix(MOVING)
        if not Path(name).exists() and path.exists():
            os.rename(path, name)
            sync_directory(path.parent)
        os.rename(file, f"{name}-wal")
        sync_directory(path.parent)


def note_damage(path: Path, reason: str) -> None:
    """Let the next start set this store aside, whatever it thinks of it.

    A medium that takes no such word, full or mounted to read only, must not keep anybody waiting: who asked is told of
    the damage in any case, and so is the next one who meets it.
    """
    try:
        descriptor = os.open(
            f"{path}.damaged", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE
        )
        try:
            os.write(descriptor, reason.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_directory(path.parent)
    except OSError:
        return


def read_damage(path: Path) -> str | None:
    """What the last run said of this store; a word about a store that is already gone counts no more."""
    marker = Path(f"{path}.damaged")
    if not marker.exists():
        return None
    if not path.exists():
        forget_damage(path)
        return None
    return marker.read_text("utf-8", errors="replace") or "damage was found while it was in use"


def forget_damage(path: Path) -> None:
    """Take back the word."""
    Path(f"{path}.damaged").unlink(missing_ok=True)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make names durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
