"""A board's own life with a Wi-Fi window in it, on real MicroPython: a finger, a cable, a network that is kept, and memory that does not pile up."""

from pathlib import Path

import pytest

from tools.evidence.figure import UnavailableError
from tools.rig.flash_figures import micropython

MOST_MORE = (
    8_192  # bytes that a second window may leave behind, what the home brings in the meantime included
)

pytestmark = pytest.mark.timeout(90)  # signatures in Python, on a machine that others use


def test_a_board_is_given_its_network_beside_a_hub_that_goes_on(tmp_path: Path) -> None:
    try:
        found = micropython("tests.firmware.board_window", str(tmp_path), heap="heapsize=8M")
    except UnavailableError as error:
        pytest.skip(str(error))
    assert found["joined"] == "Karis nett" and found["kept"] == ["Karis nett", "hemmelig-1234"]
    assert found["smoke"] == 1, "an alarm while the window is open"
    assert found["modules"] == [0, 8, 0, 8], "loaded while it is open alone"
    _, _, after, again, _ = found["held"]
    assert again - after < MOST_MORE
