"""The checklist, which is the heart of it, and how the hub is."""

from typing import Any

from gateway.core.registry import KINDS
from gateway.daemon.commands import status as status_command
from gateway.daemon.commands.explain import facts as card_of
from gateway.daemon.page.visit import Facts, Visit, query
from gateway.daemon.page.words import Words

DONE, OPEN, RUNNING, FAILED = "done", "open", "running", "failed"
STATES = (DONE, OPEN, RUNNING, FAILED)
# Where a step is worked on. Those of devices lead to the device.
PLACES = {
    "network": "/status",
    "clock": "/status",
    "platform": "/status",
    "walk": "/walk",
    "plug": "/plug",
    "centre": "/centre",
}
DEVICE, DEVICE_STEPS = "device:", ("found", "paired", "tested")
# What `trygg status` knows by other names than the events have.
KIND_OF_FAULT = {"part.stopped": "part.restarted"}
# Faults of steps that have a card: what the hub would tell the platform of the same.
CARD_OF_FAULT = {
    "network_down": "path.lost",
    "clock_untrusted": "clock.untrusted",
    "not_connected": "path.lost",
    "no_receipt": "path.unreceipted",
    "silent": "device.silent",
    "wrong_key": "device.unauthenticated",
    "line": "line.lost",
    "not_paired": "device.unpaired",
    "test_unreceipted": "path.unreceipted",
    "room_lost": "link.weak",
}


class Step:
    """One line of the checklist, worded. `place` leads to where it is done; `fault` is the code of its card, or 0."""

    def __init__(self, row: Facts, words: Words) -> None:
        device, _, what = str(row["id"]).removeprefix(DEVICE).rpartition(":")
        if not str(row["id"]).startswith(DEVICE) or what not in DEVICE_STEPS:
            device, what = "", str(row["id"])
        name = f"step.{what}"
        self.id = str(row["id"])
        self.title = words(name, name=device) if words.has(name) else self.id
        self.do = words(f"do.{what}", name=device) if words.has(f"do.{what}") else self.title
        self.place = "/device" + query({"name": device}) if device else PLACES.get(what, "/status")
        self.state = row["state"] if row["state"] in STATES else OPEN
        facts = dict(row.get("facts") or {})
        self.cause = said(str(row.get("cause") or ""), facts, words)
        self.action = said(str(row.get("action") or ""), facts, words)
        fault = str(row.get("fault") or "")
        self.fault = code_of(CARD_OF_FAULT.get(fault, fault))
        self.may_skip = bool(row.get("may_skip"))


def said(text: str, facts: Facts, words: Words) -> str:
    """What the hub says of a step: the name of an entry of the commands' catalogue, or a message in English."""
    filled = {name: words.reword(value) if isinstance(value, str) else value for name, value in facts.items()}
    try:
        return words.texts.say(text, **filled)
    except (KeyError, TypeError):
        return words.reword(text)


def code_of(kind: str) -> int:
    """The number of a kind with a card; 0 where there is none."""
    return KINDS[kind][0] if kind in KINDS and "who" in card_of(kind) else 0


async def checklist(visit: Visit) -> tuple[str, dict[str, Any]]:
    """All steps, and on top the one that comes next."""
    steps = [Step(row, visit.words) for row in visit.install["steps"]]
    missing = [step for step in steps if step.id in visit.install["missing"]]
    # What failed is mended first; what runs needs nobody.
    first = [step for state in (FAILED, OPEN, RUNNING) for step in missing if step.state == state]
    return "checklist", {
        "steps": steps,
        "done": sum(step.state == DONE for step in steps),
        "next": first[0] if first else None,
        "others": visit.other_holder(),
    }


async def status(visit: Visit) -> tuple[str, dict[str, Any]]:
    """What `trygg status` says, and what is wrong with its cause, whose it is, and what to do."""
    facts = await visit.page.hub.ask("status")
    lines = status_command.show(facts, visit.words.texts)
    steps = [Step(row, visit.words) for row in visit.install["steps"]]
    return "status", {
        "head": lines[0],
        "lines": lines[1:],
        "troubles": troubles(facts, visit.words),
        "wrong": [step for step in steps if is_wrong(step)],
    }


def is_wrong(step: Step) -> bool:
    """Whether a step says what keeps it."""
    return step.state == FAILED or (bool(step.cause) and step.state != DONE)


def troubles(facts: dict[str, Any], words: Words) -> list[dict[str, object]]:
    """Every fault that `status` tells of as its card: whose devices, cause, next action."""
    found: list[tuple[str, list[str]]] = [(KIND_OF_FAULT.get(kind, kind), []) for kind in facts["faults"]]
    if not facts["connected"]:
        found.append(("path.lost", []))
    if facts["configuration_fault"]:
        found.append(("configuration.fault", []))
    if facts["utc_ms"] is None:
        found.append(("clock.untrusted", []))
    for kind, key in (("device.silent", "devices_silent"), ("device.unpaired", "devices_unpaired")):
        if facts.get(key):
            found.append((kind, list(facts[key])))
    if facts["storage_full"]:
        found.append(("storage.full", []))
    return [card_words(kind, words) | {"names": ", ".join(names)} for kind, names in found if code_of(kind)]


def card_words(kind: str, words: Words) -> dict[str, object]:
    """A card in one language."""
    card = card_of(kind)
    language = words.language
    return {
        "code": card["code"],
        "title": card[language],
        "cause": card[f"cause_{language}"],
        "do": card[f"do_{language}"],
    }
