"""The record of an installation for people, as a page to print.

What counts is the signed message; the page says its SHA-256, so that paper and message can be held against each other.
"""

import datetime as dt
import hashlib
from typing import Any

from gateway.core.errors import RefusedError
from gateway.core.registry import KINDS
from gateway.core.registry_text import KIND_TEXTS
from gateway.daemon.page.words import Words
from gateway.daemon.texts import LANGUAGES


def values(record: dict[str, Any], cose: str, words: Words) -> dict[str, Any]:
    """What the template fills in. Raises RefusedError for a message that is none."""
    try:
        message = bytes.fromhex(cose)
    except ValueError as error:
        raise RefusedError("the record's message is not in hex: fetch it again") from error
    return {
        "record": record,
        "sha256": hashlib.sha256(message).hexdigest(),
        "made": moment(record.get("utc_ms"), words),
        "devices": [device_row(row, words) for row in record.get("devices", [])],
        "rooms": [room_row(row, words) for row in record.get("rooms", [])],
        "plug": {
            name: moment(record.get("plug", {}).get(f"{name}_utc_ms"), words) for name in ("begun", "back")
        },
        "centre": {
            "rung": moment(record.get("centre", {}).get("rung_utc_ms"), words),
            "accepted": moment(record.get("centre", {}).get("accepted_utc_ms"), words),
            "alarm": record.get("centre", {}).get("alarm", ""),
            "note": record.get("centre", {}).get("note") or "",
        },
    }


def device_row(row: dict[str, Any], words: Words) -> dict[str, Any]:
    """One device."""
    driver = str(row.get("driver", ""))
    tested = str(row.get("tested", ""))
    return {
        "name": row.get("name", ""),
        "room": row.get("room") or "",
        "what": words(f"driver.{driver}") if words.has(f"driver.{driver}") else driver,
        "tested": KIND_TEXTS[tested][LANGUAGES.index(words.language)] if tested in KINDS else tested,
        "when": moment(row.get("tested_utc_ms"), words),
        "bond": "" if row.get("bond") is None else words.texts.say(f"device.bonds.{row['bond']}"),
        "rssi_dbm": row.get("rssi_dbm"),
    }


def room_row(row: dict[str, Any], words: Words) -> dict[str, Any]:
    """One room of the walk."""
    name = str(row.get("verdict", ""))
    said = words(f"walk.{name}") if words.has(f"walk.{name}") else name
    return {"room": row.get("room", ""), "rssi_dbm": row.get("rssi_dbm"), "verdict": said}


def moment(utc_ms: object, words: Words) -> str:
    """Day and time, in UTC: the gateway's own zone is its rules' affair, and paper outlives a summer."""
    if not isinstance(utc_ms, int) or utc_ms <= 0:
        return words("record.unknown")
    return dt.datetime.fromtimestamp(utc_ms // 1000, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
