"""Asks whoever starts a command for a secret: unseen at a terminal, or one line of what is piped in."""

import sys

from gateway.core.errors import ConfigError


def secret(question: str, option: str) -> str:
    """What was typed, which may be empty. question: in the reader's language; option: by which it can be given instead.

    Raises:
        ConfigError: nobody typed anything: the end of the input came first, or there is none.
    """
    if sys.stdin is not None and sys.stdin.isatty():
        from getpass import getpass

        try:
            return getpass(question + " ")
        except EOFError:
            sys.stderr.write("\n")  # the question's line has no end yet
            raise nothing_typed(option) from None
    return line(question, option)


def line(question: str, option: str) -> str:
    """The same for what may be seen. Raises ConfigError."""
    sys.stderr.write(question + " ")
    sys.stderr.flush()
    typed = "" if sys.stdin is None else sys.stdin.readline()
    if not typed:
        sys.stderr.write("\n")
        raise nothing_typed(option)
    return typed.rstrip("\r\n")


def nothing_typed(option: str) -> ConfigError:
    """How it is told."""
    return ConfigError(
        option, "that nothing was typed", "one line, typed at a terminal or from a pipe", "command line"
    )
