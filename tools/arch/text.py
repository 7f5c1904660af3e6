"""What no file of the repository may say: where one machine keeps things, and where packages come from."""

import re
from collections.abc import Iterator

from tools.arch.source import Finding, Source

# Each pattern is written so that it does not match itself.
FORBIDDEN = {
    "a package index": re.compile(
        r"\bpypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|deb\.debian\.org|--(?:extra-)?index-ur[l]|--find-link[s]\b"
    ),
    "a path of one machine": re.compile(
        r"(?<![\w.~-])/(?:wor[k]|roo[t]|tm[p]|hom[e]/[\w.-]+|User[s]/[\w.-]+|opt/pyp[i])(?![\w-])"
    ),
}


def check(source: Source) -> Iterator[Finding]:
    """Lines that name an index of packages or a path that exists on one machine only."""
    for number, line in enumerate(source.lines, start=1):
        for what, pattern in FORBIDDEN.items():
            found = pattern.search(line)
            if found:
                yield source.finding(number, f"names {what}: {found[0]!r}")


def check_empty(source: Source) -> Iterator[Finding]:
    """`gateway/__init__.py` and `hal/__init__.py` are frozen into the board and run at every import: no code."""
    if source.path in ("gateway/__init__.py", "hal/__init__.py") and source.text.strip():
        yield source.finding(1, "is not empty, and is to stay so")
