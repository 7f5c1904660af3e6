"""What code a trial speaks of: one hash over the contents of the modules that a figure names."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

ENDINGS = (".py", ".sql", ".toml", ".csv")


def files_of(root: Path, modules: Iterable[str]) -> list[str]:
    """Paths from the root of every file that counts, sorted, each once.

    Raises:
        ValueError: a module is not there or holds nothing that counts; its trials would speak of nothing.
    """
    found: set[str] = set()
    for module in modules:
        place = root / module
        files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
        counted = [path.relative_to(root).as_posix() for path in files if path.suffix in ENDINGS]
        if not counted:
            raise ValueError(f"{module}: no such module; mend the figure's `modules`")
        found.update(counted)
    return sorted(found)


def hash_of(root: Path, modules: Iterable[str]) -> str:
    """SHA-256 over names and contents, in hex. A name's and a content's length keep neighbours apart."""
    digest = hashlib.sha256()
    for name in files_of(root, modules):
        for part in (name.encode(), (root / name).read_bytes()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
