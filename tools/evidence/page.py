"""The page: one HTML file that needs nothing else, for a screen of any width and for paper."""

from collections.abc import Sequence
from html import escape

from tools.evidence import svg
from tools.evidence.figure import Figure
from tools.evidence.figures import Missing
from tools.evidence.store import Sum
from tools.evidence.table import COLUMNS, row, verdict

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2933; background: #fff; margin: 0 auto; max-width: 72rem; padding: 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .5rem; border-bottom: 1px solid #d3dae3; }
td:first-child { font-weight: 600; }
.reached { border-left: .4rem solid #1b7a3d; } .missed, .control { border-left: .4rem solid #b3261e; }
.partly, .not { border-left: .4rem solid #8a5a00; }
svg { max-width: 40rem; width: 100%; height: auto; }
code { overflow-wrap: anywhere; }
@media (max-width: 48rem) { table, tbody, tr, td { display: block; } thead { display: none; }
  td::before { content: attr(data-name) ": "; font-weight: 600; } tr { margin-bottom: 1rem; } }
@media print { body { max-width: none; font-size: 11px; } tr, svg { break-inside: avoid; } }
"""

# How a series is drawn, by the beginning of its name: labels of the axes, and whether the lower one is logarithmic.
DRAWN = (
    (
        "latency",
        "microseconds from the frame on the air to verified at the platform",
        "alarms, of 1,000",
        True,
    ),
    ("drain", "milliseconds since the path returned", "events receipted", False),
    ("recovery", "microseconds from the start to an alarm verified", "starts so far", True),
)
OTHERWISE = ("", "", "", False)


def page(rows: Sequence[tuple[Figure, Sum]], missing: Sequence[Missing]) -> str:
    """The whole page."""
    body = [
        "<h1>Evidence</h1>",
        (
            "<p>What this code was shown to do, by commands that anyone can repeat: <code>make evidence</code>. Each figure has a "
            "control: the same harness at a variant that is made unsafe, which must be found. Only trials of the code as it is "
            "are counted. No figure here was measured on a Raspberry Pi, a board or a real radio.</p>"
        ),
        table(rows),
        *[
            f"<p>Not run here: <code>{escape(gone.module)}</code>, {escape(gone.reason)}</p>"
            for gone in missing
        ],
        "<h2>Plots</h2>",
        *[drawing(figure, total) for figure, total in rows],
        "<h2>How each was run</h2>",
        *[details(figure, total) for figure, total in rows if total.trials],
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Trygg: evidence</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def table(rows: Sequence[tuple[Figure, Sum]]) -> str:
    """One row a figure."""
    head = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
    lines = []
    for figure, total in rows:
        kind = verdict(figure, total).partition(" ")[0]
        cells = zip(COLUMNS, row(figure, total), strict=True)
        inner = "".join(f'<td data-name="{name}">{escape(cell)}</td>' for name, cell in cells)
        lines.append(f'<tr class="{kind}">{inner}</tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>" + "\n".join(lines) + "</tbody></table>"


def drawing(figure: Figure, total: Sum) -> str:
    """The plots of one figure's newest run."""
    parts = []
    for name, points in sorted(total.series.items()):
        _, x_label, y_label, log_x = next((how for how in DRAWN if name.startswith(how[0])), OTHERWISE)
        title = f"{figure.id} {figure.title}: {name}"
        drawn = svg.plot(title, points, x_label or name, y_label or "count", log_x=log_x)
        if drawn:
            parts.append(f"<h3>{escape(title)}</h3>{drawn}")
    return "\n".join(parts)


def details(figure: Figure, total: Sum) -> str:
    """Seeds, time, machine, and every failure with what replays it."""
    seeds = ", ".join(str(seed) for seed in total.seeds[:40]) + (" and more" if len(total.seeds) > 40 else "")
    failures = "".join(f"<li><code>{escape(line)}</code></li>" for line in total.failures[:50])
    return (
        f"<h3>{escape(figure.id)} {escape(figure.title)}</h3>"
        f"<p>{escape(figure.conditions)}. {escape(total.machine)}; {escape(total.date)}; {total.seconds:,} s in all; "
        f"code <code>{escape(', '.join(figure.modules))}</code>; seeds {escape(seeds)}.</p>"
        + (f"<ul>{failures}</ul>" if failures else "")
    )
