"""What the journal gave up for space: each range becomes one event, and is forgotten when the platform knows of the hole.

Within its epoch the numbers tell: the bundle beyond a hole names it, and `journal.dropped` says it in words. That event is
of lane 2 and may give way itself. So what an epoch that was left gave up is state, which never yields, until a receipt
covers the event that says it.
"""

from gateway.core import cbor
from hal.types import EPOCH_SIZE, TECHNICAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.hub.recorder import Recorder
    from hal.types import GivenUp

    Row = tuple[bytes, int, int, int]  # epoch, lane, first, last

DROPPED = "dropped."  # state: epoch, and the last number of a lane whose loss has been reported
DROPPED_EVERY_MS = 600_000  # a loss that goes on is reported at most this often in each lane
FORMER = "given_up."  # state: + an epoch that was left => [lane, first, last] of each range it gave up
FORMER_LIMIT = 64  # epochs; one begins every ten minutes at most


class Losses:
    """No loss without a word. `told`: where the words stand for what former epochs gave up (first, last of lane 2)."""

    def __init__(self, recorder: "Recorder") -> None:
        self.recorder = recorder
        self.due_ms: "dict[int, int]" = {}
        self.former_due_ms = 0
        self.told: "dict[Row, tuple[int, int]]" = {}

    async def report(self, now_ms: int) -> None:
        """Say what is not said yet, where it is time to."""
        for gone in self.recorder.journal.given_up():
            if now_ms >= self.due_ms.get(gone.lane, now_ms) and gone.last > self.reported(gone.lane):
                self.due_ms[gone.lane] = now_ms + DROPPED_EVERY_MS
                await self.say(gone)
        unsaid = [row for row in self.former() if row not in self.told]
        if unsaid and now_ms >= self.former_due_ms:
            self.former_due_ms = now_ms + DROPPED_EVERY_MS
            for row in unsaid:
                await self.say_former(row)

    async def confirm(self, lane: int, seq: int) -> None:
        """A receipt covers `lane` up to `seq`: the platform has been told of every hole below, in a bundle."""
        if lane == TECHNICAL:
            await self.confirm_former(seq)
        for gone in self.recorder.journal.given_up():
            if gone.lane == lane and gone.last < seq:
                if gone.last > self.reported(lane):
                    await self.say(gone)
                await self.recorder.journal.confirm_given_up(gone, [])

    def reported(self, lane: int) -> int:
        """The last number of the lane whose loss has been said, in this epoch."""
        journal = self.recorder.journal
        kept = journal.state(DROPPED + str(lane)) or b""
        return int.from_bytes(kept[EPOCH_SIZE:], "big") if kept[:EPOCH_SIZE] == journal.epoch else 0

    async def say(self, gone: "GivenUp") -> None:
        """One event for what of the range is news."""
        epoch = self.recorder.journal.epoch
        first = max(gone.first, self.reported(gone.lane) + 1)
        state: "dict[str, bytes | None]" = {DROPPED + str(gone.lane): epoch + gone.last.to_bytes(8, "big")}
        row = (epoch, gone.lane, first, gone.last)
        await self.recorder.note("journal.dropped", values=in_words(row), state=state)

    # --- epochs that were left ----------------------------------------------------------------------------------

    async def leave_epoch(self, reason: str) -> None:
        """Begin a new epoch, and take along what this one gave up and the platform may not know.

        All of it is said anew, also what was said before: those words may have been given up, or be it in the new epoch.
        They are in the append that ends the epoch; in one of their own before it they would make room for themselves
        where the store is full, and nobody would tell of that. Raises as `Recorder.begin_epoch`.
        """
        rows: "list[Row]" = []

        def ending() -> "tuple[list[tuple[str, dict[str, object]]], dict[str, bytes | None]]":
            state = self.kept_for_later()
            rows.extend(self.former() + self.given_up())
            return [("journal.dropped", in_words(row)) for row in rows], state

        entries = await self.recorder.begin_epoch(reason, ending)
        self.told = {row: (entry.seq, entry.seq) for row, entry in zip(rows, entries)}

    def kept_for_later(self) -> "dict[str, bytes | None]":
        """State that remembers what this epoch gave up, if it did."""
        journal = self.recorder.journal
        gone = journal.given_up()
        if not gone:
            return {}
        if len(journal.state_keys(FORMER)) >= FORMER_LIMIT:
            self.recorder.log("error", "Too many epochs gave something up; of this one it is said once only.")
            return {}
        return {FORMER + journal.epoch.hex(): encode_ranges(gone)}

    def given_up(self) -> "list[Row]":
        """What this epoch gave up and the platform has not confirmed."""
        journal = self.recorder.journal
        return [(journal.epoch, gone.lane, gone.first, gone.last) for gone in journal.given_up()]

    def former(self) -> "list[Row]":
        """What former epochs gave up, as far as no receipt says that the platform knows."""
        journal = self.recorder.journal
        rows: "list[Row]" = []
        for key in journal.state_keys(FORMER):
            epoch = bytes.fromhex(key[len(FORMER) :])
            ranges: "Any" = cbor.decode(journal.state(key) or b"\x80")
            rows += [(epoch, lane, first, last) for lane, first, last in ranges]
        return rows

    async def say_former(self, row: "Row") -> None:
        """One event, and where it stands; one that waits for room is said again another time."""
        journal = self.recorder.journal
        epoch, before = journal.epoch, journal.mark(TECHNICAL).last
        is_stored = await self.recorder.note("journal.dropped", values=in_words(row))
        if is_stored and journal.epoch == epoch:
            self.told[row] = (before + 1, journal.mark(TECHNICAL).last)

    async def confirm_former(self, seq: int) -> None:
        """A receipt covers lane 2 up to `seq`. What gave way itself among those words has to be said again."""
        journal = self.recorder.journal
        gone = [row for row in journal.given_up() if row.lane == TECHNICAL]
        for row, (first, last) in list(self.told.items()):
            if any([hole.first <= last and first <= hole.last for hole in gone]):
                del self.told[row]
            elif last <= seq:
                key = FORMER + row[0].hex()
                rest = [list(other[1:]) for other in self.former() if other[0] == row[0] and other != row]
                del self.told[row]
                await self.recorder.keep({key: cbor.encode(rest) if rest else None})


def in_words(row: "Row") -> "dict[str, object]":
    """A range as the event has it: with its epoch, for it may be stored in the next."""
    epoch, lane, first, last = row
    return {"lane": lane, "first_seq": first, "last_seq": last, "epoch": epoch}


def encode_ranges(gone: "list[GivenUp]") -> bytes:
    """What an epoch gave up, as state."""
    return cbor.encode([[row.lane, row.first, row.last] for row in gone])
