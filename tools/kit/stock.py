"""`trygg-kit stock`: where gateways and devices are, for how long, and what may become of them next."""

import argparse
import sys
from pathlib import Path
from typing import Any

from gateway.core.errors import RefusedError
from gateway.daemon.arguments import own_language, reworded
from gateway.daemon.json_text import dumps
from gateway.daemon.texts import Texts
from tools.authority.folder import write
from tools.authority.given import unreadable
from tools.stock import records, table, words
from tools.stock.book import SORTS, Book, Item, new, utc_ms
from tools.stock.states import STATES, STOCK

VERBS = {
    "add": "take a gateway or a device into the books",
    "move": "into another state",
    "list": "what is where, and for how many days",
    "item": "one of them, and all that happened to it",
    "battery": "keep what its battery was last",
    "export": "the whole stock as CSV",
    "import": "take over a table, CSV",
    "record": "take over an installation, or the report of a gateway that has left its home",
}
MAKING = ("add", "import")  # the only ones for which there need not be a stock file yet


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """The command line."""
    parser = subparsers.add_parser("stock", **options)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    made = {}
    for name, said in VERBS.items():
        made[name] = verbs.add_parser(name, help=said, description=said)
        made[name].add_argument("file", type=Path, metavar="FILE", help="the stock file")
    for name in ("move", "item", "battery"):
        made[name].add_argument(
            "code", metavar="CODE", help="id, serial number, or the short code on the label"
        )
    for name in ("add", "move", "import", "record"):
        made[name].add_argument("--by", required=True, metavar="WHO", help="who does it")
    for name in ("list", "item"):
        made[name].add_argument("--json", action="store_true", help="print the facts as one JSON document")
    add = made["add"].add_argument
    add("code", metavar="CODE", help="a gateway's id, or a device's serial number")
    add("--sort", required=True, choices=SORTS, help="what it is")
    add("--model", default="", metavar="NAME", help="its model")
    add("--label", default="", metavar="CODE", help="the short code on a gateway's label")
    add("--state", default=STOCK, choices=STATES, help="where it is (default: %(default)s)")
    made["move"].add_argument("state", choices=STATES, help="where it goes")
    for name in ("add", "move"):
        made[name].add_argument("--note", default="", metavar="TEXT", help="why; nothing about residents")
    made["list"].add_argument("--state", choices=STATES, help="only what is there")
    made["battery"].add_argument("percent", type=int, metavar="N", help="per cent")
    made["export"].add_argument(
        "--out", type=Path, metavar="FILE", help="where to (default: standard output)"
    )
    made["import"].add_argument("table", type=Path, metavar="CSV", help="the table")
    made["record"].add_argument("way", choices=tuple(records.WAYS), help="into a home, or out of it")
    made["record"].add_argument("record", type=Path, metavar="RECORD", help="the record, JSON")


def run(options: argparse.Namespace) -> int:
    """0 done, 1 refused. Raises ConfigError."""
    try:
        with Book(options.file, make=options.verb in MAKING) as book:
            try:
                status = act(book, options)
            except BaseException:
                if book.is_new:  # with nothing in it
                    options.file.unlink()
                raise
            if book.is_new:
                print(reworded(f"{options.file!s} is a new stock file"))
            return status
    except (RefusedError, OSError) as error:
        print(f"trygg-kit stock: {reworded(error)}", file=sys.stderr)
        return 1


def act(book: Book, options: argparse.Namespace) -> int:
    """Do what was asked for. Raises RefusedError, ConfigError, OSError."""
    now_ms, texts = utc_ms(), Texts(own_language())
    if options.verb == "add":
        item = new(options.code, options.sort, options.model, options.label, options.state)
        book.add(item, options.by, options.note, now_ms)
        print(line(book.find(options.code), 0, texts))
    elif options.verb == "move":
        print(line(book.move(options.code, options.state, options.by, options.note, now_ms), 0, texts))
    elif options.verb == "battery":
        book.charge(options.code, options.percent)
    elif options.verb == "export":
        export(table.export(book, now_ms), options.out)
    elif options.verb == "import":
        added, changed = table.bring(book, read(options.table), options.by, now_ms)
        print(texts.reword(f"new {added}, changed {changed}"))
    elif options.verb == "record":
        moved = records.take(book, read(options.record), options.way, options.by, now_ms)
        print(texts.reword(f"moved {len(moved.moved)}, not in the books {len(moved.unknown)}"))
        for code in moved.unknown:
            print(f"  {code}")
    else:
        show(book, options, now_ms, texts)
    return 0


def show(book: Book, options: argparse.Namespace, now_ms: int, texts: Texts) -> None:
    """One, or all. Raises RefusedError."""
    items = [book.find(options.code)] if options.verb == "item" else book.items(options.state)
    rows = [(item, book.days(item.code, now_ms)) for item in items]
    if options.json:
        facts: list[dict[str, Any]] = [item._asdict() | {"days": days} for item, days in rows]
        if options.verb == "item":
            facts[0]["changes"] = [each._asdict() for each in book.changes(items[0].code)]
        print(dumps(facts[0] if options.verb == "item" else facts))
        return
    for item, days in rows:
        print(line(item, days[item.state], texts))
    if options.verb == "item":
        for each in book.changes(items[0].code):
            before = words.state(each.before, texts.language) if each.before else "–"
            after = words.state(each.after, texts.language)
            print(f"  {day(each.at_ms)}  {before} → {after}  {each.who}  {each.note}".rstrip())


def line(item: Item, days: int, texts: Texts) -> str:
    """One of them on a line."""
    battery = "" if item.battery_pct is None else f", {item.battery_pct} %"
    known = " ".join(each for each in (item.code, item.model, item.label) if each)
    return f"{known}: {words.state(item.state, texts.language)}, {words.days(days, texts.language)}{battery}"


def day(at_ms: int) -> str:
    """A date, UTC."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at_ms // 1000, UTC).date().isoformat()


def export(text: str, out: Path | None) -> None:
    """To a file, or print it. Raises OSError."""
    if out is None:
        print(text, end="")
    else:
        write(out, text.encode())


def read(path: Path) -> str:
    """A text file. Raises ConfigError."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        raise unreadable(path.name, error, path.parent) from error
