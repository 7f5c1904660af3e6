"""The wiring of a board over simulated drivers, on real MicroPython: minutes of a home, and alarms in a heap that is full."""

from typing import Any

import pytest

from tools.evidence.figure import Outcome, UnavailableError
from tools.rig.esp import month_figures
from tools.rig.flash_figures import micropython


def starved(*words: Any) -> Outcome:
    """As `month_figures.starve`."""
    try:
        return month_figures.starve(*words)
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_wiring_of_a_board_delivers_every_event_of_a_home() -> None:
    try:
        found = month_figures.played(6, month_figures.BOARD_KIB * month_figures.WORDS, 1)
    except UnavailableError as error:
        pytest.skip(str(error))
    assert found["held"] == found["restarts"] == found["resets"] == found["short"] == found["lost"] == 0
    assert found["events"] > 3


@pytest.mark.long
@pytest.mark.timeout(600)
def test_an_alarm_that_meets_a_full_heap_comes_all_the_same() -> None:
    found = starved(4, 1)
    assert (found.trials, found.bad, found.failures) == (4, 0, ())
    assert int(found.reached["resets"]) > 0, "a heap that is full for nobody shows nothing"


@pytest.mark.long
@pytest.mark.timeout(600)
def test_control_a_board_that_goes_on_without_memory_loses_alarms() -> None:
    assert starved(month_figures.CONTROL_POINTS, month_figures.CONTROL_SEED, "control").bad > 0


def test_what_modules_take_is_said_by_part() -> None:
    try:
        found = micropython("tests.firmware.module_heap")
    except UnavailableError as error:
        pytest.skip(str(error))
    whole = found.pop("all")
    assert whole > 100_000
    assert 0 <= whole - sum(found.values()) < whole // 100, "what is counted itself takes a little"
