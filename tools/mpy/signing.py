"""`python -m tools.mpy.signing`: what a signature costs on a board. Estimates: no board was at hand.

Operations are counted, not timed: every step of `hal.esp32` says how many multiplications modulo 2^255 - 19 it is worth,
and a test counts them. What one takes is derived from instruction counts of a 32-bit build (ADR 0030). A board may be off
by a factor of three; the longest slice leaves room for that.
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hal.esp32.ed25519 import Ed25519
from hal.esp32.sha512 import EXTEND_COST, PIECE, TURN_COST, VIPER_COST, Sha512, cut, finished
from hal.esp32.turns import SLICE_UNITS
from hal.sha512 import ROUNDS

# Milliseconds of one multiplication modulo 2^255 - 19, estimated.
BOARDS = {"ESP32-S3": 0.24, "ESP32": 0.28, "ESP32-C3": 0.35}
ALLOWANCE = 3
LIMIT_MS = 50  # no other task waits longer
RECEIPT_BYTES, ALARM_BYTES, BUNDLE_BYTES = 300, 200, 2_048

Work = Callable[[], Generator[int, None, Any]]


class Priced(Sha512):
    """Hashes natively and says what the code of a board would have cost."""

    def __init__(self, costs: Sequence[int]) -> None:
        self.costs = costs  # of a block, step by step

    def steps(self, parts: Sequence[bytes]) -> Generator[int, None, bytes]:
        """The digest."""
        for _ in cut(parts):
            yield from self.costs
        return hashlib.sha512(b"".join(parts)).digest()


HASHES: dict[str, list[int]] = {
    "viper": [VIPER_COST],
    "big integers": (ROUNDS - 16) // PIECE * [EXTEND_COST] + ROUNDS // PIECE * [TURN_COST],
}


@dataclass(frozen=True)
class Row:
    """One operation, with one way of hashing; `ms` and `slice_ms` by board: all of it, and its longest slice."""

    operation: str
    hashing: str
    units: int
    slices: int
    longest_slice: int
    ms: dict[str, int]
    slice_ms: dict[str, float]


def operations(ed25519: Ed25519) -> dict[str, Work]:
    """What a board does, by name; the base point's table is made by the first."""
    finished(ed25519.start())
    pair = finished(ed25519.key_pair(bytes(32)))
    receipt = bytes(RECEIPT_BYTES)
    signature = finished(ed25519.sign(pair, receipt))

    def sign(size: int) -> Work:
        return lambda: ed25519.sign(pair, bytes(size))

    def check() -> Generator[int, None, bool]:
        return ed25519.verify(pair.public, receipt, signature)

    return {
        "start: table of the base point": ed25519.start,
        "start: public key": lambda: ed25519.key_pair(bytes(32)),
        f"sign an alarm of {ALARM_BYTES} bytes": sign(ALARM_BYTES),
        f"sign a bundle of {BUNDLE_BYTES} bytes": sign(BUNDLE_BYTES),
        f"check a receipt of {RECEIPT_BYTES} bytes, the first of its key": check,
        f"check a receipt of {RECEIPT_BYTES} bytes, a later one": check,
    }


def sliced(steps: Generator[int, None, Any], slice_units: int) -> list[int]:
    """Units of each slice, as `hal.esp32.turns` cuts them."""
    slices = [0]
    for units in steps:
        if slices[-1] >= slice_units:
            slices.append(0)
        slices[-1] += units
    return slices


def rows(slice_units: int = SLICE_UNITS) -> list[Row]:
    """The table."""
    found = []
    for hashing, costs in HASHES.items():
        ed25519 = Ed25519(Priced(costs), lambda size: b"\x07" * size)
        for name, work in operations(ed25519).items():
            slices = sliced(work(), slice_units)
            units, longest = sum(slices), max(slices)
            ms = {board: round(units * each) for board, each in BOARDS.items()}
            slice_ms = {board: round(longest * each, 1) for board, each in BOARDS.items()}
            found.append(Row(name, hashing, units, len(slices), longest, ms, slice_ms))
    return found


def table(found: Sequence[Row]) -> list[str]:
    """Lines for people."""
    heads = "".join(f"{board:>16}" for board in BOARDS)
    lines = [
        f"ESTIMATES from counted operations, in ms: whole / longest slice; {LIMIT_MS} is the limit of a slice.",
        f"A board may be off by a factor of {ALLOWANCE}.",
        f"{'':56}{'hashing':14}{'units':>7}{heads}",
    ]
    for row in found:
        cells = "".join(f"{f'{row.ms[board]} / {row.slice_ms[board]}':>16}" for board in BOARDS)
        lines.append(f"{row.operation:56}{row.hashing:14}{row.units:7}{cells}")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tools.mpy.signing", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args(arguments)
    lines = [json.dumps(asdict(row) | {"estimate": True}) for row in rows()]
    for line in lines if options.json else table(rows()):
        print(line)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
