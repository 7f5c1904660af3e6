"""Which events belong together: a state and its end, or all that becomes of one dose (event key 7)."""

import hashlib

from gateway.core import registry
from gateway.core.event_codec import INCIDENT_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.model import Event

PREFIX = "incident."
ANY = "*"  # what a kind clears that says of any state of its lane that nobody follows it any more
# kinds that begin a state: those another kind clears
OPENING = {row[2] for row in registry.KINDS.values() if row[2] not in ("", ANY)}


class Incidents:
    """Open incidents by placement and kind; `changes` is the state to store with the events that moved it."""

    def __init__(self, random: "Callable[[int], bytes]", stored: "dict[str, bytes]") -> None:
        self.random = random
        self.open = dict(stored)
        self.changes: "dict[str, bytes | None]" = {}

    def assign(self, event: "Event") -> None:
        """Give `event` the incident it begins, belongs to or ends; one it already has stays."""
        row = registry.KINDS.get(event.kind)
        if event.incident is not None or row is None:
            return
        part = part_of(event.values)
        if "dose_id" in event.values:
            event.incident = dose_incident(event.placement, event.values["dose_id"])
        elif row[2]:
            key = key_of(event.placement, row[2], part)
            event.incident = self.open.pop(key, None)
            if event.incident is not None:
                self.changes[key] = None
        elif event.kind in OPENING:
            event.incident = self.begin(key_of(event.placement, event.kind, part))

    def begin(self, key: str) -> bytes:
        """The incident of an open state, begun where there is none."""
        if key not in self.open:
            self.open[key] = self.changes[key] = self.random(INCIDENT_SIZE)
        return self.open[key]

    def resume(self, placement: int, kind: str, part: str, incident: bytes) -> None:
        """Let a state that begins once more belong to the incident that it had."""
        key = key_of(placement, kind, part)
        self.open[key] = self.changes[key] = incident

    def leave(self, placement: int, kind: str, part: str) -> None:
        """Let what is told next of an open state belong to an incident of its own."""
        key = key_of(placement, kind, part)
        if self.open.pop(key, None) is not None:
            self.changes[key] = None

    def is_open(self, placement: int, kind: str, part: str = "") -> bool:
        """Whether the state that `kind` begins still holds."""
        return key_of(placement, kind, part) in self.open


def part_of(values: "dict[str, object]") -> str:
    """What tells apart states of one kind of one device: which of its contacts, or which of its states a storm is of."""
    return ".".join([str(values[name]) for name in ("state", "part") if values.get(name)])


def key_of(placement: int, kind: str, part: str = "") -> str:
    """State key of an open incident; `part` tells apart what one device has several of, such as two windows."""
    return PREFIX + str(placement) + "." + kind + ("." + part if part else "")


def dose_incident(placement: int, dose_id: object) -> bytes:
    """The same for every event of one dose of one dispenser, also after a restart."""
    return hashlib.sha256(("dose " + str(placement) + " " + str(dose_id)).encode()).digest()[:INCIDENT_SIZE]
