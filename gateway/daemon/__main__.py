"""`trygg`: the commands of a gateway.

Each command is a module with `add_parser(subparsers)` and `run(options) -> int`; only the module of the command
that is asked for is imported, because a gateway that starts must not load what it does not use. Exit status: 0
fine, 1 a finding or failure, 2 wrong command line or configuration.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from gateway.daemon.arguments import Parser, language_of

# command: (its module, what `--help` says of it)
COMMANDS = {
    "run": ("gateway.daemon.commands.run", "the hub, until it is told to stop"),
    "check": ("gateway.daemon.commands.check", "look at configuration, keys, ports, radio, clock and broker"),
    "doctor": (
        "gateway.daemon.commands.doctor",
        "what is wrong, why, what to do and whose it is; an export for a deviation report",
    ),
    "status": ("gateway.daemon.commands.status", "how the running hub is"),
    "devices": ("gateway.daemon.commands.devices", "the devices of the running hub, and when each was heard"),
    "pair": ("gateway.daemon.commands.pair", "pair a device, list bonds, or delete one"),
    "ring": ("gateway.daemon.commands.ring", "try out an alarm of one device, marked as an exercise"),
    "page": ("gateway.daemon.commands.page", "the gateway's own page, while an installation is open"),
    "install": (
        "gateway.daemon.commands.install",
        "install a home: the checklist, its tests, and the signed record at its end",
    ),
    "clock": (
        "gateway.daemon.commands.clock",
        "what the running hub, or else the machine, holds for the time of day",
    ),
    "identity": (
        "gateway.daemon.commands.identity",
        "who this gateway is; ask for its certificate, and install it",
    ),
    "wifi": (
        "gateway.daemon.commands.wifi",
        "give this gateway a Wi-Fi, for some minutes, over a serial cable or Bluetooth (Improv)",
    ),
    "explain": ("gateway.daemon.commands.explain", "what a message means, whose it is, and what to do"),
    "decode": ("gateway.daemon.decode", "bytes in hex to observations as JSON lines"),
    "rehome": (
        "gateway.daemon.commands.rehome",
        "take this gateway out of its home: delivered or exported, wiped, and shown wiped",
    ),
    "demo": ("gateway.daemon.commands.demo", "the whole system on this machine, with a virtual home"),
}
FROM_KIT = ("demo", "rehome")
RUN = "run"
FAILED, WRONG = 1, 2
INTERRUPTED = 130  # 128 + SIGINT, as shells say it


class Version(argparse.Action):
    """`--version`, read from the package's metadata only where it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, **_options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, help="show the version and exit")

    def __call__(self, parser: argparse.ArgumentParser, *_rest: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            said = version("trygg-hub")
        except PackageNotFoundError:
            said = "not installed"
        print(f"trygg {said}")
        parser.exit()


def make_parser(command: str | None) -> Parser:
    """The parser; of the commands only `command` has its options."""
    parser = Parser(prog="trygg", description="The home gateway: run it, check it, ask it.")
    parser.add_argument("--version", action=Version)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, words) in COMMANDS.items():
        if name == command:
            importlib.import_module(module).add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=words)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = next((word for word in given if not word.startswith("-")), None)
    if command in FROM_KIT and given[0] == command:  # every option is the kit's
        started: int = importlib.import_module(COMMANDS[command][0]).start(given[1:])
        return started
    parser = make_parser(command if command in COMMANDS else None)
    parser.speak(lambda: language_of(given))
    options = parser.parse_args(given)
    try:
        status: int = importlib.import_module(COMMANDS[options.command][0]).run(options)
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:  # a file or the network, of a command that says nothing more of it
        if (
            options.command == RUN
        ):  # a hub that fell over: where it did is in the log, with all that led there
            raise
        from gateway.daemon.texts import Texts

        print(f"trygg {options.command}: {Texts(language_of(given)).reword(error)}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


if __name__ == "__main__":
    sys.exit(main())
