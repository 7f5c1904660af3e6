"""F15a, F15b: what a board makes in 128 KiB, and memory that is missing while an alarm is taken in; on real MicroPython.

    python -m tools.rig.esp.month_figures [MINUTES [KIB]]
    python -m tools.rig.esp.month_figures starve [POINTS]

How 128 KiB on a board are 256 KiB here: nearly everything in the heap is words (pointers, small integers, slots), of 32 bits there and
of 64 here; only the contents of byte strings are as large, so this is on the safe side for all but them. Modules lie in this heap as
well: so the heap is larger, and before the life begins it is filled up until only 256 KiB less what the board's objects already take
are free. **Modules are not counted**, though a board has only their code in flash, and functions, classes and names in its heap:
`tests/firmware/module_heap.py` says how much. The simulated home, broker and platform live in what is left, too.
"""

import json
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from tools.evidence.figure import Figure, Outcome
from tools.mpy.interpreter import find_compiler
from tools.mpy.sizes import portable_files
from tools.rig.flash_figures import ROOT, micropython

BOARD_KIB, SMALL_KIB, WORDS = 128, 48, 2
HEAP = "heapsize=2M"  # not much more than it takes: all of it is searched at each collection
DAY_MIN = 1440
# Of seed 1: at three of them, the second, the tenth and the last (3,136, 3,392 and 3,648 bytes left), the unsafe board is known to lose the alarm.
CONTROL_POINTS, CONTROL_SEED = 18, 1
AROUND = (
    "tests/firmware/board_home.py",
    "tests/firmware/board_month.py",
    "tests/firmware/lean_platform.py",
    "tools/rig/sim/platform.py",
    "tools/simulators/dispenser.py",
    "tools/simulators/dispenser_plan.py",
)
CONDITIONS = (
    "simulated: drivers of a board, home and time; the firmware's own wiring with radio, UART, flash journal, key store and signatures on the "
    "unix build of MicroPython, words of 64 bits; broker in memory, so without TLS, which takes its buffers from ESP-IDF on a board"
)
MODULES = (
    "firmware",
    "gateway/core",
    "gateway/hub",
    "hal/esp32",
    "hal/sim",
    *AROUND,
    "tools/rig/esp/month_figures.py",
)


@cache
def compiled() -> tempfile.TemporaryDirectory[str]:
    """All modules, compiled as a board has them; kept as long as this process."""
    folder = tempfile.TemporaryDirectory()
    compiler = find_compiler()
    for path in [*portable_files(ROOT), *AROUND]:
        target = (Path(folder.name) / path).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([compiler, "-march=host", "-s", path, "-o", str(target), str(ROOT / path)], check=True)
    return folder


def played(*words: object) -> dict[str, Any]:
    """The last line of `tests.firmware.board_month`."""
    with tempfile.TemporaryDirectory() as folder:
        flash = Path(folder) / "flash"
        return micropython("tests.firmware.board_month", flash, *words, heap=HEAP, root=Path(compiled().name))


def month(minutes: int, seed: int, board_kib: int = BOARD_KIB) -> Outcome:
    """Bad is every alarm that did not come, every part that failed for want of memory, and a life that ended."""
    try:
        found = played(minutes, board_kib * WORDS, seed)
    except subprocess.CalledProcessError as error:
        lines = str(error.stderr).splitlines() or ["it ended"]
        place = lines[-2].strip() if len(lines) > 1 else "nowhere"
        return Outcome(minutes, 1, failures=(f"seed {seed}: {lines[-1]}, {place}",))
    bad = found["lost"] + found["restarts"] + found["resets"] + found["short"]
    shown = {name: value for name, value in found.items() if name != "faults"}
    return Outcome(minutes, bad, shown, tuple(found["faults"]) if bad else ())


def starve(points: int, seed: int, *control: str) -> Outcome:
    """Memory that runs short while an alarm is taken in; bad is every alarm that never came."""
    found = played("starve", points, seed, *control)
    failures = tuple(found.pop("failures"))
    return Outcome(points, found["lost"], found, failures)


FIGURES = (
    Figure(
        id="F15a",
        title="What a board makes, modules apart, in 128 KiB: 30 days with four peripherals",
        trial="minute",
        asked="0 alarms lost, no part without memory, no start anew",
        release=30 * DAY_MIN,
        share=20,
        least=20,
        modules=MODULES,
        run=month,
        control=lambda seed: month(20, seed, board_kib=SMALL_KIB),
        unsafe="a heap of 48 KiB",
        conditions=CONDITIONS + ". 256 KiB of it are left to the board",
        adds_up=False,
    ),
    Figure(
        id="F15b",
        title="A board's heap that is full while an alarm is taken in",
        trial="alarm",
        asked="0 alarms lost",
        release=2_000,
        share=6,
        least=6,
        modules=MODULES,
        run=starve,
        control=lambda seed: starve(CONTROL_POINTS, CONTROL_SEED, "control"),
        unsafe="a part that met a lack of memory goes on with what it remembers, and nobody resets the board",
        conditions=CONDITIONS
        + ". From 0 to 24 KiB are left; the detector says it again, and the board starts anew where it gave up",
    ),
)


def main(words: list[str]) -> dict[str, Any]:
    """What the command line asks for."""
    if words[:1] == ["starve"]:
        return vars(starve(int(words[1]) if len(words) > 1 else 60, 1))
    minutes, kib = [int(word) for word in words] + [DAY_MIN, BOARD_KIB][len(words) :]
    return played(minutes, kib * WORDS, 1)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
