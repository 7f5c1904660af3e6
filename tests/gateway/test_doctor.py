"""`trygg doctor`: what is wrong is said once, the most urgent first, with owner and next action; what was not seen is said, too."""

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon import doctor, doctor_hub, doctor_looks
from gateway.daemon.commands import explain
from gateway.daemon.commands.doctor import lines
from gateway.daemon.configuration import load
from gateway.daemon.doctor import Complaint
from gateway.daemon.findings import FAULT, NOTE, OK, WARNING, Finding
from gateway.daemon.texts import Texts
from tests.gateway.english import english_in
from tests.gateway.test_cli import DEVICES, HUB, STATUS, trygg, while_running
from tools.simulators.certificates import Authority

EN, NB = Texts("en"), Texts("nb")
KEYS = Path("/var/lib/trygg/keys")
NOON_MS, NIGHT_MS = 1_790_071_200_000, 1_790_028_000_000  # 2026-09-22 10:00 and 2026-09-21 22:00 UTC
ROWS = [
    {
        **row,
        "placement": number,
        "frames": 0,
        "paired": True,
        "link_weak": False,
        "counter_behind": None,
        "rssi_dbm": None,
    }
    for number, row in enumerate(DEVICES, 7)
]
WELL: dict[str, Any] = {**STATUS, "storage_full": False}


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir(mode=0o700)
    path = tmp_path / "hub.toml"
    path.write_text(HUB)
    return path


def asked(hub: Path, capsys: pytest.CaptureFixture[str], *words: str, **facts: Any) -> tuple[int, Any]:
    """Status and facts of the command while a hub answers with these."""
    said = {"status": WELL, "devices": [], "timeline": [], **facts}
    status = while_running(hub, said, lambda: trygg("doctor", "--json", "-c", hub, *words))
    return status, json.loads(capsys.readouterr().out)


def codes(facts: dict[str, Any]) -> list[str]:
    return [row["code"] for row in facts["complaints"]]


# --- ranking ----------------------------------------------------------------------------------------------------------


def test_the_most_urgent_comes_first_and_what_can_wait_at_night_waits() -> None:
    found = [
        Complaint("device.link_weak", WARNING, "weak", "link.weak"),
        Complaint("hub.disconnected", FAULT, "gone", "path.lost"),
        Complaint("tls.soon", WARNING, "soon"),
        Complaint("device.silent", FAULT, "silent", "device.silent"),
    ]
    for hour in ("day", "evening", "night", None):
        order = [doctor.urgency(each, hour) for each in doctor.ranked(found, hour)]
        assert order == sorted(order, key=doctor.URGENCIES.index)
        assert doctor.ranked(found, hour)[0].code == "hub.disconnected"
    assert doctor.ranked(reversed(found), "day") == doctor.ranked(found, "day"), (
        "whatever the order of looking"
    )
    assert len(doctor.ranked(found * 2, "day")) == len(found), "the same twice is said once"


def test_control_a_rank_by_the_order_of_looking_would_put_the_urgent_last() -> None:
    found = [
        Complaint("tls.soon", WARNING, "soon"),
        Complaint("hub.disconnected", FAULT, "gone", "path.lost"),
    ]
    order = [doctor.urgency(each, "day") for each in found]
    assert order != sorted(order, key=doctor.URGENCIES.index)


def test_the_hour_is_that_of_the_home_and_without_one_the_most_urgent_counts() -> None:
    assert doctor.hour_of(NOON_MS, "Europe/Oslo") == "day"
    assert doctor.hour_of(NIGHT_MS, "Europe/Oslo") == "night"
    assert doctor.hour_of(NIGHT_MS - 4 * 3_600_000, "Europe/Oslo") == "evening"
    assert doctor.hour_of(None, "Europe/Oslo") is None
    for kind in explain.catalogue()["fault"]:
        each = Complaint("x", FAULT, "x", kind)
        by_hour = [doctor.URGENCIES.index(doctor.urgency(each, hour)) for hour in doctor.HOURS]
        assert doctor.URGENCIES.index(doctor.urgency(each, None)) == min(by_hour)


def test_every_kind_that_the_doctor_names_has_a_card() -> None:
    named = {kind for kind in doctor.KINDS.values() if kind} | set(doctor_hub.REFUSED.values())
    for kind in named:
        assert kind in explain.catalogue()["fault"], kind


def test_what_a_running_hub_says_itself_is_not_said_twice() -> None:
    findings = [
        Finding("broker", FAULT, "the running hub is not connected", "disconnected"),
        Finding("configuration", WARNING, "last good", "last_good"),
        Finding("tls", FAULT, "expired", "expired"),
        Finding("clock", OK, "set", "good"),
        Finding("lines", NOTE, "running", "running"),
    ]
    said = doctor.of_findings(findings, EN, hub_answers=True)
    assert [each.code for each in said] == ["tls.expired"] and said[0].leads_to == "path.lost"
    assert len(doctor.of_findings(findings, EN, hub_answers=False)) == 3


# --- what something else follows from -----------------------------------------------------------------------------------


def with_tls(hub: Path, tmp_path: Path) -> Any:
    """A hub with certificates, of which nothing is missing yet."""
    own = Authority(tmp_path / "ca").client("hub-1")
    files = f'ca = "{own.ca}"\ncertificate = "{own.certificate}"\nkey = "{own.key}"\n'
    hub.write_text(HUB.replace('["mqtt://127.0.0.1:1"]\n', '["mqtts://127.0.0.1:1"]\n' + files))
    return own


@pytest.mark.parametrize("role", ["ca", "certificate", "key"])
@pytest.mark.parametrize("how", ["missing", "unreadable", "another"])
def test_a_certificate_or_key_that_cannot_be_used_is_the_first_cause_and_not_the_lost_path(
    hub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], role: str, how: str
) -> None:
    own = with_tls(hub, tmp_path)
    path = Path(getattr(own, role))
    if how == "another":
        other = Authority(tmp_path / "other").client("hub-1")
        if role == "ca":
            path.write_text("no certificate")
        else:
            path.write_bytes(Path(getattr(other, role)).read_bytes())
    else:
        path.unlink()
        if how == "unreadable":
            path.mkdir()
    lost = {**WELL, "connected": False, "last_error": "not accepted", "lost_ms": 100_000}
    status, facts = asked(hub, capsys, status=lost)
    assert status == 1
    first = facts["complaints"][0]
    assert first["code"].startswith("tls.") and first["card"] is None and first["leads_to"] == "path.lost"
    assert first["urgency"] == "now" and (str(path) in first["text"] or how == "another")
    (follows,) = [row for row in facts["complaints"] if row["code"] == "hub.disconnected"]
    said = "\n".join(lines(facts, EN))
    assert "This may follow from 1" in said and follows["card"]["do"] not in said
    assert trygg("doctor", "-c", hub) == 1, "without a hub, too"
    assert capsys.readouterr().out.split("1. ")[1].startswith("[now] Certificate: ")


def test_control_where_the_files_are_well_a_lost_path_keeps_its_card(
    hub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_tls(hub, tmp_path)
    lost = {**WELL, "connected": False, "last_error": "not accepted", "lost_ms": 100_000}
    status, facts = asked(hub, capsys, status=lost)
    faults = [row for row in facts["complaints"] if row["level"] == FAULT]
    assert status == 1 and [row["code"] for row in faults] == ["hub.disconnected"]
    assert faults[0]["card"]["do"] in "\n".join(lines(facts, EN))


def test_a_root_key_that_is_not_there_is_why_no_hub_starts(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.write_text(HUB.replace("ab" * 32, "root.pub").replace('"en"', '"nb"'))
    assert trygg("doctor", "-c", hub) == 1
    said = capsys.readouterr().out
    assert "1. [nå] Konfigurasjon: " in said and "root.pub" in said.split("2. ")[0]
    assert "Følgen: " in said and "Dette kan være en følge av 1" in said
    assert not english_in(said.replace("trygg explain hub.stopped", "").replace("trygg explain", "")), said


def test_a_port_that_is_not_there_is_said_once() -> None:
    there = [
        Finding("serial", FAULT, "gone", "missing"),
        Finding("lines", FAULT, "no such port", "unopened"),
        Finding("lines", FAULT, "silent", "silent"),
    ]
    assert [each.code for each in doctor.of_findings(there, EN, hub_answers=False)] == [
        "serial.missing",
        "lines.silent",
    ]
    assert len(doctor.of_findings(there[1:], EN, hub_answers=False)) == 2


def test_a_line_without_its_port_is_said_of_the_port_alone(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    device = '[[device]]\nname = "Medicine"\ndriver = "dispenser"\nport = "/dev/ttyUSB77"\n'
    hub.write_text(HUB + device)
    row = {**ROWS[1], "silent": False, "link": "no serial port /dev/ttyUSB77"}
    _, facts = asked(hub, capsys, devices=[row])
    assert [each for each in codes(facts) if each.startswith(("serial", "device"))] == ["serial.missing"]
    _, facts = asked(hub, capsys, devices=[{**row, "name": "Oximeter"}])
    assert "device.link" in codes(facts), "of another device it is said"


# --- the hub's own words ----------------------------------------------------------------------------------------------

TROUBLES: list[tuple[dict[str, Any], str]] = [
    ({"faults": ["path.unreceipted"]}, "hub.path.unreceipted"),
    ({"faults": ["part.stopped"]}, "hub.part.stopped"),
    ({"storage_full": True}, "hub.storage_full"),
    ({"configuration_fault": "hub.toml: x"}, "hub.configuration_fault"),
    ({"connected": False, "last_error": "not accepted", "lost_ms": 1}, "hub.disconnected"),
    ({"way_is_first": False}, "hub.another_way"),
    ({"unreceipted_ms": 80_000}, "hub.unreceipted"),
    ({"keyset": None}, "hub.waiting_keyset"),
    ({"self_test": {"result": "failed", "reason": "unreceipted", "ago_ms": 5}}, "hub.self_test"),
    ({"given_up": [{"lane": 4, "first": 1, "last": 3}]}, "hub.given_up"),
    ({"lost_in_memory": {"info": 3}}, "hub.overrun"),
    ({"messages_refused": {"receipt: the signature does not hold": 2}}, "hub.refused"),
    ({"advertisements_dropped": 4}, "hub.dropped"),
]


@pytest.mark.parametrize(("changed", "code"), TROUBLES, ids=[code for _, code in TROUBLES])
def test_each_trouble_of_the_hub_is_told_with_an_owner_in_both_languages(
    changed: dict[str, Any], code: str
) -> None:
    if "self_test" in changed:
        from gateway.hub.self_test import OBSTACLES

        changed = {"self_test": {**changed["self_test"], "reason": min(OBSTACLES)}}
    for texts in (EN, NB):
        (complaint,) = doctor_hub.of_status({**WELL, **changed}, texts)
        assert complaint.code == code
        row = doctor.facts(complaint, "day", texts.language)
        said = "\n".join(doctor.lines(row, 1, texts))
        assert explain.catalogue()["role"][row["who"]][texts.language] in said
        if texts is NB and code != "hub.configuration_fault":
            assert not english_in(complaint.text), said
    assert doctor_hub.of_status(WELL, EN) == []


def test_each_device_has_its_troubles_told_with_its_name() -> None:
    row = {**ROWS[0], "refused": {}}
    assert doctor_hub.of_devices([row], EN, KEYS) == []
    for changed, code in (
        ({"silent": True}, "device.silent"),
        ({"paired": False, "bond": 0}, "device.unpaired"),
        ({"bond": 1}, "device.bond_weak"),
        ({"link_weak": True, "rssi_dbm": -97}, "device.link_weak"),
        ({"counter_behind": {"heard": 1, "last": 900}}, "device.behind"),
        ({"refused": {"unauthenticated": 3}}, "device.refused_unauthenticated"),
        ({"link": "no such port"}, "device.link"),
    ):
        (complaint,) = doctor_hub.of_devices([{**row, **changed}], EN, KEYS)
        assert (complaint.code, complaint.device) == (code, "Front door")
        assert complaint.text.startswith("Front door: ")
    (silent,) = doctor_hub.of_devices([ROWS[1]], NB, KEYS)
    assert silent.kind == "device.silent"


# --- the command ------------------------------------------------------------------------------------------------------


def test_a_gateway_that_is_well_is_called_well_and_one_that_is_not_is_not(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, facts = asked(hub, capsys)
    assert (status, facts["complaints"], facts["not_looked_at"]) == (0, [], [])
    status, facts = asked(hub, capsys, status={**WELL, "keyset": None}, devices=ROWS)
    assert status == 1 and {"hub.waiting_keyset", "device.silent"} <= set(codes(facts))
    assert [row["who"] for row in facts["complaints"] if row["code"] == "hub.waiting_keyset"] == ["platform"]
    assert trygg("doctor", "-c", hub) == 1
    said = capsys.readouterr().out
    assert "1. [now]" in said and "systemctl start trygg" in said and "Card 65" in said


def test_a_hub_of_before_an_update_is_asked_for_what_it_knows_and_the_rest_is_said_to_be_unseen(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"status": {**WELL, "keyset": None}, "devices": ROWS}
    status = while_running(hub, said, lambda: trygg("doctor", "--json", "-c", hub))
    facts = json.loads(capsys.readouterr().out)
    assert status == 1 and "device.silent" in codes(facts)
    assert [row["what"] for row in facts["not_looked_at"]] == ["hub"]


def test_a_bad_configuration_is_the_first_complaint_and_the_last_good_one_is_looked_at(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.write_text(HUB.replace('"hub-1"', '"Hub 1"'))
    assert trygg("doctor", "--json", "-c", hub) == 2
    facts = json.loads(capsys.readouterr().out)
    assert codes(facts) == ["configuration.refused"] and facts["not_looked_at"][0]["what"] == "all"
    (hub.parent / "data" / "last-good.toml").write_text(HUB.replace('"data"', f'"{hub.parent / "data"}"'))
    assert trygg("doctor", "--json", "-c", hub) == 1
    facts = json.loads(capsys.readouterr().out)
    assert {"configuration.refused", "hub.not_running"} <= set(codes(facts))


def test_the_store_is_read_through_and_one_that_is_damaged_or_set_aside_is_told(hub: Path) -> None:
    config = load([hub]).config
    path = Path(config.storage.path)

    def found() -> list[tuple[str, str]]:
        return [(each.level, each.code) for each in doctor_looks.check_journal(config, EN)]

    assert found() == [(OK, "fresh")]
    with sqlite3.connect(path) as store:
        store.execute("CREATE TABLE t (x)")
        store.executemany("INSERT INTO t VALUES (?)", [(b"x" * 900,) for _ in range(200)])
    store.close()
    assert found() == [(OK, "good")]
    assert [each.code for each in doctor_looks.check_journal(config, EN, limit_s=-1.0)] in (
        ["good"],
        ["large"],
    )
    data = bytearray(path.read_bytes())
    data[8192:12288] = b"\xff" * 4096
    path.write_bytes(data)
    assert found() == [(FAULT, "damaged")]
    path.with_name("journal.db.aside-1").touch()
    path.with_name("journal.db.aside-1-wal").touch()
    assert found()[0] == (WARNING, "aside")
    path.write_bytes(b"no database at all, and longer than a header of one hundred bytes" * 3)
    assert found()[1] == (FAULT, "damaged")


def test_whoever_has_no_rights_is_told_whose_it_takes_and_nobody_is_called_well(hub: Path) -> None:
    loaded = load([hub])
    seen = doctor_looks.look(loaded, EN, "trygg")
    assert any("sudo -u trygg trygg doctor" in each.text for each in seen.unseen)
    looked = {item.check for item in seen.findings}
    assert "broker" not in looked and "lines" not in looked, (
        "another client of its id would end the hub's connection"
    )
    assert doctor_looks.owner_of(hub.parent / "data") is None
    assert doctor_looks.owner_of(hub.parent / "none") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_learns_the_name_of_the_owner(hub: Path) -> None:
    os.seteuid(65_534)
    try:
        assert doctor_looks.owner_of(Path("/")) == "root"
    finally:
        os.seteuid(0)


def test_all_is_said_in_norwegian(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hub.write_text(HUB.replace('"en"', '"nb"'))
    said = {"status": {**WELL, "keyset": None}, "devices": ROWS, "timeline": []}
    while_running(hub, said, lambda: trygg("doctor", "-c", hub))
    out = capsys.readouterr().out
    plain = "\n".join(
        line.partition("trygg explain")[0] for line in out.splitlines() if "object 0x99" not in line
    )
    assert not english_in(plain.replace("Front door", "").replace("no such port", "")), plain
    empty: dict[str, Any] = {"complaints": [], "not_looked_at": [{"what": "x", "text": "y"}]}
    assert "ikke alt" in lines(empty, NB)[0]
