"""A virtual home and a gateway's radio in one process: the gateway's bleak code, a real stack, a virtual controller."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from hal.bumble.adapter import BumbleAdapter, open_adapter
from hal.linux.central import BleakBleCentral
from hal.linux.scanner import BleakBleScanner
from tests.contract.air_hosts import MonotonicClock
from tools.simulators.controller import HomeController
from tools.simulators.link import HomeLink
from tools.simulators.oximeter import Oximeter, Reading, sfloat
from tools.simulators.pairing import Io
from tools.simulators.peripheral import VirtualPeripheral

OXIMETER, DOOR = "C1:00:00:00:00:01", "C3:00:00:00:00:01"
PASSKEY = 123_456
CONTINUOUS, SPOT_CHECK, FEATURES, RECORDS = "2a5f", "2a5e", "2a60", "2a52"
PATIENCE_S = 40.0  # far more than anything here takes; a wait that fails says where it stood

Result = TypeVar("Result")


class Home:
    """The air, and the gateway in it. `place` switches a peripheral on, the end of the home switches it off."""

    def __init__(self, folder: Path) -> None:
        self.link = HomeLink()
        self.controller = HomeController("hub", self.link)
        self.bonds = folder / "bonds.json"
        self.clock = MonotonicClock()
        self.adapter = open_adapter(self.controller, self.bonds)
        self.scanner = BleakBleScanner(self.clock, self.adapter)
        self.central = BleakBleCentral(self.clock, self.adapter)
        self.placed: list[VirtualPeripheral] = []

    async def place(
        self,
        address: str = OXIMETER,
        *,
        secure: bool = True,
        passkey: int | None = None,
        key_bytes: int = 16,
        compares: bool = False,
        out_of_band: bool = False,
        capability: Io | None = None,
        stores: bool = False,
    ) -> Oximeter:
        """An oximeter that waits for its first connection."""
        oximeter = Oximeter(
            self.link,
            address,
            secure=secure,
            passkey=passkey,
            key_bytes=key_bytes,
            compares=compares,
            out_of_band=out_of_band,
            capability=capability,
            stores=stores,
        )
        self.placed.append(oximeter)
        await oximeter.start(interval_ms=20)
        return oximeter

    def other_adapter(self, folder: Path) -> BumbleAdapter:
        """Another gateway's radio, in the flat next door."""
        return open_adapter(HomeController("neighbour", self.link), folder / "neighbour.json")


@asynccontextmanager
async def home(folder: Path) -> AsyncIterator[Home]:
    """Everything switched off at the end."""
    place = Home(folder)
    try:
        yield place
    finally:
        await place.scanner.stop()
        await place.adapter.close()
        for peripheral in place.placed:
            await peripheral.stop()


def run(folder: Path, program: Callable[[Home], Awaitable[None]]) -> None:
    """Run `program` in a home of its own."""

    async def life() -> None:
        async with home(folder) as place:
            await program(place)

    asyncio.run(life())


async def soon(awaitable: Awaitable[Result]) -> Result:
    """What `awaitable` gives, or a failure instead of a hang."""
    async with asyncio.timeout(PATIENCE_S):
        return await awaitable


async def turns(condition: Callable[[], bool]) -> None:
    """Let the loop turn until `condition` holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  turns of the loop, no wait
            await asyncio.sleep(0)


def numbered(number: int) -> Reading:
    """A reading that carries a number of up to 2047."""
    return sfloat(97), sfloat(number)


def number_of(value: bytes) -> int:
    """The number that a continuous value carries."""
    return int.from_bytes(value[3:5], "little")
