"""The command line in the language of whoever types it: help, and what is wrong with an option.

argparse says its own phrases in English, and so do the commands; both are held against `wording.toml`, and only where
something is said at all, so that a hub that starts reads no texts.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

ENGLISH, NORWEGIAN = "en", "nb"
LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set counts (locale(7))
NORWEGIAN_LOCALES = ("nb", "nn", "no")
# How messages of argparse begin that name what is typed.
ARGUMENT, REQUIRED = "argument ", "the following arguments are required: "
CONFIG = ("-c", "--config")


class NorwegianFormatter(argparse.HelpFormatter):
    """Help with its first word in Norwegian."""

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        super().add_usage(usage, actions, groups, "bruk: " if prefix is None else prefix)


class Parser(argparse.ArgumentParser):
    """A parser that says everything in `language()`, which is asked only where there is something to say."""

    language: Callable[[], str] = staticmethod(lambda: ENGLISH)
    _translated = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._blanks: dict[str, str] = {}  # what a blank is called in the code: how help calls it

    def speak(self, language: Callable[[], str]) -> None:
        """Say everything in this language, sub-commands included."""
        self.language = language
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                for each in action.choices.values():
                    if isinstance(each, Parser):
                        each.speak(language)

    def format_help(self) -> str:
        self._translate()
        return super().format_help()

    def format_usage(self) -> str:
        self._translate()
        return super().format_usage()

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {self._words('error')}: {self._words(self._as_in_help(message))}\n")

    def _as_in_help(self, message: str) -> str:
        """Argparse's message with the blanks of the command line as help calls them; all other names are typed as they are."""
        if message.startswith(ARGUMENT):
            name, _, rest = message.removeprefix(ARGUMENT).partition(": ")
            return f"{ARGUMENT}{self._blanks.get(name, name)}: {rest}"
        if message.startswith(REQUIRED):
            names = message.removeprefix(REQUIRED).split(", ")
            return REQUIRED + ", ".join(self._blanks.get(name, name) for name in names)
        return message

    def _words(self, message: str) -> str:
        from gateway.daemon.texts import Texts

        return Texts(self.language()).reword(message)

    def _translate(self) -> None:
        """Say what was written for this parser in the reader's language, once."""
        if self._translated or self.language() != NORWEGIAN:
            return
        self._translated = True
        self.formatter_class = NorwegianFormatter
        self.description = self._words(self.description or "")
        for group in self._action_groups:
            group.title = self._words(group.title or "")
        for action in self._actions:
            if isinstance(action.metavar, str):
                self._blanks[action.metavar] = action.metavar = self._words(action.metavar)
            actions = [action]
            if isinstance(action, argparse._SubParsersAction):
                actions += (
                    action._choices_actions
                )  # their blanks are the commands, which are typed as they are
            for each in actions:
                if each.help:
                    each.help = self._words(each.help)


def language_of(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> str:
    """The language of the configuration that a command line names, or else of whoever is logged in."""
    return language_of_files(configurations(arguments), environment)


def language_of_files(paths: Sequence[Path], environment: Mapping[str, str] = os.environ) -> str:
    """The language that these files say, by default that of this machine, or else of whoever is logged in."""
    from gateway.daemon.configuration import DEFAULT, salvage
    from gateway.daemon.texts import LANGUAGES

    said = salvage(paths or [DEFAULT], "language")
    return said if said in LANGUAGES else session_language(environment)


def language_of_reader(paths: Sequence[Path]) -> str | None:
    """The language for what is said about these files: theirs, None for the default where they say none.

    Where none of them can be read, as where their path is misspelt, it is that of whoever is logged in.
    """
    from gateway.daemon.configuration import salvage

    said = salvage(paths, "language")
    if said is None and not any(os.access(path, os.R_OK) for path in paths):
        return session_language()
    return said


def session_language(environment: Mapping[str, str] = os.environ) -> str:
    """Norwegian for whoever is logged in with a Norwegian locale, else English."""
    locale = next((environment[name] for name in LOCALES if environment.get(name)), "")
    return NORWEGIAN if locale.partition("_")[0].partition(".")[0] in NORWEGIAN_LOCALES else ENGLISH


@cache
def own_language() -> str:
    """The language of this machine's configuration, or of whoever is logged in; for commands that take no `-c`."""
    return language_of(())


def reworded(message: object) -> str:
    """What a command without a configuration says, in that language."""
    from gateway.daemon.texts import Texts

    return Texts(own_language()).reword(message)


def configurations(arguments: Sequence[str]) -> list[Path]:
    """The files behind `-c` on a command line that may be wrong otherwise."""
    found = []
    for at, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if argument in CONFIG and at + 1 < len(arguments):
            found.append(Path(arguments[at + 1]))
        elif name == CONFIG[1] and equals:
            found.append(Path(value))
        elif argument.startswith(CONFIG[0]) and not argument.startswith("--") and len(argument) > 2:
            found.append(Path(argument[2:]))
    return found
