"""What a gateway and its devices have been through, counted while it is in a home: it goes along when the home is wiped.

`history.json` in the folder of the gateway's data, mode 0600:

    {"version": 1,
     "now": {"began_utc_ms": 0, "last_utc_ms": 0, "starts": 3, "faults": {"path.unreceipted": 1}, "devices": [DEVICE, ...]},
     "homes": [{"days": 131, "starts": 3, "faults": {...}, "devices": [DEVICE, ...]}, ...]}
    DEVICE: {"driver": ..., "maker": ..., "model": ..., "serial": ..., "faults": {kind: times}, "battery_pct": 71, "battery_changes": 1}

No name, room, address, placement, reading or date of a home that was left: only sorts of technical events and how often.
What is not known is not there. Counts of the last hour may be lost with the power.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.core.event_codec import lane_of
from gateway.core.model import Event
from gateway.core.registry_text import KIND_TEXTS
from hal.types import INFO, TECHNICAL

if TYPE_CHECKING:
    from gateway.hub.app import App

NAME = "history.json"
VERSION = 1
KEEP_MS = 3_600_000  # written no more often: a write wears the card
DAY_MS = 86_400_000
LONGEST_TEXT = 64  # characters of what a device says of itself
# From here on a kind is a fault of a person's work: lower ones say that something works again, or is routine.
FAULT_SEVERITY = 20

Row = dict[str, Any]


def read(path: Path) -> Row:
    """The history; an empty one where there is none that can be read."""
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        if row["version"] == VERSION and isinstance(row["now"], dict) and isinstance(row["homes"], list):
            return dict(row)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return {"version": VERSION, "now": {}, "homes": []}


def write(path: Path, row: Row) -> None:
    """Whole or not at all. Raises OSError."""
    from gateway.daemon.tls_identity import PRIVATE, replace

    replace(path, json.dumps(row, indent=1, sort_keys=True).encode() + b"\n", PRIVATE)


def ended(row: Row) -> Row:
    """The history of a gateway that has left its home: what is `now` becomes one of `homes`, without its dates."""
    now = row["now"]
    if not now:
        return row
    home = {name: now[name] for name in ("starts", "faults", "devices") if name in now}
    if now.get("began_utc_ms") and now.get("last_utc_ms"):
        home["days"] = (now["last_utc_ms"] - now["began_utc_ms"]) // DAY_MS
    return {"version": VERSION, "now": {}, "homes": [*row["homes"], home]}


class History:
    """Counts the events of a running hub; `run` is one of its parts."""

    def __init__(self, data: Path, app: "App", log: Callable[..., None]) -> None:
        self._path = data / NAME
        self._app = app
        self._log = log
        self._row = read(self._path)
        self._news = asyncio.Event()
        self._news.set()  # that it runs is news
        self._kept_ms: int | None = None
        self._is_changed = True  # that it runs is news
        self._count("starts")
        app.recorder.stored.append(self._heard)

    async def run(self) -> None:
        """Count what is journalled, for ever; keep it each hour, and when the hub ends."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                now_ms = self._app.machine.clock.uptime_ms()
                if self._kept_ms is None or now_ms - self._kept_ms >= KEEP_MS:
                    self._kept_ms = now_ms
                    await asyncio.to_thread(self._keep)
        finally:
            self._keep()

    def _heard(self, event: Event, _entry: object) -> None:
        """An event is durable."""
        if lane_of(event.kind) in (TECHNICAL, INFO):
            self._take(event)
            self._is_changed = True
            self._news.set()

    def _take(self, event: Event) -> None:
        """Count one event."""
        now = self._row["now"]
        row = now if event.placement == 0 else self._device(event.placement)
        if row is None or event.exercise:
            return
        if KIND_TEXTS[event.kind][2] >= FAULT_SEVERITY:
            faults = row.setdefault("faults", {})
            faults[event.kind] = faults.get(event.kind, 0) + 1
        values = event.values or {}
        if isinstance(values.get("battery_pct"), int):
            row["battery_pct"] = values["battery_pct"]
        if event.kind in ("battery.restored", "device.counter_reset"):
            row["battery_changes"] = row.get("battery_changes", 0) + 1

    def _device(self, placement: int) -> Row | None:
        """The row of a device, by what it says it is; None for one that is not in use any more."""
        found = next((each for each in self._app.devices if each.placement == placement), None)
        if found is None:
            return None
        said = found.described
        what = {
            "driver": found.config.driver,
            "maker": found.config.maker or said.get("maker"),
            "model": found.config.model or said.get("model"),
            "serial": said.get("serial_number"),
        }
        known = {name: str(text)[:LONGEST_TEXT] for name, text in what.items() if text}
        rows: list[Row] = self._row["now"].setdefault("devices", [])
        for row in rows:
            if {name: row[name] for name in what if name in row} == known:
                return row
        rows.append(known)
        return rows[-1]

    def _count(self, name: str) -> None:
        self._row["now"][name] = self._row["now"].get(name, 0) + 1

    def _keep(self) -> None:
        """Write what has changed. What cannot be written is counted on, and tried again."""
        utc_ms = self._app.machine.clock.utc_ms()
        if utc_ms is not None:
            self._row["now"].setdefault("began_utc_ms", utc_ms)
            self._row["now"]["last_utc_ms"] = utc_ms
        if not self._is_changed:
            return
        try:
            write(self._path, self._row)
            self._is_changed = False
        except OSError as error:
            self._log("warning", "The history of the devices could not be kept.", cause=str(error))
