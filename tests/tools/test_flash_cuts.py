"""The flash that stops, and what it finds: nothing in the journal, and each unsafe variant of it."""

import json
import subprocess
import sys

import pytest

from hal.sim.nor_flash import PAGE, SECTOR, NorFlash
from tests.conftest import ROOT
from tests.tools.test_crash_modules import of_product, reached_from
from tools.evidence.figure import UnavailableError
from tools.evidence.hashing import files_of
from tools.rig import flash_figures
from tools.rig.flash.unsafe import VARIANTS


def trials(*words: object) -> dict[str, object]:
    """A run on this interpreter, in a process of its own: a variant is there for all of it."""
    ran = subprocess.run(
        [sys.executable, "-m", "tools.rig.flash.run", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(ran.stdout)
    return found


# --- the flash --------------------------------------------------------------------------------------------------------


def test_programming_only_clears_bits_and_an_erase_sets_a_whole_sector() -> None:
    flash = NorFlash(2)
    flash.writeblocks(0, b"\xf0", 5)
    flash.writeblocks(0, b"\x00", 5)
    assert flash.data[5] == 0
    with pytest.raises(AssertionError, match="not erased"):
        flash.writeblocks(0, b"\x01", 5)
    flash.ioctl(6, 0)
    assert flash.data == b"\xff" * 2 * SECTOR and flash.erases == [1, 0]


def test_a_cut_write_leaves_what_was_before_the_cut_and_nothing_whole_after_it() -> None:
    kinds = set()
    for seed in range(40):
        flash = NorFlash(1, None, seed)
        flash.tear(0, 100, bytes(400), 200, seed % 2 == 0)
        whole = [index for index in range(400) if flash.data[100 + index] == 0]
        assert set(range(100 // PAGE * PAGE, 156)) <= {*whole, *range(100)}
        assert not [index for index in whole if index >= 412]
        kinds.add(bool(flash.weak))
    assert True in kinds, "some cells are weak"


def test_weak_cells_read_either_way_until_they_are_programmed_again() -> None:
    flash = NorFlash(1)
    flash.data[7] = 0xFF
    flash.weak = {7: 0x10}
    seen = set()
    for _ in range(50):
        buffer = bytearray(1)
        flash.readblocks(0, buffer, 7)
        seen.add(buffer[0])
    assert seen == {0xFF, 0xEF}
    flash.writeblocks(0, b"\xef", 7)
    assert flash.weak == {} and flash.data[7] == 0xEF


# --- the trials -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["cuts", "pictures", "pairs", "lives"])
def test_the_journal_survives_cuts(kind: str) -> None:
    found = trials(kind, 300, 2)
    assert (found["trials"], found["bad"]) == (300, 0), found["failures"]


def test_the_journal_survives_writes_that_fail() -> None:
    found = trials("faults", 60, 1)
    assert (found["trials"], found["bad"]) == (60, 0), found["failures"]


@pytest.mark.parametrize(
    ("kind", "count", "seed", "variant"),
    [
        ("lives", 400, 1, "each-alone"),
        ("cuts", 300, 1, "commit-first"),
        ("cuts", 300, 1, "each-alone"),
        ("pictures", 300, 1, "erase-first"),
        ("pairs", 300, 4, "unstrengthened"),
        ("faults", 60, 1, "believed"),
    ],
)
def test_control_each_unsafe_variant_is_found(kind: str, count: int, seed: int, variant: str) -> None:
    found = trials(kind, count, seed, variant)
    assert isinstance(found["bad"], int) and found["bad"] > 0
    assert f"seed {seed}" in str(found["failures"])


def test_every_unsafe_variant_has_its_control() -> None:
    cutting = {"commit-first", "each-alone", "erase-first", "unstrengthened", "believed"}
    assert set(VARIANTS) == cutting | {"lowest-first"}


# --- the figures ------------------------------------------------------------------------------------------------------


def test_micropython_finds_the_same_as_this_interpreter() -> None:
    try:
        found = flash_figures.micropython("tools.rig.flash.run", "cuts", 150, 3)
    except UnavailableError as error:
        pytest.skip(str(error))
    assert found == trials("cuts", 150, 3)


def test_the_modules_of_the_figures_are_those_that_the_harness_reaches() -> None:
    folder = ROOT / "tools/rig/flash"
    harness = sorted(path.relative_to(ROOT).as_posix() for path in folder.glob("*.py"))
    assert of_product(flash_figures.MODULES) == reached_from(harness)
    assert set(harness) <= set(files_of(ROOT, flash_figures.MODULES))
    assert all(figure.modules == flash_figures.MODULES for figure in flash_figures.FIGURES)


def test_the_figure_of_wear_says_how_evenly_sectors_are_used() -> None:
    try:
        outcome = flash_figures.worn(600, 1)
    except UnavailableError as error:
        pytest.skip(str(error))
    assert outcome.bad == 0
    assert any("estimate" in name for name in outcome.reached)
    assert flash_figures.worn(600, 1, "lowest-first").bad == 1
