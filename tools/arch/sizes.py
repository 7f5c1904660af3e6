"""Modules and functions stay small enough to read at a sitting and on a screen."""

import ast
from collections.abc import Iterator

from tools.arch.source import Finding, Source

CODE = ("gateway", "hal", "firmware", "tools", "tests")

MODULE_LINES, MODULE_ADVICE = 400, 350
FUNCTION_LINES, FUNCTION_ADVICE = 60, 40


def check(source: Source) -> Iterator[Finding]:
    """Modules and functions over their limit, and those near it as advice."""
    if not source.path.endswith(".py") or not source.within(*CODE) or source.is_generated:
        return
    lines = len(source.lines)
    if lines > MODULE_ADVICE:
        fatal = lines > MODULE_LINES
        message = f"module of {lines} lines, {MODULE_LINES} are allowed: split it by what its parts know"
        yield source.finding(1, message, fatal=fatal)
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = function_lines(node)
            if length > FUNCTION_ADVICE:
                message = f"{node.name} has {length} lines, {FUNCTION_ADVICE} fit a screen, {FUNCTION_LINES} are allowed"
                yield source.finding(node.lineno, message, fatal=length > FUNCTION_LINES)


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end; the docstring, which is the contract, does not count."""
    first = node.body[0]
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines
