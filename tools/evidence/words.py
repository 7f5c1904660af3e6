"""Figures as a person reads them: units come from the end of a name, numbers stay whole until they are printed."""

from tools.evidence.figure import Figure, Outcome
from tools.evidence.standing import Standing, found

IRREGULAR = {"branch": "branches", "life": "lives", "loss": "losses"}


def plural(noun: str, count: int) -> str:
    """`1 alarm`, `412,000 crash images`; what follows `of` or `after` stays as it is."""
    if count == 1:
        return noun
    for link in (" of ", " after ", " with ", " in ", " whose "):
        head, between, rest = noun.partition(link)
        if between:
            return plural(head, count) + between + rest
    head, _, last = noun.rpartition(" ")
    ending = IRREGULAR.get(last) or (
        last[:-1] + "ies" if last.endswith("y") and last[-2] not in "aeiou" else last + "s"
    )
    return f"{head} {ending}".strip()


def decimal(value: int, divisor: int, digits: int) -> str:
    """The quotient with so many digits, rounded half up."""
    sign, scale = "-" if value < 0 else "", 10**digits
    scaled = (abs(value) * scale + divisor // 2) // divisor
    return f"{sign}{scaled // scale:,}" + (f".{scaled % scale:0{digits}}" if digits else "")


def duration(value_us: int) -> str:
    """In the unit that a person would choose."""
    for limit, divisor, unit in ((1_000, 1, "µs"), (1_000_000, 1_000, "ms"), (120_000_000, 1_000_000, "s")):
        if abs(value_us) < limit:
            digits = (
                0 if divisor == 1 or value_us % divisor == 0 else (2 if abs(value_us) < 10 * divisor else 1)
            )
            return f"{decimal(value_us, divisor, digits)} {unit}"
    if abs(value_us) < 7_200_000_000:
        return f"{decimal(value_us, 60_000_000, 1)} min"
    return f"{decimal(value_us, 3_600_000_000, 1)} h"


def value_words(name: str, value: int | str) -> str:
    """`p99_us: 7300` reads `p99 7.30 ms`."""
    base, _, unit = name.rpartition("_")
    if isinstance(value, str):
        plain = base if unit in ("us", "ms", "s") and base else name
        return f"{plain.replace('_', ' ')}: {value}"
    scales = {"us": 1, "ms": 1_000, "s": 1_000_000}
    if base and unit in scales:
        return f"{base.replace('_', ' ')} {duration(value * scales[unit])}"
    if base and unit == "kib":
        return f"{base.replace('_', ' ')} {decimal(value, 1024, 1)} MiB"
    if "centibytes" in name:
        return f"{name.replace('centibytes', 'bytes').replace('_', ' ')} {decimal(value, 100, 2)}"
    return f"{name.replace('_', ' ')} {value:,}"


def amount(figure: Figure, outcome: Outcome) -> str:
    """`412,000 of 1,000,000 crash images`, `1,000,000 crash images`."""
    part = "" if outcome.trials >= figure.release else f" of {figure.release:,}"
    return f"{outcome.trials:,}{part} {plural(figure.trial, max(outcome.trials, figure.release))}"


def outcome_words(figure: Figure, outcome: Outcome) -> str:
    """Trials, what was found against the figure, and what is shown beside."""
    beside = [value_words(name, value) for name, value in outcome.reached.items()]
    return "; ".join([f"{amount(figure, outcome)}, {outcome.bad:,} bad", *beside])


def reached_words(standing: Standing) -> str:
    """The cell of the table, its verdict first."""
    outcome = standing.outcome
    parts = [standing.verdict]
    if outcome is not None:
        parts.append(outcome_words(standing.figure, outcome))
    elif (before := standing.before) is not None:
        date, _, _ = before.rows[-1].conditions.get("date", "").partition("T")
        parts[0] = f"{standing.verdict} with this code; with earlier code, {date}: {reached_words(before)}"
    if standing.note:
        parts.append(standing.note)
    return ": ".join(parts[:2]) + "".join(f"; {part}" for part in parts[2:])


def control_words(figure: Figure, control: Outcome | None) -> str:
    """What the unsafe variant does, and what of it was found."""
    if figure.control is None:
        return "none"
    if control is None:
        return f"{figure.unsafe}: not run"
    if not found(figure, control):
        return f"{figure.unsafe}: FOUND NOTHING in {control.trials:,}"
    done = f"{control.trials:,} {plural(figure.trial, control.trials)}"
    return f"{figure.unsafe}: {control.bad:,} bad in {done}"


def machine_words(conditions: dict[str, str]) -> str:
    """Where rows come from, without their date."""
    return ", ".join(value for name, value in conditions.items() if name != "date")
