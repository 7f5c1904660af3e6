"""Which harnesses offer figures. A module that cannot be used on this machine is skipped, with its reason."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass

from tools.evidence.figure import Figure, UnavailableError

HARNESSES = (
    "tools.rig.crash.figures",
    "tools.rig.kill_figures",
    "tools.rig.schedule_figures",
    "tools.rig.forgery",
    "tools.bench.figures",
    "tools.bench.journal_figures",
)


@dataclass(frozen=True)
class Missing:
    """A harness that offers nothing here."""

    module: str
    reason: str


def offered(harnesses: tuple[str, ...] = HARNESSES) -> Iterator[Figure | Missing]:
    """Every figure of every harness, in order."""
    for name in harnesses:
        try:
            module = importlib.import_module(name)
        except (ModuleNotFoundError, UnavailableError) as error:
            yield Missing(name, str(error))
            continue
        yield from module.FIGURES


def by_number(figure: Figure) -> tuple[int, str]:
    """F2 before F10."""
    digits = "".join(letter for letter in figure.id if letter.isdigit())
    return int(digits or 0), figure.id
