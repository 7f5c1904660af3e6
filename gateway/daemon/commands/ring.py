"""`trygg ring`: try out one alarm of one device as an exercise, and see it come back with the platform's receipt."""

import argparse
import time
from typing import Any

from gateway.core.registry_text import KIND_TEXTS
from gateway.daemon.commands.ask import Hub, NoAnswerError, add_options, failed
from gateway.daemon.configuration import DEFAULT
from gateway.daemon.json_text import dumps
from gateway.daemon.texts import LANGUAGES
from gateway.hub.ringing import DELIVERED, HEARD, OVER

LOOK_S = 0.25  # between two looks at the hub
RECEIPT_S = 30.0  # a platform that has not receipted an alarm for so long does not
UNRECEIPTED = "unreceipted"
DONE, FAILED = 0, 1


def add_parser(subparsers: Any) -> None:
    """The command line."""
    parser = subparsers.add_parser(
        "ring",
        help="try out an alarm of one device, marked as an exercise",
        description="For two minutes at most one kind of alarm of one device is an exercise; everything else stays real. "
        "Exit status 0: it came and the platform has receipted it; 1: it did not; "
        "2: a command line that cannot be meant.",
    )
    parser.add_argument("--device", metavar="NAME", required=True, help="a device of the configuration")
    parser.add_argument(
        "--kind", metavar="KIND", required=True, help="the alarm that is tried, such as smoke.detected"
    )
    parser.add_argument("--seconds", metavar="N", default="120", help="for so long, 120 at most")
    add_options(parser)


def run(options: argparse.Namespace) -> int:
    """0 where the alarm was receipted, 1 where it was not, 2 for a command line that cannot be meant."""
    hub = Hub(options.config or [DEFAULT])
    try:
        facts = hub.ask("ring", device=options.device, kind=options.kind, seconds=options.seconds)
        try:
            return follow(options, hub, facts)
        except KeyboardInterrupt:
            hub.ask("ring_cancel")  # what comes now is real
            raise
    except NoAnswerError as error:
        return failed(options, error)


def follow(options: argparse.Namespace, hub: Hub, facts: dict[str, Any]) -> int:
    """Tell each step once, until it is receipted, over, or nobody receipts."""
    told, heard_s = "", None
    while True:
        state = facts["state"]
        if state == HEARD and heard_s is None:
            heard_s = time.monotonic()
        if heard_s is not None and state != DELIVERED and time.monotonic() - heard_s > RECEIPT_S:
            state = UNRECEIPTED
        if state != told:
            told = state
            words = hub.texts.say(
                f"ring.{state}",
                name=facts["device"],
                kind=KIND_TEXTS[facts["kind"]][LANGUAGES.index(hub.texts.language)],
                seconds=facts["left_ms"] // 1000,
            )
            print(dumps(facts | {"state": state}) if options.json else words, flush=True)
        if state in (DELIVERED, OVER, UNRECEIPTED):
            return DONE if state == DELIVERED else FAILED
        time.sleep(LOOK_S)
        facts = hub.ask("ring_state")
