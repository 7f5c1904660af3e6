"""A hash of the code that a figure speaks of: trials of other code are trials of another thing."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = (".py", ".sql", ".toml")
SHOWN = 16


def files_of(modules: Iterable[str], root: Path = ROOT) -> Iterator[Path]:
    """Their files, sorted. Raises FileNotFoundError for a name that is not there."""
    for module in sorted(modules):
        path = root / module
        if path.is_file():
            yield path
        elif path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES)
        else:
            raise FileNotFoundError(f"{module}: a figure names code that is not there")


def hash_of(modules: Iterable[str], root: Path = ROOT) -> str:
    """First digits of SHA-256 over names and contents."""
    digest = hashlib.sha256()
    for file in files_of(modules, root):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(root)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:SHOWN]
