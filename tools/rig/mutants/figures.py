"""F21, for `tools.evidence`: branches and mutants of the safety core."""

import tempfile
from pathlib import Path

from tools.evidence.figure import Figure, Outcome
from tools.rig.mutants.branches import EVERYTHING, measure
from tools.rig.mutants.core import BLIND, CORE, OF_DELIVERY, OF_RULES, OF_THE_REST, PARTS, POLICY, SMALL, Part
from tools.rig.mutants.workshop import (
    ENDLESS,
    KILLED,
    ODD,
    SURVIVED,
    UNTESTED,
    Judged,
    Workshop,
    drawn,
    place_of,
)

BRANCHES = 800  # of the whole core at least
MUTANTS = 500  # of some 6,100: what a release draws
SHARE_MUTANTS = 40
LEAST_PERCENT = 90
SHOWN = 50
MODULES = ("gateway/core", "gateway/hub", "hal/sim", "tests/core", "tests/hub", "tools/rig/mutants")


def branches(trials: int, _seed: int) -> Outcome:
    """All of the core by all portable tests; the share is what is judged by tests of its own level alone. Nothing is drawn."""
    if trials >= BRANCHES:
        return taken(CORE, EVERYTHING)
    return taken(POLICY.modules, OF_RULES + OF_DELIVERY + OF_THE_REST)


def taken(modules: tuple[str, ...], tests: tuple[str, ...]) -> Outcome:
    """How many branches some tests leave out."""
    seen = measure(modules, tests)
    reached: dict[str, int | str] = {"modules": len(modules)}
    return Outcome(seen.branches, len(seen.missed), reached, seen.missed[:SHOWN])


def mutants(trials: int, seed: int) -> Outcome:
    """A sample of the whole core, its parts in proportion; a small one comes from the few modules of the share."""
    if trials < MUTANTS // 10:
        return small(SMALL, trials, seed)
    shops = [Workshop(part, place_of(part)) for part in PARTS]
    for shop in shops:
        shop.prepare()
    everything = {name: shop for shop in shops for name in shop.names()}
    wanted = drawn(sorted(everything), trials, seed)
    rows = [(shop, shop.judge([name for name in wanted if everything[name] is shop])) for shop in shops]
    return outcome(rows, len(everything))


def small(part: Part, trials: int, seed: int) -> Outcome:
    """A sample of one part, in a folder that goes."""
    with tempfile.TemporaryDirectory(prefix="trygg-mutants-") as folder:
        shop = Workshop(part, Path(folder) / "shop")
        shop.prepare()
        names = shop.names()
        return outcome([(shop, shop.judge(drawn(names, trials, seed)))], len(names))


def outcome(rows: list[tuple[Workshop, Judged]], there_are: int) -> Outcome:
    """What the shops found, each survivor with what was changed in it."""
    count = {
        verdict: sum(len(judged.named(verdict)) for _, judged in rows)
        for verdict in (KILLED, ENDLESS, SURVIVED, UNTESTED, ODD)
    }
    trials = sum(count.values())
    seen = count[KILLED] + count[ENDLESS]
    failures: list[str] = []
    for shop, judged in rows:
        changed = shop.changes(judged.alive[: SHOWN - len(failures)])
        failures += [f"{name} ({judged.verdicts[name]}): {line_of(text)}" for name, text in changed.items()]
    reached: dict[str, int | str] = {**count, "killed of 1,000": 1_000 * seen // max(1, trials)}
    reached["mutants there are"] = there_are
    return Outcome(trials, trials - seen, reached, tuple(failures))


def line_of(text: str) -> str:
    """A change in one line."""
    return " ".join(part.strip() for part in text.splitlines())


def enough(outcome: Outcome) -> bool:
    """Whether nine of ten were seen."""
    return 100 * (outcome.trials - outcome.bad) >= LEAST_PERCENT * outcome.trials


FIGURES = (
    Figure(
        id="F21a",
        title="Branches of the safety core that the portable tests take",
        trial="branch",
        asked="0 branches or lines that no test takes",
        release=BRANCHES,
        share=BRANCHES // 2,
        modules=MODULES,
        run=branches,
        control=lambda seed: taken(POLICY.modules, OF_DELIVERY + OF_THE_REST),
        unsafe="leaves out the tests of the rules",
        conditions="coverage.py over tests/core and tests/hub on CPython; MicroPython runs the same tests unwatched",
        adds_up=False,
    ),
    Figure(
        id="F21b",
        title="Mutants of the safety core that its tests kill",
        trial="mutant",
        asked=f"{LEAST_PERCENT} % killed",
        release=MUTANTS,
        share=SHARE_MUTANTS,
        modules=MODULES,
        run=mutants,
        control=lambda seed: small(BLIND, SHARE_MUTANTS, seed),
        unsafe="leaves out the tests of the rules whose mutants are tried",
        conditions="mutmut, a sample by the seed; every survivor counts, also one that changes nothing or only a text; constants of "
        "modules, properties and the tables of the registry are not mutated",
        adds_up=False,
        ok=enough,
    ),
)
