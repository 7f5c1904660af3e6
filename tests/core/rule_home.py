"""A small home for tests of rules: an engine built from a configuration, time that jumps, restarts, and who is heard.

`say` is a device speaking, `hear` a frame without news, `wait` time passing in steps of a minute as `supervise` would.
`fault` opens and closes technical states as the hub itself does.
"""

from gateway.core.config import validate
from gateway.core.errors import ConfigError
from gateway.core.model import DeviceTime, Event, Observation
from gateway.core.rules.build import build_recordings, build_rules
from gateway.core.rules.engine import Engine, Moment
from gateway.core.rules.senses import Senses
from gateway.core.supervision import Supervision

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
MIDNIGHT_UTC_MS = 1_795_302_000_000  # 2026-11-22 00:00 in Oslo, winter time
NOON_UTC_MS = MIDNIGHT_UTC_MS + 12 * HOUR_MS
SPRING_UTC_MS = 1_774_738_800_000  # 2026-03-29 00:00 in Oslo; at 02:00 it is 03:00
AUTUMN_UTC_MS = 1_792_879_200_000  # 2026-10-25 00:00 in Oslo; at 03:00 it is 02:00
DOOR, WINDOW, MOTION, TAG, OXIMETER, DISPENSER = 11, 12, 13, 14, 15, 16
NAMES = {
    "Door": DOOR,
    "Window": WINDOW,
    "Motion": MOTION,
    "Tag": TAG,
    "Oximeter": OXIMETER,
    "Doses": DISPENSER,
}
RADIO = [DOOR, WINDOW, MOTION, TAG, OXIMETER]
STEP_MS = 5_000


def tree(rules: "list[dict[str, Any]]", **hub: object) -> "dict[str, Any]":
    """A configuration with every sort of device and these rules."""
    devices: "list[dict[str, Any]]" = []
    for name in ("Door", "Window", "Motion", "Tag"):
        devices.append({"name": name, "driver": "bthome", "address": "AA:BB:CC:00:00:" + str(NAMES[name])})
    devices.append({"name": "Oximeter", "driver": "plx", "address": "AA:BB:CC:00:00:15"})
    devices.append({"name": "Doses", "driver": "dispenser", "port": "/dev/ttyUSB0"})
    said: "dict[str, object]" = {"id": "hub-1", "tenant": "oslo"}
    said.update(hub)
    return {
        "hub": said,
        "uplink": {"brokers": ["mqtt://localhost"]},
        "platform": {"root_public_key": "0123456789abcdef" * 4},
        "device": devices,
        "rule": rules,
    }


def refusal(said: "dict[str, Any]") -> "ConfigError | None":
    """What validation says against a configuration, or None where it is taken."""
    try:
        validate(said, "hub.toml")
    except ConfigError as error:
        return error
    return None


class RuleHome:
    """One hub; `journal` is what survives `restart`. utc_ms: at the start, None for a clock that is unknown."""

    def __init__(
        self, rules: "list[dict[str, Any]]", utc_ms: "int | None" = MIDNIGHT_UTC_MS, **hub: object
    ) -> None:
        self.config = validate(tree(rules, **hub), "hub.toml")
        self.journal: "dict[str, bytes]" = {}
        self.boot, self.uptime_ms = 1, 0
        self.utc_ms = utc_ms
        self.number = 0
        self.intervals: "dict[int, int]" = {}
        self.told: "list[Event]" = []
        self.start()

    def random(self, size: int) -> bytes:
        """Bytes that are all different, also across restarts."""
        self.number += 1
        return self.number.to_bytes(size, "big")

    def start(self) -> None:
        """A fresh process over the same journal."""
        self.supervision = Supervision()
        self.heard: "dict[int, int]" = {}
        senses = Senses(self.supervision, self.heard.get, RADIO)
        rules = build_rules(self.config, NAMES, dict(self.journal), senses)
        self.engine = Engine(rules, build_recordings(self.config, NAMES), self.random, dict(self.journal))
        senses.incidents = self.engine.incidents
        for placement in NAMES.values():
            silent = self.engine.incidents.is_open(placement, "device.silent")
            self.supervision.watch(placement, self.intervals.get(placement, 0), self.uptime_ms, silent)

    def beat(self, *placements: int, interval_ms: int = 24 * HOUR_MS) -> "RuleHome":
        """Devices that speak by themselves, as their configuration says, before anything happens."""
        for placement in placements:
            self.intervals[placement] = interval_ms
            self.supervision.watch(placement, interval_ms, self.uptime_ms, False)
        return self

    def restart(self, down_ms: int = 0, clock: bool = True) -> None:
        """A power cut of so long. clock: whether the time of day is known afterwards."""
        if self.utc_ms is not None:
            self.utc_ms += down_ms
        if not clock:
            self.utc_ms = None
        self.boot, self.uptime_ms = self.boot + 1, 0
        self.start()

    def moment(self) -> Moment:
        """Now."""
        return Moment(self.boot, self.uptime_ms, self.utc_ms)

    def keep(self, events: "list[Event]") -> "list[Event]":
        """One append: events, and the state that moved."""
        for key, item in self.engine.take_changes().items():
            if item is None:
                self.journal.pop(key, None)
            else:
                self.journal[key] = item
        self.told += events
        return events

    def hear(self, placement: int) -> None:
        """A frame of a device that is alive."""
        self.heard[placement] = self.uptime_ms
        self.supervision.heard(placement, self.uptime_ms)

    def say(
        self, placement: int, kind: str, age_ms: "int | None" = None, provenance: int = 0, **values: object
    ) -> "list[Event]":
        """A device says something; `age_ms` ago by its own clock, where given."""
        self.hear(placement)
        when = None
        if age_ms is not None:
            when = DeviceTime("x", 1, (self.utc_ms or 0) - age_ms, 0)
        seen = Observation(kind, values, None, when, provenance)
        return self.keep(self.engine.observe(placement, seen, self.moment()))

    def fault(self, placement: int, kind: str) -> None:
        """The hub itself tells a state, or its end."""
        self.keep([])
        event = Event(kind, placement, self.boot, self.uptime_ms, self.utc_ms)
        self.engine.incidents.assign(event)
        self.keep([])

    def wait(self, wait_ms: int, heard: "tuple[int, ...]" = ()) -> "list[Event]":
        """Let time pass; `heard` devices are heard all the time. What the rules told meanwhile."""
        found: "list[Event]" = []
        end_ms = self.uptime_ms + wait_ms
        while self.uptime_ms < end_ms:
            step_ms = min(STEP_MS, end_ms - self.uptime_ms)
            self.uptime_ms += step_ms
            if self.utc_ms is not None:
                self.utc_ms += step_ms
            for placement in heard:
                self.hear(placement)
            at = self.engine.next_due_ms()
            if at is not None and at <= self.uptime_ms:
                found += self.keep(self.engine.due(self.moment()))
        return found


def kinds(events: "list[Event]") -> "list[str]":
    """Names alone."""
    return [event.kind for event in events]
