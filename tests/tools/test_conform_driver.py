"""The conformance kit of drivers: the example keeps the contract, and each wrong driver fails in what it is wrong in."""

import json
import re
from pathlib import Path

import pytest

from tests.gateway.plugged import on_the_path, package
from tests.tools.example_driver import FOLDER
from tests.tools.wrong_drivers import IMPURE, WRONG, Right
from tools.conform import driver_source, driver_words
from tools.conform.driver_feed import rows_of
from tools.conform.drivers import RUNS, Case, conform, source
from tools.conform.run import FAILED, PASSED, UNTESTED
from tools.kit.__main__ import main

ROWS = rows_of(Right)
SAYS_NOTHING = "class Nothing:\n    pass\n"


def failed(case: Case) -> dict[str, str]:
    """Checks that failed, with why."""
    return {
        result.check.name: driver_words.reason("en", result.reason, result.values)
        for result in conform(case)
        if result.verdict == FAILED
    }


def test_the_example_keeps_the_contract() -> None:
    results = conform(Case(Right, "example_roll"))
    assert {result.verdict for result in results} <= {PASSED, UNTESTED}
    untested = {result.check.name for result in results if result.verdict == UNTESTED}
    assert untested <= {"compiles"}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_driver_fails_in_what_it_is_wrong_in(name: str) -> None:
    kind, expected = WRONG[name]
    found = failed(Case(kind, "example_roll", ROWS, 120))
    found.pop("source", None), found.pop("compiles", None)  # of this folder of tests
    assert set(found) == expected, found
    assert all(found.values())


def test_every_check_that_looks_at_behaviour_has_a_driver_that_fails_it() -> None:
    looked = {name for _, names in WRONG.values() for name in names}
    assert {name for name, _ in RUNS} - looked == {"source", "compiles"}
    assert len(WRONG) >= 12


@pytest.mark.parametrize("text", sorted(IMPURE))
def test_source_that_is_not_pure_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "driver.py"
    path.write_text(text)
    (found,) = driver_source.wrong_in([path])
    assert found.startswith("driver.py:") and IMPURE[text] in found


def test_what_a_type_checker_reads_is_not_judged(tmp_path: Path) -> None:
    path = tmp_path / "driver.py"
    path.write_text("TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from typing import Any\nimport struct\n")
    assert list(driver_source.wrong_in([path])) == []


def test_the_compiler_of_the_board_refuses_what_its_language_lacks(tmp_path: Path) -> None:
    path = tmp_path / "driver.py"
    path.write_text("def rows(a, /, b):\n    return [*a, b]\n")
    assert list(driver_source.uncompiled([path], tmp_path))


def test_a_driver_without_examples_is_told_what_is_lacking() -> None:
    found = failed(Case(Right, "example_roll", []))
    assert "conform.json" in found["examples"]
    other = conform(Case(Right, "example_roll", []))
    assert {each.reason for each in other if each.verdict == UNTESTED} == {"stopped"}


def test_every_text_of_the_report_is_there_in_both_languages_and_said() -> None:
    assert driver_words.TITLES.keys() == {name for name, _ in RUNS}
    code = Path(driver_source.__file__).with_name("drivers.py").read_text("utf-8")
    said = set(re.findall(r'(?:FailedError|UntestedError|Result)\(\s*(?:check, \w+, )?"(\w+)"', code))
    assert said == driver_words.REASONS.keys()
    for texts in (driver_words.TITLES, driver_words.REASONS, driver_words.TEXTS):
        for norwegian, english in texts.values():
            assert re.findall(r"\{\w+\}", norwegian) == re.findall(r"\{\w+\}", english)
            assert norwegian == english == "{what}" or norwegian != english


def test_the_report_of_a_package_in_words_and_for_a_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package(tmp_path, {"example_roll": "trygg_example_roll.driver:ExampleRoll"}, name="example_of_tests")
    with on_the_path(tmp_path), on_the_path(FOLDER):
        assert main(["conform", "driver", "example-of-tests", "--language", "nb"]) == 0
        said = capsys.readouterr().out
        assert re.search(r"^bestått +støy får den ikke til å feile$", said, re.MULTILINE)
        assert said.endswith("Driveren example_roll følger driverkontrakt 1, så langt det ble prøvd.\n")
        assert main(["conform", "driver", "example-of-tests", "--json", "--language", "en"]) == 0
    document = json.loads(capsys.readouterr().out)
    (driver,) = document["drivers"]
    assert driver["summary"][FAILED] == 0 and len(driver["checks"]) == len(RUNS)


def test_a_package_that_cannot_be_used_ends_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package(tmp_path, {"good": "acme_drivers:Nothing"}, SAYS_NOTHING)
    (tmp_path / "empty_one-1.0.dist-info").mkdir()
    (tmp_path / "empty_one-1.0.dist-info" / "METADATA").write_text("Name: empty-one\nVersion: 1.0\n")
    with on_the_path(tmp_path, "acme_drivers"):
        assert main(["conform", "driver", "acme-drivers", "--language", "en"]) == 1
        assert "FAIL        good: it gives no class that is a driver" in capsys.readouterr().out
        assert main(["conform", "driver", "acme-drivers", "--json"]) == 1
        assert json.loads(capsys.readouterr().out)["drivers"][0]["summary"] == {FAILED: 1}
        for arguments, said in (
            (["empty-one"], "trygg.drivers"),
            (["nowhere-at-all"], "'nowhere-at-all'"),
            ([], "PACKAGE"),
            (["acme-drivers", "--examples"], "--examples"),
        ):
            assert main(["conform", "driver", *arguments]) == 2
            assert said in capsys.readouterr().err


def test_the_check_of_sources_is_asked_of_the_package_itself() -> None:
    source(Case(Right, "example_roll"))
