"""Habits of the tests: the other party is simulated, not patched, and below `tests/system` nobody waits."""

import ast
from collections.abc import Iterable, Iterator

from tools.arch.source import Finding, Source

# Lines that patch per 1000 lines of tests; dense mocks show a seam in the wrong place.
PATCHES_PER_1000 = 3
PATCHING = frozenset(
    {"mock", "Mock", "MagicMock", "AsyncMock", "PropertyMock", "patch", "mocker", "monkeypatch"}
)
MAY_SLEEP = ("tests/system", "tests/hil")


def check_patching(sources: Iterable[Source]) -> Iterator[Finding]:
    """Lines in all tests that name a mock or a patch, against their share of all lines."""
    tests = [source for source in sources if source.within("tests") and source.path.endswith(".py")]
    found = [
        source.finding(line, "patches what it tests") for source in tests for line in patching_lines(source)
    ]
    total = sum(len(source.lines) for source in tests)
    if len(found) * 1000 > PATCHES_PER_1000 * total:
        yield from found
        message = (
            f"{len(found)} patching lines in {total} lines of tests, {PATCHES_PER_1000} per 1000 are allowed"
        )
        yield Finding("tests", 0, message)


def patching_lines(source: Source) -> list[int]:
    """Lines that use or import a mock or a patch; a word in a text does not count."""
    lines = set()
    for node in ast.walk(source.tree):
        names = [getattr(node, "id", ""), getattr(node, "attr", ""), getattr(node, "arg", "")]
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names += [part for alias in node.names for part in alias.name.split(".")]
        if PATCHING.intersection(name for name in names if isinstance(name, str)):
            lines.add(getattr(node, "lineno", 1))
    return sorted(lines)


def check_sleeping(source: Source) -> Iterator[Finding]:
    """Real waiting in tests below the level of processes."""
    if not source.within("tests") or source.within(*MAY_SLEEP) or not source.path.endswith(".py"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and is_real_sleep(node):
            yield source.finding(node.lineno, "sleeps: give it a simulated clock, or await what it waits for")
        if isinstance(node, ast.ImportFrom) and node.module in ("time", "asyncio"):
            for alias in node.names:
                if alias.name == "sleep":
                    yield source.finding(node.lineno, f"imports sleep: write {node.module}.sleep")


def is_real_sleep(node: ast.Call) -> bool:
    """time.sleep(...), and asyncio.sleep(...) of more than 0, which lets other tasks run."""
    function = node.func
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
        return False
    if (function.value.id, function.attr) == ("time", "sleep"):
        return True
    zero = len(node.args) == 1 and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0
    return (function.value.id, function.attr) == ("asyncio", "sleep") and not zero
