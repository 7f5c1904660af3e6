"""The boot partition of a card: a directory where it is mounted, or the FAT partition within an image or on a card, through mtools.

Both have one face: names go by `/`, what is written is on the medium when `sync` returns.
"""

import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Protocol

from tools.flash.errors import FlashError
from tools.flash.medium import said_of

SECTOR = 512
FAT_TYPES = (0x01, 0x04, 0x06, 0x0B, 0x0C, 0x0E)  # of a partition table; Raspberry Pi OS has 0x0C
TABLE_AT, ENTRY_BYTES = 446, 16
PROTECTIVE = 0xEE  # a GPT stands behind it
TOOLS = ("mcopy", "mdel", "mdir", "mmd")


class BootMedium(Protocol):
    """Files of a boot partition. Every call raises FlashError where the medium fails."""

    def names(self) -> set[str]:
        """Files and folders at its top, folders without a stroke."""

    def read(self, name: str) -> bytes | None:
        """A file, or None where there is none."""

    def write(self, name: str, data: bytes) -> None:
        """Make or replace a file; its folder is made where it is not there."""

    def remove(self, name: str) -> None:
        """No error where it is not there."""

    def sync(self) -> None:
        """Returns when all of it is on the medium, and the next `read` comes from there."""


class Folder:
    """A mounted directory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> set[str]:
        with said_of(str(self._path)):
            return {each.name for each in self._path.iterdir()}

    def read(self, name: str) -> bytes | None:
        with said_of(str(self._path)):
            path = self._path / name
            return path.read_bytes() if path.is_file() else None

    def write(self, name: str, data: bytes) -> None:
        with said_of(str(self._path)):
            path = self._path / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)

    def remove(self, name: str) -> None:
        with said_of(str(self._path)):
            (self._path / name).unlink(missing_ok=True)

    def sync(self) -> None:
        with said_of(str(self._path)):
            for path in self._path.rglob("*"):
                force(path)
            force(self._path)


def force(path: Path) -> None:
    """A file or folder onto the medium, and out of the cache. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
        if path.is_file():
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


class FatImage:
    """The FAT partition that begins at byte `at` of an image or a card. Made by `fat_of`."""

    def __init__(self, path: Path, at: int) -> None:
        self._path = path
        self._where = f"{path}@@{at}"

    def names(self) -> set[str]:
        lines = self._mtool("mdir", "-b", "-a", "::").decode("utf-8", "replace").splitlines()
        return {line.removeprefix("::/").rstrip("/") for line in lines if line.startswith("::/")}

    def read(self, name: str) -> bytes | None:
        folder, _, last = name.rpartition("/")
        if folder and folder not in self.names():
            return None
        listed = self._mtool("mdir", "-b", "-a", f"::{folder}").decode("utf-8", "replace").splitlines()
        if last.lower() not in {line.rpartition("/")[2].lower() for line in listed}:
            return None
        return self._mtool("mcopy", f"::{name}", "-")

    def write(self, name: str, data: bytes) -> None:
        folder = name.rpartition("/")[0]
        if folder and folder not in self.names():
            self._mtool("mmd", f"::{folder}")
        with tempfile.NamedTemporaryFile() as source:  # from a pipe mcopy does not say that the disk is full
            source.write(data)
            source.flush()
            self._mtool("mcopy", "-o", source.name, f"::{name}")

    def remove(self, name: str) -> None:
        if self.read(name) is not None:
            self._mtool("mdel", f"::{name}")

    def sync(self) -> None:
        with said_of(str(self._path)):
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)

    def _mtool(self, tool: str, *arguments: str) -> bytes:
        found = shutil.which(tool)
        if found is None:
            raise FlashError(
                "an image's boot partition needs mtools: apt-get install mtools, or mount it and give its folder"
            )
        command = [found, "-i", self._where, *arguments]
        ran = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, "MTOOLS_SKIP_CHECK": "1"},
            check=False,
        )
        if ran.returncode:
            cause = " ".join(ran.stderr.decode("utf-8", "replace").split()) or str(ran.returncode)
            full = "disk full" in cause.lower()
            raise FlashError(
                f"the boot partition of {self._path!s} has no room left: take another image"
                if full
                else f"the boot partition of {self._path!s} cannot be used ({cause})"
            )
        return ran.stdout


def opened(path: Path) -> BootMedium:
    """A directory or an image. Raises FlashError: neither."""
    if path.is_dir():
        return Folder(path)
    return fat_of(path)


def fat_of(path: Path) -> FatImage:
    """The first FAT partition of an image or a card. Raises FlashError: there is none."""
    with said_of(str(path)), path.open("rb") as file:
        head = file.read(SECTOR)
    return FatImage(path, fat_at(head, str(path)))


def fat_at(head: bytes, name: str) -> int:
    """Where it begins, in bytes, from the first sector of a disk. Raises FlashError."""
    if len(head) == SECTOR and head[510:] == b"\x55\xaa":
        if head[0] in (0xEB, 0xE9) and (head[54:57] == b"FAT" or head[82:85] == b"FAT"):
            return 0
        for entry in range(4):
            row = head[TABLE_AT + entry * ENTRY_BYTES : TABLE_AT + (entry + 1) * ENTRY_BYTES]
            if row[4] == PROTECTIVE:
                break
            first: int = struct.unpack_from("<I", row, 8)[0]
            if row[4] in FAT_TYPES and first:
                return first * SECTOR
    raise FlashError(
        f"{name} has no FAT partition in a table of the old kind: is it an image of Raspberry Pi OS, and unpacked?"
    )
