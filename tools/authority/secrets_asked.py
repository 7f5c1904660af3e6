"""Passphrases: asked at the terminal, twice for a new one, or a piped line, or the first line of a private file."""

import stat
import sys
from pathlib import Path

from gateway.core.errors import ConfigError
from gateway.daemon import asking
from gateway.daemon.arguments import reworded
from tools.authority.given import unreadable
from tools.authority.sealed import check_passphrase

OPTION = "--passphrase-file"


def passphrase(
    file: Path | None,
    prompt: str = "passphrase of the authority",
    *,
    option: str = OPTION,
    new: bool = False,
) -> str:
    """A passphrase; a new one is long enough and, at a terminal, typed twice alike. option: that of `file`. Raises ConfigError."""
    if file is not None:
        found = from_file(file, option)
    else:
        found = asking.secret(f"{reworded(prompt)}:", option)
        typed = sys.stdin.isatty()
        if new and typed and asking.secret(f"{reworded('the same again')}:", option) != found:
            raise ConfigError("passphrase", "two that differ", "the same twice", "")
    return check_passphrase(found) if new else found


def from_file(path: Path, option: str) -> str:
    """The first line of a file that only its owner may read. option: which names it. Raises ConfigError."""
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(option, "a file that others may read", "one of mode 600", str(path))
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise unreadable(option, error, path) from error
    return lines[0] if lines else ""
