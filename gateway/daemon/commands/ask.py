"""What `trygg status`, `trygg devices` and `trygg pair` share: ask the running hub, or say why it does not answer."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError
from gateway.daemon.arguments import language_of_reader
from gateway.daemon.commands.run import add_config
from gateway.daemon.configuration import DEFAULT, data_directory, key_folder, read, salvage
from gateway.daemon.control import ANSWER_S, NAME, WrongArgumentError, ask
from gateway.daemon.json_text import dumps
from gateway.daemon.rehome import is_seen_begun
from gateway.daemon.texts import Texts

# What `--help` says of status and devices; whether the hub is well stands in what they print.
STATUSES = "Exit status 0: the hub answered, well or not, 1: it did not answer, 2: wrong command line."
WRONG = 2  # exit status of a command line that cannot be meant
PATIENCE_S = 40.0  # for what the hub must ask its radio about


def add_options(parser: argparse.ArgumentParser) -> None:
    """Where the hub is, and how to print."""
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON document")


class NoAnswerError(Exception):
    """Why the hub gave no answer, in the reader's words; `status` is what the command exits with."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.text = text
        self.status = status


class Hub:
    """The running hub of a configuration, and the language of its people.

    named: whoever asks has named the files, so a hub of other files is not the one that is meant. Without that they only say where
    the hub's data is: it may run by its last good configuration.
    """

    def __init__(self, paths: list[Path], *, named: bool = False) -> None:
        self.texts = Texts(language_of_reader(paths))
        self.path = control_path(data_directory(paths))
        self.keys = key_folder(paths)
        self._named = paths if named else []

    def ask(self, command: str, **arguments: str | bool) -> Any:
        """The result of one command. Raises NoAnswerError."""
        named, self._named = self._named, []
        if named:
            self._see_files(named)
        texts, path = self.texts, self.path
        try:
            return ask(path, command, PATIENCE_S if arguments else ANSWER_S, arguments)
        except PermissionError as error:
            raise NoAnswerError(texts.say("hub.denied", path=path)) from error
        except OSError as error:
            if is_seen_begun(path.parent):  # to start it would be no use
                raise NoAnswerError(texts.say("doctor.moving")) from error
            detail = texts.reword(error.strerror or error)
            raise NoAnswerError(texts.say("hub.not_running", path=path, detail=detail)) from error
        except WrongArgumentError as error:
            raise NoAnswerError(texts.reword(error), WRONG) from error
        except ValueError as error:
            if "unknown command" in str(error):
                raise NoAnswerError(texts.say("hub.refused", detail=texts.reword(error))) from error
            raise NoAnswerError(texts.reword(error)) from error

    def _see_files(self, named: list[Path]) -> None:
        """See that the hub that answers is that of the named files: of the gateway whose id they say, be it by their text alone.

        The fault of a bad file is told beside the answer.

        Raises:
            NoAnswerError: a file that cannot be read; bad ones that say no id; or another gateway's hub than theirs.
        """
        wanted = salvage(named, "id")
        for path in named:
            try:
                read(path)
            except ConfigError as error:
                said = self.texts.reword(error)
                if wanted is None or not os.access(path, os.R_OK):
                    raise NoAnswerError(said, WRONG) from error
                print(self.texts.say("hub.bad_file", cause=said, path=self.path), file=sys.stderr)
        try:
            facts = ask(self.path, "status")
        except (OSError, ValueError):
            return  # told where the answer itself does not come
        other = other_hub(named, wanted, facts, self.texts)
        if other:
            raise NoAnswerError(other, WRONG)


def hub_of(options: argparse.Namespace) -> Hub:
    """The hub that a command line means."""
    return Hub(options.config or [DEFAULT], named=bool(options.config))


def other_hub(paths: Sequence[Path | str], wanted: str | None, facts: Any, texts: Texts) -> str:
    """That the hub which answers is of another gateway than these files say, or nothing. facts: its status."""
    runs = facts.get("gateway") if isinstance(facts, dict) else None
    if runs is None or wanted == runs:
        return ""
    files = ", ".join(str(path) for path in paths)
    if wanted is None:
        return texts.say("hub.no_id", files=files, gateway=runs)
    return texts.say("hub.other_files", files=files, wanted=wanted, gateway=runs)


def print_answer(
    options: argparse.Namespace, hub: Hub, command: str, show: Callable[[Any, Texts], list[str]]
) -> int:
    """Print the hub's answer; 1 with cause and next action where there is none."""
    try:
        facts = hub.ask(command)
    except NoAnswerError as error:
        return failed(options, error)
    print(dumps(facts) if options.json else "\n".join(show(facts, hub.texts)))
    return 0


def failed(options: argparse.Namespace, error: NoAnswerError) -> int:
    """Say it on standard error; the exit status."""
    print(f"trygg {options.command}: {error.text}", file=sys.stderr)
    return error.status


def control_path(data: Path | str) -> Path:
    """The control socket of the hub that keeps its data there."""
    return Path(data) / NAME
