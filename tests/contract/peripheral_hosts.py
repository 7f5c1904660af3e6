"""Machines that serve a GATT service, and a phone in reach: the hosts of `hal.provisioning.BlePeripheral`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from dbus_fast import DBusError

from hal.bumble.adapter import BumbleAdapter, open_adapter
from hal.bumble.gatt_server import BumbleGattServer
from hal.errors import DeniedError, HalError
from hal.esp32.ble_bonds import BondStore
from hal.esp32.ble_packets import uuid_bytes, uuid_text
from hal.esp32.ble_radio import BoardRadio
from hal.esp32.gatt_server import BoardGattServer
from hal.esp32.nvs import Nvs
from hal.interfaces import BleConnection
from hal.linux.central import BleakBleCentral
from hal.linux.gatt_server import BluezGattServer
from hal.linux.scanner import BleakBleScanner
from hal.provisioning import BlePeripheral
from hal.sim.ble_link import SimUuid
from hal.sim.ble_server import SimPhone
from hal.sim.ble_stack import SimBle, SimFlag
from hal.sim.gatt_server import SimGattServer
from hal.sim.nvs import SimNvs
from hal.sim.world import World
from tests.contract import far_air
from tests.contract.air_hosts import MonotonicClock
from tests.contract.far_hosts import far_board
from tests.private_bus import private_bus
from tools.simulators.bluez_gatt import GattDaemon, Phone
from tools.simulators.controller import HomeController
from tools.simulators.link import HomeLink

ADDRESS = "C1:00:00:00:00:09"


class Client(Protocol):
    """A connected phone. Everything raises DeniedError where the link is not encrypted."""

    async def read(self, uuid: str) -> bytes: ...
    async def write(self, uuid: str, value: bytes) -> None: ...
    async def subscribe(self, uuid: str) -> None: ...
    async def notified(self) -> tuple[str, bytes]:
        """The next notification."""
        ...


class PeripheralHost(Protocol):
    """One machine."""

    peripheral: BlePeripheral

    async def connect(self, *, pair: bool) -> Client:
        """A phone connects, and pairs or does not."""
        ...

    async def on_air(self) -> dict[str, bytes] | None:
        """Service data that a phone hears, or None where nothing is advertised."""
        ...


class SimClient:
    """The simulated phone."""

    def __init__(self, server: SimGattServer) -> None:
        self._server = server

    async def read(self, uuid: str) -> bytes:
        return self._server.read(uuid)

    async def write(self, uuid: str, value: bytes) -> None:
        self._server.write(uuid, value)

    async def subscribe(self, uuid: str) -> None:
        self._server.read(uuid)

    async def notified(self) -> tuple[str, bytes]:
        return self._server.told.pop(0)


class SimPeripheralHost:
    """The simulated machine."""

    def __init__(self) -> None:
        self.sim = SimGattServer()
        self.peripheral: BlePeripheral = self.sim

    async def connect(self, *, pair: bool) -> Client:
        self.sim.connect(encrypted=pair)
        return SimClient(self.sim)

    async def on_air(self) -> dict[str, bytes] | None:
        return self.sim.on_air


class BusClient:
    """A phone as bluetoothd's stand-in has it."""

    def __init__(self, phone: Phone) -> None:
        self._phone = phone

    async def read(self, uuid: str) -> bytes:
        try:
            return await self._phone.read(uuid)
        except DBusError as error:
            raise DeniedError(str(error)) from error

    async def write(self, uuid: str, value: bytes) -> None:
        try:
            await self._phone.write(uuid, value)
        except DBusError as error:
            raise DeniedError(str(error)) from error

    async def subscribe(self, uuid: str) -> None:
        try:
            await self._phone.subscribe(uuid)
        except DBusError as error:
            raise DeniedError(str(error)) from error

    async def notified(self) -> tuple[str, bytes]:
        while not self._phone.told:
            self._phone.daemon.changed.clear()
            await self._phone.daemon.changed.wait()
        return self._phone.told.pop(0)


class BusHost:
    """Our side of BlueZ, and its stand-in."""

    def __init__(self, daemon: GattDaemon, peripheral: BluezGattServer) -> None:
        self.daemon = daemon
        self.peripheral: BlePeripheral = peripheral

    async def connect(self, *, pair: bool) -> Client:
        phone = self.daemon.phone(ADDRESS)
        if pair and not phone.device.paired:
            await phone.pair()
        return BusClient(phone)

    async def on_air(self) -> dict[str, bytes] | None:
        # what was said before a call of ours has been heard when it is answered
        if self.daemon.services:
            await self.daemon.ask("/", "org.freedesktop.DBus.Peer", "Ping", "")
        return None if self.daemon.on_air is None else dict(self.daemon.on_air["ServiceData"])


class RadioClient:
    """A phone on a stack of its own."""

    def __init__(self, connection: BleConnection) -> None:
        self._connection = connection

    async def read(self, uuid: str) -> bytes:
        return await self._connection.read(uuid)

    async def write(self, uuid: str, value: bytes) -> None:
        await self._connection.write(uuid, value)

    async def subscribe(self, uuid: str) -> None:
        await self._connection.subscribe(uuid)

    async def notified(self) -> tuple[str, bytes]:
        note = await self._connection.receive()
        return note.characteristic, note.value


class RadioHost:
    """Bumble over the virtual radio."""

    def __init__(self, gateway: BumbleAdapter, phone: BumbleAdapter) -> None:
        clock = MonotonicClock()
        self.peripheral: BlePeripheral = BumbleGattServer(gateway)
        self._gateway = gateway
        self._scanner, self._central = BleakBleScanner(clock, phone), BleakBleCentral(clock, phone)
        self._last: BleConnection | None = None

    async def _heard(self) -> tuple[str, dict[str, bytes]]:
        await self._scanner.start()
        heard = await self._scanner.receive()
        await self._scanner.stop()
        return heard.address, heard.service_data

    async def connect(self, *, pair: bool) -> Client:
        if self._last is not None:
            await self._last.disconnect()
        address, _ = await self._heard()
        await self._central.forget(address)  # the gateway has forgotten the phone, too
        self._last = await self._central.connect(address, pair=pair)
        return RadioClient(self._last)

    async def on_air(self) -> dict[str, bytes] | None:
        device = await self._gateway.device()
        return (await self._heard())[1] if device.is_advertising else None

    async def close(self) -> None:
        await self._scanner.stop()


class BoardClient:
    """A phone at the simulated stack of a board."""

    def __init__(self, phone: SimPhone) -> None:
        self._phone = phone

    async def read(self, uuid: str) -> bytes:
        return self._phone.read(uuid_bytes(uuid))

    async def write(self, uuid: str, value: bytes) -> None:
        self._phone.write(uuid_bytes(uuid), value)
        await asyncio.sleep(0)  # the driver waits until its interrupt is through

    async def subscribe(self, uuid: str) -> None:
        self._phone.subscribe(uuid_bytes(uuid))

    async def notified(self) -> tuple[str, bytes]:
        while not self._phone.told:  # noqa: ASYNC110  turns of the loop, no wait
            await asyncio.sleep(0)
        uuid, value = self._phone.told.pop(0)
        return uuid_text(uuid), value


class BoardPeripheralHost:
    """A board's radio over a simulator of MicroPython's driver."""

    def __init__(self) -> None:
        clock = MonotonicClock()
        self.stack = SimBle(World(clock))
        bonds = BondStore(Nvs(SimNvs({})))
        bonds.load()
        self.radio = BoardRadio(self.stack, clock, bonds, SimFlag())
        self.peripheral: BlePeripheral = BoardGattServer(self.radio, SimUuid)
        self._last: SimPhone | None = None

    async def connect(self, *, pair: bool) -> Client:
        if self._last is not None:
            self._last.leave()
            await settled()
        self._last = SimPhone(self.stack.server)
        self._last.connect()
        await settled()
        if pair:
            self._last.pair()
            await settled()
        return BoardClient(self._last)

    async def on_air(self) -> dict[str, bytes] | None:
        found = self.stack.server.service_data()
        return None if found is None else {uuid_text(uuid): value for uuid, value in found.items()}


async def settled() -> None:
    """What an interrupt has left is taken in the next turns of the loop."""
    for _ in range(5):
        await asyncio.sleep(0)


class FarClient:
    """A phone there."""

    def __init__(self, far: Any) -> None:
        self._far = far

    async def read(self, uuid: str) -> bytes:
        return bytes(self._far.read(uuid))

    async def write(self, uuid: str, value: bytes) -> None:
        self._far.write(uuid, value)

    async def subscribe(self, uuid: str) -> None:
        self._far.subscribe(uuid)

    async def notified(self) -> tuple[str, bytes]:
        uuid, value = await self._far.notified()
        return str(uuid), bytes(value)


class FarPeripheralHost:
    """The same on the board's interpreter, over its agent."""

    def __init__(self) -> None:
        board = far_board()
        theirs = (BoardGattServer, far_air.FarStand, far_air.FarPhone)
        board.faces.update({face.__name__: face for face in theirs})
        self.far: Any = board.make("FarStand")
        self.peripheral: BlePeripheral = self.far.peripheral

    async def connect(self, *, pair: bool) -> Client:
        return FarClient(await self.far.connect(pair))

    async def on_air(self) -> dict[str, bytes] | None:
        found: dict[str, bytes] | None = self.far.on_air()
        return found


@asynccontextmanager
async def board_peripheral(_folder: Path) -> AsyncIterator[PeripheralHost]:
    host = BoardPeripheralHost()
    try:
        yield host
    finally:
        await host.peripheral.close()
        await host.radio.stop()


@asynccontextmanager
async def far_board_peripheral(_folder: Path) -> AsyncIterator[PeripheralHost]:
    host = FarPeripheralHost()
    try:
        yield host
    finally:
        await host.peripheral.close()
        await host.far.close()


@asynccontextmanager
async def sim_peripheral(_folder: Path) -> AsyncIterator[PeripheralHost]:
    yield SimPeripheralHost()


@asynccontextmanager
async def bus_peripheral(folder: Path) -> AsyncIterator[PeripheralHost]:
    async with private_bus(folder) as address:
        daemon, server = GattDaemon(address), BluezGattServer(bus_address=address)
        await daemon.start()
        try:
            yield BusHost(daemon, server)
        finally:
            await server.close()
            await daemon.stop()


@asynccontextmanager
async def bumble_peripheral(folder: Path) -> AsyncIterator[PeripheralHost]:
    link = HomeLink()
    gateway = open_adapter(HomeController("hub", link), folder / "bonds.json")
    phone = open_adapter(HomeController("phone", link), folder / "phone.json")
    host = RadioHost(gateway, phone)
    try:
        yield host
    finally:
        await host.close()
        try:
            await host.peripheral.close()
        except HalError:
            pass
        await phone.close()
        await gateway.close()
