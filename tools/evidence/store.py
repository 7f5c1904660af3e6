"""What was found so far, one JSON file a figure: slices of trials, each with its seed and the code it speaks of."""

import datetime as dt
import json
import os
import platform
import sqlite3
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tools.evidence.figure import Figure, Outcome

FAILURES = 50  # lines kept of each slice


@dataclass
class Slice:
    """One run of a harness. `control`: it was pointed at the unsafe variant, which must be bad."""

    code: str
    seed: int
    trials: int
    bad: int
    reached: dict[str, int | str]
    failures: list[str]
    seconds: int
    date: str
    machine: str
    control: bool = False
    reaches: bool = True
    series: dict[str, list[list[int]]] = field(default_factory=dict)


@dataclass
class Sum:
    """What the slices of one figure and one code come to."""

    trials: int
    bad: int
    reached: dict[str, int | str]
    failures: list[str]
    seeds: list[int]
    seconds: int
    reaches: bool
    date: str
    machine: str
    series: dict[str, list[list[int]]]
    control_bad: int | None
    earlier: int  # trials of earlier code, not counted


class Store:
    """A folder of findings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, figure: Figure) -> Path:
        """The file of a figure."""
        return self.folder / f"{figure.id}.json"

    def slices(self, figure: Figure) -> list[Slice]:
        """All that was ever found, oldest first."""
        try:
            rows = json.loads(self.path(figure).read_text("utf-8"))["slices"]
        except FileNotFoundError:
            return []
        return [Slice(**row) for row in rows]

    def add(self, figure: Figure, found: Slice) -> None:
        """Keep one slice, or nothing: the file is whole at every moment."""
        slices = [*self.slices(figure), found]
        if not figure.adds_up:  # the newest of a code says what the older ones said
            slices = [
                row
                for index, row in enumerate(slices)
                if not any(
                    later.code == row.code and later.control == row.control for later in slices[index + 1 :]
                )
            ]
        self.folder.mkdir(parents=True, exist_ok=True)
        facts: dict[str, Any] = {
            "id": figure.id,
            "title": figure.title,
            "asked": figure.asked,
            "conditions": figure.conditions,
            "unsafe": figure.unsafe,
            "slices": [asdict(row) for row in slices],
        }
        temporary = self.path(figure).with_suffix(".new")
        temporary.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        temporary.replace(self.path(figure))

    def sum(self, figure: Figure, code: str) -> Sum:
        """What the trials of this code come to."""
        slices = self.slices(figure)
        counted = [row for row in slices if row.code == code and not row.control]
        controls = [row for row in slices if row.code == code and row.control]
        newest = counted[-1] if counted else None
        return Sum(
            trials=sum(row.trials for row in counted),
            bad=sum(row.bad for row in counted),
            reached=added([row.reached for row in counted]),
            failures=[line for row in counted for line in row.failures],
            seeds=[row.seed for row in counted],
            seconds=sum(row.seconds for row in counted),
            reaches=all(row.reaches for row in counted),
            date=newest.date if newest else "",
            machine=newest.machine if newest else "",
            series=newest.series if newest else {},
            control_bad=controls[-1].bad if controls else None,
            earlier=sum(row.trials for row in slices if row.code != code and not row.control),
        )


def added(rows: list[dict[str, int | str]]) -> dict[str, int | str]:
    """Counts add up where every row is a count of the same; figures with a unit in their name, and words, are the newest's."""
    total: dict[str, int | str] = {}
    for row in rows:
        for name, value in row.items():
            known = total.get(name)
            is_count = isinstance(value, int) and isinstance(known, int) and not has_unit(name)
            total[name] = known + value if is_count else value  # type: ignore[operator]
    return total


def has_unit(name: str) -> bool:
    """Whether a name ends in the unit of a measure, which cannot be added up."""
    return name.rsplit("_", 1)[-1] in ("ms", "us", "s", "bytes", "kib", "pct", "rate")


def made(
    figure: Figure, outcome: Outcome, code: str, seed: int, seconds: int, *, control: bool = False
) -> Slice:
    """A slice of what a harness returned."""
    return Slice(
        code=code,
        seed=seed,
        trials=outcome.trials,
        bad=outcome.bad,
        reached=dict(outcome.reached),
        failures=list(outcome.failures[:FAILURES]),
        seconds=seconds,
        date=dt.datetime.now(dt.UTC).strftime("%Y-%m-%d"),
        machine=machine(),
        control=control,
        reaches=figure.ok(outcome),
        series={}
        if control
        else {name: [list(point) for point in points] for name, points in outcome.series.items()},
    )


def machine() -> str:
    """What this ran on, as far as it matters."""
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )
