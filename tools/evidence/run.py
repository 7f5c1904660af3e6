"""The runs: a release's trials slice by slice into a store, or the small share of `make check`."""

import os
import platform
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tools.evidence import words
from tools.evidence.figure import Figure, Outcome, UnavailableError
from tools.evidence.hashing import hash_of
from tools.evidence.standing import NOT_REACHED, Standing, found, stand
from tools.evidence.store import SEED_STRIDE, Row, Store, UnkeptError

SLICE_MS = 30_000  # what an interrupted run loses at most, after its first slices
GROWTH = 4  # a slice is at most so many times the one before

ClockMs = Callable[[], int]
Say = Callable[[str], None]


class ChangedError(Exception):
    """The code of a figure changed while its trials ran."""


def monotonic_ms() -> int:
    """This machine's clock."""
    return time.monotonic_ns() // 1_000_000


def machine() -> dict[str, str]:
    """What every row says of where it was run. The machine's name and user are nobody's business."""
    told = {
        "machine": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": f"{os.cpu_count()} cores",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "sqlite": f"SQLite {sqlite3.sqlite_version}",
    }
    if "apsw" in sys.modules:  # brings an SQLite of its own
        told["apsw"] = f"apsw with SQLite {sys.modules['apsw'].sqlite_lib_version()}"
    told["date"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return told


def processor() -> str:
    """Its model where the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8", "replace").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model"))]
    return models[0] if models else platform.processor() or "processor unknown"


@dataclass
class Collector:
    """Brings figures to a release's trials. seconds: the budget of a figure, control included; None is no limit."""

    root: Path
    store: Store
    base_seed: int
    seconds: int | None
    conditions: dict[str, str]
    say: Say
    now_ms: ClockMs = monotonic_ms
    notes: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    fallen: list[str] = field(default_factory=list)
    interrupted: bool = False

    def collect(self, figure: Figure) -> None:
        """Continue one figure. Whatever ends it early is noted, and the next one can run.

        Raises:
            UnkeptError: the store takes nothing; there is no sense in a next one.
        """
        end_ms = None if self.seconds is None else self.now_ms() + 1_000 * self.seconds
        try:
            modules = hash_of(self.root, figure.modules)
            self.control(figure, modules)
            (self.add_up if figure.adds_up else self.run_whole)(figure, modules, end_ms)
        except UnavailableError as error:
            self.notes[figure.id] = f"skipped: {error}"
            self.skipped.append(figure.id)
        except UnkeptError:
            raise
        except Exception as error:  # noqa: BLE001 - a harness that falls is a finding, and the others still run
            self.say(traceback.format_exc())
            self.notes[figure.id] = f"THE HARNESS FELL: {type(error).__name__}: {error}"
            self.fallen.append(figure.id)
        self.say(f"{figure.id}: {words.reached_words(self.standing(figure))}")

    def standing(self, figure: Figure) -> Standing:
        """What there is of it now."""
        return stand(self.root, self.store, figure, self.notes.get(figure.id, ""))

    def control(self, figure: Figure, modules: str) -> None:
        """Once for every state of the code, and again where it found nothing."""
        stored = self.store.read(figure.id).control(modules)
        if figure.control is None or (stored is not None and found(figure, stored.outcome)):
            return
        began_ms = self.now_ms()
        outcome = figure.control(self.base_seed)
        seeds = ((self.base_seed, outcome.trials),)
        self.store.add_control(figure.id, self.row(figure, modules, seeds, outcome, began_ms))

    def add_up(self, figure: Figure, modules: str, end_ms: int | None) -> None:
        """Slices, each kept when it ends, until a release's trials are there or the time is over."""
        least = figure.least or figure.share or max(1, figure.release // 1_000)
        trials, took_ms, first_done = least, SLICE_MS, False  # as if the least filled a slice
        while (left := figure.release - sum_of(self.standing(figure))) > 0:
            wanted = max(least, min(trials * SLICE_MS // took_ms, GROWTH * trials))
            if end_ms is not None:
                left_ms = end_ms - self.now_ms()
                fits = trials * left_ms // took_ms
                if left_ms <= 0 or (first_done and fits < least):
                    return
                wanted = min(wanted, fits) if first_done else wanted
            row = self.slice(figure, modules, min(wanted, left, SEED_STRIDE))
            trials, took_ms, first_done = row.outcome.trials, max(1, row.took_ms), True

    def run_whole(self, figure: Figure, modules: str, end_ms: int | None) -> None:
        """One run of a release's trials; within a budget the longest that fits, if it is twice what there is."""
        standing = self.standing(figure)
        if standing.complete and standing.verdict != NOT_REACHED:  # what was missed may be tried again
            return
        if end_ms is None:
            self.slice(figure, modules, figure.release)
            return
        least = figure.least or figure.share or max(1, figure.release // 20)
        newest = standing.rows[-1] if standing.rows else self.slice(figure, modules, least)
        fits = newest.outcome.trials * max(0, end_ms - self.now_ms()) // max(1, newest.took_ms)
        wanted = min(figure.release, fits)
        if wanted >= 2 * newest.outcome.trials or wanted == figure.release:
            self.slice(figure, modules, wanted)

    def slice(self, figure: Figure, modules: str, trials: int) -> Row:
        """Run and keep so many trials."""
        seed = self.store.read(figure.id).next_seed(modules, self.base_seed)
        began_ms = self.now_ms()
        outcome = figure.run(trials, seed)
        row = self.row(figure, modules, ((seed, trials),), outcome, began_ms)
        if outcome.trials <= 0:
            raise ValueError(f"{figure.id}: a run of {trials} trials with seed {seed} did none")
        self.store.add(figure.id, row, adds_up=figure.adds_up)
        self.say(f"{figure.id}: seed {seed}, {words.duration(1_000 * row.took_ms)}: {outcome.trials:,} more")
        for line in outcome.failures:
            self.say(f"  {line}")
        return row

    def row(
        self,
        figure: Figure,
        modules: str,
        slices: tuple[tuple[int, int], ...],
        outcome: Outcome,
        began_ms: int,
    ) -> Row:
        """What is kept of a run, if its code is still the one that it began with."""
        took_ms = self.now_ms() - began_ms
        if hash_of(self.root, figure.modules) != modules:
            raise ChangedError(
                f"{', '.join(figure.modules)} changed meanwhile; the trials of then are not kept"
            )
        return Row(modules, slices, outcome, took_ms, self.conditions)


def sum_of(standing: Standing) -> int:
    """Trials that count."""
    return 0 if standing.outcome is None else standing.outcome.trials


@dataclass
class Share:
    """The share of `make check`: fixed seeds, every control, nothing stored."""

    seed: int
    say: Say
    now_ms: ClockMs = monotonic_ms
    skipped: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)

    def run(self, figure: Figure) -> None:
        """One figure and its control."""
        began_ms = self.now_ms()
        try:
            outcome = figure.run(figure.share, self.seed)
            control = None if figure.control is None else figure.control(self.seed)
        except UnavailableError as error:
            self.skipped.append(figure.id)
            self.say(f"{figure.id:<5} skipped: {error}")
            return
        took = words.decimal(self.now_ms() - began_ms, 1_000, 1)
        told = f"{outcome.trials:,} {words.plural(figure.trial, outcome.trials)}, {outcome.bad:,} bad"
        self.say(f"{figure.id:<5} {took:>6} s  {told}; control: {words.control_words(figure, control)}")
        self.judge(figure, outcome, control)

    def judge(self, figure: Figure, outcome: Outcome, control: Outcome | None) -> None:
        """What is bad, and a control that finds nothing."""
        if outcome.trials <= 0:
            self.fail(figure, "no trial was done", outcome)
        elif not figure.ok(outcome):
            self.fail(figure, "not what is asked: " + figure.asked, outcome)
        if control is not None and not found(figure, control):
            self.fail(figure, "its control found nothing, so the harness proves nothing", control)

    def fail(self, figure: Figure, why: str, outcome: Outcome) -> None:
        """Say it with what replays it."""
        self.bad.append(figure.id)
        self.say(f"      {figure.id}: {why}")
        for line in outcome.failures:
            self.say(f"      {line}")
