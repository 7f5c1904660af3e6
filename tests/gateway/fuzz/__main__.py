"""`python -m tests.gateway.fuzz`: fuzz every target for some seconds; exit status 1 with a finding."""

import argparse
import json
import random
import sys

from gateway.core.errors import DecodeError
from tests.gateway.fuzz.enrolment_targets import ENROLMENT_TARGETS
from tests.gateway.fuzz.harness import Outcome, Target, fuzz
from tests.gateway.fuzz.installation_targets import INSTALLATION_TARGETS
from tests.gateway.fuzz.targets import TARGETS
from tests.gateway.fuzz.wire_targets import WIRE_TARGETS


def trusting(data: bytes) -> int:
    """Control: a reader of the kind that is looked for. It trusts a length."""
    if not data:
        raise DecodeError("empty", 0)
    return data[data[0]]


UNSAFE = (Target("trusts a length", (b"\x01\x02",), lambda: trusting),)


def told(target: Target, outcome: Outcome, *, as_json: bool) -> None:
    """What a target came to, and each input that did what none may do."""
    if as_json:
        row = {"target": target.name, "inputs": outcome.inputs, "slowest_ms": round(outcome.slowest_ms)}
        print(json.dumps(row | {"findings": [str(each) for each in outcome.findings]}), flush=True)
        return
    print(
        f"{target.name}: {outcome.inputs} inputs, {outcome.refused} refused, "
        f"slowest {outcome.slowest_ms:.1f} ms, {len(outcome.findings)} findings"
    )
    for finding in outcome.findings:
        print(f"  {finding}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.gateway.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each target (default 10)")
    parser.add_argument("--inputs", type=int, help="so many for each target, in place of seconds")
    parser.add_argument(
        "--seed", type=int, default=None, help="replays a run (default: another one each time)"
    )
    parser.add_argument("--target", default="", help="only targets whose name holds this")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each target")
    parser.add_argument("--unsafe", action="store_true", help="control: a reader that must be found")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    if not options.json:
        print(f"seed {seed}")
    status = 0
    for target in (
        UNSAFE if options.unsafe else (*TARGETS, *WIRE_TARGETS, *ENROLMENT_TARGETS, *INSTALLATION_TARGETS)
    ):
        if options.target not in target.name:
            continue
        seconds = None if options.inputs else options.seconds
        outcome = fuzz(target, seed, options.inputs or 0, seconds)
        told(target, outcome, as_json=options.json)
        status = 1 if outcome.findings else status
    return status


if __name__ == "__main__":
    sys.exit(main())
