"""`trygg wifi` as a process: a technician at the cable, a phone in reach, a stand-in of NetworkManager behind it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.core import improv
from hal.linux.serial_ports import PyserialPorts
from tests.conftest import ROOT
from tests.gateway.test_cli import HUB, trygg
from tests.private_bus import private_bus
from tools.improv.client import ImprovClient, RefusedByDeviceError
from tools.simulators.bluez_gatt import GattDaemon
from tools.simulators.network_manager import NetworkManager
from tools.simulators.pty_line import PtyLine

SSID, PASSWORD = "Karis nett", "hemmelig-1234"
PATIENCE_S = 50.0


class Scene:
    """The process, both ends of its cable, and the system's services on a bus of their own."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address
        self.manager, self.bluez = NetworkManager(address), GattDaemon(address)
        self.gateway, self.laptop = PtyLine(folder / "gateway"), PtyLine(folder / "laptop")
        self.config = folder / "hub.toml"
        self.config.write_text(HUB)
        self.process: asyncio.subprocess.Process | None = None
        self.said = b""

    async def begin(self, *words: str) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway.daemon",
            "wifi",
            "-c",
            str(self.config),
            *words,
            cwd=ROOT,
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.address},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def client(self) -> ImprovClient:
        self.port = await PyserialPorts().open(str(self.folder / "laptop"))
        return ImprovClient(self.port)

    async def until_said(self, words: str) -> None:
        """Read what it prints until it says something."""
        assert self.process is not None
        assert self.process.stdout is not None
        while words.encode() not in self.said:
            line = await self.process.stdout.readline()
            assert line, self.said.decode()
            self.said += line

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self) -> int:
        assert self.process is not None
        rest, _ = await self.process.communicate()
        self.said += rest
        return self.process.returncode or 0

    async def end(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


async def pump(one: PtyLine, other: PtyLine) -> None:
    while True:
        other.send(await one.read())


def run(folder: Path, program: Callable[[Scene], Awaitable[None]]) -> None:
    @asynccontextmanager
    async def scene() -> AsyncIterator[Scene]:
        async with private_bus(folder) as address:
            made = Scene(folder, address)
            await made.manager.start()
            await made.bluez.start()
            made.manager.add(SSID, PASSWORD)
            made.gateway.put_back()
            made.laptop.put_back()
            pumps = [
                asyncio.create_task(pump(*pair))
                for pair in ((made.gateway, made.laptop), (made.laptop, made.gateway))
            ]
            try:
                yield made
            finally:
                await made.end()
                for task in pumps:
                    task.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
                made.gateway.pull()
                made.laptop.pull()
                await made.bluez.stop()
                await made.manager.stop()

    async def life() -> None:
        async with scene() as made, asyncio.timeout(PATIENCE_S):
            await program(made)

    asyncio.run(life())


def test_a_technician_at_the_cable_gives_the_gateway_its_network(tmp_path: Path) -> None:
    async def program(scene: Scene) -> None:
        await scene.begin("--serial", str(tmp_path / "gateway"))
        await scene.until_said("Waiting for the button")
        client = await scene.client()
        try:
            assert await client.state() == improv.UNAUTHORISED
            with pytest.raises(RefusedByDeviceError, match="button"):
                await client.send(SSID, PASSWORD)
            scene.signal(signal.SIGUSR1)
            await client.authorised(5.0, lambda: None)
            assert (await client.info())[3] == "hub-1"
            assert [row[0] for row in await client.scan()] == [SSID]
            with pytest.raises(RefusedByDeviceError, match="password"):
                await client.send(SSID, "feil-passord")
            assert await client.send(SSID, PASSWORD) == []
        finally:
            await scene.port.close()
        assert scene.manager.saved == [SSID] and scene.manager.joined == SSID
        scene.signal(signal.SIGTERM)
        assert await scene.ended() == 0
        said = scene.said.decode()
        assert "It has a network" in said
        assert not any(secret in said for secret in (SSID, PASSWORD, "feil-passord"))

    run(tmp_path, program)


def test_a_phone_gives_the_gateway_its_network_and_is_forgotten(tmp_path: Path) -> None:
    async def program(scene: Scene) -> None:
        await scene.begin("--bluetooth", "--pressed", "--json")
        while scene.bluez.on_air is None:
            scene.bluez.changed.clear()
            await asyncio.sleep(0.05)
        phone = scene.bluez.phone("C1:00:00:00:00:09")
        await phone.pair()
        await phone.subscribe(improv.RESULT)
        command = improv.seal(improv.encode_message(improv.WIFI, improv.wifi_data(SSID, PASSWORD)))
        for at in range(0, len(command), 20):
            await phone.write(improv.COMMAND, command[at : at + 20])
        while not phone.told:  # noqa: ASYNC110  another process speaks
            await asyncio.sleep(0.05)
        assert scene.manager.saved == [SSID]
        scene.signal(signal.SIGTERM)
        assert await scene.ended() == 0
        assert json.loads(scene.said.decode().splitlines()[-1]) == {"joined": True}
        assert [scene.bluez.on_air, phone.path in scene.bluez.devices] == [None, False]

    run(tmp_path, program)


def test_a_window_that_is_closed_before_anybody_came_has_status_1_and_a_cable_that_is_not_there_is_told(
    tmp_path: Path,
) -> None:
    async def program(scene: Scene) -> None:
        await scene.begin("--serial", str(tmp_path / "none"))
        await scene.until_said("Trying again")
        scene.signal(signal.SIGTERM)
        assert await scene.ended() == 1
        assert "The window is closed" in scene.said.decode()

    run(tmp_path, program)


@pytest.mark.parametrize(
    "words", [(), ("--bluetooth", "--minutes", "0"), ("--serial", "x", "--minutes", "61")]
)
def test_a_window_without_a_way_in_or_an_end_is_no_window(tmp_path: Path, words: tuple[str, ...]) -> None:
    config = tmp_path / "hub.toml"
    config.write_text(HUB)
    assert trygg("wifi", "-c", config, *words) == 2
