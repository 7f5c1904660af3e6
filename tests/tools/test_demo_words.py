"""What the demonstration says: both languages alike, every act of every scenario in words, the terminal's language."""

import string

import pytest

from gateway.core.devices import blood_pressure, body_temperature, plx
from gateway.daemon.arguments import session_language
from tools.demo import words
from tools.docs.cards import ROOT
from tools.home.scenario import FOLDER, load
from tools.kit.demo import summed_up


def blanks(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}


def test_both_languages_have_every_text_with_the_same_names() -> None:
    for name, (norwegian, english) in {**words.TEXTS, **words.ACTS, **words.REASONS, **words.WORDS}.items():
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


def test_one_of_a_thing_is_said_in_the_singular() -> None:
    one = {"sent": 1, "verified": 1, "duplicates_removed": 1, "lost": 0}
    assert (
        summed_up(one, "nb")
        == "1 hendelse lagret i gatewayen, 1 verifisert hos plattformen, 1 duplikat fjernet på veien, 0 tapt."
    )
    more = {"sent": 57, "verified": 57, "duplicates_removed": 0, "lost": 0}
    assert summed_up(more, "en") == (
        "57 events stored by the gateway, 57 verified at the platform, 0 duplicates removed on the way, 0 lost."
    )
    assert f"    {summed_up(more, 'en')}\n" in (ROOT / "README.md").read_text("utf-8"), (
        "as the README shows it"
    )


def test_what_is_unknown_stands_as_it_is() -> None:
    assert words.act("nb", "dance") == "dance" and words.kind("nb", "no.such") == "no.such"
    assert words.kind("nb", "smoke.detected") == "Røyk oppdaget"


def test_a_reading_is_said_in_the_order_of_the_registry_without_raw_bits() -> None:
    values: dict[str, object] = {
        "body_site": "ear",
        "temperature_c": "37.20",
        "implausible": "temperature_c",
        "cuff_status": 4,
        "irregular_pulse": True,
    }
    event = {"kind": "temperature.measured", "values": values}
    assert words.reading("en", event) == (
        "Body temperature measured: irregular pulse, as the device says, where it was measured ear, "
        "temperature 37.20 °C, implausible values, by name: temperature_c"
    )
    failed = {"kind": "measurement.failed", "values": {"reason": "worn_out", "spo2_pct": "NaN"}}
    assert words.reading("nb", failed) == "Målingen mislyktes: worn_out"


def test_every_reason_and_word_of_the_drivers_can_be_said() -> None:
    assert set(body_temperature.SITES) - {""} <= words.WORDS.keys()
    assert set(blood_pressure.PULSE_RANGES.values()) <= words.WORDS.keys()
    assert {reason for _, reason in plx.FAILURES} | {"no_value"} <= words.REASONS.keys()
