"""`trygg clock`: what the machine's clock says and what is believed of it; `--restore` brings it up to the last believed time.

The service does the latter before the hub starts, as root: a Raspberry Pi has no clock of its own, wakes up in the past, and
outside their validity certificates are refused, so that no broker would be reached until a time server was.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError
from gateway.daemon.commands.run import add_config
from gateway.daemon.configuration import DEFAULT, load_or_last_good, salvage
from gateway.daemon.json_text import dumps
from gateway.daemon.texts import Texts


def add_parser(subparsers: Any) -> None:
    """The command line."""
    words = "the machine's clock, and the last time of day that was believed"
    parser = subparsers.add_parser(
        "clock",
        help=words,
        description="Show what the machine's clock says and the last time of day that was believed. "
        "Exit status 0: believed, or with --restore nothing failed; 1: not believed, or it could not be set; "
        "2: no usable configuration.",
    )
    add_config(parser)
    parser.add_argument(
        "--restore",
        action="store_true",
        help="set the machine's clock to the last believed time where it is behind",
    )
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON object")


def run(options: argparse.Namespace) -> int:
    """0 where the time is believed, or the clock was brought forward or needs nothing."""
    from gateway.daemon.wiring import last_time, system_clock

    paths = options.config or [DEFAULT]
    try:
        config = load_or_last_good(paths).config
    except ConfigError as error:
        print(f"trygg clock: {Texts(salvage(paths, 'language')).reword(error)}", file=sys.stderr)
        return 2
    texts = Texts(config.hub.language)
    last = last_time(Path(config.hub.data_directory))
    try:
        restored = options.restore and last.restore()
    except OSError as error:
        print(texts.say("clock.not_set", cause=texts.reword(error)), file=sys.stderr)
        return 1
    believed = system_clock(last).utc_ms() is not None
    now_ms = time.time_ns() // 1_000_000
    if options.json:
        facts = {
            "utc_ms": now_ms,
            "believed": believed,
            "last_utc_ms": last.utc_ms or None,
            "restored": restored,
        }
        print(dumps(facts))
    else:
        for line in show(now_ms, last.utc_ms, believed, restored, last.path, texts):
            print(line)
    return 0 if believed or options.restore else 1


def show(now_ms: int, last_ms: int, believed: bool, restored: bool, path: Path, texts: Texts) -> list[str]:
    """The facts as lines for people."""
    lines = [texts.say("clock.restored", utc=stamp(last_ms))] if restored else []
    if believed:
        lines.append(texts.say("clock.believed", utc=stamp(now_ms)))
    else:
        lines.append(texts.say("clock.not_believed", utc=stamp(now_ms)))
    if last_ms:
        lines.append(texts.say("clock.last", utc=stamp(last_ms)))
    if now_ms < last_ms:
        lines.append(texts.say("clock.behind", path=path))
    return lines


def stamp(utc_ms: int) -> str:
    """A time of day as people read it, UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(utc_ms // 1000))
