"""A simulated journal that tells a history what it was asked for, what it promised, and what it gave up for space."""

from hal.sim.faults import PowerCutError
from hal.sim.journal import SimJournal
from hal.types import LANES
from tools.rig.sim.stand_in import CutJournal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from hal.types import Entry, GivenUp
    from tools.rig.sim.total_queue import History


class TellingJournal(CutJournal):
    """The seam at which the checker listens: nothing that the hub says of itself is believed."""

    def __init__(self, history: "History", *arguments: "Any", **options: "Any") -> None:
        super().__init__(*arguments, **options)
        self.history = history
        self.rows: "list[GivenUp]" = []
        self.look()
        for lane in LANES:  # also what was stored when the power went, and nobody learned of it
            self.history.numbered(self.epoch, self._store.lanes[lane].entries)

    async def append(self, events: "Any", state: "Any" = None) -> "Any":
        contents = self.history.asked(events)
        entries: "list[Entry]" = []
        try:
            entries = await SimJournal.append(self, events, state)
        except PowerCutError:
            await self.stand_still()
        self.look()
        self.history.answered(self.epoch, contents, entries)
        return entries

    async def begin_epoch(
        self,
        epoch: bytes,
        again: "Callable[[Entry], bytes]",
        events: "Sequence[tuple[int, bytes]]",
        state: "Any" = None,
    ) -> "list[Entry]":
        contents = self.history.asked(events)
        counts = [0 for _ in LANES]

        def numbered(entry: "Entry") -> bytes:
            """What is held is numbered from 1 on, in its order: also what finds no room then."""
            counts[entry.lane] += 1
            event = again(entry)
            self.history.renumbered(epoch, entry.lane, counts[entry.lane], entry)
            return event

        entries: "list[Entry]" = []
        try:
            entries = await super().begin_epoch(epoch, numbered, events, state)
        except PowerCutError:
            await self.stand_still()
        self.look()
        self.history.answered(self.epoch, contents, entries)
        return entries

    async def confirm_given_up(self, gone: "GivenUp", events: "Sequence[tuple[int, bytes]]") -> "list[Entry]":
        entries: "list[Entry]" = []
        try:
            entries = await super().confirm_given_up(gone, events)
        except PowerCutError:
            await self.stand_still()
        return entries

    def power_went(self) -> None:
        """The power is gone: a journal that keeps its promises does nothing."""

    def look(self) -> None:
        """Tell what was given up since the last look."""
        rows = self._store.given_up
        if rows and rows != self.rows:
            self.rows = list(rows)
            self.history.gave_up(self.epoch, self.rows)
