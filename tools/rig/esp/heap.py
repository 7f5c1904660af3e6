"""What the firmware takes of the heap, by part, and the least heap in which it lives: on the unix interpreter.

    python -m tools.rig.esp.heap [--seconds 10]

Read it with care: objects there are of 64 bits and a board's of 32; compiled modules lie in the heap there and in flash on a
board, when they are frozen; TLS takes its buffers from the heap there and from ESP-IDF's own on a board.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tools.mpy.interpreter import MissingToolError, find_compiler, find_interpreter
from tools.mpy.sizes import portable_files
from tools.rig.esp.demo import ROOT
from tools.rig.esp.stage import EspStage
from tools.simulators.mosquitto import Mosquitto, MosquittoError

AROUND = (
    "tests/firmware/live_heap.py",
    "tests/firmware/live_home.py",
    "tools/rig/esp/around.py",
    "tools/simulators/dispenser.py",
    "tools/simulators/dispenser_plan.py",
)
FIRST_KIB, STEP_KIB = 1000, 50


def compile_all(folder: Path) -> None:
    """What is frozen, and the home around it."""
    compiler = find_compiler()
    for path in [*portable_files(ROOT), *AROUND]:
        target = (folder / path).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([compiler, "-march=host", "-s", path, "-o", str(target), str(ROOT / path)], check=True)


def live(modules: Path, flash: Path, kib: int, seconds: int) -> list[dict[str, Any]] | None:
    """Lines of one life in a heap of so many KiB; None where it does not live."""
    command = [find_interpreter().command, "-X", f"heapsize={kib}K", "-m", "tests.firmware.live_heap"]
    environment = {**os.environ, "MICROPYPATH": f"{modules}:.frozen"}
    ran = subprocess.run(
        [*command, str(flash), str(seconds)],
        env=environment,
        cwd=modules,
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=False,
    )
    lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    return lines if ran.returncode == 0 and lines and lines[-1].get("connected") else None


def measure(folder: Path, seconds: int) -> dict[str, Any]:
    """Parts in a large heap, then ever smaller ones."""
    compile_all(folder / "modules")
    stage = EspStage(folder / "stage")
    with Mosquitto(folder / "broker", tls=stage.authority.server("127.0.0.1")) as broker:
        stage.configure(broker.url)
        with (folder / "platform.log").open("w") as log:
            platform = subprocess.Popen(
                [sys.executable, *stage.platform_arguments(broker.url)], stdout=log, stderr=log
            )
            try:
                parts = live(folder / "modules", stage.flash, 8 * 1024, seconds)
                kib, least = FIRST_KIB, None
                while live(folder / "modules", stage.flash, kib, seconds) is not None:
                    kib, least = kib - STEP_KIB, kib
            finally:
                platform.kill()
                platform.wait()
    return {"parts": parts or [], "least_kib": least}


def main(argv: list[str] | None = None) -> int:
    """Entry point: 0 measured, 1 it did not live at all, 2 it cannot run here."""
    parser = argparse.ArgumentParser(prog="python -m tools.rig.esp.heap", description=__doc__)
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(Path(folder), options.seconds)
    except (MissingToolError, MosquittoError) as error:
        print(f"heap: {error}", file=sys.stderr)
        return 2
    code = 0
    for row in found["parts"]:
        if "step" in row:
            print(f"{row['more']:8} {row['held']:8}  {row['step']}")
            code += row["more"] if row["step"].endswith("code") or row["step"] == "interpreter" else 0
    print(f"{code:8}           of it is code, which a board has in flash")
    print(f"least heap in which it lived: {found['least_kib']} KiB, in steps of {STEP_KIB}")
    return 0 if found["least_kib"] else 1


if __name__ == "__main__":
    sys.exit(main())
