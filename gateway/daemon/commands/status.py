"""`trygg status`: how the running hub is, the worst first."""

import argparse
from typing import Any

from gateway.core.registry_text import KIND_TEXTS
from gateway.daemon.commands.ask import STATUSES, add_options, hub_of, print_answer
from gateway.daemon.texts import LANGUAGES, Texts

ALARMS_SHOWN = 6  # --json has all that are remembered


def add_parser(subparsers: Any) -> None:
    """The command line."""
    words = "how the running hub is"
    parser = subparsers.add_parser(
        "status", help=words, description="Ask the running hub how it is. " + STATUSES
    )
    add_options(parser)


def run(options: argparse.Namespace) -> int:
    """0 where the hub answered, 1 where it does not run."""
    return print_answer(options, hub_of(options), "status", show)


def show(facts: dict[str, Any], texts: Texts) -> list[str]:
    """The facts as lines for people."""
    head = texts.say(
        "status.head",
        gateway=facts["gateway"],
        tenant=facts["tenant"],
        software=facts["software"],
        uptime=texts.duration(facts["uptime_ms"]),
    )
    lines = [texts.say("lamp." + lamp(facts)), head]
    lines += [texts.say("status.faults." + fault.replace(".", "_")) for fault in facts["faults"]]
    if facts["configuration_fault"]:
        lines.append(
            texts.say("status.configuration_fault", cause=texts.reword(facts["configuration_fault"]))
        )
    lines += configuration(facts, texts)
    lines += [connection(facts, texts), delivery(facts, texts)]
    lines += alarms(facts, texts)
    lines += self_test(facts, texts)
    lines.append(texts.say("status.public_key", key=facts["public_key"]))
    if facts["keyset"] is None:
        lines.append(texts.say("status.waiting_keyset"))
    if facts["utc_ms"] is None:
        lines.append(texts.say("status.clock_untrusted"))
    if facts.get("training"):
        lines.append(texts.say("status.trains"))
    if facts.get("clock_offset_ms") is not None:
        lines.append(texts.say("status.training", offset=facts["clock_offset_ms"] // 1000))
    for gone in facts["given_up"]:
        lane = texts.say("lane." + facts["lanes"][gone["lane"]]["name"])
        lines.append(texts.say("status.given_up", count=gone["last"] - gone["first"] + 1, lane=lane))
    if facts["lost_in_memory"]:
        lost = facts["lost_in_memory"]
        lanes = ", ".join(f"{texts.say('lane.' + name)} {count}" for name, count in lost.items())
        lines.append(texts.say("status.overrun", count=sum(lost.values()), lanes=lanes))
    if facts["devices_silent"]:
        lines.append(texts.say("status.silent", names=", ".join(facts["devices_silent"])))
    if facts.get("devices_unpaired"):  # a hub that was not restarted since an update says nothing of it
        lines.append(texts.say("status.unpaired", names=", ".join(facts["devices_unpaired"])))
    if facts.get("devices_weak"):
        lines.append(texts.say("status.weak", names=", ".join(facts["devices_weak"])))
    if facts["frames_refused"]:
        lines.append(texts.say("status.frames", counts=texts.counts(facts["frames_refused"])))
    if facts["messages_refused"]:
        lines.append(texts.say("status.refused", counts=texts.counted_messages(facts["messages_refused"])))
    if facts["advertisements_dropped"]:
        lines.append(texts.say("status.dropped", count=facts["advertisements_dropped"]))
    return lines


def configuration(facts: dict[str, Any], texts: Texts) -> list[str]:
    """What came from afar: in use, tried or refused, and what the home has otherwise."""
    said = facts.get("configuration")  # a hub that was not restarted since an update says nothing of it
    if said is None:
        return []
    lines = []
    if said["refused"] is not None:
        cause = texts.reword(said["reason"])
        lines.append(texts.say("status.revision_refused", revision=said["refused"], cause=cause))
    if said["on_trial"]:
        lines.append(texts.say("status.revision_tried", revision=said["revision"]))
    elif said["revision"]:
        lines.append(texts.say("status.revision", revision=said["revision"]))
    if said["local"]:
        lines.append(texts.say("status.local", keys=", ".join(said["local"])))
    return lines


def alarms(facts: dict[str, Any], texts: Texts) -> list[str]:
    """Alarms that are open, and those that the platform has told of, the newest first."""
    lines = []
    for row in facts.get("alarms", []):  # a hub that was not restarted since an update says nothing of it
        if not (row["open"] or row["became"]):
            continue
        what = "exercise" if row["exercise"] else "alarm"
        is_dated = facts["utc_ms"] is not None and row["utc_ms"] is not None
        line = texts.say(
            f"status.{what}" if is_dated else f"status.{what}_undated",
            since=texts.duration(max(0, facts["utc_ms"] - row["utc_ms"])) if is_dated else "",
            kind=KIND_TEXTS[row["kind"]][LANGUAGES.index(texts.language)],
            name=row["device"] or row["placement"],
            became=texts.say("status.became." + (row["became"] or "untold")),
        )
        lines.append(texts.say("status.alarm_note", line=line, note=row["note"]) if row["note"] else line)
    return lines[:ALARMS_SHOWN]


def self_test(facts: dict[str, Any], texts: Texts) -> list[str]:
    """What became of the last nightly self-test; nothing before the first."""
    test = facts.get("self_test")  # a hub that was not restarted since an update says nothing of it
    if test is None or test["result"] == "running":
        return []
    since = texts.say("status.self_test_since_unknown")
    if test["ago_ms"] is not None:
        since = texts.say("status.self_test_since", since=texts.duration(test["ago_ms"]))
    if test["result"] == "passed":
        return [texts.say("status.self_test_passed", since=since)]
    return [
        texts.say(
            "status.self_test_failed", since=since, cause=texts.say("status.obstacles." + test["reason"])
        )
    ]


def lamp(facts: dict[str, Any]) -> str:
    """The first line's text: a gateway that is well says so only where the lines below have nothing to mend."""
    if facts["lamp"] != "ok":
        return str(facts["lamp"])
    if facts["configuration_fault"] or facts["utc_ms"] is None:
        return "ok_but_look"
    if facts.get("clock_offset_ms") is not None or facts.get("training"):
        return "ok_but_look"
    if any(row["open"] and row["became"] == "failed" for row in facts.get("alarms", [])):
        return "ok_but_look"
    troubled = (facts["devices_silent"], facts["frames_refused"], facts.get("devices_unpaired"))
    return "ok_but_devices" if any(troubled) else "ok"


def connection(facts: dict[str, Any], texts: Texts) -> str:
    """Whether the broker is there, and if not, why."""
    if facts["connected"] and not facts["way_is_first"]:
        return texts.say("status.another_way", way=" ".join(facts["way"].values()))
    if facts["connected"]:
        return texts.say("status.connected")
    if facts["last_error"]:
        since = texts.duration(facts["lost_ms"] or 0)
        return texts.say("status.disconnected", cause=texts.reword(facts["last_error"]), since=since)
    return texts.say("status.disconnected_yet")


def delivery(facts: dict[str, Any], texts: Texts) -> str:
    """How much the platform has not receipted, and for how long."""
    held = {lane["name"]: lane["held"] for lane in facts["lanes"] if lane["held"]}
    if not held:
        return texts.say("status.delivered")
    lanes = ", ".join(f"{texts.say('lane.' + name)} {count}" for name, count in held.items())
    count = sum(held.values())
    if not facts["unreceipted_ms"]:
        return texts.say("status.waiting_unsent", count=count, lanes=lanes)
    since = texts.duration(facts["unreceipted_ms"])
    return texts.say("status.waiting", count=count, lanes=lanes, since=since)
