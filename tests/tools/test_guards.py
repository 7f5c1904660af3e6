"""Negative controls of `tests/conftest.py`: each guard, shown a test that deserves it, fails that test."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

GOOD = """
import asyncio, logging, socket, threading

def test_loopback_is_allowed():
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()):
            pass

def test_unix_sockets_are_allowed(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))

def test_a_joined_thread_is_allowed():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()

def test_a_finished_task_is_allowed():
    async def main():
        await asyncio.create_task(asyncio.sleep(0))
    asyncio.run(main())

def test_a_cancelled_task_is_allowed():
    async def main():
        asyncio.create_task(asyncio.Event().wait()).cancel()
    asyncio.run(main())

def test_a_good_log_line_is_allowed():
    logging.getLogger("gateway.x").debug("%d of %s", 1, "two")
"""

BAD = """
import asyncio, logging, os, socket, sys, threading, warnings

import hal

done = threading.Event()

def test_thread_is_leaked():
    threading.Thread(target=done.wait, daemon=True, name="forgotten").start()

def test_task_is_leaked():
    async def forgotten():
        await asyncio.Event().wait()
    async def main():
        main.task = asyncio.create_task(forgotten())
        await asyncio.sleep(0)
    asyncio.run(main())

def test_suite_would_become_another_program():
    os.execv(sys.executable, [sys.executable, "-c", ""])

def test_other_machine_is_called():
    with socket.socket() as sock:
        sock.connect(("192.0.2.1", 9))

def test_refusal_is_swallowed():
    with socket.socket() as sock:
        sock.connect_ex(("127.0.0.1", 9))
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            pass

def test_every_interface_is_served():
    with socket.socket() as sock:
        sock.bind(("0.0.0.0", 0))

def test_name_is_looked_up():
    socket.getaddrinfo("example.invalid", 80)

def test_debug_line_is_badly_formatted():
    logging.getLogger("gateway.x").debug("%d events", "many")

def test_warning_is_raised():
    warnings.warn("old", DeprecationWarning)

def test_loop_is_blocked():
    async def main():
        hal.block()
    asyncio.run(main())
"""

SKIPS = """
import pytest

def test_tool_is_missing():
    pytest.skip("mosquitto is not installed")

@pytest.mark.skipif(True, reason="no radio")
def test_radio_is_missing():
    pass

@pytest.mark.xfail(reason="known", raises=ValueError)
def test_known_failure():
    raise ValueError
"""

SKIPPED_MODULE = """
import pytest
pytest.skip("no vectors", allow_module_level=True)
"""


def run(folder: Path, source: str, level: str = "hub", **env: str) -> tuple[dict[str, str], str]:
    """Run `source` as a test file under our guards; return each test's outcome, and the output."""
    for package in ("gateway", "hal", "tests", f"tests/{level}"):
        (folder / package).mkdir(parents=True)
        (folder / package / "__init__.py").touch()
    (folder / "hal" / "__init__.py").write_text("import time\n\ndef block():\n    time.sleep(0.001)\n")
    (folder / "tests" / level / "test_it.py").write_text(source)
    shutil.copy(ROOT / "tests" / "conftest.py", folder / "tests" / "conftest.py")
    shutil.copy(ROOT / "pyproject.toml", folder / "pyproject.toml")
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "TRYGG", "COV"))
    }
    command = [sys.executable, "-m", "pytest", "-v", "-rA", "-p", "no:cacheprovider", "tests"]
    ran = subprocess.run(
        command, cwd=folder, env=environment | env, capture_output=True, text=True, timeout=60, check=False
    )
    lines = re.findall(
        r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL) .*?(?:::)?(\w+)(?: - .*)?$", ran.stdout, re.MULTILINE
    )
    return {name: outcome for outcome, name in lines}, ran.stdout + ran.stderr


def test_well_behaved_tests_pass(tmp_path: Path) -> None:
    outcomes, output = run(tmp_path, GOOD)
    assert set(outcomes.values()) == {"PASSED"}, output
    assert len(outcomes) == GOOD.count("def test_"), output


def test_each_guard_fails_the_test_that_deserves_it(tmp_path: Path) -> None:
    outcomes, output = run(tmp_path, BAD)
    expected = {
        "test_thread_is_leaked": "ERROR",
        "test_task_is_leaked": "ERROR",
        "test_suite_would_become_another_program": "FAILED",
        "test_other_machine_is_called": "FAILED",
        "test_every_interface_is_served": "FAILED",
        "test_refusal_is_swallowed": "ERROR",
        "test_name_is_looked_up": "FAILED",
        "test_debug_line_is_badly_formatted": "FAILED",
        "test_warning_is_raised": "FAILED",
        "test_loop_is_blocked": "FAILED",
    }
    assert outcomes == expected, output
    for cause in (
        "forgotten",
        "os.exec in the process of the tests",
        "tests use 127.0.0.1",
        "Blocking call to time.sleep",
        "--randomly-seed=",
    ):
        assert cause in output, output


def test_blocking_is_judged_only_where_loops_are_tested(tmp_path: Path) -> None:
    outcomes, output = run(tmp_path, BAD, level="system")
    assert outcomes["test_loop_is_blocked"] == "PASSED", output


def test_a_skip_fails_where_everything_must_run(tmp_path: Path) -> None:
    outcomes, output = run(tmp_path, SKIPS, TRYGG_REQUIRE_ALL="1")
    assert outcomes == {
        "test_tool_is_missing": "FAILED",
        "test_radio_is_missing": "ERROR",
        "test_known_failure": "XFAIL",
    }, output
    assert "mosquitto is not installed" in output


def test_a_skipped_module_fails_where_everything_must_run(tmp_path: Path) -> None:
    _, output = run(tmp_path, SKIPPED_MODULE, TRYGG_REQUIRE_ALL="1")
    assert "1 error" in output and "no vectors" in output, output


def test_a_skip_is_a_skip_elsewhere(tmp_path: Path) -> None:
    _, output = run(tmp_path, SKIPS)
    assert "2 skipped, 1 xfailed" in output, output
