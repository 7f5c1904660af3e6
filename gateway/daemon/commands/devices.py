"""`trygg devices`: the devices of the running hub, and when each was last heard; confirms a counter that began anew."""

import argparse
import sys
from pathlib import Path
from typing import Any

from gateway.core.devices.bthome import TEXTS as REFUSALS
from gateway.core.pairing import STUCK
from gateway.daemon.commands.ask import (
    STATUSES,
    Hub,
    NoAnswerError,
    add_options,
    failed,
    hub_of,
    print_answer,
)
from gateway.daemon.commands.pair import asked_yes, bond_words
from gateway.daemon.install_home import reference_of
from gateway.daemon.json_text import dumps
from gateway.daemon.texts import Texts


def add_parser(subparsers: Any) -> None:
    """The command line."""
    words = "the devices of the running hub, and when each was heard"
    parser = subparsers.add_parser(
        "devices", help=words, description="Ask the running hub for its devices. " + STATUSES
    )
    parser.add_argument(
        "--confirm-reset",
        metavar="NAME",
        help="the counter of this device began anew, as after a change of battery: believe it again",
    )
    parser.add_argument("--yes", action="store_true", help="with --confirm-reset: do not ask")
    add_options(parser)


def run(options: argparse.Namespace) -> int:
    """0 where the hub answered, 1 where it does not run; of a reset 0 where it is confirmed."""
    hub = hub_of(options)
    if options.confirm_reset is None:
        return print_answer(options, hub, "devices", lambda rows, texts: show(rows, texts, hub.keys))
    try:
        return confirm_reset(options, hub)
    except NoAnswerError as error:
        return failed(options, error)


def confirm_reset(options: argparse.Namespace, hub: Hub) -> int:
    """Say what was heard, ask, and have the hub believe the device from there."""
    heard = hub.ask("reset_heard", device=options.confirm_reset)
    said = {"name": heard["device"], "heard": heard["counter"], "last": heard["last_counter"]}
    if not options.yes and not asked_yes(hub.texts.say("device.reset_question", **said)):
        print(hub.texts.say("device.reset_left"), file=sys.stderr)
        return 1
    facts = hub.ask("reset_confirm", device=heard["device"], counter=heard["counter"])
    print(dumps(facts) if options.json else hub.texts.say("device.reset_done", name=facts["device"]))
    return 0


def show(rows: list[dict[str, Any]], texts: Texts, keys: Path) -> list[str]:
    """The facts as lines for people: a device, and what there is to say of it indented. keys: the folder of keys."""
    lines = []
    for row in rows:
        lines.append(texts.say("device.head", name=row["name"], state=state(row, texts)))
        place = "device.place" if row["room"] else "device.place_no_room"
        lines.append(
            "    " + texts.say(place, driver=row["driver"], reached=row["reached"], room=row["room"])
        )
        lines += ["    " + line for line in details(row, texts, keys)]
    return lines or [texts.say("device.none")]


def details(row: dict[str, Any], texts: Texts, keys: Path) -> list[str]:
    """What it says it is, how it is connected and paired, what it sent that was not taken."""
    lines = []
    if all(row["described"].get(part) for part in ("maker", "model", "serial_number")):
        lines.append(texts.say("device.what", **row["described"]))
    if row.get("can"):  # a hub that was not restarted since an update does not say
        words = [texts.say_or("device.can_words." + word, word) for word in row["can"]]
        lines.append(texts.say("device.can", words=", ".join(words)))
    if row["link"]:
        lines.append(texts.say("device.link", link=texts.reword(row["link"])))
    lines += signal(row, texts)
    paired = row.get("paired", True)  # a hub that was not restarted since an update does not say
    if not paired:
        lines.append(texts.say("device.unpaired", name=row["name"]))
    stuck = (row.get("key") or {}).get("word") == STUCK
    if row["bond"] or (row["bond"] is not None and (paired or stuck)):
        lines += bond(row, texts)
    lines.append(interval(row, texts))
    if row["refused"]:
        counts = [
            texts.say_or("device.refusals." + why, f"{why} {{count}}", count=count)
            for why, count in sorted(row["refused"].items())
        ]
        lines.append(
            texts.say("device.refused", counts=", ".join(counts), last=texts.reword(row["last_refusal"]))
        )
    lines += key_advice(row, texts, keys)
    if row.get("counter_behind"):
        lines.append(texts.say("device.behind", name=row["name"], **row["counter_behind"]))
    return lines


def key_advice(row: dict[str, Any], texts: Texts, keys: Path) -> list[str]:
    """How a device that encrypts is given its key, where it has none."""
    if row["last_refusal"] != REFUSALS["no_key"]:
        return []
    return [how_key(row["name"], texts, keys)]


def how_key(name: str, texts: Texts, keys: Path) -> str:
    """Where a key belongs, and the commands that put it there; one that is there is not written over."""
    reference = reference_of(name)
    return texts.say("device.how_key", name=name, reference=reference, path=keys / f"{reference}.key")


def bond(row: dict[str, Any], texts: Texts) -> list[str]:
    """How strong the bond is, and what is known of its key, where a radio tells."""
    key = row.get("key")  # a hub that was not restarted since an update does not say
    lines = [texts.say("device.bond", bond=bond_words(row["bond"], key["word"] if key else "", texts))]
    if key:
        lines.append(texts.say("device.key", key=texts.say(f"device.keys.{key['word']}", count=key["bytes"])))
    return lines


def signal(row: dict[str, Any], texts: Texts) -> list[str]:
    """How well it is heard, where it has a radio and was heard."""
    level, weak = row.get("rssi_dbm"), row.get("link_weak")
    if level is None:
        return [texts.say("device.signal_weak_unknown")] if weak else []
    shown = str(level).replace("-", "\N{MINUS SIGN}")
    if weak:
        return [texts.say("device.signal_weak", level=shown)]
    return [texts.say("device.signal", level=shown)]


def interval(row: dict[str, Any], texts: Texts) -> str:
    """How often it is expected to be heard, and who says so."""
    if row["interval_ms"]:
        return texts.say("device.given", interval=texts.duration(row["interval_ms"]))
    if row["learned_interval_ms"]:
        return texts.say("device.learned", interval=texts.duration(row["learned_interval_ms"]))
    return texts.say("device.unlearned")


def state(row: dict[str, Any], texts: Texts) -> str:
    """Heard or silent, and since when."""
    since = None if row["heard_ms"] is None else texts.duration(row["heard_ms"])
    if row["silent"]:
        return texts.say("device.silent_ever") if since is None else texts.say("device.silent", since=since)
    return texts.say("device.unheard") if since is None else texts.say("device.heard", since=since)
