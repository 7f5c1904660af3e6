"""The conformance kit of the dispenser protocol: the reference passes, and each wrong device fails for its own reason."""

import json
import random
import re
from pathlib import Path

import pytest

from tools.conform import words
from tools.conform.line import SimulatedLine
from tools.conform.reference import RIGHT, lived
from tools.conform.run import CHECKS, FAILED, PASSED, UNTESTED, Result, conform, failed
from tools.kit import conform as command
from tools.kit.__main__ import main
from tools.simulators.dispenser import DispenserDevice
from tools.simulators.wrong_dispensers import WRONG

SPECIFICATION = Path(__file__).resolve().parents[2] / "docs" / "protocols" / "dispenser.md"
NOW_MS, UTC_MS = 360_000_000, 1_790_000_000_000


def run_of(name: str, *, has_power: bool = True) -> list[Result]:
    """Every check against the device of that name, over a line on which time jumps."""
    device = lived(name, {}, random.Random(name).randbytes, NOW_MS, UTC_MS)
    line = SimulatedLine(device, NOW_MS, UTC_MS)
    line.has_power = has_power
    return conform(line)


def test_the_reference_passes_everything_that_can_be_tested_over_a_line() -> None:
    results = run_of(RIGHT)
    assert failed(results) == []
    left = {result.check.name for result in results if result.verdict == UNTESTED}
    assert left == {check.name for check in CHECKS if check.by_hand}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_device_fails_for_its_own_reason_and_for_no_other(name: str) -> None:
    kind, check = WRONG[name]
    assert issubclass(kind, DispenserDevice) and kind.__doc__
    found = failed(run_of(name))
    assert [result.check.name for result in found] == [check], [
        words.reason("en", each.reason, each.values) for each in found
    ]
    for language in words.LANGUAGES:
        assert words.reason(language, found[0].reason, found[0].values)


def test_every_check_that_a_line_can_fail_has_a_device_that_fails_it() -> None:
    testable = {check.name for check in CHECKS if not check.by_hand}
    assert {check for _, check in WRONG.values()} == testable
    assert len(WRONG) >= 12


def test_every_requirement_of_the_specification_has_a_line_in_the_report() -> None:
    listed = re.findall(r"^\| (D\d+) \|", SPECIFICATION.read_text("utf-8"), re.MULTILINE)
    numbers = {check.requirement for check in CHECKS if check.requirement.startswith("D")}
    assert numbers == set(listed)
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_a_device_that_does_not_answer_is_not_judged_in_anything_else() -> None:
    results = run_of("own_number")
    rest = {result.verdict for result in results if result.check.name != "hello" and result.check.run}
    assert rest == {UNTESTED}


def test_without_a_hand_on_its_power_nothing_is_claimed_about_power_cuts() -> None:
    results = {result.check.name: result for result in run_of(RIGHT, has_power=False)}
    assert results["power_boot"].reason == results["power_log"].reason == "no_power"
    assert failed(list(results.values())) == []


def test_a_device_with_an_empty_log_is_filled_by_setting_its_clock_and_its_doses_are_left_out() -> None:
    device = DispenserDevice({}, random.Random(1).randbytes, NOW_MS, UTC_MS, beat_s=2)
    results = {result.check.name: result for result in conform(SimulatedLine(device, NOW_MS, UTC_MS))}
    assert failed(list(results.values())) == []
    assert results["acknowledge"].verdict == PASSED and results["dose_outcome"].reason == "no_doses"


def test_a_device_whose_clock_cannot_be_set_and_whose_log_is_empty_is_told_what_is_lacking() -> None:
    identity: dict[str, object] = {"capabilities": 0}
    device = DispenserDevice({}, random.Random(1).randbytes, NOW_MS, UTC_MS, identity, beat_s=2)
    results = {result.check.name: result for result in conform(SimulatedLine(device, NOW_MS, UTC_MS))}
    assert failed(list(results.values())) == []
    assert {results[name].reason for name in ("log_from", "window", "acknowledge")} == {"few_entries"}
    assert results["identify"].verdict == results["set_time"].verdict == PASSED, "both are refused in words"


def test_every_text_of_the_report_is_there_in_both_languages_and_said() -> None:
    assert words.TITLES.keys() == {check.name for check in CHECKS}
    source = "".join(
        path.read_text("utf-8")
        for path in sorted((Path(command.__file__).parents[1] / "conform").glob("*.py"))
        if path.name != "words.py" and not path.name.startswith("driver")
    )
    raised = set(re.findall(r'(?:FailedError|UntestedError|Result)\([^"()]*"(\w+)"', source))
    raised |= {"few_entries", "zeros_lacking", "seen"}
    assert raised == words.REASONS.keys()
    for texts in (words.TITLES, words.REASONS, words.TEXTS, words.VERDICTS):
        for norwegian, english in texts.values():
            assert re.findall(r"\{\w+\}", norwegian) == re.findall(r"\{\w+\}", english)


def test_the_wrong_devices_are_listed_with_what_is_found_in_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conform", "dispenser", "--examples", "--language", "nb"]) == 0
    said = capsys.readouterr().out
    assert len(said.splitlines()) == len(WRONG) + 1
    assert re.search(r"^greedy +høyst 4 oppføringer er underveis$", said, re.MULTILINE)


def test_the_report_in_words_and_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    results = run_of("greedy")
    printer = command.Printer("nb")
    for result in results:
        printer(result)
    said = capsys.readouterr().out
    assert "FEIL        D10  høyst 4 oppføringer er underveis: 8 oppføringer uten kvittering" in said
    document = command.document(results, "en")
    assert json.loads(json.dumps(document)) == document
    assert document["summary"][FAILED] == 1 and len(document["checks"]) == len(CHECKS)
    row = next(row for row in document["checks"] if row["verdict"] == FAILED)
    assert row == {
        "check": "window",
        "requirement": "D10",
        "title": "at most 4 entries are on their way",
        "verdict": "fail",
        "why": "too_many",
        "text": "8 entries without acknowledgement",
    }
