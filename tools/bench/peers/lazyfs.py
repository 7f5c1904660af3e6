"""A file system that forgets what was not synced, over FUSE: a power cut as it would be on a disk that keeps its word.

`python -m tools.bench.peers.lazyfs BACKING MOUNT`, in the peers' environment, as root. The contents of a file are
durable after an fsync of it. Names are durable after an fsync of their folder or, as on ext4, of any file. Setting the
attribute `user.cut` of the root ends the process: what was not durable is gone when BACKING is mounted again.
"""

import errno
import json
import os
import stat
import sys
import time
from pathlib import Path
from typing import Any

import mfusepy

BLOCK = 512


class Inode:
    """One file or folder as programs see it; `data` is what was written, synced or not."""

    def __init__(self, number: int, mode: int, data: bytes = b"") -> None:
        self.number = number
        self.mode = mode
        self.data = bytearray(data)
        self.changed_ns = time.time_ns()

    def facts(self) -> dict[str, int]:
        """As `stat` has them."""
        size = len(self.data)
        times = dict.fromkeys(("st_mtime", "st_ctime", "st_atime"), self.changed_ns)
        owner = {"st_uid": os.getuid(), "st_gid": os.getgid()}
        sizes = {"st_size": size, "st_blocks": -(-size // BLOCK)}
        return {"st_mode": self.mode, "st_nlink": 1, "st_ino": self.number, **sizes, **times, **owner}


class Backing:
    """What survives: contents by number, and the names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names = folder / "names.json"
        folder.mkdir(parents=True, exist_ok=True)

    def load(self) -> dict[str, Inode]:
        """Every file that is there; one whose name is durable and whose contents never were is empty."""
        rows: dict[str, list[int]] = json.loads(self.names.read_text()) if self.names.exists() else {}
        return {path: Inode(number, mode, self.contents(number)) for path, (number, mode) in rows.items()}

    def contents(self, number: int) -> bytes:
        """The synced contents of a file."""
        path = self.folder / str(number)
        return path.read_bytes() if path.exists() else b""

    def sync(self, inode: Inode) -> None:
        """The contents of one file."""
        (self.folder / str(inode.number)).write_bytes(inode.data)

    def sync_names(self, tree: dict[str, Inode]) -> None:
        """All names."""
        rows = {path: [inode.number, inode.mode] for path, inode in tree.items() if path != "/"}
        new = self.names.with_suffix(".new")
        new.write_text(json.dumps(rows))
        new.replace(self.names)


class LazyFS(mfusepy.Operations):  # type: ignore[misc]  # mfusepy is not installed where types are checked
    """The calls of FUSE."""

    use_ns = True

    def __init__(self, backing: Backing) -> None:
        self.backing = backing
        self.tree = {"/": Inode(1, stat.S_IFDIR | 0o755), **backing.load()}
        self.last = max(inode.number for inode in self.tree.values())

    def get(self, path: str) -> Inode:
        """The inode of a path."""
        if path not in self.tree:
            raise mfusepy.FuseOSError(errno.ENOENT)
        return self.tree[path]

    def new(self, path: str, mode: int) -> int:
        """A new file or folder."""
        self.last += 1
        self.tree[path] = Inode(self.last, mode)
        return 0

    # --- durability --------------------------------------------------------------------------------------------

    def fsync(self, path: str, datasync: int, fh: Any) -> int:
        self.backing.sync(self.get(path))
        self.backing.sync_names(self.tree)
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: Any) -> int:
        self.backing.sync_names(self.tree)
        return 0

    def setxattr(self, path: str, name: str, value: bytes, options: int, position: int = 0) -> int:
        if name == "user.cut":
            os._exit(0)
        raise mfusepy.FuseOSError(errno.ENOTSUP)

    def getxattr(self, path: str, name: str, position: int = 0) -> bytes:
        raise mfusepy.FuseOSError(errno.ENODATA)

    # --- an ordinary file system -------------------------------------------------------------------------------

    def getattr(self, path: str, fh: Any = None) -> dict[str, int]:
        return self.get(path).facts()

    def readdir(self, path: str, fh: Any) -> list[str]:
        above = path.rstrip("/") + "/"
        inside = [name[len(above) :] for name in self.tree if name != "/" and name.startswith(above)]
        return [".", "..", *[name for name in inside if "/" not in name]]

    def mkdir(self, path: str, mode: int) -> int:
        return self.new(path, stat.S_IFDIR | mode)

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        return self.new(path, stat.S_IFREG | mode)

    def open(self, path: str, flags: int) -> int:
        self.get(path)
        return 0

    def read(self, path: str, size: int, offset: int, fh: Any) -> bytes:
        return bytes(self.get(path).data[offset : offset + size])

    def write(self, path: str, data: bytes, offset: int, fh: Any) -> int:
        inode = self.get(path)
        if len(inode.data) < offset:
            inode.data += bytes(offset - len(inode.data))
        inode.data[offset : offset + len(data)] = data
        inode.changed_ns = time.time_ns()
        return len(data)

    def truncate(self, path: str, length: int, fh: Any = None) -> int:
        inode = self.get(path)
        inode.data = inode.data[:length] + bytes(max(0, length - len(inode.data)))
        return 0

    def unlink(self, path: str) -> int:
        self.get(path)
        del self.tree[path]
        return 0

    def rmdir(self, path: str) -> int:
        return self.unlink(path)

    def rename(self, old: str, new: str, flags: int = 0) -> int:
        self.tree[new] = self.get(old)
        del self.tree[old]
        return 0

    def chmod(self, path: str, mode: int) -> int:
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        return 0

    def utimens(self, path: str, times: Any = None) -> int:
        return 0

    def statfs(self, path: str) -> dict[str, int]:
        return {
            "f_bsize": 4096,
            "f_frsize": 4096,
            "f_blocks": 1 << 20,
            "f_bfree": 1 << 20,
            "f_bavail": 1 << 20,
        }


if __name__ == "__main__":
    mfusepy.FUSE(
        LazyFS(Backing(Path(sys.argv[1]))),
        sys.argv[2],
        foreground=True,
        nothreads=True,
        attr_timeout=0,
        entry_timeout=0,
    )
