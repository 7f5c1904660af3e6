"""Runs test modules on MicroPython, one process each, and counts what pytest makes of the same files."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.mpy.interpreter import Interpreter

HARNESS = Path(__file__).with_name("harness.py")
HEAP_MIB = 32
TIMEOUT_S = 300


@dataclass(frozen=True)
class Result:
    """What became of one test module: names of tests, and the output where one failed."""

    path: str
    passed: int
    failed: tuple[str, ...]
    output: str

    @property
    def count(self) -> int:
        return self.passed + len(self.failed)


def find_modules(root: Path, folders: Sequence[str]) -> list[str]:
    """Paths of test modules below `folders` (or named themselves), relative to `root`, sorted."""
    found = set()
    for folder in folders:
        path = root / folder
        for module in path.rglob("test_*.py") if path.is_dir() else [path]:
            found.add(module.relative_to(root).as_posix())
    return sorted(found)


def run_module(interpreter: Interpreter, root: Path, path: str, heap_mib: int = HEAP_MIB) -> Result:
    """Run one module's tests. A crash, a time-out or an import error fails the test it happened in."""
    name = path.removesuffix(".py").replace("/", ".")
    command = [interpreter.command, "-X", f"heapsize={heap_mib}M", str(HARNESS), name]
    environment = os.environ | {"MICROPYPATH": f"{root}:.frozen"}
    try:
        ran = subprocess.run(
            command,
            cwd=root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            check=False,
        )
        output, end = ran.stdout, f"the interpreter ended with status {ran.returncode}"
    except subprocess.TimeoutExpired as expired:
        output, end = expired.stdout or b"", f"no end within {TIMEOUT_S} s"
    return read_output(path, output.decode("utf-8", "replace"), end)


def read_output(path: str, output: str, end: str) -> Result:
    """Read the harness's lines; without its last one, the test that ran then has failed."""
    marks = re.findall(r"^@(run|passed|failed|end) ?(\S*)$", output, re.MULTILINE)
    passed = [name for mark, name in marks if mark == "passed"]
    failed = [name for mark, name in marks if mark == "failed"]
    if not marks or marks[-1][0] != "end":
        failed.append(marks[-1][1] if marks else "(import)")
        output += f"\n{end}\n"
    return Result(path, len(passed), tuple(failed), output)


def run_modules(interpreter: Interpreter, root: Path, paths: Sequence[str], heap_mib: int) -> list[Result]:
    """Run every module, as many at a time as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda path: run_module(interpreter, root, path, heap_mib), paths))


def count_on_cpython(root: Path, paths: Sequence[str]) -> tuple[Counter[str], str]:
    """Tests that pytest collects from each module, and its word on modules it cannot collect, else nothing."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:randomly"]
    command += ["--continue-on-collection-errors", *paths]
    collected = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    counts = Counter(re.findall(r"^(\S+?\.py)::", collected.stdout, re.MULTILINE))
    fine = collected.returncode in (0, 5)  # 5: no test in these files
    return counts, "" if fine else collected.stdout + collected.stderr
