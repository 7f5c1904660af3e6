"""Improv over the virtual radio: gateway and phone on Bumble, each with a controller of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from bumble import smp
from bumble.pairing import PairingConfig, PairingDelegate

from gateway.core import improv
from gateway.hub.improv import Improv
from gateway.hub.improv_air import ImprovAir
from hal.bumble.adapter import open_adapter
from hal.bumble.gatt_server import BumbleGattServer
from hal.errors import HalError, LinkLostError
from hal.interfaces import BleConnection
from hal.linux.central import BleakBleCentral
from hal.linux.scanner import BleakBleScanner
from hal.types import BOND_WEAK
from tests.contract.air_hosts import MonotonicClock
from tests.radio.home import soon
from tests.radio.test_gatt_server import PASSWORD, SSID, OneNetwork
from tools.simulators.controller import HomeController
from tools.simulators.link import HomeLink

COMMAND = improv.seal(improv.encode_message(improv.WIFI, improv.wifi_data(SSID, PASSWORD)))


class Flat:
    """A gateway that serves, and a phone."""

    def __init__(self, folder: Path) -> None:
        self.link, self.clock, self.wifi = HomeLink(), MonotonicClock(), OneNetwork()
        self.gateway = open_adapter(HomeController("hub", self.link), folder / "bonds.json")
        self.phone = open_adapter(HomeController("phone", self.link), folder / "phone.json")
        self.central = BleakBleCentral(self.clock, self.phone)
        self.scanner = BleakBleScanner(self.clock, self.phone)
        info = ["trygg", "0.1", "Pi", "x"]
        self.service = Improv(self.wifi, self.clock, info, lambda *_line, **_fields: None, lambda: None)
        self.server = BumbleGattServer(self.gateway)
        self.serving: asyncio.Task[None] | None = None

    async def open(self) -> str:
        """Open the window; the address that the phone hears."""
        self.service.open()
        self.service.press()
        self.serving = asyncio.create_task(ImprovAir(self.server, self.service, "Trygg").run())
        await self.scanner.start(active=True)
        heard = await soon(self.scanner.receive())
        while improv.SERVICE_DATA not in heard.service_data or heard.name is None:
            heard = await soon(self.scanner.receive())
        await self.scanner.stop()
        assert heard.service_data[improv.SERVICE_DATA] == bytes([improv.AUTHORISED, 7, 0, 0, 0, 0])
        assert heard.service_uuids == (improv.SERVICE,) and heard.name == "Trygg"
        return heard.address

    async def end(self) -> None:
        if self.serving is not None:
            self.serving.cancel()
            await asyncio.gather(self.serving, return_exceptions=True)
        await self.scanner.stop()
        await self.phone.close()
        await self.gateway.close()


def run(folder: Path, program: Callable[[Flat], Awaitable[None]]) -> None:
    async def life() -> None:
        flat = Flat(folder)
        try:
            await program(flat)
        finally:
            await flat.end()

    asyncio.run(life())


async def to_the_end(connection: BleConnection) -> None:
    """Take what comes until the link ends."""
    while True:
        await connection.receive()


def test_a_phone_in_reach_gives_the_gateway_its_network_and_is_forgotten(tmp_path: Path) -> None:
    async def program(flat: Flat) -> None:
        address = await flat.open()
        connection = await soon(flat.central.connect(address, pair=True))
        assert connection.bond == BOND_WEAK
        for uuid in (improv.STATE, improv.ERROR, improv.RESULT):
            await connection.subscribe(uuid)
        assert await connection.read(improv.STATE) == bytes([improv.AUTHORISED])
        assert await connection.read(improv.CAPABILITIES) == b"\x07"
        for at in range(0, len(COMMAND), 20):
            await connection.write(improv.COMMAND, COMMAND[at : at + 20])
        told = []
        while (improv.RESULT, bytes.fromhex("010001")) not in told:
            note = await soon(connection.receive())
            told.append((note.characteristic, note.value))
        assert [value[0] for uuid, value in told if uuid == improv.STATE] == [
            3,
            4,
        ] and flat.wifi.joined == SSID
        while await flat.gateway.bonds() == {}:  # noqa: ASYNC110  encrypted, and not yet on the disk
            await asyncio.sleep(0)
        flat.service.close()
        assert flat.serving is not None
        await soon(flat.serving)
        with pytest.raises(LinkLostError):
            await soon(to_the_end(connection))
        assert await flat.gateway.bonds() == {}, "the phone is forgotten"

    run(tmp_path, program)


def test_without_pairing_nothing_is_read_written_or_heard(tmp_path: Path) -> None:
    async def program(flat: Flat) -> None:
        address = await flat.open()
        connection = await soon(flat.central.connect(address))
        for work in (
            connection.read(improv.STATE),
            connection.write(improv.COMMAND, COMMAND[:20]),
            connection.subscribe(improv.RESULT),
        ):
            with pytest.raises(HalError):
                await soon(work)
        await connection.disconnect()
        assert flat.wifi.joined == ""

    run(tmp_path, program)


@pytest.mark.parametrize("wrong", ["legacy", "short key"])
def test_a_phone_that_pairs_in_the_old_way_or_with_a_short_key_is_refused(tmp_path: Path, wrong: str) -> None:
    async def program(flat: Flat) -> None:
        address = await flat.open()
        delegate = PairingDelegate(maximum_encryption_key_size=7 if wrong == "short key" else 16)
        device = await flat.phone.device()
        device.smp_session_proxy = smp.Session  # upstream's own takes either
        device.pairing_config_factory = lambda _connection: PairingConfig(
            sc=wrong != "legacy", mitm=False, delegate=delegate
        )
        connection = await soon(flat.central.connect(address))
        native = next(iter(device.connections.values()))
        with pytest.raises(Exception, match=r"(?i)pairing|smp|auth|key|error"):
            await soon(native.pair())
        with pytest.raises(HalError):
            await soon(connection.read(improv.STATE))
        assert await flat.gateway.bonds() == {}
        await connection.disconnect()

    run(tmp_path, program)


def test_a_phone_that_claims_to_have_data_of_ours_is_refused(tmp_path: Path) -> None:
    async def program(flat: Flat) -> None:
        address = await flat.open()
        device = await flat.phone.device()
        device.smp_session_proxy = smp.Session
        claimed = PairingConfig.OobConfig(smp.OobContext(), smp.OobContext().share(), None)
        device.pairing_config_factory = lambda _connection: PairingConfig(mitm=False, oob=claimed)
        connection = await soon(flat.central.connect(address))
        native = next(iter(device.connections.values()))
        with pytest.raises(Exception, match="OOB_NOT_AVAILABLE"):
            await soon(native.pair())
        assert await flat.gateway.bonds() == {}
        await connection.disconnect()

    run(tmp_path, program)


def test_while_nothing_is_served_nobody_is_paired(tmp_path: Path) -> None:
    async def program(flat: Flat) -> None:
        address = await flat.open()
        flat.service.close()
        assert flat.serving is not None
        await soon(flat.serving)
        device = await flat.gateway.device()
        assert not device.is_advertising and all(
            str(each.uuid) != improv.SERVICE for each in device.gatt_server.services
        )
        await device.start_advertising(auto_restart=False)  # as if somebody else had
        connection = await soon(flat.central.connect(address))
        with pytest.raises(HalError):
            await soon(connection.read(improv.STATE))
        with pytest.raises(HalError):
            await soon(flat.central.connect(address, pair=True, timeout_ms=3_000))

    run(tmp_path, program)


def test_a_controller_that_goes_away_ends_the_serving(tmp_path: Path) -> None:
    async def program(flat: Flat) -> None:
        await flat.open()
        assert flat.serving is not None
        await flat.gateway.close()
        with pytest.raises(LinkLostError, match="adapter is gone"):
            await soon(flat.serving)

    run(tmp_path, program)
