"""`python -m tests.gateway.fuzz`: fuzz every target for some seconds; exit status 1 with a finding."""

import argparse
import random
import sys

from tests.gateway.fuzz.harness import fuzz
from tests.gateway.fuzz.targets import TARGETS
from tests.gateway.fuzz.wire_targets import WIRE_TARGETS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.gateway.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each target (default 10)")
    parser.add_argument(
        "--seed", type=int, default=None, help="replays a run (default: another one each time)"
    )
    parser.add_argument("--target", default="", help="only targets whose name holds this")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    status = 0
    for target in (*TARGETS, *WIRE_TARGETS):
        if options.target not in target.name:
            continue
        outcome = fuzz(target, seed, 0, options.seconds)
        print(
            f"{target.name}: {outcome.inputs} inputs, {outcome.refused} refused, "
            f"slowest {outcome.slowest_ms:.1f} ms, {len(outcome.findings)} findings"
        )
        for finding in outcome.findings:
            print(f"  {finding}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
