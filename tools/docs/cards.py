"""One card a fault: whose it is, how urgent at which hour, which hazards it guards; the tables that say so, and their check.

The words of a kind are those of gateway/core/registry.toml, all else is tools/docs/advice.toml. `runtime` gives what a gateway
needs of it, gateway/daemon/faults.toml, which `trygg explain` reads.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from gateway.daemon.toml_text import value_text

ROOT = Path(__file__).resolve().parents[2]
ASKED = ("safety", "alarm", "technical")  # every state of these lanes has a cause and something to do
WORDS = ("cause_nb", "do_nb", "cause_en", "do_en")
CELLS = ("who", "urgency", "hazards", *WORDS)
# When the message comes.
HOURS = {
    "day": ("på dagtid (07–15)", "by day (07 to 15)"),
    "evening": ("om kvelden (15–22)", "in the evening (15 to 22)"),
    "night": ("om natten (22–07)", "at night (22 to 07)"),
}
# Whose it is (P7). The municipality decides; this is what it begins with.
ROLES = {
    "resident": ("beboeren", "resident"),
    "care": ("hjemmetjenesten", "home service"),
    "response": ("responssenteret", "response centre"),
    "technical": ("teknisk ressursperson", "technical resource person"),
    "platform": ("plattformens drift", "operation of the platform"),
}
# By when somebody must have begun (P8): what can wait for daytime wakes nobody.
URGENCIES = {
    "now": ("nå", "now"),
    "today": ("i dag", "today"),
    "morning": ("neste morgen", "next morning"),
    "workday": ("neste hverdag", "next working day"),
}
PERSONAL = ("safety", "alarm")  # lanes in which a person may need help
GENERATED = "# Written by `python -m tools.docs.faults` from tools/docs/advice.toml: one card a fault, for `trygg explain`.\n"

Table = dict[str, dict[str, Any]]


def read_tables() -> tuple[Table, Table]:
    """Kinds of the registry, and the advice."""
    registry = tomllib.loads((ROOT / "gateway/core/registry.toml").read_text(encoding="utf-8"))
    advice = tomllib.loads(Path(__file__).with_name("advice.toml").read_text(encoding="utf-8"))
    return registry["kind"], advice


def read_hazards() -> set[str]:
    """The hazards that docs/hazards.md has."""
    return set(
        re.findall(r"^## (H\d+) ", (ROOT / "docs/hazards.md").read_text(encoding="utf-8"), re.MULTILINE)
    )


def needs_card(row: dict[str, Any]) -> bool:
    """Whether a kind says that something is wrong: all of lanes 0 to 2 that does not end a state."""
    return row["lane"] in ASKED and row.get("clears", "*") == "*"


def holes(kinds: Table, advice: Table, hazards: set[str]) -> list[str]:
    """What the cards lack, and what they say of kinds, roles, hours and hazards that are not there."""
    found = [f"{name}: no kind of the registry" for name in advice if name not in kinds]
    for name, row in kinds.items():
        if name in advice:
            found += [f"{name}: {said}" for said in card_holes(advice[name], row, hazards)]
        elif needs_card(row):
            found.append(f"{name}: says nothing of what it means and what to do")
    return found


def card_holes(card: dict[str, Any], row: dict[str, Any], hazards: set[str]) -> list[str]:
    """What is wrong with one card."""
    found = [f"{cell} is empty" for cell in CELLS if cell not in card or is_empty(card[cell])]
    found += [f"unknown key {key}" for key in card if key not in CELLS]
    if card.get("who", "") not in ("", *ROLES):
        found.append(f"who is none of {', '.join(ROLES)}")
    urgency = card.get("urgency", [])
    if urgency and len(urgency) != len(HOURS):
        found.append(f"urgency has {len(urgency)} of {len(HOURS)} hours: {', '.join(HOURS)}")
    found += [
        f"urgency {word!r} is none of {', '.join(URGENCIES)}" for word in urgency if word not in URGENCIES
    ]
    if row["lane"] in PERSONAL and set(urgency) - {"now"}:
        found.append("a person may need help, and it waits")
    found += [
        f"{hazard} is not in docs/hazards.md" for hazard in card.get("hazards", []) if hazard not in hazards
    ]
    return found


def is_empty(cell: object) -> bool:
    """Nothing, blanks, or a list in which something is."""
    if isinstance(cell, list):
        return not cell or any(is_empty(item) for item in cell)
    return not str(cell).strip()


def runtime(kinds: Table, advice: Table) -> str:
    """What gateway/daemon/faults.toml holds: words of roles, hours and urgencies, and the cards in the order of their numbers."""
    parts = [GENERATED]
    for section, words in (("role", ROLES), ("hour", HOURS), ("urgency", URGENCIES)):
        parts.append(f"\n[{section}]\n")
        parts += [f"{name} = {value_text({'nb': nb, 'en': en})}\n" for name, (nb, en) in words.items()]
    for name in sorted(advice, key=lambda name: int(kinds[name]["code"])):
        parts.append(f'\n[fault."{name}"]\n')
        parts += [f"{cell} = {value_text(advice[name][cell])}\n" for cell in CELLS]
    return "".join(parts)
