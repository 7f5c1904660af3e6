"""The safety core under its tests: branches that none takes, and mutants that none sees.

    python -m tools.rig.mutants --branches                           every portable test; minutes
    python -m tools.rig.mutants [--count N] [--seed S]               a sample of all mutants; each survivor with its change
    python -m tools.rig.mutants --module gateway/core/trust.py       all mutants of modules

What is done stays in build/mutants until a file of gateway, hal, tools or of these tests changes, and is not done again.
Exit status 1: a branch is left out, or less than nine of ten mutants were killed.
"""

import argparse
import sys

from tools.evidence.figure import UnavailableError
from tools.rig.counts import positive, some_of
from tools.rig.mutants.branches import EVERYTHING, measure
from tools.rig.mutants.core import CORE, PARTS
from tools.rig.mutants.figures import enough, outcome
from tools.rig.mutants.workshop import Workshop, drawn, place_of


def tell_branches() -> int:
    """Print what no test takes."""
    seen = measure(CORE, EVERYTHING)
    print("\n".join(seen.missed))
    print(f"{seen.branches} branches of {len(CORE)} modules, {len(seen.missed)} not taken")
    return int(bool(seen.missed))


def tell_mutants(modules: list[str], count: int | None, seed: int) -> int:
    """Judge mutants and print those that live."""
    shops = [Workshop(part, place_of(part)) for part in PARTS if set(part.modules) & set(modules)]
    names = {}
    for shop in shops:
        shop.prepare()
        names.update({name: shop for name in shop.names() if module_of(name) in modules})
    wanted = drawn(sorted(names), count or len(names), seed)
    rows = [(shop, shop.judge([name for name in wanted if names[name] is shop])) for shop in shops]
    for shop, judged in rows:
        for name, text in shop.changes(judged.alive).items():
            print(f"{name}: {judged.verdicts[name]}\n{text}")
    told = outcome(rows, len(names))
    print(f"seed {seed}: {', '.join(f'{name} {value}' for name, value in told.reached.items())}")
    return int(not enough(told))


def module_of(name: str) -> str:
    """The file of a mutant."""
    return name.rpartition(".")[0].replace(".", "/") + ".py"


def main(argv: list[str] | None = None) -> int:
    """Exit status as above; 2 where mutmut is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.rig.mutants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--branches", action="store_true", help="branches in place of mutants")
    parser.add_argument(
        "--module", type=some_of(CORE), default=list(CORE), help="these modules, with commas between"
    )
    parser.add_argument("--count", type=positive, help="so many, drawn by the seed, in place of all")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    try:
        return (
            tell_branches() if options.branches else tell_mutants(options.module, options.count, options.seed)
        )
    except UnavailableError as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
