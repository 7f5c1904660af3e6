"""Seeded schedules of faults against a whole gateway.

One seed is one life of a home: doors, smoke detectors and a dispenser speak, the radio and the dispenser's cable are
pulled, the broker goes, comes, drops, loses and repeats, the platform restarts with and without its store, the
gateway is killed, and its power goes at an append of the schedule's choice. At the end all is healed.

Signatures are stand-ins that anyone could make: nobody forges here, and thousands are needed.
"""

import asyncio

from gateway.hub.waking import stop
from hal.sim.faults import ERROR, POWER_CUT, POWER_CUT_AFTER, Fault, FaultPlan, SeededNumbers
from hal.types import LANES, Message, chain_start
from tools.rig.sim.bench import GATEWAY, HOME, NIGHT_UTC_MS, TENANT, Bench
from tools.rig.sim.platform import RECEIPT_SEED, ROOT_SEED, SimPlatform
from tools.rig.sim.stand_in import CutJournal, StandIn
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

    steps = STEPS

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
        self.forgetful = ForgetfulPlatform(self.broker, TENANT, GATEWAY, self.keystore.public_key)
        self.platform = self.forgetful
        self.doors, self.smokes, self.untold = 0, 0, 0
        self.told: "list[str]" = []
        self.actions = [self.move_door] * 6 + [self.smoke_or_not] * 5 + [self.turn_broker] * 2
        self.actions += [self.drop, self.lose, self.repeat, self.mute, self.kill]
        self.actions += [self.restart_platform, self.empty_platform]
        self.actions += [self.pull_or_plug, self.collect, self.collect, self.radio]

    # --- the gateway's power ------------------------------------------------------------------------------------

    def open_journal(self) -> CutJournal:
        effect = (None, POWER_CUT, POWER_CUT_AFTER, ERROR)[self.numbers.below(4)]
        faults = (
            [Fault("journal", "append", 1 + self.numbers.below(10), effect)] if effect and self.faulty else []
        )
        self.told.append("start " + repr(faults))
        self.cutting = CutJournal(self.medium, random=self.crypto.random, faults=FaultPlan(faults))
        return self.cutting

    async def revive(self) -> None:
        """Start the gateway; where its power goes before it has started, once more."""
        while True:
            starting = asyncio.create_task(self.build().start())
            await self.clock.settle(100)
            if not self.cutting.dead.is_set():
                await starting
                return
            starting.cancel()
            await self.die()

    async def die(self) -> None:
        """The power has gone."""
        self.told.append("the power went")
        self.untold += self.cutting.untold
        await self.cut()

    async def pass_time(self, duration_ms: int) -> None:
        await self.clock.advance(duration_ms)
        if self.cutting.dead.is_set():
            await self.die()
            await self.revive()

    # --- the schedule -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """The whole life: trouble, then healing until nothing is held."""
        await self.platform.start()
        await self.revive()
        far_end = asyncio.create_task(self.dispense())
        for _ in range(self.steps):
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
        self.forgetful.lose_store()
        await self.restart_platform()
