"""docs/hazards.md maps every hazard to controls and tests: no empty cell, no test that does not exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "hazards.md"
HAZARDS = [f"H{number}" for number in range(1, 13)]
HEADER = ["cause", "control", "requirements", "tests"]
EMPTY = re.compile(r"[\s\-–—?.]*|(todo|tbd|n/?a|none)", re.IGNORECASE)
REQUIREMENT = re.compile(r"D([1-9]|1[0-4])|P([1-9]|1[0-3])|N([1-9]|1\d|2[0-9])")
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def findings(page: str, root: Path) -> Iterator[str]:
    """What is wrong with a page of hazards."""
    sections = dict(re.findall(r"^## (H\d+) .*?\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    for hazard in HAZARDS:
        if hazard not in sections:
            yield f"{hazard} is not there"
            continue
        body = sections[hazard]
        for word in ("Harm", "Left"):
            if not re.search(rf"^{word}: \S", body, re.MULTILINE):
                yield f"{hazard} does not say `{word}:`"
        rows = [cells(line) for line in body.splitlines() if line.startswith("|")]
        if len(rows) < 3 or rows[0] != HEADER:
            yield f"{hazard} has no table of {', '.join(HEADER)}"
            continue
        for row in rows[2:]:
            yield from (f"{hazard}, {row[0]}: {said}" for said in row_findings(row, root))
    cited = set(re.findall(r"\b[DPN]\d+\b", page.partition("## Requirements cited")[0]))
    listed = set(re.findall(r"\b[DPN]\d+\b", page.partition("## Requirements cited")[2]))
    if cited != listed:
        yield f"cited and listed requirements differ: {sorted(cited ^ listed)}"


def row_findings(row: list[str], root: Path) -> Iterator[str]:
    """What is wrong with one row of a table."""
    if len(row) != len(HEADER):
        yield f"{len(row)} cells"
        return
    yield from (f"{name} is empty" for name, cell in zip(HEADER, row, strict=True) if EMPTY.fullmatch(cell))
    for requirement in row[2].split(", "):
        if not REQUIREMENT.fullmatch(requirement):
            yield f"{requirement!r} is no requirement"
    named = NAMED_TEST.findall(row[3])
    if not named:
        yield "no test is named"
    for path, name in named:
        if name not in names_of_tests(root / path):
            yield f"{path} has no test {name}{moved(name, root)}"
    if rest := NAMED_TEST.sub("", row[3]).replace("<br>", "").replace("control: ", "").strip():
        yield f"{rest!r} among the tests"


def moved(name: str, root: Path) -> str:
    """Where a test of that name stands now, for whoever moved it."""
    for path in sorted((root / "tests").rglob("test_*.py")):
        if name in names_of_tests(path):
            return f"; it is now in {path.relative_to(root)}"
    return ""


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def names_of_tests(path: Path) -> set[str]:
    """Tests of a module, as pytest would collect them."""
    if not path.is_file():
        return set()
    nodes = list(ast.parse(path.read_text("utf-8")).body)
    nodes += [inner for node in nodes if isinstance(node, ast.ClassDef) for inner in node.body]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in nodes if isinstance(node, functions) and node.name.startswith("test_")}


def test_every_hazard_has_causes_controls_requirements_and_tests_that_exist():
    assert list(findings(PAGE.read_text("utf-8"), ROOT)) == []


@pytest.mark.timeout(60)  # each hole is looked for in all of the page, with every test it names
def test_a_page_with_a_hole_is_found():
    page = PAGE.read_text("utf-8")
    first_test = NAMED_TEST.search(page)
    assert first_test is not None
    changes = {
        "is not there": page.replace("## H7 ", "## Seven "),
        "does not say `Left:`": page.replace("\nLeft:", "\nRest:", 1),
        "is no requirement": page.replace("| N8, N10 |", "| X8, N10 |", 1),
        "has no test": page.replace(first_test[2], first_test[2] + "_no_more", 1),
        "no test is named": re.sub(r"\| `tests/[^|]* \|", "| by hand |", page, count=1),
        "control is empty": re.sub(r"\| the journal forgets only[^|]*\|", "| – |", page, count=1),
        "differ": page.replace("| N12 | ", "| N11 | "),
    }
    for what, changed in changes.items():
        assert changed != page, what
        assert any(what in said for said in findings(changed, ROOT)), what


def test_a_name_in_a_text_is_no_test(tmp_path):
    path = tmp_path / "test_it.py"
    path.write_text(
        'TEXT = """\ndef test_text(): ...\n"""\n\ndef test_real(): ...\n\nclass Of:\n    def test_class(self): ...\n'
    )
    assert names_of_tests(path) == {"test_real", "test_class"}
