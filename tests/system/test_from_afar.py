"""From afar, as processes over Mosquitto with its access list: an exercise is taken, a configuration used, a command answered."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.uplinks import needs_mosquitto
from tests.tools.authority_bench import Town
from tools.authority import access
from tools.simulators import enocean_air as air
from tools.simulators.certificates import Credentials
from tools.simulators.mosquitto import Mosquitto
from tools.simulators.pty_line import PtyLine

SENSOR = "01:82:5D:01"
HUB = """
[hub]
id = "home-1"
tenant = "oslo"
language = "en"
data_directory = "data"
[uplink]
brokers = ["{url}"]
ca = "{ca}"
certificate = "../home-1.pem"
key = "../home-1.key"
[platform]
root_public_key = "{root}"
[radio]
backend = "none"
[enocean]
port = "{port}"
[[device]]
name = "Smoke"
driver = "enocean"
sender = "{sensor}"
room = "Kitchen"
options = {{profile = "F6-05-02"}}
"""
DISTRICT = '[hub]\nlanguage = "nb"\nself_test_at = "04:10"\n'
TRYGG = [sys.executable, "-X", "utf8", "-m", "gateway.daemon"]
KIT = [sys.executable, "-X", "utf8", "-m", "tools.kit"]
PATIENCE = 240  # looks of a quarter of a second


class Place:
    """A municipality with its broker and platform, and one home with a smoke detector."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        self.file = self.home / "hub.toml"
        self.store = folder / "platform.db"
        self.town = Town(folder).made()
        for role in ("disposition", "config", "command"):
            self.town.role(role, role)
        self.town.keyset()
        self.town.ca("issue", "broker", "--host", "127.0.0.1", "--out", folder)
        for name in ("trygg-platform", "trygg-desk", "home-1"):
            self.town.ca("issue", name, "--out", folder)
        self.ca = self.town.folder.path("ca.pem")
        services = ("--service", "trygg-platform", "--service", "trygg-desk")
        acl = self.town.ca("acl", *services, secret=False).out
        options = [line for line in access.LISTENER if line.startswith("use_username")]
        tls = Credentials(self.ca, folder / "broker.pem", folder / "broker.key")
        self.broker = Mosquitto(folder / "mosquitto", tls=tls, acl=acl, options=options)
        self.line = PtyLine(folder / "enocean")
        self.transceiver = air.TransceiverDevice()

    def provision(self) -> None:
        """The home's files, and its key in the platform's registry."""
        root = self.town.folder.root_public_key().hex()
        self.file.write_text(
            HUB.format(url=self.broker.url, ca=self.ca, root=root, port=self.line.path, sensor=SENSOR)
        )
        said = subprocess.run(
            [*TRYGG, "identity", "-c", str(self.file), "--json"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        key = json.loads(said.stdout)["public_key"]
        self.town.folder.learn("home-1", bytes.fromhex(key), replaces=False)

    def platform(self) -> list[object]:
        registry, keyset = self.town.folder.path("registry.json"), self.folder / "keyset.cbor"
        command: list[object] = [
            *KIT,
            "platform",
            "--quiet",
            *self.over("trygg-platform"),
            "--store",
            self.store,
        ]
        return [
            *command,
            "--registry",
            registry,
            "--keyset",
            keyset,
            "--signing-key",
            self.folder / "platform.pem",
        ]

    def over(self, name: str) -> list[object]:
        """Options of a client of the broker."""
        pair = ["--cert", self.folder / f"{name}.pem", "--key", self.folder / f"{name}.key"]
        return ["--broker", self.broker.url, "--ca", self.ca, *pair]

    async def desk(self, role: str, *words: object) -> tuple[int, str]:
        """One command of the municipality's desk."""
        signed = ["--keyset", self.folder / "keyset.cbor", "--signing-key", self.folder / f"{role}.pem"]
        return await finished(
            [*KIT, *words, "--store", self.store, "--json", *self.over("trygg-desk"), *signed]
        )

    async def trygg(self, *words: object) -> tuple[int, str]:
        """One command at the gateway."""
        return await finished([*TRYGG, words[0], "-c", self.file, *words[1:], "--json"])

    async def answer(self) -> None:
        """The transceiver answers what the hub asks, for ever."""
        while True:
            self.line.send(self.transceiver.received(await self.line.read()))


async def finished(command: list[object]) -> tuple[int, str]:
    """Exit status and what was printed."""
    child = await asyncio.create_subprocess_exec(
        *[str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await child.communicate()
    return child.returncode or 0, out.decode() or err.decode()


@contextlib.asynccontextmanager
async def process(command: list[object]) -> AsyncIterator[asyncio.subprocess.Process]:
    child = await asyncio.create_subprocess_exec(
        *[str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        await child.communicate()


async def until(found: Callable[[], Awaitable[Any]]) -> Any:
    """What `found` gives, once it gives something."""
    for _ in range(PATIENCE):
        result = await found()
        if result:
            return result
        await asyncio.sleep(0.25)
    raise AssertionError("it never came about")


async def taken(place: Place) -> None:
    """An exercise is followed from the detector to whoever takes it."""
    command = [*TRYGG, "ring", "-c", place.file, "--device", "Smoke", "--kind", "smoke.detected"]
    async with process([*command, "--until", "accepted", "--json"]) as ring:
        assert ring.stdout is not None
        states = [json.loads(await ring.stdout.readline())["state"]]
        place.line.send(place.transceiver.hears(SENSOR, air.smoke(air.SMOKE)))

        async def accept() -> list[str]:
            status, said = await place.desk("disposition", "accept", "--all-exercises", "--note", "seen")
            assert status == 0, said
            return said.splitlines()

        assert len(await until(accept)) == 1
        while line := await ring.stdout.readline():
            states.append(json.loads(line)["state"])
        assert await ring.wait() == 0 and (states[0], states[-1]) == ("waiting", "accepted"), states
    alarm = json.loads((await place.trygg("status"))[1])["alarms"][0]
    assert (alarm["became"], alarm["note"], alarm["exercise"]) == ("accepted", "seen", True)


async def configured(place: Place) -> None:
    """A configuration of the district is used, and the platform knows which."""
    district, out = place.folder / "district.toml", place.folder / "home.cbor"
    district.write_text(DISTRICT)
    status, said = await finished([*KIT, "config", "compile", district, "--out", out])
    assert status == 0, said
    status, said = await place.desk("config", "config", "publish", out, "home-1")
    assert (status, json.loads(said)["revision"]) == (0, 1), said

    async def running() -> bool:
        status, said = await finished([*KIT, "config", "drift", "--store", place.store, "--json"])
        row = json.loads(said)
        assert row["published"] == 1
        return bool(row["running"] == 1 and status == 0)

    await until(running)

    async def stays() -> bool:
        facts = json.loads((await place.trygg("status"))[1])["configuration"]
        assert facts["revision"] == 1 and facts["reason"] == ""
        return not facts["on_trial"]

    await until(stays)
    assert (await finished([*TRYGG, "check", "-c", place.file, "--differences", "--json"]))[1].count(
        "published.cbor"
    )


async def commanded(place: Place) -> None:
    """Commands are answered, once each."""
    status, said = await place.desk("command", "command", "status", "home-1")
    answer = json.loads(said)
    assert (status, answer["answered"], answer["revision"], answer["device_count"]) == (0, True, 1, 1), said
    status, said = await place.desk("command", "command", "export", "home-1")
    assert (status, json.loads(said)["device_count"]) == (0, 1)
    status, said = await place.desk("command", "command", "pair", "home-1", "--device", "Nobody")
    assert status == 1 and "no such device" in said


@needs_mosquitto
@pytest.mark.timeout(240)
def test_an_exercise_is_taken_a_configuration_used_and_a_command_answered(tmp_path: Path) -> None:
    place = Place(tmp_path)

    async def scene() -> None:
        place.line.put_back()
        answering = asyncio.create_task(place.answer())
        place.provision()
        try:
            believed = ["--clock-offset-s", "0"]  # whatever keeps the clock of the machine that tests
            async with process(place.platform()), process([*TRYGG, "run", "-c", place.file, *believed]):

                async def delivered() -> bool:
                    status, said = await place.trygg("status")
                    facts = json.loads(said) if status == 0 else {}
                    return (
                        bool(facts)
                        and facts["keyset"] == 1
                        and not any(lane["held"] for lane in facts["lanes"])
                    )

                await until(delivered)
                await taken(place)
                await configured(place)
                await commanded(place)
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
            place.line.pull()

    with place.broker:
        asyncio.run(scene())
