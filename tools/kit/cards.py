"""`trygg-kit cards`: cards to print: what the gateway is, what its lamp means, whom to call, and one for each fault, with QR codes."""

import argparse
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError
from gateway.daemon.arguments import own_language
from gateway.daemon.texts import LANGUAGES, Texts
from tools.authority import card_sheet, qr
from tools.authority.folder import write


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """The command line."""
    parser = subparsers.add_parser("cards", **options)
    parser.add_argument("--out", type=Path, metavar="FILE", required=True, help="a page to print, HTML")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="CODE",
        help="only these faults, by number or name (default: all)",
    )
    parser.add_argument(
        "--call",
        action="append",
        default=[],
        metavar="WHOM",
        help="whom to call, such as 'Home service 22 00 00 00'",
    )
    parser.add_argument(
        "--address",
        metavar="URL",
        help="QR codes lead here, with # and the fault's number; without it they hold the card's text",
    )
    parser.add_argument("--language", choices=LANGUAGES, help="of the cards (default: that of this machine)")


def run(options: argparse.Namespace) -> int:
    """0 done. Raises ConfigError."""
    texts = Texts(options.language or own_language())
    address = None if options.address is None else qr.web_address(options.address)
    try:
        kinds = card_sheet.faults(options.fault)
    except KeyError as error:
        raise ConfigError(
            "--fault", repr(error.args[0]), "a fault with a card: trygg explain lists them", "command line"
        ) from error
    page = card_sheet.sheet(texts, kinds, options.call, address)
    write(options.out, page.encode(), 0o644)
    print(Texts(own_language()).reword(f"cards {len(kinds) + 1}, {options.out}"))
    return 0
