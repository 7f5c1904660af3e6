"""`trygg ring` as a process, at a hub's own exercise: the story it tells, and what it exits with."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from gateway.core.alarms import NAMES
from gateway.core.devices.driver import Reading
from gateway.core.model import Observation
from gateway.core.registry import KINDS
from gateway.daemon.commands.ring import alarms
from gateway.daemon.control import ControlServer
from gateway.hub.dispositions import Dispositions
from gateway.hub.ringing import Ringing
from hal.types import SAFETY
from tests.hub.small import Small
from tests.hub.visits import Loose

SMOKE = "smoke.detected"
CONFIGURATION = '[hub]\nid = "hub-1"\ntenant = "oslo"\nlanguage = "{}"\ndata_directory = "data"\n'


class Desk:
    """A hub with one device, at which something happens each time the command looks."""

    def __init__(self, folder: Path, happens: list[str], language: str = "en") -> None:
        self.file = folder / "hub.toml"
        self.file.write_text(CONFIGURATION.format(language))
        self.happens = happens
        self.small = Small()
        self.device = self.small.device(Loose)
        self.dispositions = Dispositions(self.small.recorder, self.small.log)
        self.ringing = Ringing(self.small.recorder, [self.device], self.dispositions.alarms)

    async def dispose(self, number: int) -> None:
        """The platform has told what became of it."""
        alarms = self.dispositions.alarms
        alarms.dispose(alarms.rows[0].identity, number, number, f"note {number}")

    async def look(self) -> dict[str, object]:
        acts: dict[str, Callable[[], Awaitable[object]]] = {
            "alarm": lambda: self.small.intake.take(self.device, Reading([Observation(SMOKE, {})])),
            "receipt": lambda: self.small.journal.ack(SAFETY, 1),
            "wait": lambda: self.small.clock.advance(120_001),
            **{word: partial(self.dispose, number) for number, word in enumerate(NAMES)},
        }
        if self.happens:
            await acts[self.happens.pop(0)]()
        return self.ringing.facts()

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return asyncio.run(self.serve(arguments))

    async def serve(self, arguments: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
        handlers: dict[str, Callable[..., object]] = {"ring": self.ringing.begin, "ring_state": self.look}
        command = [sys.executable, "-X", "utf8", "-m", "gateway.daemon", "ring", "-c", str(self.file)]
        async with ControlServer(self.file.parent / "data" / "control.sock", handlers):
            return await asyncio.to_thread(
                subprocess.run, [*command, *arguments], capture_output=True, text=True, timeout=60
            )

    @property
    def name(self) -> str:
        return self.device.config.name


def test_an_alarm_that_is_tried_is_told_from_the_button_to_the_receipt(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ["alarm", "receipt"], "nb")
    done = desk.run("--device", desk.name, "--kind", SMOKE)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[0].startswith(f"Øvelse i 120 s: «Røyk oppdaget» fra {desk.name} merkes som øvelse.")
    assert [line.split(":")[0].split(" og")[0] for line in lines[1:]] == ["Hørt", "Mottatt"]


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize("kind", ["smoke", "door.opened", "smoke.cleared", "dose.missed", "alarm.tried"])
def test_an_alarm_that_there_is_not_is_answered_with_those_that_there_are(
    tmp_path: Path, language: str, kind: str
) -> None:
    desk = Desk(tmp_path, [], language)
    done = desk.run("--device", desk.name, "--kind", kind)
    assert (done.returncode, done.stdout, desk.ringing.device) == (2, "", None), "nothing was begun"
    head, *rows = done.stderr.splitlines()
    words = "is not an alarm that can be tried" if language == "en" else "er ikke en alarm som kan prøves"
    assert head.startswith(f"trygg ring: {kind} {words} (--kind). ")
    assert {row.split()[0]: " ".join(row.split()[1:]) for row in rows}[SMOKE] == (
        "Røyk oppdaget" if language == "nb" else "Smoke detected"
    )
    assert kind not in [row.split()[0] for row in rows]


def test_each_alarm_that_is_named_can_be_begun() -> None:
    for kind in alarms():
        small = Small()
        device = small.device(Loose)
        Ringing(small.recorder, [device], Dispositions(small.recorder, small.log).alarms).begin(
            device.config.name, kind
        )
        assert KINDS[kind][2] == ""
    assert "button.pressed" in alarms() and "door.night_exit" in alarms()


def test_one_that_does_not_come_is_no_success(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ["wait"])
    done = desk.run("--device", desk.name, "--kind", SMOKE, "--json")
    assert done.returncode == 1
    assert [json.loads(line)["state"] for line in done.stdout.splitlines()] == ["waiting", "over"]


def test_what_cannot_be_tried_says_why(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [])
    refused = desk.run("--device", desk.name, "--kind", "dose.missed")
    assert (refused.returncode, refused.stdout) == (2, "") and "smoke.detected" in refused.stderr
    unknown = desk.run("--device", "Nobody", "--kind", SMOKE)
    assert unknown.returncode == 2 and desk.name in unknown.stderr


@pytest.mark.parametrize(
    ("happens", "until", "status", "states"),
    [
        (["alarm", "receipt", "accepted"], "delivered", 0, ["waiting", "heard", "delivered"]),
        (["alarm", "forwarded"], "delivered", 0, ["waiting", "heard", "forwarded"]),
        (
            ["alarm", "receipt", "forwarded", "accepted"],
            "accepted",
            0,
            ["delivered", "forwarded", "accepted"],
        ),
        (["alarm", "receipt", "handled"], "accepted", 0, ["heard", "delivered", "handled"]),
        (["alarm", "receipt", "accepted", "failed"], "handled", 1, ["delivered", "accepted", "failed"]),
    ],
)
def test_it_waits_for_as_much_as_it_was_told(
    happens: list[str], until: str, status: int, states: list[str], tmp_path: Path
) -> None:
    desk = Desk(tmp_path, happens)
    done = desk.run("--device", desk.name, "--kind", SMOKE, "--until", until, "--json")
    assert done.returncode == status, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [step["state"] for step in told][-len(states) :] == states


def test_the_note_of_the_response_centre_is_shown(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ["alarm", "receipt", "handled"], "nb")
    done = desk.run("--device", desk.name, "--kind", SMOKE, "--until", "handled")
    assert done.stdout.splitlines()[-2:] == [
        "Ferdig: noen på responssenteret har tatt hånd om øvelsen.",
        "Merknad: note 2",
    ]
