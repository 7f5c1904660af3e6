"""`trygg explain`: the card of a fault by number or name, in two languages, and what is near where nothing is."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.core.registry import KIND_NAMES, KINDS
from gateway.daemon.__main__ import main
from gateway.daemon.arguments import LOCALES, language_of
from gateway.daemon.commands import explain

Trygg = Callable[..., tuple[int, str, str]]


@pytest.fixture
def trygg(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Trygg:
    """Runs a command; its status, what it printed and what it complained of. Nobody is logged in."""
    for name in LOCALES:
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_number_and_name_show_the_same_card(trygg: Trygg) -> None:
    status, by_number, _ = trygg("explain", "66", "--language", "nb")
    assert status == 0
    assert trygg("explain", "device.silent", "--language", "nb")[1] == by_number
    assert trygg("explain", " Device.Silent ", "--language", "nb")[1] == by_number
    head, who, when, cause, action, ends, hazards = by_number.splitlines()
    assert head == "66 device.silent: Enheten er taus"
    assert who == "Hvem: teknisk ressursperson"
    assert when == (
        "Når noen må ha begynt, for en melding som kommer "
        "på dagtid (07–15): i dag; om kvelden (15–22): i dag; om natten (22–07): neste morgen"
    )
    assert cause.startswith("Hva det betyr: Enheten er ikke hørt")
    assert action.startswith("Hva du gjør: Se `trygg devices`.")
    assert ends == "Slutt: 67 device.back: Enheten høres igjen"
    assert hazards == "Vern mot: H9"


def test_what_is_urgent_around_the_clock_says_so_once(trygg: Trygg) -> None:
    assert "When somebody must have begun: now\n" in trygg("explain", "1", "--language", "en")[1]


def test_the_end_of_a_fault_says_that_it_is_over(trygg: Trygg) -> None:
    _, out, _ = trygg("explain", "67", "--language", "en")
    assert out.startswith(
        "67 device.back: The device is heard again\nSays that this is over: 66 device.silent: The device is silent\n"
    )
    assert out.endswith("What to do: Nothing is urgent. Close the case that has the same incident.\n")


def test_what_is_no_fault_says_so(trygg: Trygg) -> None:
    assert trygg("explain", "door.opened", "--language", "en") == (
        0,
        "160 door.opened: Door opened\nThis is no fault.\n",
        "",
    )


def test_an_unknown_code_names_what_is_near(trygg: Trygg) -> None:
    status, out, err = trygg("explain", "path.losd", "--language", "en")
    assert (status, out) == (2, "")
    assert err.startswith("trygg explain: no such message: path.losd. Did you mean path.lost")
    assert "66 device.silent" not in err
    far = trygg("explain", "9999", "--language", "nb")[2]
    assert "9999. Mente du " in far and far.endswith("Uten nummer viser trygg explain alle.\n")
    last = max(KIND_NAMES)
    assert f"{last} {KIND_NAMES[last]}" in far, "the nearest number"
    assert "111 rule.can_tell" in trygg("explain", "112", "--language", "en")[2]
    for strange in ("", "zzzzzzzz", "\x1b[31m", "-1x", "66.0", "²", "9" * 400, "x" * 400):
        status, out, err = trygg("explain", "--language", "en", "--", strange)
        assert (status, out) == (2, ""), strange
        assert "\x1b" not in err
        assert len(err) < 250


def test_the_language_is_that_of_the_option_the_configuration_or_the_login(
    trygg: Trygg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hub.toml"
    path.write_text('[hub]\nlanguage = "en"\n', encoding="utf-8")
    none = str(tmp_path / "none.toml")
    assert "The device is silent" in trygg("explain", "66", "-c", none)[1], "as --help without a locale"
    assert "The device is silent" in trygg("explain", "66", "-c", str(path))[1]
    assert "Enheten er taus" in trygg("explain", "66", "-c", str(path), "--language", "nb")[1]
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    assert "The device is silent" in trygg("explain", "66", "-c", none)[1]
    monkeypatch.setenv("LC_ALL", "nn_NO.UTF-8")
    assert "Enheten er taus" in trygg("explain", "66", "-c", none)[1]
    for locale in ("", "C", "nb", "no_NO@x", "nope", "en_GB"):  # the one rule, that of --help
        monkeypatch.setenv("LC_ALL", locale)
        monkeypatch.setenv("LANG", "")
        said = trygg("explain", "66", "-c", none)[1]
        assert ("Enheten er taus" in said) == (language_of(["-c", none]) == "nb"), locale


def test_without_a_code_every_fault_is_listed_by_its_number(trygg: Trygg) -> None:
    lines = trygg("explain", "--language", "en")[1].splitlines()
    codes = [int(line.partition(" ")[0]) for line in lines]
    assert codes == sorted(codes)
    assert len(codes) > 40
    listed = json.loads(trygg("explain", "--json")[1])
    assert [card["code"] for card in listed] == codes


def test_json_has_the_facts_in_both_languages(trygg: Trygg) -> None:
    card = json.loads(trygg("explain", "66", "--json")[1])
    assert card["urgency"] == {"day": "today", "evening": "today", "night": "morning"}
    assert (card["code"], card["name"], card["lane"], card["who"]) == (
        66,
        "device.silent",
        "technical",
        "technical",
    )
    assert card["hazards"] == ["H9"]
    assert card["ends"] == ["device.back"]
    assert card["nb"] and card["en"] and card["cause_nb"] and card["do_en"]


@pytest.mark.parametrize("language", ["nb", "en"])
def test_every_kind_of_lanes_0_to_2_has_a_whole_card(language: str) -> None:
    for kind, (_, lane, _) in KINDS.items():
        card = explain.facts(kind)
        assert all(explain.lines(card, language)), kind
        assert lane > 2 or "who" in card, kind
