"""Ringing the response centre: an alarm of the hub's own, marked as an exercise, followed until a person there has taken it.

    none -> stored -> received -> forwarded -> accepted            only `accepted` is the end that counts

`stored`: it stands in the journal. `received`: the platform's signed receipt covers it. What comes then are the platform's
signed dispositions. A receipt says that a machine has it, and not that anybody would come: so a receipt alone never ends it.
"""

from gateway.core.errors import DecodeError, RefusedError
from gateway.core.event_codec import decode_event, lane_of
from gateway.core.model import Event
from gateway.hub.installing_memory import CENTRE, row
from gateway.hub.overrun import Work
from hal.errors import HalError, StorageFullError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gateway.core.alarms import Alarm, Alarms
    from gateway.hub.installing_memory import Memory
    from gateway.hub.recorder import Recorder

KIND = "alarm.tried"
IDENTITY_SIZE = 16
WITHIN_MS = 900_000  # in which somebody there takes it
PAGE_BYTES = 4_096  # of the journal that is looked at in one turn
NONE, STORED, RECEIVED, FORWARDED, ACCEPTED = "none", "stored", "received", "forwarded", "accepted"
HANDLED, FAILED, OVER = "handled", "failed", "over"
ENDED = (ACCEPTED, FAILED, OVER)
NOTE_LIMIT = 80


class Centre:
    """`word_of(identity)` is the platform's newest signed word on an alarm, and its note."""

    def __init__(
        self, recorder: "Recorder", memory: "Memory", word_of: "Callable[[bytes], tuple[str, str, int]]"
    ) -> None:
        self.recorder = recorder
        self.memory = memory
        self.word_of = word_of
        self.accepted: "dict[bytes, tuple[str, str, int]]" = {}  # words of that sort, though another came right behind
        self.seq, self.epoch = 0, b""  # where it stands, as long as that is known
        self.begin_ms = recorder.clock.uptime_ms()  # of this run: a restart gives the centre its time anew

    def kept(self) -> "list[Any] | None":
        """[state, identity, rung utc_ms or 0, accepted utc_ms or 0, note]."""
        return self.memory.get(CENTRE)

    def state(self) -> str:
        """How far it has come."""
        kept = self.kept()
        return NONE if kept is None else str(kept[0])

    def is_done(self) -> bool:
        """Whether a person there has taken it: no receipt and no other word stands for that."""
        return self.state() == ACCEPTED

    def is_settled(self) -> bool:
        """Whether nothing is waited for."""
        return self.state() in (NONE, HANDLED) + ENDED

    async def ring(self) -> None:
        """Store the alarm, with what is remembered of it, in one append.

        Raises:
            RefusedError: one is on its way, or the store takes nothing.
        """
        if not self.is_settled():
            raise RefusedError("the response centre is being rung already: wait for its answer")
        identity = self.recorder.crypto.random(IDENTITY_SIZE)
        event = self.recorder.own(KIND)
        event.exercise, event.identity = True, identity
        kept = row(STORED, identity, event.utc_ms or 0, 0, "")
        try:
            entries = await self.recorder.append(Work([event], {CENTRE: kept}))
        except StorageFullError as error:
            raise RefusedError("the response centre was not rung: " + error.message)
        except HalError as error:
            raise RefusedError("the response centre was not rung: " + str(error))
        self.seq, self.epoch = entries[0].seq, self.recorder.journal.epoch
        self.begin_ms = self.recorder.clock.uptime_ms()

    async def look(self) -> None:
        """Follow it."""
        kept = self.kept()
        if kept is None or kept[0] == ACCEPTED:
            return
        state, (word, note, utc_ms) = kept[0], self.accepted.get(kept[1]) or self.word_of(kept[1])
        if word:
            state = word
        elif state == STORED and not self.is_held(kept[1]):
            state = RECEIVED
        if state not in (HANDLED,) + ENDED and self.left_ms() <= 0:
            state = OVER
        if state != kept[0] or note[:NOTE_LIMIT] != kept[4]:
            accepted_ms = utc_ms if state == ACCEPTED else 0
            await self.recorder.keep({CENTRE: row(state, kept[1], kept[2], accepted_ms, note[:NOTE_LIMIT])})

    def hear(self, alarm: "Alarm") -> None:
        """The platform has said what became of an alarm."""
        if alarm.word == ACCEPTED and alarm.identity == (self.kept() or [NONE, b""])[1]:
            self.accepted = {alarm.identity: (alarm.word, alarm.note, alarm.became_utc_ms)}

    def remind(self, alarms: "Alarms") -> None:
        """An alarm whose answer is waited for stays known, also where the power went right behind it."""
        kept = self.kept()
        if kept is not None and not self.is_settled() and alarms.find(kept[1]) is None:
            event = Event(KIND, 0, self.recorder.boot, self.begin_ms, kept[2] or None)
            event.exercise = True
            alarms.tell(event, kept[1])

    def left_ms(self) -> int:
        """How long the centre has left."""
        return max(0, self.begin_ms + WITHIN_MS - self.recorder.clock.uptime_ms())

    def is_held(self, identity: bytes) -> bool:
        """Whether the journal still holds the alarm: its lane gives nothing up, so what is gone was receipted."""
        journal, lane = self.recorder.journal, lane_of(KIND)
        if self.seq and journal.epoch == self.epoch:
            return journal.mark(lane).first <= self.seq
        after = 0
        while True:
            entries = journal.peek(lane, after, PAGE_BYTES)
            if not entries:
                return False
            for entry in entries:
                if self.is_it(entry.event, identity):
                    self.seq, self.epoch = entry.seq, journal.epoch
                    return True
            after = entries[-1].seq

    def is_it(self, data: bytes, identity: bytes) -> bool:
        """Whether a stored event is the alarm."""
        try:
            return decode_event(data).identity == identity
        except DecodeError:
            return False

    def facts(self) -> "dict[str, object]":
        """For the page and the command line."""
        kept = self.kept() or [NONE, b"", 0, 0, ""]
        runs = kept[0] not in (NONE, HANDLED) + ENDED
        return {
            "state": kept[0],
            "identity": kept[1].hex(),
            "note": kept[4],
            "left_s": self.left_ms() // 1000 if runs else 0,
        }
