"""A board's own life, on real MicroPython: what its journal did not take is there after the reset."""

import pytest

from tools.evidence.figure import UnavailableError
from tools.rig.flash_figures import micropython

HEAP = "heapsize=8M"


def life(*words: str) -> dict[str, object]:
    """The line of `tests.firmware.board_alarm`."""
    try:
        return dict(micropython("tests.firmware.board_alarm", *words, heap=HEAP))
    except UnavailableError as error:
        pytest.skip(str(error))


def test_an_alarm_that_the_journal_took_no_more_is_in_the_one_that_the_next_start_finds() -> None:
    assert life() == {"ended_well": False, "found": 1, "lost": [], "armed": True}


def test_control_a_board_that_does_not_open_it_anew_loses_it_and_names_it() -> None:
    assert life("control") == {"ended_well": False, "found": 0, "lost": ["smoke.detected"], "armed": True}
