"""SCAIP requests: read back by a reader of its own, held to every limit, and to the vectors from outside."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import registry
from gateway.core.registry_text import KIND_TEXTS
from tests.gateway.shared_vectors import rows_of
from tests.tools.export_homes import CASES, DISPENSER, DOOR, NIGHT_MS, SMOKE, Home, exported, verified
from tools.export import names, scaip
from tools.export.codes import NoMappingError, scaip_codes
from tools.export.source import State
from tools.platform.books import GatewayBook

ORDER = [
    *(
        "ref",
        "ver",
        "sco",
        "cha",
        "mty",
        "hbo",
        "cid",
        "dty",
        "did",
        "dco",
        "dte",
        "crd",
        "stc",
        "stt",
        "pri",
    ),
    *("lco", "lva", "lge", "lte", "ico", "ite", "ame"),
]
# What the field table allows when reading, and what we hold ourselves to when sending: the tighter of table and schema.
READ = {"ref": r"[0-9A-Za-z]{1,16}", "cid": r"[0-9]{1,32}", "dty": r"[0-9]{1,4}", "stc": r"[0-9]{1,4}"}
SENT = {
    "ref": r"[0-9A-Za-z]{1,16}",
    "ver": r"01\.00",
    "mty": "ME|IN|PI",
    "cid": r"[0-9]{1,16}",
    "dty": r"[0-9]{4}",
    "did": r"[0-9a-f]{8}",
    "dte": r".{1,32}",
    "stc": r"[0-9]{4}",
    "stt": r".{1,32}",
    "pri": r"[0-9]",
    "lte": r".{1,32}",
    "ite": r".{1,128}",
}
MANDATORY = ("ref", "cid", "dty")
OK, WRONG_CONTENT, MISSING = 0, 3, 7  # snu


class Refusal(NamedTuple):
    """What a receiver answers: snu, and which field."""

    snu: int
    field: str = ""


def fields_of(xml: str) -> tuple[str, dict[str, str]]:
    """Root and fields."""
    root = ET.fromstring(xml)
    return root.tag, {each.tag: each.text or "" for each in root}


def answer(fields: dict[str, str], limits: dict[str, str] = READ) -> Refusal:
    """What a receiver says of a request: mandatory fields, then their forms. Codes are compared as numbers."""
    for name in MANDATORY:
        if not fields.get(name):
            return Refusal(MISSING, name)
    for name, form in limits.items():
        if name in fields and not re.fullmatch(form, fields[name]):
            return Refusal(WRONG_CONTENT, name)
    return Refusal(OK)


def faults(xml: str) -> list[str]:
    """What is wrong with a request that we send."""
    found = []
    if len(xml.encode()) > 1300:
        found.append("more than 1300 bytes")
    if "\n" in xml:
        found.append("more than one line")
    root, fields = fields_of(xml)
    if root != "mrq":
        found.append(f"root {root}")
    told = answer(fields, SENT)
    if told.snu != OK:
        found.append(f"{told.field}: {told.snu}")
    if list(fields) != sorted(fields, key=ORDER.index):
        found.append("fields out of order")
    if fields.get("mty") != "PI" and not fields.get("stc"):
        found.append("no status")
    return found


def made(kind: str = "smoke.detected", **fields: Any) -> dict[str, str]:
    return fields_of(scaip.request(verified(kind, **fields)))[1]


# --- the reader ---------------------------------------------------------------------------------------------------


def test_the_reader_reads_the_vectors_as_they_expect() -> None:
    for vector in rows_of("scaip.jsonl"):
        root, fields = fields_of(vector["xml"])
        expect = vector["expect"]
        if expect.get("valid"):
            assert answer(fields) == Refusal(OK)
            assert root == "mrq"
            assert fields["ref"] == expect["ref"]
            assert fields["cid"] == expect["controller_id"]
            assert int(fields["dty"]) == expect["device_type"]
            assert int(fields["stc"]) == expect["status_code"], "three digits are as good as four"
        elif "missing" in expect:
            assert answer(fields) == Refusal(expect["snu"], expect["missing"])
        elif "dialect" in expect:
            assert root == "scaip"
            assert answer(fields) == Refusal(WRONG_CONTENT, "cid")
        else:
            assert int(fields["snu"]) == expect["snu"]


@pytest.mark.parametrize(
    ("was", "now", "fault"),
    [
        ("<ref>abababababababab", "<ref>abababababababab0", "ref: 3"),
        ("<cid>", "<cid>+", "cid: 3"),
        ("<dty>0023</dty>", "", "dty: 7"),
        ("<stc>0009</stc>", "", "no status"),
        ("<mty>ME", "<mty>RE", "mty: 3"),
        ("<ite>", "<ite>" + "x" * 128, "ite: 3"),
        ("<did>", "<did>f", "did: 3"),
        ("mrq>", "scaip>", "root scaip"),
        ("<ver>01.00</ver>", "", ""),
        ("<ite>", "<ame>" + "y" * 1300 + "</ame><ite>", "more than 1300 bytes"),
        ("<pri>9</pri>", "<pri>10</pri>", "pri: 3"),
        ("<ver>01.00</ver><mty>ME</mty>", "<mty>ME</mty><ver>01.00</ver>", "fields out of order"),
    ],
)
def test_a_request_that_breaks_a_limit_is_found(was: str, now: str, fault: str) -> None:
    xml = scaip.request(verified())
    assert faults(xml) == []
    changed = xml.replace(was, now)
    assert changed != xml
    assert (fault in faults(changed)) if fault else faults(changed) == []


# --- what is made -------------------------------------------------------------------------------------------------


def test_every_case_is_read_back_and_keeps_every_limit(tmp_path: Path) -> None:
    with Home(tmp_path / "platform.db") as home:
        for case in CASES.values():
            case(home)
        found = [xml for xml in exported(home.path, "scaip").splitlines() if "<mrq>" in xml]
    assert len(found) == 11
    for line in found:
        assert faults(line[line.index("<mrq>") : line.index("</mrq>") + 6].replace('\\"', '"')) == []


def test_every_kind_that_has_codes_is_a_request_within_limits() -> None:
    for kind in mapped():
        xml = scaip.request(verified(kind))
        assert faults(xml) == [], kind
        assert int(fields_of(xml)[1]["stc"]) == scaip_codes(kind).stc


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("oximetry.measured", "no device type and status"),
        ("safety.unwatched", "close the case by hand"),
        ("#217", "use a newer trygg-kit"),
    ],
)
def test_a_kind_without_codes_has_a_reason(kind: str, words: str) -> None:
    with pytest.raises(NoMappingError, match=words):
        scaip_codes(kind)


texts = st.text(max_size=200)


@given(maker=texts, model=texts, room=texts, value=texts)
def test_any_text_of_a_device_is_cut_and_escaped(maker: str, model: str, room: str, value: str) -> None:
    device: dict[str, object] = {"maker": maker, "model": model, "room": room}
    assert faults(scaip.request(verified(device=device, values={"cause": value}))) == []


def test_texts_that_are_escaped_to_too_much_go_before_the_codes() -> None:
    device: dict[str, object] = {"model": "&" * 400, "room": "<" * 400}
    xml = scaip.request(verified(device=device, values={"cause": "👵" * 400}))
    assert faults(xml) == []
    long = scaip.element({"ref": "1", "cid": "1", "dty": "0001", "stc": "0001", "stt": "s", "ite": "&" * 300})
    assert "<ite>" not in long
    assert "<stt>s</stt>" in long
    with pytest.raises(ValueError, match="codes of more than 1300 bytes"):
        scaip.element({"ref": "1" * 1300})


def test_only_what_may_be_a_person_in_need_is_an_alarm() -> None:
    for kind in mapped():
        _, lane, clears = registry.KINDS[kind]
        codes = scaip_codes(kind)
        assert (codes.mty == "ME") == (lane in (0, 1) and not clears), kind
        assert codes.mty == "ME" or codes.pri <= 4, kind
        assert codes.mty == "IN" or lane == 1 or codes.pri >= 7, kind
    assert made("smoke.detected")["pri"] == "9"


def test_what_ends_a_state_is_never_the_status_of_what_began_it() -> None:
    for kind, (_, _, clears) in registry.KINDS.items():
        if clears in registry.KINDS and kind in mapped():
            assert scaip_codes(kind).stc != scaip_codes(clears).stc, kind


def test_no_alarm_is_left_out_for_want_of_a_code() -> None:
    alarms = [kind for kind, (_, lane, clears) in registry.KINDS.items() if lane in (0, 1) and not clears]
    assert [kind for kind in alarms if kind not in mapped()] == []
    without = [kind for kind in alarms if KIND_TEXTS[kind][5] is None]
    assert {scaip_codes(kind)[:2] for kind in without} <= {(1, 9)}, "an automatic alarm; the text says which"


def test_no_event_is_a_reset() -> None:
    assert {made(kind)["mty"] for kind in mapped()} == {"ME", "IN"}


def mapped() -> Iterable[str]:
    for kind in registry.KINDS:
        try:
            scaip_codes(kind)
        except NoMappingError:
            continue
        yield kind


def test_an_exercise_is_a_test_and_no_alarm() -> None:
    fields = made("smoke.detected", exercise=True)
    assert (fields["mty"], fields["stc"], fields["pri"]) == ("IN", "0102", "0")
    assert fields["stt"].startswith("ØVELSE: ")


def test_a_dispensers_own_fault_is_of_device_type_11() -> None:
    assert made("battery.low")["dty"] == "0001"
    assert made("battery.low", device={"driver": "dispenser"})["dty"] == "0011"


def test_the_gateways_own_events_have_no_device_id() -> None:
    assert "did" not in made("path.lost", placement=0)


def test_a_reference_is_the_incidents_else_the_identitys() -> None:
    assert made(incident=bytes(range(8)))["ref"] == "0001020304050607"
    assert made()["ref"] == "ab" * 8


def test_one_alarm_session_has_one_reference_whatever_its_kinds() -> None:
    session = ["door.night_exit", "dose.missed", "smoke.detected", "door.night_return", "smoke.cleared"]
    assert {made(kind, incident=bytes(8))["ref"] for kind in session} == {"00" * 8}


def test_no_information_takes_the_reference_of_an_alarm_that_follows() -> None:
    """A dose that is put out and then missed is one incident, and the alarm is no resend of the first message."""
    refs = [
        made(kind, incident=bytes(8))["ref"] for kind in ("dose.dispensed", "dose.unconfirmed", "dose.missed")
    ]
    assert len(set(refs)) == 3
    assert made("battery.low", incident=bytes(8))["ref"] == made("battery.restored", incident=bytes(8))["ref"]


def test_a_controller_id_is_the_gateways_where_it_is_a_number() -> None:
    assert made(name="4711")["cid"] == "4711"
    hashed = {made(name=name)["cid"] for name in ("gw-0001", "gw-0002", "1234567890123456", "1" * 32)}
    assert len(hashed) == 4
    assert {len(cid) for cid in hashed} == {16}
    assert "1234567890123456" not in hashed, "16 digits are left to hashes"


def test_a_placement_beyond_32_bits_still_has_a_device_id() -> None:
    assert len({names.scaip_did(each) for each in (1, 2**32 - 1, 2**32, 2**63)}) == 4
    assert all(re.fullmatch("[0-9a-f]{8}", names.scaip_did(each)) for each in (1, 2**32 - 1, 2**32, 2**63))


# --- heartbeat ----------------------------------------------------------------------------------------------------


def test_a_heartbeat_is_the_newest_state_that_counted(tmp_path: Path) -> None:
    with Home(tmp_path / "platform.db") as home:
        home.tell("smoke.detected", SMOKE)
        before = exported(home.path, "scaip", "--heartbeat")
        assert '"left_out": "state", "count": 1, "reason": "the current epoch has none' in before
        found = []
        for _ in range(2):
            home.take("state", home.gateway.state(utc_ms=NIGHT_MS))
            text = exported(home.path, "scaip", "--heartbeat")
            found += [xml for xml in re.findall("<mrq>.*?</mrq>", text) if "<mty>PI" in xml]
            assert exported(home.path, "scaip", "--heartbeat") == text, "the same state is the same reference"
        assert "<mty>PI" not in exported(home.path, "scaip"), "only where it was asked for"
    assert [faults(xml) for xml in found] == [[], []]
    assert len({fields_of(xml)[1]["ref"] for xml in found}) == 2
    assert {fields_of(xml)[1]["dty"] for xml in found} == {"0045"}


def test_two_boots_and_epochs_have_heartbeats_of_their_own() -> None:
    book = GatewayBook(1, "oslo", "gw-0001")
    states = [State(epoch, boot, 1) for epoch in (b"1" * 8, b"2" * 8) for boot in (1, 2)]
    assert len({scaip.heartbeat(book, state) for state in states}) == 4


def test_placements_of_a_home_are_told_apart(tmp_path: Path) -> None:
    with Home(tmp_path / "platform.db") as home:
        for placement in (DOOR, DISPENSER):
            home.tell("battery.low", placement)
        found = re.findall("<did>(.*?)</did>", exported(home.path, "scaip"))
    assert found == [f"{DOOR:08x}", f"{DISPENSER:08x}"]
