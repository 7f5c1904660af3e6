"""Figure F24: homes that are left, and the three wipes that must be found out."""

import pytest

from tools.evidence.figures import load
from tools.rig import rehome_figures
from tools.rig.rehome_figures import UNSAFE, Bill, bad, outcome, said

pytestmark = pytest.mark.timeout(60)  # a home syncs often
LOSING_SEED = 1  # events wait in this home


def test_homes_are_left_without_a_trace_and_without_a_loss() -> None:
    found = outcome(2, LOSING_SEED)
    assert found.bad == 0 and found.failures == () and found.trials == 2
    assert found.reached["lost"] == found.reached["traces left"] == 0


@pytest.mark.parametrize("unsafe", ["rows", "names"])
def test_what_a_careless_wipe_leaves_is_found(unsafe: str) -> None:
    found = outcome(1, LOSING_SEED, unsafe)
    assert found.bad == 1 and found.reached["traces left"] != 0
    assert f"python -m tools.rig.rehome_figures --count 1 --seed {LOSING_SEED}" in found.failures[0]


def test_what_a_hasty_wipe_loses_is_counted() -> None:
    found = outcome(1, LOSING_SEED, "hasty")
    assert found.reached["lost"] == found.reached["undelivered events"] != 0


def test_one_home_is_bad_for_each_of_its_reasons() -> None:
    assert [bad(Bill(3)), bad(Bill(3, lost=1)), bad(Bill(3, left=("key",))), bad(Bill(3, wrong="x"))] == [
        0,
        1,
        1,
        1,
    ]
    assert said(Bill(3, lost=1, left=("key in a",), wrong="x")) == "lost 1 of 3, left ['key in a'] x"


def test_it_is_one_of_the_figures() -> None:
    figures, _ = load()
    (figure,) = [each for each in figures if each.id == "F24"]
    assert figure in rehome_figures.FIGURES and set(UNSAFE) == {"rows", "names", "hasty"}
