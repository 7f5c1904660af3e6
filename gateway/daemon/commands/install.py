"""`trygg install`: the whole day of an installation from the command line, at the running hub.

The hub holds the truth and this command only asks and tells: what is done, what is missing, and of that the cause and the next
action. What changes anything takes the installation first, under the name of whoever types; where somebody else holds it, that
is said, and only --force takes it over.
"""

import argparse
import getpass
import os
from pathlib import Path
from typing import Any

from gateway.daemon.commands.ask import WRONG, Hub, NoAnswerError, add_options, failed, hub_of
from gateway.daemon.commands.install_acts import Acts
from gateway.daemon.commands.install_words import device_lines, step_lines
from gateway.daemon.json_text import dumps

DONE, FAILED = 0, 1


def add_parser(subparsers: Any) -> None:
    """The command line."""
    parser = subparsers.add_parser(
        "install",
        help="install a home: the checklist, its tests, and the signed record at its end",
        description="Without a choice the checklist is shown. Exit status 0: done; 1: not done, or refused; "
        "2: a command line that cannot be meant.",
    )
    what = parser.add_mutually_exclusive_group()
    add_choices(what)
    add_device_options(parser)
    parser.add_argument(
        "--minutes",
        metavar="N",
        default="",
        help="with --open, --access-point: how long (default: as [page] says, 60)",
    )
    parser.add_argument(
        "--code", metavar="DIGITS", help="with --pair: the six digits on the label of the device"
    )
    parser.add_argument("--kind", metavar="KIND", default="", help="with --test: the alarm that is tried")
    parser.add_argument(
        "--together",
        action="store_true",
        help="with --test: it is coupled with others, and those that sound with it count as tried; their alarms are real",
    )
    parser.add_argument("--device", metavar="NAME", default="", help="with --walk: the device that you carry")
    parser.add_argument("--html", type=Path, metavar="FILE", help="with --record: as a page to print")
    parser.add_argument("--out", type=Path, metavar="FILE", help="with --record: the signed message itself")
    parser.add_argument(
        "--as", dest="holder", metavar="NAME", help="who installs (default: whoever is logged in)"
    )
    parser.add_argument("--force", action="store_true", help="take the installation over from somebody else")
    parser.add_argument(
        "--yes",
        action="store_true",
        help="with --undo: do not ask; with --access-point: also where it cuts the way to the platform",
    )
    add_options(parser)


def add_choices(what: argparse._MutuallyExclusiveGroup) -> None:
    """What is done: one of these."""
    what.add_argument("--status", action="store_true", help="the checklist (default)")
    what.add_argument("--open", action="store_true", help="open the time in which a person may install")
    what.add_argument(
        "--access-point",
        action="store_true",
        help="open it, with a Wi-Fi of the gateway's own to reach its page by",
    )
    what.add_argument("--close", action="store_true", help="end it; what was done stays")
    what.add_argument(
        "--nearby", action="store_true", help="devices that are heard here, the strongest first"
    )
    what.add_argument("--add", metavar="NAME", help="put a device into use, named by its room")
    what.add_argument(
        "--remove", metavar="NAME", help="take back one device that this installation has added"
    )
    what.add_argument("--pair", metavar="NAME", help="pair a device")
    what.add_argument(
        "--test",
        metavar="NAME",
        action="append",
        help="try a device by hand; several, or all, one after the other",
    )
    what.add_argument("--walk", metavar="ROOM", help="measure the signal from a room")
    what.add_argument("--plug", action="store_true", help="begin the test in which you pull the plug")
    what.add_argument("--centre", action="store_true", help="ring the response centre with an exercise alarm")
    what.add_argument("--undo", action="store_true", help="take back all that this installation has added")
    what.add_argument("--finish", metavar="TECHNICIAN", help="sign the record and end the installation")
    what.add_argument("--record", action="store_true", help="the record of the installation")


def add_device_options(parser: argparse.ArgumentParser) -> None:
    """What is said of a device that is added."""
    group = parser.add_argument_group("with --add")
    group.add_argument("--room", metavar="ROOM", default="", help="where it is")
    group.add_argument("--driver", metavar="DRIVER", default="", help="what it is, such as bthome")
    group.add_argument("--address", metavar="ADDRESS", default="", help="its Bluetooth address")
    group.add_argument("--port", metavar="PORT", default="", help="its serial port")
    group.add_argument("--sender", metavar="NUMBER", default="", help="its EnOcean number")
    group.add_argument("--key", metavar="HEX", help="the key on its label; - asks for it")
    group.add_argument("--interval", metavar="SECONDS", default="", help="how often it is heard at least")
    group.add_argument(
        "--option", metavar="NAME=VALUE", action="append", default=[], help="an option of its driver"
    )
    group.add_argument(
        "--each",
        metavar="ROOM=ADDRESS",
        action="append",
        default=[],
        help="one such device for each room; a * in NAME stands for it",
    )


def run(options: argparse.Namespace) -> int:
    """0 where it is done, 1 where it is not or was refused, 2 for a command line that cannot be meant."""
    hub = hub_of(options)
    acts = Acts(options, hub, holder_of(options))
    try:
        return act(options, hub, acts)
    except NoAnswerError as error:
        return failed(options, error)


def act(options: argparse.Namespace, hub: Hub, acts: Acts) -> int:
    """Do the one thing that was asked for. Raises NoAnswerError."""
    if options.together and options.test is None:
        raise NoAnswerError(hub.texts.say("install.together_alone"), WRONG)
    if options.open or options.access_point:
        return acts.open(options.minutes, access_point=options.access_point, is_sure=options.yes)
    if options.close:
        return show(options, hub, hub.ask("install_close"))
    if options.nearby:
        return acts.nearby()
    if options.add is not None:
        return acts.add()
    if options.remove is not None:
        return acts.change("install_remove", name=options.remove)
    if options.pair is not None:
        return acts.pair(options.pair, options.code or "")
    if options.test is not None:
        return acts.test(options.test, options.kind)
    if options.walk is not None:
        return acts.walk(options.walk, options.device)
    if options.plug:
        return acts.plug()
    if options.centre:
        return acts.centre()
    if options.undo:
        return acts.undo(is_sure=options.yes)
    if options.finish is not None:
        return acts.finish(options.finish)
    if options.record:
        return acts.record(options.html, options.out)
    return show(options, hub, hub.ask("install"))


def show(options: argparse.Namespace, hub: Hub, facts: dict[str, Any]) -> int:
    """The checklist."""
    if options.json:
        print(dumps(facts))
    else:
        print("\n".join([*step_lines(facts, hub.texts, hub.keys), *device_lines(facts, hub.texts)]))
    return DONE


def holder_of(options: argparse.Namespace) -> str:
    """Under which name the installation is held: also of somebody who works as the hub's user."""
    if options.holder:
        return str(options.holder)
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return "trygg"
