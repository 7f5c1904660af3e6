"""A program for `test_run_disk_full`: a whole system whose hub keeps its files on a small disk that somebody else fills.

    python -m tests.system.run_disk_program DIRECTORY

DIRECTORY/hub lies on a file system of a few MiB. Prints facts as one JSON object.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.system.journal_disk_program import fill
from tools.bench.system import System
from tools.home.scenario import Act

BACKLOG = 6_000
DOOR, SMOKE = "Front door", "Smoke detector"
DOORS_A_ROUND = 60
PACE_S = 0.003
WAIT_S = 60.0


async def until(what: Callable[[dict[str, Any]], bool], system: System) -> dict[str, Any]:
    """Ask the hub until `what` holds of its status."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        facts = await system.status()
        if facts is not None and what(facts):
            return facts
        await asyncio.sleep(0.1)
    raise AssertionError(f"it did not come to that: {facts}")


def said(system: System, language: str) -> str:
    """What `trygg status` prints, once the hub has time to answer: it works hard on a machine that does, too."""
    words = system.stage.hub / f"{language}.toml"
    text = system.stage.configuration.read_text(encoding="utf-8")
    words.write_text(text.replace('language = "nb"', f'language = "{language}"'), encoding="utf-8")
    command = [sys.executable, "-m", "gateway.daemon", "status", "-c", str(words)]
    end = time.monotonic() + WAIT_S
    while True:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout
        assert time.monotonic() < end, done.stderr


async def a_round(system: System, number: int) -> None:
    """The door goes to and fro, and there is smoke, or no more."""
    for _ in range(DOORS_A_ROUND // 2):
        for act in ("open", "close"):
            await system.house.perform(Act(0, DOOR, act, {}))
            await asyncio.sleep(PACE_S)
    for _ in range(2):  # one that the radio drops is no matter of the disk
        await system.house.perform(Act(0, SMOKE, "smoke" if number % 2 == 0 else "clear", {}))
        await asyncio.sleep(2 * PACE_S)


async def main(folder: Path) -> None:
    system = System(folder, prints="--quiet")
    facts: dict[str, Any] = {}
    async with system.running(backlog=BACKLOG):
        assert system.mosquitto is not None
        system.mosquitto.stop()
        for language in ("en", "nb"):  # before there is no room for them
            (system.stage.hub / f"{language}.toml").write_bytes(b" " * 8_192)
        await system.start_hub()
        fill(system.stage.hub / "ballast")
        number, end = 0, time.monotonic() + WAIT_S
        while True:
            await a_round(system, number)
            number += 1
            full = await system.status() or {}
            if full.get("given_up") or time.monotonic() > end:
                break
        assert "disk.full" in full["faults"], full
        facts["alarms_made"] = number
        facts["lamp"] = full["lamp"]
        # the last is on its way from the radio still when the status comes
        stored = await until(lambda now: now["lanes"][0]["held"] >= number, system)
        facts["alarms_stored"] = stored["lanes"][0]["held"]
        facts["given_up_lanes"] = sorted({gone["lane"] for gone in full["given_up"]})
        facts["said"] = {language: said(system, language) for language in ("en", "nb")}
        (system.stage.hub / "ballast").unlink()
        freed = await until(lambda now: "disk.full" not in now["faults"], system)
        facts["same_process"] = freed["boot"] == full["boot"]
        system.mosquitto.start()
        await a_round(system, number)  # an alarm hurries the next attempt
        drained = await until(lambda now: all(lane["held"] == 0 for lane in now["lanes"]), system)
        facts["alarms_delivered"] = drained["lanes"][0]["last"]
    print(json.dumps(facts))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
