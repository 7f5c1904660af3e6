"""SQLite over the simulated disk, in the clothes of the standard library's module.

`apsw` lets a file system be written in Python. `Connection` has what the journal uses of `sqlite3.Connection`, and raises
its errors with their codes. One thing differs from the product: a file system in Python has no shared memory, so the log
needs exclusive locking, and there is no second connection to read with. `tests/tools/test_crash.py` opens images by
the product's own journal on a real file system as well.
"""

import errno
import importlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from hal.linux.journal_space import Blocks
from tools.evidence.figure import UnavailableError
from tools.rig.crash.disk import ENOSPC, SYNC_FAULTS, UNREAD, Disk, FaultError

NAME = "trygg-crash"
KEPT = 3  # disks beside the newest whose connections may still be open
POWERSAFE_OVERWRITE = 0x1000  # SQLITE_IOCAP_POWERSAFE_OVERWRITE
IOERR_READ, IOERR_WRITE, IOERR_FSYNC, FULL, IOERR = 266, 778, 1034, 13, 10

Parameters = Sequence[Any]

try:
    apsw: Any = importlib.import_module("apsw")
except ModuleNotFoundError:  # an extra of development
    apsw = None


def need_apsw() -> None:
    """Raises UnavailableError where it is not installed."""
    if apsw is None:
        raise UnavailableError("apsw is not installed: make setup")


def fault(error: FaultError) -> Exception:
    """SQLite's error for what the disk did."""
    code = {ENOSPC: FULL, UNREAD: IOERR_READ, **dict.fromkeys(SYNC_FAULTS, IOERR_FSYNC)}.get(
        error.effect, IOERR_WRITE
    )
    made: Exception = apsw.exception_for(code & 0xFF)
    made.extendedresult = code  # type: ignore[attr-defined]
    made.result = code & 0xFF  # type: ignore[attr-defined]
    return made


class File:
    """One open file, as SQLite's `sqlite3_io_methods` ask for it."""

    def __init__(self, disk: Disk, name: str, retries: bool) -> None:
        self._disk = disk
        self._name = name
        self._retries = retries
        self._content = disk.files.setdefault(name, bytearray())

    @property
    def _gone(self) -> bool:
        """Whether its name was deleted: what is written to it now nobody will find (POSIX unlink)."""
        return self._disk.files.get(self._name) is not self._content

    def xRead(self, amount: int, offset: int) -> bytes:
        try:
            return self._disk.read(self._content, offset, amount)
        except FaultError as error:
            raise fault(error) from None

    def xWrite(self, data: bytes, offset: int) -> None:
        if self._gone:
            self._content[offset : offset + len(data)] = data
            return
        try:
            self._disk.write(self._name, offset, bytes(data))
        except FaultError as error:
            raise fault(error) from None

    def xTruncate(self, size: int) -> None:
        if self._gone:
            del self._content[size:]
            return
        try:
            self._disk.truncate(self._name, size)
        except FaultError as error:
            raise fault(error) from None

    def xSync(self, flags: int) -> None:
        if self._gone:
            return
        try:
            self._disk.sync(self._name)
        except FaultError as error:
            if not self._retries:
                raise fault(error) from None
            try:
                self._disk.sync(self._name)
            except FaultError as again:
                raise fault(again) from None

    def xFileSize(self) -> int:
        return len(self._content)

    def xClose(self) -> None:
        pass

    def xLock(self, level: int) -> None:
        pass

    def xUnlock(self, level: int) -> None:
        pass

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, operation: int, pointer: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return 4096

    def xDeviceCharacteristics(self) -> int:
        return POWERSAFE_OVERWRITE


class FileSystem:
    """Made once in a process; each disk that is put beneath it has a folder of its own, in which it stays.

    A connection that nobody holds any more may be closed at any time, and must not meet another's files then. With
    `retries`, a control, it tries a failed sync once more and believes the second answer.
    """

    def __init__(self) -> None:
        need_apsw()
        self.retries = False
        self._disks: dict[str, Disk] = {}
        self._count = 0
        outer = self

        class Methods(apsw.VFS):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__(NAME, "")

            def xOpen(self, name: Any, flags: list[int]) -> Any:
                path = name.filename() if hasattr(name, "filename") else name or "/0/temporary"
                return File(outer.beneath(path), PurePosixPath(path).name, outer.retries)

            def xDelete(self, name: str, sync_directory: bool) -> None:
                try:
                    outer.beneath(name).delete(PurePosixPath(name).name)
                except FaultError as error:
                    raise fault(error) from None

            def xAccess(self, name: str, flags: int) -> bool:
                return PurePosixPath(name).name in outer.beneath(name).files

            def xFullPathname(self, name: str) -> str:
                return name

        self._methods = Methods()

    def put(self, disk: Disk) -> str:
        """Let `disk` be beneath; the path of the store on it."""
        self._count += 1
        self._disks = {**dict(list(self._disks.items())[-KEPT:]), str(self._count): disk}
        return f"/{self._count}/journal.sqlite"

    def beneath(self, path: str) -> Disk:
        """The disk of a path; an empty one where it was put away."""
        return self._disks.get(PurePosixPath(path).parent.name) or Disk()


class Rows:
    """What a statement gave, all of it."""

    def __init__(self, rows: list[Any], lastrowid: int) -> None:
        self._rows = iter(rows)
        self.lastrowid = lastrowid

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def close(self) -> None:
        pass


class Connection:
    """`sqlite3.Connection`, as far as the journal knows it."""

    def __init__(self, path: str, *, read_only: bool = False) -> None:
        self.is_open = True
        flags = (
            apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        )
        with translated():
            self._native = apsw.Connection(path, vfs=NAME, flags=flags)
            self._native.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()

    def execute(self, sql: str, parameters: Parameters = ()) -> Rows:
        with translated():
            rows = self._native.execute(sql, tuple(parameters)).fetchall()
            return Rows(rows, self._native.last_insert_rowid())

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> None:
        with translated():
            self._native.executemany(sql, [tuple(row) for row in rows]).fetchall()

    def executescript(self, sql: str) -> None:
        with translated():
            self._native.execute(sql).fetchall()

    @property
    def in_transaction(self) -> bool:
        return bool(self._native.in_transaction)

    def close(self) -> None:
        self.is_open = False
        with translated():
            self._native.close(True)


class translated:
    """apsw's errors as those of `sqlite3`, with their codes."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or not isinstance(error, apsw.Error):
            return
        code: int = getattr(error, "extendedresult", 0) or getattr(error, "result", 1)
        made = (
            sqlite3.IntegrityError(str(error)) if code & 0xFF == 19 else sqlite3.OperationalError(str(error))
        )
        made.sqlite_errorcode = code
        made.sqlite_errorname = type(error).__name__
        raise made from None


class SimBlocks(Blocks):
    """Blocks of the simulated disk: room is asked for, and nothing is written."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def for_file(self, size: int) -> None:
        self._take("journal.sqlite", size)

    def for_log(self, size: int) -> None:
        if "journal.sqlite-wal" in self._disk.files:
            self._take("journal.sqlite-wal", size)

    def _take(self, name: str, size: int) -> None:
        content = self._disk.files.get(name, bytearray())
        more = size - len(content)
        if more <= 0 or self._disk.room is None:
            return
        if sum(map(len, self._disk.files.values())) + more > self._disk.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
