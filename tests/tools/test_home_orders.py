"""Acts that somebody orders while a virtual home runs: as good as those of its scenario, and refused in words where they are not."""

from pathlib import Path
from typing import Any

import pytest

from gateway.core.errors import ConfigError
from tools.home.house import House
from tools.home.scenario import load


def house(folder: Path) -> House:
    return House(load("installation"), folder, lambda _line: None)


def test_an_order_is_an_act_of_now(tmp_path: Path) -> None:
    act = house(tmp_path).ordered(b'{"peripheral": "Smoke detector hall", "do": "smoke", "for_s": 3}\n')
    assert (act.at_s, act.peripheral, act.do, act.options) == (
        0,
        "Smoke detector hall",
        "smoke",
        {"for_s": 3},
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"smoke\n", "no JSON object"),
        (b"[1]\n", "no JSON object"),
        (b'{"peripheral": "Smoke detector attic", "do": "smoke"}\n', "one of Smoke detector kitchen"),
        (b'{"peripheral": "Smoke detector hall"}\n', "do (a word)"),
        (b"\xff\xfe\n", "no JSON object"),
    ],
)
def test_an_order_that_is_none_is_refused_in_words(tmp_path: Path, line: bytes, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        house(tmp_path).ordered(line)
    assert said in str(caught.value)


def test_nothing_happens_in_that_home_by_itself_that_would_be_an_alarm() -> None:
    acts: list[Any] = load("installation").acts
    assert {act.do for act in acts} == {"stream"}
