"""Pulling the plug (N6): the power goes while the hub works, and it must come back by itself with nothing lost.

Where every lane stands is kept before, and held against the journal of the next boot: the same epoch, the same chain value at
the same number, or a receipt of the platform beyond it. Who stops the hub as told has tried out nothing, so that ends the test.
`cut` says what went: the machine (it has another boot of its own) or only the process.
"""

from gateway.core.errors import RefusedError
from gateway.hub.claim import chain_at
from gateway.hub.installing_memory import PLUG, row
from hal.types import LANES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.hub.installing_memory import Memory
    from gateway.hub.recorder import Recorder, State

WITHIN_MS = 600_000
WAITING, DONE = "waiting", "done"
TOO_LATE, STOPPED, LOST = "plug_too_late", "plug_stopped", "plug_lost"  # how it fails
PROCESS, POWER = 0, 1


class Plug:
    """`power` tells one boot of the machine from another, "" where nobody knows."""

    def __init__(self, recorder: "Recorder", memory: "Memory", power: str) -> None:
        self.recorder = recorder
        self.memory = memory
        self.power = power
        self.begin_ms = recorder.clock.uptime_ms()  # of this run

    def kept(self) -> "list[Any] | None":
        """[state, begun utc_ms, boot before, epoch, lanes, power, back utc_ms, boot after, cut]."""
        return self.memory.get(PLUG)

    def state(self) -> str:
        """How far it is: `waiting`, `done`, or how it failed; empty before it was begun."""
        kept = self.kept()
        return "" if kept is None else str(kept[0])

    async def begin(self) -> None:
        """From now on the plug may be pulled.

        Raises:
            RefusedError: without a clock nobody could say how long it took.
        """
        utc_ms, journal = self.recorder.clock.utc_ms(), self.recorder.journal
        if utc_ms is None:
            raise RefusedError("the clock is not set yet: wait for it, then pull the plug")
        lanes = [[journal.mark(lane).last, journal.mark(lane).chain] for lane in LANES]
        kept = row(WAITING, utc_ms, self.recorder.boot, journal.epoch, lanes, self.power, 0, 0, 0)
        await self.recorder.keep({PLUG: kept})

    def last_words(self) -> "State":
        """The hub stops as told: that is no power cut."""
        kept = self.kept()
        if kept is None or kept[0] != WAITING or kept[2] != self.recorder.boot:
            return {}
        return {PLUG: row(STOPPED, *kept[1:])}

    async def look(self) -> None:
        """Judge, once there is something to judge."""
        kept, utc_ms = self.kept(), self.recorder.clock.utc_ms()
        if kept is None or kept[0] != WAITING or utc_ms is None:
            return
        verdict = ""
        if kept[2] == self.recorder.boot:
            verdict = TOO_LATE if utc_ms - kept[1] > WITHIN_MS else ""
        else:
            back_ms = utc_ms - (self.recorder.clock.uptime_ms() - self.begin_ms)
            verdict = DONE if self.goes_on(kept[3], kept[4]) else LOST
            if verdict == DONE and back_ms - kept[1] > WITHIN_MS:
                verdict = TOO_LATE
            cut = POWER if self.power != kept[5] else PROCESS
            kept[6:] = [back_ms, self.recorder.boot, cut]
        if verdict:
            await self.recorder.keep({PLUG: row(verdict, *kept[1:])})

    def goes_on(self, epoch: bytes, lanes: "list[list[Any]]") -> bool:
        """Whether the journal has everything that it had, or a receipt for it."""
        journal = self.recorder.journal
        if journal.epoch != epoch or len(lanes) != len(LANES):
            return False
        for lane, (last, chain) in zip(LANES, lanes):
            mark = journal.mark(lane)
            if mark.last < last:
                return False
            held = chain_at(journal, lane, last)
            if held is not None and held != chain:
                return False
            if held is None and mark.first <= last:
                return False
        return True
