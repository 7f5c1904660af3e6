"""Which branches of the safety core the portable tests take, by coverage.py."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
EVERYTHING = ("tests/core", "tests/hub")
PATIENCE = "timeout=120"  # for a test that is watched, on a machine that may be busy: slow is no verdict here


class RunError(Exception):
    """The tests themselves failed, so nothing is known of branches or mutants."""

    def __init__(self, said: str) -> None:
        """Of all that they said, what a line of a table can hold: which failed, else the end of it."""
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        failed = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
        super().__init__("; ".join(failed[:3] or lines[-3:]) or "they said nothing")


@dataclass(frozen=True)
class Seen:
    """Branches that there are, and those that no test takes, as `module: line -> line`; a line that is not run as `module: line`."""

    branches: int
    missed: tuple[str, ...]


def measure(modules: Iterable[str], tests: Iterable[str]) -> Seen:
    """Run tests with their branches watched.

    Raises:
        RunError: a test fails.
    """
    with tempfile.TemporaryDirectory(prefix="trygg-branches-") as folder:
        data, report = Path(folder) / "data", Path(folder) / "report.json"
        coverage = [sys.executable, "-m", "coverage"]
        include = "--include=" + ",".join(modules)
        told = run([*coverage, "run", "--branch", f"--data-file={data}", include, "-m", *pytest(tests)])
        if told.returncode:
            raise RunError(told.stdout)
        told = run([*coverage, "json", "-q", f"--data-file={data}", include, "-o", str(report)])
        if told.returncode:
            raise RunError(told.stdout)
        return read(json.loads(report.read_text("utf-8")), modules)


def read(report: dict[str, dict[str, dict[str, object]]], modules: Iterable[str]) -> Seen:
    """What a report says of the modules. One that it does not name was never imported: all of it is missed."""
    branches, missed = 0, []
    for module in modules:
        told = report["files"].get(module)
        if told is None:
            missed.append(f"{module}: never imported")
            continue
        summary: dict[str, int] = told["summary"]  # type: ignore[assignment]
        branches += summary["num_branches"]
        arcs: list[tuple[int, int]] = told["missing_branches"]  # type: ignore[assignment]
        missed += [f"{module}: {line} -> {'the end' if to < 0 else to}" for line, to in arcs]
        lines: list[int] = told["missing_lines"]  # type: ignore[assignment]
        missed += [f"{module}: {line}" for line in lines if line not in {end for arc in arcs for end in arc}]
    return Seen(branches, tuple(missed))


def pytest(tests: Iterable[str]) -> list[str]:
    """Its command line after `-m`, with the order of the files."""
    return ["pytest", "-q", "-x", "-p", "no:randomly", "-p", "no:cacheprovider", "-o", PATIENCE, *tests]


def run(command: list[str], folder: Path = ROOT, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A command, with what it says in one text. MUTANT_UNDER_TEST and the like are set by whoever means them."""
    known = {name: value for name, value in os.environ.items() if name != "MUTANT_UNDER_TEST"}
    return subprocess.run(
        command,
        cwd=folder,
        env=known | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
