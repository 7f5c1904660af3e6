"""The estimate of what a signature costs on a board: what it counts is really done, and its slices keep to the limit."""

import json
import subprocess
from pathlib import Path

import pytest

from hal.esp32 import comb, ed25519, field
from hal.esp32.sha512 import finished
from tools.mpy.interpreter import MissingToolError, find_interpreter
from tools.mpy.signing import ALLOWANCE, BOARDS, LIMIT_MS, Priced, main, operations, rows

ROOT = Path(__file__).resolve().parent.parent.parent
EUCLID = 90  # units of one inversion, at most; it multiplies nothing modulo P


class CountingModulus(int):
    """2^255 - 19; counts what is reduced by it."""

    reduced = 0

    def __rmod__(self, number: int) -> int:
        CountingModulus.reduced += 1
        return number % int(self)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> type[CountingModulus]:
    for module in (comb, ed25519, field):
        monkeypatch.setattr(module, "P", CountingModulus(field.P))
    return CountingModulus


def test_as_many_multiplications_are_done_as_are_stated(counting: type[CountingModulus]) -> None:
    board = ed25519.Ed25519(Priced([0]), lambda size: b"\x07" * size)
    for name, work in operations(board).items():
        counting.reduced = 0
        stated = sum(work())
        assert counting.reduced * 0.97 <= stated <= counting.reduced * 1.03 + EUCLID, (
            name,
            stated,
            counting.reduced,
        )
        assert counting.reduced > 600, name


def test_no_slice_passes_the_limit_on_an_s3_even_where_the_estimate_is_off_by_its_allowance() -> None:
    found = rows()
    assert len(found) == 12
    for row in found:
        assert row.slice_ms["ESP32-S3"] * ALLOWANCE <= LIMIT_MS, row
    assert any(row.slice_ms["ESP32-S3"] > LIMIT_MS for row in rows(slice_units=500)), "control"


def test_the_whole_is_that_of_its_slices_and_a_signature_takes_its_quarter_of_a_second() -> None:
    by_name = {(row.operation, row.hashing): row for row in rows()}
    alarm = by_name["sign an alarm of 200 bytes", "viper"]
    bundle = by_name["sign a bundle of 2048 bytes", "viper"]
    assert alarm.units <= 850 and alarm.ms["ESP32-S3"] <= 200
    assert bundle.ms["ESP32-S3"] <= 300, "hashing twice costs a third of it, so bundles stay small"
    assert all(row.slices >= row.units // (row.longest_slice or 1) for row in by_name.values())


def test_the_command_marks_its_numbers_as_estimates(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ESTIMATES") and len(lines) == 15
    assert main(["--json"]) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(row["estimate"] is True and set(row["ms"]) == set(BOARDS) for row in objects)


def test_the_pinned_interpreter_runs_viper_so_its_tests_are_of_both_ways() -> None:
    try:
        interpreter = find_interpreter()
    except MissingToolError as error:
        pytest.skip(str(error))
    program = (
        "import asyncio, os\n"
        "from hal.esp32.signing import Signing\n"
        "signing = Signing(os.urandom)\n"
        "asyncio.run(signing.start())\n"
        "print(signing.fast)"
    )
    command = [interpreter.command, "-X", "heapsize=128k", "-c", program]
    ran = subprocess.run(
        command, cwd=ROOT, env={"MICROPYPATH": f"{ROOT}:.frozen"}, capture_output=True, text=True, check=False
    )
    assert ran.stdout.strip() == "True", ran.stderr


def test_hashing_is_priced_and_right() -> None:
    for costs in ([11], [1, 2]):
        steps = Priced(costs).steps((b"abc",))
        assert finished(steps).hex().startswith("ddaf35a1")
