"""Plots as inline SVG: no script, no font, no file besides. Text is text, so it can be read aloud, searched and printed."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 420, 270
LEFT, RIGHT, TOP, BOTTOM = 66, 28, 12, 44  # on the right half of the last number
TICKS = 5

Words = Callable[[int], str]


@dataclass(frozen=True)
class Axis:
    """label: in words with its unit. words: how a tick reads. log: decades instead of equal steps."""

    label: str
    words: Words
    log: bool = False


@dataclass(frozen=True)
class Plot:
    """points: in the order of x. dots: one mark a point instead of a line. x_limit, y_limit: what is asked, if it is on that axis."""

    title: str
    x: Axis
    y: Axis
    points: tuple[tuple[int, int], ...]
    dots: bool = False
    x_limit: int | None = None
    y_limit: int | None = None


@dataclass(frozen=True)
class Scale:
    """Values of one axis to places on the page."""

    low: int
    high: int
    start: int
    end: int
    log: bool

    def at(self, value: int) -> str:
        """The place, to a tenth."""
        if self.log:
            low, high, here = (math.log10(max(1, each)) for each in (self.low, self.high, value))
        else:
            low, high, here = self.low, self.high, value
        return f"{self.start + (self.end - self.start) * (here - low) / (high - low):.1f}"


def ticks(low: int, high: int, *, log: bool) -> list[int]:
    """Round values that enclose both ends: powers of ten, or steps of 1, 2 or 5 times one."""
    if log:
        first = math.floor(math.log10(max(1, low)))
        last = max(first + 1, math.ceil(math.log10(max(1, high))))
        return [10**power for power in range(first, last + 1)]
    step = max(1, -(-(high - low) // TICKS))
    power = 10 ** (len(str(step)) - 1)
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step)
    first = low // step * step
    last = max(first + step, -(-high // step) * step)
    return list(range(first, last + 1, step))


def draw(plot: Plot) -> str:
    """One `svg` element."""
    xs = [x for x, _ in plot.points] + ([] if plot.x_limit is None else [plot.x_limit])
    ys = [y for _, y in plot.points] + ([] if plot.y_limit is None else [plot.y_limit])
    x_ticks = ticks(min(xs), max(xs), log=plot.x.log)
    y_ticks = ticks(min(ys) if plot.y.log else min(0, *ys), max(ys), log=plot.y.log)
    across = Scale(x_ticks[0], x_ticks[-1], LEFT, WIDTH - RIGHT, plot.x.log)
    up = Scale(y_ticks[0], y_ticks[-1], HEIGHT - BOTTOM, TOP, plot.y.log)
    parts = [*grid(plot, across, x_ticks, up, y_ticks), *limits(plot, across, up), curve(plot, across, up)]
    title, told = escape(plot.title), escape(summary(plot))
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">'
        f"<title>{title}</title><desc>{told}</desc>{''.join(parts)}</svg>"
    )


def summary(plot: Plot) -> str:
    """What the plot shows, for whoever does not see it."""
    (first_x, first_y), (last_x, last_y) = plot.points[0], plot.points[-1]
    return (
        f"{len(plot.points)} points; {plot.x.label} {plot.x.words(first_x)} to {plot.x.words(last_x)}, "
        f"{plot.y.label} {plot.y.words(first_y)} to {plot.y.words(last_y)}"
    )


def grid(plot: Plot, across: Scale, x_ticks: list[int], up: Scale, y_ticks: list[int]) -> list[str]:
    """Lines, numbers and labels of both axes."""
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = []
    for value in x_ticks:
        place = across.at(value)
        parts.append(f'<path class="grid" d="M{place} {TOP}V{bottom}"/>')
        parts.append(
            f'<text x="{place}" y="{bottom + 16}" text-anchor="middle">{escape(plot.x.words(value))}</text>'
        )
    for value in y_ticks:
        place = up.at(value)
        parts.append(f'<path class="grid" d="M{LEFT} {place}H{right}"/>')
        parts.append(
            f'<text x="{LEFT - 5}" y="{place}" dy="4" text-anchor="end">{escape(plot.y.words(value))}</text>'
        )
    middle, centre = (LEFT + right) // 2, (TOP + bottom) // 2
    parts.append(
        f'<text class="axis" x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(plot.x.label)}</text>'
    )
    parts.append(
        f'<text class="axis" transform="translate(12 {centre}) rotate(-90)" text-anchor="middle">'
        f"{escape(plot.y.label)}</text>"
    )
    return parts


def limits(plot: Plot, across: Scale, up: Scale) -> list[str]:
    """What is asked, as a dashed line with its value beside."""
    parts = []
    if plot.x_limit is not None:
        place, words = across.at(plot.x_limit), escape(plot.x.words(plot.x_limit))
        parts.append(f'<path class="limit" d="M{place} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(
            f'<text class="limit" x="{place}" y="{TOP + 12}" dx="-4" text-anchor="end">asked {words}</text>'
        )
    if plot.y_limit is not None:
        place, words = up.at(plot.y_limit), escape(plot.y.words(plot.y_limit))
        parts.append(f'<path class="limit" d="M{LEFT} {place}H{WIDTH - RIGHT}"/>')
        parts.append(
            f'<text class="limit" x="{WIDTH - RIGHT - 4}" y="{place}" dy="14" text-anchor="end">asked {words}</text>'
        )
    return parts


def curve(plot: Plot, across: Scale, up: Scale) -> str:
    """The points."""
    places = [(across.at(x), up.at(y)) for x, y in plot.points]
    if plot.dots or len(places) == 1:
        return "".join(f'<circle class="dot" cx="{x}" cy="{y}" r="2.5"/>' for x, y in places)
    return '<polyline class="line" points="' + " ".join(f"{x},{y}" for x, y in places) + '"/>'
