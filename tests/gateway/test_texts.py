"""The catalogue: both languages say the same, and the program asks for nothing that is not there."""

import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gateway.daemon
from gateway.core.alarms import NAMES
from gateway.core.config_tables import SECTIONS
from gateway.core.devices.bthome_objects import BUTTON_EVENTS, NO_PRESS
from gateway.core.devices.contract import CAPABILITIES
from gateway.core.devices.dispenser_events import CAUSES, COLLECTORS
from gateway.core.devices.driver import FAILED, INCOMPLETE, MALFORMED, REPLAYED, UNAUTHENTICATED_FRAME
from gateway.core.devices.plx import FAILURES
from gateway.core.improv import STATES
from gateway.core.line_sense import FAMILIES
from gateway.core.pairing import IN_DOUBT, LEGACY, SHORT, UNSEEN
from gateway.daemon.commands.ring import UNANSWERED, UNRECEIPTED
from gateway.daemon.texts import LANGUAGES, ONE, Texts, catalogue
from gateway.hub.improv import CLOSED
from gateway.hub.ringing import DELIVERED, HEARD, OVER, WAITING
from gateway.hub.self_test import OBSTACLES
from gateway.hub.status import LANE_NAMES
from gateway.hub.supervise import FAULTS, LEFT, PART_STOPPED
from hal.linux.bond_vetting import REFUSED, WHOLE
from hal.linux.indicator import PATTERNS
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK

DAEMON = Path(gateway.daemon.__file__).parent


def entries(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    for name, item in table.items():
        if isinstance(item.get("nb"), str):
            yield prefix + name, item
        else:
            yield from entries(item, prefix + name + ".")


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_have_every_text_with_the_same_names() -> None:
    found = dict(entries(catalogue()))
    assert len(found) > 50
    for name, item in found.items():
        singular = {language + ONE for language in LANGUAGES}
        assert set(item) in (set(LANGUAGES), set(LANGUAGES) | singular), name
        assert len({frozenset(blanks(text)) for text in item.values()}) == 1, name
        assert ("count" in blanks(item["nb"])) or not singular & set(item), name
        assert all(text.strip() == text and text for text in item.values()), name


def test_every_text_that_the_program_names_is_there_and_each_is_used() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in sorted(DAEMON.rglob("*.py")))
    named = set(re.findall(r'say\(\s*"([a-z_.]+)"', sources))
    named |= set(re.findall(r'"(device\.place[a-z_]*)"', sources))
    for module in (
        "findings.py",
        "findings_drivers.py",
        "findings_lines.py",
        "findings_uplink.py",
        "commands/check.py",
        "doctor_looks.py",
    ):
        source = (DAEMON / module).read_text(encoding="utf-8")
        checks = set(re.findall(r'Checker\("([a-z]+)"', source))
        words = set(re.findall(r'found\(\s*(?:OK|NOTE|WARNING|FAULT),\s*"([a-z_]+)"', source))
        named |= {f"check.{check}.{word}" for check in checks for word in words}
    there = {name for name, _ in entries(catalogue())}
    built = {
        f"lamp.{state}"
        for state in ("ok", "starting", "offline", "fault", "pairing", "storage_full", "ok_but_look")
    }
    built |= {"lamp.ok_but_devices"}
    built |= {f"light.{state}" for state in PATTERNS}  # on the printed cards, as the lamp is lit
    built |= {f"lamp_only.{state}" for state in PATTERNS} & there
    built |= {"status.faults." + fault.replace(".", "_") for fault in (*FAULTS, LEFT, PART_STOPPED)}
    built |= {f"status.obstacles.{obstacle}" for obstacle in OBSTACLES}
    built |= {f"wifi.state_{state}" for state in (CLOSED, *STATES)}
    built |= {f"lane.{lane}" for lane in LANE_NAMES}
    built |= {f"duration.{unit}" for unit in ("ms", "s", "min", "h", "d")}
    built |= {f"device.can_words.{word}" for word in CAPABILITIES}
    built |= {f"device.bonds.{bond}" for bond in (BOND_NONE, BOND_WEAK, BOND_AUTHENTICATED)}
    built |= {f"device.keys.{word}" for word in (WHOLE, LEGACY, UNSEEN, SHORT, REFUSED)} | {
        "device.bonds.doubted"
    }
    built |= {f"pair.bonded_{word}" for word in IN_DOUBT}
    built |= {
        f"device.refusals.{why}" for why in (FAILED, INCOMPLETE, MALFORMED, REPLAYED, UNAUTHENTICATED_FRAME)
    }
    built |= {f"ring.{state}" for state in (WAITING, HEARD, DELIVERED, OVER, UNRECEIPTED, UNANSWERED, *NAMES)}
    built |= {f"status.became.{word}" for word in ("untold", *NAMES)}
    built |= {f"status.{what}{when}" for what in ("alarm", "exercise") for when in ("", "_undated")}
    built |= {
        name for name in there if name.startswith(("install.step.", "install.verdict.", "install.print."))
    }
    built |= {"family." + family.replace(" ", "_") for family, _ in FAMILIES} | {"family.nonin_serial"}
    built |= {f"check.tls.missing_{role}" for role in ("ca", "certificate", "key")}
    built |= {f"check.{level}" for level in ("ok", "note", "warning", "fault")}
    built |= {name for name in there if re.fullmatch(r"check\.[a-z]+\.title", name)}
    built |= {
        name for name in there if name.startswith(("value.", "export.", "errno."))
    }  # the test below holds them to the code
    # The names of one check are looked for under each check of its module, so only what nobody names is wrong.
    assert there - named - built == set()
    whole = {name for name in named | built if not name.endswith(".") and not name.startswith("check.")}
    assert whole <= there


def test_the_language_is_that_of_the_configuration_or_norwegian() -> None:
    assert Texts("en").say("lamp.ok") == "All is well."
    for language in ("nb", None, "sv", ""):
        assert Texts(language).say("lamp.ok") == "Alt er i orden."
    rows = {row[0]: row[1] for row in SECTIONS["hub"]}
    for language in LANGUAGES:
        assert rows["language"](language) == language


def test_one_of_a_thing_is_said_in_the_singular() -> None:
    for language, one, more in (("nb", "1 hendelse ", "2 hendelser "), ("en", "1 event ", "2 events ")):
        texts = Texts(language)
        for name in ("status.waiting_unsent", "status.given_up", "status.overrun", "status.waiting"):
            for count, words in ((1, one), (2, more)):
                said = texts.say(name, count=count, lanes="alarm 1", lane="alarm", since="2 s")
                assert words in said, said
    assert Texts("nb").say("count.devices", count=1) == "1 enhet"
    assert Texts("en").say("check.found", count=1) == "1 finding to mend."


def test_every_word_that_a_value_may_be_is_there_and_no_other() -> None:
    words = catalogue()["value"]
    assert set(words["cause"]) == set(CAUSES.values())
    assert set(words["collected_by"]) == set(COLLECTORS.values())
    assert set(words["press"]) == set(BUTTON_EVENTS.values()) - set(NO_PRESS)
    failures = {reason for _, reason in FAILURES}
    assert set(words["reason"]) >= failures | set(OBSTACLES)
    sources = "\n".join(path.read_text("utf-8") for path in sorted((DAEMON.parent / "core").rglob("*.py")))
    for word in (set(words["reason"]) | set(words["again"])) - set(OBSTACLES):
        assert f'"{word}"' in sources, word
    assert Texts("nb").value_word("cause", "few_left") == "snart tomt"
    assert Texts("en").value_word("cause", "few_left") == "few left"
    assert Texts("nb").value_word("reason", "devices that are not heard: 2") == "enheter som ikke høres: 2"
    for strange in ("", "nb", "cause", "few_left.nb", "x" * 5_000):
        assert Texts("nb").value_word("cause", strange) == strange
        assert Texts("nb").value_word("value", strange) == strange


def test_an_unknown_text_is_a_bug_and_seen() -> None:
    with pytest.raises(KeyError):
        Texts("nb").say("lamp.blue")
    with pytest.raises(KeyError):
        Texts("nb").say("status.connected_to")


@pytest.mark.parametrize(
    ("duration_ms", "nb", "en"),
    [
        (0, "0 ms", "0 ms"),
        (999, "999 ms", "999 ms"),
        (1_000, "1 s", "1 s"),
        (119_999, "119 s", "119 s"),
        (120_000, "2 min", "2 min"),
        (7_199_000, "119 min", "119 min"),
        (7_200_000, "2 t", "2 h"),
        (172_800_000, "2 døgn", "2 d"),
    ],
)
def test_durations_are_whole_units(duration_ms: int, nb: str, en: str) -> None:
    assert Texts("nb").duration(duration_ms) == nb
    assert Texts("en").duration(duration_ms) == en
