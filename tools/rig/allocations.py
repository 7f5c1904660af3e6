"""F15c: memory missing at every line of the hub that an alarm goes through, one after the other; on CPython.

Four scenes: smoke, which its detector repeats; a door that stands open, which a rule finds and says once, in a gateway that is
connected, and where another device speaks before the process ends: what that one stores must not hold what the rule remembers. And
what a device says once: smoke by an advertisement, smoke by a telegram behind the press of a switch.

    python -m tools.rig.allocations [FIRST]          every line from FIRST on

An interpreter's allocator fails in the middle of a line; what matters is what stands already when it does, and that is what the
lines before it did. `tests/hub/test_short_of_memory.py` has points that both interpreters know, `month_figures` a heap that is full.
"""

import asyncio
import gc
import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import gateway
from tools.evidence.figure import Figure, Outcome
from tools.rig.sim.shortage import HARDY, SAFE, Once, OnceByTelegram, Overdue, Trial

GATEWAY = str(Path(gateway.__file__).parent)
SCENES: tuple[tuple[type[Trial], bool], ...] = (
    (Trial, False),
    (Overdue, True),
    (Once, False),
    (OnceByTelegram, False),
)  # and whether another device speaks
ONCE = 2  # scenes from here on are of what is said once
CONTROL_STEP = 61  # of the lines that the control is tried at
SHARE = 300
RELEASE = 1_500  # or more is every line that there is


class Lines:
    """Counts lines of the gateway that run between `start` and `stop`, and raises MemoryError at the line `fails_at`."""

    def __init__(self, fails_at: int) -> None:
        self.fails_at = fails_at
        self.passed = 0
        self.where = ""

    def start(self) -> None:
        sys.settrace(self.trace)

    def stop(self) -> None:
        sys.settrace(None)

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Follow what is ours."""
        return self.line if frame.f_code.co_filename.startswith(GATEWAY) else None

    def line(self, frame: FrameType, event: str, argument: Any) -> Any:
        """One step in a frame of ours."""
        if event == "line":
            self.passed += 1
            if self.passed == self.fails_at:
                self.where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
                raise MemoryError(self.where)
        return self.line


@contextmanager
def nobody_else_traces() -> Iterator[None]:
    """Whoever measures coverage gets its turn back."""
    before = sys.gettrace()
    try:
        yield
    finally:
        sys.settrace(before)


def tried(line: int, ways: str = SAFE, scene: int = 0) -> tuple[Trial, Lines]:
    """An alarm, with memory missing at `line`, counted from 1; 0 is nowhere. `ways`: HARDY and LAX are the controls."""
    kind, beside = SCENES[scene]
    trial, lines = kind(ways, beside), Lines(line)
    with nobody_else_traces():
        asyncio.run(played(trial, lines))
    return trial, lines


async def played(trial: Trial, lines: Lines) -> None:
    """A whole trial. What had no memory for its own end is ended, as with a process."""
    await trial.play(lambda bench: lines.start(), lines.stop)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def counts() -> list[int]:
    """How many lines each scene goes through."""
    return [tried(0, scene=scene)[1].passed for scene in range(len(SCENES))]


def count() -> int:
    """How many lines there are: those of a scene are counted behind those of the one before."""
    return sum(counts())


def scene_of(line: int, sizes: list[int]) -> tuple[int, int]:
    """The scene of a line, and which of its own it is."""
    for scene, size in enumerate(sizes):
        if line <= size:
            return scene, line
        line -= size
    raise ValueError("there are fewer lines")


def tried_at(chosen: list[int], ways: str = SAFE) -> Outcome:
    """Bad is every alarm that did not come, or came twice."""
    bad, restarts, sizes = [], 0, counts()
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "coroutine .* was never awaited"
        )  # there was no memory for its task
        for line in chosen:
            scene, own = scene_of(line, sizes)
            trial, lines = tried(own, ways, scene)
            restarts += trial.restarts
            if trial.came != 1:
                bad.append(f"{type(trial).__name__}, line {line} ({lines.where}): {trial.came} alarms")
        gc.collect()  # here, where it is known why
    reached: dict[str, int | str] = {"lines of the four scenes": sum(sizes), "starts anew": restarts}
    return Outcome(len(chosen), len(bad), reached, tuple(bad[:3]))


def of_scenes(step: int, first: int, end: int) -> list[int]:
    """Each `step`th line of the scenes from `first` to before `end`."""
    sizes = counts()
    return list(range(sum(sizes[:first]) + 1, sum(sizes[:end]) + 1, step))


def run(trials: int, seed: int) -> Outcome:
    """So many lines, each another; from one run to the next others. All of them for a release."""
    total = count()
    step = max(1, total // trials)
    chosen = total if trials >= RELEASE else min(trials, total)
    return tried_at([1 + (seed + at * step) % total for at in range(chosen)])


FIGURES = (
    Figure(
        id="F15c",
        title="Memory missing at every line of an alarm, and another device speaks",
        trial="line",
        asked="0 alarms lost, 0 told twice, wherever memory was missing",
        release=RELEASE,
        share=SHARE,
        modules=("gateway/core", "gateway/hub", "hal/sim", "tools/rig/allocations.py", "tools/rig/sim"),
        run=run,
        control=lambda seed: tried_at(list(range(1 + seed % CONTROL_STEP, count(), CONTROL_STEP)), HARDY),
        unsafe="a part that met a lack of memory goes on with what it remembers",
        conditions="simulated home and time, CPython: MemoryError is raised at the line by a trace of the interpreter; a detector that says it twice more; a rule that says it once; an advertisement and two telegrams that come once",
        adds_up=False,
    ),
)

if __name__ == "__main__":
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    print(json.dumps(vars(tried_at(list(range(first, count() + 1))))))
