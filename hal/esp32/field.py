"""Arithmetic modulo P = 2^255 - 19 that takes more than a few multiplications, in steps. Source: RFC 8032, 5.1.

Each `yield` names what was just done, in multiplications modulo P. `pow` of the interpreter would do the same in one piece
of about 500 of them, and could not be interrupted.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

P = 2**255 - 19
D = 37095705934669439343138083508754565189542113879843219016388785533085940283555  # -121665/121666
# Rounds of Euclid between two yields, and what they weigh: measured beside multiplications (ADR 0030).
EUCLID_ROUNDS, EUCLID_COST = 16, 7
SQUARINGS = 8  # between two yields


def inverse(value: int, modulus: int = P) -> "Generator[int, None, int]":
    """1 / value, by Euclid. `value` is not 0 modulo P.

    How long it takes tells of `value`, so that must be public, or blinded with a random factor. (MicroPython's
    `pow(x, -1, p)` gives 0.)
    """
    low, high = value % modulus, modulus
    factor, before = 1, 0
    rounds = 0
    while low > 1:
        ratio = high // low
        low, high = high - ratio * low, low
        factor, before = before - ratio * factor, factor
        rounds += 1
        if rounds % EUCLID_ROUNDS == 0:
            yield EUCLID_COST
    yield EUCLID_COST
    return factor % modulus


def root_power(value: int) -> "Generator[int, None, int]":
    """Value to the power of (P - 5) / 8 = 2^252 - 3, the core of a square root (RFC 8032, 5.1.3)."""
    ones5 = value  # a power of 2^5 - 1, and so on
    for _ in range(4):
        ones5 = ones5 * ones5 % P * value % P
    yield 8
    ones10 = yield from joined(ones5, 5, ones5)
    ones20 = yield from joined(ones10, 10, ones10)
    ones40 = yield from joined(ones20, 20, ones20)
    ones50 = yield from joined(ones40, 10, ones10)
    ones100 = yield from joined(ones50, 50, ones50)
    ones200 = yield from joined(ones100, 100, ones100)
    ones250 = yield from joined(ones200, 50, ones50)
    return (yield from joined(ones250, 2, value))


def joined(left: int, squarings: int, right: int) -> "Generator[int, None, int]":
    """`left` squared so often, times `right`."""
    for done in range(1, squarings + 1):
        left = left * left % P
        if done % SQUARINGS == 0:
            yield SQUARINGS
    yield squarings % SQUARINGS + 1
    return left * right % P
