"""Words of a command line that would make a run prove nothing."""

import argparse
from collections.abc import Callable, Iterable


def positive(text: str) -> int:
    """A whole number of one or more: a run of nothing finds nothing."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"found {value}, expected 1 or more")
    return value


def some_of(known: Iterable[str]) -> Callable[[str], list[str]]:
    """A type of option: names with commas between, each of them known. A name that nobody knows would run nothing."""
    names = tuple(known)

    def chosen(text: str) -> list[str]:
        wanted = text.split(",")
        unknown = [repr(name) for name in wanted if name not in names]
        if unknown:
            raise argparse.ArgumentTypeError(f"no part {', '.join(unknown)}; there are {', '.join(names)}")
        return wanted

    return chosen
