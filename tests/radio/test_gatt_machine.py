"""Improv on the real BlueZ, in a virtual machine: a phone on Bumble pairs over the virtual radio and gives the gateway its network."""

import asyncio
from pathlib import Path

import pytest

from gateway.core import improv
from gateway.hub.improv import Improv
from gateway.hub.improv_air import ImprovAir
from hal.bumble.adapter import open_adapter
from hal.errors import HalError
from hal.interfaces import BleConnection
from hal.linux.central import BleakBleCentral
from hal.linux.gatt_server import BluezGattServer
from hal.linux.scanner import BleakBleScanner
from hal.types import BOND_WEAK
from tests.contract.air_hosts import MonotonicClock
from tests.contract.bluez_host import BluezAir, bluez_air
from tests.radio.test_gatt_server import PASSWORD, SSID, OneNetwork
from tools.simulators.controller import HomeController

pytestmark = pytest.mark.bluez
STATES = (improv.PROVISIONING, improv.PROVISIONED)


async def provision(air: BluezAir, folder: Path) -> None:
    clock, wifi = MonotonicClock(), OneNetwork()
    service = Improv(wifi, clock, ["trygg", "0.1", "Pi", "x"], lambda *_line, **_fields: None, lambda: None)
    service.open()
    server = BluezGattServer()
    serving = asyncio.create_task(ImprovAir(server, service, "Trygg").run())
    phone = open_adapter(HomeController("phone", air.link), folder / "phone.json")
    scanner, central = BleakBleScanner(clock, phone), BleakBleCentral(clock, phone)
    try:
        await scanner.start(active=True)
        heard = await scanner.receive()
        while improv.SERVICE_DATA not in heard.service_data or heard.name is None:
            heard = await scanner.receive()
        await scanner.stop()
        assert heard.service_data[improv.SERVICE_DATA] == bytes([improv.UNAUTHORISED, 7, 0, 0, 0, 0])
        assert improv.SERVICE in heard.service_uuids and heard.name == "Trygg"
        await stranger_is_refused(central, heard.address)
        service.press()
        connection = await central.connect(heard.address, pair=True)
        assert (
            connection.bond == BOND_WEAK
        )  # Just Works, over Secure Connections: the kit's stack takes nothing less
        for uuid in (improv.STATE, improv.ERROR, improv.RESULT):
            await connection.subscribe(uuid)
        assert await connection.read(improv.STATE) == bytes([improv.AUTHORISED])
        command = improv.seal(improv.encode_message(improv.WIFI, improv.wifi_data(SSID, PASSWORD)))
        for at in range(0, len(command), 20):
            await connection.write(improv.COMMAND, command[at : at + 20])
        told = []
        while len(told) < 3:
            note = await connection.receive()
            told.append((note.characteristic, note.value))
        assert [(improv.STATE, bytes([state])) for state in STATES] == [
            each for each in told if each[0] == improv.STATE
        ]
        assert (improv.RESULT, bytes.fromhex("010001")) in told
        assert wifi.joined == SSID
        service.close()
        await serving
        with pytest.raises(HalError):  # the gateway hung up and has forgotten the phone
            await to_the_end(connection)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await server.close()
        await scanner.stop()
        await phone.close()


async def to_the_end(connection: BleConnection) -> None:
    """Take what comes until the link ends."""
    while True:
        await connection.receive()


async def stranger_is_refused(central: BleakBleCentral, address: str) -> None:
    """Without pairing nothing is read."""
    connection = await central.connect(address)
    with pytest.raises(HalError):
        await connection.read(improv.STATE)
    await connection.disconnect()


def test_a_phone_pairs_with_the_real_bluez_and_gives_the_gateway_its_network(tmp_path: Path) -> None:
    async def life() -> None:
        async with bluez_air(tmp_path) as air:
            await provision(air, tmp_path)

    asyncio.run(life())
