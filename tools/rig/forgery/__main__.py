"""Forge messages: `python -m tools.rig.forgery [--trials N] [--seed S] [--unsafe]`; the last line says `accepted 0`."""

import argparse
import sys
import time

from tools.rig.counts import positive
from tools.rig.forgery.figures import forge
from tools.rig.forgery.town import anything


def main(argv: list[str] | None = None) -> int:
    """0 where nothing was accepted; with --unsafe, 0 where something was."""
    parser = argparse.ArgumentParser(prog="python -m tools.rig.forgery", description=__doc__)
    parser.add_argument("--trials", type=positive, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--unsafe", action="store_true", help="verification is off: must accept")
    options = parser.parse_args(argv)
    began = time.process_time()
    outcome = forge(options.trials, options.seed, anything if options.unsafe else None)
    for line in outcome.failures:
        print(line)
    rate = outcome.trials / (time.process_time() - began)
    shown = ", ".join(
        f"{name} {count:,}" for name, count in outcome.reached.items() if isinstance(count, int)
    )
    print(f"{outcome.trials:,} messages ({rate:,.0f} a second of one core), {shown}; seed {options.seed}")
    print(f"accepted {outcome.bad}")
    return int(not outcome.bad) if options.unsafe else int(bool(outcome.bad))


if __name__ == "__main__":
    sys.exit(main())
