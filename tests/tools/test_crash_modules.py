"""The crash figures speak of the code that they exercise: all of it, and nothing beside it."""

import ast
from collections.abc import Iterable
from pathlib import Path

from tests.conftest import ROOT
from tools.evidence.hashing import files_of
from tools.rig.crash import figures
from tools.rig.crash.figures import MODULES

PRODUCT = ("gateway", "hal")


def file_of(name: str) -> str | None:
    """The file of a module of the product by its dotted name, from the root, or None: another's, or a name within one."""
    path = name.replace(".", "/") + ".py"
    return path if name.split(".", maxsplit=1)[0] in PRODUCT and (ROOT / path).is_file() else None


def imported_by(path: str) -> set[str]:
    """Files of the product that a file imports when it runs; what is for type checkers counts, too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    return {found for found in map(file_of, names) if found is not None}


def reached_from(paths: Iterable[str]) -> set[str]:
    """Files of the product that are imported by these, or by what they import."""
    found: set[str] = set()
    left = list(paths)
    while left:
        new = imported_by(left.pop()) - found
        found |= new
        left += new
    return found


def harness() -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in Path(figures.__file__).parent.glob("*.py"))


def of_product(modules: Iterable[str]) -> set[str]:
    return {name for name in files_of(ROOT, modules) if name.startswith(PRODUCT) and name.endswith(".py")}


def test_the_modules_of_the_figures_are_those_that_the_harness_reaches() -> None:
    assert of_product(MODULES) == reached_from(harness())
    assert all(figure.modules == MODULES for figure in figures.FIGURES)
    assert any(name.endswith(".sql") for name in files_of(ROOT, MODULES))


def test_control_a_module_that_is_left_out_or_beside_the_journal_is_found() -> None:
    reached = reached_from(harness())
    assert "hal/linux/journal_errors.py" in reached, "that only what is imported imports"
    without = [name for name in MODULES if name != "hal/linux/journal_errors.py"]
    assert of_product(without) != reached
    assert of_product(["hal/linux", *MODULES]) > reached
