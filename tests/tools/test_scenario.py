"""Scenarios: acts in order of time, repeated ones made as they come, and what cannot be played refused in words."""

import itertools
from pathlib import Path

import pytest

from gateway.core.errors import ConfigError
from tools.home.scenario import load
from tools.kit.home import FOR_EVER_S


def test_acts_come_in_order_of_time_and_repeat() -> None:
    acts = list(load("home").until(70))
    assert [act.at_s for act in acts] == sorted(act.at_s for act in acts)
    assert [act.at_s for act in acts if act.do == "smoke"] == [5, 35, 65]
    assert [act.at_s for act in acts if act.do == "leave"] == [44]


def test_a_home_that_plays_for_ever_makes_its_acts_one_at_a_time() -> None:
    first = list(itertools.islice(load("home").until(FOR_EVER_S), 20))
    assert first == list(load("home").until(first[-1].at_s + 1))[:20]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[peripheral]]\nname = 'x'\nkind = 'toaster'\n", "one of contact, smoke, oximeter, dispenser"),
        ("[home]\nclock = '25:00'\n", "a time of day such as 02:05"),
        ("[[act]]\nat_s = 1\nperipheral = 'nobody'\ndo = 'open'\n", "act[0].peripheral: found 'nobody'"),
        ("home = [", "a TOML file"),
    ],
)
def test_a_scenario_that_cannot_be_played_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(str(path))
    assert said in str(caught.value) and "mine.toml" in str(caught.value)
