"""A private message bus with a simulated bluetoothd on it, and our side of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from hal.linux.bluez import BluezRadio
from tests.private_bus import bus_process
from tools.simulators.bluez import BluezDaemon

DEVICE, OTHER = "C1:00:00:00:00:01", "C1:00:00:00:00:02"


class Party:
    """A message bus with bluetoothd on it, and our side."""

    def __init__(self, bus: asyncio.subprocess.Process, address: str, levels: Path) -> None:
        self.bus = bus
        self.levels = levels
        self.daemon = BluezDaemon(address)
        self.radio = BluezRadio(levels, bus_address=address)


@asynccontextmanager
async def party(folder: Path) -> AsyncIterator[Party]:
    async with bus_process(folder) as (bus, address):
        both = Party(bus, address, folder / "levels.json")
        await both.daemon.start()
        try:
            yield both
        finally:
            await both.radio.close()
            await both.daemon.stop()


def run(folder: Path, program: Callable[[Party], Awaitable[None]]) -> None:
    async def life() -> None:
        async with party(folder) as both:
            await program(both)

    asyncio.run(life())
