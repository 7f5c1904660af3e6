"""A disk with a volatile cache: what was not synced may be gone, torn at any sector, or there without what came before it.

A file's writes and truncations are durable after a sync of that file; that it exists, or is gone, after the next sync of
any file (as ext4 commits names with data). A write tears at 512 bytes. Bytes beside those written are not disturbed: SQLite
assumes as much of Linux file systems (SQLITE_IOCAP_POWERSAFE_OVERWRITE).
"""

import random
from collections.abc import Container
from dataclasses import dataclass, field

SECTOR_BYTES = 512

WRITE, TRUNCATE, SYNC, DELETE, DROPPED = "write", "truncate", "sync", "delete", "dropped"
# Of names. Only `names.NameCuts` knows them: a journal's life renames nothing.
CREATE, RENAME, SYNC_NAMES = "create", "rename", "sync names"

# What goes wrong at an operation, apart from a cut. A sync that fails leaves what was written for a later one (FAILED), or
# drops it, and no later sync brings it to the disk: Linux keeps it in memory and calls it clean (FORGOTTEN), until
# that memory is needed (LOST), and then the process reads what was there before.
EIO, ENOSPC = "eio", "enospc"
LOST_SYNC, FORGOTTEN_SYNC, FAILED_SYNC = "lost sync", "forgotten sync", "failed sync"
SYNC_FAULTS = (LOST_SYNC, FORGOTTEN_SYNC, FAILED_SYNC)
UNREAD = "unread"  # EIO at a read


class FaultError(Exception):
    """An operation fails as a disk makes it fail; `effect` says how."""

    def __init__(self, effect: str) -> None:
        super().__init__(effect)
        self.effect = effect


@dataclass
class Operation:
    """One thing that was asked of the disk."""

    kind: str
    file: str
    offset: int = 0
    data: bytes = b""


@dataclass
class Image:
    """Files as a power cut leaves them."""

    files: dict[str, bytearray] = field(default_factory=dict)


class Disk:
    """Files in memory, and every operation on them in order. `faults`: number of an operation => effect."""

    def __init__(self, image: Image | None = None, faults: dict[int, str] | None = None) -> None:
        self.files = image.files if image is not None else {}
        self.first = {name: bytes(data) for name, data in self.files.items()}
        self.log: list[Operation] = []
        self.faults = faults if faults is not None else {}
        self.struck = 0  # faults that came to pass
        self.stop_at: int | None = None
        self.room: int | None = None  # bytes that all files may take together, None for no end
        self.reads = 0
        self.unreadable: Container[int] = ()  # numbers of the reads, from 1, that the medium does not answer
        self.unsynced: dict[str, dict[int, bytes]] = {}  # what a failed sync may drop: offset => bytes before

    def note(self, operation: Operation) -> None:
        """Every operation passes here before it takes hold. Raises FaultError."""
        self.log.append(operation)
        if self.stop_at is not None and len(self.log) > self.stop_at:
            raise FaultError(EIO)
        effect = self.faults.get(len(self.log))
        if effect is None or effect not in possible(operation.kind):
            return
        self.struck += 1
        if effect in (LOST_SYNC, FORGOTTEN_SYNC):
            self.drop(operation.file, evict=effect == LOST_SYNC)
            self.log[-1] = Operation(DROPPED, operation.file)
        else:
            self.log[-1] = Operation("failed " + operation.kind, operation.file)
        raise FaultError(effect)

    def write(self, name: str, offset: int, data: bytes) -> None:
        """Write over or behind what is there. Raises FaultError."""
        self.note(Operation(WRITE, name, offset, data))
        content = self.files[name]
        end = offset + len(data)
        if end > len(content):
            if self.room is not None and sum(map(len, self.files.values())) + end - len(content) > self.room:
                self.log[-1] = Operation("failed write", name)
                raise FaultError(ENOSPC)
            content.extend(bytes(end - len(content)))
        if self.faults:
            self.unsynced.setdefault(name, {}).setdefault(offset, bytes(content[offset:end]))
        content[offset:end] = data

    def truncate(self, name: str, size: int) -> None:
        """Cut a file short. Raises FaultError."""
        self.note(Operation(TRUNCATE, name, size))
        del self.files[name][size:]

    def sync(self, name: str) -> None:
        """Make a file durable. Raises FaultError."""
        self.note(Operation(SYNC, name))
        self.unsynced.pop(name, None)

    def delete(self, name: str) -> None:
        """Remove a name. Raises FaultError."""
        self.note(Operation(DELETE, name))
        self.files.pop(name, None)

    def create(self, name: str) -> None:
        """A name for a file without content. Raises FaultError."""
        self.note(Operation(CREATE, name))
        self.files[name] = bytearray()

    def rename(self, name: str, other: str) -> None:
        """Give a file another name, which may have been another's. Raises FaultError."""
        self.note(Operation(RENAME, name, data=other.encode()))
        self.files[other] = self.files.pop(name)

    def sync_names(self) -> None:
        """Make the folder durable. Raises FaultError."""
        self.note(Operation(SYNC_NAMES, ""))

    def read(self, content: bytearray, offset: int, amount: int) -> bytes:
        """Bytes of a file, counted. Raises FaultError."""
        self.reads += 1
        if self.reads in self.unreadable:
            self.struck += 1
            raise FaultError(UNREAD)
        return bytes(content[offset : offset + amount])

    def drop(self, name: str, *, evict: bool) -> None:
        """What a kernel may do after a failed sync: call pages clean that it could not write, and then let go of them."""
        content = self.files.get(name)
        for offset, before in reversed(list(self.unsynced.pop(name, {}).items())):
            if evict and content is not None:
                content[offset : offset + len(before)] = before


class Cuts:
    """Images at each moment of a disk's log: `at(number)` moves on, `image(random)` is one that may be left there."""

    def __init__(self, disk: Disk) -> None:
        self._log = disk.log
        self._position = 0
        self._durable = {name: bytearray(data) for name, data in disk.first.items()}
        self._pending: list[Operation] = []

    def at(self, number: int) -> None:
        """The moment before operation `number` (from 0); only forwards."""
        while self._position < number:
            self._pass(self._log[self._position])
            self._position += 1

    def _pass(self, operation: Operation) -> None:
        if operation.kind == SYNC:
            rest = []
            for waiting in self._pending:
                if waiting.file == operation.file or waiting.kind == DELETE:
                    apply(self._durable, waiting)
                else:
                    rest.append(waiting)
            self._pending = rest
        elif operation.kind == DROPPED:
            self._pending = [
                waiting
                for waiting in self._pending
                if waiting.file != operation.file or waiting.kind == DELETE
            ]
        elif operation.kind in (WRITE, TRUNCATE, DELETE):
            self._pending.append(operation)

    @property
    def settled(self) -> bool:
        """Whether nothing waits for a sync: then there is one image only."""
        return not self._pending

    def image(self, chance: random.Random, mode: int) -> Image:
        """Mode 0: nothing that was not synced. 1: all of it. Others: any part of it, torn and reordered."""
        files = {name: bytearray(data) for name, data in self._durable.items()}
        if mode == 1:
            for operation in self._pending:
                apply(files, operation)
        elif mode > 1:
            share = chance.choice((0.1, 0.5, 0.9, 1.0))
            for operation in self._pending:
                for part in torn(operation, chance, share):
                    apply(files, part)
        return Image(files)


def possible(kind: str) -> tuple[str, ...]:
    """Effects that can strike an operation."""
    if kind == SYNC:
        return SYNC_FAULTS
    return (EIO, ENOSPC) if kind == WRITE else (EIO,)


def torn(operation: Operation, chance: random.Random, share: float) -> list[Operation]:
    """Those sectors of a write that came through; other operations whole or not at all."""
    if operation.kind != WRITE:
        return [operation] if chance.random() < share else []
    parts, done = [], 0
    while done < len(operation.data):
        offset = operation.offset + done
        size = min(SECTOR_BYTES - offset % SECTOR_BYTES, len(operation.data) - done)
        if chance.random() < share:
            parts.append(Operation(WRITE, operation.file, offset, operation.data[done : done + size]))
        done += size
    return parts


def apply(files: dict[str, bytearray], operation: Operation) -> None:
    """Let an operation take hold in `files`."""
    if operation.kind == DELETE:
        files.pop(operation.file, None)
        return
    content = files.setdefault(operation.file, bytearray())
    if operation.kind == TRUNCATE:
        del content[operation.offset :]
        return
    end = operation.offset + len(operation.data)
    if end > len(content):
        content.extend(bytes(end - len(content)))
    content[operation.offset : end] = operation.data
