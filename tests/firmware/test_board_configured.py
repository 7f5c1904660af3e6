"""A board takes configurations from afar, on real MicroPython: in use after the reset, and taken back where the hub never comes to run."""

from pathlib import Path

import pytest

from tools.evidence.figure import UnavailableError
from tools.rig.flash_figures import micropython

pytestmark = pytest.mark.timeout(90)  # signatures in Python, on a machine that others use


def lives(folder: Path, *words: str) -> dict[str, object]:
    """The line of `tests.firmware.board_configured`."""
    try:
        return dict(micropython("tests.firmware.board_configured", str(folder), *words, heap="heapsize=8M"))
    except UnavailableError as error:
        pytest.skip(str(error))


def test_a_configuration_is_in_use_after_the_reset_and_a_deadly_one_is_taken_back(tmp_path: Path) -> None:
    found = lives(tmp_path)
    assert found["ended"] == [True, True], "told to stop, and started anew"
    assert found["smoke"] == 1, "a device of the new configuration is heard"
    assert found["kept"] == ["published.bin"], "the one before goes when the platform was reached"
    assert found["in_vain"] == 3, "starts in which the hub did not come to run"
    assert (found["cleared"], found["left"], found["told"]) == (1, ["published.bin"], [1, 1])


def test_control_a_board_whose_count_does_not_outlive_the_reset_stays_dead(tmp_path: Path) -> None:
    found = lives(tmp_path, "control")
    assert (found["in_vain"], found["cleared"], found["told"]) == (8, 0, [1, 0])
