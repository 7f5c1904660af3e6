"""A month in some minutes: memory, tasks, descriptors and the store stay as they were; and a month without a broker.

    python -m tools.rig.months --days 30               in peace, with a short outage now and then
    python -m tools.rig.months --days 30 --outage      no broker all the while, then it must drain

Two thousand events a day: 70 % of an oximeter, 20 % of doors, 10 % of other sensors. The clock is simulated; memory is what
the system says of this process, of which the hub, the platform and the simulation are parts alike.
"""

import asyncio
import gc
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from hal.types import ALARM, LANES
from tools.evidence.figure import Figure, Outcome
from tools.rig.command import parser_of, say
from tools.rig.counts import positive
from tools.rig.long_life import MODULES, Kind, LongLife
from tools.rig.quick_clock import run_quickly
from tools.rig.sensors import DOOR, SMOKE
from tools.rig.sim.telling_journal import TellingJournal
from tools.rig.sim.total_queue import History, Verdict

DAY_MS = 86_400_000
EVENTS_A_DAY = 2_000
LINUX_BYTES = 256 << 20  # [storage] capacity_mb by default
SMALL_BYTES = 512 << 10
GROWTH_LIMIT_BYTES = 1 << 20
DRAIN_MS = 3_600_000


class NoHistory(History):
    """Remembers nothing: the month measures memory."""

    def asked(self, events: Any) -> list[bytes]:
        return []

    def answered(self, epoch: bytes, contents: Any, entries: Any) -> None:
        pass

    def numbered(self, epoch: bytes, entries: Any) -> None:
        pass


class UnfairJournal(TellingJournal):
    """Gives up alarms where space runs out, as a plain ring buffer does."""

    def _make_room(self, events: Any, state: Any) -> None:
        need = sum(32 + len(event) for _, event in events)
        if self._used_bytes + need > self._capacity_bytes * 3 // 4:
            self._yield(ALARM, need)
        super()._make_room(events, state)


def hoard(app: Any) -> None:
    """A hub that keeps every event in memory."""
    hoarded: list[bytes] = []
    app.recorder.appended.append(lambda: hoarded.append(bytes(4096)))


PEACE, HOARDING = Kind(kills=False), Kind(kills=False, alter=hoard)
UNFAIR = Kind(kills=False, journal=UnfairJournal)


class Month(LongLife):
    """Days one after the other; `capacity_bytes` is the store's."""

    def __init__(self, seed: int, kind: Kind, capacity_bytes: int) -> None:
        super().__init__(seed, 0, kind)
        self.faulty = False
        self.capacity_bytes = capacity_bytes
        del self.homes[1:], self.brokers[1:]

    async def day(self, *, flaps: bool) -> None:
        """Two thousand events, in groups as people move; with `flaps` a connection ends now and then."""
        left = EVENTS_A_DAY
        end_ms = self.clock.uptime_ms() + DAY_MS
        while left > 0:
            count = min(left, 1 + self.random.randrange(40))
            left -= count
            for _ in range(count):
                self.speak()
                await self.clock.advance(250)
            if flaps and not self.random.randrange(20):
                self.homes[0].drop_connections()
            groups_left = max(1, left // 20)
            await self.clock.advance(max(0, end_ms - self.clock.uptime_ms()) // (groups_left + 1))
        await self.clock.advance(max(0, end_ms - self.clock.uptime_ms()))

    def speak(self) -> None:
        """One event of the mix."""
        choice = self.random.randrange(100)
        if choice < 70:
            self.sensors.measure()
        elif choice < 90:
            self.sensors.toggle(DOOR, self.random.choice(self.sensors.by_kind[0]))
        elif choice < 92:
            self.sensors.toggle(SMOKE, self.random.choice(self.sensors.by_kind[1]))
        else:
            self.sensors.speak()

    def held(self) -> str:
        return str(sum(self.telling.mark(lane).last - self.telling.mark(lane).first + 1 for lane in LANES))

    def clear_platform(self) -> None:
        """What the platform has stored is somebody else's disk: it must not count as our memory."""
        store = self.receiver.store
        self.receiver.receiver.commit()
        for table in ("event", "manifest", "message", "hole"):
            store.ask(f"DELETE FROM {table}")  # noqa: S608  the names are those above
        self.receiver.receiver.settled.clear()
        self.receiver.receipts.clear()


def measured(life: Month) -> dict[str, int]:
    """This process now, at rest."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {
        "resident_bytes": pages * os.sysconf("SC_PAGE_SIZE"),
        "blocks": sys.getallocatedblocks(),
        "tasks": len(asyncio.all_tasks()),
        "sleepers": life.clock.sleepers,
        "descriptors": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
        "store_bytes": life.telling._used_bytes,
    }


async def peace(days: int, seed: int, kind: Kind) -> Outcome:
    """Days in peace; what each left behind."""
    life = Month(seed, kind, LINUX_BYTES)
    life.history = life.receiver.history = NoHistory()
    began = time.monotonic()
    await life.begin()
    rows: list[dict[str, int]] = []
    for _ in range(days):
        await life.day(flaps=True)
        await life.clock.advance(600_000)
        life.clear_platform()
        rows.append(measured(life))
    seconds = int(time.monotonic() - began)
    await life.app.parts.stop()
    await life.app.delivery.ended()
    await life.receiver.end()
    life.receiver.close()
    first, last = rows[0], rows[-1]
    growth = {name: max(row[name] for row in rows[1:]) - first[name] for name in first} if days > 1 else {}
    failures = []
    limits = {
        "resident_bytes": GROWTH_LIMIT_BYTES,
        "tasks": 0,
        "sleepers": 0,
        "descriptors": 0,
        "store_bytes": 4096,
    }
    for name, limit in limits.items():
        if growth.get(name, 0) > limit:
            failures.append(
                f"{name} grew by {growth[name]}: python -m tools.rig.months --days {days} --seed {seed}"
            )
    reached: dict[str, int | str] = {f"{name} after day one": value for name, value in first.items()}
    reached.update({f"{name} at the end": value for name, value in last.items()})
    reached["seconds"] = seconds
    series = {"resident bytes by day": [(day, row["resident_bytes"]) for day, row in enumerate(rows, 1)]}
    return Outcome(days, len(failures), reached, tuple(failures), series)


async def outage(days: int, seed: int, kind: Kind, capacity_bytes: int) -> Outcome:
    """No broker for days; then everything that was not given up must arrive, and no alarm was."""
    life = Month(seed, kind, capacity_bytes)
    await life.begin()
    await life.pass_time(60_000)
    life.homes[0].stop()
    life.receiver.unlink()
    for _ in range(days):
        await life.day(flaps=False)
    held, used_bytes = int(life.held()), life.telling._used_bytes
    drained_ms = await drain(life)
    verdict: Verdict = await life.finish()
    failures = [f"{name}: {one}" for name in verdict.MUST_BE_EMPTY for one in getattr(verdict, name)[:5]]
    failures = [f"{one}: python -m tools.rig.months --days {days} --outage --seed {seed}" for one in failures]
    reached: dict[str, int | str] = {
        "stored": verdict.events,
        "held at the end": held,
        "bytes they took": used_bytes,
        "given up, lanes 2 to 4": verdict.given_up,
        "alarms stored": sum(promise.lane < 2 for promise in life.history.promised.values()),
        "drained after ms": drained_ms,
    }
    return Outcome(verdict.events, verdict.bad, reached, tuple(failures[:5]))


async def drain(life: Month) -> int:
    """The broker is back; how long until nothing is held, in ms."""
    life.homes[0].start()
    life.receiver.link()
    began_ms = life.clock.uptime_ms()
    while int(life.held()) and life.clock.uptime_ms() - began_ms < DRAIN_MS:
        await life.pass_time(1_000)
    return life.clock.uptime_ms() - began_ms


def run_peace(days: int, seed: int, kind: Kind = PEACE) -> Outcome:
    return run_quickly(lambda: peace(days, seed, kind))


def apart(days: int, seed: int, hoards: bool = False) -> Outcome:
    """The same in a process of its own: what ran before in this one has left memory that would be used first."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(run_hoarding if hoards else run_peace, days, seed).result()


def run_hoarding(days: int, seed: int) -> Outcome:
    return run_peace(days, seed, HOARDING)


def run_outage(days: int, seed: int, kind: Kind = PEACE, capacity_bytes: int = LINUX_BYTES) -> Outcome:
    return run_quickly(lambda: outage(days, seed, kind, capacity_bytes))


def by_events(events: int, seed: int) -> Outcome:
    """An outage of as many days as these events take."""
    return run_outage(max(1, events // EVENTS_A_DAY), seed)


FIGURES = (
    Figure(
        id="F14",
        title="A month in one process",
        trial="day",
        asked="30 days within 15 min; after day one memory grows by 1 MiB at most, tasks and descriptors by none, store bounded",
        release=30,
        share=2,
        modules=(*MODULES, "tools/rig/months.py"),
        run=apart,
        control=lambda seed: apart(2, seed, hoards=True),
        unsafe="a hub that keeps 4 KiB of memory for every append",
        conditions="simulated: clock, radio, broker; 2,000 events a day; hub, platform and simulation in one process, resident",
        adds_up=False,
        ok=lambda outcome: outcome.bad == 0 and int(outcome.reached["seconds"]) <= 900,
    ),
    Figure(
        id="F10a",
        title="An outage of 30 days, a store of the size that Linux has by default",
        trial="event",
        asked="30 days at 2,000 events a day: no alarm given up, everything else accounted for",
        release=30 * EVENTS_A_DAY,
        share=EVENTS_A_DAY,
        modules=(*MODULES, "tools/rig/months.py"),
        run=by_events,
        control=lambda seed: run_outage(1, seed, UNFAIR, SMALL_BYTES // 8),
        unsafe="a store that gives up alarms where space runs out",
        conditions="simulated: clock, journal (256 MiB), radio, broker; the time to drain is without a line's own",
        adds_up=False,
    ),
)


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 where everything is as asked."""
    parser = parser_of("tools.rig.months", __doc__, count="days", usual=30)
    parser.add_argument("--outage", action="store_true", help="no broker all the while")
    parser.add_argument("--kib", type=positive, default=LINUX_BYTES >> 10, help="size of the store")
    options = parser.parse_args(argv)
    if options.outage:
        found = run_outage(options.days, options.seed, PEACE, options.kib << 10)
    else:
        found = run_peace(options.days, options.seed)
    return int(bool(say(found)))


if __name__ == "__main__":
    sys.exit(main())
