"""What the command lines of the harnesses of simulated time share: their options, and how they say what was found."""

import argparse

from tools.evidence.figure import Outcome
from tools.rig.counts import positive


def parser_of(module: str, text: str, *, count: str, usual: int) -> argparse.ArgumentParser:
    """Options of a harness with that docstring: `count` trials, `usual` where it is not given, and the first seed."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=text.partition("\n")[0])
    parser.add_argument(f"--{count}", type=positive, default=usual, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first (default: %(default)s)")
    return parser


def say(*outcomes: Outcome) -> int:
    """Print what replays each failure, what was reached and the sums; how much of it is bad."""
    for found in outcomes:
        for line in found.failures:
            print(line)
        for name, value in found.reached.items():
            print(f"{name} {value}")
    bad = sum(found.bad for found in outcomes)
    print(f"{sum(found.trials for found in outcomes)} done, bad {bad}")
    return bad
