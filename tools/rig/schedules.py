"""Ten million events through a thousand seeded schedules of faults: none lost, invented, doubled or out of order.

    python -m tools.rig.schedules --events 10000000 --seed 1 [--workers 2] [--unsafe puback] [--json]
    python -m tools.rig.schedules --seed N --count 1 --tell      one life, with its story

Life N is what seed N makes of it (`tools.rig.long_life`), about ten thousand events long: a run of `--count` lives from
`--seed` is the sum of its parts, so it may be done in pieces. The hub is the product's, the platform the reference
receiver; machine, radio, brokers and clock are simulated, and signatures are stood in for. The judge is
`tools.rig.sim.total_queue`.
"""

import argparse
import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tools.evidence.figure import Figure, Outcome
from tools.rig import troubles
from tools.rig.counts import positive
from tools.rig.long_life import MODULES, SAFE, Kind, LongLife, first_of
from tools.rig.quick_clock import run_quickly
from tools.rig.sim.total_queue import Verdict
from tools.rig.sim.unsafe import (
    DatedJournal,
    EarlyJournal,
    Expiring,
    ForgetOnPuback,
    NamelessJournal,
    believe_numbers,
)

EVENTS = 10_000  # of one life
RELEASE_EVENTS = 9_000  # of one life of F6, which ends with its phase: 10 million events are 1,000 lives then
MOST_TOLD = 5  # findings of one sort that are told of one life
LEAST = 500
CONTROL_EVENTS = 1_500
CONTROL_LIVES = 8  # at most: not in each does the trouble come that the unsafe variant does not stand

KINDS = {
    "": SAFE,
    "stale": Kind(stale=True),
    "clocks": Kind(often=troubles.clock_jumps),
    "judged": Kind(often=troubles.clock_jumps, judges_time=True),
    "expiry": Kind(delivery=Expiring, kills=False, often=troubles.jump_in_outage),
    "dated": Kind(journal=DatedJournal, kills=False, often=troubles.jump_and_renumber),
    "puback": Kind(delivery=ForgetOnPuback, kills=False, often=troubles.lose),
    "nochain": Kind(
        alter=lambda app: believe_numbers(app.inward), epoch=b"theepoch", kills=False, stale=True
    ),
    "early": Kind(journal=EarlyJournal, often=troubles.kill),
    "noidentity": Kind(journal=NamelessJournal, kills=False, often=troubles.wrong_chain),
}
UNSAFE = {
    "expiry": "a hub that lets events expire by the time of day",
    "dated": "a hub that journals again in the order of the time of day",
    "puback": "a hub that forgets on the broker's PUBACK",
    "nochain": "a hub with a fixed epoch that believes a receipt's numbers without their chain values",
    "early": "a journal that promises before it is durable",
    "noidentity": "a hub that journals again without the old identity",
}


@dataclass
class Told:
    """What one life came to, small enough to be handed from process to process."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)

    @property
    def bad(self) -> int:
        """How many of all that must not be."""
        return sum(self.counts[name] for name in Verdict.MUST_BE_EMPTY) + self.counts["failed parts"]


def live(seed: int, events: int = EVENTS, kind: Kind = SAFE) -> tuple[LongLife, Verdict]:
    """One life, and what it comes to."""

    async def run() -> tuple[LongLife, Verdict]:
        life = LongLife(seed, events, kind)
        return life, await life.run()

    return run_quickly(run)


def tell(work: tuple[int, int, str]) -> Told:
    """One life of (seed, events, name of its kind), in words."""
    seed, events, name = work
    try:
        life, verdict = live(seed, events, KINDS[name])
    except Exception as error:  # noqa: BLE001  whatever breaks a life is told with its seed, and the others go on
        return Told(seed, Counter({"failed parts": 1}), [f"the life itself failed: {error!r}"])
    told = Told(seed, story=life.told)
    for sort in Verdict.MUST_BE_EMPTY:
        found: list[str] = getattr(verdict, sort)
        told.counts[sort] = len(found)
        told.findings += [f"{sort}: {one}" for one in found[:MOST_TOLD]]
    told.findings += [f"a part of the hub failed: {one}" for one in life.failed[:MOST_TOLD]]
    told.counts += Counter(
        {
            "events": verdict.events,
            "arrived": len(verdict.arrived),
            "recovered": verdict.recovered,
            "overtaken": verdict.overtaken,
            "given up": verdict.given_up,
            "given up, known by number only": verdict.by_number,
            "copies removed": sum(arrival.is_copy for arrival in life.history.arrivals),
            "starts": life.starts,
            "epochs": len(life.epochs()),
            "platform stores": life.receiver.stores,
            "found no room": life.shed,
            "minutes lived": life.clock.uptime_ms() // 60_000,
            "failed parts": len(life.failed),
        }
    )
    return told


def lives(seeds: Iterable[int], events: int, name: str, workers: int) -> Iterator[Told]:
    """These lives, in the order of their seeds."""
    work = [(seed, events, name) for seed in seeds]
    if workers <= 1:
        yield from map(tell, work)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(tell, work)


def replay(seed: int, events: int, name: str) -> str:
    """The command that has a life again."""
    option = f" --{'unsafe' if name in UNSAFE else 'kind'} {name}" if name else ""
    return f"python -m tools.rig.schedules --seed {seed} --count 1 --life {events} --tell{option}"


def outcome(trials: int, first: int, events: int, name: str) -> Outcome:
    """What lives from seed `first` on come to."""
    counts: Counter[str] = Counter()
    failures: list[str] = []
    number = 0
    while counts["events"] < trials:
        size = min(events, max(LEAST, trials - counts["events"]))
        told = tell((first + number, size, name))
        number += 1
        counts += told.counts
        if told.bad:
            failures.append(f"{'; '.join(told.findings)}: {replay(told.seed, size, name)}")
        if not told.counts["events"]:
            break
    bad = sum(counts[sort] for sort in Verdict.MUST_BE_EMPTY) + counts["failed parts"]
    reached: dict[str, int | str] = {sort: counts[sort] for sort in Verdict.MUST_BE_EMPTY}
    reached.update({"lives": number, **{key: value for key, value in counts.items() if key not in reached}})
    return Outcome(counts["events"], bad, reached, tuple(failures))


def unsafe_lives(seed: int, name: str) -> Outcome:
    """Lives of an unsafe variant, until one of them loses."""
    first, found = first_of(seed), Outcome(0, 0)
    for number in range(CONTROL_LIVES):
        found = outcome(CONTROL_EVENTS, first + number, CONTROL_EVENTS, name)
        if found.bad:
            break
    return found


FIGURES = (
    Figure(
        id="F6",
        title="Seeded schedules of faults against the whole way of an event",
        trial="event",
        asked="lost 0, unexpected 0, duplicates after removal 0, inversions within a lane 0, in 10 million events over "
        "1,000 schedules",
        release=10_000_000,
        share=20_000,
        modules=(*MODULES, "tools/rig/schedules.py"),
        run=lambda trials, seed: outcome(trials, first_of(seed), RELEASE_EVENTS, ""),
        control=lambda seed: unsafe_lives(seed, "puback"),
        unsafe=UNSAFE["puback"],
        conditions="simulated: machine, radio, brokers and clock; the hub's own code and the reference receiver, signatures "
        "stood in for; numbers given up for space by lanes 2 to 4 and told are no loss",
    ),
    Figure(
        id="F6a",
        title="A stale retained receipt, of numbers yet to come, before a backlog",
        trial="event",
        asked="0 forgotten undelivered",
        release=100_000,
        share=2_000,
        modules=(*MODULES, "tools/rig/schedules.py"),
        run=lambda trials, seed: outcome(trials, first_of(seed), EVENTS, "stale"),
        control=lambda seed: unsafe_lives(seed, "nochain"),
        unsafe=UNSAFE["nochain"],
        conditions="simulated, as F6",
    ),
)


def say(told: Told, story: bool) -> None:
    """One life in words, where there is something to say of it."""
    if story:
        print("\n".join(told.story))
    for finding in told.findings:
        print(f"seed {told.seed}: {finding}")


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 where nothing that must not be was found; with --unsafe, 0 where it was seen."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.rig.schedules", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--events", type=positive, default=100_000, help="go on until so many were stored")
    parser.add_argument("--count", type=positive, help="so many lives instead")
    parser.add_argument("--life", type=positive, default=EVENTS, help="events of one life")
    parser.add_argument("--seed", type=int, default=1, help="of the first life")
    parser.add_argument("--workers", type=int, choices=(1, 2), default=1)
    parser.add_argument("--unsafe", choices=sorted(UNSAFE), default="", help="something that must be caught")
    parser.add_argument(
        "--kind", choices=("stale", "clocks", "judged"), default="", help="lives of one trouble above all"
    )
    parser.add_argument("--tell", action="store_true", help="with the story of each life")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    count = options.count or max(1, -(-options.events // options.life))
    seeds = range(options.seed, options.seed + count)
    counts: Counter[str] = Counter()
    began = time.monotonic()
    kind = options.unsafe or options.kind
    for told in lives(seeds, options.life, kind, options.workers):
        counts += told.counts
        if told.bad or options.tell:
            say(told, options.tell)
            print(f"    {replay(told.seed, options.life, kind)}")
        if options.count is None and counts["events"] >= options.events:
            break
    seconds = max(0.001, time.monotonic() - began)
    rate = int(counts["events"] / seconds)
    if options.json:
        print(
            json.dumps(
                {
                    "seed": options.seed,
                    "lives": told.seed - options.seed + 1,
                    "events_a_second": rate,
                    **counts,
                }
            )
        )
    else:
        print(f"seeds {options.seed} to {told.seed}, {rate} events a second, simulated")
        for name in (*sorted(set(counts) - {"lost"}), *Verdict.MUST_BE_EMPTY[1:], "lost"):
            print(f"{name} {counts[name]}")
    bad = sum(counts[sort] for sort in Verdict.MUST_BE_EMPTY) + counts["failed parts"]
    return int(not bad) if options.unsafe else int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
