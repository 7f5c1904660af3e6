"""Starts the firmware under the real interpreter, from a tree that holds only what its manifest freezes."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools.mpy.interpreter import MissingToolError, find_compiler, find_interpreter

ROOT = Path(__file__).resolve().parent.parent.parent
HEAP = "5M"  # platform, dispenser and the whole home run in the same process
# What the home around the board needs besides: the other parties of the tests, which no manifest freezes.
AROUND = (
    "tests/firmware/home.py",
    "tools/rig/sim/platform.py",
    "tools/simulators/dispenser.py",
    "tools/simulators/dispenser_plan.py",
)


def frozen() -> dict[str, list[str]]:
    """Package => files, as the manifest tells MicroPython's build."""
    packages: dict[str, list[str]] = {}

    def package(name: str, files: list[str], base_path: str) -> None:
        assert base_path == ".."
        packages[name] = files

    before = Path.cwd()
    os.chdir(ROOT / "firmware")  # manifestfile.py reads a manifest from its own folder
    try:
        source = Path("manifest.py").read_text(encoding="utf-8")
        exec(compile(source, "firmware/manifest.py", "exec"), {"package": package})
    finally:
        os.chdir(before)
    return packages


def frozen_paths() -> list[str]:
    """Every frozen file, relative to the checkout, sorted."""
    return sorted(f"{name}/{file}" for name, files in frozen().items() for file in files)


def build(folder: Path) -> None:
    """Compile what is frozen into `folder`, as a build does, and put the home around it beside."""
    try:
        compiler = find_compiler()
    except MissingToolError as error:
        pytest.skip(str(error))
    for path in [*frozen_paths(), *AROUND]:
        target = (folder / path).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [compiler, "-march=host", "-s", path, "-o", str(target), str(ROOT / path)],
            check=True,
            capture_output=True,
        )


def run(folder: Path, module: str, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    """Run a module there: exit status, lines, and what the interpreter complained of."""
    try:
        interpreter = find_interpreter()
    except MissingToolError as error:
        pytest.skip(str(error))
    ran = subprocess.run(
        [interpreter.command, "-X", f"heapsize={HEAP}", "-m", module, *arguments],
        cwd=folder,
        env={"MICROPYPATH": f"{folder}:.frozen", "PATH": os.environ.get("PATH", "")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.returncode, [json.loads(line) for line in ran.stdout.splitlines()], ran.stderr
