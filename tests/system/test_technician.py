"""A technician's whole day: what `make technician` shows, from the municipality's root key to a disk without a trace of the home."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tools.rig.technician.__main__ import missing

REFUSED = (
    "an application with another hash",
    "an application of another chip",
    "an image with another hash",
    "a used token, for another gateway",
    "a wrong one-time code",
    "a second technician",
)
MOST_STEPS = (
    12  # F25, of one visit with one device; what is counted here is presses of buttons, for four devices
)
MOST_PRESSES = 20


def day(folder: Path) -> dict[str, Any]:
    """The facts of a day. Skips where the machine lacks something, which is a failure where all is required."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.rig.technician", "--json", "--pictures", str(folder)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=600,
        check=False,
    )
    if done.returncode == 2:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr[-3000:]
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.skipif(bool(missing()), reason=f"not installed: {missing()}")
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
def test_a_day_from_the_root_key_to_a_disk_without_a_trace(tmp_path: Path) -> None:
    facts = day(tmp_path)
    assert all(facts["refused"].get(what) for what in REFUSED), facts["refused"]
    found = facts["found"]
    assert found["traces"]["looked_for"] > MOST_STEPS and found["traces"]["left"] == []
    assert found["clicks"] <= MOST_PRESSES
    assert {path.stem[3:] for path in tmp_path.iterdir()} >= {"checklist", "centre-accepted", "record"}
