"""What a figure is: a harness that takes trials and a seed, and a control that must find a loss.

A harness lives where it belongs (`tools/rig`, `tools/bench`, `tests` never) and offers `FIGURES`, a tuple of these;
`tools/evidence/figures.py` lists them. Trials of runs add up only where the code they exercise is the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outcome:
    """What one run of a harness found.

    trials: how many were done. bad: how many of what the figure forbids were found (events lost, stores that did not
    open, forgeries accepted). reached: what is shown beside, by name, as whole numbers or text. failures: one line
    each, with the seed and whatever else replays it. series: points for a plot, by name, `(x, y)` as whole numbers.
    """

    trials: int
    bad: int
    reached: dict[str, int | str] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    series: dict[str, list[tuple[int, int]]] = field(default_factory=dict)


Run = Callable[[int, int], Outcome]
Control = Callable[[int], Outcome]


@dataclass(frozen=True)
class Figure:
    """One row of the table.

    id: of the quality list, such as `F1`; a figure with parts has `F8a`, `F8b`. trial: what one trial is, in the
    singular. asked: in words, with its limit. release, share: trials of a release, and of `make check`.
    modules: files and folders, from the root, whose contents the trials speak of. run: `(trials, seed)`.
    control: `(seed)`, the same harness at a variant that is unsafe: its outcome must be bad. unsafe: what that variant
    does. conditions: in words; says "simulated" where it is. adds_up: whether trials of several runs are one sum;
    otherwise the newest run counts. ok: whether an outcome reaches what is asked; by default `bad == 0`.
    least: the fewest trials of a slice where each run has a start that costs more than they do; by default the share.
    """

    id: str
    title: str
    trial: str
    asked: str
    release: int
    share: int
    modules: tuple[str, ...]
    run: Run
    control: Control | None
    unsafe: str
    conditions: str
    adds_up: bool = True
    ok: Callable[[Outcome], bool] = lambda outcome: outcome.bad == 0
    least: int = 0


class UnavailableError(Exception):
    """Something that a harness needs is not on this machine; the text says what, and how to get it."""
