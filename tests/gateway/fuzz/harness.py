"""Seeded fuzzing: mutated and random inputs, one integer replays a run. `python -m tests.gateway.fuzz` runs longer.

A target is a function of bytes. It may raise `DecodeError`; anything else is a finding, and so is an input that
takes longer than `SLOWEST_MS`.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.core.errors import DecodeError

SLOWEST_MS = 100
LONGEST = 600
EDGES = (0x00, 0x01, 0x07, 0x08, 0x0F, 0x10, 0x29, 0x3A, 0x40, 0x41, 0x53, 0x54, 0x7F, 0x80, 0xF0, 0xFE, 0xFF)


@dataclass(frozen=True)
class Target:
    """One parser: its name, inputs to start from, and `make`, which gives a fresh function of bytes."""

    name: str
    seeds: tuple[bytes, ...]
    make: Callable[[], Callable[[bytes], object]]


@dataclass(frozen=True)
class Finding:
    """An input that did what no input may do; `seed` and `index` replay it."""

    target: str
    seed: int
    index: int
    data: bytes
    what: str

    def __str__(self) -> str:
        return f"{self.target}: {self.what}; input {self.data.hex()}, replay with --seed {self.seed} (input {self.index})"


@dataclass(frozen=True)
class Outcome:
    """What a run came to: inputs tried, how many were refused, the slowest one in ms, and what was found."""

    inputs: int
    refused: int
    slowest_ms: float
    findings: tuple[Finding, ...]


def mutate(numbers: random.Random, seeds: tuple[bytes, ...]) -> bytes:
    """One input: a seed with some changes, or nothing but chance."""
    if not seeds or numbers.random() < 0.1:
        return numbers.randbytes(numbers.randrange(40))
    data = bytearray(numbers.choice(seeds))
    for _ in range(numbers.choice((0, 1, 1, 2, 3, 5, 8))):
        at = numbers.randrange(len(data) + 1)
        change = numbers.randrange(7)
        if change == 0 and data:
            data[at % len(data)] ^= 1 << numbers.randrange(8)
        elif change == 1 and data:
            data[at % len(data)] = numbers.choice(EDGES)
        elif change == 2:
            data[at:at] = numbers.randbytes(numbers.randrange(1, 5))
        elif change == 3:
            del data[at : at + numbers.randrange(1, 5)]
        elif change == 4:
            del data[at:]
        elif change == 5:
            other = numbers.choice(seeds)
            data[at:] = other[numbers.randrange(len(other) + 1) :]
        else:
            data[at:at] = data[at // 2 : at] * numbers.randrange(1, 4)
    return bytes(data[:LONGEST])


def inputs(target: Target, seed: int) -> Iterator[bytes]:
    """The seeds themselves, every beginning of each, then mutations for ever."""
    for start in target.seeds:
        for length in range(len(start) + 1):
            yield start[:length]
    numbers = random.Random(f"{target.name} {seed}")
    while True:
        yield mutate(numbers, target.seeds)


def fuzz(target: Target, seed: int, count: int, seconds: float | None = None) -> Outcome:
    """Try `count` inputs, or as many as `seconds` allow. After a finding the target is made anew."""
    function = target.make()
    refused, slowest_ms = 0, 0.0
    findings: list[Finding] = []
    end_s = time.perf_counter() + seconds if seconds is not None else None
    index = 0
    for index, data in enumerate(inputs(target, seed)):
        began_s = time.perf_counter()
        if len(findings) >= 5 or (began_s >= end_s if end_s is not None else index >= count):
            break
        what = ""
        try:
            function(data)
        except DecodeError:
            refused += 1
        except Exception as error:  # noqa: BLE001  that is what is looked for
            what = f"{type(error).__name__}: {error}"
        took_ms = (time.perf_counter() - began_s) * 1000
        slowest_ms = max(slowest_ms, took_ms)
        if not what and took_ms > SLOWEST_MS and took_again_ms(target, data) > SLOWEST_MS:
            what = f"took {took_ms:.0f} ms"
        if what:
            findings.append(Finding(target.name, seed, index, data, what))
            function = target.make()
    return Outcome(index, refused, slowest_ms, tuple(findings))


def took_again_ms(target: Target, data: bytes) -> float:
    """The best of three more tries with a fresh target: another process may have had the processor."""
    times = []
    for _ in range(3):
        function = target.make()
        began_s = time.perf_counter()
        try:
            function(data)
        except DecodeError:
            pass
        times.append((time.perf_counter() - began_s) * 1000)
    return min(times)
