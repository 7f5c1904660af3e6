"""What has been run: one JSON file a figure, written anew and renamed after every slice, so that a cut loses one slice.

A row is what one call did with one state of the code: its slices by seed and trials, and their outcomes as one.
Rows of other code stay and are never added to the figure.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tools.evidence import merge
from tools.evidence.figure import Outcome

SCHEMA = 1
SEED_STRIDE = 1 << 20  # harnesses count lives up from their seed: slices stay that far apart


class StoreError(Exception):
    """A file of the store cannot be read."""


class UnkeptError(StoreError):
    """The store cannot be written: nothing that runs from now on would be kept."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"{path} cannot be written ({error.strerror}); make room or mend the folder, then run it again"
        )


@dataclass(frozen=True)
class Row:
    """Trials of one call. modules: the hash of the code. slices: `(seed, trials)`, each replays its part."""

    modules: str
    slices: tuple[tuple[int, int], ...]
    outcome: Outcome
    took_ms: int
    conditions: dict[str, str]


@dataclass(frozen=True)
class Record:
    """All there is of a figure; controls hold at most one row a hash, the newest."""

    rows: tuple[Row, ...] = ()
    controls: tuple[Row, ...] = ()

    def current(self, modules: str) -> list[Row]:
        """Rows of this code, oldest first."""
        return [row for row in self.rows if row.modules == modules]

    def control(self, modules: str) -> Row | None:
        """The control of this code."""
        return next((row for row in self.controls if row.modules == modules), None)

    def has_near(self, modules: str, seed: int) -> bool:
        """Whether this code has a slice so near that the two may have counted up to the same trial."""
        slices = (each for row in self.current(modules) for each, _ in row.slices)
        return any(abs(seed - each) < SEED_STRIDE for each in slices)

    def next_seed(self, modules: str, base: int) -> int:
        """A seed for which this code has no trial, nor any that a slice counts up to."""
        if not self.has_near(modules, base):
            return base
        return max(seed for row in self.current(modules) for seed, _ in row.slices) + SEED_STRIDE


class Store:
    """The folder of evidence. Several processes may add to it at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, figure_id: str) -> Path:
        """Where a figure's rows lie."""
        return self.folder / f"{figure_id}.json"

    def read(self, figure_id: str) -> Record:
        """What is stored of a figure; an empty record where there is nothing.

        Raises:
            StoreError: the file is not what this module writes.
        """
        path = self.path(figure_id)
        if not path.exists():
            return Record()
        try:
            data = json.loads(path.read_text("utf-8"))
            if data["schema"] != SCHEMA or data["figure"] != figure_id:
                raise StoreError(f"{path}: schema {data['schema']} of {data['figure']}; move it away")
            return Record(*(tuple(map(row_of, data[name])) for name in ("rows", "controls")))
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{path}: cannot be read ({error!r}); restore or remove it") from error

    def add(self, figure_id: str, row: Row, *, adds_up: bool = True) -> bool:
        """Keep a slice, as part of the row of its call where there is one and trials add up.

        Returns False, and keeps nothing, where another process has brought trials of these seeds with the same code.
        """
        with self.locked():
            record = self.read(figure_id)
            if any(record.has_near(row.modules, seed) for seed, _ in row.slices):
                return False
            rows = list(record.rows)
            for place, each in enumerate(rows):
                if adds_up and each.modules == row.modules and each.conditions == row.conditions:
                    rows[place] = summed(each, row)
                    break
            else:
                rows.append(shortened(row))
            self.write(figure_id, replace(record, rows=tuple(rows)))
            return True

    def add_control(self, figure_id: str, row: Row) -> None:
        """Keep what the control of this code found, instead of an older one."""
        with self.locked():
            record = self.read(figure_id)
            others = [each for each in record.controls if each.modules != row.modules]
            self.write(figure_id, replace(record, controls=(*others, shortened(row))))

    def write(self, figure_id: str, record: Record) -> None:
        """The whole file, or what was there before."""
        parts = [f'"schema": {SCHEMA}', f'"figure": {json.dumps(figure_id)}']
        for name, rows in (("rows", record.rows), ("controls", record.controls)):
            parts.append(f'"{name}": [' + ",".join(map(text_of, rows)) + "]")
        write_whole(self.path(figure_id), "{" + ",\n".join(parts) + "}\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time reads and writes. Raises UnkeptError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder, os.O_RDONLY)
        except OSError as error:
            raise UnkeptError(self.folder, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def write_whole(path: Path, text: str) -> None:
    """A reader, and a machine that loses power, sees the old file or the new one. Raises UnkeptError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise UnkeptError(path, error) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def summed(row: Row, later: Row) -> Row:
    """Two slices of one call."""
    return replace(
        row,
        slices=row.slices + later.slices,
        outcome=merge.add(row.outcome, later.outcome),
        took_ms=row.took_ms + later.took_ms,
    )


def shortened(row: Row) -> Row:
    """The row with no more failures and points than a page can show."""
    return replace(row, outcome=merge.add(merge.NOTHING, row.outcome))


def text_of(row: Row) -> str:
    """A row with one line a field: a longer run is a readable difference."""
    data = asdict(row)
    outcome = data.pop("outcome")
    fields = [f' "{name}": {json.dumps(value, ensure_ascii=False)}' for name, value in data.items()]
    inner = [f'  "{name}": {json.dumps(value, ensure_ascii=False)}' for name, value in outcome.items()]
    fields.append(' "outcome": {\n' + ",\n".join(inner) + "}")
    return "{\n" + ",\n".join(fields) + "}"


def row_of(data: dict[str, Any]) -> Row:
    """A row as it was written."""
    outcome = data["outcome"]
    series = {name: [(x, y) for x, y in points] for name, points in outcome["series"].items()}
    return Row(
        data["modules"],
        tuple((seed, trials) for seed, trials in data["slices"]),
        Outcome(outcome["trials"], outcome["bad"], outcome["reached"], tuple(outcome["failures"]), series),
        data["took_ms"],
        data["conditions"],
    )
