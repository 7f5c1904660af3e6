"""The course of one value, drawn on the gateway: an SVG line, and the same numbers as a table for those who cannot see it."""

from decimal import Decimal, InvalidOperation
from typing import Any

WIDTH, HEIGHT = 320, 90
MARGIN = 4
MOST_ROWS = 20  # of the table: the newest
LONGEST_VALUE = 40


class Plot:
    """What a template draws. `lines` are points of polylines in a box of WIDTH by HEIGHT; rows are (seconds ago, value), newest first."""

    def __init__(
        self,
        name: str,
        title: str,
        unit: str,
        lines: list[str],
        low: str,
        high: str,
        rows: list[tuple[int, str]],
    ) -> None:
        self.name = name
        self.title = title
        self.unit = unit
        self.lines = lines
        self.low = low
        self.high = high
        self.rows = rows
        self.last = rows[0][1]


def plot(name: str, title: str, unit: str, points: list[list[Any]]) -> Plot | None:
    """The plot of [[uptime_ms, text], ...]; None without two numbers. A value that is no number leaves a hole."""
    read = [(int(at), str(text)[:LONGEST_VALUE], number(str(text))) for at, text in points]
    known = [(at, value) for at, _, value in read if value is not None]
    if len(known) < 2:
        return None
    low, high = min(value for _, value in known), max(value for _, value in known)
    first_ms, last_ms = read[0][0], read[-1][0]
    lines: list[str] = []
    piece: list[str] = []
    for at, _, value in [*read, (last_ms, "", None)]:
        if value is not None:
            x = scaled(at, first_ms, last_ms, WIDTH)
            piece.append(f"{x},{HEIGHT - scaled(value, low, high, HEIGHT)}")
        elif piece:
            lines.append(" ".join(piece if len(piece) > 1 else piece * 2))
            piece = []
    rows = [((last_ms - at) // 1000, text) for at, text, _ in reversed(read[-MOST_ROWS:])]
    return Plot(name, title, unit, lines, str(low), str(high), rows)


def number(text: str) -> Decimal | None:
    """The digits of a device, or None where there is no number: `nan`, `+inf`."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) < 12 else None


def scaled(value: Decimal | int, low: Decimal | int, high: Decimal | int, size: int) -> int:
    """Where a value lies between two others, in whole points of a box; in the middle where they are one."""
    if high == low:
        return size // 2
    return MARGIN + int((value - low) * (size - 2 * MARGIN) / (high - low))
