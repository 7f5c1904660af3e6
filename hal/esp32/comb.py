"""Multiples of one point of Ed25519 by a comb: few doublings, many of the work done once. Source: Lim and Lee, 1994.

A factor of 256 bits is written as `teeth` rows of `spacing` bits; one column of it is one entry of a table of sums, so that
a multiple costs `spacing` doublings and additions. The table is bytes, 96 an entry: no object for each number.
"""

from hal.esp32.field import D, P, inverse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    Point = tuple[int, int, int, int]  # extended coordinates: x = X/Z, y = Y/Z, T = XY/Z
    Entry = tuple[int, int, int]  # y + x, y - x, 2dxy of a point in the plane

FACTOR_BITS = 256
DOUBLE_COST, ADD_COST, ENTRY_COST = 8, 9, 7  # multiplications modulo P
ENTRY_SIZE, NUMBER_SIZE = 96, 32
NEUTRAL_ENTRY = (1, 1, 0)


def double(point: "Point") -> "Point":
    """Twice a point (RFC 8032, 5.1.4)."""
    x, y, z, _ = point
    a = x * x % P
    b = y * y % P
    h = a + b
    e = h - (x + y) * (x + y) % P
    g = a - b
    f = 2 * (z * z % P) + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def add(left: "Point", right: "Point") -> "Point":
    """Sum of two points, the same one included (RFC 8032, 5.1.4)."""
    a = (left[1] - left[0]) * (right[1] - right[0]) % P
    b = (left[1] + left[0]) * (right[1] + right[0]) % P
    c = 2 * left[3] * right[3] % P * D % P
    d = 2 * left[2] * right[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def add_entry(point: "Point", entry: "Entry") -> "Point":
    """Sum of a point and one of a table. The formulas are complete: no sum is an exception, the neutral one included."""
    x, y, z, t = point
    a = (y - x) * entry[1] % P
    b = (y + x) * entry[0] % P
    c = t * entry[2] % P
    d = 2 * z
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


class Comb:
    """The table of one point; `made` makes it."""

    def __init__(self, teeth: int) -> None:
        self.teeth = teeth
        self.spacing = (FACTOR_BITS + teeth - 1) // teeth
        self.size = (self.spacing * teeth + 7) // 8  # bytes of a factor
        self.table = bytearray(ENTRY_SIZE << teeth)

    def put(self, index: int, numbers: "tuple[int, int, int]") -> None:
        """Store an entry."""
        at = index * ENTRY_SIZE
        for number in numbers:
            self.table[at : at + NUMBER_SIZE] = number.to_bytes(NUMBER_SIZE, "little")
            at += NUMBER_SIZE

    def numbers(self, index: int) -> "tuple[int, int, int]":
        """What was stored."""
        at, table = index * ENTRY_SIZE, self.table
        return (
            int.from_bytes(table[at : at + 32], "little"),
            int.from_bytes(table[at + 32 : at + 64], "little"),
            int.from_bytes(table[at + 64 : at + 96], "little"),
        )

    def entry(self, factor: bytes, column: int) -> "Entry":
        """The entry that a column of a factor, `size` bytes little-endian, asks for."""
        index = 0
        for tooth in range(self.teeth):
            bit = column + tooth * self.spacing
            index |= (factor[bit >> 3] >> (bit & 7) & 1) << tooth
        return self.numbers(index)


def made(point: "Point", teeth: int) -> "Generator[int, None, Comb]":
    """The comb of a public point.

    While it is made, the table holds X, Y and Z of each sum: 60 points as integers would take 40 KB.
    """
    comb = Comb(teeth)
    comb.put(0, (0, 1, 1))
    for tooth in range(teeth):
        if tooth:
            for _ in range(comb.spacing):
                point = double(point)
                yield DOUBLE_COST
        for index in range(1 << tooth):
            x, y, z = comb.numbers(index)
            x, y, z, _ = add((x * z % P, y * z % P, z * z % P, x * y % P), point)
            comb.put((1 << tooth) + index, (x, y, z))
            yield ADD_COST + 4
    yield from flattened(comb)
    return comb


def flattened(comb: Comb) -> "Generator[int, None, None]":
    """Turn the sums in a table into entries. One inversion for all: the product of all Z, taken apart from behind (Montgomery)."""
    size = 1 << comb.teeth
    before = bytearray(NUMBER_SIZE * size)  # by index: the product of every Z before
    product = 1
    for index in range(1, size):
        before[NUMBER_SIZE * index : NUMBER_SIZE * (index + 1)] = product.to_bytes(NUMBER_SIZE, "little")
        product = product * comb.numbers(index)[2] % P
        yield 1
    rest = yield from inverse(product)
    for index in range(size - 1, 0, -1):
        x, y, z = comb.numbers(index)
        own = rest * int.from_bytes(before[NUMBER_SIZE * index : NUMBER_SIZE * (index + 1)], "little") % P
        rest = rest * z % P
        x, y = x * own % P, y * own % P
        comb.put(index, ((y + x) % P, (y - x) % P, 2 * x * y % P * D % P))
        yield 8
    comb.put(0, NEUTRAL_ENTRY)
