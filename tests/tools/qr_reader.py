"""Reads a QR code of level M from the SVG of a page, after ISO/IEC 18004 and not after the library that drew it.

Without error correction: what was drawn must be right in every module. A format or a mask that is wrong gives no text.
"""

import re
from collections.abc import Callable

# Version: codewords of correction a block, then (blocks, codewords of data in each). ISO/IEC 18004, table 9, level M.
BLOCKS = {
    1: (10, [(1, 16)]),
    2: (16, [(1, 28)]),
    3: (26, [(1, 44)]),
    4: (18, [(2, 32)]),
    5: (24, [(2, 43)]),
    6: (16, [(4, 27)]),
    7: (18, [(4, 31)]),
    8: (22, [(2, 38), (2, 39)]),
    9: (22, [(3, 36), (2, 37)]),
    10: (26, [(4, 43), (1, 44)]),
    11: (30, [(1, 50), (4, 51)]),
    12: (22, [(6, 36), (2, 37)]),
    13: (22, [(8, 37), (1, 38)]),
    14: (24, [(4, 40), (5, 41)]),
    15: (24, [(5, 41), (5, 42)]),
    16: (28, [(7, 45), (3, 46)]),
    17: (28, [(10, 46), (1, 47)]),
    18: (26, [(9, 43), (4, 44)]),
    19: (26, [(3, 44), (11, 45)]),
    20: (26, [(3, 41), (13, 42)]),
    21: (26, [(17, 42)]),
    22: (28, [(17, 46)]),
    23: (28, [(4, 47), (14, 48)]),
    24: (28, [(6, 45), (14, 46)]),
    25: (28, [(8, 47), (13, 48)]),
}
# Centres of alignment patterns, table E.1.
ALIGNMENT = {
    1: [], 2: [6, 18], 3: [6, 22], 4: [6, 26], 5: [6, 30], 6: [6, 34], 7: [6, 22, 38], 8: [6, 24, 42],
    9: [6, 26, 46], 10: [6, 28, 50], 11: [6, 30, 54], 12: [6, 32, 58], 13: [6, 34, 62], 14: [6, 26, 46, 66],
    15: [6, 26, 48, 70], 16: [6, 26, 50, 74], 17: [6, 30, 54, 78], 18: [6, 30, 56, 82], 19: [6, 30, 58, 86],
    20: [6, 34, 62, 90], 21: [6, 28, 50, 72, 94], 22: [6, 26, 50, 74, 98], 23: [6, 30, 54, 78, 102],
    24: [6, 28, 54, 80, 106], 25: [6, 32, 58, 84, 110],
}  # fmt: skip
MASKS: tuple[Callable[[int, int], bool], ...] = (
    lambda r, c: (r + c) % 2 == 0,
    lambda r, c: r % 2 == 0,
    lambda r, c: c % 3 == 0,
    lambda r, c: (r + c) % 3 == 0,
    lambda r, c: (r // 2 + c // 3) % 2 == 0,
    lambda r, c: r * c % 2 + r * c % 3 == 0,
    lambda r, c: (r * c % 2 + r * c % 3) % 2 == 0,
    lambda r, c: ((r + c) % 2 + r * c % 3) % 2 == 0,
)
FORMAT_MASK, LEVEL_M = 0b101010000010010, 0b00
QUIET = 4


def svgs(page: str) -> list[str]:
    """The codes of a page."""
    return re.findall(r"<svg .*?</svg>", page, re.DOTALL)


def modules(svg: str) -> list[list[bool]]:
    """The drawn modules, dark as True, without the white around them, which is checked."""
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    path = re.search(r' d="([^"]+)"', svg)
    assert box and path, svg[:120]
    size = int(box[1])
    grid = [[False] * size for _ in range(size)]
    x, y = 0.0, 0.0
    for command, numbers in re.findall(r"([Mmhz])([^Mmhz]*)", path[1]):
        given = [float(each) for each in re.findall(r"-?\d*\.?\d+", numbers)]
        if command == "M":
            x, y = given
        elif command == "m":
            x, y = x + given[0], y + given[1]
        else:
            for column in range(int(x), int(x + given[0])):
                grid[int(y)][column] = True
            x += given[0]
    inner = range(QUIET, size - QUIET)
    assert not any(
        grid[r][c] for r in range(size) for c in range(size) if r not in inner or c not in inner
    ), "something is drawn in the white around the code"
    return [[grid[r][c] for c in inner] for r in inner]


def functional(size: int, version: int) -> set[tuple[int, int]]:
    """Where patterns and format stand, and no data."""
    taken = {(r, c) for r in range(size) for c in range(size) if r == 6 or c == 6}
    taken |= {(r, c) for r in range(9) for c in (*range(9), *range(size - 8, size))}
    taken |= {(r, c) for r in range(size - 8, size) for c in range(9)}
    places = ALIGNMENT[version]
    last = places[-1] if places else 0
    for row in places:
        for column in places:
            if (row, column) not in ((6, 6), (6, last), (last, 6)):
                taken |= {(row + r, column + c) for r in range(-2, 3) for c in range(-2, 3)}
    if version >= 7:
        for r in range(6):
            for c in range(size - 11, size - 8):
                taken |= {(r, c), (c, r)}
    return taken


def read(svg: str) -> str:
    """The text of a code. Raises AssertionError where it is none of level M in byte mode."""
    grid = modules(svg)
    size = len(grid)
    version = (size - 17) // 4
    first = [(8, c) for c in (0, 1, 2, 3, 4, 5, 7, 8)] + [(r, 8) for r in (7, 5, 4, 3, 2, 1, 0)]
    form = int("".join("01"[grid[r][c]] for r, c in first), 2) ^ FORMAT_MASK
    assert form >> 13 == LEVEL_M, "not of level M"
    mask = MASKS[form >> 10 & 7]
    taken, bits = functional(size, version), []
    pairs = [(c, c - 1) for c in [*range(size - 1, 6, -2), *range(5, 0, -2)]]
    for number, pair in enumerate(pairs):
        for r in range(size - 1, -1, -1) if number % 2 == 0 else range(size):
            bits += [grid[r][c] ^ mask(r, c) for c in pair if (r, c) not in taken]
    words = [int("".join("01"[bit] for bit in bits[at : at + 8]), 2) for at in range(0, len(bits) - 7, 8)]
    return text_of(bytes(in_order(words, BLOCKS[version][1])), version)


def in_order(words: list[int], blocks: list[tuple[int, int]]) -> list[int]:
    """Codewords of data, block after block, from how they are interleaved."""
    sizes = [data for count, data in blocks for _ in range(count)]
    held: list[list[int]] = [[] for _ in sizes]
    at = 0
    for place in range(max(sizes)):
        for block, data in enumerate(sizes):
            if place < data:
                held[block].append(words[at])
                at += 1
    return [word for block in held for word in block]


def text_of(data: bytes, version: int) -> str:
    """The one segment in byte mode."""
    bits = int.from_bytes(data, "big")
    total, wide = 8 * len(data), 8 if version < 10 else 16
    assert bits >> total - 4 == 0b0100, "not in byte mode"
    length = bits >> total - 4 - wide & (1 << wide) - 1
    return (bits >> total - 4 - wide - 8 * length & (1 << 8 * length) - 1).to_bytes(length, "big").decode()
