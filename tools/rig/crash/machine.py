"""The product's own `open_file` on the simulated disk: what it asks of the system and of SQLite goes there.

`hal.linux.journal_file` and `hal.linux.journal_space` are loaded once more, from their own source, and their copies get a
system, paths and `sqlite3` of this machine. What they do, and in which order, is theirs. As beneath `native` there is no
shared memory, so a second connection to a store is the first one under another name.
"""

import contextlib
import errno
import importlib.util
import os
import sqlite3
import types
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any, ClassVar

from hal.linux import journal_file, journal_salvage, journal_space
from tools.rig.crash.disk import ENOSPC, Disk, FaultError
from tools.rig.crash.native import Connection, FileSystem, Parameters, Rows

FIRST_DESCRIPTOR = 1 << 20  # none that this process has
RESERVE_BYTES = (
    64 << 10
)  # of the file that keeps blocks for a log: less than in a home, so that images stay small


def fault(error: FaultError) -> OSError:
    """The system's error for what the disk did."""
    number = errno.ENOSPC if error.effect == ENOSPC else errno.EIO
    return OSError(number, os.strerror(number))


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """The disk's faults as errors of the system."""
    try:
        yield
    except FaultError as error:
        raise fault(error) from None


class SimPath(PurePosixPath):
    """`pathlib.Path`, as far as the journal knows it; each machine has a subclass with its own disk."""

    disk: ClassVar[Disk]

    def absolute(self) -> "SimPath":
        return self

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        pass

    def exists(self) -> bool:
        return self.name in self.disk.files

    def glob(self, pattern: str) -> Iterator["SimPath"]:
        return iter([self / name for name in list(self.disk.files) if PurePosixPath(name).match(pattern)])

    def read_text(self, encoding: str, errors: str = "strict") -> str:
        with refusing():
            content = self.disk.files[self.name]
            return self.disk.read(content, 0, len(content)).decode(encoding, errors)

    def unlink(self, missing_ok: bool = False) -> None:
        if not self.exists() and missing_ok:
            return
        with refusing():
            self.disk.delete(self.name)


class SimOs:
    """`os`, as far as the journal knows it. Names of files only: everything is in one folder."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._open: dict[int, str] = {}
        self._count = FIRST_DESCRIPTOR

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("O_"):
            raise AttributeError(f"os.{name} is not on the simulated machine: add it to {__name__}")
        return getattr(os, name)

    def open(self, path: object, flags: int, mode: int = 0o777) -> int:
        name = "" if flags & os.O_DIRECTORY else PurePosixPath(str(path)).name
        with refusing():
            if name and name not in self._disk.files:
                if not flags & os.O_CREAT:
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
                self._disk.create(name)
            if name and flags & os.O_TRUNC:
                self._disk.truncate(name, 0)
        self._count += 1
        self._open[self._count] = name
        return self._count

    def close(self, descriptor: int) -> None:
        del self._open[descriptor]

    def fsync(self, descriptor: int) -> None:
        with refusing():
            name = self._open[descriptor]
            if name:
                self._disk.sync(name)
            else:
                self._disk.sync_names()

    def write(self, descriptor: int, data: bytes) -> int:
        return self.pwrite(descriptor, data, 0)  # whoever writes here writes once, at the beginning

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
        with refusing():
            self._disk.write(self._open[descriptor], offset, data)
        return len(data)

    def ftruncate(self, descriptor: int, size: int) -> None:
        with refusing():
            self._disk.truncate(self._open[descriptor], size)

    def posix_fallocate(self, descriptor: int, offset: int, size: int) -> None:
        held = len(self._disk.files[self._open[descriptor]])
        if held < size:
            self.pwrite(descriptor, bytes(size - held), held)

    def rename(self, path: object, other: object) -> None:
        with refusing():
            self._disk.rename(PurePosixPath(str(path)).name, PurePosixPath(str(other)).name)

    def listdir(self, path: object) -> list[str]:
        return list(self._disk.files)

    def fchmod(self, descriptor: int, mode: int) -> None:
        pass

    def getpid(self) -> int:
        return 1


class First(Connection):
    """The end of one says nothing of what failed in it, as with the standard library's; `apsw` does."""

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            super().close()


class Second:
    """A second connection, which reads by the first; it ends without a word, as one does that is not the last."""

    def __init__(self, first: First) -> None:
        self._first = first

    def execute(self, sql: str, parameters: Parameters = ()) -> Rows:
        return Rows([], 0) if sql.startswith("PRAGMA") else self._first.execute(sql, parameters)

    def close(self) -> None:
        pass


class Machine:
    """One run of the product's start over a disk. `open_file` is the product's, and so is all it calls."""

    def __init__(self, system: FileSystem, disk: Disk, change: Callable[[Any], None] | None = None) -> None:
        """`change` may make the copy unsafe, for a control."""
        self.disk = disk
        path = type("PathHere", (SimPath,), {"disk": disk})
        self.path = path(system.put(disk))
        self._first: First | None = None
        space = copy_of(journal_space)
        self.file = copy_of(journal_file)
        for module in (space, self.file):
            module.os, module.Path = SimOs(disk), path
        space.WAL_BYTES = RESERVE_BYTES
        self.file.give_to_log, self.file.keep_for_log = space.give_to_log, space.keep_for_log
        self.file.fcntl = types.SimpleNamespace(flock=lambda descriptor, how: None, LOCK_EX=0, LOCK_NB=0)
        self.file.sqlite3 = types.SimpleNamespace(
            connect=self._connect, Error=sqlite3.Error, OperationalError=sqlite3.OperationalError
        )
        if change is not None:
            change(self.file)

    def open_file(self, random: Callable[[int], bytes]) -> Any:
        """As `Writer.run` does it. Raises HalError."""
        return self.file.open_file(self.path, random, self.file.migrations())

    def kill(self) -> None:
        """The process is gone: nothing that it does now reaches the disk."""
        self.disk.stop_at = 0
        if self._first is not None and self._first.is_open:
            self._first.close()

    def _connect(self, path: object, **how: object) -> Any:
        if self._first is not None and self._first.is_open:
            return Second(self._first)
        self._first = First(str(path))
        return self._first


def salvage(system: FileSystem, disk: Disk, name: str) -> Any:
    """The product's reader of stores that were set aside, for one on this disk."""
    module = copy_of(journal_salvage)
    path = PurePosixPath(system.put(disk)).with_name(name)
    module.sqlite3 = types.SimpleNamespace(
        connect=lambda address, **how: First(str(path), read_only=True), Error=sqlite3.Error
    )
    return module.Salvage(SimPath(path))


def copy_of(module: types.ModuleType) -> Any:
    """The same source as another module, which nothing else imports."""
    spec = importlib.util.find_spec(module.__name__)
    if spec is None or spec.loader is None:
        raise ImportError(f"{module.__name__} has no source")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made
