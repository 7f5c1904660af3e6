"""`trygg-kit conform`: does a device do what its open protocol asks, or a driver what its contract asks? A report for whoever builds one."""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError
from gateway.daemon.arguments import session_language
from gateway.daemon.plugins import GROUP
from tools.conform import driver_report, words
from tools.conform.line import PortLine
from tools.conform.reference import RIGHT
from tools.conform.run import FAILED, PASSED, UNTESTED, Result, conform
from tools.simulators.wrong_dispensers import WRONG

NAMES = (RIGHT, *sorted(WRONG))


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """The command line."""
    parser = subparsers.add_parser("conform", **options)
    parser.add_argument(
        "protocol", choices=("dispenser", "driver"), help="the protocol that the device speaks, or a driver"
    )
    parser.add_argument(
        "port",
        nargs="?",
        metavar="PORT",
        help="serial port of the device, by name or URL; of a driver the installed package that brings it",
    )
    parser.add_argument(
        "--example",
        choices=NAMES,
        metavar="NAME",
        help="instead of a port: the reference device, or one that is wrong in one thing",
    )
    parser.add_argument(
        "--examples", action="store_true", help="list these devices, and what must be found in each"
    )
    parser.add_argument(
        "--power",
        metavar="COMMAND",
        help="takes the device's power away and gives it back; without it power cuts are not tested",
    )
    parser.add_argument("--language", choices=("nb", "en"), help="of the report (default: the terminal's)")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON document")


def run(options: argparse.Namespace) -> int:
    """0 where nothing was found, 1 where the device is wrong somewhere, 2 for a wrong command line."""
    language = options.language or session_language()
    if options.protocol == "driver":
        return driver(options, language)
    if options.examples:
        return list_examples(language)
    if (options.port is None) == (options.example is None):
        found = "both PORT and --example" if options.port else "neither PORT nor --example"
        raise ConfigError("PORT", found, "one of them", "command line")
    if options.example is None:
        return examine(options.port, options.power, language, as_json=options.json)
    with example(options.example) as (port, power):
        return examine(port, power, language, as_json=options.json)


def driver(options: argparse.Namespace, language: str) -> int:
    """The drivers of a package. Raises ConfigError."""
    for name in ("example", "examples", "power"):
        if getattr(options, name):
            raise ConfigError(f"--{name}", "an option of a device", "none with a driver", "command line")
    if options.port is None:
        expected = "the name of a package that is installed here"
        raise ConfigError("PACKAGE", "nothing", expected, "command line")
    names = names_in(options.port)
    return driver_report.examine(options.port, names, language, as_json=options.json)


def names_in(package: str) -> list[str]:
    """Drivers that an installed package brings.

    Raises:
        ConfigError: it is not installed, or brings none.
    """
    try:
        points = metadata.distribution(package).entry_points
    except metadata.PackageNotFoundError as error:
        expected = "the name of a package that is installed here"
        raise ConfigError("PACKAGE", repr(package), expected, "command line") from error
    names = sorted(point.name for point in points if point.group == GROUP)
    if not names:
        expected = "a package that brings drivers, as entry points of trygg.drivers"
        raise ConfigError("PACKAGE", repr(package), expected, "command line")
    return names


def list_examples(language: str) -> int:
    """Every wrong device with the check that must fail on it."""
    print(f"{RIGHT:<16} –")
    for name, (_, check) in sorted(WRONG.items()):
        print(f"{name:<16} {words.title(language, check)}")
    return 0


@contextlib.contextmanager
def example(name: str) -> Iterator[tuple[str, str]]:
    """A device of ours on a pseudo-terminal, as (port, command that cuts its power)."""
    with tempfile.TemporaryDirectory(prefix="trygg-conform-") as folder:
        path = Path(folder) / "device"
        command = [sys.executable, "-m", "tools.conform.served", str(path), name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                process.stdout.readline()  # it is there
                yield str(path), f"kill -USR1 {process.pid}"
            finally:
                process.terminate()


def examine(port: str, power: str | None, language: str, *, as_json: bool) -> int:
    """Run every check and say what came of it."""
    try:
        line = PortLine(port, power)
    except (OSError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) else None
        cause = os.strerror(number) if number else "no URL of a port"
        expected = "a serial port that nobody else has open"
        raise ConfigError("PORT", f"{port} ({cause})", expected, "command line") from error
    try:
        tell = nothing if as_json else Printer(language)
        results = conform(line, tell)
    finally:
        line.close()
    counts = Counter(result.verdict for result in results)
    if as_json:
        print(json.dumps(document(results, language), ensure_ascii=False))
    else:
        sum_up(counts, language)
    return 1 if counts[FAILED] else 0


def nothing(_result: Result) -> None:
    """A document is printed as a whole."""


class Printer:
    """One line a check, as it is done."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, result: Result) -> None:
        """Verdict, requirement, what it looks at, and why it did not pass."""
        check, language = result.check, self.language
        number = check.requirement if check.requirement.startswith("D") else "§ " + check.requirement
        said = words.reason(language, result.reason, result.values)
        text = (
            f"{words.verdict(language, result.verdict):<11} {number:<4} {words.title(language, check.name)}"
        )
        print(text + (f": {said}" if said else ""), flush=True)


def sum_up(counts: "Counter[str]", language: str) -> None:
    """What it comes to."""
    numbers = {"passed": counts[PASSED], "failed": counts[FAILED], "untested": counts[UNTESTED]}
    print("\n" + words.say(language, "summary", **numbers))
    print(words.say(language, "differs" if counts[FAILED] else "conforms"))
    print(words.say(language, "wipe"))


def document(results: list[Result], language: str) -> dict[str, Any]:
    """The same for a program. Names and verdicts are the same in every language."""
    rows = [
        {
            "check": result.check.name,
            "requirement": result.check.requirement,
            "title": words.title(language, result.check.name),
            "verdict": result.verdict,
            "why": result.reason,
            "text": words.reason(language, result.reason, result.values),
        }
        for result in results
    ]
    counts = Counter(result.verdict for result in results)
    return {
        "protocol": "dispenser",
        "version": 1,
        "checks": rows,
        "summary": {name: counts[name] for name in (PASSED, FAILED, UNTESTED)},
    }
