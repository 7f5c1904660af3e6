"""Limits on measurements, and two doses close together: rules that judge a person's values.

**Off unless `hub.medical_device_functions` is true.** Without them this software conveys what devices say; with them it
alarms on a measurement against a limit that somebody set, and whoever switches that on gives it a purpose for which
it may be a medical device (docs/intended-use.md, docs/adr/0017-rules.md). The configuration refuses them otherwise.

No value is changed, withheld or averaged for it. What a device itself calls invalid, implausible, questionable or
stored is judged by nobody here: neither as outside a limit nor as inside it.
"""

from gateway.core.event_codec import INCIDENT_SIZE
from gateway.core.model import compare_number
from gateway.core.rules.follower import Follower, Mark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.model import Decimal, Event
    from gateway.core.rules.engine import Moment
    from gateway.core.rules.senses import Senses

OUTSIDE, INSIDE, DOUBLE = "oximetry.outside_limit", "oximetry.inside_limit", "dose.double"
MEASURED, COLLECTED = "oximetry.measured", ("dose.collected", "dose.wrong_time")
DOUBTS = ("implausible", "questionable", "stored")
MOST_DOSES = 8


class Limit:
    """One limit: the value it is on, the number, and -1 where values below it are outside, 1 where those above."""

    __slots__ = ("name", "number", "side")

    def __init__(self, name: str, number: int, side: int) -> None:
        self.name = name
        self.number = number
        self.side = side

    @property
    def part(self) -> str:
        """What tells the states of several limits apart."""
        return self.name + (" below " if self.side < 0 else " above ") + str(self.number)

    def is_outside(self, value: "int | Decimal") -> bool:
        """Whether a value lies on the wrong side; the limit itself is inside. Exact, in the device's digits."""
        return compare_number(value, self.number) == self.side


class VitalLimits(Follower):
    """Told when `readings` in a row are outside, ended when as many are inside: one reading is often a finger that moved."""

    def __init__(
        self,
        placement: int,
        rule_id: bytes,
        senses: "Senses",
        stored: "dict[str, bytes]",
        limits: "list[Limit]",
        readings: int,
    ) -> None:
        super().__init__(placement, rule_id, senses, stored)
        self.limits = limits
        self.readings = readings
        self.counts: "dict[str, int]" = {}
        self.look_ms = None  # time alone brings nothing

    def observe(self, event: "Event", moment: "Moment") -> "list[Event]":
        """Count a reading against each limit."""
        if event.kind != MEASURED or any([event.values.get(doubt) for doubt in DOUBTS]):
            return []
        found: "list[Event]" = []
        for limit in self.limits:
            value = event.values.get(limit.name)
            if isinstance(value, int) or hasattr(value, "mantissa"):
                found += self.count(limit, value, event, moment)  # type: ignore[arg-type]
        return found

    def count(self, limit: Limit, value: "int | Decimal", event: "Event", moment: "Moment") -> "list[Event]":
        """One reading against one limit: a reading on the other side begins the count anew."""
        is_open = self.find(OUTSIDE, limit.part) is not None
        if limit.is_outside(value) == is_open:
            self.counts[limit.part] = 0
            return []
        self.counts[limit.part] = self.counts.get(limit.part, 0) + 1
        if self.counts[limit.part] < self.readings:
            return []
        self.counts[limit.part] = 0
        values: "dict[str, object]" = {limit.name: value}
        if is_open:
            return self.end(OUTSIDE, INSIDE, moment, values, limit.part, event.provenance)
        incident = self.senses.fresh_incident(INCIDENT_SIZE)
        return self.begin(OUTSIDE, moment, incident, values, limit.part, event.provenance)


class DoubleDose(Follower):
    """Two doses of different number that left the dispenser less than `least_ms` apart, by the dispenser's own time.

    A dose without a time that can be believed is judged by nobody: a log that is read late would look like two at once.
    The same dose told again is one dose (D2).
    """

    def __init__(
        self, placement: int, rule_id: bytes, senses: "Senses", stored: "dict[str, bytes]", least_ms: int
    ) -> None:
        super().__init__(placement, rule_id, senses, stored)
        self.least_ms = least_ms
        self.look_ms = None  # as above

    def observe(self, event: "Event", moment: "Moment") -> "list[Event]":
        """Hold a dose that left the dispenser against those before it."""
        told, dose_id = event.device_time, event.values.get("dose_id")
        if event.kind not in COLLECTED or dose_id is None or told is None or told.utc_ms is None:
            return []
        name = str(dose_id)
        if name in self.marks:
            return []
        apart = [abs(told.utc_ms - mark.utc_ms) for mark in self.marks.values()]
        if len(self.marks) >= MOST_DOSES:
            oldest = sorted([(mark.utc_ms, each) for each, mark in self.marks.items()])[0][1]
            del self.marks[oldest]
        self.put(name, Mark(moment.boot, moment.uptime_ms, told.utc_ms))
        if not apart or min(apart) >= self.least_ms:
            return []
        values: "dict[str, object]" = {"dose_id": dose_id}
        return [self.made(DOUBLE, moment, values, event.provenance)]
