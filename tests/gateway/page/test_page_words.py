"""The page's catalogue: both languages say the same, nothing is missing, nothing is said by nobody."""

import re
import string
from collections.abc import Iterator
from typing import Any

from gateway.core.devices.registry import driver_names
from gateway.core.pairing import KINDS, LOST, OVER, WRONG_CODE
from gateway.daemon.page.overview import DEVICE_STEPS, PLACES, STATES
from gateway.daemon.page.trials import CENTRE
from gateway.daemon.page.visit import FOLDER
from gateway.daemon.page.words import Words, catalogue
from gateway.daemon.texts import LANGUAGES, ONE
from tests.gateway.english import english_in

ABOUT = ("gone", "closed", "foreign", "missing", "strange", "broken")
CENTRE_STATES = ("none", "waiting", *CENTRE, "handled", "failed", "over")


def entries(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    for name, item in table.items():
        if isinstance(item.get("nb"), str):
            yield prefix + name, item
        else:
            yield from entries(item, prefix + name + ".")


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def named() -> set[str]:
    """Every text that templates and code name, and those whose names are put together."""
    sources = "".join(path.read_text("utf-8") for path in (*FOLDER.rglob("*.html"), *FOLDER.glob("*.py")))
    sources += (FOLDER.parent / "commands" / "page.py").read_text("utf-8")
    found = set(re.findall(r"""\b(?:t|words|say|Words)\(\s*["']([a-z_]+\.[a-z_0-9]+)["']""", sources))
    found |= {f"message.{about}{end}" for about in ABOUT for end in ("", "_do", "_back")}
    found |= {f"sign_in.{fault}" for fault in re.findall(r'fault="([a-z_]+)"', sources)}
    found |= {f"state.{state}" for state in STATES} | {f"signal.bars_{count}" for count in range(5)}
    steps = {*PLACES, *DEVICE_STEPS, "devices"}
    found |= {f"{section}.{name}" for section in ("step", "do") for name in steps}
    found |= {f"driver.{name}" for name in driver_names()}
    found |= {f"pair.{happening}" for happening in (*KINDS, LOST, WRONG_CODE, *OVER)}
    found |= {f"centre.{state}" for state in CENTRE_STATES} | {f"centre.stage_{name}" for name in CENTRE}
    found = {name for name in found if not name.endswith("_")}
    return found | {f"walk.{verdict}" for verdict in ("good", "weak", "lost")}


def test_every_text_that_is_named_is_there_and_each_is_named() -> None:
    there = {name for name, _ in entries(catalogue())}
    assert len(there) > 150
    assert there == named()


def test_both_languages_have_every_text_with_the_same_names() -> None:
    singular = {language + ONE for language in LANGUAGES}
    for name, item in entries(catalogue()):
        assert set(item) in (set(LANGUAGES), set(LANGUAGES) | singular), name
        assert len({frozenset(blanks(text)) for text in item.values()}) == 1, name
        assert ("count" in blanks(item["nb"])) or not singular & set(item), name
        assert all(text.strip() == text and text for text in item.values()), name
        norwegian = item["nb"].replace("trygg install --open", "").replace("trygg explain", "")
        assert not english_in(norwegian.replace("listen", "")), name


def test_control_a_missing_text_is_a_bug_and_seen() -> None:
    words = Words("nb")
    assert words("ui.card", code=66) == "Feilkort 66" and Words("sv")("ui.card", code=1) == "Feilkort 1"
    assert words.has("ui.card") and not words.has("ui.none") and not words.has("ui") and not words.has("")
    try:
        words("ui.none")
    except KeyError:
        return
    raise AssertionError("a text that is not there was said")
