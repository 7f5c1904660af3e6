"""The table that a run ends with: figure, asked, reached, conditions, control."""

from collections.abc import Iterable

from tools.evidence.figure import Figure
from tools.evidence.store import Sum

COLUMNS = ("figure", "asked", "reached", "control", "conditions")
Row = tuple[str, str, str, str, str]


def row(figure: Figure, total: Sum) -> Row:
    """One figure in words."""
    return (
        f"{figure.id} {figure.title}",
        figure.asked,
        reached(figure, total),
        control(figure, total),
        figure.conditions,
    )


def verdict(figure: Figure, total: Sum) -> str:
    """reached, missed, partly (too few trials so far) or not run."""
    if total.trials == 0:
        return "not run"
    if (total.bad and figure.adds_up) or not total.reaches:
        return "missed"
    if total.control_bad == 0:
        return "control found nothing"
    return "reached" if total.trials >= figure.release else "partly"


def reached(figure: Figure, total: Sum) -> str:
    """What was found, and in how many trials."""
    if total.trials == 0:
        earlier = f"; {total.earlier:,} trials of earlier code" if total.earlier else ""
        return "not run" + earlier
    done = (
        f"{total.trials:,}" if total.trials >= figure.release else f"{total.trials:,} of {figure.release:,}"
    )
    facts = [f"{name.replace('_', ' ')} {shown(value)}" for name, value in total.reached.items()]
    return "; ".join([f"{verdict(figure, total)}: {total.bad:,} bad in {done} × {figure.trial}", *facts])


def control(figure: Figure, total: Sum) -> str:
    """What the unsafe variant lost in the same harness."""
    if figure.control is None:
        return "none"
    if total.control_bad is None:
        return f"not run ({figure.unsafe})"
    return f"{total.control_bad:,} bad: {figure.unsafe}"


def shown(value: int | str) -> str:
    """A number with its thousands apart."""
    return f"{value:,}" if isinstance(value, int) else value


def lines(rows: Iterable[Row]) -> Iterable[str]:
    """The table for a terminal: a block a figure, which no width spoils."""
    for cells in rows:
        yield cells[0]
        for name, cell in zip(COLUMNS[1:], cells[1:], strict=True):
            yield f"    {name:<11}{cell}"
