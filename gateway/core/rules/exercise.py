"""Exercises (P3): what a person lets one device say to try it out is marked (event key 8), and nothing else is.

An exercise covers one kind of one placement for at most `LONGEST_MS` of uptime, one at a time. What is told within it
carries the mark, and so does the end of a state that began so. Everything else that happens meanwhile is real. A state
that stands when the exercise is over is told again, as real and in an incident of its own: nobody may take a fire for a
test. What a device tells from its log is no part of one, whatever its kind: it happened before, or may have. A restart ends
an exercise. None is begun over a state that stands or has just changed: the end of that one is real.
"""

from gateway.core import registry
from gateway.core.errors import RefusedError
from gateway.core.event_codec import lane_of
from gateway.core.rules.incidents import part_of
from gateway.core.rules.storm import as_kept, is_logged, read_kept, told_again
from hal.types import ALARM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.core.model import Event
    from gateway.core.rules.engine import Moment
    from gateway.core.rules.storm import Storms

LONGEST_MS = 120_000
DOSE = "dose."  # kinds of a dose: what became of one is never tried out
DEVICE, KEPT = "device.", ".exercise."  # state key: what the hub keeps of a device, and goes with it


class Exercises:
    """The exercise that runs, and the states it began; `changes` is the state to store with the events that moved it."""

    def __init__(self, storms: "Storms", stored: "dict[str, bytes]") -> None:
        self.storms = storms
        self.changes: "dict[str, bytes | None]" = {}
        self.covered = (0, "")  # placement and kind
        self.begin_ms, self.end_ms = 0, -1  # uptime within which it covers, both included
        # states that stand, with their provenance and the rule that made them or None
        self.begun: "dict[tuple[int, str, str], list[Any]]" = {}
        for key in sorted(stored):
            number, _, name = key[len(DEVICE) :].partition(KEPT)
            if key.startswith(DEVICE) and name and number.isdigit():
                thing, _, rest = name.partition(".")
                happening, _, part = rest.partition(".")
                kept = read_kept(stored[key], 1)
                if kept:
                    self.begun[(int(number), thing + "." + happening, part)] = kept

    def begin(self, placement: int, kind: str, moment: "Moment", length_ms: int) -> None:
        """Cover `kind` of a placement from now on.

        Raises:
            RefusedError: another exercise runs, the state stands or has just changed, or it is none of a person or longer
            than allowed.
        """
        row = registry.KINDS.get(kind)
        if row is None or row[2] or lane_of(kind) > ALARM or kind.startswith(DOSE):
            raise RefusedError(
                "an exercise is of an alarm; name the kind that begins it, such as smoke.detected"
            )
        if not 0 < length_ms <= LONGEST_MS:
            raise RefusedError(
                "an exercise lasts at most " + str(LONGEST_MS // 1000) + " s; begin another after it"
            )
        if moment.uptime_ms <= self.end_ms or self.begun:
            raise RefusedError("another exercise is not over; wait for its end")
        if self.storms.stirs(placement, kind):
            raise RefusedError(
                "the device has told this itself in the last ten minutes; wait until it is quiet"
            )
        self.covered = (placement, kind)
        self.begin_ms, self.end_ms = moment.uptime_ms, moment.uptime_ms + length_ms

    def end(self, moment: "Moment") -> None:
        """End it before its time: what stands is told as real at the next look."""
        self.end_ms = min(self.end_ms, moment.uptime_ms - 1)

    def covers(self, event: "Event") -> bool:
        """Whether an event is part of the exercise; the state that it begins or ends is remembered."""
        row = registry.KINDS.get(event.kind)
        if row is None or event.incident is not None:
            return False
        state = (event.placement, row[2] or event.kind, part_of(event.values))
        if is_logged(event):
            if not row[2] and state in self.begun:  # a true word of the state that is tried out
                self.leave(state)
            return False
        if row[2]:
            was_begun = self.begun.pop(state, None) is not None
            if was_begun:
                self.keep(state)
            return was_begun
        is_covered = state[:2] == self.covered and self.begin_ms <= event.uptime_ms <= self.end_ms
        if is_covered and self.storms.follows(event.kind):
            self.begun[state] = [event.provenance, event.rule]
            self.keep(state)
        elif (
            state in self.begun
        ):  # said once more after the end, before anyone looked: this is its word as real
            self.leave(state)
        return is_covered

    def leave(self, state: "tuple[int, str, str]") -> None:
        """A state is no exercise any more: what is told of it from now on has an incident of its own."""
        del self.begun[state]
        self.keep(state)
        self.storms.incidents.leave(*state)

    def keep(self, state: "tuple[int, str, str]") -> None:
        """Remember across a restart, which ends the exercise, what stands."""
        placement, kind, part = state
        kept = self.begun.get(state)
        key = DEVICE + str(placement) + KEPT + kind + ("." + part if part else "")
        self.changes[key] = None if kept is None else as_kept(kept[:1], kept[1])

    def due(self, moment: "Moment") -> "list[Event]":
        """States that the exercise began and that outlast it, as real ones."""
        if moment.uptime_ms <= self.end_ms:
            return []
        found = []
        for state in sorted(self.begun):
            stands = self.storms.incidents.is_open(*state)
            provenance, rule = self.begun[state]
            self.leave(state)
            if stands:  # and was not ended in another way, such as its device taken out of use
                found.append(told_again(state, provenance, rule, moment, "exercise"))
        return found

    def next_due_ms(self) -> "int | None":
        """Uptime in ms at which `due` wants to be called, or None; 0 is at once."""
        return self.end_ms + 1 if self.begun else None
