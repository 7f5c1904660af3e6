"""Memory that is missing at a line of an alarm's intake, on CPython; the figure has every line, here are some."""

from tools.rig import allocations
from tools.rig.sim.shortage import FORGETS, LAX

STEP = 199
SECOND_STEP = 67  # of the scene in which few lines are such


def test_an_alarm_comes_once_wherever_memory_was_missing_for_it() -> None:
    lines = list(range(1, allocations.count() + 1, STEP))
    found = allocations.tried_at(lines)
    assert (found.bad, found.failures) == (0, ())
    assert int(found.reached["starts anew"]) > len(lines) // 2, "a lack that nobody meets shows nothing"


def test_control_a_part_that_goes_on_after_it_loses_alarms() -> None:
    control = allocations.FIGURES[0].control
    assert control is not None
    assert control(1).bad > 3


def test_control_others_that_store_what_they_like_before_the_end_lose_alarms() -> None:
    assert allocations.tried_at(allocations.of_scenes(SECOND_STEP, 1, 2), LAX).bad > 1


def test_control_what_is_said_once_is_lost_where_nobody_keeps_what_a_reader_had_in_hand() -> None:
    for scene in range(allocations.ONCE, len(allocations.SCENES)):
        assert allocations.tried_at(allocations.of_scenes(STEP // 2, scene, scene + 1), FORGETS).bad > 1


def test_trials_of_a_run_are_different_lines_and_no_more_than_there_are() -> None:
    found = allocations.run(3, 5)
    assert (found.trials, found.bad) == (3, 0)
