"""`trygg demo`: hands over to `trygg-kit demo`, which is an extra and no part of a gateway."""

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence
from typing import Any

from gateway.daemon.arguments import reworded

# What the kit's demonstration needs and a gateway does not have.
NEEDED = ("tools.kit", "amqtt", "bumble", "rich")


def add_parser(subparsers: Any) -> None:
    """`demo` as the other commands list it; its options are those of the kit."""
    subparsers.add_parser(
        "demo", help="the whole system on this machine, with a virtual home", add_help=False
    )


def run(_options: argparse.Namespace) -> int:
    """`trygg` with something before `demo`."""
    said = reworded("demo comes first on the line: trygg demo [options]")
    print(f"trygg: {said}", file=sys.stderr)
    return 2


def start(arguments: Sequence[str], needed: Sequence[str] = NEEDED) -> int:
    """Become `trygg-kit demo` with all its arguments; 1 where the kit is not installed."""
    missing = [name for name in needed if not is_installed(name)]
    if missing:
        said = reworded(
            f"{', '.join(missing)} not installed: the demonstration is an extra. "
            "Run it from the source (make demo), or install the wheel with it: pip install 'FILE.whl[demo]'"
        )
        print(f"trygg demo: {said}", file=sys.stderr)
        return 1
    sys.stdout.flush()
    return os.execv(sys.executable, [sys.executable, "-m", "tools.kit", "demo", *arguments])  # noqa: S606


def is_installed(name: str) -> bool:
    """Whether a module can be imported, without importing more than the packages it is in."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
