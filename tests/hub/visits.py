"""One peripheral and whoever visits it, for tests of links and of bonds."""

import asyncio

from gateway.core.devices.driver import GattDriver, Reading, Step
from gateway.core.model import Observation
from gateway.hub.air import Visitor
from gateway.hub.pairing import Pairing
from gateway.hub.waking import stop
from hal.sim.central import SimCentral
from hal.sim.peripheral import SimPeripheral
from hal.types import Advertisement
from tests.hub.small import HeldJournal, Small, begun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ADDRESS = "C0:00:00:00:00:03"
SERVICE = "181d"


class Scale(GattDriver):
    """Reads its model, writes the time, subscribes; each notification is one count."""

    name = "scale"
    service = SERVICE
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


DRIVERS = {kind.name: kind for kind in (Scale, Loose, Open)}


class Visit:
    """One peripheral and whoever visits it, and a technician who pairs it. `bonds` outlive a restart."""

    def __init__(
        self,
        small: Small,
        kind: "type[GattDriver]" = Loose,
        code: "int | None" = None,
        central: "type[SimCentral]" = SimCentral,
        bonds: "dict[str, tuple[int, int]] | None" = None,
        **peripheral: "Any",
    ) -> None:
        self.small = small
        served = {"2a24": b"M1", "2a08": b"", "2a9d": b"", "2a19": b"\x64"}
        values: "dict[str, Any]" = {"characteristics": served}
        values.update(peripheral)
        self.peripheral = small.world.add_peripheral(SimPeripheral(ADDRESS, **values))
        self.bonds = bonds if bonds is not None else {}
        self.central = central(small.world, self.bonds)
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
            self.note_bond,
        )
        self.scans: "list[str]" = []  # the service of strangers that the listener was asked for, "" for none
        drivers = dict(DRIVERS)
        drivers[kind.name] = kind
        self.pairing = Pairing(
            [self.device],
            self.central,
            small.recorder,
            lambda name: drivers[name],
            small.log,
            self.listen,
            self.note_bond,
        )
        self.pairing.visitors[self.device.placement] = self.visitor

    def hold(self) -> HeldJournal:
        """Go on over a journal whose appends can be held."""
        held = self.small.hold()
        self.visitor.intake, self.pairing.recorder = self.small.intake, self.small.recorder
        return held

    def note_bond(self) -> None:
        self.bonded.append(self.device.bond)

    async def listen(self, offering: str) -> None:
        self.scans.append(offering)

    def hear(self, address: str = ADDRESS, name: "str | None" = None) -> None:
        """Somebody advertises the service."""
        now_ms = self.small.clock.uptime_ms()
        self.pairing.heard(Advertisement(address, -50, now_ms, {}, (SERVICE,), name=name))

    async def pair(self, code: str = "") -> str:
        """The technician opens the window, and the device is heard: the state it ends in."""
        task = await begun(self.pairing.run, self.small.clock)
        self.pairing.open(self.device.config.name, code=code)
        for _ in range(2):  # once more where the bond that is stored was in the way
            self.hear()
            await self.small.clock.settle()
        await stop(task)
        return str(self.pairing.facts()["state"])

    async def begin(self, heard: bool = True, paired: bool = True) -> "asyncio.Task[None]":
        """The visitor runs; the technician was here before, unless the device needs none."""
        if paired and not self.device.is_paired:
            await self.pair()
            self.near.clear()
        if heard:
            self.near.set()
        return await begun(self.visitor.run, self.small.clock)

    async def measure(self, *values: int) -> None:
        for value in values:
            self.peripheral.notify("2a9d", bytes([value]))
        await self.small.clock.settle()

    def measured(self) -> "list[object]":
        return [event.values["spo2_pct"] for event in self.small.events(3)]
