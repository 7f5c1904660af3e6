"""Seeded schedules against a dispenser and the gateway that reads it: each dose event once, or it is said.

One seed is one life: the line loses, damages, cuts and repeats frames, the cable is pulled, the dispenser and the gateway
lose power, the gateway's journal fails at an append of the schedule's choice, and meanwhile doses are put out, collected,
taken along, missed, and refilled. At the end all is healed. Broker, platform, clock and both ends of the line are simulated.
"""

from gateway.core.devices.dispenser import Dispenser
from gateway.core.devices.registry import driver
from tools.rig.sim.bench import NIGHT_UTC_MS
from tools.rig.sim.life import Life
from tools.simulators.dispenser import DispenserDevice, Dose
from tools.simulators.dispenser_plan import OFFERED, PLANNED
from tools.simulators.noisy_line import NoisyLine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.core.devices.dispenser_log import Turn
    from gateway.core.devices.dispenser_messages import Frame
    from gateway.core.devices.driver import Driver, Reading

LINES: "tuple[dict[str, int], ...]" = (
    {},
    {"lost": 300},
    {"damaged": 200, "cut": 100, "noise": 200, "piece": 30},
    {"repeated": 500, "piece": 5},
    {"lost": 150, "damaged": 100, "cut": 50, "repeated": 150, "noise": 100, "piece": 9},
)
STEPS = 40
TICK_MS = 250
LONGEST_OFF_MS = 20_000
DOSES = 10
BETWEEN_MS, WINDOW_MS = 30_000, 15_000
CLOSED_KINDS = ("dose.collected", "dose.missed", "dose.wrong_time")


class Recorded(DispenserDevice):
    """The reference, which remembers outside itself what it ever logged: the ground truth of a life.

    thrifty: it frees an entry as soon as it is acknowledged, as a small memory must.
    """

    def __init__(self, *arguments: "Any", **settings: "Any") -> None:
        self.truth: "dict[int, tuple[str, object]]" = {}
        self.thrifty = False
        super().__init__(*arguments, **settings)

    def log_event(self, kind: str, now_ms: int, **fields: object) -> int:
        dose_id = fields.get("dose_id")
        number = super().log_event(kind, now_ms, **fields)
        self.truth[number] = (kind, dose_id)
        return number

    def received(self, data: bytes, now_ms: int) -> bytes:
        out = super().received(data, now_ms)
        if self.thrifty:
            for number in range(self.log.first, self.log.acknowledged + 1):
                del self.log.held[number]
        return out


class DoseLife(Life):
    """A home with a dispenser under one seed."""

    steps = STEPS

    def __init__(self, seed: int, driver_class: "type[Driver] | None" = None) -> None:
        super().__init__(seed)
        if driver_class is not None:
            self.driver_of = lambda name: driver_class if name == "dispenser" else driver(name)
        noise = LINES[seed % len(LINES)]
        self.to_hub, self.to_device = NoisyLine(2 * seed, **noise), NoisyLine(2 * seed + 1, **noise)
        self.device = Recorded({}, self.numbers.take, 0, NIGHT_UTC_MS)
        self.device.thrifty = seed % 2 == 1
        self.dispenser = self.device
        times = [NIGHT_UTC_MS + BETWEEN_MS * number for number in range(1, 1 + DOSES)]
        self.plan = [Dose(number, at, at + WINDOW_MS) for number, at in enumerate(times, 1)]
        self.device.refill(DOSES, 0)
        self.device.set_plan(self.plan, 0)
        self.dark_until_ms = 0
        self.seen_faults = 0  # of the line, before it was healed
        self.actions = [self.pull_or_plug] * 3 + [self.collect] * 4 + [self.reset] * 2 + [self.kill]
        self.actions += [self.take_early, self.withdraw, self.lid, self.refill, self.move_door]

    async def dispense(self) -> None:
        """The dispenser at the far end of a line that is not to be trusted."""
        while True:
            now_ms = self.clock.uptime_ms()
            heard = b"".join(self.to_device.carry(self.line.received()))
            if now_ms >= self.dark_until_ms:
                out = self.device.received(heard, now_ms) if heard else self.device.due(now_ms)
                for piece in self.to_hub.carry(out):
                    self.line.send(piece)
            await self.clock.sleep_ms(TICK_MS)

    async def heal(self) -> None:
        """The line, too, is sound from now on."""
        self.seen_faults = self.to_hub.faults + self.to_device.faults
        self.to_hub, self.to_device = NoisyLine(1), NoisyLine(2)
        await super().heal()

    @property
    def is_dark(self) -> bool:
        """Whether the dispenser has no power."""
        return self.clock.uptime_ms() < self.dark_until_ms

    async def reset(self) -> None:
        """The dispenser loses its power, and at times its clock."""
        if not self.is_dark:
            off_ms = self.numbers.below(LONGEST_OFF_MS)
            now_ms = self.clock.uptime_ms()
            self.dark_until_ms = now_ms + off_ms
            self.device.power_cut(now_ms, off_ms, keeps_clock=self.numbers.below(2) == 0)

    async def collect(self) -> None:
        if not self.is_dark:
            by = ("resident", "carer")[self.numbers.below(2)]
            self.device.collect(by, self.clock.uptime_ms())

    async def take_early(self) -> None:
        """A dose is taken before its time, or along on a journey."""
        planned = self.device.doses.in_state(PLANNED)
        if planned and not self.is_dark:
            by = ("resident", "travel")[self.numbers.below(2)]
            self.device.collect(by, self.clock.uptime_ms(), planned[-1].dose_id)

    async def withdraw(self) -> None:
        """The plan changes: its last dose goes."""
        planned = self.device.doses.in_state(PLANNED)
        if planned and not self.is_dark:
            self.device.set_plan(planned[:-1], self.clock.uptime_ms())

    async def lid(self) -> None:
        if not self.is_dark:
            self.device.turn("lid", not self.device.doses.is_so("lid"), self.clock.uptime_ms())

    async def refill(self) -> None:
        if not self.is_dark:
            self.device.refill(DOSES, self.clock.uptime_ms())


class DoseBill:
    """What a life cost. lost, doubled: entries of the dispenser's log. wrong: anything else, in words."""

    def __init__(self, life: DoseLife) -> None:
        device = life.device
        told: "dict[int, list[tuple[str, object]]]" = {}
        self.wrong: "list[str]" = []
        for _, event in life.forgetful.ever.values():
            number = event.values.get("log_number")
            if event.kind == "device.log_lost":
                self.wrong.append("told as lost: " + repr(event.values))
            elif number is not None:
                told.setdefault(number, []).append((event.kind, event.values.get("dose_id")))
        self.entries = len(device.truth)
        self.doses = len([kind for kind, _ in device.truth.values() if kind in CLOSED_KINDS])
        self.lost = [number for number in sorted(device.truth) if number not in told]
        self.doubled = [number for number in sorted(told) if len(told[number]) > 1]
        for number in sorted(told):
            if number not in device.truth:
                self.wrong.append("invented: entry " + str(number))
            elif told[number][0] != device.truth[number]:
                self.wrong.append("another event as entry " + str(number))
        self.judge_doses(device)

    def judge_doses(self, device: Recorded) -> None:
        """Of the dispenser itself: each dose has one end, and is put out once."""
        ends: "dict[object, int]" = {}
        out: "dict[object, int]" = {}
        for kind, dose_id in device.truth.values():
            if kind in CLOSED_KINDS or kind == "dose.withdrawn":
                ends[dose_id] = ends.get(dose_id, 0) + 1
            elif kind == "dose.dispensed":
                out[dose_id] = out.get(dose_id, 0) + 1
        for dose_id in sorted(device.doses.by_id):
            open_still = device.doses.by_id[dose_id].state in (PLANNED, OFFERED)
            if ends.get(dose_id, 0) != (0 if open_still else 1) or out.get(dose_id, 0) > 1:
                self.wrong.append("dose " + str(dose_id) + " has not one end")

    @property
    def bad(self) -> int:
        """Everything that may not be."""
        return len(self.lost) + len(self.doubled) + len(self.wrong)


class EagerDispenser(Dispenser):
    """The driver that loses: it acknowledges what it has read, before the journal has it."""

    def finish(self, turn: "Turn") -> "Reading":
        reading = super().finish(turn)
        reading.send, reading.send_after = reading.send + reading.send_after, []
        return reading


class NamelessDispenser(Dispenser):
    """The driver that doubles: what comes again is another event to it."""

    def on_entry(self, frame: "Frame", turn: "Turn") -> None:
        found = self.read_entry(frame, turn)
        cursor = turn.cursor
        super().on_entry(frame, turn)
        if found is None or cursor is None or found[0] != cursor.log_id or not self.following(frame):
            return
        if found[1] <= cursor.number:
            found[2].record = None
            turn.observations.append(found[2])


async def lived(seed: int, driver_class: "type[Driver] | None" = None) -> "tuple[DoseLife, DoseBill]":
    """One life and what it cost."""
    life = DoseLife(seed, driver_class)
    await life.run()
    return life, DoseBill(life)
