"""Write docs/faults.md, in nb and en, and gateway/daemon/faults.toml from gateway/core/registry.toml and tools/docs/advice.toml.

    python -m tools.docs.faults [--check]

`--check` writes nothing and compares. Exit status 1 where a card has a hole or a file differs.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from tools.docs.cards import ROLES, ROOT, URGENCIES, Table, holes, read_hazards, read_tables, runtime

PAGE = ROOT / "docs" / "faults.md"
CARDS = ROOT / "gateway" / "daemon" / "faults.toml"
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
person er aldri en teknisk feil. «Hvem» og «når» er forslag; kommunen bestemmer hvem som får hva. «Når» sier innen når noen
må ha begynt, om meldingen kommer på dagtid (07–15), om kvelden (15–22) eller om natten (22–07); står det ett ord, gjelder det
hele døgnet. «Vern» er farene i [hazards.md](hazards.md) som meldingen verner mot. En tilstand varer til
meldingen etter «slutt» kommer; begge har samme `incident`. Er det som skulle si fra, tatt ut av bruk, kommer i stedet
`safety.unwatched`, `alarm.unwatched`, `fault.unwatched` eller `state.unwatched` med samme `incident`. På gatewayen viser
`trygg explain 66` eller `trygg explain device.silent` det samme om én melding.

Merker (`provenance`) på en melding: 1 ikke bekreftet å være fra enheten, 2 mulig gjentakelse, 4 tidsrommet er antatt
fordi klokken ikke var til å stole på. Tallene legges sammen: 3 er 1 og 2.
"""
EN = """\
## English

Each message has a name and a fixed number. A technical fault (lane 2) is never an alarm about a person, and an alarm
about a person is never a technical fault. “Who” and “when” are suggestions; the municipality decides who gets what. “When” says
by when somebody must have begun, for a message by day (07 to 15), in the evening (15 to 22) or at night (22 to 07); a single word
holds around the clock. “Guards” are the hazards of [hazards.md](hazards.md) that the message guards against. A state lasts
until the message behind “ends with” comes; both have the same `incident`. Where what would tell it was taken out of use,
`safety.unwatched`, `alarm.unwatched`, `fault.unwatched` or `state.unwatched` comes instead, with the same `incident`. On the
gateway `trygg explain 66` or `trygg explain device.silent` shows the same of one message.

Marks (`provenance`) of a message: 1 not shown to come from the device, 2 replay suspected, 4 time window assumed
because the clock could not be trusted. They add up: 3 is 1 and 2.
"""
HEADS = (
    "| melding | hvem | når | hva det betyr | hva du gjør | vern |\n|---|---|---|---|---|---|",
    "| message | who | when | what it means | what to do | guards |\n|---|---|---|---|---|---|",
)
ENDS = ("Slutt", "Ends with")


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
    """One row: the message with its end, who, when, cause, action, hazards."""
    message = said(name, kinds[name], language)
    ends = [said(other, row, language) for other, row in kinds.items() if row.get("clears") == name]
    if ends:
        message += f"<br>{ENDS[language]}: {', '.join(ends)}"
    tongue = ("nb", "en")[language]
    row = (
        message,
        ROLES[cells["who"]][language],
        when(cells["urgency"], language),
        cells["cause_" + tongue],
        cells["do_" + tongue],
        " ".join(cells["hazards"]),
    )
    return f"| {' | '.join(row)} |"


def when(urgency: list[str], language: int) -> str:
    """By day, in the evening and at night, or one word where they are the same."""
    words = [URGENCIES[word][language] for word in urgency]
    return words[0] if len(set(words)) == 1 else " / ".join(words)


def said(name: str, row: dict[str, Any], language: int) -> str:
    """A kind's words, name and number."""
    return f"{row[('nb', 'en')[language]]} `{name}` ({row['code']})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or compare the page and the cards."""
    parser = argparse.ArgumentParser(prog="python -m tools.docs.faults", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with what is there; write nothing")
    options = parser.parse_args(arguments)
    kinds, advice = read_tables()
    found = holes(kinds, advice, read_hazards())
    if not found:
        for path, text in ((PAGE, page(kinds, advice)), (CARDS, runtime(kinds, advice))):
            if not options.check:
                path.write_text(text, encoding="utf-8")
            elif not path.exists() or path.read_text(encoding="utf-8") != text:
                name = path.relative_to(ROOT)
                found.append(f"{name} is not what the tables give: run `python -m tools.docs.faults`")
    for one in found:
        print(one, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
