"""`trygg ring`: try out one alarm of one device as an exercise, and see it come back with the platform's receipt.

With `--until accepted` or `handled` also until somebody at the response centre has taken it, or has dealt with it.
"""

import argparse
import sys
import time
from typing import Any

from gateway.core.alarms import NAMES
from gateway.core.event_codec import lane_of
from gateway.core.registry import KINDS
from gateway.core.registry_text import KIND_TEXTS
from gateway.core.rules.exercise import DOSE
from gateway.daemon.commands.ask import WRONG, Hub, NoAnswerError, add_options, failed, hub_of
from gateway.daemon.commands.install_words import COUPLED
from gateway.daemon.json_text import dumps
from gateway.daemon.texts import LANGUAGES, Texts
from gateway.hub.ringing import DELIVERED, HEARD, OVER
from hal.types import ALARM

LOOK_S = 0.25  # between two looks at the hub
RECEIPT_S = 30.0  # a platform that has not receipted an alarm for so long does not
ANSWER_S = 600.0  # for whoever should take it
UNRECEIPTED, UNANSWERED, FAILED_WORD = "unreceipted", "unanswered", "failed"
FORWARDED, ACCEPTED, HANDLED = NAMES[:3]
STEPS = (DELIVERED, FORWARDED, ACCEPTED, HANDLED)  # each says all that those before it say
DONE, FAILED = 0, 1
# Of what an exercise may be of (gateway/core/rules/exercise.py), what no device or rule tells: the hub tells these of itself.
HUBS_OWN = ("safety.unwatched", "alarm.unwatched", "alarm.tried")


def add_parser(subparsers: Any) -> None:
    """The command line."""
    parser = subparsers.add_parser(
        "ring",
        help="try out an alarm of one device, marked as an exercise",
        description="For two minutes at most one kind of alarm of one device is an exercise; everything else stays real. "
        "Exit status 0: it came as far as --until says; 1: it did not; "
        "2: a command line that cannot be meant.",
    )
    parser.add_argument("--device", metavar="NAME", required=True, help="a device of the configuration")
    parser.add_argument(
        "--kind", metavar="KIND", required=True, help="the alarm that is tried, such as smoke.detected"
    )
    parser.add_argument("--seconds", metavar="N", default="120", help="for so long, 120 at most")
    parser.add_argument(
        "--until",
        choices=(DELIVERED, ACCEPTED, HANDLED),
        default=DELIVERED,
        help="wait until the platform has it (default), or somebody has taken or dealt with it, 10 minutes at most",
    )
    add_options(parser)


def run(options: argparse.Namespace) -> int:
    """0 where the alarm was receipted, 1 where it was not, 2 for a command line that cannot be meant."""
    hub = hub_of(options)
    try:
        check_kind(options.kind, hub.texts)
        if options.kind in COUPLED and not options.json:
            print(hub.texts.say("ring.coupled", name=options.device), file=sys.stderr, flush=True)
        facts = hub.ask("ring", device=options.device, kind=options.kind, seconds=options.seconds)
        try:
            return follow(options, hub, facts)
        except KeyboardInterrupt:
            hub.ask("ring_cancel")  # what comes now is real
            raise
    except NoAnswerError as error:
        return failed(options, error)


def alarms() -> list[str]:
    """The kinds that can be tried: alarms that begin something, and no doses."""
    return [
        kind
        for kind, row in KINDS.items()
        if not row[2] and lane_of(kind) <= ALARM and not kind.startswith(DOSE) and kind not in HUBS_OWN
    ]


def check_kind(kind: str, texts: Texts) -> None:
    """See that there is such an alarm. Raises NoAnswerError with those that there are, in the reader's words."""
    known = alarms()
    if kind in known:
        return
    width, language = max(len(each) for each in known), LANGUAGES.index(texts.language)
    rows = [f"  {each:<{width}}  {KIND_TEXTS[each][language]}" for each in known]
    raise NoAnswerError("\n".join([texts.say("ring.no_kind", kind=kind), *rows]), WRONG)


def follow(options: argparse.Namespace, hub: Hub, facts: dict[str, Any]) -> int:
    """Tell each step once, until it has come as far as is waited for, is over, or nobody answers."""
    told, waited = "", Waited()
    wanted = STEPS[STEPS.index(options.until) :]
    while True:
        state = waited.state(facts["state"], is_enough=facts["state"] in wanted)
        if state != told:
            told = state
            say(options, hub, facts | {"state": state})
        if state in wanted:
            return DONE
        if state in (OVER, UNRECEIPTED, UNANSWERED, FAILED_WORD):
            return FAILED
        time.sleep(LOOK_S)
        facts = hub.ask("ring_state")


class Waited:
    """For how long the next step has been waited for."""

    def __init__(self) -> None:
        self.since: dict[bool, float] = {}

    def state(self, state: str, *, is_enough: bool) -> str:
        """The state, or that the receipt or the answer has not come in time."""
        if is_enough or not (state == HEARD or state in STEPS):
            return state
        begun_s = self.since.setdefault(state == HEARD, time.monotonic())
        is_late = time.monotonic() - begun_s > (RECEIPT_S if state == HEARD else ANSWER_S)
        return state if not is_late else UNRECEIPTED if state == HEARD else UNANSWERED


def say(options: argparse.Namespace, hub: Hub, facts: dict[str, Any]) -> None:
    """One step, with the note that came with it."""
    if options.json:
        print(dumps(facts), flush=True)
        return
    words = hub.texts.say(
        f"ring.{facts['state']}",
        name=facts["device"],
        kind=KIND_TEXTS[facts["kind"]][LANGUAGES.index(hub.texts.language)],
        seconds=facts["left_ms"] // 1000,
    )
    print(words, flush=True)
    if facts.get("note"):
        print(hub.texts.say("ring.noted", note=facts["note"]), flush=True)
