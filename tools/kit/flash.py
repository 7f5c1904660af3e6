"""`trygg-kit flash`: memory cards of gateways, boot partitions, and boards of ESP32 class, written and read back."""

import argparse
import importlib
import sys
from typing import Any

from gateway.core.errors import RefusedError
from gateway.daemon.arguments import reworded

VERBS = {
    "pi": "write an image to a memory card and read it back, or prepare the boot partition of a card that is written",
    "esp32": "write the firmware and a gateway's settings to a board, and read them back",
}


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """The command line."""
    verbs = subparsers.add_parser("flash", **options).add_subparsers(
        dest="verb", required=True, metavar="VERB"
    )
    for verb, words in VERBS.items():
        command = importlib.import_module(f"tools.flash.{verb}_command")
        command.add_options(verbs.add_parser(verb, help=words, description=words))


def run(options: argparse.Namespace) -> int:
    """0 done, 1 refused or failed. Raises ConfigError: a file that is not there or cannot be read, too."""
    try:
        status: int = importlib.import_module(f"tools.flash.{options.verb}_command").run(options)
    except RefusedError as error:
        print(f"trygg-kit flash: {reworded(error)}", file=sys.stderr)
        return 1
    return status
