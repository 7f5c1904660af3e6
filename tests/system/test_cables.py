"""A home on cables as processes: `trygg-kit home` on noisy lines, `trygg run` at their other ends, asked by `trygg devices`."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tools.demo.stage import Brokerage, Stage
from tools.simulators.mosquitto import free_port

TRYGG = [sys.executable, "-X", "utf8", "-m", "gateway.daemon"]
KIT = [sys.executable, "-X", "utf8", "-m", "tools.kit"]
PATIENCE_S = 100


@contextmanager
def started(command: list[str], output: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with output.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as child:
        try:
            yield child
        finally:
            child.terminate()
            child.wait(timeout=60)


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.startswith("{")]


def until(what: Any, child: "subprocess.Popen[bytes]") -> Any:
    """What a function gives once it gives something."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        assert child.poll() is None, "it has ended"
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError("it never came")


def stored(log: Path) -> "Counter[str]":
    """Kinds that the hub has in its journal."""
    return Counter(line["kind"] for line in lines_of(log) if line["message"] == "stored")


@pytest.mark.long
@pytest.mark.timeout(240)
def test_an_oximeter_a_detector_and_a_dispenser_on_noisy_lines_are_read_to_the_last_dose(
    tmp_path: Path,
) -> None:
    stage = Stage(
        tmp_path, Brokerage(f"mqtt://127.0.0.1:{free_port()}", None, None, own=False), language="en"
    )
    home, log = tmp_path / "home.log", tmp_path / "hub.log"
    command = [
        *KIT,
        "home",
        "--scenario",
        "cables",
        "--directory",
        str(stage.home),
        "--seconds",
        "22",
        "--json",
    ]
    with started(command, home) as house:
        until(lambda: any(line.get("home") == "ready" for line in lines_of(home)), house)
        facts = stage.take_devices()
        stage.write_configuration(None, facts["devices"], [], facts["time_zone"], facts["enocean"])
        offset = str(facts["clock_offset_s"])
        run = [*TRYGG, "run", "-c", str(stage.configuration), "--log-json", "--clock-offset-s", offset]
        with started(run, log) as hub:
            ended = until(lambda: [line for line in lines_of(home) if line.get("home") == "ends"], house)
            asked = subprocess.run(
                [*TRYGG, "devices", "-c", str(stage.configuration)],
                capture_output=True, text=True, timeout=60, check=True,
            ).stdout  # fmt: skip
            until(lambda: found_doses(stored(log)), hub)
    kinds = stored(log)
    assert ended[0]["logged"]["Medicine dispenser"] > 6
    assert kinds["smoke.detected"] == kinds["smoke.cleared"] == 1
    assert kinds["oximetry.measured"] >= 1 and kinds["measurement.failed"] >= 1
    assert (kinds["dose.planned"], kinds["dose.dispensed"]) == (3, 3)
    assert (kinds["dose.collected"], kinds["dose.missed"]) == (2, 1)
    assert kinds["device.log_lost"] == kinds["problem.detected"] == kinds["line.misread"] == 0
    assert "has: multidose roll" in asked and "a clock that can be set" in asked
    refused = [line for line in asked.splitlines() if "frames refused" in line]
    assert refused, "the lines were noisy, and it is said"


def found_doses(kinds: "Counter[str]") -> bool:
    return kinds["dose.collected"] + kinds["dose.missed"] == 3
