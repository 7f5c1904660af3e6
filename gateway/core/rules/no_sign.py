"""No sign of activity for so many hours, within hours of the day (`no_sign_of_life`).

A sign is what people cause: a door, motion, a button, a dose that left the dispenser, a measurement. What devices say
by themselves (climate, battery) is none. A sign that is told late counts from when it happened.

Only watched time counts. While none of its devices can be heard the rule knows nothing: then it says so in the technical
lane instead (H7) and counts anew when one is heard. Time in which the hub did not run is not counted either, so
what has passed is kept every `KEEP_MS`. As long as one device is heard the alarm is given, and says how many are not.
"""

from gateway.core.event_codec import INCIDENT_SIZE
from gateway.core.model import REPLAY_SUSPECTED, UNPROVEN
from gateway.core.rules.follower import CANNOT_TELL, Follower, mark_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.model import Event
    from gateway.core.rules.engine import Moment
    from gateway.core.rules.follower import Window
    from gateway.core.rules.senses import Senses

MISSING, SEEN = "activity.missing", "activity.seen"
SIGNS = (
    "door.opened",
    "door.closed",
    "motion.detected",
    "motion.cleared",
    "button.pressed",
    "dose.collected",
    "dose.wrong_time",
    "oximetry.measured",
    "lid.opened",
    "lid.closed",
    "refill.done",
)
DOUBTFUL = REPLAY_SUSPECTED | UNPROVEN  # a recording of a press is no sign of anybody
SIGN = "sign"  # the one mark: the last sign, or since when the rule watches
LOOK_AGAIN_MS = 60_000
KEEP_MS = 600_000


class NoSign(Follower):
    """Listens to `devices`, placements of which the first is its own."""

    def __init__(
        self,
        placement: int,
        rule_id: bytes,
        senses: "Senses",
        stored: "dict[str, bytes]",
        devices: "list[int]",
        limit_ms: int,
        window: "Window",
    ) -> None:
        super().__init__(placement, rule_id, senses, stored)
        self.devices = devices
        self.limit_ms = limit_ms
        self.window = window
        self.blind = self.find(CANNOT_TELL) is not None
        self.kept_ms = self.marks[SIGN].before_ms if SIGN in self.marks else 0
        self.look_ms = 0

    def overheard(self, event: "Event", moment: "Moment") -> "list[Event]":
        """As `observe`: every device counts alike."""
        return self.observe(event, moment)

    def observe(self, event: "Event", moment: "Moment") -> "list[Event]":
        """A sign begins the count anew and ends the alarm."""
        if event.kind not in SIGNS or event.provenance & DOUBTFUL:
            return []
        age_ms = age_of(event, moment)
        mark = self.marks.get(SIGN)
        if age_ms is None or (mark is not None and age_ms >= mark.watched_ms(moment)):
            return []
        is_news = mark is None or mark.boot != moment.boot or self.kept_ms or age_ms
        self.marks[SIGN] = mark_at(moment, before_ms=age_ms)
        if is_news:  # else what is stored says the same: nothing had passed
            self.kept_ms = age_ms
            self.note()
        found = self.can_tell(moment)
        return found if age_ms >= self.limit_ms else found + self.end(MISSING, SEEN, moment)

    def due(self, moment: "Moment") -> "list[Event]":
        """Look whether anybody could have been heard, and whether nobody was for too long."""
        self.look_ms = moment.uptime_ms + LOOK_AGAIN_MS
        if SIGN not in self.marks:
            self.put(SIGN, mark_at(moment))
        unheard = [reason for reason in [self.unheard(each, moment) for each in self.devices] if reason]
        if len(unheard) == len(self.devices):
            return self.stay_blind(unheard[0], moment)
        if self.blind:
            self.blind = False
            self.kept_ms = 0
            self.put(SIGN, mark_at(moment))
            return self.can_tell(moment)
        self.keep(moment)
        quiet_ms = self.quiet_ms(moment)
        if quiet_ms < self.limit_ms:
            if self.find(MISSING) is None:
                self.look_in(self.limit_ms - quiet_ms, moment)
            return []
        values: "dict[str, object]" = {"silent_ms": quiet_ms}
        if unheard:
            values["count"] = len(unheard)
            values["reason"] = "devices that are not heard: " + str(len(unheard))
        incident = self.senses.fresh_incident(INCIDENT_SIZE)
        return self.begin(MISSING, moment, incident, values, "", self.window.assumed(moment))

    def unheard(self, placement: int, moment: "Moment") -> str:
        """Why the silence of one device tells nothing."""
        return self.senses.unheard(placement, moment.uptime_ms)

    def stay_blind(self, reason: str, moment: "Moment") -> "list[Event]":
        """Nobody can be heard: told where the alarm would have been, which never comes of it."""
        self.blind = True
        if self.find(MISSING) is not None or self.quiet_ms(moment) < self.limit_ms:
            return []
        return self.cannot_tell(moment, reason)

    def quiet_ms(self, moment: "Moment") -> int:
        """How long nothing was heard within the hours of the rule, 0 outside them."""
        passed_ms = self.marks[SIGN].watched_ms(moment)
        if moment.utc_ms is None:
            return passed_ms
        if not self.window.has(moment):
            return 0
        since_ms = self.window.since_ms(moment.utc_ms)
        return passed_ms if since_ms is None else min(passed_ms, since_ms)

    def keep(self, moment: "Moment") -> None:
        """Let a restart take up what has passed, to ten minutes; more than the limit need not be known."""
        passed_ms = self.marks[SIGN].watched_ms(moment)
        if self.kept_ms < self.limit_ms and passed_ms - self.kept_ms >= KEEP_MS:
            self.kept_ms = passed_ms
            self.put(SIGN, mark_at(moment, before_ms=passed_ms))


def age_of(event: "Event", moment: "Moment") -> "int | None":
    """How long ago it happened, in ms: by the device's own time where it gives one; None for a stored one that gives none."""
    told = event.device_time
    if told is not None and told.utc_ms is not None and moment.utc_ms is not None:
        return max(0, moment.utc_ms - told.utc_ms)
    return None if event.values.get("stored") else 0
