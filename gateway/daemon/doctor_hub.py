"""What `trygg doctor` makes of the running hub's own words: its status, and each of its devices."""

from pathlib import Path
from typing import Any

from gateway.core.pairing import SHORT, STUCK
from gateway.daemon.commands import devices as device_words
from gateway.daemon.commands import status as status_words
from gateway.daemon.doctor import Complaint
from gateway.daemon.findings import FAULT, WARNING
from gateway.daemon.texts import Texts
from hal.types import BOND_WEAK

UNRECEIPTED_MS = 75_000  # as gateway/hub/supervise.py: from then on it is a fault that nobody receipts
STOPPED_PART, RESTARTED = "part.stopped", "part.restarted"
# Why frames of a device were not taken: the card that tells more.
REFUSED = {"replayed": "device.replay_suspected", "unauthenticated": "device.unauthenticated"}


def is_averted(kind: str, facts: dict[str, Any] | None) -> bool:
    """Whether what a finding leads to has not come about, as the hub that runs says. facts: its status, None where none answers."""
    if facts is None:
        return False
    return kind == "hub.stopped" or (kind == "path.lost" and facts["connected"])


def of_status(facts: dict[str, Any], texts: Texts) -> list[Complaint]:
    """The hub as a whole: what its lamp stands for, way out, delivery, self-test, losses."""
    found = [
        Complaint(
            f"hub.{kind}",
            FAULT,
            texts.say("status.faults." + kind.replace(".", "_")),
            RESTARTED if kind == STOPPED_PART else kind,
        )
        for kind in facts["faults"]
    ]
    if facts.get("training"):
        found.append(Complaint("hub.training", WARNING, texts.say("status.trains")))
    if facts.get("storage_full"):
        found.append(Complaint("hub.storage_full", FAULT, texts.say("lamp.storage_full"), "storage.full"))
    if facts["configuration_fault"]:
        cause = texts.reword(facts["configuration_fault"])
        text = texts.say("status.configuration_fault", cause=cause)
        found.append(Complaint("hub.configuration_fault", FAULT, text, "configuration.fault"))
    return found + of_way(facts, texts) + of_losses(facts, texts)


def of_way(facts: dict[str, Any], texts: Texts) -> list[Complaint]:
    """Connection, receipts, keyset, self-test."""
    found = []
    if not facts["connected"]:
        found.append(Complaint("hub.disconnected", FAULT, status_words.connection(facts, texts), "path.lost"))
    elif not facts["way_is_first"]:
        found.append(
            Complaint("hub.another_way", WARNING, status_words.connection(facts, texts), "path.fallback")
        )
    late = facts["connected"] and facts["unreceipted_ms"] > UNRECEIPTED_MS
    if late and "path.unreceipted" not in facts["faults"]:
        text = status_words.delivery(facts, texts)
        found.append(Complaint("hub.unreceipted", FAULT, text, "path.unreceipted"))
    if facts["keyset"] is None:
        found.append(Complaint("hub.waiting_keyset", WARNING, texts.say("status.waiting_keyset")))
    test = facts.get("self_test")
    if test is not None and test["result"] not in ("running", "passed"):
        (text,) = status_words.self_test(facts, texts)
        found.append(Complaint("hub.self_test", FAULT, text, "self_test.failed"))
    return found


def of_losses(facts: dict[str, Any], texts: Texts) -> list[Complaint]:
    """What was given up, lost or refused since the hub began."""
    found = []
    for gone in facts["given_up"]:
        lane = texts.say("lane." + facts["lanes"][gone["lane"]]["name"])
        text = texts.say("status.given_up", count=gone["last"] - gone["first"] + 1, lane=lane)
        found.append(Complaint("hub.given_up", WARNING, text, "journal.dropped"))
    if facts["lost_in_memory"]:
        lost = facts["lost_in_memory"]
        lanes = ", ".join(f"{texts.say('lane.' + name)} {count}" for name, count in lost.items())
        text = texts.say("status.overrun", count=sum(lost.values()), lanes=lanes)
        found.append(Complaint("hub.overrun", FAULT, text, "journal.overrun"))
    if facts["messages_refused"]:
        text = texts.say("status.refused", counts=texts.counted_messages(facts["messages_refused"]))
        found.append(Complaint("hub.refused", WARNING, text, "message.refused"))
    if facts["advertisements_dropped"]:
        text = texts.say("status.dropped", count=facts["advertisements_dropped"])
        found.append(Complaint("hub.dropped", WARNING, text))
    return found


def of_devices(rows: list[dict[str, Any]], texts: Texts, keys: Path) -> list[Complaint]:
    """Each device: silent, not paired, weakly bonded or heard, with frames that were not taken. keys: the folder of keys."""
    return [each for row in rows for each in of_device(row, texts, keys)]


def of_device(row: dict[str, Any], texts: Texts, keys: Path) -> list[Complaint]:
    """One device."""
    found: list[tuple[str, str, str, str]] = []
    link = texts.say("device.link", link=texts.reword(row["link"])) if row["link"] else ""
    if row["silent"]:
        text = device_words.state(row, texts)
        found.append(("silent", FAULT, f"{text}. {link}" if link else text, "device.silent"))
    elif link and not row["frames"]:
        found.append(("link", WARNING, link, ""))
    word = (row.get("key") or {}).get("word")
    if word == STUCK:
        text = texts.say("device.key", key=texts.say("device.keys.refused"))
        found.append(("bond_stuck", FAULT, text, "pairing.refused"))
    elif not row.get("paired", True):
        found.append(("unpaired", FAULT, texts.say("device.unpaired", name=row["name"]), "device.unpaired"))
    elif row["bond"] == BOND_WEAK:
        bond = "; ".join(device_words.bond(row, texts))
        found.append(("key_short" if word == SHORT else "bond_weak", WARNING, bond, "pairing.bonded_weak"))
    if row.get("link_weak"):
        found.append(("link_weak", WARNING, " ".join(device_words.signal(row, texts)), "link.weak"))
    if row.get("counter_behind"):
        text = texts.say("device.behind", name=row["name"], **row["counter_behind"])
        found.append(("behind", FAULT, text, "device.replay_suspected"))
    for why, count in sorted(row["refused"].items()):
        counts = texts.say_or("device.refusals." + why, f"{why} {{count}}", count=count)
        text = texts.say("device.refused", counts=counts, last=texts.reword(row["last_refusal"]))
        if why == "unauthenticated":
            text = ". ".join([text, *device_words.key_advice(row, texts, keys)])
        found.append((f"refused_{why}", WARNING, text, REFUSED.get(why, "")))
    return [
        Complaint(f"device.{code}", level, f"{row['name']}: {text}", kind, row["name"])
        for code, level, text, kind in found
    ]
