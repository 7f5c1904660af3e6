"""What is known from elsewhere moves the stock by itself: a record of an installation, a report of `trygg-kit rehome`.

    {"gateway": "hub-1", "label": "ABCD-EFGH", "devices": [{"serial": "SN123"}, ...]}

`installed` brings all of them into a home, `left` brings them back. Devices that are not in the books are named and left out.
"""

import json
from typing import Any, NamedTuple

from gateway.core.errors import RefusedError
from tools.stock.book import Book
from tools.stock.states import ASSIGNED, IN_HOME, RETURNED, STOCK

WAYS = {"installed": IN_HOME, "left": RETURNED}
MOST = 64


class Moved(NamedTuple):
    """Codes that were moved, and serial numbers that nobody knows."""

    moved: list[str]
    unknown: list[str]


class Record(NamedTuple):
    """codes: the gateway first. batteries: per cent by serial number."""

    codes: list[str]
    label: str
    batteries: dict[str, int]


def read(text: str) -> Record:
    """What a record says. Raises RefusedError."""
    try:
        row: Any = json.loads(text)
        devices = [each for each in row.get("devices", []) if "serial" in each]
        batteries = {
            each["serial"]: each["battery_pct"] for each in devices if each.get("battery_pct") is not None
        }
        record = Record(
            [row["gateway"], *(each["serial"] for each in devices)], row.get("label", ""), batteries
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedError(
            "no record of an installation, and no report of a gateway that has left"
        ) from error
    texts, numbers = (*record.codes, record.label), batteries.values()
    if (
        len(texts) > MOST
        or not all(isinstance(each, str) for each in texts)
        or not all(map(is_share, numbers))
    ):
        raise RefusedError("no record of an installation, and no report of a gateway that has left")
    return record


def is_share(value: object) -> bool:
    """Whether it is a number of per cent."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100


def take(book: Book, text: str, kind: str, who: str, at_ms: int) -> Moved:
    """Move what a record names; kind is one of `WAYS`. All of it or nothing. Raises RefusedError."""
    codes, label, batteries = read(text)
    after = WAYS[kind]
    moved, unknown = [], []
    known = {item.code for item in book.items()}
    with book.commit():
        for code in codes:
            if code not in known:
                unknown.append(code)
                continue
            if code in batteries:
                book.charge(code, batteries[code])
            state = book.find(code).state
            if state == after:
                continue
            if (state, after) == (STOCK, IN_HOME):  # nobody said beforehand for whom
                book.move(code, ASSIGNED, who, kind, at_ms)
            book.move(code, after, who, kind, at_ms)
            moved.append(code)
        if label and codes[0] in known:
            book.relabel(codes[0], label)
    return Moved(moved, unknown)
