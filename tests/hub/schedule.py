"""Seeded schedules of faults against a whole gateway, and the checker that counts what they cost.

One seed is one life of a home: doors, smoke detectors and a dispenser speak, the radio and the dispenser's cable are
pulled, the broker goes, comes, drops, loses and repeats, the platform restarts with and without its store, the
gateway is killed, and its power goes at an append of the schedule's choice. At the end all is healed; then every
event whose append returned must be at the platform, and every entry of the dispenser's own log, once.

Signatures are stand-ins that anyone could make: nobody forges here, and thousands are needed.
"""

import asyncio
import hashlib

from gateway.hub.waking import stop
from hal.sim.faults import ERROR, POWER_CUT, POWER_CUT_AFTER, Fault, FaultPlan, PowerCutError, SeededNumbers
from hal.sim.journal import SimJournal
from hal.types import LANES, Message, chain_start
from tests.hub.bench import GATEWAY, HOME, NIGHT_UTC_MS, TENANT, Bench
from tests.hub.platform import RECEIPT_SEED, ROOT_SEED, SimPlatform
from tools.simulators.dispenser import DispenserDevice, Dose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.hub.uplink import Delivery

STEPS = 60
PORT = "/dev/ttyS1"
DOSES = 12
BETWEEN_DOSES_MS = 40_000
LONGEST_STEP_MS = 15_000
HEALING_MS = 1_500_000
GATEWAY_SEED = b"g" * 32


class StandIn:
    """In place of Ed25519: the signature follows from public key and message."""

    def public_key(self, seed: bytes) -> bytes:
        return hashlib.sha256(b"key" + seed).digest()

    def sign(self, seed: bytes, message: bytes) -> bytes:
        half = hashlib.sha256(self.public_key(seed) + message).digest()
        return half + half

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        half = hashlib.sha256(public + message).digest()
        return signature == half + half


class CutJournal(SimJournal):
    """When the power goes the program stops where it stands, instead of meeting an error: `dead` is set.

    untold: events of the append at which it stopped, where that took hold and nobody learned of it.
    """

    def __init__(self, *arguments: "Any", **options: "Any") -> None:
        super().__init__(*arguments, **options)
        self.dead = asyncio.Event()
        self.untold = 0

    async def append(self, events: "Any", state: "Any" = None) -> "Any":
        lasts = self.numbers()
        try:
            return await super().append(events, state)
        except PowerCutError:
            if not self.dead.is_set():
                self.untold = self.numbers() - lasts
            await self.stand_still()

    async def ack(self, lane: int, seq: int) -> None:
        try:
            await super().ack(lane, seq)
        except PowerCutError:
            await self.stand_still()

    def peek(self, lane: int, after: int, limit_bytes: int, limit_count: int = 128) -> "Any":
        try:
            return super().peek(lane, after, limit_bytes, limit_count)
        except PowerCutError:
            return []

    def numbers(self) -> int:
        """How many numbers were given so far."""
        return sum([self.mark(lane).last for lane in LANES])

    async def stand_still(self) -> None:
        self.dead.set()
        await asyncio.Event().wait()


class ForgetfulPlatform(SimPlatform):
    """May lose its store; then it goes on from what the state says is held. `ever` is what it ever stored."""

    def __init__(self, *arguments: "Any") -> None:
        super().__init__(*arguments)
        self.ed25519 = StandIn()  # type: ignore[assignment]
        self.root_key = self.ed25519.public_key(ROOT_SEED)
        self.receipt_key = self.ed25519.public_key(RECEIPT_SEED)
        self.ever: "dict[Any, Any]" = {}

    def lose_store(self) -> None:
        self.stored, self.marks, self.epoch = {}, {}, None

    def keep(self, epoch: bytes, lane: int, seq: int, event: bytes, chain: bytes) -> None:
        super().keep(epoch, lane, seq, event, chain)
        decoded, _, identity = self.stored[(epoch, lane, seq)]
        self.ever[(epoch, lane, seq)] = (identity, decoded)

    async def take(self, message: Message) -> None:
        before = len(self.states)
        await super().take(message)
        if len(self.states) > before:
            self.follow(self.states[-1])

    def follow(self, state: "dict[str, Any]") -> None:
        """What the gateway has forgotten was receipted before the store was lost."""
        epoch = state["epoch"]
        if self.epoch is None:
            self.epoch = epoch
        for lane, (first, before, _, _) in state["lanes"].items():
            mark = self.marks.get(lane, [0, chain_start(epoch, lane)])
            if epoch == self.epoch and first > mark[0] + 1:
                self.marks[lane] = [first - 1, before]


class Life(Bench):
    """A home under one seed. With `faulty` the gateway's journal fails and its power goes, too."""

    def __init__(self, seed: int, delivery: "type[Delivery] | None" = None, faulty: bool = True) -> None:
        tree = dict(HOME)
        tree["device"] = HOME["device"] + [{"name": "Dispenser", "driver": "dispenser", "port": PORT}]
        super().__init__(tree, delivery=delivery)
        self.numbers = SeededNumbers(seed)
        self.faulty = faulty
        self.line = self.world.serial_line(PORT)
        self.dispenser = DispenserDevice({}, SeededNumbers(1_000 + seed).take, 0, NIGHT_UTC_MS)
        times = [NIGHT_UTC_MS + BETWEEN_DOSES_MS * number for number in range(1, 1 + DOSES)]
        self.dispenser.set_plan([Dose(at, at, at + BETWEEN_DOSES_MS // 2) for at in times], 0)
        stand_in = StandIn()
        self.keystore._signer = stand_in  # type: ignore[assignment]
        self.keystore._public_key = stand_in.public_key(GATEWAY_SEED)
        self.crypto._verifier = stand_in  # type: ignore[assignment]
        self.crypto._random = self.numbers.take
        self.platform = ForgetfulPlatform(self.broker, TENANT, GATEWAY, self.keystore.public_key)
        self.doors, self.smokes, self.untold = 0, 0, 0
        self.told: "list[str]" = []
        self.actions = [self.move_door] * 6 + [self.smoke_or_not] * 5 + [self.turn_broker] * 2
        self.actions += [self.drop, self.lose, self.repeat, self.mute, self.kill]
        self.actions += [self.restart_platform, self.empty_platform]
        self.actions += [self.pull_or_plug, self.collect, self.collect, self.radio]

    # --- the gateway's power ------------------------------------------------------------------------------------

    def open_journal(self) -> SimJournal:
        effect = (None, POWER_CUT, POWER_CUT_AFTER, ERROR)[self.numbers.below(4)]
        faults = (
            [Fault("journal", "append", 1 + self.numbers.below(10), effect)] if effect and self.faulty else []
        )
        self.told.append("start " + repr(faults))
        return CutJournal(self.medium, random=self.crypto.random, faults=FaultPlan(faults))

    async def revive(self) -> None:
        """Start the gateway; where its power goes before it has started, once more."""
        while True:
            starting = asyncio.create_task(self.build().start())
            await self.clock.settle(100)
            if not self.journal.dead.is_set():
                await starting
                return
            starting.cancel()
            await self.die()

    async def die(self) -> None:
        """The power has gone."""
        self.told.append("the power went")
        self.untold += self.journal.untold
        await self.cut()

    async def pass_time(self, duration_ms: int) -> None:
        await self.clock.advance(duration_ms)
        if self.journal.dead.is_set():
            await self.die()
            await self.revive()

    # --- the schedule -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """The whole life: trouble, then healing until nothing is held."""
        await self.platform.start()
        await self.revive()
        far_end = asyncio.create_task(self.dispense())
        for _ in range(STEPS):
            action = self.actions[self.numbers.below(len(self.actions))]
            self.told.append(action.__name__)
            await action()
            for _ in range(3):
                await self.pass_time(self.numbers.below(LONGEST_STEP_MS // 3))
        await self.heal()
        await stop(far_end)
        await self.end()

    async def dispense(self) -> None:
        """The dispenser at the far end of its line."""
        while True:
            now_ms = self.clock.uptime_ms()
            data = self.line.received()
            self.line.send(self.dispenser.received(data, now_ms) if data else self.dispenser.due(now_ms))
            await self.clock.sleep_ms(500)

    async def heal(self) -> None:
        """Nothing fails any more; what is held goes out."""
        self.faulty, self.journal._faults = False, None
        self.broker.losing = self.broker.repeating = False
        self.platform.receipting = True
        self.broker.start()
        self.line.put_back()
        self.world.restore_adapter()
        await self.restart_platform()
        for _ in range(HEALING_MS // 10_000):
            await self.pass_time(10_000)
            log = self.dispenser.log
            if log.acknowledged == log.newest and all(
                [self.journal.mark(lane).first > self.journal.mark(lane).last for lane in LANES]
            ):
                return
        self.told.append("never drained")

    async def move_door(self) -> None:
        self.doors += 1
        self.door(self.doors % 2 == 1, self.doors % 256)

    async def smoke_or_not(self) -> None:
        self.smokes += 1
        self.smoke(self.smokes % 2 == 1, self.smokes % 256)

    async def turn_broker(self) -> None:
        if self.broker.running:
            self.broker.stop()
            await self.platform.stop()
        else:
            self.broker.start()
            await self.restart_platform()

    async def drop(self) -> None:
        self.broker.drop_connections()
        await self.restart_platform()

    async def lose(self) -> None:
        self.broker.losing = not self.broker.losing

    async def repeat(self) -> None:
        self.broker.repeating = not self.broker.repeating

    async def mute(self) -> None:
        self.platform.receipting = not self.platform.receipting

    async def pull_or_plug(self) -> None:
        if self.line.plugged:
            self.line.pull()
        else:
            self.line.put_back()

    async def radio(self) -> None:
        if self.world.adapter_present:
            self.world.lose_adapter()
        else:
            self.world.restore_adapter()

    async def collect(self) -> None:
        self.dispenser.collect("resident", self.clock.uptime_ms())

    async def kill(self) -> None:
        await self.cut()
        await self.revive()

    async def restart_platform(self) -> None:
        await self.platform.stop()
        if self.broker.running:
            await self.platform.start()
            if self.platform.epoch is not None:
                await self.platform.answer()

    async def empty_platform(self) -> None:
        self.platform.lose_store()
        await self.restart_platform()


ALTERNATING = (
    ("smoke.detected", "smoke.cleared"),
    ("door.night_exit", "door.night_return"),
    ("door.opened", "door.closed"),
)


class Bill:
    """What a life cost: `lost` are events whose append returned and that never arrived; `wrong` is anything else."""

    def __init__(self, life: Life) -> None:
        ever = life.platform.ever
        rows = [fields for _, message, fields in life.logged if message == "stored"]
        stored = {(bytes.fromhex(row["epoch"]), row["lane"], row["seq"]): row for row in rows}
        self.lost = [row["kind"] for key, row in stored.items() if key not in ever]
        self.wrong: "list[str]" = []
        self.events = len(ever)
        self.check(life.told[-1] != "never drained", "events are held for ever")
        self.check(len(stored) == len(rows), "a number was given twice")
        self.check(not life.platform.faults, "one number, two contents: " + repr(life.platform.faults))
        self.check(not life.platform.refused, "refused by the platform: " + repr(life.platform.refused))
        self.check(len({key[0] for key in ever}) <= 1, "an epoch was left")
        for key, row in stored.items():
            if key in ever:
                self.check(ever[key][0].hex() == row["identity"], "another event under " + repr(key[1:]))
        unexpected = len([key for key in ever if key not in stored])
        self.check(unexpected == life.untold or bool(self.lost), "unexpected events: " + str(unexpected))
        identities = {identity for identity, _ in ever.values()}
        self.check(len(identities) == len(ever), "one identity, two events")
        for lane in LANES:
            self.check_lane(lane, ever, rows)
        entries = [event.values["log_number"] for _, event in ever.values() if event.identity is not None]
        if not self.lost:
            self.check(
                sorted(entries) == list(range(1, life.dispenser.log.newest + 1)), "the dispenser's log"
            )

    def check(self, fine: bool, otherwise: str) -> None:
        if not fine:
            self.wrong.append(otherwise)

    def check_lane(self, lane: int, ever: "dict[Any, Any]", rows: "list[Any]") -> None:
        """No hole, no inversion, and states that alternate: what was missed or told twice would show."""
        numbers = sorted([key[2] for key in ever if key[1] == lane])
        if not self.lost:
            self.check(numbers == list(range(1, len(numbers) + 1)), "a hole in lane " + str(lane))
        asked = [row["seq"] for row in rows if row["lane"] == lane]
        self.check(asked == sorted(asked), "an inversion in lane " + str(lane))
        in_order = sorted([(key[2], event.kind) for key, (_, event) in ever.items() if key[1] == lane])
        for begins, ends in ALTERNATING:
            kinds = [kind for _, kind in in_order if kind in (begins, ends)]
            repeated = [index for index in range(1, len(kinds)) if kinds[index] == kinds[index - 1]]
            if not self.lost:
                self.check(not repeated, "a state told twice or not at all: " + begins)


def live(seed: int, delivery: "type[Delivery] | None" = None, faulty: bool = True) -> "tuple[Life, Bill]":
    """One life and what it cost."""
    lives: "list[Life]" = []

    async def run() -> None:
        life = Life(seed, delivery, faulty)
        lives.append(life)
        await life.run()

    asyncio.run(run())
    return lives[0], Bill(lives[0])
