"""Small files that only we may read and that a power cut leaves whole."""

import os
from pathlib import Path

PRIVATE = 0o600


def read_text(path: Path) -> str | None:
    """What is in the file, or None where there is none."""
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None


def replace_text(path: Path, text: str) -> None:
    """Write and sync a new file under another name, rename it over the old, sync the folder."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    with open(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, PRIVATE)
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
