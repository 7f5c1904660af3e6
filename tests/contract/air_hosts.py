"""Machines with a radio, each with a hand that moves what is around it: the hosts of the scanner and the central."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from bumble.core import UUID
from bumble.gatt import Characteristic, CharacteristicValue, Service

from hal.bumble.adapter import BumbleAdapter, open_adapter
from hal.interfaces import BleCentral, BleScanner
from hal.linux.central import BleakBleCentral
from hal.linux.scanner import BleakBleScanner
from hal.sim.central import SimCentral
from hal.sim.clock import SimClock
from hal.sim.peripheral import SimPeripheral
from hal.sim.scanner import SimScanner
from hal.sim.world import World
from tools.simulators.bthome_sensor import BthomeSensor
from tools.simulators.hci_server import HciServer
from tools.simulators.link import HomeLink
from tools.simulators.peripheral import VirtualPeripheral

FEW_ADVERTISEMENTS, FEW_NOTIFICATIONS = 4, 8  # limits small enough to be passed in a test
VALUE, FEATURES, CONTROL = "2a5f", "2a60", "2a9f"
NAME = "Oximeter"
SHOWN = 271_828  # by a simulated peripheral that has numbers compared
PRINTED = bytes(range(32))  # on the label of a simulated peripheral that pairs out of band


class Peripheral(Protocol):
    """A peripheral that notifies VALUE, has two zero bytes in FEATURES, and keeps what is written to CONTROL."""

    writes: list[tuple[str, bytes]]

    @property
    def address(self) -> str: ...
    @property
    def connected(self) -> bool: ...
    @property
    def pairings(self) -> int: ...
    @property
    def data(self) -> bytes: ...
    async def notify(self, value: bytes) -> bool: ...
    def leave(self) -> None: ...
    def return_(self) -> None: ...
    def drop_link(self) -> None: ...
    def forget_bonds(self) -> None: ...


class AirHost(Protocol):
    """One gateway's radio and the air around it."""

    scanner: BleScanner
    central: BleCentral

    def uptime_ms(self) -> int:
        """The clock that receptions are stamped with."""
        ...

    def advertise(self, address: str, service_data: bytes) -> None:
        """One packet, not connectable, with service data under fcd2."""
        ...

    async def place(
        self,
        address: str,
        *,
        secure: bool = True,
        passkey: int | None = None,
        compares: bool = False,
        out_of_band: bool = False,
    ) -> Peripheral:
        """A peripheral that waits for connections, its name in the scan response where there is one.

        With `compares` it shows a number and pairs with whoever is told that both show the same, with `out_of_band` it has
        `data` on its label and pairs with whoever has it.
        """
        ...

    def restarted(self) -> BleCentral:
        """The central of the same gateway after its program was started again."""
        ...

    async def expire(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run what only time ends."""
        ...

    def lose_adapter(self) -> None:
        """Pull the radio out."""
        ...

    async def restore_adapter(self) -> None:
        """Put it back."""
        ...


# --- sim -----------------------------------------------------------------------------------------------------------


class SimPlaced:
    """A peripheral in the simulated world; it advertises its name when somebody scans actively."""

    def __init__(
        self,
        world: World,
        address: str,
        secure: bool,
        passkey: int | None,
        compares: bool,
        out_of_band: bool = False,
    ) -> None:
        self.writes: list[tuple[str, bytes]] = []
        table = {VALUE: b"", FEATURES: bytes(2), CONTROL: b""}
        self.native = SimPeripheral(
            address,
            table,
            secure=secure,
            passkey=passkey,
            compares=SHOWN if compares else None,
            oob=PRINTED if out_of_band else None,
            on_write=lambda *each: self.writes.append(each),
        )
        world.add_peripheral(self.native)
        self.address = address
        self.leave, self.return_ = self.native.leave, self.native.return_
        self.forget_bonds = self.native.forget_bonds

    @property
    def connected(self) -> bool:
        return self.native.connected

    @property
    def pairings(self) -> int:
        return self.native.pairings

    @property
    def data(self) -> bytes:
        return PRINTED

    async def notify(self, value: bytes) -> bool:
        return self.native.notify(VALUE, value)

    def drop_link(self) -> None:
        self.native.drop_link("supervision time-out")


class SimAir:
    """The world in memory, with its clock standing still."""

    def __init__(self) -> None:
        self.clock = SimClock()
        self.world = World(self.clock)
        self.bonds: dict[str, tuple[int, int]] = {}
        self.scanner: BleScanner = SimScanner(self.world, FEW_ADVERTISEMENTS)
        self.central = self.restarted()
        self.uptime_ms = self.clock.uptime_ms
        self.lose_adapter = self.world.lose_adapter

    def advertise(self, address: str, service_data: bytes) -> None:
        self.world.advertise(address, {"fcd2": service_data})

    async def place(
        self,
        address: str,
        *,
        secure: bool = True,
        passkey: int | None = None,
        compares: bool = False,
        out_of_band: bool = False,
    ) -> Peripheral:
        placed = SimPlaced(self.world, address, secure, passkey, compares, out_of_band)
        self.world.advertise(address, service_uuids=("1822",), scan_response_name=NAME)
        return placed

    def restarted(self) -> BleCentral:
        return SimCentral(self.world, self.bonds, FEW_NOTIFICATIONS)

    async def expire(self, work: Coroutine[Any, Any, Any]) -> Any:
        return await self.clock.run(work)

    async def restore_adapter(self) -> None:
        self.world.restore_adapter()


@asynccontextmanager
async def sim_air(folder: Path) -> AsyncIterator[AirHost]:
    yield SimAir()


# --- the bleak code of hal/linux, over Bumble and a controller in another place ------------------------------------


class MonotonicClock:
    """Real time, for a radio that runs in it."""

    def uptime_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def utc_ms(self) -> int | None:
        return None

    async def sleep_ms(self, duration_ms: int) -> None:
        woken = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(duration_ms / 1000, woken.set_result, None)
        await woken


class VirtualPlaced(VirtualPeripheral):
    """A peripheral with a whole stack of its own."""

    def __init__(
        self,
        link: HomeLink,
        address: str,
        secure: bool,
        passkey: int | None,
        compares: bool,
        out_of_band: bool = False,
    ) -> None:
        super().__init__(
            link, address, NAME, secure=secure, passkey=passkey, compares=compares, out_of_band=out_of_band
        )
        self.writes: list[tuple[str, bytes]] = []
        properties = Characteristic.Properties
        self._value = self._characteristic(VALUE, properties.NOTIFY, b"")
        features = self._characteristic(FEATURES, properties.READ, bytes(2))
        control = self._characteristic(CONTROL, properties.WRITE, CharacteristicValue(write=self._on_write))
        self.add_service(Service(UUID.from_16_bits(0x1822), [self._value, features, control]))

    def _characteristic(
        self, uuid: str, properties: Characteristic.Properties, value: Any
    ) -> Characteristic[bytes]:
        return Characteristic(UUID.from_16_bits(int(uuid, 16)), properties, self.permissions, value)

    def _on_write(self, _connection: object, value: bytes) -> None:
        self.writes.append((CONTROL, value))

    async def send(self, value: bytes) -> bool:
        return await self.notify(self._value, value)


class Placed:
    """The face of a `VirtualPlaced` that the contract knows."""

    def __init__(self, native: VirtualPlaced) -> None:
        self.native = native
        self.address = native.address
        self.writes = native.writes
        self.leave, self.return_ = native.leave, native.return_
        self.drop_link, self.forget_bonds = native.drop_link, native.forget_bonds
        self.notify = native.send

    @property
    def connected(self) -> bool:
        return self.native.connected

    @property
    def pairings(self) -> int:
        return len(self.native.pairings)

    @property
    def data(self) -> bytes:
        return self.native.label.data


class BumbleAir:
    """The gateway's Bumble speaks HCI over TCP to a controller in the virtual home, as it does in the demo."""

    def __init__(self, link: HomeLink, server: HciServer, port: int, folder: Path) -> None:
        self._link = link
        self._server = server
        self._port = port
        self._folder = folder
        self._clock = MonotonicClock()
        self._adapters: list[BumbleAdapter] = []
        self._placed: list[VirtualPlaced] = []
        self._sensors: dict[str, BthomeSensor] = {}
        adapter = self._adapter()
        self.scanner: BleScanner = BleakBleScanner(self._clock, adapter, limit=FEW_ADVERTISEMENTS)
        self.central: BleCentral = BleakBleCentral(self._clock, adapter, limit=FEW_NOTIFICATIONS)
        self.uptime_ms = self._clock.uptime_ms

    def advertise(self, address: str, service_data: bytes) -> None:
        if address not in self._sensors:
            self._sensors[address] = BthomeSensor(self._link, address)
        self._sensors[address].transmit(service_data)

    async def place(
        self,
        address: str,
        *,
        secure: bool = True,
        passkey: int | None = None,
        compares: bool = False,
        out_of_band: bool = False,
    ) -> Peripheral:
        native = VirtualPlaced(self._link, address, secure, passkey, compares, out_of_band)
        self._placed.append(native)
        await native.start((0x1822,), interval_ms=20)
        return Placed(native)

    def restarted(self) -> BleCentral:
        return BleakBleCentral(self._clock, self._adapter(), limit=FEW_NOTIFICATIONS)

    async def expire(self, work: Coroutine[Any, Any, Any]) -> Any:
        return await work

    def lose_adapter(self) -> None:
        self._server.unplug()

    async def restore_adapter(self) -> None:
        await self._server.start(self._port)

    async def close(self) -> None:
        for adapter in self._adapters:
            await adapter.close()
        for native in self._placed:
            await native.stop()
        for sensor in self._sensors.values():
            await sensor.stop()

    def _adapter(self) -> BumbleAdapter:
        adapter = open_adapter(f"tcp-client:127.0.0.1:{self._port}", self._folder / "bonds.json")
        self._adapters.append(adapter)
        return adapter


@asynccontextmanager
async def bumble_air(folder: Path) -> AsyncIterator[AirHost]:
    link = HomeLink()
    server = HciServer(link)
    air = BumbleAir(link, server, await server.start(), folder)
    try:
        yield air
    finally:
        await air.scanner.stop()
        await air.close()
        await server.stop()
