"""The peripherals of a virtual home, each with the acts a scenario may ask of it; sensors stand in `sensors.py`."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError
from gateway.core.timezone import local_ms
from tools.home.scenario import Act, PeripheralPlan
from tools.simulators.clock_service import now_ms
from tools.simulators.dispenser import DispenserDevice, Dose
from tools.simulators.dispenser_plan import OFFERED, PLANNED
from tools.simulators.link import HomeLink
from tools.simulators.noisy_bytes import NoisyBytes
from tools.simulators.oximeter import NAN, Oximeter, sfloat
from tools.simulators.pty_line import PtyLine
from tools.simulators.virtual_clock import VirtualClock

Clock = Callable[[], int]  # the home's UTC in ms
Do = Callable[[dict[str, Any]], Awaitable[None]]


class Actor:
    """One peripheral. `facts` is what a technician would read off it and enter at the gateway."""

    driver = ""

    def __init__(self, plan: PeripheralPlan) -> None:
        self.plan = plan
        self.acts: dict[str, Do] = {}

    def facts(self) -> dict[str, Any]:
        """`[[device]]` of the gateway's configuration, plus `secret` (bind key, hex) or `passkey`."""
        facts: dict[str, Any] = {"name": self.plan.name, "driver": self.driver, "room": self.plan.room}
        for key in ("address", "interval_s", "record"):
            if getattr(self.plan, key) is not None:
                facts[key] = getattr(self.plan, key)
        return facts

    @property
    def holds(self) -> bool:
        """Whether it still has something that a gateway is to get."""
        return False

    async def start(self) -> None:
        """Switch on."""

    async def stop(self) -> None:
        """Switch off."""

    def rest(self) -> None:
        """Begin nothing more by itself, but stay there."""

    async def act(self, act: Act) -> None:
        """Do what the scenario says. Raises ConfigError for an act this peripheral does not know."""
        if act.do not in self.acts:
            known = ", ".join(sorted(self.acts))
            raise ConfigError(f"act of {self.plan.name}", act.do, f"one of {known}")
        await self.acts[act.do](act.options)


class PulseOximeter(Actor):
    """A pulse oximeter that streams while it is worn, and stores the spot-checks that nobody hears where it `stores`.

    Acts of its memory: spot (`spo2`, `pulse`), drop (`after` records of the next transfer), lose_clock.
    """

    driver = "plx"

    def __init__(self, plan: PeripheralPlan, link: HomeLink, clock: Clock, time_zone: str) -> None:
        super().__init__(plan)
        stores = bool(plan.options.get("stores", False))
        shown = VirtualClock(local_ms(clock(), time_zone) // 1000, now_ms()) if stores else None
        self.oximeter = Oximeter(
            link,
            plan.address or "",
            plan.name,
            passkey=plan.options.get("passkey"),
            battery_pct=int(plan.options.get("battery_pct", 80)),
            stores=stores,
            clock=shown,
        )
        self.count = 0
        self.finger = True
        self.acts = {
            "stream": self.stream,
            "leave": self.leave,
            "return": self.return_,
            "finger": self.set_finger,
        }
        if stores:
            self.acts |= {"spot": self.spot, "drop": self.drop, "lose_clock": self.lose_clock}

    @property
    def holds(self) -> bool:
        """Whether its memory has a spot-check that no gateway has confirmed."""
        return self.oximeter.records is not None and bool(self.oximeter.records.records)

    async def spot(self, options: dict[str, Any]) -> None:
        """Somebody measures once."""
        spo2, pulse = int(options.get("spo2", 96)), int(options.get("pulse", 72))
        await self.oximeter.check_spot((sfloat(spo2), sfloat(pulse)))

    async def drop(self, options: dict[str, Any]) -> None:
        """The next transfer breaks."""
        if self.oximeter.records is not None:
            self.oximeter.records.drop_after = int(options.get("after", 1))

    async def lose_clock(self, _options: dict[str, Any]) -> None:
        """Its battery was changed."""
        if self.oximeter.clock is not None:
            self.oximeter.clock.lose(now_ms())

    async def start(self) -> None:
        """Switch on."""
        await self.oximeter.start()

    async def stop(self) -> None:
        """Switch off."""
        await self.oximeter.stop()

    def rest(self) -> None:
        """Nobody wears it any more."""
        self.oximeter.rest()

    def reading(self) -> tuple[int, int]:
        """A slow, plausible walk of digits; NaN while no finger is in."""
        self.count += 1
        if not self.finger:
            return NAN, NAN
        return sfloat(960 + (self.count * 7) % 25, -1), sfloat(70 + (self.count * 5) % 9)

    async def stream(self, options: dict[str, Any]) -> None:
        """A value each `interval_ms`."""
        self.oximeter.stream(self.reading, int(options.get("interval_ms", 1000)))

    async def set_finger(self, options: dict[str, Any]) -> None:
        """Finger in or out."""
        self.finger = bool(options.get("in", True))

    async def leave(self, _options: dict[str, Any]) -> None:
        """Out of range: the link breaks."""
        self.oximeter.leave()

    async def return_(self, _options: dict[str, Any]) -> None:
        """Back in range."""
        self.oximeter.return_()

    def facts(self) -> dict[str, Any]:
        """With the code on its label."""
        facts = super().facts()
        if self.plan.options.get("passkey") is not None:
            facts["passkey"] = f"{self.plan.options['passkey']:06d}"
        return facts


def noise_of(options: dict[str, Any]) -> NoisyBytes:
    """The line of a device: `seed`, and chances per 10,000 bytes: `flipped`, `lost`, `burst`; all 0 is a quiet line."""
    chances = [int(options.get(name, 0)) for name in ("flipped", "lost", "burst")]
    return NoisyBytes(int(options.get("seed", 1)), *chances)


class Dispenser(Actor):
    """A medicine dispenser on a serial line, which is noisy towards the gateway as the options say."""

    driver = "dispenser"

    def __init__(self, plan: PeripheralPlan, folder: Path, clock: Clock) -> None:
        super().__init__(plan)
        self.clock = clock
        self.line = PtyLine(folder / "dispenser")
        self.noise = noise_of(plan.options)
        self.medium: dict[str, object] = {}
        beat_s = int(plan.options.get("beat_s", 5))
        capacity = int(plan.options.get("capacity", 1000))
        self.device = DispenserDevice(
            self.medium, os.urandom, self.now_ms(), clock(), beat_s=beat_s, capacity=capacity
        )
        self.next_dose = 1
        self.dark = 0  # power cuts that last
        self.changed = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []
        self.acts = {
            "plan": self.plan_dose,
            "week": self.plan_week,
            "collect": self.collect,
            "refill": self.refill,
            "pull": self.pull,
            "put_back": self.put_back,
            "power_cut": self.power_cut,
            "log": self.log_many,
            "jam": self.jam,
            "release": self.release,
        }

    @staticmethod
    def now_ms() -> int:
        """The bench's clock."""
        return int(asyncio.get_running_loop().time() * 1000)

    @property
    def logged(self) -> int:
        """Entries the device has ever logged: the ground truth of what must arrive."""
        return self.device.log.newest

    @property
    def holds(self) -> bool:
        """Whether its log has entries that no gateway has acknowledged."""
        return self.device.log.acknowledged < self.device.log.newest

    @property
    def busy(self) -> bool:
        """Whether a dose is planned or put out: its end is still to be logged."""
        return bool(self.device.doses.in_state(PLANNED) or self.device.doses.in_state(OFFERED))

    def facts(self) -> dict[str, Any]:
        """Where the line is."""
        return {**super().facts(), "port": str(self.line.path)}

    async def start(self) -> None:
        """Power on and plug in."""
        self.device.refill(int(self.plan.options.get("doses", 28)), self.now_ms())
        self.line.put_back()
        loop = asyncio.get_running_loop()
        self.tasks = [loop.create_task(self.listen()), loop.create_task(self.tick())]

    async def stop(self) -> None:
        """Pull the plug."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.line.pull()

    def say(self, data: bytes) -> None:
        """Bytes towards the gateway, as they come through."""
        for piece in self.noise.carry(data):
            self.line.send(piece)

    async def listen(self) -> None:
        """What the gateway says."""
        while True:
            data = await self.line.read()
            if not self.dark:
                self.say(self.device.received(data, self.now_ms()))
            self.changed.set()

    async def tick(self) -> None:
        """What time brings."""
        while True:
            self.changed.clear()
            wait_s = 1.0
            if not self.dark:
                self.say(self.device.due(self.now_ms()))
                wait_s = max(0, self.device.next_due_ms() - self.now_ms()) / 1000
            try:
                async with asyncio.timeout(min(1.0, max(0.005, wait_s))):
                    await self.changed.wait()
            except TimeoutError:
                continue

    async def plan_dose(self, options: dict[str, Any]) -> None:
        """A dose planned `in_s` from now with a window of `window_s`; earlier ones stay planned."""
        begin = self.clock() + int(1000 * float(options.get("in_s", 2)))
        end = begin + int(1000 * float(options.get("window_s", 6)))
        planned = [*self.device.doses.in_state(PLANNED), Dose(self.next_dose, begin, end)]
        self.next_dose += 1
        self.device.set_plan(planned, self.now_ms())
        self.changed.set()

    async def plan_week(self, options: dict[str, Any]) -> None:
        """A plan of `doses`, the first `in_s` from now and one each `between_s`, each with a window of `window_s`."""
        begin = self.clock() + int(1000 * float(options.get("in_s", 2)))
        between = int(1000 * float(options.get("between_s", 5)))
        window = int(1000 * float(options.get("window_s", 3)))
        planned = self.device.doses.in_state(PLANNED)
        for place in range(int(options.get("doses", 21))):
            planned.append(Dose(self.next_dose, begin + place * between, begin + place * between + window))
            self.next_dose += 1
        self.device.set_plan(planned, self.now_ms())
        self.changed.set()

    async def collect(self, options: dict[str, Any]) -> None:
        """Somebody takes what is put out, or the planned `dose` before its time."""
        self.device.collect(str(options.get("by", "resident")), self.now_ms(), options.get("dose"))
        self.changed.set()

    async def refill(self, options: dict[str, Any]) -> None:
        """A carer refills."""
        self.device.refill(int(options.get("doses", 28)), self.now_ms())
        self.changed.set()

    async def pull(self, _options: dict[str, Any]) -> None:
        """The cable is pulled out."""
        self.line.pull()

    async def put_back(self, _options: dict[str, Any]) -> None:
        """The cable is put back."""
        self.line.put_back()
        self.changed.set()

    async def power_cut(self, options: dict[str, Any]) -> None:
        """Mains and battery gone for `off_ms`: it says nothing, hears nothing, and with `keeps_clock = false` forgets the time."""
        off_ms = int(options.get("off_ms", 500))
        self.device.power_cut(self.now_ms(), off_ms, keeps_clock=bool(options.get("keeps_clock", True)))
        self.dark += 1
        asyncio.get_running_loop().call_later(off_ms / 1000, self.light)

    def light(self) -> None:
        """The power is back."""
        self.dark -= 1
        self.changed.set()

    async def jam(self, _options: dict[str, Any]) -> None:
        """The roll sticks."""
        self.device.jam(self.now_ms())
        self.changed.set()

    async def release(self, _options: dict[str, Any]) -> None:
        """A carer frees the roll."""
        self.device.release(self.now_ms())
        self.changed.set()

    async def log_many(self, options: dict[str, Any]) -> None:
        """A burst of `count` entries that mean little: load for the kill harness."""
        for number in range(int(options.get("count", 1))):
            self.device.log_event("battery.measured", self.now_ms(), battery_pct=number % 101)
        self.changed.set()
