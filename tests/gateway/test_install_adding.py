"""`trygg install --add`: what a line means, keys and all, before any of it is done; and a key that is missing or wrong."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon.commands.install_words import how_key
from gateway.daemon.install_home import reference_of
from gateway.daemon.texts import Texts
from tests.gateway.english import english_in
from tests.gateway.install_desk import Desk, at_desk

KEYS = Path("/srv/keys")


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


FIRST, SECOND = "11" * 16, "22" * 16
LINE = ("--add", "Smoke *", "--driver", "bthome", "--each", "lounge=C0:00:00:00:00:11")
BOTH = (*LINE, "--each", "bath=C0:00:00:00:00:12")
ONE = ("--driver", "bthome", "--room", "bath", "--add", "Smoke")
# What is typed, and what is said of it; the first key is well where there is one.
TYPED = (
    ("", "Smoke lounge: command line: --key: found that nothing was typed"),
    ("\n\n", "Smoke lounge: command line: --key: found that nothing was typed"),
    (f"{FIRST}\n", "Smoke bath: command line: --key: found that nothing was typed"),
    (f"{FIRST}\n \n", "Smoke bath: command line: --key: found that nothing was typed"),
    (f"{FIRST}\nabc\n", "Smoke bath: command line: --key: found 3 characters, expected the 32 hexadecimal"),
    (f"{FIRST}\n{'11-' * 15}11\n", "key of Smoke bath is that of another"),
)
# What is given, the exit status, and what is said of it; the first device is well where there are two.
GIVEN = (
    (
        (*LINE, "--each", "bath=BB:CC:DD"),
        2,
        "line: --each ROOM=ADDRESS: found 'BB:CC:DD', expected a Bluetooth",
    ),
    ((*LINE, "--each", "bath=C0:00:00:00:00:02"), 2, "ADDRESS: C0:00:00:00:00:02 is Smoke already"),
    ((*BOTH, "--key", ""), 2, "command line: --key: found 0 characters"),
    ((*LINE, "--key", ""), 2, "command line: --key: found 0 characters"),
    ((*LINE, "--key", "abc"), 2, "command line: --key: found 3 characters, expected the 32 hexadecimal"),
    ((*ONE, "--address", "BB:CC"), 2, "command line: --address: found 'BB:CC', expected a Bluetooth address"),
    ((*ONE, "--sender", "12"), 2, "command line: --sender: found '12', expected the number of an EnOcean"),
    ((*ONE, "--address", "C0:00:00:00:00:12"), 1, "Smoke: there is a device of this name already"),
)


@pytest.mark.timeout(60)
def test_a_line_with_one_device_that_cannot_be_meant_adds_none(tmp_path: Path) -> None:
    """The first was added before the second was looked at."""

    async def scene(desk: Keyed) -> None:
        await desk.run("--open")
        before = list(desk.tree["device"])
        for wrong, status, words in GIVEN:
            assert await desk.run(*wrong) == status, desk.complained
            assert words in desk.complained and "installed.toml" not in desk.complained, desk.complained
            assert desk.tree["device"] == before and desk.secrets == {}, "none of these added anything"

    at_desk(tmp_path, scene, kind=Keyed)


@pytest.mark.timeout(60)
def test_where_a_key_is_asked_for_and_none_is_typed_no_device_is_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alarm device was added without its key, and nobody was told."""

    async def scene(desk: Keyed) -> None:
        await desk.run("--open")
        before = list(desk.tree["device"])
        for text, words in TYPED:
            monkeypatch.setattr("sys.stdin", io.StringIO(text))
            assert await desk.run(*BOTH, "--key", "-") == 2, text
            assert words in desk.complained and "installed.toml" not in desk.complained, desk.complained
            assert FIRST not in desk.complained
            assert desk.tree["device"] == before and desk.secrets == {}, "none of these added anything"
        for text, line in ((f" {FIRST} \r\n", LINE), (SECOND, (*LINE[:-1], "bath=C0:00:00:00:00:12"))):
            monkeypatch.setattr("sys.stdin", io.StringIO(text))
            assert await desk.run(*line, "--key", "-") == 0, desk.complained
        assert desk.secrets == {"Smoke lounge": FIRST, "Smoke bath": SECOND}, "control"

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
