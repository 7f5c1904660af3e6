"""The hub without its app: recorder and intake over a simulated machine, for tests of one module at a time."""

import asyncio

from gateway.core.config import DeviceConfig
from gateway.core.devices.driver import Context
from gateway.core.event_codec import decode_event
from gateway.core.rules.engine import Engine
from gateway.core.supervision import Supervision
from gateway.hub.devices import Device, device_key
from gateway.hub.intake import Intake
from gateway.hub.recorder import Recorder
from hal.sim.clock import SimClock
from hal.sim.crypto import SimCrypto
from hal.sim.journal import SimJournal
from hal.sim.keystore import SimKeyStore
from hal.sim.medium import SimMedium
from hal.sim.world import World
from hal.types import LANES
from tests.hub.bench import NIGHT_UTC_MS, Seeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from gateway.core.devices.driver import Driver
    from gateway.core.model import Event
    from gateway.core.rules.engine import Rule
    from gateway.core.rules.recording import Recording
    from hal.sim.faults import FaultPlan

BOOT = 77
PLACEMENT = 5


class HeldJournal(SimJournal):
    """Appends wait until `go` is set: the moment between asking and durable can be looked at."""

    def __init__(self, medium: SimMedium, random: "Callable[[int], bytes]") -> None:
        super().__init__(medium, random=random)
        self.go = asyncio.Event()
        self.go.set()
        self.asked = 0

    async def append(self, events: "Any", state: "Any" = None) -> "Any":
        self.asked += 1
        await self.go.wait()
        return await super().append(events, state)


class Small:
    """`restart` is a power cut: only `medium` is left."""

    def __init__(
        self,
        rules: "Callable[[dict[str, bytes]], list[Rule]] | None" = None,
        recordings: "dict[int, Recording] | None" = None,
        capacity_bytes: int = 1 << 20,
        faults: "FaultPlan | None" = None,
        utc_ms: "int | None" = NIGHT_UTC_MS,
    ) -> None:
        self.rules = rules
        self.recordings = recordings if recordings is not None else {}
        self.capacity_bytes = capacity_bytes
        self.faults = faults
        self.clock = SimClock(utc_ms=utc_ms)
        self.world = World(self.clock)
        self.medium = SimMedium()
        self.random = Seeded()
        self.crypto = SimCrypto(SimKeyStore(b"g" * 32), random=self.random)
        self.logged: "list[tuple[str, str, dict[str, Any]]]" = []
        self.described = 0
        self.start()

    def start(self) -> None:
        """A fresh process over the same medium."""
        self.use(
            SimJournal(
                self.medium, capacity_bytes=self.capacity_bytes, random=self.random, faults=self.faults
            )
        )

    def use(self, journal: SimJournal) -> None:
        """Recorder and intake over `journal`."""
        self.journal = journal
        stored = {key: journal.state(key) or b"" for key in journal.state_keys("")}
        rules = self.rules(stored) if self.rules is not None else []
        engine = Engine(rules, self.recordings, self.random, stored)
        self.recorder = Recorder(journal, self.clock, self.crypto, engine, BOOT, self.log)
        self.supervision = Supervision()
        self.intake = Intake(self.recorder, self.supervision, self.log, self.note_described)

    def hold(self) -> HeldJournal:
        """Go on over a journal whose appends can be held."""
        self.medium.cut()
        held = HeldJournal(self.medium, self.random)
        self.use(held)
        return held

    def restart(self) -> None:
        self.medium.cut()
        self.start()

    def log(self, level: str, message: str, **fields: object) -> None:
        self.logged.append((level, message, fields))

    def note_described(self) -> None:
        self.described += 1

    def device(
        self, kind: "type[Driver]", name: str = "Thing", placement: int = PLACEMENT, **config: "Any"
    ) -> Device:
        """A device in use, its driver's state read from the journal."""
        values: "dict[str, Any]" = {"name": name, "driver": kind.name, "address": None, "port": None}
        values.update({"room": None, "key": None, "passkey_ref": None, "interval_s": None, "record": "all"})
        values.update({"maker": None, "model": None, "options": {}})
        values.update(config)

        def stored(key: str) -> "bytes | None":
            return self.journal.state(device_key(placement, key))

        context = Context(values["address"] or "", values["options"], self.crypto, stored, values["key"])
        device = Device(DeviceConfig(values), placement, kind(context))
        device.restore(stored(Device.KEPT))
        return device

    def events(self, lane: "int | None" = None) -> "list[Event]":
        """What the journal holds, lane by lane."""
        lanes = LANES if lane is None else (lane,)
        return [
            decode_event(entry.event)
            for number in lanes
            for entry in self.journal.peek(number, 0, 1 << 20, 10_000)
        ]

    def kinds(self, lane: "int | None" = None) -> "list[str]":
        """Kinds of what the journal holds."""
        return [event.kind for event in self.events(lane)]

    def messages(self) -> "list[str]":
        """What was logged."""
        return [message for _, message, _ in self.logged]


def play(scene: "Callable[..., Coroutine[object, object, None]]", *arguments: "Any") -> None:
    """Run `scene(*arguments)` on an own loop."""
    asyncio.run(scene(*arguments))


async def begun(run: "Callable[[], Any]", clock: SimClock) -> "asyncio.Task[None]":
    """A part that runs, and has done all it can do now."""
    task = asyncio.create_task(run())
    await clock.settle()
    return task
