"""A tag that a person carries, and that is no longer heard after a door opened (`tag_gone`, D8).

The tag is a sensor that advertises; where it is, is known no nearer than "within earshot". The alarm belongs to the
incident of the door, and ends when the tag is heard again. It is given only where the tag was heard up to the
opening: one that was silent before, that has a low battery, or a radio that is gone, is a fault of ours or of
the tag, and told as one (H7). The door's own messages are given in any case.

The rule tells where a person is not. The configuration refuses it without the reference of its legal basis, which the
manifest carries (device key 10).
"""

from gateway.core.rules.follower import CANNOT_TELL, LOOK_MS, RESUME_MS, Follower, mark_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.model import Event
    from gateway.core.rules.engine import Moment
    from gateway.core.rules.follower import Window
    from gateway.core.rules.night_window import NightWindow
    from gateway.core.rules.senses import Senses

GONE, BACK = "tag.gone", "tag.back"
# A tag is heard for a while behind the door. One that is still heard later than this has not left by it.
LEAVING_MS = 300_000
LEFT = "left"  # the mark of the last opening; GONE is the mark of the alarm


class TagGone(Follower):
    """Follows the tag `placement`; the door is heard through an `Ear`. gone_ms: so long unheard is gone."""

    def __init__(
        self,
        placement: int,
        rule_id: bytes,
        senses: "Senses",
        stored: "dict[str, bytes]",
        gone_ms: int,
        window: "Window",
        night: "NightWindow | None",
    ) -> None:
        super().__init__(placement, rule_id, senses, stored)
        self.gone_ms = gone_ms
        self.window = window
        self.night = night

    def overheard(self, event: "Event", moment: "Moment") -> "list[Event]":
        """The door opened: a tag that is here may leave."""
        if event.kind != "door.opened" or not self.window.has(moment) or self.find(GONE) is not None:
            return []
        reason = self.fault(moment) or self.absence(moment)
        if reason:
            self.look_in(LOOK_MS, moment)
            return self.cannot_tell(moment, reason)
        source = event if self.night is None else self.night.exit_of(event)
        self.put(LEFT, mark_at(moment, 0, source, event.provenance | self.window.assumed(moment)))
        self.look_in(LOOK_MS, moment)
        return []

    def due(self, moment: "Moment") -> "list[Event]":
        """Whether the tag went with the door, and whether it is back."""
        self.look_ms = None
        found: "list[Event]" = []
        if LEFT in self.marks:
            found += self.follow(moment)
        if self.find(GONE) is not None and self.is_back(moment):
            self.drop(GONE)
            found += self.end(GONE, BACK, moment)
        if self.find(CANNOT_TELL) is not None and not self.fault(moment) and not self.absence(moment):
            found += self.can_tell(moment)
        if self.marks or self.told:
            self.look_in(LOOK_MS, moment)
        return found

    def follow(self, moment: "Moment") -> "list[Event]":
        """Judge the tag after an opening."""
        mark = self.marks[LEFT]
        quiet_ms = self.quiet_ms(moment)
        if quiet_ms < self.gone_ms:
            heard = (
                self.senses.heard_ms(self.placement) is not None
            )  # since this start: before it nobody listened
            if heard and mark.passed_ms(moment) - quiet_ms > LEAVING_MS:
                self.drop(LEFT)
            return []
        if mark.boot != moment.boot and moment.uptime_ms < RESUME_MS:
            return []
        self.drop(LEFT)
        reason = self.fault(moment)
        if reason:
            return self.cannot_tell(moment, reason)
        self.put(GONE, mark_at(moment))
        values: "dict[str, object]" = {"silent_ms": quiet_ms}
        return self.begin(GONE, moment, mark.incident, values, "", mark.provenance)

    def quiet_ms(self, moment: "Moment") -> int:
        """For how long the tag has not been heard, at most since this start."""
        heard_ms = self.senses.heard_ms(self.placement)
        return moment.uptime_ms if heard_ms is None else max(0, moment.uptime_ms - heard_ms)

    def is_back(self, moment: "Moment") -> bool:
        """Whether the tag was heard since the alarm."""
        heard_ms, mark = self.senses.heard_ms(self.placement), self.marks.get(GONE)
        if heard_ms is None or mark is None:
            return heard_ms is not None
        return mark.boot != moment.boot or heard_ms > mark.uptime_ms

    def fault(self, moment: "Moment") -> str:
        """Why a tag that is not heard may be here all the same, or nothing."""
        if self.senses.is_open(self.placement, "battery.low"):
            return "the battery of the tag is low"
        return self.senses.deaf(self.placement)

    def absence(self, moment: "Moment") -> str:
        """Why nobody can say that the tag was here until now, or nothing."""
        heard_ms = self.senses.heard_ms(self.placement)
        if heard_ms is None or self.quiet_ms(moment) >= self.gone_ms:
            return "the tag was not heard before the door opened"
        return self.senses.unheard(self.placement, moment.uptime_ms)
