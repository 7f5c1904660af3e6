"""`trygg install`: the whole day from the command line, in at most twelve steps, and what it says where something is wrong."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.core.errors import RefusedError
from gateway.core.registry import KINDS
from gateway.daemon.commands.install_words import device_lines, how_key, is_coupled
from gateway.daemon.install_home import reference_of
from gateway.daemon.install_print import document
from gateway.daemon.texts import LANGUAGES, Texts
from gateway.hub.installing_faults import FAULTS
from tests.gateway.english import english_in
from tests.gateway.install_desk import Desk, at_desk
from tools.kit import __main__ as kit

MOST_STEPS = 12  # F25
KEYS = Path("/srv/keys")


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


@pytest.mark.timeout(60)
def test_devices_are_added_several_in_one_go_each_by_its_room_and_taken_back(tmp_path: Path) -> None:
    async def scene(desk: Desk) -> None:
        assert (
            await desk.run("--add", "Røyk *", "--driver", "bthome", "--each", "stue=C0:00:00:00:00:11") == 1
        )
        assert "åpne for det først" in desk.complained
        await desk.run("--open")
        several = ("--each", "stue=C0:00:00:00:00:11", "--each", "bad=C0:00:00:00:00:12")
        assert await desk.run("--add", "Røyk *", "--driver", "bthome", *several) == 0, desk.complained
        assert desk.said.splitlines() == ["Lagt til: Røyk stue, i stue.", "Lagt til: Røyk bad, i bad."]
        assert await desk.run("--add", "Røyk *", "--driver", "bthome", *several) == 0, (
            "whoever was interrupted"
        )
        assert desk.said.splitlines() == [
            "Er der fra før: Røyk stue, i stue.",
            "Er der fra før: Røyk bad, i bad.",
        ]
        other = ("--each", "stue=C0:00:00:00:00:99")
        assert await desk.run("--add", "Røyk *", "--driver", "bthome", *other) == 1
        assert "finnes allerede" in desk.complained
        assert await desk.run("--add", "Røyk", "--driver", "bthome", *several) == 2
        assert await desk.run("--add", "Røyk *", "--driver", "bthome", "--each", "stue") == 2
        assert await desk.run("--add", "X", "--driver", "bthome", "--address", "C0:00:00:00:00:13") == 2
        assert "rommet" in desk.complained
        assert await desk.run("--test", "Nobody") == 2
        assert await desk.run("--undo", "--yes") == 0
        assert {row["name"] for row in desk.tree["device"]} == {"Front door", "Smoke"}
        assert await desk.run("--close") == 0 and "lukket" in desk.said

    at_desk(tmp_path, scene, "nb")


class Keyed(Desk):
    """A home that remembers which key came with which device."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.secrets: dict[str, str] = {}

    async def add(self, device: dict[str, Any], secret: str) -> None:
        await super().add(device, secret)
        self.secrets[device["name"]] = secret


@pytest.mark.timeout(60)
def test_each_detector_has_a_key_of_its_own_and_what_is_not_done_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ["11" * 16, "22" * 16]

    async def scene(desk: Keyed) -> None:
        secrets = desk.secrets
        await desk.run("--open")
        several = ("--each", "lounge=C0:00:00:00:00:11", "--each", "bath=C0:00:00:00:00:12")
        line = ("--add", "Smoke *", "--driver", "bthome", *several)
        for wrong, words in (
            ((*line, "--key", keys[0]), "each device has a key of its own"),
            ((*line, "--each", "attic"), "write ROOM=ADDRESS"),
            ((*line, "--each", "bath=C0:00:00:00:00:13"), "stands twice"),
            ((*line, "--each", "attic=c0:00:00:00:00:12"), "stands twice"),
            ((*line, "--room", "attic"), "do not go with it"),
        ):
            assert await desk.run(*wrong) == 2 and words in desk.complained, desk.complained
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{keys[0]}\n{keys[0].upper()}\n"))
        assert await desk.run(*line, "--key", "-") == 2
        assert "of Smoke bath is that of another" in desk.complained and secrets == {}
        assert len(desk.tree["device"]) == 2, "none of these added anything"
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(keys) + "\n"))
        assert await desk.run(*line, "--key", "-") == 0, desk.complained
        assert "label of Smoke lounge" in desk.complained and "label of Smoke bath" in desk.complained
        assert secrets == {"Smoke lounge": keys[0], "Smoke bath": keys[1]}
        monkeypatch.setattr("sys.stdin", io.StringIO())
        assert await desk.run(*line, "--key", "-", "--interval", "600") == 0
        assert desk.complained == "", "nobody is asked for a key that would not be used"
        assert (
            "There already: Smoke bath, in bath.\nNot done, for it is there already: --key, --interval."
            in desk.said
        )
        assert 'trygg install --remove "Smoke bath"' in desk.said
        assert await desk.run(*line) == 0 and "Not done" not in desk.said
        one = ("--each", "hall=C0:00:00:00:00:14", "--key", keys[0])
        assert await desk.run("--add", "Smoke *", "--driver", "bthome", *one) == 0, desk.complained

    at_desk(tmp_path, scene, kind=Keyed)


@pytest.mark.timeout(60)
def test_a_line_with_one_device_that_cannot_be_meant_adds_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is well each time: it was added before the second was looked at, and an alarm device without its key."""
    keys = ["11" * 16, "22" * 16]
    line = ("--add", "Smoke *", "--driver", "bthome", "--each", "lounge=C0:00:00:00:00:11")
    both = (*line, "--each", "bath=C0:00:00:00:00:12")
    typed = (
        ("", "Smoke lounge: command line: --key: found that nothing was typed"),
        ("\n\n", "Smoke lounge: command line: --key: found that nothing was typed"),
        (f"{keys[0]}\n", "Smoke bath: command line: --key: found that nothing was typed"),
        (f"{keys[0]}\n \n", "Smoke bath: command line: --key: found that nothing was typed"),
        (
            f"{keys[0]}\nabc\n",
            "Smoke bath: command line: --key: found 3 characters, expected the 32 hexadecimal",
        ),
        (f"{keys[0]}\n{'11-' * 15}11\n", "key of Smoke bath is that of another"),
    )
    one = ("--driver", "bthome", "--room", "bath", "--add", "Smoke")
    given = (
        (
            (*line, "--each", "bath=BB:CC:DD"),
            2,
            "line: --each ROOM=ADDRESS: found 'BB:CC:DD', expected a Bluetooth",
        ),
        ((*line, "--each", "bath=C0:00:00:00:00:02"), 2, "ADDRESS: C0:00:00:00:00:02 is Smoke already"),
        ((*line, "--each", "1=C0:00:00:00:00:12", "--key", ""), 2, "--key: found 0 characters"),
        ((*line, "--key", ""), 2, "--key: found 0 characters"),
        ((*line, "--key", "abc"), 2, "command line: --key: found 3 characters, expected the 32 hexadecimal"),
        (
            (*one, "--address", "BB:CC"),
            2,
            "command line: --address: found 'BB:CC', expected a Bluetooth address",
        ),
        (
            (*one, "--sender", "12"),
            2,
            "command line: --sender: found '12', expected the number of an EnOcean",
        ),
        ((*one, "--address", "C0:00:00:00:00:12"), 1, "Smoke: there is a device of this name already"),
    )

    async def scene(desk: Keyed) -> None:
        await desk.run("--open")
        before = list(desk.tree["device"])
        for text, words in typed:
            monkeypatch.setattr("sys.stdin", io.StringIO(text))
            assert await desk.run(*both, "--key", "-") == 2, text
            assert words in desk.complained and "installed.toml" not in desk.complained, desk.complained
            assert keys[0] not in desk.complained
            assert desk.tree["device"] == before and desk.secrets == {}, "none of these added anything"
        for wrong, status, words in given:
            assert await desk.run(*wrong) == status, desk.complained
            assert words in desk.complained and "installed.toml" not in desk.complained, desk.complained
            assert desk.tree["device"] == before and desk.secrets == {}, "none of these added anything"
        for text, name in ((f" {keys[0]} \r\n", "Smoke lounge"), (f"{keys[1]}", "Smoke bath")):
            monkeypatch.setattr("sys.stdin", io.StringIO(text))
            each = line if name == "Smoke lounge" else (*line[:-1], "bath=C0:00:00:00:00:12")
            assert await desk.run(*each, "--key", "-") == 0, desk.complained
        assert desk.secrets == {"Smoke lounge": keys[0], "Smoke bath": keys[1]}, "control"

    at_desk(tmp_path, scene, kind=Keyed)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("language", ["en", "nb"])
def test_a_device_that_encrypts_and_was_given_no_key_is_told_as_that(tmp_path: Path, language: str) -> None:
    """It was sent to bring it closer and to look at the battery of a device that is well and heard."""
    address = "C0:00:00:00:00:11"
    line = ("--add", "Smoke 2", "--driver", "bthome", "--address", address, "--room", "bedroom")
    cause = {
        "en": "the device is heard, it encrypts, and no key was given for it: take it out",
        "nb": "enheten høres, men krypterer, og ingen nøkkel er lagt inn for den: ta den ut",
    }[language]

    async def scene(desk: Desk) -> None:
        await desk.run("--open")
        assert await desk.run(*line) == 0, desk.complained
        assert await desk.run() == 0
        assert cause not in desk.said and "--key -" not in desk.said, "it has not been heard at all"
        desk.world.advertise(address, {"fcd2": bytes([0x45]) + bytes(range(16))})
        await desk.clock.advance(3_000)
        assert await desk.run() == 0
        assert cause in desk.said and f"--address {address} --key -" in desk.said, desk.said
        assert 'trygg install --remove "Smoke 2"' in desk.said
        assert not (language == "nb" and english_in(desk.said.split(cause)[1].splitlines()[0])), desk.said
        assert await desk.run("--json") == 0
        (step,) = [row for row in json.loads(desk.said)["steps"] if row["id"] == "device:Smoke 2:found"]
        assert (step["state"], step["why"], step["fault"]) == ("failed", "no_key", "device.unauthenticated")

    at_desk(tmp_path, scene, language)


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


def test_a_wrong_key_is_told_with_the_commands_that_enter_the_right_one() -> None:
    step = {"id": "device:Door: back:found", "why": "wrong_key", "state": "failed"}
    row = {
        "name": "Door: back",
        "room": "Hall",
        "driver": "bthome",
        "label": "C0:00:00:00:00:09",
        "is_added": True,
    }
    (line,) = how_key(step, {"devices": [row]}, Texts("en"), KEYS)
    assert '--remove "Door: back"' in line and "--driver bthome --address C0:00:00:00:00:09 --key -" in line
    (line,) = how_key(
        step, {"devices": [row | {"driver": "enocean", "label": "0501A2B3"}]}, Texts("nb"), KEYS
    )
    assert "--driver enocean --sender 0501A2B3 --key -" in line and line.startswith("    Slik: ")
    (line,) = how_key(step, {"devices": [row | {"is_added": False}]}, Texts("en"), KEYS)
    assert f"{KEYS}/{reference_of('Door: back')}.key" in line, (
        "it stands in hub.toml, and that is where its key belongs"
    )
    assert how_key(step | {"why": "line"}, {"devices": [row]}, Texts("en"), KEYS) == []
