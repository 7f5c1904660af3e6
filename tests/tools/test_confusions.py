"""Homes in which everything toggles: the product passes, by Hypothesis and by seed; each unsafe hub is found out."""

import random

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.core.rules.exercise import LONGEST_MS
from gateway.core.rules.storm import NOTICE_MS
from tools.rig import confusions
from tools.rig.confused_home import CONTACTS, DAY_MINUTES, Contact, Home

PAUSES = st.one_of(
    st.integers(0, 1_000),
    st.integers(0, 3 * NOTICE_MS),
    st.sampled_from((NOTICE_MS - 1, NOTICE_MS, NOTICE_MS + 1, LONGEST_MS, LONGEST_MS + 1)),
)


class AnyHome(RuleBasedStateMachine):
    """What Hypothesis may do to a home, in any order; the judge of `tools/rig` says what was wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Home(confusions.SAFE, random.Random(1).randbytes)

    @rule(for_ms=PAUSES)
    def wait(self, for_ms: int) -> None:
        self.home.wait(for_ms)

    @rule(contact=st.sampled_from(CONTACTS), times=st.integers(1, 5))
    def turn(self, contact: Contact, times: int) -> None:
        for _ in range(times):
            self.home.turn(contact)

    @rule(contact=st.sampled_from(CONTACTS), length=st.integers(0, 7))
    def cut_short(self, contact: Contact, length: int) -> None:
        self.home.turn(contact, length)

    @rule(length=st.one_of(st.none(), st.integers(0, 5)))
    def press(self, length: int | None) -> None:
        self.home.press(length)

    @rule(begins=st.booleans(), doubt=st.integers(0, 3))
    def warn(self, begins: bool, doubt: int) -> None:
        self.home.warn(begins, doubt)

    @rule()
    def plan_dose(self) -> None:
        self.home.plan_dose()

    @rule(outcome=st.sampled_from(confusions.OUTCOMES))
    def tell_dose(self, outcome: str) -> None:
        self.home.tell_dose(outcome)

    @rule(tried=st.sampled_from(confusions.TRIED), length_ms=st.integers(1, LONGEST_MS))
    def exercise(self, tried: tuple[int, str], length_ms: int) -> None:
        self.home.exercise(*tried, length_ms)

    @rule(away_ms=st.integers(0, 10**9))
    def restart(self, away_ms: int) -> None:
        self.home.restart(away_ms)

    @rule(minute=st.one_of(st.none(), st.integers(0, 20 * DAY_MINUTES)))
    def set_clock(self, minute: int | None) -> None:
        self.home.set_clock(minute)

    @invariant()
    def nothing_was_found(self) -> None:
        assert not self.home.judge.found


# 100 homes of 50 steps, and the share of figure F23 beside them
AnyHome.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestAnyHome = AnyHome.TestCase


def test_homes_by_seed_are_judged_and_everything_happens_in_them() -> None:
    found = confusions.steps(3_000, 3)
    assert found.bad == 0, found.failures
    for name in ("marked", "unmarked", "presses", "storms", "told again", "exercises", "restarts", "words"):
        assert int(found.reached[name]) > 50, name


@pytest.mark.parametrize("name", sorted(confusions.UNSAFE))
def test_control_each_unsafe_hub_is_found(name: str) -> None:
    found = confusions.steps(2_000, 3, confusions.UNSAFE[name])
    assert found.bad > 5, name


def test_a_failure_is_replayed_by_its_number() -> None:
    found = confusions.steps(2_000, 3, confusions.UNSAFE["restart"])
    number = int(found.failures[0].rpartition(" ")[2])
    again = confusions.live(number, confusions.UNSAFE["restart"])[0].judge.found
    assert found.failures[0].startswith(again[0])
