"""What a card is written through: a device that nobody else holds, or a file that stands for one.

Written pieces are forced out as they go, so that a pulled card is noticed and the speed that is shown is the card's. Reading back goes past the
cache of this machine (O_DIRECT), else after the cache was dropped; `past` says which was possible.
"""

import errno
import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tools.flash.disks import Disk, Disks
from tools.flash.errors import CardFullError, CardGoneError, FlashError

SYNC_BYTES = 32 << 20
ALIGNED = 4096
GONE = (errno.EIO, errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM, errno.ESTALE, errno.EREMOTEIO)
FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
PAST = ("past the cache", "after the cache was dropped", "through the cache of this machine")
DIRECT, DROPPED, CACHED = PAST


class Medium(Protocol):
    """Something to write a card's image to. size: bytes it holds, None where that is as many as are written."""

    size: int | None
    past: str

    def write(self, at: int, data: bytes) -> None:
        """Write a piece. Raises CardGoneError, CardFullError."""

    def sync(self) -> None:
        """Returns when all of it is on the medium. Raises CardGoneError, CardFullError."""

    def read(self, at: int, size: int) -> bytes:
        """Read what is on the medium, not what a cache remembers. Raises CardGoneError."""


class OpenMedium:
    """`Medium` over a path. device: a block device, opened so that nobody else has it. number: the device that was looked at."""

    def __init__(self, path: Path, *, device: bool, number: str = "") -> None:
        self.past = CACHED
        self._path = path
        self._device = device
        self._unsynced = 0
        self._reader: int | None = None
        self._direct = True
        is_new = not device and not path.exists()
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_EXCL if device else os.O_CREAT | os.O_NOFOLLOW)
        with said_of(str(path)):
            self._file = os.open(path, flags, 0o600)
        try:
            self.size = None if is_new else self._judge(number)
        except BaseException:
            os.close(self._file)
            raise

    def close(self) -> None:
        """Let go of it."""
        for descriptor in (self._file, self._reader):
            if descriptor is not None:
                os.close(descriptor)
        self._reader = None

    def write(self, at: int, data: bytes) -> None:
        with said_of(str(self._path)):
            view = memoryview(data)
            while view:
                done = os.pwrite(self._file, view, at)
                at, view = at + done, view[done:]
            self._unsynced += len(data)
            if self._unsynced >= SYNC_BYTES:
                self._force()

    def sync(self) -> None:
        with said_of(str(self._path)):
            self._force()
            os.fsync(self._file)

    def read(self, at: int, size: int) -> bytes:
        with said_of(str(self._path)):
            if self._direct:
                try:
                    return self._read_direct(at, size)
                except OSError as error:
                    if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                        raise
                    self._direct = False
            os.posix_fadvise(self._file, at, size, os.POSIX_FADV_DONTNEED)
            self.past = DROPPED
            return read_all(self._file, at, size)

    def _read_direct(self, at: int, size: int) -> bytes:
        """Raises OSError EINVAL: this file system has no such way."""
        if self._reader is None:
            self._reader = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECT)
            if os.fstat(self._reader).st_ino != os.fstat(self._file).st_ino:
                raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        whole = -(-size // ALIGNED) * ALIGNED
        with mmap.mmap(-1, whole) as buffer:
            found = 0
            while found < size:
                with memoryview(buffer) as view, view[found:] as rest:
                    got = os.preadv(self._reader, [rest], at + found)
                found += got
                if got == 0 or got % ALIGNED:
                    break
            self.past = DIRECT
            return buffer[: min(found, size)]

    def _force(self) -> None:
        os.fdatasync(self._file)
        self._unsynced = 0

    def _judge(self, number: str) -> int:
        """Its size. Raises FlashError: another device than the one that was looked at, or no ordinary file."""
        facts = os.fstat(self._file)
        if self._device:
            found = f"{os.major(facts.st_rdev)}:{os.minor(facts.st_rdev)}"
            if not stat.S_ISBLK(facts.st_mode) or found != number:
                raise FlashError(f"{self._path!s} is another device than a moment ago: begin again")
            return os.lseek(self._file, 0, os.SEEK_END)
        if not stat.S_ISREG(facts.st_mode) or self._path.suffix != ".img":
            raise FlashError(
                f"{self._path!s} is there and no card image: give a new name, or one that ends in .img"
            )
        return facts.st_size


def read_all(descriptor: int, at: int, size: int) -> bytes:
    """As many bytes as there are, `size` at most."""
    found = bytearray()
    while len(found) < size and (got := os.pread(descriptor, size - len(found), at + len(found))):
        found += got
    return bytes(found)


@contextmanager
def said_of(name: str) -> Iterator[None]:
    """What the system reports of a card, in words."""
    try:
        yield
    except OSError as error:
        if error.errno in GONE:
            raise CardGoneError(f"{name} is gone: put the card back and write it from the start") from error
        if error.errno in FULL:
            raise CardFullError(
                f"{name} is full before the image ends: take a larger card, or make room"
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise FlashError(f"{name} may not be written by this user: run it with sudo") from error
        if error.errno == errno.EROFS:
            raise FlashError(f"{name} is write-protected: move the small slide on the card") from error
        if error.errno == errno.EBUSY:
            raise FlashError(f"{name} is in use: eject it, and leave it in the reader") from error
        raise FlashError(f"{name} cannot be used ({error.strerror!s})") from error


@contextmanager
def card(disks: Disks, name: str) -> Iterator[tuple[Disk, OpenMedium]]:
    """A card that was judged, open for us alone. Raises FlashError."""
    disk = disks.judged(name)
    medium = OpenMedium(disk.path, device=True, number=disk.number)
    try:
        yield disk, medium
    finally:
        medium.close()


@contextmanager
def file(path: Path) -> Iterator[OpenMedium]:
    """A file that stands for a card: a new one as large as the image, or one that is there, with its size. Raises FlashError."""
    medium = OpenMedium(path, device=False)
    try:
        yield medium
    finally:
        medium.close()
