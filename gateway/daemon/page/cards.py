"""Fault cards: every message by its number, with what it means, whose it is, and a code that carries the card itself.

The QR code holds the text, not an address: this page is gone when the window closes, and a phone reads a text beside a
gateway without any network.
"""

import asyncio
import io
from functools import lru_cache

import segno
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.core.registry import KINDS
from gateway.daemon.commands.explain import catalogue, facts, kind_of, lines, when
from gateway.daemon.page.visit import Visit
from gateway.daemon.page.words import Words

MOST_DRAWN = 16  # codes that are kept: each takes a small machine a second
MOST_TEXT = 700  # characters: what a phone still reads from a screen


async def faults(visit: Visit) -> Response:
    """All faults, or those whose number, name or text holds what is looked for."""
    wanted = visit.query("find").strip().lower()[:40]
    cards = [facts(kind) for kind in catalogue()["fault"]]
    language = visit.words.language
    found = [card for card in cards if wanted in f"{card['code']} {card['name']} {card[language]}".lower()]
    return visit.show("faults.html", cards=found, wanted=wanted)


async def fault(visit: Visit) -> Response:
    """One card."""
    kind = kind_of(visit.request.path_params["code"])
    if kind is None:
        raise HTTPException(404)
    card, language = facts(kind), visit.words.language
    words = catalogue()
    return visit.show(
        "fault.html",
        card=card,
        who=words["role"][card["who"]][language] if "who" in card else "",
        urgent=when(card["urgency"], language) if "who" in card else "",
        of=None if card["of"] is None else facts(card["of"]),
        ends=[facts(name) for name in card["ends"]],
    )


async def code(visit: Visit) -> Response:
    """The QR code of a card, as SVG."""
    kind = kind_of(visit.request.path_params["code"])
    if kind is None:
        raise HTTPException(404)
    drawn = await asyncio.to_thread(qr_code, card_text(kind, visit.words))
    return Response(drawn, media_type="image/svg+xml")


def card_text(kind: str, words: Words) -> str:
    """What the code of a card holds: the card, and the command that shows it."""
    text = "\n".join(lines(facts(kind), words.language))
    short = f"trygg explain {KINDS[kind][0]}"
    return f"{text[: MOST_TEXT - len(short) - 1]}\n{short}"


@lru_cache(MOST_DRAWN)
def qr_code(text: str) -> bytes:
    """A QR code (ISO/IEC 18004) as SVG, black on white with its quiet zone."""
    out = io.BytesIO()
    made = segno.make(text, error="l", micro=False)
    made.save(out, kind="svg", light="#fff", xmldecl=False, svgns=True, omitsize=True)
    return out.getvalue()
