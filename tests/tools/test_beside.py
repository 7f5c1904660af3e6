"""`tools/ci/beside`: targets at once, each one's output whole and in order, a failure of one the failure of all."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[2] / "tools" / "ci" / "beside"
# first and second wait for each other: run one after the other they would not end
MAKEFILE = """
.PHONY: first second bad last long priority
first:
	@touch first.here; until [ -e second.here ]; do sleep 0.01; done; echo first one; sleep 0.1; echo first two
second:
	@touch second.here; until [ -e first.here ]; do sleep 0.01; done; echo second one
bad:
	@echo what went wrong; exit 3
last:
	@echo last word
priority:
	@nice
long:
	@trap 'touch stopped; exit 1' INT; touch long.here; for i in $$(seq 600); do sleep 0.1; done
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Makefile").write_text(MAKEFILE)
    return tmp_path


def environment() -> dict[str, str]:
    """Without what a make around these tests tells its children."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}


def beside(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [BESIDE, *arguments], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )


def test_targets_run_at_once_and_each_is_shown_whole_in_the_order_named(folder: Path) -> None:
    done = beside(folder, "first", "second", "last")
    assert done.returncode == 0 and done.stderr == ""
    lines = [line for line in done.stdout.splitlines() if line]
    heads = [line.split(" after ")[0] for line in lines if line.startswith("---")]
    assert heads == ["--- first: passed", "--- second: passed", "--- last: passed"]
    assert lines[2:4] == ["first one", "first two"] and lines[-1] == "last word"


def test_one_that_fails_fails_all_is_named_and_stops_no_other(folder: Path) -> None:
    done = beside(folder, "bad", "absent", "last")
    assert done.returncode == 1
    assert "--- bad: FAILED" in done.stdout and "what went wrong" in done.stdout
    assert "No rule to make target 'absent'" in done.stdout
    assert "--- last: passed" in done.stdout and done.stdout.endswith("last word\n")
    assert "failed: bad absent" in done.stderr


def test_what_fills_yields_to_what_is_timed(folder: Path) -> None:
    usual = int(beside(folder, "priority").stdout.splitlines()[-1])
    filling = beside(folder, "--fill", "priority", "last")
    assert int(filling.stdout.splitlines()[3]) > usual


def test_ctrl_c_stops_what_runs(folder: Path) -> None:
    with subprocess.Popen(
        ["env", "--default-signal=INT", BESIDE, "long"],  # whoever runs these tests may ignore it
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        end = time.monotonic() + 15
        while not (folder / "long.here").exists() and time.monotonic() < end:
            pass
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=10)
    assert child.returncode == 130
    assert (folder / "stopped").exists()


def test_nothing_named_is_a_wrong_command_line(folder: Path) -> None:
    done = beside(folder)
    assert done.returncode == 2 and "name the targets" in done.stderr
