"""Silence is noticed: a gateway's by the platform within 90 s, a device's by its gateway within three of its intervals.

    python -m tools.rig.silences --count 100 --seed 1

One home a seed: sensors of every driver with intervals of their own, a word from each at least once an interval, until it
falls silent for good; at the end the gateway does. A device's silence counts from its last word, a gateway's from its death.
"""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.core import event_codec
from gateway.core.supervision import INTERVALS, Supervision, Watched
from gateway.hub.app import App
from gateway.hub.waking import stop
from hal.types import TECHNICAL
from tools.evidence.figure import Figure, Outcome
from tools.rig.command import parser_of, say
from tools.rig.long_life import MODULES, Kind, LongLife, first_of, played
from tools.rig.quick_clock import run_quickly
from tools.rig.sim.bench import NIGHT_UTC_MS
from tools.rig.sim.total_queue import Arrival
from tools.simulators.dispenser import DispenserDevice

GATEWAY_LIMIT_MS = 90_000
PORT = "/dev/ttyS1"
SHORTEST_S, LONGEST_S = 20, 400
LONGEST_BEAT_S = 61  # a dispenser beats at least each minute
SPEAKING_MS = 1_500_000  # a device falls silent within so long
LINE_STEP_MS = 500


class Patient(Supervision):
    """Waits a minute longer than it should."""

    EXTRA_MS = 60_000

    def due(self, now_ms: int) -> list[tuple[int, Watched]]:
        return super().due(now_ms - self.EXTRA_MS)

    def next_due_ms(self) -> int | None:
        due_ms = super().next_due_ms()
        return None if due_ms is None else due_ms + self.EXTRA_MS


def be_patient(app: App) -> None:
    """A hub that notices silence a minute late."""
    app.supervision = app.intake.supervision = app.supervise.supervision = Patient()


SAFE, UNSAFE = Kind(kills=False), Kind(kills=False, alter=be_patient)


@dataclass
class Speaker:
    """One device: its interval, when it falls silent, and when it spoke last."""

    name: str
    driver: str
    interval_ms: int
    silent_from_ms: int
    last_ms: int = 0


class SilentLife(LongLife):
    """The home of one seed."""

    def __init__(self, seed: int, kind: Kind = SAFE) -> None:
        super().__init__(seed, 0, kind)
        self.faulty = False
        self.capacity_bytes = 4 << 20
        del self.homes[1:], self.brokers[1:]
        names = [self.sensors.by_kind[number][0] for number in range(3)]
        self.speakers = [self.speaker(name, "bthome") for name in names]
        self.speakers += [self.speaker(self.sensors.oximeter.address, "plx"), self.speaker("", "dispenser")]
        self.tree["device"] = [self.device(speaker) for speaker in self.speakers]
        self.tree["rule"] = []
        self.line = self.world.serial_line(PORT)
        beat_s = self.speakers[-1].interval_ms // 1000
        self.dispenser = DispenserDevice({}, self.random.randbytes, 0, NIGHT_UTC_MS, beat_s=beat_s)
        self.found: list[str] = []
        self.latest: dict[
            str, int
        ] = {}  # by driver: the longest from last word to notice, in thousandths of an interval
        self.gateway_ms = 0

    def speaker(self, name: str, driver: str) -> Speaker:
        """A device of that driver."""
        longest_s = LONGEST_BEAT_S if driver == "dispenser" else LONGEST_S
        interval_ms = 1000 * self.random.randrange(SHORTEST_S, longest_s)
        return Speaker(name, driver, interval_ms, self.random.randrange(60_000, SPEAKING_MS))

    def device(self, speaker: Speaker) -> dict[str, Any]:
        """Its part of the configuration; a dispenser says its interval itself."""
        if speaker.driver == "dispenser":
            return {"name": "Dispenser", "driver": "dispenser", "port": PORT}
        row = {"name": speaker.name, "driver": speaker.driver, "address": speaker.name}
        return {**row, "interval_s": speaker.interval_ms // 1000}

    async def scene(self) -> None:
        """Everything speaks, falls silent, and is missed."""
        await self.begin()
        tasks = [asyncio.create_task(self.speak(speaker)) for speaker in self.speakers]
        await self.pass_time(SPEAKING_MS + INTERVALS * 1000 * LONGEST_S + 60_000)
        for task in tasks:
            await stop(task)
        await self.pass_time(self.random.randrange(60_000))
        await self.lose_gateway()
        await self.receiver.end()
        self.judge(self.history.arrivals)
        self.receiver.close()

    async def speak(self, speaker: Speaker) -> None:
        """Words until it falls silent, each at most an interval after the one before."""
        while self.clock.uptime_ms() < speaker.silent_from_ms:
            if self.say(speaker):
                speaker.last_ms = self.clock.uptime_ms()
            if speaker.driver == "dispenser":
                await self.clock.sleep_ms(LINE_STEP_MS)
            else:
                await self.clock.sleep_ms(
                    self.random.randrange(speaker.interval_ms // 5, speaker.interval_ms)
                )

    def say(self, speaker: Speaker) -> bool:
        """One word; whether the gateway can have heard it."""
        if speaker.driver == "dispenser":
            now_ms = self.clock.uptime_ms()
            data = self.line.received()
            said = self.dispenser.received(data, now_ms) if data else self.dispenser.due(now_ms)
            self.line.send(said)
            return bool(said)
        if speaker.driver == "plx":
            is_connected = self.sensors.oximeter.connected
            if not is_connected:
                self.world.advertise(speaker.name, service_uuids=("1822",))
            return self.sensors.oximeter.notify("2a5f", bytes([0, 97, 0, 72, 0])) or not is_connected
        self.sensors.frame(speaker.name, bytes([0x02, self.random.randrange(250), 7]))
        return True

    async def lose_gateway(self) -> None:
        """The gateway dies, and the platform says so."""
        self.receiver.silences.clear()
        died_ms = self.clock.uptime_ms()
        await self.cut()
        await self.clock.advance(3 * GATEWAY_LIMIT_MS)
        said = [at_ms for at_ms, cause in self.receiver.silences if cause == "gateway.silent"]
        self.gateway_ms = said[0] - died_ms if said else 3 * GATEWAY_LIMIT_MS

    def judge(self, arrivals: list[Arrival]) -> None:
        """Hold what was said of each device against when it spoke last."""
        placements = {device.config.name: device.placement for device in self.app.devices}
        said: dict[int, list[int]] = {}
        for arrival in arrivals:
            if arrival.lane == TECHNICAL:
                event = event_codec.decode_event(arrival.event)
                if event.kind == "device.silent":
                    said.setdefault(event.placement, []).append(event.uptime_ms)
        for speaker in self.speakers:
            times = said.get(placements[speaker.name or "Dispenser"], [])
            took_ms = times[-1] - speaker.last_ms if times else 0
            most_ms = INTERVALS * speaker.interval_ms
            if len(times) != 1 or not 0 < took_ms <= most_ms:
                self.found.append(
                    f"{speaker.driver}: last word at {speaker.last_ms}, silent at {times}, {most_ms} asked"
                )
            thousandths = 1000 * took_ms // speaker.interval_ms
            self.latest[speaker.driver] = max(self.latest.get(speaker.driver, 0), thousandths)


def live(seed: int, kind: Kind = SAFE) -> SilentLife:
    """One home."""
    return played(lambda: SilentLife(seed, kind))


def replay(seed: int) -> str:
    return f"python -m tools.rig.silences --count 1 --seed {seed}"


def devices(trials: int, first: int, kind: Kind = SAFE) -> Outcome:
    """Homes until so many devices fell silent."""
    done, bad, failures = 0, 0, []
    latest: dict[str, int] = {}
    seed = first
    while done < trials:
        life = live(seed, kind)
        done += len(life.speakers)
        bad += len(life.found)
        failures += [f"{one}: {replay(seed)}" for one in life.found]
        for driver, thousandths in life.latest.items():
            latest[driver] = max(latest.get(driver, 0), thousandths)
        seed += 1
    reached: dict[str, int | str] = {
        f"latest notice, {driver}, thousandths of its interval": value
        for driver, value in sorted(latest.items())
    }
    return Outcome(done, bad, reached, tuple(failures))


def gateways(trials: int, first: int, slow: Callable[[SilentLife], None] = lambda _life: None) -> Outcome:
    """Gateways that die one after the other."""
    took = []
    failures = []
    for seed in range(first, first + trials):
        took.append(gateway_dies(seed, slow))
        if took[-1] > GATEWAY_LIMIT_MS:
            failures.append(f"noticed after {took[-1]} ms: {replay(seed)}")
    reached: dict[str, int | str] = {"latest notice, ms": max(took), "earliest, ms": min(took)}
    return Outcome(trials, len(failures), reached, tuple(failures))


def gateway_dies(seed: int, slow: Callable[[SilentLife], None]) -> int:
    """How long it takes until the platform says it, in ms."""

    async def run() -> int:
        life = SilentLife(seed)
        slow(life)
        await life.begin()
        await life.pass_time(life.random.randrange(60_000, 400_000))
        await life.pass_time(life.random.randrange(5_000))
        await life.lose_gateway()
        await life.receiver.end()
        life.receiver.close()
        return life.gateway_ms

    return run_quickly(run)


def hear_retained(life: SilentLife) -> None:
    """A platform that takes a retained state for a sign of life: a broker says it again whenever it comes back."""
    receiver = life.receiver.receiver
    hear = receiver.look_for_silence

    def look(now_ms: int) -> None:
        if now_ms % 30_000 < 1_000:
            receiver.hear(life.receiver.address, now_ms)
        hear(now_ms)

    receiver.look_for_silence = look  # type: ignore[method-assign]


FIGURES = (
    Figure(
        id="F9a",
        title="A gateway that falls silent",
        trial="gateway",
        asked="noticed by the platform within 90 s of its death",
        release=1_000,
        share=20,
        modules=(*MODULES, "tools/rig/silences.py"),
        run=lambda trials, seed: gateways(trials, first_of(seed)),
        control=lambda seed: gateways(3, first_of(seed), hear_retained),
        unsafe="a platform that takes retained states for signs of life",
        conditions="simulated: clock and broker; the reference receiver",
    ),
    Figure(
        id="F9b",
        title="A device that falls silent",
        trial="device",
        asked="noticed within three of its own intervals, and never before it fell silent",
        release=5_000,
        share=20,
        modules=(*MODULES, "tools/rig/silences.py"),
        run=lambda trials, seed: devices(trials, first_of(seed)),
        control=lambda seed: devices(5, first_of(seed), UNSAFE),
        unsafe="a hub that notices silence a minute late",
        conditions="simulated: clock, radio and line; drivers bthome, plx and dispenser, intervals of 20 to 400 s, a dispenser's of 20 to 60 s",
    ),
)


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 where everything was noticed in time."""
    options = parser_of("tools.rig.silences", __doc__, count="count", usual=20).parse_args(argv)
    return int(bool(say(gateways(options.count, options.seed), devices(5 * options.count, options.seed))))


if __name__ == "__main__":
    sys.exit(main())
