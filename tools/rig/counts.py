"""Numbers of a command line that would make a run prove nothing."""

import argparse


def positive(text: str) -> int:
    """A whole number of one or more: a run of nothing finds nothing."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"found {value}, expected 1 or more")
    return value
