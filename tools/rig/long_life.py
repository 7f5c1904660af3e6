"""One seed is one long life of a home: thousands of events, in bursts, through everything that can befall their way.

The hub is the product's, over a simulated machine; the platform is the reference receiver; the clock jumps. What
befalls them is drawn from the seed, phase by phase: see `PHASES`. Then all is healed, and must drain.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from gateway.hub.app import App
from gateway.hub.losses import DROPPED_EVERY_MS
from gateway.hub.supervise import BEAT_MS
from gateway.hub.uplink import Delivery
from hal.interfaces import Clock
from hal.sim.faults import ERROR, FULL, POWER_CUT, POWER_CUT_AFTER, Fault, FaultPlan
from hal.sim.journal import SimJournal
from hal.types import LANES
from tools.rig.brokers import Broker
from tools.rig.kept_clock import KeptClock
from tools.rig.quick_clock import QuickClock, run_quickly
from tools.rig.sensors import Sensors
from tools.rig.sim.bench import GATEWAY, HOME, NIGHT_UTC_MS, TENANT, Bench
from tools.rig.sim.stand_in import StandIn
from tools.rig.sim.telling_journal import TellingJournal
from tools.rig.sim.total_queue import History, Verdict
from tools.rig.sim_receiver import SimReceiver
from tools.rig.troubles import BURST_LONGEST, PHASE_MS, PHASES, Phase

OFTEN = 12  # weight of the phase that a kind wants often
HEALING_MS = 3_600_000
HEALED_STEP_MS = 20_000
FOUND_AGAIN_MS = 150_000  # a gateway finds a broker that came back within twice its longest pause
# What a figure of such lives speaks of.
MODULES = (
    *("gateway/core", "gateway/hub", "hal/linux/clock.py", "hal/sim", "hal/types.py"),
    *("tools/platform", "tools/rig/sim"),
    *(
        "tools/rig/" + name + ".py"
        for name in (
            "brokers",
            "kept_clock",
            "long_life",
            "quick_clock",
            "sensors",
            "sim_receiver",
            "troubles",
        )
    ),
)
STORES = (24 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 4 << 20)  # bytes: one of them by the seed
NTH_CUT = 600  # a power cut comes within so many appends of a start
FAILED, SHED = "A part failed and starts again.", "No room in the store nor in memory: events are lost."


@dataclass(frozen=True)
class Kind:
    """What a life is made of, so that a control can be unsafe and nothing else different.

    delivery, journal: classes of the hub's way out and of its journal. alter: done to each fresh process. epoch: the same
    in every life, where it is given. kills: whether the gateway's power goes. stale: whether a broker has a receipt of a
    former life, of numbers yet to come, when a first backlog waits. often: a phase that comes more often. judges_time: whether the
    hub's clock is the product's own, over the machine's.
    """

    delivery: type[Delivery] | None = None
    journal: type[TellingJournal] = TellingJournal
    alter: Callable[[App], None] = lambda _app: None
    epoch: bytes = b""
    kills: bool = True
    stale: bool = False
    often: Phase | None = None
    judges_time: bool = False


SAFE = Kind()


class Played(Protocol):
    """A life with a story of its own."""

    async def scene(self) -> None:
        """All of it, from the start of the platform to the judgement."""


PlayedT = TypeVar("PlayedT", bound=Played)


def played(make: Callable[[], PlayedT]) -> PlayedT:
    """Make a life on a loop of its own, and let its scene pass."""

    async def run() -> PlayedT:
        life = make()
        await life.scene()
        return life

    return run_quickly(run)


def first_of(seed: int) -> int:
    """The seed of the first life of a run: lives count up from it, and runs whose seeds are near do not meet."""
    return random.Random(seed).randrange(1 << 31)


class LongLife(Bench):
    """`events` is how many are asked for; a life ends with the phase in which they are reached."""

    def __init__(self, seed: int, events: int, kind: Kind = SAFE) -> None:
        super().__init__(dict(HOME), delivery=kind.delivery)
        self.seed, self.wanted, self.kind = seed, events, kind
        self.random = random.Random(seed)
        self.clock = QuickClock(utc_ms=NIGHT_UTC_MS)
        self.world.clock = self.clock
        self.sensors = Sensors(self.world, self.random)
        self.tree["device"] = self.sensors.devices
        self.tree["rule"] = self.sensors.rules
        self.capacity_bytes = self.random.choice(STORES)
        self.history = History()
        self.faulty = True
        self.use_stand_ins()
        self.homes = [Broker(self.clock) for _ in range(self.random.choice((1, 1, 2, 3)))]
        self.brokers = list(self.homes)
        self.receiver = SimReceiver(
            self.homes, self.clock, (TENANT, GATEWAY), self.keystore.public_key, self.history, NIGHT_UTC_MS
        )
        self.platform.root_key = self.receiver.root_key
        self.told: list[str] = []
        self.failed: list[str] = []  # parts of the hub that failed: a bug of ours, whatever befell it
        self.shed = 0  # routine events that found no room to be stored, and were never promised
        self.starts = 0
        self.kept_clock: KeptClock | None = None
        self.floor_ms = 0
        self.phases = [phase for phase, weight in PHASES for _ in range(weight)]
        self.phases += [kind.often] * OFTEN if kind.often else []

    def use_stand_ins(self) -> None:
        """Signatures that cost nothing, and random numbers of the seed."""
        stand_in = StandIn()
        self.keystore._signer = stand_in  # type: ignore[assignment]
        self.keystore._public_key = stand_in.public_key(b"g" * 32)
        self.crypto._verifier = stand_in  # type: ignore[assignment]
        self.crypto._random = self.random.randbytes

    def log(self, level: str, message: str, **fields: object) -> None:
        """Of what the hub says of itself only its own failures are kept."""
        if message == FAILED:
            self.failed.append(f"{fields['part']}: {fields['cause']}")
        if message in (FAILED, SHED):
            self.shed += message == SHED
            self.tell(message, fields)

    def tell(self, *words: object) -> None:
        """The story, for whoever replays the seed."""
        self.told.append(
            f"{self.clock.uptime_ms() / 1000:>10.3f} s  " + " ".join(str(word) for word in words)
        )

    # --- the gateway's power --------------------------------------------------------------------------------------

    def hub_clock(self) -> Clock:
        """The machine's clock believed as it is, or judged by the product's, which keeps what it last believed."""
        if not self.kind.judges_time:
            return self.clock
        believed_ms = None if self.kept_clock is None else self.kept_clock.utc_ms()
        self.floor_ms = max(self.floor_ms, believed_ms or 0)
        self.kept_clock = KeptClock(self.clock, self.floor_ms)
        return self.kept_clock

    def open_journal(self) -> SimJournal:
        """The journal of a fresh process, with what shall befall it."""
        faults: list[Fault] = []
        if self.faulty and self.kind.kills:
            faults = [self.fault() for _ in range(self.random.choice((0, 0, 1, 1, 2)))]
        self.tell("the gateway starts;", faults or "nothing shall befall its journal")
        self.starts += 1
        self.telling = self.kind.journal(
            self.history,
            self.medium,
            capacity_bytes=self.capacity_bytes,
            random=(lambda _size: self.kind.epoch) if self.kind.epoch else self.crypto.random,
            faults=FaultPlan(faults),
        )
        return self.telling

    def fault(self) -> Fault:
        """A cut, an error or a refusal at one call to come."""
        operation = self.random.choice(
            ("append", "append", "append", "ack", "begin_epoch", "confirm_given_up")
        )
        effects = (POWER_CUT, POWER_CUT_AFTER, ERROR, FULL) if operation == "append" else (POWER_CUT, ERROR)
        nth = 1 + self.random.randrange(NTH_CUT if operation == "append" else 40)
        return Fault("journal", operation, nth, self.random.choice(effects))

    async def revive(self) -> None:
        """Start the gateway, again where its power goes before it has started."""
        while True:
            app = self.build()
            self.kind.alter(app)
            starting = asyncio.create_task(app.start())
            await self.clock.settle()
            if starting.done() and not self.telling.dead.is_set() and not starting.exception():
                return
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            self.tell("it did not start")
            await self.cut()

    async def cut(self) -> None:
        """The power goes, or somebody kills it: what the journal promised is on its medium."""
        await super().cut()
        self.telling.power_went()

    async def pass_time(self, duration_ms: int) -> None:
        """Time goes on; a gateway without power, or one that gave up, starts again."""
        end_ms = self.clock.uptime_ms() + duration_ms
        while self.clock.uptime_ms() < end_ms:
            await self.clock.advance(min(5_000, end_ms - self.clock.uptime_ms()))
            for broker in self.homes:
                broker.release()
            if self.telling.dead.is_set() or self.app.parts.given_up.is_set():
                self.tell("the power went" if self.telling.dead.is_set() else "the process gave up")
                await self.cut()
                await self.revive()

    # --- the life -------------------------------------------------------------------------------------------------

    async def run(self) -> Verdict:
        """Trouble until there are events enough, then healing; what it comes to."""
        await self.begin()
        if self.kind.stale:
            await self.former_life()
        while len(self.history.promised) < self.wanted:
            phase = self.random.choice(self.phases)
            self.tell(phase.__name__.replace("_", " "))
            await phase(self)
            await self.pass_time(self.random.randrange(PHASE_MS // 4))
        return await self.finish()

    async def begin(self) -> None:
        """Platform first, then the gateway."""
        self.receiver.start()
        await self.revive()
        await self.pair_oximeter()

    async def pair_oximeter(self) -> None:
        """The technician's visit: it is paired where it is in use, once more where the power goes meanwhile."""
        address = self.sensors.oximeter.address
        while address not in self.bonds and any(row["driver"] == "plx" for row in self.tree["device"]):
            if not self.app.pairing.is_open():
                self.app.pairing.open(driver="plx")
            self.world.advertise(address, service_uuids=("1822",))
            await self.pass_time(1_000)

    async def finish(self) -> Verdict:
        """Heal, stop everything, and judge."""
        drained = await self.heal()
        await self.app.parts.stop()
        await self.app.delivery.ended()
        await self.receiver.end()
        verdict = Verdict(self.history)
        if not drained:
            verdict.lost.append("never drained: " + self.held())
        if verdict.overtaken and not any(broker.lossy for broker in self.homes):
            verdict.inverted.append(f"{verdict.overtaken} arrived late over brokers that lost nothing")
        self.receiver.close()
        return verdict

    def epochs(self) -> set[bytes]:
        """Epochs that the journal had."""
        return {epoch for epoch, _, _ in self.history.numbers}

    def held(self) -> str:
        """What the journal still holds, lane by lane."""
        marks = [self.telling.mark(lane) for lane in LANES]
        return ", ".join(f"lane {lane} {mark.last - mark.first + 1}" for lane, mark in enumerate(marks))

    async def burst(self, longest: int = BURST_LONGEST) -> None:
        """Sensors speak: many at once, then a moment, some times over."""
        for _ in range(1 + self.random.randrange(6)):
            for _ in range(1 + self.random.randrange(longest)):
                self.sensors.speak()
            await self.pass_time(self.random.choice((20, 300, 1_000, 4_000)))

    async def former_life(self) -> None:
        """A backlog waits for a broker that has a receipt from before the card was changed."""
        lanes: dict[int, list[Any]] = {lane: [1_000_000, self.random.randbytes(16)] for lane in LANES}
        receipt = self.receiver.receipt(self.telling.epoch, lanes)
        for broker in self.homes:
            broker.stop()
            broker.retained[self.receiver.topic("receipt")] = receipt
        self.receiver.unlink()
        while len(self.history.promised) < self.wanted // 2:
            await self.burst()
        for broker in self.homes:
            broker.start()
        await self.pass_time(FOUND_AGAIN_MS)
        self.receiver.link()

    async def heal(self) -> bool:
        """Nothing fails any more; whether all that is held goes out."""
        self.tell("healing")
        self.faulty = False
        self.telling._faults = None
        self.receiver.muted = False
        for broker in self.homes:
            broker.losing = broker.repeating = broker.silent = False
            broker.denying, broker.late_ms = "", None
            broker.release(everything=True)
            broker.release_pubacks()
            broker.start()
        self.clock.set_utc(NIGHT_UTC_MS + self.clock.uptime_ms())
        self.receiver.link()
        await self.drain()
        await self.pass_time(DROPPED_EVERY_MS + 2 * BEAT_MS)  # what was given up last is said by then
        return await self.drain()

    async def drain(self) -> bool:
        """Wait until the journal holds nothing; whether it came to that."""
        for _ in range(HEALING_MS // HEALED_STEP_MS):
            if all(self.telling.mark(lane).first > self.telling.mark(lane).last for lane in LANES):
                return True
            await self.pass_time(HEALED_STEP_MS)
        return False
