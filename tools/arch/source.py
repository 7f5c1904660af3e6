"""What the checks read: the repository's files, parsed once, and what a check says about one of them."""

import ast
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

GENERATED = '"""Generated '


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that breaks a rule; `fatal` ones fail the run, the others are advice."""

    path: str
    line: int
    message: str
    fatal: bool = True

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {'' if self.fatal else 'advice: '}{self.message}"


@dataclass(frozen=True)
class Source:
    """A file of the repository: `path` relative to its root with `/`, and its text."""

    path: str
    text: str = field(repr=False)

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    def syntax_error(self) -> SyntaxError | None:
        """Why a Python file cannot be parsed, or None."""
        if self.path.endswith(".py"):
            try:
                self.tree  # noqa: B018  parsed here, kept for the checks
            except SyntaxError as error:
                return error
        return None

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def is_generated(self) -> bool:
        return self.text.startswith(GENERATED)

    def within(self, *folders: str) -> bool:
        """True where the file is in one of `folders` at any depth."""
        return self.path.startswith(tuple(folder + "/" for folder in folders))

    def finding(self, line: int, message: str, *, fatal: bool = True) -> Finding:
        return Finding(self.path, line, message, fatal)


def repository_files(root: Path) -> list[str]:
    """Paths of what git tracks or would track below `root`, sorted."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return sorted(path for path in set(listed.split("\0")) if path and (root / path).is_file())


def read_sources(root: Path, paths: Iterable[str]) -> list[Source]:
    """The files that hold text; others have nothing to check."""
    sources = []
    for path in paths:
        try:
            sources.append(Source(path, (root / path).read_text("utf-8")))
        except UnicodeDecodeError:
            continue
    return sources
