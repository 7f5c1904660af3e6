"""Judges a copy of micropython-lib's aioble against firmware/aioble.toml: these files, whole, and no others.

    python -m tools.firmware.aioble FOLDER      the folder that holds core.py and the rest

Exit status 1 where the copy is another one.
"""

import argparse
import hashlib
import sys
import tomllib
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parent.parent.parent / "firmware" / "aioble.toml"


class CopyError(Exception):
    """A copy that is not the one that was chosen."""


def read_lock(path: Path = LOCK) -> dict[str, Any]:
    """Version, repository, commit, folder, and the SHA-256 of each file."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def read_copy(folder: Path, lock: dict[str, Any]) -> dict[str, bytes]:
    """The files that the lock names. Files beside them (peripheral, server, l2cap) are left out: a board serves nothing.

    Raises:
        CopyError: one is missing or different.
    """
    found = {}
    for name, wanted in lock["files"].items():
        try:
            data = (folder / name).read_bytes()
        except OSError as error:
            raise CopyError(f"{folder / name} cannot be read: {error.strerror}") from error
        digest = hashlib.sha256(data).hexdigest()
        if digest != wanted:
            raise CopyError(
                f"{folder / name} is another one: SHA-256 {digest}, chosen was {wanted} "
                f"(aioble {lock['version']}, {lock['repository']} at {lock['commit']})"
            )
        found[name] = data
    return found


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tools.firmware.aioble", description=__doc__)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(argv)
    lock = read_lock()
    try:
        found = read_copy(options.folder, lock)
    except CopyError as error:
        print(f"aioble: {error}", file=sys.stderr)
        return 1
    print(f"aioble {lock['version']}: {len(found)} files as they were chosen")
    return 0


if __name__ == "__main__":
    sys.exit(main())
