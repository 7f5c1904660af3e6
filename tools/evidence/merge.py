"""Outcomes of slices become one: counts are added, extremes stay extremes, series stay short.

How a name is read, in `Outcome.reached`: one that speaks of a limit or of the largest (`max`, `worst`, `most`, `longest`,
`latest`, `limit`, a quantile such as `p99`) keeps the largest, one that speaks of the smallest (`min`, `least`, `shortest`,
`earliest`) the smallest; any other number is a count and is added. A text stays where all agree; otherwise all of them stand there.
"""

import re

from tools.evidence.figure import Outcome

LARGEST = frozenset({"max", "worst", "most", "longest", "latest", "limit"})
SMALLEST = frozenset({"min", "least", "shortest", "earliest"})
FAILURES_MOST = 50  # lines kept; `bad` counts all
POINTS_MOST = 600  # of a series: what a plot on a page can show

WHOLE = frozenset({"latency", "drain", "recovery"})  # series that are one curve

NOTHING = Outcome(0, 0)


def add(one: Outcome, other: Outcome) -> Outcome:
    """Both as one run; `other` came later."""
    reached = dict(one.reached)
    for name, value in other.reached.items():
        reached[name] = together(name, reached[name], value) if name in reached else value
    series = dict(one.series)
    for name, points in other.series.items():
        series[name] = joined(name, series.get(name, []), points)
    failures = (one.failures + other.failures)[:FAILURES_MOST]
    return Outcome(one.trials + other.trials, one.bad + other.bad, reached, failures, series)


def together(name: str, one: int | str, other: int | str) -> int | str:
    """Two values of one name."""
    if isinstance(one, str) or isinstance(other, str):
        parts = str(one).split(" / ")
        return str(one) if str(other) in parts else f"{one} / {other}"
    words = re.findall(r"[a-z]+\d*", name.lower())
    if any(word in LARGEST or re.fullmatch(r"p\d+", word) for word in words):
        return max(one, other)
    if any(word in SMALLEST for word in words):
        return min(one, other)
    return one + other


def joined(name: str, one: list[tuple[int, int]], other: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A curve over something (`receipted_by_ms`, `drain`) is the newest; one value a trial (`recovered_ms`) is continued."""
    if "_by_" in name or name in WHOLE:
        return thinned(other)
    beyond = one[-1][0] + 1 if one else 0
    first = other[0][0] if other else 0
    return thinned(one + [(beyond + x - first, y) for x, y in other])


def thinned(points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """At most so many points, first, last and highest among them."""
    if len(points) <= POINTS_MOST:
        return points
    step = -(-len(points) // (POINTS_MOST - 2))
    highest = max(range(len(points)), key=lambda place: points[place][1])
    kept = {*range(0, len(points), step), len(points) - 1, highest}
    return [points[place] for place in sorted(kept)]
