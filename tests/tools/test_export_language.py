"""Texts of an export are in one language, words of values included; codes and what a device said stay as they are."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from gateway.core import registry
from gateway.core.devices.dispenser_events import CAUSES, COLLECTORS
from gateway.core.model import REPLAY_SUSPECTED, UNAUTHENTICATED, UNPROVEN, WINDOW_ASSUMED
from tests.tools.export_homes import CASES, Home, exported, load, verified
from tools.export import fhir, scaip
from tools.export.codes import NoMappingError
from tools.export.words import NORWEGIAN, Words

ENGLISH = Words("en")


@pytest.mark.parametrize("cause", CAUSES.values())
def test_no_word_of_a_cause_stays_as_the_wire_has_it(cause: str) -> None:
    event = verified("dose.missed", values={"cause": cause})
    for texts, label in ((NORWEGIAN, "årsak"), (ENGLISH, "cause")):
        said = texts.details(event)
        assert f"{label} " in said and "_" not in said
    assert cause.replace("_", " ") not in NORWEGIAN.details(event), "an English word in a Norwegian text"


def test_words_of_other_values_are_said_in_each_language() -> None:
    for name, value, nb, en in (
        ("collected_by", "carer", "hentet av en pleier", "collected by a carer"),
        ("press", "double_press", "trykk dobbelt", "press double"),
        ("reason", "never heard", "grunn aldri hørt", "reason never heard"),
        ("reason", "devices that are not heard: 2", "grunn enheter som ikke høres: 2", "reason devices that are not heard: 2"),
        ("state", "smoke.detected", "tilstand Røyk oppdaget", "state Smoke detected"),
        ("stored", True, "lest fra enhetens minne ja", "read from the device's memory yes"),
        ("model", "X_1 empty", "modell X_1 empty", "model X_1 empty"),
    ):  # fmt: skip
        event = verified("device.silent", values={name: value})
        assert NORWEGIAN.details(event).endswith(nb) and ENGLISH.details(event).endswith(en), name


def test_every_collector_has_a_word() -> None:
    for word in COLLECTORS.values():
        assert "_" not in NORWEGIAN.shown("collected_by", word)
        assert NORWEGIAN.shown("collected_by", word) != word


def test_doubts_times_and_exercises_are_english_where_that_was_asked_for() -> None:
    doubts = UNAUTHENTICATED | REPLAY_SUSPECTED | WINDOW_ASSUMED | UNPROVEN
    for fields in ({"provenance": doubts, "exercise": True}, {"utc_ms": None, "values": {"stored": True}}):
        event = verified("smoke.detected", **fields)
        said = ENGLISH.summary(event)
        for norwegian in ("ØVELSE", "Røyk", "senest", "ukjent", "avsenderen", "antatt", "lest fra"):
            assert norwegian not in said, said
    assert ENGLISH.summary(verified("smoke.detected", exercise=True)).startswith("EXERCISE: Smoke detected")


def test_every_kind_is_exported_in_english_with_the_codes_of_the_norwegian_one() -> None:
    count = 0
    for kind in registry.KINDS:
        event = verified(kind, values={"battery_pct": 9, "cause": "empty"})
        try:
            nb, en = scaip.request(event), scaip.request(event, ENGLISH)
        except NoMappingError:
            continue
        count += 1
        ours, theirs = ({each.tag: each.text for each in ET.fromstring(xml)} for xml in (nb, en))
        texts = ("stt", "ite", "dte")
        assert [row for row in ours.items() if row[0] not in texts] == [
            row for row in theirs.items() if row[0] not in texts
        ]
    assert count > 30


def test_the_command_takes_the_language(tmp_path: Path) -> None:
    path = tmp_path / "home.db"
    with Home(path) as home:
        CASES["dose_missed"](home)
    nb, en = exported(path, "fhir"), exported(path, "fhir", "--language", "en")
    assert '"language": "nb"' in nb and '"language": "nb"' not in en and '"language": "en"' in en
    assert "årsak tomt for medisin" in nb and "cause out of medicine" in en
    assert '"code": "1.2"' in nb and '"code": "1.2"' in en
    identities = [[entry["fullUrl"] for line in text.splitlines() if "entry" in line for entry in load(line)["entry"]] for text in (nb, en)]  # fmt: skip
    assert identities[0] == identities[1]
    request = json.loads(exported(path, "scaip", "--language", "en").splitlines()[0])["mrq"]
    assert "<stt>Dose not collected in time</stt>" in request
    assert fhir.device_bundle(verified().book, ENGLISH)["entry"][0]["resource"]["language"] == "en"
