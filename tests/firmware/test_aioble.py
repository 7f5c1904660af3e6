"""micropython-lib's aioble, where a copy of the chosen version is at hand, on the simulated driver of Bluetooth."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tools.firmware.__main__ import ROOT
from tools.firmware.aioble import read_copy, read_lock
from tools.mpy.interpreter import MissingToolError, find_interpreter


def test_aioble_finds_its_way_on_the_simulated_driver_and_hands_on_less_than_there_was() -> None:
    copy = os.environ["TRYGG_AIOBLE"]
    read_copy(Path(copy), read_lock())
    try:
        command = find_interpreter().command
    except MissingToolError as error:
        pytest.skip(str(error))
    ran = subprocess.run(
        [command, "-m", "tests.firmware.aioble_visit"],
        env=os.environ | {"MICROPYPATH": f"{ROOT}:{Path(copy).parent}:.frozen"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["visit"]["read"] == "0102" and not found["visit"]["connected"], "it reads our simulator"
    assert found["heard"] == ["4400033a01", "4400023a01", "4400013a01"], "newest first, a repeated press once"
    assert found["visit"]["notified"] == [3], "one notification of four"
