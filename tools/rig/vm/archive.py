"""Archives of the virtual machine's files, in the form that a kernel unpacks at boot.

Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst ("newc").
"""

import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MAGIC, TRAILER, ALIGNMENT = b"070701", "TRAILER!!!", 4
MERGED = (
    "bin/",
    "sbin/",
    "lib/",
    "lib64/",
)  # below usr since 2022; packages of that time name the old places


class Archive:
    """A newc archive that is being written. Everything in it belongs to root."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._inode = 0
        self._names: set[str] = set()

    def add(self, name: str, mode: int, data: bytes = b"") -> None:
        """One entry, its folders before it; what has been added stays. `mode` holds the kind of file."""
        name = name.strip("/")
        if not name or name in self._names:
            return
        parent = name.rpartition("/")[0]
        if parent:
            self.add(parent, stat.S_IFDIR | 0o755)
        self._names.add(name)
        self._entry(name, mode, data)

    def close(self) -> None:
        """Write the end."""
        self._entry(TRAILER, 0, b"")

    def _entry(self, name: str, mode: int, data: bytes) -> None:
        self._inode += 1
        path = name.encode() + b"\0"
        # inode, mode, uid, gid, links, mtime, size, four numbers of devices, length of the name, checksum
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        self._padded(MAGIC + b"".join(b"%08X" % field for field in fields) + path)
        self._padded(data)

    def _padded(self, data: bytes) -> None:
        self._file.write(data + bytes(-len(data) % ALIGNMENT))


def copy_tar(source: Path, target: Archive, unwanted: tuple[str, ...]) -> None:
    """Everything of a tar archive but what is below `unwanted`; device files come from the kernel."""
    with tarfile.open(source) as tar:
        for member in tar:
            name = member.name.removeprefix(".").strip("/")
            if f"{name}/".startswith(MERGED):
                name = f"usr/{name}"
            if not f"{name}/".startswith(unwanted):
                for kind, data in _contents(tar, member):
                    target.add(name, kind | member.mode, data)


def _contents(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[tuple[int, bytes]]:
    if member.issym():
        yield stat.S_IFLNK, member.linkname.encode()
    elif member.isdir():
        yield stat.S_IFDIR, b""
    elif member.isreg() or member.islnk():  # a second name of a file becomes a second file
        file = tar.extractfile(member)
        assert file is not None
        yield stat.S_IFREG, file.read()
