"""SHA-512 in portable Python, for interpreters whose `hashlib` lacks it. Source: FIPS 180-4."""

import hashlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MASK = 0xFFFFFFFFFFFFFFFF


def root(value: int, degree: int) -> int:
    """Largest integer whose power of `degree` is not above `value`."""
    low, high = 0, 1
    while high**degree <= value:
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if middle**degree <= value:
            low = middle
        else:
            high = middle
    return low


def constants() -> "tuple[list[int], list[int]]":
    """Fraction bits of the square roots of 8 and the cube roots of 80 primes (FIPS 180-4, 4.2.3 and 5.3.5)."""
    primes: list[int] = []
    number = 2
    while len(primes) < 80:
        if all([number % prime for prime in primes]):
            primes.append(number)
        number += 1
    start = [root(prime << 128, 2) & MASK for prime in primes[:8]]
    return start, [root(prime << 192, 3) & MASK for prime in primes]


def rotated(value: int, count: int) -> int:
    """`value` rotated right, as 64 bits."""
    return ((value >> count) | (value << (64 - count))) & MASK


def compress(state: "list[int]", block: bytes, rounds: "list[int]") -> "list[int]":
    """One block of 128 bytes (FIPS 180-4, 6.4.2)."""
    words = [int.from_bytes(block[i : i + 8], "big") for i in range(0, 128, 8)]
    for t in range(16, 80):
        w15, w2 = words[t - 15], words[t - 2]
        s0 = rotated(w15, 1) ^ rotated(w15, 8) ^ (w15 >> 7)
        s1 = rotated(w2, 19) ^ rotated(w2, 61) ^ (w2 >> 6)
        words.append((words[t - 16] + s0 + words[t - 7] + s1) & MASK)
    a, b, c, d, e, f, g, h = state
    for t in range(80):
        s1 = rotated(e, 14) ^ rotated(e, 18) ^ rotated(e, 41)
        t1 = (h + s1 + ((e & f) ^ (~e & MASK & g)) + rounds[t] + words[t]) & MASK
        s0 = rotated(a, 28) ^ rotated(a, 34) ^ rotated(a, 39)
        t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) & MASK
        a, b, c, d, e, f, g, h = (t1 + t2) & MASK, a, b, c, (d + t1) & MASK, e, f, g
    new = (a, b, c, d, e, f, g, h)
    return [(state[i] + new[i]) & MASK for i in range(8)]


class PureSha512:
    """Computes the constants once and hashes with them."""

    def __init__(self) -> None:
        self._start, self._rounds = constants()

    def digest(self, data: bytes) -> bytes:
        """64 bytes."""
        padding = b"\x80" + bytes((111 - len(data)) % 128) + (8 * len(data)).to_bytes(16, "big")
        padded = data + padding
        state = self._start
        for start in range(0, len(padded), 128):
            state = compress(state, padded[start : start + 128], self._rounds)
        return b"".join([word.to_bytes(8, "big") for word in state])


def sha512() -> "Callable[[bytes], bytes]":
    """A function from bytes to their SHA-512: native where the interpreter has it."""
    native = getattr(hashlib, "sha512", None)
    if native is None:
        return PureSha512().digest
    return lambda data: native(data).digest()
