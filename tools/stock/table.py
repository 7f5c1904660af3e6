"""The stock as a table for a spreadsheet, and back. CSV after RFC 4180 in UTF-8, with commas; semicolons are read, too.

Columns: code, sort, model, label, state, battery_pct, and days_STATE for each state. What comes in needs `code` and `sort`; days are
counted here and never taken over. A file is taken whole or not at all, and what it changes follows the same rules as by hand.
"""

import csv
import io

from gateway.core.errors import RefusedError
from tools.stock.book import Book, Item
from tools.stock.states import STATES, STOCK

COLUMNS = ("code", "sort", "model", "label", "state", "battery_pct")
DAYS = tuple(f"days_{state}" for state in STATES)
NEEDED = ("code", "sort")
LARGEST = 16 << 20


def export(book: Book, now_ms: int) -> str:
    """The whole stock."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow((*COLUMNS, *DAYS))
    for item in book.items():
        days = book.days(item.code, now_ms)
        battery = "" if item.battery_pct is None else item.battery_pct
        writer.writerow((*item[:-1], battery, *(days[state] for state in STATES)))
    return out.getvalue()


def bring(book: Book, text: str, who: str, at_ms: int) -> tuple[int, int]:
    """(new, changed). Raises RefusedError, with the line: then nothing was taken."""
    added = changed = 0
    with book.commit():
        known = {item.code: item for item in book.items()}
        for number, row in read(text):
            try:
                before = known.get(row["code"])
                item = item_of(row, before)
                if before is None:
                    book.add(item._replace(battery_pct=None), who, "CSV", at_ms)
                    added += 1
                else:
                    changed += moved(book, before, item, who, at_ms)
                if item.battery_pct is not None:
                    book.charge(item.code, item.battery_pct)
            except RefusedError as error:
                raise RefusedError(f"line {number}: {error.reason}") from error
    return added, changed


def moved(book: Book, before: Item, item: Item, who: str, at_ms: int) -> int:
    """Move one to the state of the file; 1 where that is another, or its label is. Raises RefusedError."""
    if (before.sort, before.model) != (item.sort, item.model):
        raise RefusedError(f"{item.code} is a {before.sort} {before.model} in the stock's books")
    if before.label != item.label:
        book.relabel(item.code, item.label)
    if before.state != item.state:
        book.move(item.code, item.state, who, "CSV", at_ms)
    return int(before[:5] != item[:5])


def item_of(row: dict[str, str], before: Item | None) -> Item:
    """What a line says; where it says nothing, what is known. Raises RefusedError."""
    battery = row.get("battery_pct", "")
    if battery and not (battery.isdecimal() and battery.isascii()):
        raise RefusedError(f"{battery!r} is no battery in per cent")
    known = before or Item(row["code"], row["sort"], "", "", STOCK, None)
    return Item(
        row["code"],
        row["sort"],
        row.get("model") or known.model,
        row.get("label") or known.label,
        row.get("state") or known.state,
        int(battery) if battery else None,
    )


def read(text: str) -> list[tuple[int, dict[str, str]]]:
    """Lines with their numbers. Raises RefusedError."""
    if len(text) > LARGEST:
        raise RefusedError("a table of at most 16 million characters")
    head = text.lstrip("\ufeff").partition("\n")[0]
    delimiter = ";" if head.count(";") > head.count(",") else ","
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        if missing := [name for name in NEEDED if name not in names]:
            raise RefusedError(f"the first line names no column {', '.join(missing)}")
        if unknown := [name for name in names if name not in (*COLUMNS, *DAYS)]:
            raise RefusedError(f"the first line names a column that is not known: {', '.join(unknown)}")
        found = []
        for row in reader:
            if len(row) != len(names) and row:
                raise RefusedError(f"line {reader.line_num}: {len(row)} cells, expected {len(names)}")
            if row:
                found.append((reader.line_num, dict(zip(names, [cell.strip() for cell in row], strict=True))))
    except csv.Error as error:
        raise RefusedError(f"line {reader.line_num}: no CSV ({error})") from error
    return found
