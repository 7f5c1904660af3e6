"""Files that a move writes on another medium: whether they can be written is found before anything is wiped, and not after.

What looks is what writes: a file beside it, of a name that nobody has, is made whole, synced and removed again.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.json_text import dumps
from tools.move.erase import sync_folder
from tools.move.places import Places

NOTHING = "nothing was wiped"
BEGUN = "the wiping had begun before, and nothing more was wiped now"
ALL = "the gateway was wiped before, and nothing more was wiped now"
ROOM_BYTES = 64 << 10  # a report names each device of a home, and each trace that was found


def check(option: str, path: Path, places: Places, wiped: str = NOTHING) -> None:
    """That a file can be written here and is not wiped with the home. wiped: what is true of the gateway by now.

    Raises:
        ConfigError: it lies where the home is wiped.
        RefusedError: it cannot be written, with the cause and what to do.
    """
    if places.wipes(path):
        raise ConfigError(option, str(path), "a file on another medium than what is wiped", "command line")
    if path.is_dir():
        raise RefusedError(f"{path} is a folder: {wiped}. Name a file in it with {option}")
    try:
        probe(path.parent)
    except OSError as error:
        raise RefusedError(
            f"{path} cannot be written ({error.strerror}): {wiped}. Put the medium in, or name another file with {option}"
        ) from error


def check_image(path: Path, wiped: str = NOTHING) -> None:
    """That an image or a device can be looked through, which happens when all is wiped. Raises RefusedError."""
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise RefusedError(
            f"{path} cannot be read ({error.strerror}): {wiped}. Name an image or a device that is there with --scan"
        ) from error


def probe(folder: Path) -> None:
    """Make a file of the size of a report in a folder, durably, and remove it. Raises OSError."""
    beside(folder, bytes(ROOM_BYTES)).unlink()
    sync_folder(folder)


def beside(folder: Path, content: bytes) -> Path:
    """A file of a name that nobody has, durable; nothing of it stays where it has no room. Raises OSError."""
    descriptor, name = tempfile.mkstemp(suffix=".new", prefix=".trygg-", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        Path(name).unlink()
        raise
    return Path(name)


def write(path: Path, content: bytes, mode: int) -> None:
    """Replace a file whole, and durably. Raises OSError."""
    partial = beside(path.parent, content)
    partial.chmod(mode)
    partial.replace(path)
    sync_folder(path.parent)


def keep(path: Path, facts: dict[str, Any]) -> None:
    """Write a report, whole. Raises RefusedError: the medium went after it was looked at; the facts are kept on the gateway."""
    try:
        write(path, (dumps(facts) + "\n").encode(), 0o644)
    except OSError as error:
        raise RefusedError(
            f"the report could not be written to {path} ({error.strerror}): put the medium in and run the same command again"
        ) from error
