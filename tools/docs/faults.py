"""Write docs/faults.md, in nb and en, from gateway/core/registry.toml and tools/docs/advice.toml.

    python -m tools.docs.faults [--check]

`--check` writes nothing and compares. Exit status 1 where the advice has a hole or the page differs.
"""

import argparse
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "faults.md"
ASKED = ("safety", "alarm", "technical")  # every state of these lanes has a cause and something to do
CELLS = ("who", "cause_nb", "do_nb", "cause_en", "do_en")
WHO = {
    "response": ("responssenteret", "response centre"),
    "technical": ("teknisk ressursperson", "technical resource person"),
    "care": ("hjemmetjenesten", "home service"),
    "platform": ("plattformens drift", "operation of the platform"),
}
LANE_WORDS = {
    "safety": ("Felt 0: sikkerhet", "Lane 0: safety"),
    "alarm": ("Felt 1: alarm", "Lane 1: alarm"),
    "technical": ("Felt 2: teknisk", "Lane 2: technical"),
    "measurement": ("Felt 3: målinger som ikke ble noe av", "Lane 3: what did not become a measurement"),
}

INTRODUCTION = """\
# Meldinger og hva du gjør · Messages and what to do

<!-- Written by `python -m tools.docs.faults` from gateway/core/registry.toml and tools/docs/advice.toml. -->

[Norsk](#norsk) · [English](#english)

"""
NB = """\
## Norsk

Hver melding har et navn og et fast nummer. Tekniske feil (felt 2) er aldri en alarm om en person, og en alarm om en
person er aldri en teknisk feil. «Hvem» er et forslag; kommunen bestemmer hvem som får hva. En tilstand varer til
meldingen etter «slutt» kommer; begge har samme `incident`. Er det som skulle si fra, tatt ut av bruk, kommer i stedet
`safety.unwatched`, `alarm.unwatched`, `fault.unwatched` eller `state.unwatched` med samme `incident`.

Merker (`provenance`) på en melding: 1 ikke bekreftet å være fra enheten, 2 mulig gjentakelse, 4 tidsrommet er antatt
fordi klokken ikke var til å stole på. Tallene legges sammen: 3 er 1 og 2.
"""
EN = """\
## English

Each message has a name and a fixed number. A technical fault (lane 2) is never an alarm about a person, and an alarm
about a person is never a technical fault. “Who” is a suggestion; the municipality decides who gets what. A state lasts
until the message behind “ends with” comes; both have the same `incident`. Where what would tell it was taken out of use,
`safety.unwatched`, `alarm.unwatched`, `fault.unwatched` or `state.unwatched` comes instead, with the same `incident`.

Marks (`provenance`) of a message: 1 not shown to come from the device, 2 replay suspected, 4 time window assumed
because the clock could not be trusted. They add up: 3 is 1 and 2.
"""
HEADS = (
    "| melding | hvem | hva det betyr | hva du gjør |\n|---|---|---|---|",
    "| message | who | what it means | what to do |\n|---|---|---|---|",
)
ENDS = ("Slutt", "Ends with")

Table = dict[str, dict[str, Any]]


def holes(kinds: Table, advice: Table) -> list[str]:
    """What the advice lacks, and what it says of kinds that are not there."""
    found = [f"{name}: no kind of the registry" for name in advice if name not in kinds]
    for name, row in kinds.items():
        if name in advice:
            cells = advice[name]
            found += [f"{name}: {cell} is empty" for cell in CELLS if not str(cells.get(cell, "")).strip()]
            found += [f"{name}: unknown key {key}" for key in cells if key not in CELLS]
            if cells.get("who") not in WHO:
                found.append(f"{name}: who is none of {', '.join(WHO)}")
        elif row["lane"] in ASKED and row.get("clears", "*") == "*":
            found.append(f"{name}: says nothing of what it means and what to do")
    return found


def page(kinds: Table, advice: Table) -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for language, words in enumerate((NB, EN)):
        parts.append(words)
        for lane, titles in LANE_WORDS.items():
            rows = [
                line(name, kinds, advice[name], language) for name in advice if kinds[name]["lane"] == lane
            ]
            parts.append(f"\n### {titles[language]}\n\n{HEADS[language]}\n" + "\n".join(rows) + "\n")
        parts.append("\n" if language == 0 else "")
    return "".join(parts)


def line(name: str, kinds: Table, cells: dict[str, Any], language: int) -> str:
    """One row: the message with its end, who, cause, action."""
    message = said(name, kinds[name], language)
    ends = [said(other, row, language) for other, row in kinds.items() if row.get("clears") == name]
    if ends:
        message += f"<br>{ENDS[language]}: {', '.join(ends)}"
    tongue = ("nb", "en")[language]
    return f"| {message} | {WHO[cells['who']][language]} | {cells['cause_' + tongue]} | {cells['do_' + tongue]} |"


def said(name: str, row: dict[str, Any], language: int) -> str:
    """A kind's words, name and number."""
    return f"{row[('nb', 'en')[language]]} `{name}` ({row['code']})"


def read_tables() -> tuple[Table, Table]:
    """Kinds of the registry, and the advice."""
    registry = tomllib.loads((ROOT / "gateway/core/registry.toml").read_text(encoding="utf-8"))
    advice = tomllib.loads(Path(__file__).with_name("advice.toml").read_text(encoding="utf-8"))
    return registry["kind"], advice


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or compare the page."""
    parser = argparse.ArgumentParser(prog="python -m tools.docs.faults", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with what is there; write nothing")
    options = parser.parse_args(arguments)
    kinds, advice = read_tables()
    found = holes(kinds, advice)
    if not found:
        text = page(kinds, advice)
        if not options.check:
            PAGE.write_text(text, encoding="utf-8")
        elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            found.append("docs/faults.md is not what the tables give: run `python -m tools.docs.faults`")
    for one in found:
        print(one, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
