"""The export: golden files of each case, names that follow from identities, and what is said of what is left out."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateway.core import registry
from gateway.core.event_codec import decode_event
from tests.tools.export_homes import (
    CASES,
    DEVICES,
    DOOR,
    FORMATS,
    GOLDEN,
    NIGHT_MS,
    SMOKE,
    Home,
    differing,
    exported,
)
from tools.export.table import PAGE, row
from tools.kit.__main__ import main
from tools.platform.store import SCHEMAS, Store

INCIDENT = bytes.fromhex("1c1dc1d01c1dc1d0")


@pytest.fixture
def home(tmp_path: Path) -> Any:
    with Home(tmp_path / "platform.db") as made:
        yield made


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def own_names(home: Home) -> list[str]:
    """fullUrl of every resource that is no device, in order."""
    entries = [each for line in lines(exported(home.path, "fhir")) for each in line.get("entry", [])]
    return [each["fullUrl"] for each in entries if each["resource"]["resourceType"] != "Device"]


# --- golden files -------------------------------------------------------------------------------------------------


def test_each_case_is_exported_as_its_golden_file_says(tmp_path: Path) -> None:
    assert differing(GOLDEN, tmp_path) == [], "where this is meant: python -m tests.tools.export_homes"
    assert len(list(GOLDEN.iterdir())) == len(CASES) * len(FORMATS)


@pytest.mark.parametrize(
    ("name", "was", "now"),
    [
        ("smoke.fhir.jsonl", '"4.11"', '"4.12"'),
        ("oximetry_stored.fhir.jsonl", "97.0", "97"),
        ("night_exit.scaip.jsonl", "<ref>0000d005", "<ref>0000d006"),
        ("oximetry_stored.scaip.jsonl", '"count": 2', '"count": 1'),
    ],
)
def test_a_golden_file_that_was_altered_is_found(tmp_path: Path, name: str, was: str, now: str) -> None:
    golden = tmp_path / "golden"
    shutil.copytree(GOLDEN, golden)
    text = (golden / name).read_text("utf-8")
    assert was in text
    (golden / name).write_text(text.replace(was, now, 1), "utf-8")
    assert differing(golden, tmp_path) == [name]


# --- names --------------------------------------------------------------------------------------------------------


def test_a_second_export_says_the_same_to_the_letter(home: Home) -> None:
    for case in CASES.values():
        case(home)
    for form in FORMATS:
        assert exported(home.path, form) == exported(home.path, form)


def test_a_bundle_that_came_twice_is_exported_once(home: Home) -> None:
    home.tell("smoke.detected", SMOKE, incident=INCIDENT)
    before = {form: exported(home.path, form) for form in FORMATS}
    home.take("bundle", home.gateway.bundle(1, 1, 0))
    assert {form: exported(home.path, form) for form in FORMATS} == before


@pytest.mark.parametrize("is_marked", [True, False])
def test_an_event_journalled_again_in_another_epoch_is_one_resource(home: Home, is_marked: bool) -> None:
    """With its old identity (key 9); the control without it is another event."""
    home.tell("smoke.detected", SMOKE, incident=INCIDENT)
    before = own_names(home)
    identity = home.gateway.chain(1, 0)
    home.gateway.begin_epoch()
    fields = {"identity": identity, "provenance": 8} if is_marked else {}
    home.tell("smoke.detected", SMOKE, incident=INCIDENT, **fields)
    assert len(set(own_names(home))) == (1 if is_marked else 2)
    assert own_names(home)[:1] == before
    assert len(own_names(home)) == len(set(own_names(home)))


def test_a_copy_that_came_before_its_original_has_the_same_name(tmp_path: Path) -> None:
    names = []
    for first_is_copy in (True, False):
        with Home(tmp_path / f"{first_is_copy}.db") as home:
            home.gateway.append(lane=0, kind="smoke.detected", placement=SMOKE, values={}, utc_ms=NIGHT_MS)
            original, identity = home.gateway.bundle(1, 1, 0), home.gateway.chain(1, 0)
            if not first_is_copy:
                home.take("bundle", original)
            home.gateway.begin_epoch()
            home.tell("smoke.detected", SMOKE, identity=identity)
            if first_is_copy:
                home.take("bundle", original)
            names += own_names(home)
    assert len(names) == 2
    assert len(set(names)) == 1


def test_the_same_identity_at_another_gateway_is_another_event(tmp_path: Path) -> None:
    found = set()
    for name in ("gw-0001", "gw-0002"):
        with Home(tmp_path / f"{name}.db", name) as home:
            home.tell("smoke.detected", SMOKE, identity=b"\x01" * 16)
            found.update(own_names(home))
    assert len(found) == 2


def test_two_contents_under_one_number_are_two_resources(home: Home) -> None:
    """A fork: both were verified and both are kept."""
    home.tell("smoke.detected", SMOKE)
    home.gateway.lanes[0].clear()
    home.tell("smoke.detected", DOOR)
    assert len(set(own_names(home))) == 2


def test_a_boot_that_was_dated_later_changes_the_time_and_no_name(home: Home) -> None:
    home.tell("smoke.detected", SMOKE, utc_ms=None)
    name, before = own_names(home), exported(home.path, "fhir")
    assert "_identifiedDateTime" in before
    uptime_ms = decode_event(home.gateway.lanes[0][0]).uptime_ms
    home.gateway.append(lane=0, kind="smoke.cleared", placement=SMOKE, values={})
    boots = {home.gateway.boot: NIGHT_MS - uptime_ms}
    home.take("bundle", home.gateway.bundle(2, 2, 0, boots=boots))
    assert own_names(home)[0] == name[0]
    assert '"identifiedDateTime": "2026-03-01T02:05:03.123Z"' in exported(home.path, "fhir")


def test_events_of_one_incident_share_its_name_whatever_they_are(home: Home) -> None:
    """A kind that this version does not know is left out, and takes nobody else along."""
    home.tell("door.night_exit", DOOR, incident=INCIDENT)
    home.tell("device.silent", DEVICES[2]["placement"], incident=INCIDENT)
    home.tell("smoke.detected", SMOKE, incident=b"\x01" * 8)
    found = [
        each["resource"] for line in lines(exported(home.path, "fhir")) for each in line.get("entry", [])
    ]
    groups = [each["identifier"][1]["value"] for each in found if len(each["identifier"]) > 1]
    assert len(groups) == 3
    assert len(set(groups)) == 2


# --- choice -------------------------------------------------------------------------------------------------------


def test_since_and_until_go_by_when_the_platform_received_it(home: Home) -> None:
    """A gateway that was away for a week sends old events: the export after that has them."""
    home.tell("smoke.detected", SMOKE, received_ms=NIGHT_MS)
    home.tell("smoke.cleared", SMOKE, received_ms=NIGHT_MS + 7 * 86_400_000)
    first = exported(home.path, "scaip", "--until", "2026-03-08T00:00:00Z")
    second = exported(home.path, "scaip", "--since", "2026-03-08")
    assert ("smoke.detected" in first, "smoke.cleared" in first) == (True, False)
    assert ("smoke.detected" in second, "smoke.cleared" in second) == (False, True)
    later = exported(home.path, "scaip", "--since", "2026-03-01T03:05:03.123+01:00")
    assert "smoke.detected" in later, "--since is of that moment or later"
    assert "smoke.detected" not in exported(home.path, "scaip", "--until", "2026-03-01T02:05:03.123Z")


def test_one_gateway_can_be_named(home: Home) -> None:
    home.tell("smoke.detected", SMOKE)
    assert "smoke.detected" in exported(home.path, "scaip", "--gateway", "gw-0001")


def test_a_file_each_can_be_read_by_its_owner_only(home: Home, tmp_path: Path) -> None:
    home.tell("smoke.detected", SMOKE, identity=b"\x02" * 16)
    for form, name in (("fhir", "json"), ("scaip", "xml")):
        folder = tmp_path / form
        assert main(["export", f"--{form}", "--store", str(home.path), "--directory", str(folder)]) == 0
        path = folder / f"oslo-gw-0001-{'02' * 16}.{name}"
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_text("utf-8").endswith("\n")


# --- what is left out, and errors ---------------------------------------------------------------------------------


def test_what_has_no_mapping_is_counted_with_its_reason(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    home.tell("hub.started", 0)
    home.tell("hub.started", 0)
    home.gateway.lanes[4].append(bytes.fromhex("a0"))
    home.take("bundle", home.gateway.bundle(1, 1, 4))
    arguments = ["export", "--fhir", "--store", str(home.path)]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "left out: 2 hub.started: neither an alarm, a fault, a dose nor a measurement" in shown.err
    assert "left out: 1 ?: does not decode: " in shown.err
    assert "events 3, exported 0, resources 0, left out 3" in shown.err
    assert main([*arguments, "--strict"]) == 1


def test_strict_ends_with_0_where_everything_has_a_mapping(home: Home) -> None:
    home.tell("smoke.detected", SMOKE)
    assert main(["export", "--fhir", "--store", str(home.path), "--strict"]) == 0


def test_a_kind_of_a_later_version_is_left_out_and_said(home: Home) -> None:
    home.tell("smoke.detected", SMOKE)
    event = bytearray(home.gateway.lanes[0][0])
    at = event.index(b"\x02\x01\x03")
    home.gateway.lanes[0].append(bytes(event[:at] + b"\x02\x19\xff\x00\x03" + event[at + 3 :]))
    home.take("bundle", home.gateway.bundle(2, 2, 0))
    for form in FORMATS:
        left = lines(exported(home.path, form))[-2]
        assert left["left_out"] == "#65280"
        assert "use a newer trygg-kit" in left["reason"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--store", "{}/none.db"], "a store that `trygg-kit platform --store` has written"),
        (["--store", "{}"], "--store: found "),
        (["--store", "{}/text"], "which is no SQLite file, expected a store of `trygg-kit platform`"),
        (["--store", "{}/other.db"], "without the tables boot, epoch, event"),
        (["--store", "{}/newer.db"], "made by a newer version, expected the same version"),
        (["--store", "{}/broken.db"], "expected a store of `trygg-kit platform`"),
        (["--gateway", "gw-9"], "--gateway: found 'gw-9', expected one of the store: gw-0001"),
        (["--since", "yesterday"], "--since: found 'yesterday', expected a date, or a time with its zone"),
        (["--until", "2026-03-01T02:00"], "--until: found '2026-03-01T02:00'"),
        (["--heartbeat"], "--heartbeat: found --fhir, expected --scaip"),
        (["--directory", "{}/text"], "--directory: found "),
        (["--directory", "{}/none/none"], "--directory: found "),
    ],
)
def test_a_wrong_option_is_said_with_what_to_do_and_ends_with_2(
    options: list[str], words: str, home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.tell("smoke.detected", SMOKE)
    (tmp_path / "text").write_text("no store")
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE entry (number INTEGER)")
    other.close()
    Store(str(tmp_path / "newer.db")).close()
    with sqlite3.connect(tmp_path / "newer.db") as newer:
        newer.execute(f"PRAGMA user_version={len(SCHEMAS) + 1}")
    newer.close()
    (tmp_path / "broken.db").write_bytes(home.path.read_bytes()[:100] + b"\0" * 4000)
    given = [option.format(tmp_path) for option in options]
    assert main(["export", "--fhir", "--store", str(home.path), *given]) == 2
    assert words in capsys.readouterr().err


def test_an_export_writes_nothing_to_the_store(home: Home) -> None:
    home.tell("smoke.detected", SMOKE)
    before = home.path.read_bytes()
    exported(home.path, "fhir")
    assert home.path.read_bytes() == before


# --- the page -----------------------------------------------------------------------------------------------------


def missing_rows(text: str) -> list[str]:
    """Kinds of the registry whose row the page does not have as the code gives it."""
    return [kind for kind in registry.KINDS if row(kind) not in text.splitlines()]


def test_every_kind_stands_in_the_page_of_mappings() -> None:
    assert missing_rows(PAGE.read_text("utf-8")) == [], "run python -m tools.export.table"


def test_a_kind_that_the_page_lacks_or_has_otherwise_is_found() -> None:
    text = PAGE.read_text("utf-8")
    assert missing_rows(text.replace("`smoke.detected`", "`smoke.smelled`")) == ["smoke.detected"]
    assert missing_rows(text.replace("| 0023/0009 | ME, 9 |", "| 0023/0009 | IN, 9 |")) == ["smoke.detected"]
