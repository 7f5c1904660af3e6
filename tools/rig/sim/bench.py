"""A whole gateway in the simulation, on both interpreters: one call builds it, the back doors stay open."""

import asyncio

from gateway.core.config import validate
from gateway.core.devices.registry import driver
from gateway.hub.app import App, Machine
from hal.sim.central import SimCentral
from hal.sim.clock import SimClock
from hal.sim.crypto import SimCrypto
from hal.sim.indicator import SimIndicator
from hal.sim.journal import SimJournal
from hal.sim.keystore import SimKeyStore
from hal.sim.medium import SimMedium
from hal.sim.network import SimNetwork
from hal.sim.scanner import SimScanner
from hal.sim.serial_ports import SimSerialPorts
from hal.sim.uplink import SimBroker, SimUplink
from hal.sim.watchdog import SimWatchdog
from hal.sim.world import World
from tools.rig.sim.platform import SimPlatform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from gateway.core.devices.driver import Driver
    from gateway.hub.uplink import Delivery
    from hal.interfaces import Clock
    from hal.sim.faults import FaultPlan

TENANT, GATEWAY = "oslo", "hub-1"
DOOR, SMOKE, OXIMETER = "C0:00:00:00:00:01", "C0:00:00:00:00:02", "C0:00:00:00:00:03"
NIGHT_UTC_MS = 1_795_309_800_000  # 2026-11-22 02:10 in Oslo
DAY_UTC_MS = NIGHT_UTC_MS + 10 * 3_600_000

HOME: "dict[str, Any]" = {
    "hub": {"id": GATEWAY, "tenant": TENANT, "language": "nb", "time_zone": "Europe/Oslo"},
    "uplink": {"brokers": ["mqtt://127.0.0.1:1883"]},
    "platform": {"root_public_key": "00" * 32},
    "device": [
        {"name": "Front door", "driver": "bthome", "address": DOOR, "room": "hall", "interval_s": 600},
        {"name": "Smoke", "driver": "bthome", "address": SMOKE, "room": "kitchen"},
    ],
    "rule": [{"type": "night_window", "device": "Front door", "from": "22:00", "to": "06:00"}],
}


class Seeded:
    """Repeatable bytes: a counter through SHA-256 is more than these tests need."""

    def __init__(self, seed: int = 1) -> None:
        self.value = seed

    def __call__(self, size: int) -> bytes:
        out = b""
        while len(out) < size:
            self.value = (self.value * 1_103_515_245 + 12_345) % 2_147_483_648
            out += bytes([(self.value >> 16) & 255])
        return out


class Bench:
    """One gateway, one broker, one platform; `medium` survives what `cut` does to the rest."""

    def __init__(
        self,
        tree: "dict[str, Any] | None" = None,
        utc_ms: "int | None" = NIGHT_UTC_MS,
        capacity_bytes: int = 1 << 20,
        delivery: "type[Delivery] | None" = None,
        faults: "FaultPlan | None" = None,
    ) -> None:
        self.tree = tree if tree is not None else HOME
        self.clock = SimClock(utc_ms=utc_ms)
        self.world = World(self.clock)
        self.bonds: "dict[str, tuple[int, int]]" = {}
        self.broker = SimBroker()
        self.medium = SimMedium()
        self.capacity_bytes = capacity_bytes
        self.delivery = delivery
        self.faults = faults
        self.keystore = SimKeyStore(b"g" * 32)
        self.crypto = SimCrypto(self.keystore, random=Seeded())
        self.platform = SimPlatform(self.broker, TENANT, GATEWAY, self.keystore.public_key)
        self.brokers = [self.broker]
        self.network = SimNetwork()
        self.driver_of: "Callable[[str], type[Driver]]" = driver
        self.options: "dict[str, Any]" = {}  # for App: passkeys, started, fault
        self.limits: "dict[str, int]" = {}  # of the machine: most_bundle_bytes, check_gap_ms
        self.logged: "list[tuple[str, str, dict[str, Any]]]" = []
        self.app: "Any" = None

    def log(self, level: str, message: str, **fields: object) -> None:
        self.logged.append((level, message, fields))

    def open_journal(self) -> SimJournal:
        """The journal of a fresh process."""
        return SimJournal(
            self.medium, capacity_bytes=self.capacity_bytes, random=self.crypto.random, faults=self.faults
        )

    def hub_clock(self) -> "Clock":
        """The clock of a fresh process."""
        return self.clock

    def build(self) -> App:
        """A fresh process over the same medium."""
        tree = dict(self.tree)
        tree["uplink"] = {"brokers": ["mqtt://127.0.0.1:" + str(1883 + n) for n in range(len(self.brokers))]}
        self.journal = self.open_journal()
        self.indicator, self.watchdog = SimIndicator(), SimWatchdog(self.clock)
        machine = Machine(
            self.hub_clock(),
            self.journal,
            self.keystore,
            self.crypto,
            [SimUplink(broker, GATEWAY) for broker in self.brokers],
            self.network,
            self.indicator,
            self.watchdog,
            SimScanner(self.world),
            SimCentral(self.world, self.bonds),
            SimSerialPorts(self.world),
            **self.limits,
        )
        extra = dict(self.options)
        if self.delivery is not None:
            extra["delivery"] = self.delivery
        app = App(
            validate(tree, "hub.toml"),
            machine,
            [self.platform.root_key],
            self.driver_of,
            "trygg test",
            self.log,
            **extra,
        )
        self.app = app
        return app

    async def start(self) -> None:
        """Platform first, then the gateway."""
        await self.platform.start()
        await self.build().start()
        await self.clock.advance(3_000)

    async def pair(self, name: str, code: str = "") -> "dict[str, object]":
        """What a technician does with `trygg pair`: open the window, and put the device in pairing mode."""
        self.app.pairing.open(name, code=code)
        device = self.app.pairing.named(name)
        self.world.advertise(device.config.address, service_uuids=(device.driver.service,))
        await self.clock.advance(1_000)
        facts: "dict[str, object]" = self.app.pairing.facts()
        return facts

    async def cut(self) -> None:
        """SIGKILL: nothing is said, nothing is flushed."""
        await self.app.parts.stop()
        await self.app.delivery.ended()
        self.medium.cut()

    async def end(self) -> None:
        """Stop what the test started."""
        await self.app.parts.stop()
        await self.app.delivery.ended()
        await self.platform.stop()

    def door(self, is_open: bool, packet: int) -> None:
        """The door sensor broadcasts."""
        self.world.advertise(DOOR, {"fcd2": bytes([0x44, 0x00, packet, 0x1A, int(is_open)])})

    def smoke(self, detected: bool, packet: int) -> None:
        """The smoke detector broadcasts."""
        self.world.advertise(SMOKE, {"fcd2": bytes([0x44, 0x00, packet, 0x29, int(detected)])})


def play(
    scene: "Callable[[Bench], Coroutine[object, object, None]]", make: "type[Bench]" = Bench, **options: "Any"
) -> None:
    """Run `scene(bench)` on a started bench, from an own loop."""

    async def run() -> None:
        bench = make(**options)
        await bench.start()
        try:
            await scene(bench)
        finally:
            await bench.end()

    asyncio.run(run())
