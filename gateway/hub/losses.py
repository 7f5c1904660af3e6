"""What the journal gave up for space: each range becomes one event, and is forgotten when the platform knows of the hole."""

from hal.types import EPOCH_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.hub.recorder import Recorder
    from hal.types import GivenUp

DROPPED = "dropped."  # state: epoch, and the last number of a lane whose loss has been reported
DROPPED_EVERY_MS = 600_000  # a loss that goes on is reported at most this often in each lane


class Losses:
    """No loss without a word."""

    def __init__(self, recorder: "Recorder") -> None:
        self.recorder = recorder
        self.due_ms: "dict[int, int]" = {}

    async def report(self, now_ms: int) -> None:
        """Say what is not said yet, where it is time to."""
        for gone in self.recorder.journal.given_up():
            if now_ms >= self.due_ms.get(gone.lane, now_ms) and gone.last > self.reported(gone.lane):
                self.due_ms[gone.lane] = now_ms + DROPPED_EVERY_MS
                await self.say(gone)

    def last_words(self) -> "list[tuple[str, dict[str, object]]]":
        """All that is not said yet, for the append that ends an epoch: with it its numbers go, and nobody could say it later.

        Said in appends of their own before it, they would make room for themselves where the store is full, and nobody
        would tell of that.
        """
        news = [gone for gone in self.recorder.journal.given_up() if gone.last > self.reported(gone.lane)]
        return [("journal.dropped", self.values(gone)) for gone in news]

    async def confirm(self, lane: int, seq: int) -> None:
        """A receipt covers `lane` up to `seq`: the platform has been told of every hole below, in a bundle."""
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
        kept = self.recorder.journal.epoch + gone.last.to_bytes(8, "big")
        state: "dict[str, bytes | None]" = {DROPPED + str(gone.lane): kept}
        await self.recorder.note("journal.dropped", values=self.values(gone), state=state)

    def values(self, gone: "GivenUp") -> "dict[str, object]":
        """What of the range is news, as the event has it: with its epoch, for it may be stored in the next."""
        first = max(gone.first, self.reported(gone.lane) + 1)
        epoch = self.recorder.journal.epoch
        return {"lane": gone.lane, "first_seq": first, "last_seq": gone.last, "epoch": epoch}
