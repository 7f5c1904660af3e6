"""What `trygg status` and `trygg devices` share: ask the running hub, or say why it does not answer."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.daemon.arguments import language_of_reader
from gateway.daemon.commands.run import add_config
from gateway.daemon.configuration import DEFAULT, data_directory
from gateway.daemon.control import NAME, ask
from gateway.daemon.json_text import dumps
from gateway.daemon.texts import Texts

# What `--help` says of both; whether the hub is well stands in what it prints.
STATUSES = "Exit status 0: the hub answered, well or not, 1: it did not answer, 2: wrong command line."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Where the hub is, and how to print."""
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON document")


def answer(options: argparse.Namespace, command: str, show: Callable[[Any, Texts], list[str]]) -> int:
    """Print the hub's answer; 1 with cause and next action where there is none."""
    paths = options.config or [DEFAULT]
    texts = Texts(language_of_reader(paths))
    path = control_path(data_directory(paths))
    try:
        facts = ask(path, command)
    except PermissionError:
        return failed(options, texts.say("hub.denied", path=path))
    except OSError as error:
        return failed(
            options, texts.say("hub.not_running", path=path, detail=texts.reword(error.strerror or error))
        )
    except ValueError as error:
        return failed(options, texts.say("hub.refused", detail=texts.reword(error)))
    print(dumps(facts) if options.json else "\n".join(show(facts, texts)))
    return 0


def failed(options: argparse.Namespace, text: str) -> int:
    """Say it on standard error."""
    print(f"trygg {options.command}: {text}", file=sys.stderr)
    return 1


def control_path(data: Path | str) -> Path:
    """The control socket of the hub that keeps its data there."""
    return Path(data) / NAME
