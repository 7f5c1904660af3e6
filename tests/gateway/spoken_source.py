"""One file of ours as a syntax tree, for `tests.gateway.spoken`: functions, constants, and what fields are given."""

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path

BLANK = "7"  # where a value stands in a text
MOST = 24  # readings of one expression; beyond that it is a blank

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module:
    """One file: its functions, constants, and what its objects' fields are given."""

    def __init__(self, path: Path, root: Path) -> None:
        self.path = path.relative_to(root).as_posix()
        self.name = self.path.removesuffix(".py").replace("/", ".")
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.within: dict[ast.AST, Function] = {}
        self.classes: dict[Function, str] = {}
        self.functions: list[Function] = []
        self.constants: dict[str, ast.expr] = {}
        self.imported: dict[str, tuple[str, str]] = {}
        self.fields: dict[str, list[ast.expr]] = {}
        self.names: dict[Function, dict[str, list[ast.expr]]] = {}
        for node in self.tree.body:
            for target, given in assigned(node):
                if isinstance(target, ast.Name):
                    self.constants[target.id] = given
        self.look(self.tree, None, "")

    def look(self, node: ast.AST, function: Function | None, holder: str) -> None:
        for child in ast.iter_child_nodes(node):
            if function is not None:
                self.within[child] = function
            if isinstance(child, ast.ImportFrom) and child.module:
                for alias in child.names:
                    self.imported[alias.asname or alias.name] = (child.module, alias.name)
            for target, given in assigned(child):
                if isinstance(target, ast.Attribute):
                    self.fields.setdefault(target.attr, []).append(given)
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                self.functions.append(child)
                self.classes[child] = holder
                self.look(child, child, "")
            elif isinstance(child, ast.ClassDef):
                self.look(child, function, child.name)
            else:
                self.look(child, function, holder)

    def function(self, name: str, holder: str) -> Function:
        """One function of this file, of a class or not."""
        return next(each for each in self.functions if each.name == name and self.classes[each] == holder)

    def given_to(self, function: Function, name: str) -> list[ast.expr]:
        """What a function assigns to a name of its own."""
        if function not in self.names:
            names: dict[str, list[ast.expr]] = {}
            for part in ast.walk(function):
                for target, given in (*assigned(part), *looped(part)):
                    if isinstance(target, ast.Name):
                        names.setdefault(target.id, []).append(given)
            self.names[function] = names
        return self.names[function].get(name, [])


def assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(target, value) of an assignment."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                yield from zip(target.elts, node.value.elts, strict=False)
            else:
                yield target, node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        yield node.target, node.value


def looped(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(target, value) of a loop over rows that are written out."""
    if isinstance(node, ast.For) and isinstance(node.target, ast.Tuple) and isinstance(node.iter, ast.Tuple):
        for row in node.iter.elts:
            if isinstance(row, ast.Tuple):
                yield from zip(node.target.elts, row.elts, strict=True)


def detail(expression: ast.expr) -> ast.expr:
    """The words of a refusal, which is a pair: why it is counted, and the words."""
    return (
        expression.elts[1] if isinstance(expression, ast.Tuple) and len(expression.elts) == 2 else expression
    )


def callee(call: ast.Call) -> str:
    """The last name of what is called."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def strings(tree: ast.AST) -> Iterator[str]:
    """Texts of more than one word, docstrings excepted."""
    notes = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in notes else None
        if isinstance(text, str) and " " in text.strip():
            yield text


def is_word(text: str) -> bool:
    """Whether there is anything to read in a text."""
    return any(letter.isalpha() and letter.isascii() for letter in text)


def joined(parts: list[list[str]]) -> list[str]:
    """Every way to put parts together."""
    count = 1
    for part in parts:
        count *= len(part)
    if count > MOST:
        parts = [part if len(part) == 1 else [BLANK] for part in parts]
    return several(["".join(each) for each in itertools.product(*parts)])


def several(texts: list[str]) -> list[str]:
    """Without repetitions."""
    return list(dict.fromkeys(texts))
