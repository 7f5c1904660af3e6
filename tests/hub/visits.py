"""One peripheral and whoever visits it, for tests of links and of bonds."""

import asyncio

from gateway.core.devices.driver import GattDriver, Reading, Step
from gateway.core.model import Observation
from gateway.hub.air import Visitor
from hal.sim.central import SimCentral
from hal.sim.peripheral import SimPeripheral
from tests.hub.small import Small, begun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ADDRESS = "C0:00:00:00:00:03"


class Scale(GattDriver):
    """Reads its model, writes the time, subscribes; each notification is one count."""

    name = "scale"
    pairing = "authenticated"

    def steps(self, characteristics: "list[str]") -> "list[Step]":
        return [
            Step("read", "2a24"),
            Step("write", "2a08", b"\x01"),
            Step("subscribe", "2a9d"),
            Step("subscribe", "2a19"),
        ]

    def read(self, characteristic: str, value: bytes, now_ms: int) -> Reading:
        return Reading([Observation("device.described", {"model": value.decode()})])

    def notified(self, characteristic: str, value: bytes, now_ms: int) -> Reading:
        return Reading([Observation("oximetry.measured", {"spo2_pct": value[0]})])


class Loose(Scale):
    """Just Works will do."""

    name = "loose"
    pairing = "weak"


class Open(Scale):
    """Needs no pairing."""

    name = "open"
    pairing = "none"


class Visit:
    """One peripheral and whoever visits it."""

    def __init__(
        self,
        small: Small,
        kind: "type[GattDriver]" = Loose,
        code: "int | None" = None,
        central: "type[SimCentral]" = SimCentral,
        **peripheral: "Any",
    ) -> None:
        self.small = small
        served = {"2a24": b"M1", "2a08": b"", "2a9d": b"", "2a19": b"\x64"}
        values: "dict[str, Any]" = {"characteristics": served}
        values.update(peripheral)
        self.peripheral = small.world.add_peripheral(SimPeripheral(ADDRESS, **values))
        self.central = central(small.world)
        self.device = small.device(kind, address=ADDRESS)
        self.device.passkey = code
        self.bonded: "list[int | None]" = []
        self.near = asyncio.Event()
        self.visitor = Visitor(
            self.device,
            self.central,
            self.near,
            small.intake,
            small.clock,
            lambda: 0,
            lambda: self.bonded.append(self.device.bond),
        )

    async def begin(self, heard: bool = True) -> "asyncio.Task[None]":
        if heard:
            self.near.set()
        return await begun(self.visitor.run, self.small.clock)

    async def measure(self, *values: int) -> None:
        for value in values:
            self.peripheral.notify("2a9d", bytes([value]))
        await self.small.clock.settle()

    def measured(self) -> "list[object]":
        return [event.values["spo2_pct"] for event in self.small.events(3)]
