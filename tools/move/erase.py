"""Deleting files so that their present bytes are gone: written over, synced, and only then unlinked.

Through a file system that writes in place (ext4 as it comes) the blocks that the file has are the ones written over. Flash
below it may keep copies that nothing outside the card can reach by number; docs/privacy.md says what is promised.
"""

import os
import stat
from collections.abc import Callable, Collection
from pathlib import Path

CHUNK = bytes(1 << 16)


class Eraser:
    """Erases files and folders; `told` hears of each that is gone."""

    def __init__(self, told: Callable[[Path], None] = lambda _path: None) -> None:
        self._told = told

    def file(self, path: Path) -> None:
        """Erase one file; no error where it is not there. A link, a socket or a pipe is only unlinked.

        Raises:
            OSError: it could not be written over, and is still there.
        """
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            return
        if stat.S_ISREG(mode):
            overwrite(path)
        path.unlink()
        sync_folder(path.parent)
        self._told(path)

    def tree(self, path: Path, keep: Collection[Path] = ()) -> None:
        """Erase everything in a folder, and it, but for `keep` and the folders that hold it. Raises OSError."""
        if path.is_symlink() or not path.is_dir():
            if path not in keep:
                self.file(path)
            return
        for each in sorted(path.iterdir()):
            if each not in keep:
                self.tree(each, keep)
        if not any(path.iterdir()):
            path.rmdir()

    def contents(self, path: Path, keep: Collection[Path] = ()) -> None:
        """Erase everything in a folder but `keep`; the folder stays. Raises OSError."""
        if path.is_dir():
            for each in sorted(path.iterdir()):
                if each not in keep:
                    self.tree(each, keep)


def overwrite(path: Path) -> None:
    """Zeros over every byte that the file has, on the medium. A file without the right to write gets it."""
    path.chmod(path.stat().st_mode | stat.S_IWUSR)
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    try:
        left = os.fstat(descriptor).st_size
        while left > 0:
            left -= os.write(descriptor, CHUNK[: min(left, len(CHUNK))])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """That a name is gone is on the medium, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fill(folder: Path, least_free_bytes: int = 16 << 20) -> int:
    """Zeros over the free space of a folder's file system, but for a rest for others; how many bytes.

    What files had before they were replaced or shortened lies there. The file that fills is unlinked again.
    """
    path = folder / "fill"
    written = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        while True:
            seen = os.statvfs(folder)
            room = seen.f_bavail * seen.f_frsize - least_free_bytes
            if room <= 0:
                break
            for _ in range(max(1, min(room, 64 << 20) // len(CHUNK))):
                written += os.write(descriptor, CHUNK)
        os.fsync(descriptor)
    except OSError:  # full sooner than it said: that is what was wanted
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        path.unlink()
    return written
