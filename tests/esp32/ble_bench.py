"""A board's radio in a simulated home, its time standing still."""

import asyncio

from hal.esp32.ble_bonds import BondStore
from hal.esp32.ble_central import BoardCentral
from hal.esp32.ble_radio import BoardRadio
from hal.esp32.ble_scanner import BoardScanner
from hal.esp32.nvs import Nvs
from hal.sim.ble_stack import SimBle, SimFlag
from hal.sim.clock import SimClock
from hal.sim.nvs import SimNvs
from hal.sim.peripheral import SimPeripheral
from hal.sim.world import World

DOOR, SMOKE, OXIMETER, OTHER = [
    "C3:00:00:00:00:01",
    "C3:00:00:00:00:02",
    "C1:00:00:00:00:01",
    "C1:00:00:00:00:02",
]
VALUE, CONTROL = "2a5f", "2a9f"


class Bench:
    """Everything with its back doors open."""

    def __init__(self, radio=BoardRadio, chip=None, limit=8):
        self.clock = SimClock()
        self.world = World(self.clock)
        self.stack = SimBle(self.world)
        self.chip = chip if chip is not None else {}
        self.nvs = SimNvs(self.chip)
        self.bonds = BondStore(Nvs(self.nvs))
        self.bonds.load()
        self.radio = radio(self.stack, self.clock, self.bonds, SimFlag())
        self.scanner = BoardScanner(self.radio, limit)
        self.central = BoardCentral(self.radio, limit)

    def place(self, address=OXIMETER, served=None, **kinds):
        table = {VALUE: b"", CONTROL: b""} if served is None else served
        return self.world.add_peripheral(SimPeripheral(address, table, **kinds))

    async def expire(self, work):
        return await self.clock.run(work)

    async def settle(self):
        await self.clock.settle()


def run(script, **how):
    """One scene."""

    async def life():
        bench = Bench(**how)
        try:
            await script(bench)
        finally:
            await bench.radio.stop()

    asyncio.run(life())


async def raised(sort, work):
    """The error of that sort that the work ends with."""
    try:
        await work
    except sort as error:
        return error
    raise AssertionError("nothing was raised")


async def held(scanner):
    """Data of what is held now."""
    await scanner.stop()
    found = []
    try:
        while True:
            found.append((await scanner.receive()).service_data.get("fcd2"))
    except Exception:  # noqa: BLE001  the end of the scan
        return found
