"""One page to read, on a telephone, on a desk or on paper: the table, and behind it every run with its plots and seeds."""

from datetime import UTC, datetime
from html import escape

from tools.evidence.figures import Skipped
from tools.evidence.plots import plots_of
from tools.evidence.standing import BAD, REACHED, Evidence, Standing
from tools.evidence.store import Row
from tools.evidence.svg import draw
from tools.evidence.table import COLUMNS, rows_of
from tools.evidence.words import control_words, duration, machine_words, outcome_words, reached_words

TEXT, MUTED, GROUND, PANEL, LINE, LIMIT, GOOD = (
    "#1a1a1a",
    "#505050",
    "#ffffff",
    "#f3f5f7",
    "#00558c",
    "#a8001c",
    "#1d5f2a",
)
SEEDS_SHOWN = 6
HASH_SHOWN = 12

STYLE = f"""
*{{box-sizing:border-box}}
body{{margin:0 auto;max-width:72rem;padding:1rem;font:1rem/1.5 system-ui,sans-serif;color:{TEXT};background:{GROUND}}}
h1{{margin:.2rem 0}} h2{{margin:2.2rem 0 .3rem;font-size:1.2rem;border-top:1px solid {MUTED};padding-top:.8rem}}
a{{color:{LINE}}} p{{max-width:46rem}} .muted{{color:{MUTED}}}
table{{border-collapse:collapse;width:100%;font-size:.9rem;margin:1rem 0}}
th,td{{text-align:left;vertical-align:top;padding:.45rem .6rem;border-bottom:1px solid #b8bec4;overflow-wrap:anywhere}}
th{{background:{PANEL}}}
.good{{color:{GOOD};font-weight:600}} .bad{{color:{LIMIT};font-weight:700}} .earlier{{color:{MUTED}}}
pre{{white-space:pre-wrap;overflow-wrap:anywhere;background:{PANEL};padding:.7rem}}
.plots{{display:flex;flex-wrap:wrap;gap:1rem}} figure{{margin:.6rem 0;flex:1 1 20rem;max-width:36rem}}
figcaption{{font-weight:600}} svg.plot{{width:100%;height:auto;display:block}}
svg text{{font:12px system-ui,sans-serif;fill:{TEXT}}} svg text.axis{{fill:{MUTED}}} svg text.limit{{fill:{LIMIT}}}
svg .grid{{stroke:#d5d9dd;fill:none}} svg .line{{stroke:{LINE};stroke-width:2;fill:none}} svg .dot{{fill:{LINE}}}
svg .limit{{stroke:{LIMIT};stroke-dasharray:5 3;fill:none}} svg text.limit{{stroke:none}}
@media (max-width:44rem){{
thead{{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}}
table,tbody,tr,td{{display:block;width:100%}} tr{{border:1px solid #b8bec4;margin:.8rem 0}} td{{border-bottom:0}}
td::before{{content:attr(data-label);display:block;font-size:.8rem;color:{MUTED}}} td:empty{{display:none}}
}}
@media print{{body{{max-width:none;padding:0;font-size:10pt}} section,tr,figure{{break-inside:avoid}} a{{color:{TEXT}}}}}
"""


def page(evidence: Evidence, now: datetime | None = None) -> str:
    """The whole document."""
    written = (now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    sections = [section(each) for each in evidence.standings] + [gap(each) for each in evidence.skipped]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Trygg: evidence</title><style>{STYLE}</style></head>\n<body><main>\n"
        f"<h1>Evidence</h1>\n<p>{escape(counted(evidence))} Written {written} by <code>make evidence</code>.</p>\n"
        "<p>A figure speaks of the code whose hash stands beside it; trials of other code are shown and never added. "
        "A control is the same harness at a variant that is deliberately unsafe: it must find something. "
        "A seed with its trials replays a part.</p>\n"
        f"{overview(evidence)}\n{chr(10).join(sections)}\n</main></body></html>\n"
    )


def counted(evidence: Evidence) -> str:
    """The page in two sentences."""
    verdicts = [each.verdict for each in evidence.standings]
    bad = sum(
        verdict in BAD or bool(each.note) for verdict, each in zip(verdicts, evidence.standings, strict=True)
    )
    return (
        f"{verdicts.count(REACHED)} of {len(verdicts)} figures are reached with all trials of a release, "
        f"{bad} are in doubt, {len(evidence.skipped)} harnesses were skipped."
    )


def cells(tag: str, texts: list[str], labels: tuple[str, ...]) -> str:
    """One row of a table; roles hold where a narrow screen shows cells as blocks."""
    role = "columnheader" if tag == "th" else "cell"
    parts = [
        f'<{tag} role="{role}" data-label="{escape(label)}">{text}</{tag}>'
        for text, label in zip(texts, labels, strict=True)
    ]
    return f'<tr role="row">{"".join(parts)}</tr>'


def grid(labels: tuple[str, ...], rows: list[list[str]]) -> str:
    """A table; cells are HTML already."""
    head = cells("th", [escape(label) for label in labels], labels)
    body = "\n".join(cells("td", row, labels) for row in rows)
    return (
        f'<table role="table"><thead role="rowgroup">{head}</thead>\n'
        f'<tbody role="rowgroup">{body}</tbody></table>'
    )


def overview(evidence: Evidence) -> str:
    """The table that is printed, with links to the sections."""
    rows = []
    known = [*evidence.standings, *([None] * len(evidence.skipped))]
    for standing, texts in zip(known, rows_of(evidence), strict=True):
        row = [escape(text) for text in texts]
        if standing is not None:
            row[0] = f'<a href="#{standing.figure.id}">{row[0]}</a>'
            row[2] = f'<span class="{tone(standing)}">{row[2]}</span>'
        rows.append(row)
    return grid(COLUMNS, rows)


def tone(standing: Standing) -> str:
    """The colour of a verdict; its words say the same."""
    if standing.verdict in BAD or standing.note:
        return "bad"
    return "good" if standing.verdict == REACHED else "plain"


def section(standing: Standing) -> str:
    """One figure with all that is stored of it."""
    figure, outcome = standing.figure, standing.outcome
    control = standing.control.outcome if standing.control else None
    code = f"<code>{standing.modules[:HASH_SHOWN]}</code>"
    summing = "runs add up" if figure.adds_up else "the newest run counts"
    parts = [
        f'<section id="{figure.id}"><h2>{figure.id} {escape(figure.title)}</h2>',
        f'<p>Asked: {escape(figure.asked)}. <span class="{tone(standing)}">{escape(reached_words(standing))}.</span></p>',
        f"<p>Conditions: {escape(figure.conditions)}.</p>",
        f"<p>Control: {escape(control_words(figure, control))}.</p>",
        f'<p class="muted">Speaks of {code} {escape(", ".join(figure.modules))}; {summing}.</p>',
    ]
    if outcome is not None:
        plots = [
            f"<figure><figcaption>{escape(each.title)}</figcaption>{draw(each)}</figure>"
            for each in plots_of(outcome)
        ]
        parts.append(f'<div class="plots">{"".join(plots)}</div>' if plots else "")
        if outcome.failures:
            parts.append(f"<pre>{escape(chr(10).join(outcome.failures))}</pre>")
    return "\n".join([*parts, runs(standing), "</section>"])


RUN_COLUMNS = ("run", "found", "seeds", "code", "took", "machine")


def runs(standing: Standing) -> str:
    """Every run, newest first; those of other code are marked."""
    if not standing.record.rows:
        return ""
    rows = [run_row(standing, row) for row in reversed(standing.record.rows)]
    return grid(RUN_COLUMNS, rows)


def run_row(standing: Standing, row: Row) -> list[str]:
    """One run."""
    earlier = row.modules != standing.modules
    code = f"<code>{escape(row.modules[:HASH_SHOWN])}</code>" + (
        " earlier code, not added" if earlier else ""
    )
    texts = [
        escape(row.conditions.get("date", "")),
        escape(outcome_words(standing.figure, row.outcome)),
        escape(seeds_words(row)),
        code,
        escape(duration(1_000 * row.took_ms)),
        escape(machine_words(row.conditions)),
    ]
    return [f'<span class="earlier">{text}</span>' for text in texts] if earlier else texts


def seeds_words(row: Row) -> str:
    """The first slices; all of them stand in the JSON."""
    shown = [f"{seed} ({trials:,})" for seed, trials in row.slices[:SEEDS_SHOWN]]
    more = len(row.slices) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def gap(skipped: Skipped) -> str:
    """Figures whose harness is not here."""
    ids = ", ".join(skipped.ids)
    return f"<section><h2>{escape(ids)}</h2><p>Skipped: {escape(skipped.reason)}.</p></section>"
