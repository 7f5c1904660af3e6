"""What devices say while a person installs: last values, a short series of each, and which alarm of theirs can be tried.

Held in memory, bounded, and only while the installation is open: it is for the eyes of whoever stands there. What counts is
in the journal.
"""

from gateway.core.devices.bthome_observer import STATES, base_of
from gateway.core.event_codec import lane_of
from gateway.core.model import Absent
from gateway.core.registry import KINDS
from hal.types import SAFETY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.devices.driver import Reading
    from gateway.hub.devices import Device

SERIES = 120  # values of a name that are kept
NAMES = 16  # names of values of a device
BEGINNINGS = tuple(sorted([kind for kind, row in KINDS.items() if row[1] == SAFETY and not row[2]]))
PROFILES = {"F6-05-02": "smoke.detected", "F6-02-01": "button.pressed", "F6-02-02": "button.pressed"}
# What any device may tell: it says nothing of which sort this one is.
OF_ANY_SORT = ("battery", "device", "driver", "problem", "tamper")
OF_DRIVER = "driver."  # kinds that are of the driver and not of the device


class Seen:
    """One device since the installation was opened in this run. `count` is of readings in which it said something itself."""

    __slots__ = ("count", "kind", "kinds", "series", "values")

    def __init__(self) -> None:
        self.count = 0
        self.kind = ""  # the last that it told
        self.kinds: "set[str]" = set()
        self.values: "dict[str, str]" = {}
        self.series: "dict[str, list[list[object]]]" = {}

    def take(self, reading: "Reading", now_ms: int) -> None:
        """A reading came."""
        told = [each for each in reading.observations if not each.kind.startswith(OF_DRIVER)]
        self.count += bool(told) and reading.heard
        for observation in told:
            self.kind = observation.kind
            self.kinds.add(observation.kind)
            for name in sorted(observation.values):
                self.keep(name, text_of(observation.values[name]), now_ms)

    def keep(self, name: str, value: str, now_ms: int) -> None:
        """One value."""
        if name not in self.values and len(self.values) >= NAMES:
            return
        self.values[name] = value
        series = self.series.setdefault(name, [])
        series.append([now_ms, value])
        if len(series) > SERIES:
            del series[0]


def text_of(value: object) -> str:
    """A value in the device's own digits, or why there is none."""
    if isinstance(value, Absent):
        return value.reason
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def alarm_kinds(device: "Device", seen: "Seen | None") -> "list[str]":
    """Kinds of lane 0 that this device is known to tell: by its profile, by what it remembers, by what it has said.

    The driver of a package declares what its devices tell: each of them has those alarms. Empty where nothing is known: a sensor of BTHome may be any sort of sensor until it has spoken.
    """
    found: "set[str]" = {kind for kind in device.driver.kinds if lane_of(kind) == SAFETY}
    options = device.config.options or {}
    profile = PROFILES.get(str(options.get("profile", "")))
    if profile is not None:
        found.add(profile)
    for name in options:
        use = str(options[name])
        row = STATES.get(use[4:] if use.startswith("not_") else use)
        if name.startswith("di") and row is not None and row[2]:
            found.add(row[0])
    for row in states_of(device):
        if row[2]:
            found.add(row[0])
    for kind in seen.kinds if seen is not None else ():
        if lane_of(kind) == SAFETY:
            found.add(KINDS[kind][2] or kind)
    return sorted([kind for kind in found if kind in BEGINNINGS])


def states_of(device: "Device") -> "list[tuple[str, str, bool, bool]]":
    """Rows of `STATES` that a sensor of BTHome has told, now or before the last start."""
    observer = getattr(device.driver, "observer", None)
    rows = [STATES.get(name) or STATES.get(base_of(name)) for name in observer.states] if observer else []
    return [row for row in rows if row is not None]


def may_be_alarm(device: "Device", seen: "Seen | None") -> bool:
    """Whether it may have an alarm that is not known: its driver reads such devices, and this one has not told its sort yet."""
    if not device.driver.safety or alarm_kinds(device, seen):
        return False
    told = [row[0] for row in states_of(device)] + (sorted(seen.kinds) if seen is not None else [])
    return all([kind.split(".")[0] in OF_ANY_SORT for kind in told])
