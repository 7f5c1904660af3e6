"""The table that `make evidence` prints: figure, asked, reached, conditions, control."""

import textwrap
from itertools import zip_longest

from tools.evidence.standing import Evidence
from tools.evidence.words import control_words, reached_words

COLUMNS = ("figure", "asked", "reached", "conditions", "control")
SHARES = (14, 20, 30, 20, 16)  # of 100; how much each of them has to say
NARROWEST = 100


def rows_of(evidence: Evidence) -> list[tuple[str, ...]]:
    """One row a figure, then one a harness that is skipped."""
    rows: list[tuple[str, ...]] = [
        (
            f"{each.figure.id} {each.figure.title}",
            each.figure.asked,
            reached_words(each),
            each.figure.conditions,
            control_words(each.figure, each.control.outcome if each.control else None),
        )
        for each in evidence.standings
    ]
    rows += [(", ".join(each.ids), "", f"skipped: {each.reason}", "", "") for each in evidence.skipped]
    return rows


def table(evidence: Evidence, width: int) -> str:
    """As text of so many columns, cells wrapped."""
    room = max(width, NARROWEST) - 3 * (len(COLUMNS) - 1)
    widths = [room * share // sum(SHARES) for share in SHARES]
    rule = "-+-".join("-" * each for each in widths)
    lines = [line_of(COLUMNS, widths)]
    for row in rows_of(evidence):
        cells = [textwrap.wrap(cell, each) for cell, each in zip(row, widths, strict=True)]
        lines.append(rule)
        lines += [line_of(parts, widths) for parts in zip_longest(*cells, fillvalue="")]
    return "\n".join(lines) + "\n"


def line_of(cells: tuple[str, ...], widths: list[int]) -> str:
    """One line of text across the columns."""
    return " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
