"""Quiet at night (D10): what the lamp shows in which hours, and the one answer that it gives whoever presses an alarm button.

A lamp that blinks frightens people who wake at night, and no resident can mend a gateway: in the hours of quiet the lamp is dark
and faults go upstream alone. Two things are said in the home all the same, because nobody else can: that nothing has got through
for long (a steady light, nothing that blinks), and that a press was heard where it cannot be delivered.
"""

from gateway.core.errors import DecodeError
from gateway.core.event_codec import decode_event
from gateway.core.model import REPLAY_SUSPECTED, UNPROVEN
from gateway.core.timezone import in_window, local_minutes
from hal.types import SAFETY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.config import QuietConfig
    from hal.interfaces import Clock, Journal

QUIET, OFFLINE, HEARD, DELIVERED = "quiet", "offline", "heard", "delivered"
PRESS = "button.pressed"
SHOWN_MS = 10_000  # a moment: long enough to look up, short enough not to be a light in the room
GRACE_MS = 5_000  # a press that is receipted within it needs no answer of ours: the response centre speaks
LOOKED_AT, LOOKED_BYTES = 64, 16_384  # entries and bytes of lane 0 that one look goes through


class Quiet:
    """When the lamp is to be dark, as configured; an unknown hour is night, as for alarms (D7)."""

    def __init__(self, config: "QuietConfig", zone: str) -> None:
        self.config = config
        self.zone = zone

    def holds(self, utc_ms: "int | None") -> bool:
        """Whether the lamp is to be dark now."""
        if self.config.light == "on":
            return False
        if utc_ms is None:
            return True
        return in_window(local_minutes(utc_ms, self.zone)[1], self.config.begin, self.config.end)

    def shown(self, lamp: str, utc_ms: "int | None", cut_off_ms: int) -> str:
        """What to show where `lamp` would be shown by day, and nothing has got through for `cut_off_ms`."""
        if not self.holds(utc_ms):
            return lamp
        return OFFLINE if cut_off_ms >= 60_000 * self.config.offline_min else QUIET


class PressAnswer:
    """Follows the last press that is not receipted.

    After a restart it is found in the journal again: it may have been answered before, so only its delivery is shown.
    """

    def __init__(self, journal: "Journal", clock: "Clock") -> None:
        self.journal = journal
        self.clock = clock
        self.epoch = journal.epoch
        self.seen = journal.mark(SAFETY).first - 1  # the last number of lane 0 that was looked at
        self.before = journal.mark(SAFETY).last  # what a former run left ends there
        self.seq = 0  # number of the press that is followed, or 0
        self.pressed_ms = 0
        self.was_heard = False
        self.heard_until_ms = self.delivered_until_ms = 0

    @property
    def has_news(self) -> bool:
        """Whether lane 0 has grown since the last look."""
        return self.journal.mark(SAFETY).last > self.seen or self.epoch != self.journal.epoch

    @property
    def waits(self) -> bool:
        """Whether somebody may be looking at the lamp for an answer just now."""
        asked_until_ms = self.pressed_ms + GRACE_MS + SHOWN_MS if self.seq else 0
        return self.clock.uptime_ms() < max(asked_until_ms, self.heard_until_ms, self.delivered_until_ms)

    def look(self) -> None:
        """Find the last press among what is new in lane 0."""
        mark = self.journal.mark(SAFETY)
        if self.epoch != self.journal.epoch:  # what is held has other numbers now
            self.seq, self.seen = mark.last if self.seq else 0, mark.last
            self.epoch, self.before = self.journal.epoch, 0
        while self.seen < mark.last:
            entries = self.journal.peek(SAFETY, self.seen, LOOKED_BYTES, LOOKED_AT)
            if not entries:  # receipted before it was looked at: nothing to answer
                self.seen = mark.last
            for entry in entries:
                self.seen = entry.seq
                if is_press(entry.event):
                    self.seq, self.pressed_ms = entry.seq, self.clock.uptime_ms()
                    self.was_heard, self.delivered_until_ms = entry.seq <= self.before, 0

    def state(self, connected: bool) -> str:
        """`heard`, `delivered`, or "" where there is nothing to answer. `connected`: whether anything leaves the house."""
        now_ms = self.clock.uptime_ms()
        if (
            self.seq and self.journal.mark(SAFETY).first > self.seq
        ):  # lane 0 gives nothing up: it was receipted
            self.seq = 0
            if self.was_heard:
                self.heard_until_ms, self.delivered_until_ms = 0, now_ms + SHOWN_MS
        elif self.seq and not self.was_heard and (not connected or now_ms - self.pressed_ms >= GRACE_MS):
            self.was_heard, self.heard_until_ms = True, now_ms + SHOWN_MS
        if now_ms < self.delivered_until_ms:
            return DELIVERED
        return HEARD if now_ms < self.heard_until_ms else ""


def is_press(data: bytes) -> bool:
    """Whether somebody presses a button now who may look at the lamp for an answer.

    Nobody does where the event is from a log or journalled again (it has an identity), is suspected to be a recording, or is
    not proven by its store. A press in an exercise alarms nobody, so nobody waits for an answer. What does not decode is no
    press: a damaged store's entries are journalled again as they are.
    """
    try:
        event = decode_event(data)
    except DecodeError:
        return False
    doubtful = event.provenance & (REPLAY_SUSPECTED | UNPROVEN)
    return event.kind == PRESS and event.identity is None and not event.exercise and not doubtful
