"""`trygg install`: the whole day from the command line, in at most twelve steps, and what it says where something is wrong."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from gateway.core.errors import RefusedError
from gateway.core.registry import KINDS
from gateway.daemon.commands.install_words import device_lines, is_coupled
from gateway.daemon.install_print import document
from gateway.daemon.texts import LANGUAGES, Texts
from gateway.hub.installing_faults import FAULTS
from tests.gateway.english import english_in
from tests.gateway.install_desk import Desk, at_desk
from tools.kit import __main__ as kit

MOST_STEPS = 12  # F25


@pytest.mark.timeout(60)
def test_a_home_is_installed_from_the_command_line_in_at_most_twelve_steps(tmp_path: Path) -> None:
    async def scene(desk: Desk) -> None:
        assert await desk.run("--open") == 0
        assert "Open for installing for 60 min." in desk.said
        assert await desk.run("--nearby", "--json") == 0
        assert await desk.run("--test", "all") == 0, desk.said + desk.complained
        assert "[x] Smoke: tried by hand" in desk.said and "[x] Front door: tried by hand" in desk.said
        for room in ("hall", "kitchen"):
            assert await desk.run("--walk", room) == 0
            assert f"{room}: good (-60 dBm)" in desk.said
        assert await desk.run("--plug") == 0
        await desk.cut()
        await desk.clock.advance(20_000)
        await desk.again()
        assert await desk.run() == 0
        assert "[x] The plug pulled" in desk.said and "[ ] The response centre" in desk.said
        assert await desk.run("--finish", "Kari Nordmann", counted=False) == 1
        assert "Not finished" in desk.said and "then ring" in desk.said
        assert await desk.run("--centre") == 0
        assert "that is not enough" in desk.said and "[x] The response centre" in desk.said
        assert await desk.run("--finish", "Kari Nordmann") == 0
        assert await desk.run("--finish", "Kari Nordmann", counted=False) == 0, "interrupted behind it"
        assert "The installation is completed" in desk.said
        await desk.clock.advance(5_000)
        out, page = tmp_path / "record.cose", tmp_path / "record.html"
        assert await desk.run("--record", "--out", str(out), "--html", str(page)) == 0
        assert hashlib.sha256(out.read_bytes()).hexdigest() in desk.said
        assert desk.commands <= MOST_STEPS, desk.commands
        desk.judge()
        assert "<h1>Installation record</h1>" in page.read_text("utf-8")

        key = desk.keystore.public_key.hex()
        assert kit.main(["record", str(out), "--key", key, "--language", "nb"]) == 0
        digest = hashlib.sha256(out.read_bytes()).hexdigest()
        assert kit.main(["record", str(out), "--key", key, "--sha256", digest, "--json"]) == 0
        assert kit.main(["record", str(out), "--key", key, "--sha256", "00" * 32]) == 1
        assert kit.main(["record", str(out), "--key", "11" * 32]) == 1
        assert kit.main(["record", str(out)]) == 2
        altered = tmp_path / "altered.cose"
        data = bytearray(out.read_bytes())
        data[len(data) // 2] ^= 1
        altered.write_bytes(bytes(data))
        assert kit.main(["record", str(altered), "--key", key]) == 1

    at_desk(tmp_path, scene)


@pytest.mark.timeout(60)
def test_without_an_answer_of_the_centre_the_command_fails_and_nothing_is_finished(tmp_path: Path) -> None:
    async def scene(desk: Desk) -> None:
        desk.answers = False
        await desk.run("--open")
        look = desk.look

        async def long() -> dict[str, object]:
            await desk.clock.advance(300_000)
            return await look()

        desk.look = long  # type: ignore[method-assign]
        assert await desk.run("--centre") == 1
        assert "[!] The response centre" in desk.said and "when the time was over" in desk.said
        assert await desk.run("--finish", "Kari") == 1
        assert await desk.run("--record") == 1 and "no installation" in desk.complained

    at_desk(tmp_path, scene)


@pytest.mark.timeout(60)
def test_a_ring_that_was_interrupted_is_gone_on_with_and_never_rung_twice(tmp_path: Path) -> None:
    async def scene(desk: Desk) -> None:
        desk.answers = False
        await desk.run("--open")
        rung: list[bytes] = []
        ring, look, looks = desk.installing.centre.ring, desk.look, 0

        async def counted() -> None:
            await ring()
            rung.append(b"")

        async def broken() -> dict[str, object]:
            nonlocal looks
            looks += 1
            if looks == 3:
                raise RefusedError("the line is gone")
            return await look()

        desk.installing.centre.ring = counted  # type: ignore[method-assign]
        desk.look = broken  # type: ignore[method-assign]
        assert await desk.run("--centre") == 1
        assert "kjør trygg install --centre igjen" in desk.complained.lower() and len(rung) == 1
        looks = 0
        assert await desk.run("--centre") == 1
        assert "er ringt fra før, og ikke på nytt" in desk.complained and len(rung) == 1
        desk.answers, desk.look = True, look  # type: ignore[method-assign]
        assert await desk.run("--centre") == 0, desk.said + desk.complained
        assert "[x] Responssenteret" in desk.said
        taken = desk.installing.centre.kept()
        assert await desk.run("--centre") == 0
        assert "har tatt øvelsesalarmen fra før" in desk.complained and "[x] Responssenteret" in desk.said
        assert len(rung) == 1 and desk.installing.centre.kept() == taken, "what was taken stays taken"

    at_desk(tmp_path, scene, "nb")


@pytest.mark.timeout(60)
def test_control_a_ring_that_nobody_took_in_time_is_rung_anew(tmp_path: Path) -> None:
    async def scene(desk: Desk) -> None:
        desk.answers = False
        await desk.run("--open")
        await desk.installing.take("Kari", "command line: Kari")
        await desk.installing.centre.ring()
        await desk.clock.advance(1_000_000)
        await desk.installing.look()
        assert desk.installing.centre.state() == "over"
        first = desk.installing.centre.facts()["identity"]
        desk.answers = True
        assert await desk.run("--centre") == 0
        assert desk.installing.centre.facts()["identity"] != first

    at_desk(tmp_path, scene)


class Coupled(Desk):
    """A home with two smoke detectors that are coupled: whoever presses one lets both sound."""

    is_coupled = True

    def both(self, state: int) -> None:
        self.packet = (self.packet + 1) % 256
        self.smoke(bool(state), self.packet)
        if self.is_coupled or not state:
            self.world.advertise("C0:00:00:00:00:11", {"fcd2": bytes([0x44, 0x00, self.packet, 0x29, state])})

    async def hand(self, placement: int) -> None:
        for state in (1, 0):
            self.both(state)
            await self.clock.advance(3_000)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("are_coupled", [True, False])
def test_coupled_detectors_are_told_of_beforehand_and_tried_in_one_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, are_coupled: bool
) -> None:
    monkeypatch.setattr("gateway.daemon.commands.install_acts.TOGETHER_S", 0.5)

    async def scene(desk: Any) -> None:
        desk.is_coupled = are_coupled
        await desk.run("--open")
        more = ("--driver", "bthome", "--address", "C0:00:00:00:00:11", "--room", "bedroom")
        assert await desk.run("--add", "Smoke 2", *more) == 0, desk.complained
        desk.both(0)
        await desk.clock.advance(3_000)
        assert await desk.run("--together") == 2 and "hører til --test" in desk.complained
        status = await desk.run("--test", "Smoke", "--together")
        assert "Bare alarmen fra Smoke merkes som øvelse" in desk.complained
        assert "Si fra til responssenteret før du trykker" in desk.complained
        assert "--together" not in desk.complained, "it was given"
        assert not english_in(desk.complained.replace("Smoke", "").replace("--together", "")), desk.complained
        assert "[x] Smoke: prøvd for hånd" in desk.said
        assert status == (0 if are_coupled else 1)
        assert ("[x] Smoke 2: prøvd for hånd" in desk.said) == are_coupled, desk.said
        assert ("[ ] Smoke 2: prøvd for hånd" in desk.said) != are_coupled, "it is said that it did not sound"
        assert await desk.run("--test", "Smoke") == 0
        assert "i én omgang med --together" in desk.complained, "control"

    at_desk(tmp_path, scene, "nb", Coupled)


def test_a_lone_detector_is_tried_without_a_word_of_others(tmp_path: Path) -> None:
    facts: dict[str, Any] = {
        "devices": [{"name": "Smoke", "driver": "bthome"}, {"name": "Oximeter", "driver": "plx"}],
        "steps": [{"id": "device:Smoke:tested", "facts": {"kinds": ["smoke.detected"]}}],
    }
    assert not is_coupled(facts, "Smoke", "")
    facts["devices"].append({"name": "Smoke 2", "driver": "bthome"})
    assert is_coupled(facts, "Smoke", "") and not is_coupled(facts, "Oximeter", "")
    assert not is_coupled(facts, "Smoke", "button.pressed") and is_coupled(facts, "Smoke 2", "smoke.detected")


def test_what_a_device_said_last_is_in_words_and_rows_of_bits_are_left_out() -> None:
    values = {
        "features": "32767",
        "spo2_pct": "97.0",
        "pulse_rate_bpm": "no_finger",
        "stored": "true",
        "press": "press",
    }
    row = {"name": "Oximeter", "room": "lounge", "heard_ms_ago": 3_000, "rssi_dbm": -60, "values": values}
    for language, words in (
        ("nb", ("oksygenmetning 97.0 %", "lest fra enhetens minne ja", "kort")),
        ("en", ("oxygen saturation 97.0 %", "read from the device's memory yes", "short")),
    ):
        (said,) = device_lines({"devices": [row]}, Texts(language))
        assert all(each in said for each in words), said
        assert "32767" not in said and "features" not in said and "_pct" not in said
        assert language == "en" or not english_in(
            said.replace("Oximeter (lounge)", "").replace("no_finger", "")
        ), said


def test_somebody_else_is_named_and_only_force_takes_over(tmp_path: Path) -> None:
    async def scene(desk: Desk) -> None:
        await desk.run("--open")
        await desk.installing.take("Ola", "t9")
        assert await desk.run("--centre") == 1
        assert "held by Ola" in desk.complained
        assert await desk.run("--remove", "Smoke", "--force") == 1
        assert "not added" in desk.complained
        assert desk.installing.facts()["holder"] == "Kari"

    at_desk(tmp_path, scene)


def test_every_fault_of_a_step_has_cause_and_next_action_in_both_languages() -> None:
    for name, (kind, cause, action) in FAULTS.items():
        assert kind == "" or kind in KINDS, name
        for text in (cause, action):
            assert text and Texts("en").reword(text) == text
            assert Texts("nb").reword(text) != text, text


def test_the_page_escapes_what_people_wrote_and_is_there_in_both_languages() -> None:
    record = {
        "gateway": "hub-1",
        "tenant": "oslo",
        "software": "trygg 1",
        "technician": "<script>alert(1)</script>",
        "utc_ms": 1_795_309_800_000,
        "devices": [
            {"name": "A & B", "room": "<b>", "driver": "plx", "tested": "smoke.detected", "tested_utc_ms": 0}
        ],
        "rooms": [{"room": "hall", "rssi_dbm": -60, "lowest_dbm": -70, "verdict": "weak"}],
        "plug": {"begun_utc_ms": 1, "back_utc_ms": 2, "cut": "process"},
        "centre": {"rung_utc_ms": 1, "accepted_utc_ms": 2, "alarm": "00"},
    }
    for language in LANGUAGES:
        page = document(record, "00ff", language)
        assert f'lang="{language}"' in page and "<script>" not in page and "A &amp; B" in page
        assert hashlib.sha256(b"\x00\xff").hexdigest() in page
        assert ("Smoke detected" in page) == (language == "en")
