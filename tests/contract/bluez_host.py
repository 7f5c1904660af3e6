"""The host of the scanner and the central on the real BlueZ, in a virtual machine (docs/adr/0027-machine.md).

The peripherals are in this process. Their controller is on the machine's serial line, and the code under test reaches
the machine's bluetoothd over its own message bus, as it would on a gateway.
"""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bleak.backends.bluezdbus import manager

from hal.interfaces import BleCentral, BleScanner
from hal.linux.bluez import BluezRadio
from hal.linux.bond_keys import BondKeys
from hal.linux.central import BleakBleCentral
from hal.linux.scanner import BleakBleScanner
from tests.bluez_machine import Daemon, running_machine
from tests.contract.air_hosts import (
    FEW_ADVERTISEMENTS,
    FEW_NOTIFICATIONS,
    MonotonicClock,
    Peripheral,
    Placed,
    VirtualPlaced,
)
from tools.simulators.bthome_sensor import BthomeSensor
from tools.simulators.controller import HomeController
from tools.simulators.hci_server import HciServer
from tools.simulators.link import HomeLink
from tools.simulators.pairing import StrictSession

# A sensor sends at most every 20 ms (Core 5.4, Vol 6, Part B, 4.4.2.2); what comes faster, bluetoothd tells as one.
PACE_S = 0.05
PATIENCE_S = 20.0
numbers = itertools.count(1)  # bluetoothd keeps bonds by the adapter's address: each air has one of its own


class HearingScanner(BleakBleScanner):
    """Started when the controller listens: the kernel sees to that later than bluetoothd answers."""

    listens: Callable[[bool], Coroutine[Any, Any, None]]

    async def start(
        self, *, active: bool = False, known: Collection[str] | None = None, offering: str = ""
    ) -> None:
        await super().start(active=active, known=known, offering=offering)
        await self.listens(active)


class ShorteningSession(StrictSession):
    """A key as short as was agreed (Core 5.4, Vol 3, Part H, 2.3.4), as Linux makes it. Bumble always uses all of it.

    It is kept as short as it is used: with another one the stored bond would be no bond at the next connection.
    """

    def get_long_term_key(self, rand: bytes, ediv: int) -> bytes | None:
        key = super().get_long_term_key(rand, ediv)
        return None if key is None else self._shortened(key)

    async def on_pairing(self) -> None:
        self.ltk = self._shortened(self.ltk)
        await super().on_pairing()

    def _shortened(self, key: bytes) -> bytes:
        size = self.pairing_config.delegate.maximum_encryption_key_size
        return key[:size] + bytes(len(key) - size)


class BluezAir:
    """A gateway on the machine's BlueZ, and the air around it."""

    def __init__(self, daemon: Daemon, folder: Path) -> None:
        self.daemon = daemon
        self.link = HomeLink()
        number = next(numbers)
        self.server = HciServer(self.link, f"00:AA:01:00:{number >> 8:02X}:{number & 255:02X}")
        self.expected_active = False  # whatever mode is asked for: a daemon without monitors has no other
        self.levels = folder / "levels.json"
        self.keys = BondKeys(folder / "keys")  # nobody is there unless a test puts somebody there
        self._clock = MonotonicClock()
        self._radios: list[BluezRadio] = []
        self._placed: list[VirtualPlaced] = []
        self._sensors: dict[str, BthomeSensor] = {}
        self._sending: asyncio.Task[None] | None = None
        self._packets: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self._moving: asyncio.Task[None] | None = None
        scanner = HearingScanner(self._clock, self.radio(), limit=FEW_ADVERTISEMENTS)
        scanner.listens = self._listens
        self.scanner: BleScanner = scanner
        self.central: BleCentral = self.restarted()
        self.uptime_ms = self._clock.uptime_ms

    @property
    def controller(self) -> HomeController:
        (controller,) = self.server.controllers
        return controller

    def radio(self) -> BluezRadio:
        radio = BluezRadio(self.levels, keys=self.keys)
        self._radios.append(radio)
        return radio

    async def open(self) -> None:
        await self.server.join(self.daemon.machine.line)
        await self.daemon.attach()
        self._sending = asyncio.get_running_loop().create_task(self._send())

    def advertise(self, address: str, service_data: bytes) -> None:
        self._packets.put_nowait((address, service_data))

    async def place(
        self,
        address: str,
        *,
        secure: bool = True,
        passkey: int | None = None,
        compares: bool = False,
        out_of_band: bool = False,
        key_bytes: int = 16,
    ) -> Peripheral:
        native = VirtualPlaced(self.link, address, secure, passkey, compares, out_of_band)
        native.label.maximum_encryption_key_size = key_bytes
        native.device.smp_session_proxy = ShorteningSession
        self._placed.append(native)
        await native.start((0x1822,), interval_ms=100)
        return Placed(native)

    def restarted(self) -> BleCentral:
        return BleakBleCentral(self._clock, self.radio(), limit=FEW_NOTIFICATIONS)

    async def expire(self, work: Coroutine[Any, Any, Any]) -> Any:
        return await work

    def lose_adapter(self) -> None:
        self._moving = asyncio.get_running_loop().create_task(self._detach())

    async def restore_adapter(self) -> None:
        if self._moving is not None:
            await self._moving
        await self.server.join(self.daemon.machine.line)
        await self.daemon.attach()

    async def close(self) -> None:
        for task in (self._sending, self._moving):
            if task is not None and (task is self._sending or not task.done()):
                task.cancel()
                await asyncio.wait({task})
        for radio in self._radios:
            await radio.close()
        for native in self._placed:
            await native.stop()
        for sensor in self._sensors.values():
            await sensor.stop()
        await self._detach()
        await close_bleak()

    async def _detach(self) -> None:
        await self.daemon.detach()
        self.server.unplug()

    async def _send(self) -> None:
        while True:
            address, data = await self._packets.get()
            if address not in self._sensors:
                self._sensors[address] = BthomeSensor(self.link, address)
            self._sensors[address].transmit(data)
            await self._clock.sleep_ms(int(PACE_S * 1000))

    async def _listens(self, active: bool) -> None:
        async with asyncio.timeout(PATIENCE_S):
            active = active or self.expected_active
            while not (self.controller.le_scan_enable and self.controller.le_scan_type == int(active)):
                await self._clock.sleep_ms(10)


async def close_bleak() -> None:
    """bleak keeps one connection to the message bus for each event loop until another loop comes."""
    kept = manager._global_instances.pop(asyncio.get_running_loop(), None)
    if kept is not None and kept._bus is not None:
        kept._bus.disconnect()
        if kept._bus_watcher_task is not None:
            await asyncio.wait({kept._bus_watcher_task})


@asynccontextmanager
async def bluez_air(folder: Path) -> AsyncIterator[BluezAir]:
    machine = running_machine()
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = machine.bus_address
    air = BluezAir(Daemon(machine), folder)
    try:
        await air.open()
        yield air
    except Exception:
        await MonotonicClock().sleep_ms(1000)  # a kernel that crashes takes its time
        machine.check()
        raise
    finally:
        await air.scanner.stop()
        await air.close()
        del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
