"""The checklist of an installation in words, for `trygg install`."""

import io
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.core.registry_text import KIND_TEXTS
from gateway.daemon.commands import devices
from gateway.daemon.texts import LANGUAGES, Texts
from gateway.daemon.value_words import in_words

# Alarms of detectors that may be coupled among themselves, so that all sound where one does.
COUPLED = ("smoke.detected", "carbon_monoxide.detected", "gas.detected")
KEY_MISSES = ("wrong_key", "no_key")  # whys of a step
NEEDED = ("name", "room", "driver", "label")
MARKS = {"done": "[x]", "open": "[ ]", "running": "[~]", "failed": "[!]"}


def title(step: str, texts: Texts) -> str:
    """What a step is: `device:Oximeter:paired` is `Oximeter: paired`."""
    parts = step.split(":")
    if len(parts) < 3:
        return texts.say(f"install.step.{step}")
    return texts.say(f"install.step.{parts[-1]}", name=":".join(parts[1:-1]))


def step_lines(facts: dict[str, Any], texts: Texts, keys: Path) -> list[str]:
    """The checklist: each step, and of what is missing the cause and the next action. keys: the folder of keys."""
    window = facts["window"]
    lines = [
        texts.say("install.is_open", left=texts.duration(1000 * window["left_s"]))
        if window["is_open"]
        else texts.say("install.is_closed")
    ]
    if facts["holder"]:
        lines.append(texts.say("install.holder", name=facts["holder"]))
    for step in facts["steps"]:
        lines += [*one_step(step, texts), *how_key(step, facts, texts, keys)]
    if facts["departed"]:
        lines.append(texts.say("install.departed", sha256=facts["record"]["sha256"]))
    elif facts["missing"]:
        lines.append(texts.say("install.missing", count=len(facts["missing"])))
    else:
        lines.append(texts.say("install.ready"))
    return lines


def page_lines(opened: dict[str, Any], texts: Texts, *, is_refusal_told: bool = False) -> list[str]:
    """Where the page is, how to come in, and how to come to it by the access point, or why not where that is not told otherwise."""
    lines = [texts.say("install.code", code=opened["code"])]
    if not opened["address"]:
        return [*lines, texts.say("install.no_page")]
    lines.insert(0, texts.say("install.page", address=opened["address"]))
    lines.append(texts.say("install.fingerprint", fingerprint=opened["fingerprint"]))
    point = opened.get("access_point", {})
    if point.get("state") == "open":
        address = f"https://{point['address']}:{urlsplit(opened['address']).port}/"
        lines += [
            texts.say("install.access_point", name=point["name"], passphrase=point["passphrase"]),
            texts.say("install.join", address=address),
            qr_code(point["wifi"]),
            texts.say("install.then_page"),
            qr_code(address),
        ]
    elif point.get("cause") and not is_refusal_told:
        lines.append(texts.say("install.no_access_point", cause=texts.reword(point["cause"])))
    return lines


def qr_code(text: str) -> str:
    """A QR code for a terminal, two rows of it in a line; its library is loaded where one is drawn."""
    import segno

    drawn = io.StringIO()
    segno.make(text, error="m", micro=False, boost_error=False).terminal(drawn, border=2, compact=True)
    return drawn.getvalue().rstrip("\n")


def one_step(step: dict[str, Any], texts: Texts) -> list[str]:
    """One line, and below it what keeps it from being done."""
    lines = [f"{MARKS[step['state']]} {title(step['id'], texts)}"]
    if step["cause"]:
        why = f"{texts.reword(step['cause'])}: {texts.reword(step['action'])}"
        detail = (
            step["facts"].get("detail") or step["facts"].get("missing") or step["facts"].get("note") or ""
        )
        lines.append("    " + why + (f" ({texts.reword(detail)})" if detail else ""))
    return lines


def how_key(step: dict[str, Any], facts: dict[str, Any], texts: Texts, keys: Path) -> list[str]:
    """How a device whose key is wrong, or is not there, is given it: by the commands, where this installation has added it."""
    if step["why"] not in KEY_MISSES:
        return []
    name = ":".join(step["id"].split(":")[1:-1])
    row = next((each for each in facts["devices"] if each["name"] == name), None)
    if row is None or not row["is_added"]:
        return ["    " + devices.how_key(name, texts, keys)]
    option = "--address" if ":" in row["label"] else "--sender"
    return ["    " + texts.say("install.how_key", option=option, **{each: row[each] for each in NEEDED})]


def is_coupled(facts: dict[str, Any], name: str, kind: str) -> bool:
    """Whether other detectors of this home may sound with the one that is tried: it is such a detector, and another is read the same way."""
    step = next((each for each in facts["steps"] if each["id"] == f"device:{name}:tested"), None)
    kinds = [kind] if kind else [] if step is None else (step["facts"] or {}).get("kinds", [])
    drivers = {row["name"]: row["driver"] for row in facts["devices"]}
    alike = [driver for driver in drivers.values() if driver == drivers.get(name)]
    return len(alike) > 1 and any(each in COUPLED for each in kinds)


def is_other(step: dict[str, Any], name: str) -> bool:
    """Whether a step is that another such detector was tried."""
    of_device = step["id"].startswith("device:") and step["id"].endswith(":tested")
    kinds = [*step["facts"].get("kinds", []), step["facts"].get("kind")]
    return of_device and step["id"] != f"device:{name}:tested" and any(each in COUPLED for each in kinds)


def device_lines(facts: dict[str, Any], texts: Texts) -> list[str]:
    """Each device with what it said last."""
    lines = []
    for row in facts["devices"]:
        said = ", ".join(f"{what} {value}" for what, value in in_words(row["values"], texts))
        heard = row["heard_ms_ago"]
        when = (
            texts.say("install.unheard")
            if heard is None
            else texts.say("install.heard", ago=texts.duration(heard))
        )
        signal = "" if row["rssi_dbm"] is None else f", {row['rssi_dbm']} dBm"
        lines.append(f"{row['name']} ({row['room']}): {when}{signal}" + (f"; {said}" if said else ""))
    return lines


def kind_of(name: str, texts: Texts) -> str:
    """What a device told when it was tried."""
    return str(KIND_TEXTS[name][LANGUAGES.index(texts.language)]) if name in KIND_TEXTS else name


def record_lines(record: dict[str, Any], sha256: str, texts: Texts) -> list[str]:
    """The record in short; the page to print has all of it."""
    lines = [
        texts.say(
            "install.record_head",
            gateway=record["gateway"],
            tenant=record["tenant"],
            name=record["technician"],
        ),
        texts.say("install.record_hash", sha256=sha256),
    ]
    lines += [f"{row['name']} ({row['room']}): {kind_of(row['tested'], texts)}" for row in record["devices"]]
    for row in record["rooms"]:
        verdict = texts.say(f"install.verdict.{row['verdict']}")
        lines.append(
            texts.say(
                "install.walked",
                room=row["room"],
                verdict=verdict,
                rssi="–" if row["rssi_dbm"] is None else row["rssi_dbm"],
            )
        )
    return lines
