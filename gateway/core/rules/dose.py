"""A dose whose window has passed without a word of what became of it (D2, H7).

The dispenser owns the plan and says itself which dose was missed: that is `dose.missed`, the person's alarm.
What this rule adds is the other case: the time is over and the dispenser has not said. That is a technical
fault, `dose.unconfirmed`, never a missed dose; `dose.accounted` follows when the dispenser's log has told.
"""

from gateway.core import cbor
from gateway.core.rules.engine import Moment, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.model import Event

STATE = "dose."
GRACE_MS = 120_000  # for a link that is just coming back
RECHECK_MS = 600_000  # how often a rule without a trusted clock looks again
MOST_PLANNED = 256  # doses of one dispenser that are followed
OUTCOMES = ("dose.collected", "dose.missed", "dose.wrong_time", "dose.withdrawn")
PLANNED, UNCONFIRMED = 0, 1


class DoseRule(Rule):
    """Follows the planned doses of one dispenser; `plan` is {dose id: [end of window in utc_ms, stage]}."""

    def __init__(self, placement: int, rule_id: bytes, stored: "dict[str, bytes]") -> None:
        super().__init__(placement, rule_id)
        self.prefix = STATE + str(placement) + "."
        self.plan: "dict[str, list[int]]" = {}
        for key, item in stored.items():
            if key.startswith(self.prefix):
                self.plan[key[len(self.prefix) :]] = cbor.decode(item)  # type: ignore[assignment]
        self.look_ms: "int | None" = 0 if self.plan else None

    def observe(self, event: "Event", moment: Moment) -> "list[Event]":
        """A planned dose begins the wait, an outcome ends it."""
        dose_id = event.values.get("dose_id")
        if dose_id is None:
            return []
        name = str(dose_id)
        if event.kind == "dose.planned" and name not in self.plan:
            end = event.values.get("window_end_utc_ms")
            if isinstance(end, int) and self.has_room():
                self.keep(name, [end, PLANNED])
                self.schedule(moment)
        elif event.kind in OUTCOMES and name in self.plan:
            stage = self.plan.pop(name)[1]
            self.changes[self.prefix + name] = None
            if stage == UNCONFIRMED:
                return [self.made("dose.accounted", moment, {"dose_id": dose_id})]
        return []

    def due(self, moment: Moment) -> "list[Event]":
        """Doses whose window and grace are over. Without a trusted clock none is judged: it looks again later."""
        found: "list[Event]" = []
        if moment.utc_ms is not None:
            for name in sorted(self.plan):
                end, stage = self.plan[name]
                if stage == PLANNED and moment.utc_ms >= end + GRACE_MS:
                    self.keep(name, [end, UNCONFIRMED])
                    found.append(self.made("dose.unconfirmed", moment, {"dose_id": as_number(name)}))
        self.schedule(moment)
        return found

    def has_room(self) -> bool:
        """Whether one more dose can be followed; of those whose outcome never came the oldest makes room."""
        if len(self.plan) < MOST_PLANNED:
            return True
        given_up = sorted([(row[0], name) for name, row in self.plan.items() if row[1] == UNCONFIRMED])
        if given_up:
            name = given_up[0][1]
            del self.plan[name]
            self.changes[self.prefix + name] = None
        return bool(given_up)

    def keep(self, name: str, row: "list[int]") -> None:
        """Remember a dose across a restart."""
        self.plan[name] = row
        self.changes[self.prefix + name] = cbor.encode(row)

    def schedule(self, moment: Moment) -> None:
        """When to look next, in uptime."""
        ends = [end for end, stage in self.plan.values() if stage == PLANNED]
        if not ends:
            self.look_ms = None
        elif moment.utc_ms is None:
            self.look_ms = moment.uptime_ms + RECHECK_MS
        else:
            wait_ms = max(0, min(ends) + GRACE_MS - moment.utc_ms)
            self.look_ms = moment.uptime_ms + min(
                RECHECK_MS, wait_ms
            )  # a clock that is set anew is seen in time

    def next_due_ms(self) -> "int | None":
        """Uptime in ms of the next look."""
        return self.look_ms


def as_number(name: str) -> object:
    """The dose id as the dispenser gave it: a number where it is one."""
    return int(name) if name.isdigit() else name
