"""A device with a memory, and a hub that visits it."""

from gateway.hub.waking import stop
from tests.hub.small import Small
from tests.hub.storing_peripherals import StoringPeripheral, judged
from tests.hub.visits import Visit

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio

    from gateway.core.devices.driver import GattDriver
    from gateway.core.model import Event

REPORT_ALL, ABORT = b"\x01\x01", b"\x03\x00"
OSLO = "Europe/Oslo"


class Fetch:
    """A device with a memory, and a hub that visits it."""

    def __init__(
        self, driver: "type[GattDriver]", peripheral: "type[StoringPeripheral]", **options: object
    ) -> None:
        self.small = Small()
        self.peripheral = peripheral(self.small.clock, **options)  # type: ignore[call-arg, arg-type]
        self.bonds: "dict[str, tuple[int, int]]" = {}
        self.begin_visiting(driver)

    def begin_visiting(self, driver: "type[GattDriver]") -> None:
        """A fresh process: what the journal holds is known, and the bonds of the radio."""
        self.visit = Visit(self.small, driver, bonds=self.bonds)
        self.small.world.add_peripheral(self.peripheral)
        self.visit.device.driver.context.zone = OSLO
        self.visit.device.driver.clock.zone = OSLO  # type: ignore[attr-defined]

    async def come(self, pause_ms: int = 60_000) -> "asyncio.Task[None]":
        """The hub connects, and has its time."""
        task = await self.visit.begin()
        await self.small.clock.advance(pause_ms)
        return task

    async def go(self, task: "asyncio.Task[None]") -> None:
        """The device goes away, and the hub stops visiting."""
        self.peripheral.leave()
        await stop(task)
        self.peripheral.return_()

    async def fetch(self, visits: int = 1, pause_ms: int = 60_000) -> None:
        """So many visits, the device away in between."""
        for _ in range(visits):
            await self.go(await self.come(pause_ms))

    def told(self) -> "list[Event]":
        return self.small.events(3)

    def judged(self) -> "tuple[list[int], list[int]]":
        return judged(self.peripheral.made, self.told())
