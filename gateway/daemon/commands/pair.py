"""`trygg pair`: pair a device, told step by step in plain words; list the bonds; delete one.

It opens the time for pairing at the running hub over the control socket, then asks how far it has come. The hub pairs;
this command only tells, and asks the person what the hub wants to know.
"""

import argparse
import string
import sys
import time
from typing import Any

from gateway.core.pairing import IN_DOUBT, OOB_DIGITS
from gateway.daemon.commands.ask import Hub, NoAnswerError, add_options, failed, hub_of
from gateway.daemon.json_text import dumps
from gateway.daemon.texts import Texts
from gateway.daemon.toml_text import dump
from hal.types import BOND_WEAK

LOOK_S = 0.25  # between two looks at the hub
OVER = ("bonded", "taught", "refused", "expired", "cancelled")
YES = ("y", "yes", "j", "ja")
DIGITS = 6
DONE, FAILED, WRONG = 0, 1, 2


def add_parser(subparsers: Any) -> None:
    """The command line."""
    parser = subparsers.add_parser(
        "pair",
        help="pair a device, list bonds, or delete one",
        description="Open the time for pairing for three minutes, for one device. "
        "Exit status 0: paired; 1: not paired; 2: a command line that cannot be meant.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--device", metavar="NAME", help="a device of the configuration")
    what.add_argument("--driver", metavar="DRIVER", help="any device of this driver, such as plx")
    what.add_argument("--list", action="store_true", help="the bonds of this gateway")
    what.add_argument(
        "--forget", metavar="NAME|ADDRESS", help="delete the bond with a device; it must be paired anew"
    )
    parser.add_argument(
        "--code", metavar="DIGITS", help="the six digits on the label of the device; - asks for them"
    )
    parser.add_argument(
        "--oob",
        metavar="HEX",
        help="in place of a code: the 32 bytes on the label or NFC tag of the device, as 64 hexadecimal digits; - asks for them",
    )
    parser.add_argument("--yes", action="store_true", help="with --forget: do not ask")
    add_options(parser)


def run(options: argparse.Namespace) -> int:
    """0 where the device is paired, 1 where it is not, 2 for a command line that cannot be meant."""
    hub = hub_of(options)
    try:
        if options.list:
            return show_bonds(options, hub)
        if options.forget is not None:
            return forget(options, hub)
        return pair(options, hub)
    except NoAnswerError as error:
        return failed(options, error)


# --- bonds -----------------------------------------------------------------------------------------------------


def show_bonds(options: argparse.Namespace, hub: Hub) -> int:
    """Every bond, with whom, and how strong."""
    rows = hub.ask("bonds")
    if options.json:
        print(dumps(rows))
        return DONE
    for row in rows:
        name = row["device"] or hub.texts.say("pair.not_configured")
        bond = bond_words(row["bond"], row.get("key", ""), hub.texts)
        print(hub.texts.say("pair.row", name=name, address=row["address"], bond=bond))
    if not rows:
        print(hub.texts.say("pair.no_bonds"))
    return DONE


def bond_words(level: int, key_word: str, texts: Texts) -> str:
    """A bond in a few words; a weak one whose key is in doubt may have been paired with its code."""
    doubted = level == BOND_WEAK and key_word in IN_DOUBT
    return texts.say("device.bonds." + ("doubted" if doubted else str(level)))


def forget(options: argparse.Namespace, hub: Hub) -> int:
    """Delete one bond, after a question."""
    name = options.forget
    if not options.yes and not asked_yes(hub.texts.say("pair.forget_question", name=name)):
        print(hub.texts.say("pair.kept"), file=sys.stderr)
        return FAILED
    facts = hub.ask("forget", device=name)
    print(dumps(facts) if options.json else hub.texts.say("pair.forgotten", name=facts["device"] or name))
    return DONE


# --- pairing ---------------------------------------------------------------------------------------------------


def pair(options: argparse.Namespace, hub: Hub) -> int:
    """Open the window and follow it to its end."""
    if options.code is not None and options.oob is not None:
        raise NoAnswerError(hub.texts.say("pair.oob_and_code"), WRONG)
    code = options.code or ""
    if code == "-":
        code = line_after(hub.texts.say("pair.code_question"))
    if code and not is_code(code):
        raise NoAnswerError(hub.texts.say("pair.no_code"), WRONG)
    asked = {"device": options.device or "", "driver": options.driver or "", "code": code}
    if options.oob is not None:
        asked["oob"] = label_data(options, hub.texts)
    facts = hub.ask("pair", **asked)
    teller = Teller(options, hub)
    try:
        while not teller.tell(facts):
            if facts["question"]:
                teller.put(facts)
            else:
                time.sleep(LOOK_S)
            facts = hub.ask("pair_state")
    except KeyboardInterrupt:
        hub.ask("pair_cancel")
        raise
    return DONE if facts["state"] in ("bonded", "taught") else FAILED


class Teller:
    """Tells each step once, and asks the person."""

    def __init__(self, options: argparse.Namespace, hub: Hub) -> None:
        self.json = options.json
        self.hub = hub
        self.texts = hub.texts
        self.number: int | None = None
        self.told = 0

    def tell(self, facts: dict[str, Any]) -> bool:
        """Say what is new; whether it is over. A window of somebody else says nothing of ours any more."""
        self.number = facts["number"] if self.number is None else self.number
        if facts["number"] != self.number:
            raise NoAnswerError(self.texts.say("pair.cancelled"))
        for happening, detail in facts["story"][self.told :]:
            self.step(facts, happening, detail)
        self.told = len(facts["story"])
        return facts["state"] in OVER

    def step(self, facts: dict[str, Any], happening: str, detail: Any) -> None:
        """One step."""
        if self.json:
            step = {"step": happening, "detail": detail, "device": facts["device"], "driver": facts["driver"]}
            print(dumps(step | {"address": facts["address"], "why": facts["why"]}), flush=True)
            return
        name = facts["device"] or facts["advertised_name"] or facts["driver"]
        print(self.words(facts, happening, detail, name), flush=True)
        if happening in ("bonded", "taught") and not facts["configured"]:
            row: dict[str, Any] = {"name": name, "driver": facts["driver"], "address": facts["address"]}
            if happening == "taught":
                row["sender"] = row.pop("address")
                row["options"] = {"profile": facts["profile"]}
            print("\n".join([self.texts.say("pair.add"), "", dump({"device": [row]}).rstrip()]), flush=True)

    def words(self, facts: dict[str, Any], happening: str, detail: Any, name: str) -> str:
        """One step in words."""
        say = self.texts.say
        match happening:
            case "opened":
                return say("pair.opened", name=name)
            case "heard":
                return say("pair.heard", name=name, address=facts["address"])
            case "begun":
                return say("pair.begun")
            case "lost":
                return say("pair.lost")
            case "wrong_code":
                return say("pair.wrong_code", count=detail)
            case "refused":
                return say("pair.refused", why=self.texts.reword(facts["why"]))
            case "expired" if facts["address"]:
                return say("pair.expired")
            case "expired":
                return say("pair.unheard")
            case "taught" if facts["profile"]:
                return say("pair.taught", address=facts["address"], profile=facts["profile"])
            case "taught":
                return say("pair.taught_unnamed", address=facts["address"])
            case "bonded" if facts.get("key") in IN_DOUBT:
                return say(f"pair.bonded_{facts['key']}", name=name)
            case "bonded" if detail > BOND_WEAK:
                return say("pair.bonded", name=name)
            case "bonded":
                return say("pair.bonded_weak", name=name)
            case _:
                return say("pair.cancelled")

    def put(self, facts: dict[str, Any]) -> None:
        """Ask what the hub wants to know; nobody there means no."""
        if self.json:
            print(dumps({"question": facts["question"], "compare": facts["compare"]}), flush=True)
        if facts["question"] == "code":
            code = line_after("" if self.json else self.texts.say("pair.code_question"))
            if is_code(code):
                self.hand("pair_answer", code=code)
            else:
                self.hand("pair_cancel")
        else:
            question = self.texts.say("pair.number_question", number=f"{facts['compare']:06d}")
            self.hand("pair_answer", yes=asked_yes("" if self.json else question))

    def hand(self, command: str, **arguments: str | bool) -> None:
        """Hand over an answer; one that comes too late is told by what has become of the window."""
        try:
            self.hub.ask(command, **arguments)
        except NoAnswerError as error:
            print(error.text, file=sys.stderr)


def label_data(options: argparse.Namespace, texts: Texts) -> str:
    """The data of a label or tag, as it was given or typed. Raises NoAnswerError for what is none, which is never repeated."""
    data: str = line_after(texts.say("pair.oob_question")) if options.oob == "-" else options.oob
    if not all(digit in string.hexdigits for digit in data):
        raise NoAnswerError(texts.say("pair.oob_not_hex"), WRONG)
    if len(data) != OOB_DIGITS:
        raise NoAnswerError(texts.say("pair.oob_length", count=len(data)), WRONG)
    return data


def is_code(text: str) -> bool:
    """Whether this is what a label shows."""
    return len(text) == DIGITS and text.isascii() and text.isdigit()


def asked_yes(question: str) -> bool:
    """Whether somebody says yes."""
    return line_after(question).lower() in YES


def line_after(question: str) -> str:
    """A line from whoever sits there; empty where nobody does."""
    print(question, end=" " if question else "", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()
