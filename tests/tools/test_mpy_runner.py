"""`tools.mpy` runs tests on the real interpreter and sees failures, crashes and unequal counts."""

from pathlib import Path

import pytest

from tools.mpy.__main__ import main
from tools.mpy.interpreter import (
    MissingToolError,
    compiler_format,
    find_compiler,
    find_interpreter,
    mpy_format,
)
from tools.mpy.run import find_modules, read_output, run_module
from tools.mpy.sizes import measure, portable_files

GOOD = """
import asyncio

def test_integers_are_exact():
    assert 2 ** 100 % 1000 == 376

def test_a_coroutine_is_run():
    async def main():
        await asyncio.sleep(0)
        return 7
    assert asyncio.run(main()) == 7

def helper():
    raise AssertionError("no test")
"""

# Each fails on MicroPython in a way of its own.
BAD = """
import sys, asyncio

def test_assertion_fails():
    assert 1 == 2, "one is not two"

def test_interpreter_is_asked_to_leave():
    sys.exit(0)

async def test_coroutine_is_never_awaited():
    assert False

def test_wants_a_fixture(tmp_path):
    pass

def test_cancelled_error_escapes():
    raise asyncio.CancelledError
"""

LEAVES_A_TASK = """
import asyncio

def test_a_leaves_a_task():
    async def late():
        await asyncio.sleep(0)
        raise SystemExit(9)
    async def main():
        asyncio.create_task(late())
        raise ValueError
    try:
        asyncio.run(main())
    except ValueError:
        pass

def test_b_does_not_meet_it():
    async def main():
        for _ in range(5):
            await asyncio.sleep(0)
    asyncio.run(main())
"""


def needs_interpreter() -> None:
    try:
        find_interpreter()
    except MissingToolError as error:
        pytest.skip(str(error))


def checkout(folder: Path, **modules: str) -> Path:
    """A folder that looks like a checkout, with test modules in tests/core."""
    (folder / "tests" / "core").mkdir(parents=True)
    for package in ("tests", "tests/core"):
        (folder / package / "__init__.py").touch()
    for name, source in modules.items():
        (folder / "tests" / "core" / f"{name}.py").write_text(source)
    return folder


def test_good_tests_pass_with_equal_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs_interpreter()
    root = checkout(tmp_path, test_good=GOOD)
    assert main(["--root", str(root), "tests/core"]) == 0
    assert "2 tests on CPython, 2 on MicroPython" in capsys.readouterr().out


def test_each_way_to_fail_is_seen(tmp_path: Path) -> None:
    needs_interpreter()
    root = checkout(tmp_path, test_bad=BAD)
    result = run_module(find_interpreter(), root, "tests/core/test_bad.py")
    assert result.passed == 0
    assert sorted(result.failed) == [
        "test_assertion_fails",
        "test_cancelled_error_escapes",
        "test_coroutine_is_never_awaited",
        "test_interpreter_is_asked_to_leave",
        "test_wants_a_fixture",
    ]
    assert "one is not two" in result.output
    assert "line 5, in test_assertion_fails" in result.output


def test_a_failure_fails_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs_interpreter()
    failing = (
        "import sys\n\ndef test_one_interpreter_only():\n    assert sys.implementation.name == 'cpython'\n"
    )
    root = checkout(tmp_path, test_good=GOOD, test_failing=failing)
    assert main(["--root", str(root), "tests/core"]) == 1
    output = capsys.readouterr().out
    assert "tests/core/test_failing.py: test_one_interpreter_only failed on MicroPython" in output
    assert "3 tests on CPython, 3 on MicroPython" in output


def test_unequal_counts_fail_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs_interpreter()
    unequal = (
        GOOD
        + "\nimport sys\nif sys.implementation.name == 'cpython':\n    def test_here_only():\n        pass\n"
    )
    root = checkout(tmp_path, test_unequal=unequal)
    assert main(["--root", str(root), "tests/core"]) == 1
    output = capsys.readouterr().out
    assert "tests/core/test_unequal.py: 3 tests on CPython, 2 on MicroPython" in output
    assert "0 failed there" in output


def test_a_module_that_does_not_import_fails_the_run(tmp_path: Path) -> None:
    needs_interpreter()
    root = checkout(tmp_path, test_import="import typing\n\ndef test_never_reached():\n    pass\n")
    result = run_module(find_interpreter(), root, "tests/core/test_import.py")
    assert result.failed == ("(import)",)
    assert "no module named 'typing'" in result.output


def test_a_module_that_one_side_cannot_import_hides_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needs_interpreter()
    root = checkout(tmp_path, test_good=GOOD, test_import="import nothing_of_this_name\n")
    assert main(["--root", str(root), "tests/core"]) == 1
    output = capsys.readouterr().out
    assert "2 tests on CPython, 3 on MicroPython" in output
    assert "nothing_of_this_name" in output


def test_a_folder_without_tests_fails_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs_interpreter()
    assert main(["--root", str(checkout(tmp_path)), "tests/core"]) == 1
    assert "no test modules below tests/core" in capsys.readouterr().out


def test_a_task_left_behind_does_not_reach_the_next_test(tmp_path: Path) -> None:
    needs_interpreter()
    root = checkout(tmp_path, test_task=LEAVES_A_TASK)
    result = run_module(find_interpreter(), root, "tests/core/test_task.py")
    assert (result.passed, result.failed) == (2, ())


def test_an_interpreter_that_dies_fails_the_test_it_ran() -> None:
    result = read_output("tests/core/test_x.py", "@run test_a\n@passed test_a\n@run test_b\n", "status -11")
    assert (result.passed, result.failed) == (1, ("test_b",))
    assert "status -11" in result.output


def test_a_folder_that_does_not_exist_is_a_wrong_command_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--root", str(tmp_path), "tests/nowhere"])
    assert stopped.value.code == 2


def test_modules_are_found_by_folder_and_by_name(tmp_path: Path) -> None:
    root = checkout(tmp_path, test_a="", test_b="", helper="")
    assert find_modules(root, ["tests/core"]) == ["tests/core/test_a.py", "tests/core/test_b.py"]
    assert find_modules(root, ["tests/core/test_b.py"]) == ["tests/core/test_b.py"]


def test_compiler_and_interpreter_agree_on_the_format() -> None:
    needs_interpreter()
    assert compiler_format(find_compiler()) == find_interpreter().mpy_format
    assert mpy_format(2822) == "6.3"


def test_a_file_that_does_not_compile_is_named(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("x = 1\n")
    (tmp_path / "bad.py").write_text("match x:\n    case 1:\n        pass\n")
    good, bad = measure(find_compiler(), tmp_path, ["good.py", "bad.py"])
    assert good.compiled > 0 and not good.error
    assert bad.compiled == 0 and "SyntaxError" in bad.error


def test_only_what_a_board_holds_is_measured(tmp_path: Path) -> None:
    for path in (
        "gateway/core/a.py",
        "gateway/daemon/b.py",
        "hal/types.py",
        "hal/interfaces.py",
        "hal/linux/c.py",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert portable_files(tmp_path) == ["gateway/core/a.py", "hal/types.py"]
