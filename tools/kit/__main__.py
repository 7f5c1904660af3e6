"""`trygg-kit`: what a technician's laptop or a bench runs.

Each command is a module of its name beside this one with `add_parser(subparsers, **options)` and
`run(options) -> int`. Only the module of the command that is asked for is imported. Exit status: 0 fine,
1 a finding or failure, 2 wrong command line or configuration.
"""

import importlib
import os
import sys
from typing import Any

from gateway.core.errors import ConfigError
from gateway.daemon.arguments import Parser, own_language, reworded

# command: what `--help` says of it
COMMANDS = {
    "accept": "which alarms wait, and saying what became of them, signed",
    "ca": "the municipality's authority: root key, keysets, roles, certificates, tokens",
    "cards": "cards to print, with QR codes: what the gateway is, whom to call, one for each fault",
    "conform": "does a device do what its open protocol asks, or a driver what its contract asks? a report for its maker",
    "command": "ask gateways something, signed: status, identify, pair, export",
    "config": "configuration for gateways: compile layers, publish them signed, see who runs another",
    "demo": "the whole system on this machine, with a virtual home, live",
    "deviation": "check the export of a deviation report: whose it is, and that nothing was changed",
    "enrol": "the enrolment server: certificates for gateways that come with a token",
    "export": "stored events as FHIR R4 (after the VKP profiles) or SCAIP requests",
    "flash": "memory cards and boards of gateways: written, read back, prepared for one gateway",
    "home": "a virtual home: Bluetooth and serial peripherals, played from a scenario",
    "keys": "make the keys of a municipality for demo and tests, register gateways",
    "label": "labels of gateways with a short code and a QR code, and whose a code is",
    "platform": "reference receiver: verify, remove duplicates, store, receipt",
    "profile": "what the homes of a district share, as a file and as a layer of configuration",
    "record": "check the signed record of an installation, and make a page of it to print",
    "rehome": "take a gateway out of its home: delivered or exported, wiped, and shown wiped",
    "stock": "where gateways and devices are, and for how long: in stock, in a home, at the cleaner's",
    "verify": "check messages and their chain, print the events by name",
    "wifi": "give a gateway on a serial cable its Wi-Fi (Improv)",
}


def make_parser(command: str | None) -> Parser:
    """The parser; of the commands only `command` has its options. It speaks as `trygg` does on this machine."""
    parser = Parser(prog="trygg-kit", description="Tools of the technician and the bench.")
    subparsers: Any = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, words in COMMANDS.items():
        if name == command:
            importlib.import_module(f"tools.kit.{name}").add_parser(subparsers, help=words, description=words)
        else:
            subparsers.add_parser(name, help=words)
    parser.speak(own_language)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    command = next((word for word in arguments if not word.startswith("-")), None)
    options = make_parser(command if command in COMMANDS else None).parse_args(arguments)
    try:
        status: int = importlib.import_module(f"tools.kit.{options.command}").run(options)
    except ConfigError as error:
        print(f"trygg-kit {options.command}: {reworded(error)}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # a file or the network, of a command that says nothing more of it
        print(f"trygg-kit {options.command}: {reworded(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
