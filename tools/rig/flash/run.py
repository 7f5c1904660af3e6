"""`micropython -m tools.rig.flash.run cuts 1000 7 [unsafe]`: trials from a seed on; the last line is JSON. CPython runs it, too."""

import asyncio
import json
import sys

from tools.rig.flash import trials, unsafe


async def run(kind: str, count: int, seed: int) -> "dict[str, object]":
    """So many trials of one kind, of one life after another."""
    found = trials.Found()
    live = {
        "cuts": trials.cuts,
        "pictures": trials.pictures,
        "pairs": trials.pairs,
        "lives": trials.lives,
        "faults": trials.faults,
    }[kind]
    life = seed
    while found.trials < count:
        await live(life, found, count)
        life += 1
    found.note("lives", life - seed)
    return {
        "trials": found.trials,
        "bad": found.bad,
        "reached": found.reached,
        "failures": found.failures,
    }


def main(words: "list[str]") -> None:
    """Print what was found."""
    if len(words) > 3:
        unsafe.VARIANTS[words[3]]()
    print(json.dumps(asyncio.run(run(words[0], int(words[1]), int(words[2])))))


if __name__ == "__main__":
    main(sys.argv[1:])
