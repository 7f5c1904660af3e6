"""Which plots a figure has: the name of a series says what is on its axes and in which unit.

latency_us_by_permille   a distribution: how many of the alarms had arrived after how long, the time in decades
receipted_by_ms          a curve: so many after so long
recovered_ms             one value a trial
"""

from tools.evidence.figure import Outcome
from tools.evidence.svg import Axis, Plot
from tools.evidence.words import decimal, duration

UNITS = {"us": 1, "ms": 1_000, "s": 1_000_000}
DECADES_FROM = 50  # between the smallest and the largest value: beyond that equal steps hide the small ones


def plots_of(outcome: Outcome) -> list[Plot]:
    """One a series that has points."""
    return [plot_of(name, tuple(points), outcome) for name, points in outcome.series.items() if points]


def plot_of(name: str, points: tuple[tuple[int, int], ...], outcome: Outcome) -> Plot:
    """Read the name."""
    what, between, over = name.partition("_by_")
    if over == "permille":
        turned = tuple(sorted((y, x) for x, y in points))
        share = axis(over)
        title = f"Distribution of {plain(what)}, time in decades"
        return Plot(title, axis(what, log=True), share, turned, x_limit=limit(what, outcome))
    if between:
        return Plot(f"{plain(what).capitalize()} over {plain(over)}", axis(over), axis(what), points)
    values = [y for _, y in points if y > 0]
    decades = bool(values) and max(values) >= DECADES_FROM * min(values)
    numbered = Axis("trial", lambda value: f"{value:,}")
    title = f"{plain(what).capitalize()}, one value a trial"
    return Plot(title, numbered, axis(what, log=decades), points, dots=True, y_limit=limit(what, outcome))


def plain(name: str) -> str:
    """Without the unit at the end; `ms` alone is time."""
    base, _, unit = name.rpartition("_")
    if unit in UNITS or unit == "kib":
        name = base or "time"
    return name.replace("_", " ")


def axis(name: str, *, log: bool = False) -> Axis:
    """Its label and how its ticks read."""
    unit = name.rpartition("_")[2]
    if unit in UNITS:
        scale = UNITS[unit]
        return Axis(plain(name), lambda value: tick(value * scale), log)
    if name == "permille":
        return Axis("share of all", lambda value: f"{decimal(value, 10, 0)} %")
    if unit == "kib":
        return Axis(plain(name) + ", MiB", lambda value: decimal(value, 1024, 1), log)
    return Axis(plain(name), lambda value: f"{value:,}", log)


def tick(value_us: int) -> str:
    """A duration in steps that stay round: seconds are not turned into minutes."""
    if value_us == 0:
        return "0"
    return duration(value_us) if value_us < 1_000_000 else f"{value_us / 1_000_000:,.12g} s"


def limit(name: str, outcome: Outcome) -> int | None:
    """What is asked of the values, where the harness tells it in the same unit: `limit_us` beside `latency_us`."""
    value = outcome.reached.get("limit_" + name.rpartition("_")[2])
    return value if isinstance(value, int) else None
