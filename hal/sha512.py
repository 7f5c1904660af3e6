"""SHA-512 in portable Python, for interpreters whose `hashlib` lacks it. Source: FIPS 180-4.

A block is worked in pieces (`extend`, `turn`), so that a slow machine can let others run in between.
"""

import hashlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MASK = 0xFFFFFFFFFFFFFFFF
BLOCK = 128
ROUNDS = 80


def root(value: int, degree: int) -> int:
    """Largest integer whose power of `degree` is not above `value`: Newton's steps down from above."""
    found = 1 << 68  # above every root that is asked for here
    while True:
        better = ((degree - 1) * found + value // found ** (degree - 1)) // degree
        if better >= found:
            return found
        found = better


def constants() -> "tuple[list[int], list[int]]":
    """Fraction bits of the square roots of 8 and the cube roots of 80 primes (FIPS 180-4, 4.2.3 and 5.3.5)."""
    primes: list[int] = []
    number = 2
    while len(primes) < ROUNDS:
        if all([number % prime for prime in primes]):
            primes.append(number)
        number += 1
    start = [root(prime << 128, 2) & MASK for prime in primes[:8]]
    return start, [root(prime << 192, 3) & MASK for prime in primes]


def padding(size: int) -> bytes:
    """What follows a message of `size` bytes (FIPS 180-4, 5.1.2)."""
    return b"\x80" + bytes((111 - size) % BLOCK) + (8 * size).to_bytes(16, "big")


def words_of(block: bytes) -> "list[int]":
    """The 16 words of a block of 128 bytes."""
    return [int.from_bytes(block[i : i + 8], "big") for i in range(0, BLOCK, 8)]


def extend(words: "list[int]", count: int) -> None:
    """The next `count` words of the message schedule (FIPS 180-4, 6.4.2, step 1).

    Rotations are written out here and below: a call each would cost a third more.
    """
    for t in range(len(words), len(words) + count):
        w15, w2 = words[t - 15], words[t - 2]
        s0 = ((w15 >> 1 | w15 << 63) ^ (w15 >> 8 | w15 << 56) ^ w15 >> 7) & MASK
        s1 = ((w2 >> 19 | w2 << 45) ^ (w2 >> 61 | w2 << 3) ^ w2 >> 6) & MASK
        words.append((words[t - 16] + s0 + words[t - 7] + s1) & MASK)


def turn(
    working: "list[int]", words: "list[int]", rounds: "list[int]", first: int, count: int
) -> "list[int]":
    """The working variables after `count` rounds from round `first` on (FIPS 180-4, 6.4.2, step 3)."""
    a, b, c, d, e, f, g, h = working
    for t in range(first, first + count):
        s1 = ((e >> 14 | e << 50) ^ (e >> 18 | e << 46) ^ (e >> 41 | e << 23)) & MASK
        t1 = (h + s1 + ((e & f) ^ (~e & MASK & g)) + rounds[t] + words[t]) & MASK
        s0 = ((a >> 28 | a << 36) ^ (a >> 34 | a << 30) ^ (a >> 39 | a << 25)) & MASK
        t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) & MASK
        a, b, c, d, e, f, g, h = (t1 + t2) & MASK, a, b, c, (d + t1) & MASK, e, f, g
    return [a, b, c, d, e, f, g, h]


def sums(state: "list[int]", working: "list[int]") -> "list[int]":
    """The hash value after a block (FIPS 180-4, 6.4.2, step 4)."""
    return [(state[i] + working[i]) & MASK for i in range(8)]


class PureSha512:
    """Computes the constants once and hashes with them."""

    def __init__(self) -> None:
        self._start, self._rounds = constants()

    def digest(self, data: bytes) -> bytes:
        """64 bytes."""
        padded = data + padding(len(data))
        state = self._start
        for start in range(0, len(padded), BLOCK):
            words = words_of(padded[start : start + BLOCK])
            extend(words, ROUNDS - 16)
            state = sums(state, turn(state, words, self._rounds, 0, ROUNDS))
        return b"".join([word.to_bytes(8, "big") for word in state])


def sha512() -> "Callable[[bytes], bytes]":
    """A function from bytes to their SHA-512: native where the interpreter has it."""
    native = getattr(hashlib, "sha512", None)
    if native is None:
        return PureSha512().digest
    return lambda data: native(data).digest()
