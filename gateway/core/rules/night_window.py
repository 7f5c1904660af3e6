"""A door that opens at night (D7): a window in local time that may cross midnight, judged offline.

An unknown clock counts as inside the window, and the event says so (provenance 4): at 02:00 after a power cut
an alarm too many is better than a resident unseen. The door's own `door.opened` is recorded all the same.
"""

from gateway.core.model import WINDOW_ASSUMED, Event
from gateway.core.rules.engine import Moment, Rule
from gateway.core.timezone import in_window, local_minutes

STATE = "night."


class NightWindow(Rule):
    """`door.night_exit` when the door opens inside the window, `door.night_return` when it closes after that.

    begin, end: minutes of the local day; zone: IANA name.
    """

    def __init__(self, placement: int, rule_id: bytes, begin: int, end: int, zone: str, out: bool) -> None:
        super().__init__(placement, rule_id)
        self.begin = begin
        self.end = end
        self.zone = zone
        self.out = out

    def observe(self, event: Event, moment: Moment) -> "list[Event]":
        """Follow the door."""
        if event.kind == "door.opened":
            assumed = moment.utc_ms is None
            if not assumed and not self.inside(moment.utc_ms or 0):
                return []
            self.note(True)
            provenance = event.provenance | (WINDOW_ASSUMED if assumed else 0)
            return [self.made("door.night_exit", moment, provenance=provenance)]
        if event.kind == "door.closed" and self.out:
            self.note(False)
            return [self.made("door.night_return", moment, provenance=event.provenance)]
        return []

    def inside(self, utc_ms: int) -> bool:
        """Whether the local time of `utc_ms` lies in the window."""
        return in_window(local_minutes(utc_ms, self.zone)[1], self.begin, self.end)

    def note(self, out: bool) -> None:
        """Remember across a restart that a night exit waits for its return."""
        self.out = out
        self.changes[STATE + str(self.placement)] = b"\x01" if out else None
