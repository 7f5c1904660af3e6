"""Figures of several rounds put side by side; pure."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

Sample = float | None
NAME_WIDTH, FIGURE_WIDTH = 34, 40
OURS = "Trygg"


@dataclass
class Figure:
    """One column of the comparison, said as a table of its own.

    rounds: for each party its values, one a round, infinity for more than `limit`, which could not be waited for. notes: for each party
    what has to be said beside. missing: for each party why it has no value. more: whether more is better.
    """

    title: str
    unit: str
    more: bool
    limit: float = math.inf
    rounds: dict[str, list[float]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, party: str, value: float, note: str = "") -> None:
        """One round's value."""
        self.rounds.setdefault(party, []).append(value)
        if note:
            self.notes[party] = note


def number(value: float, limit: float = math.inf) -> str:
    """With three digits or all before the point, whichever are more; infinity is beyond the limit."""
    if math.isinf(value):
        return "never" if math.isinf(limit) else "over " + number(limit)
    if value >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def middle(values: Sequence[float]) -> float:
    """The median; of an even number with infinity among them the upper one of the two."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if math.inf in ordered else statistics.median(ordered)


def spread(values: Sequence[float], limit: float = math.inf) -> str:
    """Median, lowest and highest."""
    return f"{number(middle(values), limit)} ({number(min(values), limit)} to {number(max(values), limit)})"


def ratio(ours: Sequence[float], theirs: Sequence[float], *, more: bool, limit: float = math.inf) -> str:
    """How many times better our median is than theirs; below 1 where it is worse."""
    mine, other = middle(ours), middle(theirs)
    if mine == other:
        return "equal"
    beyond = [word for value, word in ((mine, "under "), (other, "over ")) if math.isinf(value)]
    mine, other = min(mine, limit), min(other, limit)
    good, bad = (mine, other) if more else (other, mine)
    if math.isinf(good):
        return "beyond measure"
    if bad == 0:
        return "no ratio: one is 0"
    return "".join(beyond) + number(good / bad)


def quantile(samples: Sequence[Sample], share: float) -> float:
    """The sample at `share` of the sorted ones; what never came is later than all that did."""
    ordered = sorted(math.inf if sample is None else sample for sample in samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(figure: Figure) -> list[str]:
    """The lines of a figure."""
    lines = [
        f"{figure.title}, {figure.unit}: median (lowest to highest) of the rounds; times better is Trygg"
    ]
    ours = figure.rounds.get(OURS)
    for party, values in figure.rounds.items():
        better = ""
        if ours is not None and party != OURS:
            better = ratio(ours, values, more=figure.more, limit=figure.limit)
        note = figure.notes.get(party, "")
        lines.append(
            f"  {party:<{NAME_WIDTH}}{spread(values, figure.limit):<{FIGURE_WIDTH}}{better:<16}{note}".rstrip()
        )
    lines += [f"  {party:<{NAME_WIDTH}}-  ({why})" for party, why in figure.missing.items()]
    return lines


def lost_line(losses: Sequence[tuple[int, int]]) -> str:
    """Of kills or cuts: the sum, how many lost any, and the spread."""
    accepted, lost = (sum(column) for column in zip(*losses, strict=True))
    each = [float(count) for _, count in losses]
    share = f"{100 * lost / accepted:.1f} %" if accepted else "none accepted"
    hit = sum(count > 0 for _, count in losses)
    return f"{lost:,} of {accepted:,} ({share}), in {hit} of {len(losses)}; each {spread(each)}"
