"""Any rules, any observations, any times: lane 0 comes through in the same call, unchanged and first (H10)."""

from hypothesis import find, given, settings
from hypothesis import strategies as st

from tests.core.rule_checks import CONTROLS, NIGHT, POOL, play

RULES = st.lists(st.sampled_from(POOL), unique_by=id, max_size=len(POOL))
DRAWS = st.lists(st.integers(min_value=0, max_value=2**31), max_size=40)


@settings(max_examples=150, deadline=None)
@given(RULES, DRAWS)
def test_no_set_of_rules_mutes_delays_or_changes_lane_0(
    rules: list[dict[str, object]], draws: list[int]
) -> None:
    assert play(rules, draws) == []


def test_control_the_same_search_finds_each_rule_that_does() -> None:
    for control in CONTROLS:
        shortest = find(DRAWS, lambda draws, control=control: bool(play([NIGHT], draws, control)))  # type: ignore[misc,arg-type]
        assert len(shortest) <= 3, "a single word of a device is enough, after one that it needs"
