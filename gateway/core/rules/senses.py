"""What rules may ask beside events: who was heard when, and which technical faults are open (H7).

A rule that turns silence into an alarm must know whether it could have heard anything. All answers come from memory,
at once; nothing here can hold back, change or delay what a device says.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.rules.incidents import Incidents
    from gateway.core.supervision import Supervision

HUB = 0  # placement of the hub itself
# A device with a rhythm that is half as late again says nothing now; supervision reports it after three of its intervals.
LATE_PARTS, OF_PARTS = 3, 2


class Senses:
    """Who can be heard. `heard_ms` gives the uptime at which a placement was last heard in this run, or None.

    radio: placements that are reached by radio, which are deaf together; telegrams: those that the transceiver hears. incidents: those of the engine, set by whoever
    builds it.
    """

    def __init__(
        self, supervision: "Supervision", heard_ms: "Callable[[int], int | None]", radio: "list[int]"
    ) -> None:
        self.supervision = supervision
        self.heard_ms = heard_ms
        self.radio = radio
        self.telegrams: "list[int]" = []
        self.incidents: "Incidents | None" = None

    def is_open(self, placement: int, kind: str) -> bool:
        """Whether the state that `kind` begins holds."""
        return self.incidents is not None and self.incidents.is_open(placement, kind)

    def deaf(self, placement: int) -> str:
        """Why a device cannot be heard whatever happens to it, or nothing: radio gone, or it may not be read."""
        if placement in self.radio and self.is_open(HUB, "adapter.lost"):
            return "the radio is gone"
        place = HUB if placement in self.telegrams else placement
        if self.is_open(place, "line.lost") or self.is_open(place, "line.misread"):
            return "nothing can be read on the line"
        if self.is_open(placement, "device.denied"):
            return "the device may not be read"
        return ""

    def unheard(self, placement: int, now_ms: int) -> str:
        """Why the silence of a device tells nothing of a person, or nothing where it does.

        Silent or late by a rhythm learned from people does not count: it stops when they are still, which is what a rule
        asks about.
        """
        watched = self.supervision.devices.get(placement)
        follows_people = watched is not None and watched.follows_people
        if self.is_open(placement, "device.silent") and not follows_people:
            return "the device is silent"
        interval_ms = 0 if watched is None else watched.own_interval_ms
        if watched is not None and 0 < LATE_PARTS * interval_ms < OF_PARTS * (now_ms - watched.heard_ms):
            return "the device is late"
        return self.deaf(placement)

    def fresh_incident(self, size: int) -> bytes:
        """A new incident that belongs to nothing before."""
        assert self.incidents is not None
        return self.incidents.random(size)
