"""Sets of numbers in few words."""

from collections.abc import Iterable


def spans(numbers: Iterable[int]) -> list[list[int]]:
    """First and last of each unbroken row of numbers."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        elif not found or number > found[-1][1]:
            found.append([number, number])
    return found


def members(rows: Iterable[Iterable[int]]) -> set[int]:
    """The numbers that `spans` was made of."""
    return {number for first, last in rows for number in range(first, last + 1)}
