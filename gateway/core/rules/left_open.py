"""A door or window that stands open for longer than so many minutes (`left_open`), at some hours of the day or at all.

Open is a contact, not a sensor: each `part` is followed by itself. Outside the hours nothing is told; where they begin
while the contact has been open for long enough, it is told then. A sensor that is silent may have missed the closing:
then the rule says that it cannot tell, and looks again when the sensor is heard.
"""

from gateway.core.rules.contacts import Contacts
from gateway.core.rules.follower import Window, mark_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.model import Event
    from gateway.core.rules.engine import Moment
    from gateway.core.rules.night_window import NightWindow
    from gateway.core.rules.senses import Senses

LEFT_OPEN, CLOSED_AGAIN = "door.left_open", "door.closed_again"


class LeftOpen(Contacts):
    """Marks by part: since when a contact is open. window: None where the rule holds at all hours."""

    told_as = LEFT_OPEN

    def __init__(
        self,
        placement: int,
        rule_id: bytes,
        senses: "Senses",
        stored: "dict[str, bytes]",
        limit_ms: int,
        window: "Window | None",
        night: "NightWindow | None",
    ) -> None:
        super().__init__(placement, rule_id, senses, stored, limit_ms)
        self.window = window
        self.night = night

    def observe(self, event: "Event", moment: "Moment") -> "list[Event]":
        """Follow the contacts. A contact that is told open again is open since the first time."""
        part = str(event.values.get("part", ""))
        if event.kind == "door.opened" and part not in self.marks:
            source = event if self.night is None else self.night.exit_of(event)
            if self.put(part, mark_at(moment, 0, source, event.provenance)):
                self.look_in(self.limit_ms, moment)
        elif event.kind == "door.closed":
            self.drop(part)
            over = self.end(LEFT_OPEN, CLOSED_AGAIN, moment, None, part, event.provenance)
            return over + self.can_tell(moment, part)
        return []

    def judge(self, part: str, moment: "Moment") -> "list[Event]":
        """What is told of a contact that has been open for too long."""
        if self.window is not None and not self.window.has(moment):
            return []
        reason = self.senses.unheard(self.placement, moment.uptime_ms)
        if reason:
            return self.cannot_tell(moment, reason, part)
        mark = self.marks[part]
        assumed = self.window.assumed(moment) if self.window is not None else 0
        over = self.can_tell(moment, part)
        return over + self.begin(LEFT_OPEN, moment, mark.incident, None, part, mark.provenance | assumed)
