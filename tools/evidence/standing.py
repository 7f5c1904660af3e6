"""Where a figure stands: what is stored of it, with the code as it is now."""

from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

from tools.evidence import merge
from tools.evidence.figure import Figure, Outcome
from tools.evidence.figures import Skipped
from tools.evidence.hashing import hash_of
from tools.evidence.store import Record, Row, Store

NOT_RUN, SO_FAR, REACHED, NOT_REACHED, CONTROL_EMPTY = (
    "not run",
    "so far",
    "reached",
    "NOT REACHED",
    "CONTROL FOUND NOTHING",
)
BAD = frozenset({NOT_REACHED, CONTROL_EMPTY})


@dataclass(frozen=True)
class Standing:
    """A figure, the hash of its code, and all that is stored of it. note: why this call ended early with it."""

    figure: Figure
    modules: str
    record: Record
    note: str = ""

    @property
    def rows(self) -> list[Row]:
        """Of the code as it is now."""
        return self.record.current(self.modules)

    @property
    def earlier(self) -> list[Row]:
        """Of other code: shown, never added."""
        return [row for row in self.record.rows if row.modules != self.modules]

    @property
    def before(self) -> "Standing | None":
        """The same figure as it stood with the newest earlier code that had a release's trials, else with the newest."""
        codes = [row.modules for row in reversed(self.earlier)]
        stands = [replace(self, modules=code, note="") for code in dict.fromkeys(codes)]
        return next((each for each in stands if each.complete), stands[0] if stands else None)

    @property
    def outcome(self) -> Outcome | None:
        """The sum where trials add up, otherwise the newest run."""
        if not self.rows:
            return None
        if not self.figure.adds_up:
            return self.rows[-1].outcome
        return reduce(merge.add, (row.outcome for row in self.rows), merge.NOTHING)

    @property
    def control(self) -> Row | None:
        """What the unsafe variant lost, with this code."""
        return self.record.control(self.modules)

    @property
    def complete(self) -> bool:
        """Whether a release's trials are there."""
        return self.outcome is not None and self.outcome.trials >= self.figure.release

    @property
    def verdict(self) -> str:
        """In two words at most. A loss is a loss from the first trial on."""
        outcome = self.outcome
        if self.control is not None and not found(self.figure, self.control.outcome):
            return CONTROL_EMPTY
        if outcome is None or outcome.trials == 0:
            return NOT_RUN
        if not self.figure.ok(outcome):
            return NOT_REACHED
        return REACHED if self.complete else SO_FAR


def found(figure: Figure, control: Outcome) -> bool:
    """Whether a control did what it is there for."""
    return control.bad > 0 and not figure.ok(control)


def stand(root: Path, store: Store, figure: Figure, note: str = "") -> Standing:
    """Read it."""
    return Standing(figure, hash_of(root, figure.modules), store.read(figure.id), note)


@dataclass(frozen=True)
class Evidence:
    """All figures, and the harnesses that are not here."""

    standings: tuple[Standing, ...]
    skipped: tuple[Skipped, ...]


def gather(
    root: Path, store: Store, listed: list[Figure], skipped: list[Skipped], notes: dict[str, str]
) -> Evidence:
    """What is stored, with what befell figures in this call."""
    standings = tuple(stand(root, store, each, notes.get(each.id, "")) for each in listed)
    return Evidence(standings, tuple(skipped))
