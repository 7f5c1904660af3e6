"""`trygg explain`: the card of a fault: whose it is, how urgent by day, evening and night, what it means and what to do.

Needs no hub and no configuration: whoever stands beside a gateway on a Saturday night types the number of a message.
"""

import argparse
import difflib
import sys
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from gateway.core.registry import KIND_NAMES, KINDS
from gateway.core.registry_text import KIND_TEXTS
from gateway.daemon.arguments import language_of_files
from gateway.daemon.commands.run import add_config
from gateway.daemon.json_text import dumps
from gateway.daemon.texts import LANGUAGES
from gateway.hub.status import LANE_NAMES

NEAREST, LIKENESS = 3, 0.5
# label: (nb, en)
LABELS = {
    "who": ("Hvem", "Who"),
    "when": ("Når noen må ha begynt", "When somebody must have begun"),
    "when_by": (
        "Når noen må ha begynt, for en melding som kommer",
        "When somebody must have begun, for a message that comes",
    ),
    "cause": ("Hva det betyr", "What it means"),
    "do": ("Hva du gjør", "What to do"),
    "ends": ("Slutt", "Ends with"),
    "of": ("Sier at dette er over", "Says that this is over"),
    "over": (
        "Ingenting haster. Avslutt saken som har samme incident.",
        "Nothing is urgent. Close the case that has the same incident.",
    ),
    "hazards": ("Vern mot", "Guards against"),
    "no_fault": ("Dette er ingen feil.", "This is no fault."),
    "unknown": ("ingen slik melding: {given}", "no such message: {given}"),
    "nearest": ("Mente du {names}?", "Did you mean {names}?"),
    "list": ("Uten nummer viser trygg explain alle.", "Without a number trygg explain shows all."),
}


def add_parser(subparsers: Any) -> None:
    """The command line."""
    parser = subparsers.add_parser(
        "explain",
        help="what a message means, whose it is, and what to do",
        description="Explain a message by its number or name. Without one, list all faults. "
        "Exit status 0: it is known, 2: it is not.",
    )
    parser.add_argument("code", metavar="CODE", nargs="?", help="such as 66 or device.silent")
    parser.add_argument(
        "--language",
        choices=LANGUAGES,
        help="nb or en (default: that of the configuration, else of the session)",
    )
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON document")
    add_config(parser)


def run(options: argparse.Namespace) -> int:
    """0 where the message is known, 2 where it is not."""
    language = options.language or language_of_files(options.config or [])
    if options.code is None:
        found = [facts(name) for name in catalogue()["fault"]]
        print(dumps(found) if options.json else "\n".join(one_line(card, language) for card in found))
        return 0
    kind = kind_of(options.code)
    if kind is None:
        print(f"trygg explain: {unknown(options.code, language)}", file=sys.stderr)
        return 2
    card = facts(kind)
    print(dumps(card) if options.json else "\n".join(lines(card, language)))
    return 0


@cache
def catalogue() -> dict[str, Any]:
    """The cards, and the words of roles, hours and urgencies."""
    return tomllib.loads(files("gateway.daemon").joinpath("faults.toml").read_text(encoding="utf-8"))


def kind_of(given: str) -> str | None:
    """The kind that a number or a name stands for, or None."""
    text = given.strip().lower()
    if text.isascii() and text.isdigit():
        return KIND_NAMES.get(int(text[:9]))
    return text if text in KINDS else None


def facts(kind: str) -> dict[str, Any]:
    """All that is known of a kind; of one that ends a fault the card is that fault's, `of` names it."""
    code, lane, clears = KINDS[kind]
    card = {
        "code": code,
        "name": kind,
        "lane": LANE_NAMES[lane],
        "nb": KIND_TEXTS[kind][0],
        "en": KIND_TEXTS[kind][1],
        "of": clears if clears in KINDS else None,
        "ends": [name for name, row in KINDS.items() if row[2] == kind],
    }
    advice = catalogue()["fault"].get(clears if clears in KINDS else kind)
    if advice is not None:
        card |= {"who": advice["who"], "hazards": advice["hazards"]}
        card["urgency"] = dict(zip(catalogue()["hour"], advice["urgency"], strict=True))
        card |= {key: advice[key] for key in ("cause_nb", "do_nb", "cause_en", "do_en")}
    return card


def lines(card: dict[str, Any], language: str) -> list[str]:
    """A card for people."""
    found = [one_line(card, language)]
    if card["of"] is not None:
        found.append(f"{label('of', language)}: {one_line(facts(card['of']), language)}")
        return [*found, f"{label('do', language)}: {label('over', language)}"]
    if "who" not in card:
        return [*found, label("no_fault", language)]
    words = catalogue()
    found += [
        f"{label('who', language)}: {words['role'][card['who']][language]}",
        when(card["urgency"], language),
        f"{label('cause', language)}: {card['cause_' + language]}",
        f"{label('do', language)}: {card['do_' + language]}",
    ]
    if card["ends"]:
        ends = ", ".join(one_line(facts(name), language) for name in card["ends"])
        found.append(f"{label('ends', language)}: {ends}")
    found.append(f"{label('hazards', language)}: {' '.join(card['hazards'])}")
    return found


def when(urgency: dict[str, str], language: str) -> str:
    """By when, around the clock or by the hour at which the message comes."""
    words = catalogue()
    if len(set(urgency.values())) == 1:
        return f"{label('when', language)}: {words['urgency'][urgency['day']][language]}"
    hours = [
        f"{words['hour'][hour][language]}: {words['urgency'][word][language]}"
        for hour, word in urgency.items()
    ]
    return f"{label('when_by', language)} {'; '.join(hours)}"


def one_line(card: dict[str, Any], language: str) -> str:
    """`66 device.silent: The device is silent`."""
    return f"{card['code']} {card['name']}: {card[language]}"


def label(name: str, language: str) -> str:
    """A word of ours."""
    return LABELS[name][LANGUAGES.index(language)]


def unknown(given: str, language: str) -> str:
    """What was asked for, and what is near it: names alike, or the next numbers."""
    shown = given[:64] if given.isprintable() else "?"
    text = label("unknown", language).format(given=shown)
    if given.isascii() and given.isdigit():
        near = sorted(KIND_NAMES, key=lambda code: (abs(code - int(given[:9])), code))[:NEAREST]
        names = [f"{code} {KIND_NAMES[code]}" for code in near]
    else:
        names = difflib.get_close_matches(given.lower()[:64], KINDS, NEAREST, LIKENESS)
    ends = [label("nearest", language).format(names=", ".join(names))] if names else []
    return " ".join([f"{text}.", *ends, label("list", language)])
