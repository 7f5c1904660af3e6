"""F2 and F3 of the quality list for the flash journal: cut and failing on a simulated NOR flash, on real MicroPython.

    python -m tools.rig.flash_figures wear [SECTORS]

prints what the journal does to its flash and takes of memory. The trials are `tools/rig/flash`, which runs on both
interpreters; here they are started on the one of the board.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tools.evidence.figure import Figure, Outcome, UnavailableError
from tools.evidence.hashing import files_of
from tools.mpy.interpreter import MissingToolError, find_compiler, find_interpreter
from tools.rig.flash import wear

ROOT = Path(__file__).resolve().parent.parent.parent
MODULES = (
    "hal/errors.py",
    "hal/esp32/flash_journal.py",
    "hal/esp32/journal_aside.py",
    "hal/esp32/journal_epoch.py",
    "hal/esp32/journal_frames.py",
    "hal/esp32/journal_opening.py",
    "hal/esp32/journal_sectors.py",
    "hal/esp32/journal_space.py",
    "hal/esp32/journal_store.py",
    "hal/esp32/journal_stream.py",
    "hal/esp32/journal_words.py",
    "hal/sim/faults.py",
    "hal/sim/flash_file.py",
    "hal/sim/nor_flash.py",
    "hal/types.py",
    "tools/rig/flash",
    "tools/rig/flash_figures.py",
)
CONDITIONS = (
    "simulated NOR flash of 28 sectors in memory: programming clears bits, erases by 4 KiB; a cut write leaves a byte or a "
    "page half programmed with bits that read either way, a cut erase leaves garbage; the product's own journal on the "
    "unix build of MicroPython, not on a board"
)
HEAP = "heapsize=16M"
CONTROL_TRIALS = 600
WEAR_SECTORS, WEAR_EVENTS = 64, 20_000
BOARD_SECTORS = 768  # 3 MiB, what the firmware's partition table gives
CYCLES = 100_000  # of a sector, by the data sheets of usual NOR flash
EVENTS_A_DAY = 2_000
LEAST_KIB, MOST_KIB, STEP_KIB = 32, 1024, 2


def micropython(module: str, *words: object, heap: str = HEAP, root: Path = ROOT) -> dict[str, Any]:
    """Run a module on MicroPython: its last line. Raises UnavailableError, CalledProcessError."""
    try:
        command = find_interpreter().command
    except MissingToolError as error:
        raise UnavailableError(str(error)) from error
    ran = subprocess.run(
        [command, "-X", heap, "-m", module, *map(str, words)],
        cwd=root,
        env=os.environ | {"MICROPYPATH": f"{root}:.frozen"},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def run(trials: int, seed: int, kind: str, *unsafe: str) -> Outcome:
    """So many trials of a kind."""
    found = micropython("tools.rig.flash.run", kind, trials, seed, *unsafe)
    return Outcome(found["trials"], found["bad"], found["reached"], tuple(found["failures"]))


def trials_of(kind: str) -> Callable[[int, int], Outcome]:
    return lambda trials, seed: run(trials, seed, kind)


def control_of(kind: str, unsafe: str) -> Callable[[int], Outcome]:
    return lambda seed: run(CONTROL_TRIALS, seed, kind, unsafe)


# --- wear and memory ----------------------------------------------------------------------------------------------


def worn(events: int, _seed: int, *unsafe: str) -> Outcome:
    """Erases and bytes of so many events that are delivered; bad where a sector is used much more than another."""
    found = micropython("tools.rig.flash.wear", WEAR_SECTORS, events, *unsafe)
    most, least = (found[f"erases of the {which} used sector"] for which in ("most", "least"))
    years = BOARD_SECTORS * CYCLES * 10_000 // (found["erases in 10,000 events"] * EVENTS_A_DAY * 365)
    reached: dict[str, int | str] = dict(found)
    reached[f"years with {BOARD_SECTORS} sectors at {EVENTS_A_DAY} events a day (estimate)"] = years
    return Outcome(events, int(most > 2 * least + 2), reached)


def compile_modules(folder: Path) -> None:
    """What the trials run, compiled as a board has it: else the compiler is what takes most memory."""
    compiler = find_compiler()
    for name in files_of(ROOT, MODULES):
        if name.startswith(("hal/", "tools/rig/flash/")):
            target = (folder / name).with_suffix(".mpy")
            target.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run([compiler, "-o", target, ROOT / name], check=True)


def heap_kib(root: Path, path: Path) -> int:
    """The smallest heap in which the modules of `root` open the flash in `path`, store, read and end."""
    low, high = LEAST_KIB, MOST_KIB
    while high - low > STEP_KIB:
        middle = (low + high) // 2
        try:
            micropython("tools.rig.flash.wear", "heap", path, heap=f"heapsize={middle}k", root=root)
            high = middle
        except subprocess.CalledProcessError:
            low = middle
    return high


def show_wear(sectors: int) -> None:
    """Print wear and memory."""
    for name, shown in worn(WEAR_EVENTS, 1).reached.items():
        print(f"{name}: {shown}")
    flash, held = asyncio.run(wear.filled(sectors))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flash"
        path.write_bytes(flash.data)
        print(f"{sectors} sectors hold {held} events of {wear.EVENT_BYTES} bytes with state")
        compile_modules(Path(folder))
        found = micropython("tools.rig.flash.wear", "heap", path, root=Path(folder))
        for name, value in found.items():
            print(f"{name}: {value}")
        need = heap_kib(Path(folder), path) - found["bytes before it is open"] // 1024
        print(f"heap to open, store, read and end: {need} KiB (64-bit objects: a board's are half as large)")


of_trials = partial(Figure, modules=MODULES)

FIGURES = (
    of_trials(
        id="F2",
        title="Flash journal: power cut at every byte programmed and within every erase",
        trial="cut",
        asked="0 acknowledged events lost, 0 stores that do not open, in 250,000 cuts",
        release=250_000,
        share=2_000,
        least=25_000,  # a life has 8,000 to 46,000 moments; of fewer trials than that, some from its beginning to its end
        run=trials_of("cuts"),
        control=control_of("cuts", "commit-first"),
        unsafe="the word that confirms is written before what it confirms",
        conditions=CONDITIONS,
    ),
    of_trials(
        id="F2b",
        title="Flash journal: all pairs of cuts on short runs, the second in the start or the append after the first",
        trial="pair of cuts",
        asked="0 acknowledged events lost, 0 stores that do not open",
        release=250_000,
        share=2_000,
        least=60_000,  # a run has 11,000 to 90,000 pairs
        run=trials_of("pairs"),
        control=lambda seed: run(CONTROL_TRIALS, 2 * seed, "pairs", "unstrengthened"),
        unsafe="a start goes on right behind what it found and leaves weak cells as they are",
        conditions=CONDITIONS,
    ),
    of_trials(
        id="F2c",
        title="Flash journal: wear of a gateway that delivers, 100-byte events stored one by one",
        trial="event",
        asked="no sector erased more than twice as often as another",
        release=WEAR_EVENTS,
        share=2_000,
        run=worn,
        control=lambda seed: worn(CONTROL_TRIALS, seed, "lowest-first"),
        unsafe="the free sector with the lowest number is taken",
        conditions="simulated NOR flash of 64 sectors; one event of three moves a counter, a receipt each ten events",
        adds_up=False,
    ),
    of_trials(
        id="F2d",
        title="Flash journal: one flash cut 250 times, each life on what those before have left",
        trial="cut life",
        asked="0 acknowledged events lost, 0 stores that do not open",
        release=100_000,
        share=500,
        run=trials_of("lives"),
        control=control_of("lives", "each-alone"),
        unsafe="what goes to several lanes together counts lane by lane",
        conditions=CONDITIONS,
    ),
    of_trials(
        id="F3c",
        title="Flash journal: a program or an erase that fails at every nth operation, also twice, stuck sectors, then a cut",
        trial="life with a fault",
        asked="0 lost, 0 false acknowledgements, each start opens",
        release=20_000,
        share=200,
        run=trials_of("faults"),
        control=control_of("faults", "believed"),
        unsafe="a write is not read back, and one that failed is believed",
        conditions=CONDITIONS,
    ),
)

if __name__ == "__main__":
    show_wear(int(sys.argv[2]) if len(sys.argv) > 2 else BOARD_SECTORS)
