"""Cut the power at every operation of a journal's life, or let the disk fail or fill.

    python -m tools.rig.crash [--images N] [--seed S] [--faults | --filling | --asides | --reads] [--unsafe HOW]

`--asides`: a store that does not open is set aside meanwhile. `--reads`: the medium does not answer them.

The last line says `lost 0` where nothing that was told was lost, no store did not open and nothing was half done. A
line that names a seed has it again: `--seed S`.
"""

import argparse
import sys
import time

from tools.evidence.figure import Outcome, UnavailableError
from tools.rig.counts import positive
from tools.rig.crash import figures
from tools.rig.crash.asides import UNSAFE as UNSAFE_ASIDES
from tools.rig.crash.reads import UNSAFE as UNSAFE_READS

UNSAFE: dict[str, dict[str, object]] = {
    "off": {"synchronous": "OFF"},
    "normal": {"synchronous": "NORMAL"},
    "early": {"early": True},
    "retry": {"retries": True},  # of a failed sync: with --faults
}
OWN = {"asides": sorted(UNSAFE_ASIDES), "reads": sorted(UNSAFE_READS)}  # what is unsafe there, and only there


def run(options: argparse.Namespace) -> Outcome:
    """What was asked for."""
    if options.asides:
        return figures.set_aside(options.images, options.seed, options.unsafe or "")
    if options.reads:
        return figures.unread(options.images, options.seed, options.unsafe or "")
    how = UNSAFE.get(options.unsafe or "", {})
    if options.filling:
        return figures.filling(options.images // 1_000 or 1, options.seed, stingy=bool(options.unsafe))
    trial = figures.fail if options.faults else figures.cut
    return trial(options.images, options.seed, **how)  # type: ignore[arg-type]


def main(argv: list[str] | None = None) -> int:
    """0 where nothing was lost; with --unsafe, 0 where the loss was seen; 2 where apsw is missing."""
    parser = argparse.ArgumentParser(prog="python -m tools.rig.crash", description=__doc__)
    parser.add_argument(
        "--images",
        type=positive,
        default=20_000,
        help="how many (default: %(default)s); with --filling, appends",
    )
    parser.add_argument("--seed", type=int, default=1)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--faults", action="store_true", help="an operation fails, then a cut")
    kind.add_argument("--filling", action="store_true", help="the disk fills and is freed")
    kind.add_argument("--asides", action="store_true", help="a start sets a store aside, and is cut or fails")
    kind.add_argument("--reads", action="store_true", help="reads are not answered")
    every = sorted({*UNSAFE, *OWN["asides"], *OWN["reads"]})
    parser.add_argument("--unsafe", choices=every, help="a journal that must lose")
    options = parser.parse_args(argv)
    possible = OWN["asides"] if options.asides else OWN["reads"] if options.reads else sorted(UNSAFE)
    if options.unsafe and options.unsafe not in possible:
        parser.error(f"--unsafe {options.unsafe}: here it is one of {', '.join(possible)}")
    if options.unsafe == "retry" and not options.faults:
        parser.error("--unsafe retry: only with --faults is there a sync that fails")
    began = time.perf_counter()
    try:
        outcome = run(options)
    except UnavailableError as error:
        print(f"crash: {error}", file=sys.stderr)
        return 2
    for line in outcome.failures:
        print(line)
    rate = outcome.trials / (time.perf_counter() - began)
    shown = ", ".join(
        f"{name} {count:,}" for name, count in outcome.reached.items() if isinstance(count, int)
    )
    print(f"{outcome.trials:,} trials ({rate:,.0f} a second), {shown}; seed {options.seed}")
    print(f"lost {outcome.bad}")
    return int(not outcome.bad) if options.unsafe else int(bool(outcome.bad))


if __name__ == "__main__":
    sys.exit(main())
