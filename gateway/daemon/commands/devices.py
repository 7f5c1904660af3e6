"""`trygg devices`: the devices of the running hub, and when each was last heard."""

import argparse
from typing import Any

from gateway.daemon.commands.ask import STATUSES, add_options, print_answer
from gateway.daemon.texts import Texts


def add_parser(subparsers: Any) -> None:
    """The command line."""
    words = "the devices of the running hub, and when each was heard"
    parser = subparsers.add_parser(
        "devices", help=words, description="Ask the running hub for its devices. " + STATUSES
    )
    add_options(parser)


def run(options: argparse.Namespace) -> int:
    """0 where the hub answered, 1 where it does not run."""
    return print_answer(options, "devices", show)


def show(rows: list[dict[str, Any]], texts: Texts) -> list[str]:
    """The facts as lines for people: a device, and what there is to say of it indented."""
    lines = []
    for row in rows:
        lines.append(texts.say("device.head", name=row["name"], state=state(row, texts)))
        place = "device.place" if row["room"] else "device.place_no_room"
        lines.append(
            "    " + texts.say(place, driver=row["driver"], reached=row["reached"], room=row["room"])
        )
        lines += ["    " + line for line in details(row, texts)]
    return lines or [texts.say("device.none")]


def details(row: dict[str, Any], texts: Texts) -> list[str]:
    """What it says it is, how it is connected and paired, what it sent that was not taken."""
    lines = []
    if all(row["described"].get(part) for part in ("maker", "model", "serial_number")):
        lines.append(texts.say("device.what", **row["described"]))
    if row["link"]:
        lines.append(texts.say("device.link", link=texts.reword(row["link"])))
    lines += signal(row, texts)
    paired = row.get("paired", True)  # a hub that was not restarted since an update does not say
    if not paired:
        lines.append(texts.say("device.unpaired", name=row["name"]))
    if row["bond"] or (row["bond"] is not None and paired):
        lines.append(texts.say("device.bond", bond=texts.say(f"device.bonds.{row['bond']}")))
    lines.append(interval(row, texts))
    if row["refused"]:
        counts = [
            texts.say_or("device.refusals." + why, f"{why} {{count}}", count=count)
            for why, count in sorted(row["refused"].items())
        ]
        lines.append(
            texts.say("device.refused", counts=", ".join(counts), last=texts.reword(row["last_refusal"]))
        )
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
