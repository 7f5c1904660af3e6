"""Cards for the wall and for the lid: what the gateway is, what its lamp means, whom to call; and one for each fault.

Words are those of `trygg explain` and of the lamp in the catalogue. A card's QR code holds the card's own text, so that it is of
use where there is no network, or an address with the number of the fault behind `#`.
"""

import html

from gateway.daemon.commands import explain
from gateway.daemon.texts import Texts
from tools.authority import qr

# The states of the lamp that somebody in the home may see, as gateway/hub/supervise.py shows them, and how they look as hal/linux/indicator.py
# and hal/esp32/indicator.py light it. Those of one look stand together.
LAMPS = (
    "ok",
    "quiet",
    "offline",
    "fault",
    "storage_full",
    "stopped",
    "heard",
    "delivered",
    "starting",
    "pairing",
    "identify",
)
CALLED_FOR = ("offline", "fault", "storage_full", "stopped")
STYLE = """
@page { size: A4; margin: 12mm }
body { font: 10pt sans-serif; margin: 0 }
main { display: grid; grid-template-columns: 1fr 1fr; gap: 4mm }
section { border: 1px solid #000; padding: 3mm; break-inside: avoid }
section.first { grid-column: 1 / 3 }
svg.qr { width: 40mm; height: 40mm; float: right }
section.first svg.qr { width: 60mm; height: 60mm }
h2 { font-size: 12pt; margin: 0 0 2mm }
p, li { margin: 0 0 1mm }
ul { margin: 0; padding-left: 5mm }
"""


def faults(chosen: list[str]) -> list[str]:
    """The kinds that have a card, all or those of `chosen`, which are numbers or names. Raises KeyError with what has none."""
    known = list(explain.catalogue()["fault"])
    for given in chosen:
        if explain.kind_of(given) not in known:
            raise KeyError(given)
    wanted = {explain.kind_of(given) for given in chosen}
    return [name for name in known if not wanted or name in wanted]


def gateway_lines(texts: Texts, call: list[str]) -> list[str]:
    """The card of the gateway itself: heading, what it is, what its lamp means, whom to call."""
    return [
        texts.reword("The gateway of this home"),
        texts.reword(
            "This box hears the home's sensors and sends what they say to the municipality. "
            "There is nothing to operate: let it stand, with its power on."
        ),
        texts.reword("What the lamp says, where the gateway has one:"),
        *[f"– {texts.say('light.' + state)}: {meaning(state, texts)}" for state in LAMPS],
        *[texts.reword(f"Call: {each}") for each in call],
    ]


def gateway_short(lines: list[str], texts: Texts, call: list[str]) -> list[str]:
    """What the code of the gateway's card holds: what it is, the lights for which somebody is called, and whom. All would not fit."""
    kept = tuple(f"– {texts.say('light.' + state)}:" for state in CALLED_FOR)
    last = len(lines) - len(call)
    return [line for at, line in enumerate(lines) if at < 2 or at >= last or line.startswith(kept)]


def meaning(state: str, texts: Texts) -> str:
    """What a state of the lamp means, as `trygg status` says it; some only the lamp shows."""
    return texts.say_or("lamp_only." + state, texts.say_or("lamp." + state, state))


def sheet(texts: Texts, kinds: list[str], call: list[str], address: str | None) -> str:
    """The page: the gateway's card, then one a fault, by number."""
    title = html.escape(texts.reword("Cards of the gateway and of its faults"))
    first = gateway_lines(texts, call)
    cards = [card(first, qr.at(address, "gateway", "\n".join(gateway_short(first, texts, call))), "first")]
    for kind in kinds:
        lines = explain.lines(explain.facts(kind), texts.language)[:-1]  # hazards are for whoever maintains
        lines += [texts.reword(f"Call: {each}") for each in call]
        held = qr.at(address, str(explain.facts(kind)["code"]), "\n".join(short(lines, texts, call)))
        cards.append(card(lines, held, "fault"))
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="{texts.language}"><head><meta charset="utf-8"><title>{title}</title>',
            f"<style>{STYLE}</style></head><body><h1>{title}</h1><main>",
            *cards,
            "</main></body></html>",
            "",
        ]
    )


def short(lines: list[str], texts: Texts, call: list[str]) -> list[str]:
    """What the code of a fault's card holds: what it is, whose, what to do, whom to call. Fewer modules are read from further away."""
    kept = tuple(explain.label(name, texts.language) + ":" for name in ("who", "do"))
    last = len(lines) - len(call)
    return [line for at, line in enumerate(lines) if at == 0 or at >= last or line.startswith(kept)]


def card(lines: list[str], held: str, sort: str) -> str:
    """One card: its first line is the heading. Raises ConfigError where its text does not fit into a code."""
    body = "".join(f"<p>{html.escape(line)}</p>" for line in lines[1:])
    return f'<section class="{sort}">{qr.svg(held, lines[0])}<h2>{html.escape(lines[0])}</h2>{body}</section>'
