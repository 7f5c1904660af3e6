"""What the demonstration says: both languages alike, every act of every scenario in words, the terminal's language."""

import string

import pytest

from gateway.daemon.arguments import session_language
from tools.demo import words
from tools.home.scenario import FOLDER, load


def blanks(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}


def test_both_languages_have_every_text_with_the_same_names() -> None:
    for name, (norwegian, english) in {**words.TEXTS, **words.ACTS}.items():
        assert norwegian and english and blanks(norwegian) == blanks(english), name
        assert norwegian.count(",") == english.count(",") or name not in ("headings", "lanes")


@pytest.mark.parametrize("scenario", sorted(path.stem for path in FOLDER.glob("*.toml")))
def test_every_act_of_a_scenario_that_comes_with_the_kit_has_words(scenario: str) -> None:
    assert {act.do for act in load(scenario).acts} <= words.ACTS.keys()


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "nb_NO.UTF-8"}, "nb"),
        ({"LANG": "nb_NO.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "nn_NO.UTF-8"}, "nb"),
    ],
)
def test_the_view_speaks_as_the_terminal_does(environment: dict[str, str], language: str) -> None:
    assert session_language(environment) == language


def test_what_is_unknown_stands_as_it_is() -> None:
    assert words.act("nb", "dance") == "dance" and words.kind("nb", "no.such") == "no.such"
    assert words.kind("nb", "smoke.detected") == "Røyk oppdaget"
