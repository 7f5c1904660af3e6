"""`trygg rehome`: the kit's `rehome leave` on the gateway itself, which is the machine that is wiped."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from gateway.daemon.arguments import reworded
from gateway.daemon.commands.demo import is_installed

NEEDED = ("tools.kit", "tools.move")


def add_parser(subparsers: Any) -> None:
    """`rehome` as the other commands list it; its options are those of the kit."""
    subparsers.add_parser(
        "rehome",
        help="take this gateway out of its home: delivered or exported, wiped, and shown wiped",
        add_help=False,
    )


def run(_options: argparse.Namespace) -> int:
    """`trygg` with something before `rehome`."""
    said = reworded("rehome comes first on the line: trygg rehome [options]")
    print(f"trygg: {said}", file=sys.stderr)
    return 2


def start(arguments: Sequence[str], needed: Sequence[str] = NEEDED, uid: int | None = None) -> int:
    """Become `trygg-kit rehome leave --this-machine` with all arguments; 1 where the kit is not installed, or `uid` is not root's."""
    if not all(is_installed(name) for name in needed):
        said = reworded("trygg-kit is not installed here: install the wheel that the hub was installed from")
        print(f"trygg rehome: {said}", file=sys.stderr)
        return 1
    if (os.geteuid() if uid is None else uid) != 0 and not {"-h", "--help"} & set(arguments):
        said = reworded(
            "it wipes what is of the system, too: run it with sudo (sudo trygg rehome). Nothing was done"
        )
        print(f"trygg rehome: {said}", file=sys.stderr)
        return 1
    sys.stdout.flush()
    command = [sys.executable, "-m", "tools.kit", "rehome", "leave", "--this-machine", *arguments]
    # In our place: Ctrl-C is the kit's alone, which tells the hub that the gateway stays; a parent would end it in the midst of that.
    return os.execv(sys.executable, command)  # noqa: S606
