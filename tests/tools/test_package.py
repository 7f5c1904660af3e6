"""What the wheel holds: all that it needs of ours, and nothing that is unsafe on purpose."""

import re
import tomllib
from pathlib import Path

import pytest
from setuptools import find_namespace_packages

ROOT = Path(__file__).resolve().parents[2]
OURS = r"(?:gateway|hal|tools|firmware|tests)"
# Imports, and modules that are started by name: `-m tools.kit`.
NAMED = re.compile(rf"(?:^\s*(?:from|import) |[\"'])({OURS}(?:\.\w+)+)\b", re.MULTILINE)


def included() -> set[str]:
    """Packages of the wheel."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    return set(find_namespace_packages(str(ROOT), include=found["include"]))


def package_of(name: str) -> str:
    """The package that a dotted name of ours is in, or is."""
    parts = name.split(".")
    while parts and not (ROOT / "/".join(parts)).is_dir():
        parts.pop()
    return ".".join(parts)


def named_by(package: str) -> set[str]:
    """Packages of ours that the modules of a package name."""
    modules = (ROOT / package.replace(".", "/")).glob("*.py")
    return {package_of(name) for module in modules for name in NAMED.findall(module.read_text("utf-8"))}


def test_the_wheel_holds_every_package_that_its_modules_name() -> None:
    packages = included()
    assert {"gateway.daemon.commands", "hal.linux", "tools.kit", "tools.simulators"} <= packages
    lacking = {(each, named) for each in packages for named in named_by(each) - packages}
    assert lacking == set()


def test_a_package_that_is_left_out_would_be_seen() -> None:
    assert "tools.platform" in named_by("tools.kit")
    assert "tools.simulators" in named_by("tools.demo")


@pytest.mark.parametrize("name", ["tools.rig", "tools.bench", "tools.evidence", "firmware", "tests"])
def test_rigs_unsafe_hubs_and_what_measures_stay_in_the_checkout(name: str) -> None:
    assert not any(each == name or each.startswith(name + ".") for each in included())
