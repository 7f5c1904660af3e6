"""Plots as SVG, drawn here: two axes, a line, labels. Colours keep a contrast of 4.5 to 1 on white."""

import math
from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 640, 280
LEFT, RIGHT, TOP, BOTTOM = 72, 16, 16, 44
INK, LINE, GRID = "#1f2933", "#0b5cad", "#d3dae3"
TICKS = 5

Points = Sequence[Sequence[int]]


def plot(title: str, points: Points, x_label: str, y_label: str, *, log_x: bool = False) -> str:
    """One line through `points` (x, y)."""
    shown = [(x, y) for x, y in points if not log_x or x > 0]
    if len(shown) < 2:
        return ""
    place_x = scale([x for x, _ in shown], LEFT, WIDTH - RIGHT, log=log_x)
    place_y = scale([0, *[y for _, y in shown]], HEIGHT - BOTTOM, TOP, log=False)
    path = " ".join(f"{place_x(x):.1f},{place_y(y):.1f}" for x, y in shown)
    lowest, highest = min(x for x, _ in shown), max(x for x, _ in shown)
    marks = [
        *[x_tick(place_x(x), x) for x in steps(lowest, highest, log=log_x)],
        *[y_tick(place_y(y), y) for y in steps(0, max(y for _, y in shown), log=False)],
    ]
    middle = (LEFT + WIDTH - RIGHT) // 2
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title, quote=True)}">'
        f"<title>{escape(title)}</title>"
        + "".join(marks)
        + f'<polyline fill="none" stroke="{LINE}" stroke-width="2" points="{path}"/>'
        + text(middle, HEIGHT - 6, x_label, "middle")
        + f'<g transform="translate(14 {(TOP + HEIGHT - BOTTOM) // 2}) rotate(-90)">{text(0, 0, y_label, "middle")}</g>'
        + "</svg>"
    )


def scale(values: Sequence[int], start: float, end: float, *, log: bool):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """A function from a value to its place."""
    low, high = min(values), max(values)
    if log:
        base, span = math.log10(low), math.log10(high) - math.log10(low) or 1.0
        return lambda value: start + (math.log10(value) - base) / span * (end - start)
    reach = high - low or 1
    return lambda value: start + (value - low) / reach * (end - start)


def steps(low: int, high: int, *, log: bool) -> list[int]:
    """Round values between two."""
    if log:
        return [
            10**power
            for power in range(math.ceil(math.log10(max(1, low))), int(math.log10(max(1, high))) + 1)
        ]
    raw = max(1, (high - low) / TICKS)
    unit = 10 ** int(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)
    return list(range(-(-low // step) * step, high + 1, step))


def x_tick(x: float, value: int) -> str:
    """A mark on the axis below."""
    bottom = HEIGHT - BOTTOM
    return f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}" stroke="{GRID}"/>' + text(
        x, bottom + 16, f"{value:,}", "middle"
    )


def y_tick(y: float, value: int) -> str:
    """A mark on the axis at the left."""
    return f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>' + text(
        LEFT - 6, y + 4, f"{value:,}", "end"
    )


def text(x: float, y: float, words: str, anchor: str) -> str:
    """A label."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12" fill="{INK}">{escape(words)}</text>'
