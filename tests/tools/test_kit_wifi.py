"""`trygg-kit wifi` against a device on a pseudo-terminal, right and wrong in several ways; and against the gateway's own service."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.core import improv
from gateway.hub.improv import Improv
from gateway.hub.improv_line import ImprovLine
from gateway.hub.waking import stop
from hal.errors import DeniedError, HalError, LinkLostError, TimedOutError
from hal.linux.serial_ports import PyserialPorts
from hal.types import WifiSeen
from tests.contract.air_hosts import MonotonicClock
from tests.tools.authority_bench import Said, run
from tools.improv import client as improv_client
from tools.improv.client import ImprovClient, RefusedByDeviceError
from tools.kit import wifi as command
from tools.kit.__main__ import main as kit_main
from tools.simulators.improv_device import INFO, ImprovDevice
from tools.simulators.pty_line import PtyLine

SSID, PASSWORD = "Karis nett", "hemmelig-1234"
NETWORKS = {SSID: PASSWORD, "Gjest": ""}
SHORT_S = 0.4


def talk(folder: Path, program: Callable[[ImprovDevice, ImprovClient], Awaitable[None]]) -> None:
    """Run a program between a device and a client on its port."""

    async def life() -> None:
        async with ImprovDevice(folder / "device", dict(NETWORKS)) as device:
            port = await PyserialPorts().open(str(folder / "device"))
            try:
                async with asyncio.timeout(45):
                    await program(device, ImprovClient(port, SHORT_S))
            finally:
                await port.close()

    asyncio.run(life())


async def spoken_to(device: ImprovDevice) -> None:
    """Until the client has written something."""
    while not device.line.is_spoken_to:  # noqa: ASYNC110  turns of the loop, no wait
        await asyncio.sleep(0)


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("chatty", [False, True])
def test_a_device_is_asked_and_given_its_network_whatever_its_console_says(
    tmp_path: Path, noise: bool, chatty: bool
) -> None:
    async def program(device: ImprovDevice, client: ImprovClient) -> None:
        device.noise, device.chatty = noise, chatty
        assert await client.state() == improv.UNAUTHORISED
        assert await client.info() == INFO
        asked: list[bool] = []

        def press() -> None:
            asked.append(True)
            device.press()

        await client.authorised(5.0, press)
        assert asked == [True]
        assert await client.scan() == [[SSID, "-40", "YES"], ["Gjest", "-50", "NO"]]
        assert await client.send(SSID, PASSWORD) == ["https://gateway.example"]
        assert device.joined == SSID and await client.state() == improv.PROVISIONED

    talk(tmp_path, program)


def test_a_wrong_password_is_told_as_what_it_is_and_may_be_typed_again(tmp_path: Path) -> None:
    async def program(device: ImprovDevice, client: ImprovClient) -> None:
        with pytest.raises(RefusedByDeviceError, match="button"):
            await client.send(SSID, PASSWORD)
        device.press()
        with pytest.raises(RefusedByDeviceError, match="name and its password") as refused:
            await client.send(SSID, "wrong-password")
        assert refused.value.code == improv.NO_CONNECTION and SSID not in str(refused.value)
        await client.send(SSID, PASSWORD)
        assert device.joined == SSID

    talk(tmp_path, program)


@pytest.mark.parametrize("wrong", ["mute", "broken"])
def test_a_device_that_says_nothing_that_holds_is_given_up_after_three_questions(
    tmp_path: Path, wrong: str
) -> None:
    async def program(device: ImprovDevice, client: ImprovClient) -> None:
        setattr(device, wrong, True)
        with pytest.raises(TimedOutError, match="does not answer"):
            await client.state()
        assert device.commands == ([] if wrong == "mute" else [improv.CURRENT_STATE] * improv_client.TRIES)

    talk(tmp_path, program)


def test_control_a_client_that_asks_once_gives_up_a_device_that_is_still_starting(tmp_path: Path) -> None:
    async def program(device: ImprovDevice, client: ImprovClient) -> None:
        device.mute = True
        once = asyncio.create_task(client.state())
        await spoken_to(device)
        asyncio.get_running_loop().call_later(SHORT_S, setattr, device, "mute", False)
        assert await once == improv.UNAUTHORISED
        assert len(device.commands) < improv_client.TRIES, "the first question was lost"

    talk(tmp_path, program)


def test_a_join_that_never_ends_and_a_button_that_nobody_presses_end_in_time(tmp_path: Path) -> None:
    async def program(device: ImprovDevice, client: ImprovClient) -> None:
        with pytest.raises(TimedOutError):
            await client.authorised(SHORT_S, lambda: None)
        device.press()
        device.hangs = True
        with pytest.raises(TimedOutError):
            await client.send(SSID, PASSWORD, limit_s=SHORT_S)

    talk(tmp_path, program)


def test_a_cable_that_is_pulled_ends_the_wait(tmp_path: Path) -> None:
    async def program(device: ImprovDevice, client: ImprovClient) -> None:
        device.mute = True
        waiting = asyncio.create_task(client.info())
        await spoken_to(device)
        device.line.pull()
        with pytest.raises(LinkLostError):
            await waiting

    talk(tmp_path, program)


# --- with the gateway's own service -----------------------------------------------------------------------------------


class OneNetwork:
    """A Wi-Fi with one network in reach."""

    joined = ""

    async def scan(self) -> list[WifiSeen]:
        return [WifiSeen(SSID, -51, True)]

    async def join(self, ssid: str, password: str, *, timeout_ms: int = 30_000) -> None:
        if (ssid, password) != (SSID, PASSWORD):
            raise DeniedError("the network did not take the password: type it again")
        self.joined = ssid

    async def close(self) -> None:
        pass


def test_the_kit_and_the_gateway_understand_each_other_over_a_line(tmp_path: Path) -> None:
    async def life() -> None:
        far, clock, wifi = PtyLine(tmp_path / "gateway"), MonotonicClock(), OneNetwork()
        far.put_back()
        ports = PyserialPorts()
        # a null modem: the gateway has one terminal, the technician the other
        near = PtyLine(tmp_path / "laptop")
        near.put_back()
        pumps = [asyncio.create_task(pump(far, near)), asyncio.create_task(pump(near, far))]
        service = Improv(
            wifi, clock, ["trygg", "0.1", "Pi", "x"], lambda *_line, **_fields: None, lambda: None
        )
        service.open()
        own = await ports.open(str(tmp_path / "gateway"))
        serving = asyncio.create_task(ImprovLine(own, service, clock).run())
        port = await ports.open(str(tmp_path / "laptop"))
        client = ImprovClient(port)
        async with asyncio.timeout(45):
            await client.authorised(5.0, lambda: assert_true(service.press()))
            assert await client.info() == ["trygg", "0.1", "Pi", "x"]
            assert await client.scan() == [[SSID, "-51", "YES"]]
            with pytest.raises(RefusedByDeviceError):
                await client.send(SSID, "no")
            assert await client.send(SSID, PASSWORD) == []
        assert wifi.joined == SSID and service.state == improv.PROVISIONED
        for task in (*pumps, serving):
            await stop(task)
        await port.close()
        await own.close()
        far.pull()
        near.pull()

    asyncio.run(life())


async def pump(one: PtyLine, other: PtyLine) -> None:
    while True:
        other.send(await one.read())


def assert_true(value: bool) -> None:
    assert value


# --- the command ------------------------------------------------------------------------------------------------------


class Running:
    """A device in a thread of its own, for a command that runs in ours."""

    def __init__(self, path: Path) -> None:
        self.device = ImprovDevice(path, dict(NETWORKS))
        self.device.state = improv.AUTHORISED


@contextlib.contextmanager
def device_at(path: Path, **wrong: Any) -> Iterator[ImprovDevice]:
    running, ready, over = Running(path), threading.Event(), []
    for name, value in wrong.items():
        setattr(running.device, name, value)

    async def life() -> None:
        end = asyncio.Event()
        over.append((asyncio.get_running_loop(), end))
        async with running.device:
            ready.set()
            await end.wait()

    thread = threading.Thread(target=lambda: asyncio.run(life()))
    thread.start()
    ready.wait(10)
    try:
        yield running.device
    finally:
        loop, end = over[0]
        loop.call_soon_threadsafe(end.set)
        thread.join()


def kit(*words: object) -> Said:
    return run(kit_main, ["wifi", *words])


def test_the_command_scans_and_joins_with_a_password_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    with device_at(tmp_path / "device") as device:
        said = kit(tmp_path / "device", "--scan")
        assert said.status == 0 and f" -40 dBm  {SSID}  *" in said.out and "Gjest\n" in said.out
        said = kit(tmp_path / "device", "--scan", "--json")
        assert json.loads(said.out)["networks"][0] == [SSID, "-40", "YES"]
        said = kit(tmp_path / "device", "--ssid", SSID, "--password-file", secret)
        assert said.status == 0 and device.joined == SSID
        assert PASSWORD not in said.out + said.err
        assert kit(tmp_path / "device", "--ssid", "x" * 33, "--password-file", secret).status == 2


def test_the_command_says_what_went_wrong_and_what_to_do(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("wrong-one\n")
    said = kit(tmp_path / "none", "--scan")
    assert said.status == 1 and said.err.startswith("trygg-kit wifi: ")
    with device_at(tmp_path / "device"):
        said = kit(tmp_path / "device", "--ssid", SSID, "--password-file", secret)
        assert (
            said.status == 1 and "check its name and its password" in said.err and "wrong-one" not in said.err
        )
        assert kit(tmp_path / "device", "--ssid", SSID, "--password-file", tmp_path / "none").status == 2
    assert not issubclass(RefusedByDeviceError, HalError) and command.BUTTON_S > 60
