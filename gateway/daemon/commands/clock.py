"""`trygg clock`: what the running hub holds for the time of day, else what the machine's clock says and whether a hub would believe it.

`--restore` brings the machine's clock up to the last believed time.

The service does that before the hub starts, as root: a Raspberry Pi has no clock of its own, wakes up in the past, and
outside their validity certificates are refused, so that no broker would be reached until a time server was.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError
from gateway.daemon.arguments import language_of_reader
from gateway.daemon.commands.ask import control_path, other_hub
from gateway.daemon.commands.run import add_config
from gateway.daemon.configuration import DEFAULT, load_or_last_good
from gateway.daemon.control import ask
from gateway.daemon.json_text import dumps
from gateway.daemon.texts import Texts


def add_parser(subparsers: Any) -> None:
    """The command line."""
    words = "what the running hub, or else the machine, holds for the time of day"
    parser = subparsers.add_parser(
        "clock",
        help=words,
        description="Show the time of day that the running hub believes, or where none answers the machine's, "
        "and the last time that was believed. Exit status 0: believed, or with --restore nothing failed; "
        "1: not believed, shifted for training, or it could not be set; 2: no usable configuration.",
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
        print(f"trygg clock: {Texts(language_of_reader(paths)).reword(error)}", file=sys.stderr)
        return 2
    texts = Texts(config.hub.language)
    if config.fault:
        print(f"trygg clock: {texts.reword(config.fault)}", file=sys.stderr)
    last = last_time(Path(config.hub.data_directory))
    try:
        restored = options.restore and last.restore()
    except OSError as error:
        print(texts.say("clock.not_set", cause=texts.reword(error)), file=sys.stderr)
        return 1
    # Before a start there is nobody to ask, and setting the clock asks nobody.
    hub, denied = (None, "") if options.restore else running_hub(Path(config.hub.data_directory), texts)
    other = other_hub(paths, config.hub.id, hub, texts)
    if other:
        print(f"trygg clock: {other}", file=sys.stderr)
        return 2
    facts = {
        "source": "machine" if hub is None else "hub",
        "utc_ms": None,
        "machine_utc_ms": time.time_ns() // 1_000_000,
        "believed": False,
        "clock_offset_ms": None,
        "last_utc_ms": last.utc_ms or None,
        "restored": restored,
    }
    if hub is None:
        facts["utc_ms"], facts["believed"] = facts["machine_utc_ms"], system_clock(last).utc_ms() is not None
    else:
        facts |= {"utc_ms": hub["utc_ms"], "clock_offset_ms": hub.get("clock_offset_ms")}
        facts["believed"] = facts["utc_ms"] is not None and facts["clock_offset_ms"] is None
    if options.json:
        print(dumps(facts))
    else:
        lines = [denied] if denied else []
        print("\n".join([*lines, *show(facts, last.path, texts, asked=not (denied or options.restore))]))
    return 0 if facts["believed"] or options.restore else 1


def running_hub(data: Path, texts: Texts) -> tuple[dict[str, Any] | None, str]:
    """Status of the hub that runs with this folder, or None; and a line where it may not be asked."""
    path = control_path(data)
    try:
        facts = ask(path, "status")
    except PermissionError:
        return None, texts.say("hub.denied", path=path)
    except (OSError, ValueError):
        return None, ""
    return (facts if isinstance(facts, dict) else None), ""


def show(facts: dict[str, Any], path: Path, texts: Texts, *, asked: bool) -> list[str]:
    """The facts as lines for people; whose clock it is stands in each. `asked`: whether a hub could have answered."""
    last_ms, machine = facts["last_utc_ms"] or 0, stamp(facts["machine_utc_ms"])
    lines = [texts.say("clock.restored", utc=stamp(last_ms))] if facts["restored"] else []
    if facts["source"] == "hub":
        lines += [hub_line(facts, texts), texts.say("clock.machine", utc=machine)]
    else:
        lines += [texts.say("clock.hub_silent")] if asked else []
        believed = texts.say("clock.believed", utc=machine)
        lines.append(believed if facts["believed"] else texts.say("clock.not_believed", utc=machine))
    if last_ms:
        lines.append(texts.say("clock.last", utc=stamp(last_ms)))
    if facts["machine_utc_ms"] < last_ms:
        lines.append(texts.say("clock.behind", path=path))
    return lines


def hub_line(facts: dict[str, Any], texts: Texts) -> str:
    """What the running hub holds for the time of day."""
    if facts["utc_ms"] is None:
        return texts.say("clock.hub_not_believed")
    if facts["clock_offset_ms"] is not None:
        offset = facts["clock_offset_ms"] // 1000
        return texts.say("clock.hub_shifted", offset=offset, utc=stamp(facts["utc_ms"]))
    return texts.say("clock.hub_believed", utc=stamp(facts["utc_ms"]))


def stamp(utc_ms: int) -> str:
    """A time of day as people read it, UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(utc_ms // 1000))
