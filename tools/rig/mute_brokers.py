"""A broker that acknowledges everything and forwards nothing: nothing is forgotten, and it is a fault within 90 s.

    python -m tools.rig.mute_brokers --count 100 --seed 1

One trial is one home, from the moment its broker begins to lie. Idle: one event comes, alone. Under load: sensors speak all
the while. With reconnects: the connection ends now and then, too. Only time with a connection counts for the fault, because
without one there is another (`path.lost`); the longest by the wall is shown beside.
"""

import sys

from hal.types import LANES
from tools.evidence.figure import Figure, Outcome
from tools.rig.command import parser_of, say
from tools.rig.long_life import MODULES, Kind, LongLife, first_of, played
from tools.rig.sim.unsafe import ForgetOnPuback

VARIANTS = ("idle", "under load", "with reconnects", "under load with reconnects")
LIMIT_MS = 90_000
STEP_MS = 500
WATCHED_MS = 240_000
SAFE, UNSAFE = Kind(kills=False), Kind(kills=False, delivery=ForgetOnPuback)


class MuteLife(LongLife):
    """The variant follows from the seed."""

    def __init__(self, seed: int, kind: Kind) -> None:
        super().__init__(seed, 0, kind)
        self.variant = VARIANTS[seed % len(VARIANTS)]
        self.faulty = False
        self.capacity_bytes = 4 << 20  # what is given up for space would look like what is forgotten
        self.found: list[str] = []
        self.connected_ms = self.wall_ms = 0

    def forgotten(self) -> int:
        """How many events the journal has let go of."""
        return sum(self.telling.mark(lane).first - 1 for lane in LANES)

    @property
    def is_told(self) -> bool:
        """Whether the hub says that nothing is receipted."""
        return bool(self.app.recorder.engine.incidents.is_open(0, "path.unreceipted"))

    async def scene(self) -> None:
        """Some peace, the lie, and what the hub makes of it."""
        await self.begin()
        await self.burst()
        await self.pass_time(60_000 + self.random.randrange(120_000))
        for broker in self.homes:
            broker.losing = True
        await self.pass_time(self.random.randrange(60_000))
        before = self.forgotten()
        self.sensors.toggle_door()
        await self.watch()
        if not self.is_told:
            self.found.append(f"no fault within {WATCHED_MS} ms")
        elif self.connected_ms > LIMIT_MS:
            self.found.append(f"the fault came after {self.connected_ms} ms")
        if self.forgotten() != before:
            self.found.append(f"forgot {self.forgotten() - before} events")
        verdict = await self.finish()
        self.found += [f"lost {one}" for one in verdict.lost]

    async def watch(self) -> None:
        """Until the hub says it."""
        began_ms = self.clock.uptime_ms()
        next_drop_ms = began_ms + 10_000 + self.random.randrange(35_000)
        while not self.is_told and self.clock.uptime_ms() - began_ms < WATCHED_MS:
            if "load" in self.variant and not self.random.randrange(4):
                self.sensors.speak_often(self.random.randrange(20))
            if "reconnects" in self.variant and self.clock.uptime_ms() >= next_drop_ms:
                next_drop_ms = self.clock.uptime_ms() + 10_000 + self.random.randrange(35_000)
                for broker in self.homes:
                    broker.drop_connections()
            await self.pass_time(STEP_MS)
            self.connected_ms += STEP_MS if self.app.delivery.connected_ms is not None else 0
        self.wall_ms = self.clock.uptime_ms() - began_ms


def live(seed: int, kind: Kind = SAFE) -> MuteLife:
    """One trial."""
    return played(lambda: MuteLife(seed, kind))


def outcome(trials: int, first: int, kind: Kind = SAFE) -> Outcome:
    """Trials from seed `first` on."""
    bad, failures = 0, []
    longest = dict.fromkeys(VARIANTS, 0)
    wall_ms = 0
    for seed in range(first, first + trials):
        life = live(seed, kind)
        longest[life.variant] = max(longest[life.variant], life.connected_ms)
        wall_ms = max(wall_ms, life.wall_ms)
        bad += len(life.found)
        if life.found:
            again = f"python -m tools.rig.mute_brokers --count 1 --seed {seed}"
            failures.append(f"{life.variant}: {'; '.join(life.found[:3])}: {again}")
    reached: dict[str, int | str] = {f"longest to the fault, {name}, ms": ms for name, ms in longest.items()}
    reached["longest by the wall, ms"] = wall_ms
    return Outcome(trials, bad, reached, tuple(failures))


FIGURES = (
    Figure(
        id="F5",
        title="A broker that acknowledges everything and forwards nothing",
        trial="home whose broker begins to lie",
        asked="0 events forgotten, a fault within 90 s",
        release=2_000,
        share=20,
        modules=(*MODULES, "tools/rig/mute_brokers.py"),
        run=lambda trials, seed: outcome(trials, first_of(seed)),
        control=lambda seed: outcome(4, first_of(seed), UNSAFE),
        unsafe="a hub that forgets on the broker's PUBACK",
        conditions="simulated: brokers (1 to 3 of them, all lying), clock and radio; idle, under load, with reconnects; time "
        "with a connection counts, from the first event that is owed a receipt",
    ),
)


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 where nothing was found."""
    parser = parser_of("tools.rig.mute_brokers", __doc__, count="count", usual=100)
    parser.add_argument("--unsafe", action="store_true", help="a hub that forgets on PUBACK: must be found")
    options = parser.parse_args(argv)
    bad = say(outcome(options.count, options.seed, UNSAFE if options.unsafe else SAFE))
    return int(not bad) if options.unsafe else int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
