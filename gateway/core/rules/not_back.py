"""A door that was opened at night, and not used again for so many minutes (`not_back`, D7, D8).

What a contact can tell: that a door moved, not who moved it or which way. So the alarm says that *no return was seen*.
It belongs to the incident of the `door.night_exit` that began it, and ends when the door is used again.

Opening and closing that follow each other within `PASSAGE_MS` are one passage: whoever leaves closes the door behind.
A later opening, or the closing of a door that stood open for longer, is the return. The time counts from the first
opening, so that a contact that flaps delays nothing.

Who comes in may leave again at once: an opening after the return begins the wait anew, also within the same passage. Only
what no person can be is left out there: a state of the contact that lasts less than `BOUNCE_MS`, as when a door slams. Then
the state before goes on: open a moment later is still the return, and closed a moment later is nobody who left. Where the sensor is silent the rule says that it cannot tell,
and counts anew when it is heard: what happened meanwhile nobody saw.
"""

from gateway.core.rules.contacts import Contacts
from gateway.core.rules.follower import CANNOT_TELL, MOST_MARKS, mark_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.model import Event
    from gateway.core.rules.engine import Moment
    from gateway.core.rules.night_window import NightWindow
    from gateway.core.rules.senses import Senses

UNSEEN, MOVED_AGAIN = "door.return_unseen", "door.moved_again"
PASSAGE_MS = 30_000
BOUNCE_MS = 1_000  # nobody opens a door, passes and closes it in less; a slammed one bounces in a tenth of it


class NotBack(Contacts):
    """Marks by part: when a contact opened at night. `night` is the rule of that door whose exits are followed."""

    told_as = UNSEEN

    def __init__(
        self,
        placement: int,
        rule_id: bytes,
        senses: "Senses",
        stored: "dict[str, bytes]",
        limit_ms: int,
        night: "NightWindow",
    ) -> None:
        super().__init__(placement, rule_id, senses, stored, limit_ms)
        self.night = night
        self.moved_ms: "dict[str, int]" = {}  # uptime of the last movement of each contact in this run
        self.maybe: "list[str]" = []  # contacts whose wait began within the passage of a return, and may be a bounce

    def observe(self, event: "Event", moment: "Moment") -> "list[Event]":
        """A first passage begins the wait, a second one ends it; an opening behind that begins another."""
        if event.kind not in ("door.opened", "door.closed"):
            return []
        part = str(event.values.get("part", ""))
        same = self.is_same_passage(part, moment)
        bounces = self.bounces(part, moment)
        if part in self.moved_ms or len(self.moved_ms) < MOST_MARKS:
            self.moved_ms[part] = moment.uptime_ms
        if self.find(UNSEEN, part) is not None:
            self.drop(part)
            return self.end(UNSEEN, MOVED_AGAIN, moment, None, part, event.provenance)
        if part in self.marks:
            if not same or (bounces and part in self.maybe):
                self.drop(part)
                return self.can_tell(moment, part)
            self.maybe = [name for name in self.maybe if name != part]
        elif event.kind == "door.opened" and not bounces:
            self.leave(part, event, moment, same)
        return []

    def is_same_passage(self, part: str, moment: "Moment") -> bool:
        """Whether a movement follows the one before so soon that it belongs to it; after a restart that is the exit."""
        if part in self.moved_ms:
            return moment.uptime_ms - self.moved_ms[part] <= PASSAGE_MS
        return part in self.marks and self.marks[part].passed_ms(moment) <= PASSAGE_MS

    def bounces(self, part: str, moment: "Moment") -> bool:
        """Whether a movement follows the one before so soon that no person was between them; nobody knows after a restart."""
        return part in self.moved_ms and moment.uptime_ms - self.moved_ms[part] < BOUNCE_MS

    def leave(self, part: str, event: "Event", moment: "Moment", same: bool) -> None:
        """Begin to wait, where the door opened at night; the incident is that of the exit which the night tells.

        same: within the passage of a return: it may be a bounce as long as nothing shows that it is none.
        """
        self.maybe = [name for name in self.maybe if name != part] + [part] * same
        assumed = self.night.assumed(moment)
        if not assumed and not self.night.inside(moment.utc_ms or 0):
            return
        if self.put(part, mark_at(moment, 0, self.night.exit_of(event), event.provenance | assumed)):
            self.look_in(self.limit_ms, moment)

    def judge(self, part: str, moment: "Moment") -> "list[Event]":
        """What is told of a door that was not used again."""
        mark = self.marks[part]
        reason = self.senses.unheard(self.placement, moment.uptime_ms)
        if reason:
            return self.cannot_tell(moment, reason, part)
        if self.find(CANNOT_TELL, part) is not None:
            anew = mark_at(moment, 0, None, mark.provenance)
            anew.kept = mark.incident
            self.put(part, anew)
            return self.can_tell(moment, part)
        return self.begin(UNSEEN, moment, mark.incident, None, part, mark.provenance)
