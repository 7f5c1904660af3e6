"""`trygg check` and `trygg clock`: findings and what they come to, and whose clock it is."""

import json
from pathlib import Path

import pytest

from tests.gateway.english import english_in
from tests.gateway.test_cli import HUB, ROOT, STATUS, trygg, while_running


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    path = tmp_path / "hub.toml"
    path.write_text(HUB)
    return path


def test_clock_asks_the_running_hub_and_says_whose_clock_it_is(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(expected: int, *options: str, **changed: object) -> str:
        facts = {**STATUS, **changed}
        assert while_running(hub, {"status": facts}, lambda: trygg("clock", *options, "-c", hub)) == expected
        return capsys.readouterr().out

    said = ask(0).splitlines()
    assert said[0] == "The running hub believes the clock: 2026-09-21 14:13:20 UTC"
    assert said[1].startswith("The machine's clock says ")
    assert ask(1, utc_ms=None).startswith("The running hub does not believe the clock")
    said = ask(1, clock_offset_ms=36_000_000)
    assert said.startswith("The running hub has a clock shifted by 36000 s, for training: 2026-09-21")
    facts = json.loads(ask(1, "--json", clock_offset_ms=36_000_000))
    assert (facts["source"], facts["believed"]) == ("hub", False)
    assert (facts["utc_ms"], facts["clock_offset_ms"]) == (STATUS["utc_ms"], 36_000_000)
    assert json.loads(ask(0, "--json", "--restore"))["source"] == "machine", "which is what is set"
    trygg("clock", "-c", hub)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "No hub answers, so this is the machine's clock"
    assert lines[1].startswith("The machine's clock says ") and "a hub " in lines[1]
    hub.write_text(HUB.replace('"en"', '"nb"'))
    for changed in ({}, {"utc_ms": None}, {"clock_offset_ms": 5_000}):
        while_running(hub, {"status": {**STATUS, **changed}}, lambda: trygg("clock", "-c", hub))
        assert not english_in(capsys.readouterr().out)


def test_clock_shows_what_is_believed_and_what_to_do_about_a_wrong_memory(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ahead = hub.parent / "data" / "last-time"
    ahead.write_text("4102444800000\n")  # 2100: a time server lied for long
    assert trygg("clock", "-c", hub) == 1
    said = capsys.readouterr().out
    assert "does not believe it" in said and "2100-01-01 00:00:00" in said and f"delete {ahead}" in said
    assert trygg("clock", "--json", "-c", hub) == 1
    facts = json.loads(capsys.readouterr().out)
    assert (facts["believed"], facts["last_utc_ms"], facts["restored"]) == (False, 4_102_444_800_000, False)
    ahead.write_text("1\n")
    assert trygg("clock", "--restore", "--json", "-c", hub) == 0, "nothing to do"
    assert json.loads(capsys.readouterr().out)["restored"] is False
    assert trygg("clock", "-c", hub.parent / "none.toml") == 2


def test_check_has_a_line_for_each_finding_and_a_status(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trygg("check", "-c", hub) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"ok    Configuration: {hub} is valid: 0 devices, 0 rules")
    assert any(line.startswith("FAULT Broker: nothing listens at mqtt://127.0.0.1:1") for line in lines)
    assert lines[-1].endswith("findings to mend.")
    assert trygg("check", "--json", "-c", hub) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["open"] == sum(row["level"] in ("warning", "fault") for row in document["findings"])
    assert all(row["code"] for row in document["findings"])
    assert {row["check"] for row in document["findings"]} >= {"configuration", "keys", "storage", "broker"}


def test_a_note_keeps_nobody_from_all_is_well_and_a_sensor_that_is_not_watched_does(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    oximeter = '[[device]]\nname = "Oximeter"\ndriver = "plx"\naddress = "AA:BB:CC:00:00:01"\n'
    door = '[[device]]\nname = "Door"\ndriver = "bthome"\naddress = "AA:BB:CC:00:00:02"\n'
    radio = 'backend = "bumble"\ntransport = "tcp-client:127.0.0.1:1"'
    for devices, status, words in (
        (oximeter, 0, "note  Configuration: these are heard only while they are used"),
        (oximeter + door, 1, "MEND  Configuration: how often these are heard"),
    ):
        hub.write_text(HUB.replace('backend = "none"', radio) + devices)
        assert while_running(hub, {"status": STATUS}, lambda: trygg("check", "-c", hub)) == status
        lines = capsys.readouterr().out.splitlines()
        assert any(line.startswith(words) for line in lines), lines
        assert (lines[-1] == "No fault found.") == (status == 0)
        json_status = while_running(hub, {"status": STATUS}, lambda: trygg("check", "--json", "-c", hub))
        document = json.loads(capsys.readouterr().out)
        assert json_status == status and document["open"] == status
        assert ("note", "used") in [(row["level"], row["code"]) for row in document["findings"]]


def test_check_tells_the_clock_of_the_running_hub(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for changed, code in (
        ({"utc_ms": None}, "hub_untrusted"),
        ({"clock_offset_ms": 5_000}, "hub_shifted"),
        ({}, "good"),
    ):
        facts = {**STATUS, **changed}
        status = while_running(hub, {"status": facts}, lambda: trygg("check", "--json", "-c", hub))
        rows = json.loads(capsys.readouterr().out)["findings"]
        assert [row["code"] for row in rows if row["check"] == "clock"] == [code]
        assert status == (code != "good")


def test_check_asks_a_running_hub_about_its_broker(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faulty = {**STATUS, "configuration_fault": "hub.toml: ..."}
    while_running(hub, {"status": faulty}, lambda: trygg("check", "-c", hub))
    said = capsys.readouterr().out
    assert "the running hub is connected" in said
    assert "restart it" in said


def test_check_of_a_bad_configuration_is_status_2(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hub.write_text(HUB.replace("hub-1", "Hub 1"))
    assert trygg("check", "-c", hub) == 2
    assert f"trygg check: {hub}: hub.id: found 'Hub 1', expected" in capsys.readouterr().err
    assert trygg("check", "--json", "-c", hub) == 2
    (row,) = json.loads(capsys.readouterr().out)["findings"]
    assert (row["file"], row["key"], row["found"]) == (str(hub), "hub.id", "'Hub 1'")
    hub.write_text(HUB.replace(ROOT, "root.pub"))
    assert trygg("check", "-c", hub) == 2
    assert "platform.root_public_key" in capsys.readouterr().err


def test_check_lists_what_layers_change(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = hub.parent / "home.toml"
    home.write_text('[hub]\nlanguage = "nb"\nstate_interval_s = 30\n')
    assert trygg("check", "--differences", "-c", hub, "-c", home) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{home}: hub.language = nb (før: en)",
        f"{home}: hub.state_interval_s = 30 (før: None)",
    ]
    assert trygg("check", "--differences", "--json", "-c", hub, "-c", home) == 0
    assert [row["key"] for row in json.loads(capsys.readouterr().out)] == [
        "hub.language",
        "hub.state_interval_s",
    ]
