"""What rules of a door share that wait: each contact (`part`) by itself, judged when it has stood so for long enough.

Marks by part say since when; a subclass puts them and judges. After a power cut an alarm that is due waits until the sensor
had time to say what changed. What was told is not judged again until it ended.
"""

from gateway.core.rules.follower import LOOK_MS, RESUME_MS, Follower

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.model import Event
    from gateway.core.rules.engine import Moment
    from gateway.core.rules.senses import Senses


class Contacts(Follower):
    """limit_ms: how long a contact may stand so. `told_as`: the kind of the alarm that follows."""

    told_as = ""

    def __init__(
        self, placement: int, rule_id: bytes, senses: "Senses", stored: "dict[str, bytes]", limit_ms: int
    ) -> None:
        super().__init__(placement, rule_id, senses, stored)
        self.limit_ms = limit_ms

    def due(self, moment: "Moment") -> "list[Event]":
        """Contacts that have stood so for long enough."""
        self.look_ms = None
        found: "list[Event]" = []
        for part in sorted(self.marks):
            if self.find(self.told_as, part) is not None:
                continue
            left_ms = self.limit_ms - self.marks[part].passed_ms(moment)
            if moment.boot != self.marks[part].boot:
                left_ms = max(left_ms, RESUME_MS - moment.uptime_ms)
            if left_ms <= 0:
                found += self.judge(part, moment)
            self.look_in(left_ms if left_ms > 0 else LOOK_MS, moment)
        return found

    def judge(self, part: str, moment: "Moment") -> "list[Event]":
        """What is told of a contact whose time is over."""
        return []
