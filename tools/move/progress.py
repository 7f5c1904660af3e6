"""How far a move has come: a small file, replaced whole after every step, so that the same command goes on with it."""

import json
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError
from tools.authority.folder import write

VERSION = 1


class Progress:
    """`done` are the steps that are over, `facts` what later ones must know. Nothing of a home stands in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: list[str] = []
        self.facts: dict[str, Any] = {}
        self.is_begun = path.exists()
        if self.is_begun:
            try:
                row = json.loads(path.read_text("utf-8"))
                self.done, self.facts = list(row["done"]), dict(row["facts"])
            except (OSError, ValueError, KeyError, TypeError) as error:
                found = f"nothing that can be read ({error})"
                raise ConfigError("(file)", found, "what an earlier trygg rehome wrote", str(path)) from error

    def keep(self) -> None:
        """On the medium, whole. Raises OSError."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        row = {"version": VERSION, "done": self.done, "facts": self.facts}
        write(self.path, json.dumps(row, indent=1, sort_keys=True).encode() + b"\n")
        self.is_begun = True

    def forget(self) -> None:
        """Nothing has been begun. Raises OSError."""
        self.path.unlink(missing_ok=True)
        if self.path.parent.is_dir() and not any(self.path.parent.iterdir()):
            self.path.parent.rmdir()
        self.facts, self.is_begun = {}, False

    def know(self, **facts: Any) -> None:
        """Keep facts. Raises OSError."""
        self.facts |= facts
        self.keep()

    def end(self, step: str) -> None:
        """A step is over. Raises OSError."""
        self.done.append(step)
        self.keep()
