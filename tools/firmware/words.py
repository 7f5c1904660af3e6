"""Runs on MicroPython: what modules take of the heap of a board that has their code in flash, estimated by what is in them.

    micropython tools/firmware/words.py MODULE...           {"module": bytes}, each import before whoever imports it
    micropython tools/firmware/words.py --loaded MODULE...  names of all modules that these load

A frozen module leaves functions, classes, names and what its first run makes in the heap. They are counted as objects of 32 bits in blocks
of 16 bytes (MicroPython 1.28: py/objfun.h, objtype.c, map.c, gc.c). Texts, bytes and tuples of these lie in flash. What no other
object shows is not seen: defaults of arguments, closures' cells, tuples that are made of names. `UNSEEN` stands for it.
"""

import json
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

BLOCK = 16
# What a map grows to that is filled one name after the other (py/map.c).
GROWN = (0, 1, 2, 4, 6, 8, 10, 12, 17, 23, 29, 37, 47, 59, 73, 97, 127, 167, 223, 293, 389, 521, 691, 919)
CLASS = 64  # with its ten slots or eleven
UNSEEN = 64  # of a module that is more than a package: so much more, on average, a port of 32 bits with the same modules frozen took
PACKAGE = 8  # names that an empty module has, or nearly
WRAPPED = {"staticmethod": 32, "classmethod": 32, "property": 48}


def generator() -> "Iterator[None]":
    """Only its type is wanted."""
    yield


FUNCTIONS = (type(generator), type(lambda: 0))
IN_FLASH = (int, bool, str, bytes, float, type(None), type(sys))


def blocks(size: int) -> int:
    """In whole blocks."""
    return (size + BLOCK - 1) // BLOCK * BLOCK


def names(count: int) -> int:
    """A table of so many names."""
    for size in GROWN:
        if size >= count:
            return blocks(8 * size)
    return blocks(8 * count)


def is_constant(item: object) -> bool:
    """Whether a compiler puts it into flash."""
    if isinstance(item, tuple):
        return all(is_constant(part) for part in item)
    return isinstance(item, IN_FLASH)


class Count:
    """Each object once: it belongs to the module in which it is met first."""

    def __init__(self) -> None:
        self.seen: set[int] = set()

    def all(self, items: "Iterable[object]") -> int:
        """Bytes of them together."""
        return sum(self.one(item) for item in items)

    def one(self, item: object) -> int:
        """Bytes of an object and of what hangs on it, where nobody had it before."""
        if is_constant(item) or id(item) in self.seen:
            return 0
        self.seen.add(id(item))
        if isinstance(item, type):
            held = item.__dict__
            return CLASS + BLOCK + names(len(held) + 1) + self.all(held.values())
        if isinstance(item, FUNCTIONS):
            return BLOCK
        if isinstance(item, dict):
            return BLOCK + blocks(8 * len(item)) + self.all(item) + self.all(item.values())
        if isinstance(item, tuple):
            return blocks(8 + 4 * len(item)) + self.all(item)
        if isinstance(item, (list, set, frozenset)):
            return BLOCK + blocks(4 * max(4, len(item))) + self.all(item)
        if isinstance(item, bytearray):
            return BLOCK + blocks(len(item))
        return self.other(item)

    def other(self, item: object) -> int:
        """What is made of a class."""
        wrapped = WRAPPED.get(type(item).__name__)
        held = getattr(item, "__dict__", None)
        if wrapped is not None or not isinstance(held, dict):
            return wrapped or BLOCK
        return BLOCK + blocks(8 * len(held)) + self.all(held.values())

    def module(self, module: "Any") -> int:
        """A module: itself, its entry among the loaded ones, its names and all that is new in them."""
        held = module.__dict__
        count = len(held) - ("__file__" in held)  # a frozen one has none
        unseen = UNSEEN if count > PACKAGE else 0
        return 3 * BLOCK + names(count) + unseen + self.all(held.values())


def main(words: "list[str]") -> "dict[str, int | None] | list[str]":
    """What the command line asks for."""
    if words[0] == "--loaded":
        for name in words[1:]:
            __import__(name)
        return sorted(sys.modules)
    count = Count()
    found: dict[str, int | None] = {}
    for name in words:
        try:
            __import__(name)
        except ImportError:
            found[name] = None  # of drivers that this machine has not
            continue
        found[name] = count.module(sys.modules[name])
    return found


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
