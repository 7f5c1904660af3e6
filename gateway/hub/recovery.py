"""A store that was set aside is journalled again beside everything else: alarms that come now do not wait for it."""

from gateway.core import cbor
from gateway.hub.recorder import RETRY_FULL_MS, again_bytes
from hal.errors import StorageFullError
from hal.types import ASIDE_STATE, TECHNICAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.hub.recorder import Log, Recorder, State
    from hal.types import SetAside

AGAIN = "again."  # state: lane, number and count of what is journalled again of the store of that name
AGAIN_AT_ONCE = 128  # entries that go into one append, and are read without a pause


class Recovery:
    """Journals again what can be read, each with its old identity: the platform removes what it has."""

    def __init__(self, recorder: "Recorder", log: "Log") -> None:
        self.recorder = recorder
        self.log = log

    async def run(self) -> None:
        """Take up every store, the oldest first."""
        for aside in self.recorder.journal.set_aside():
            self.log("error", "A store did not open and was set aside.", name=aside.name, cause=aside.reason)
            await self.take_up(aside)

    async def take_up(self, aside: "SetAside") -> None:
        """One store, from where the last run was cut short."""
        key = AGAIN + aside.name
        kept = self.recorder.journal.state(key)
        row: "list[Any]" = cbor.decode(kept) if kept is not None else [0, 0, 0]  # type: ignore[assignment]
        done, count = (row[0], row[1]), row[2]
        again: "list[tuple[int, bytes]]" = []
        for entry in aside.entries:
            if (entry.lane, entry.seq) <= done:
                continue
            again.append((entry.lane, again_bytes(entry)))
            if len(again) == AGAIN_AT_ONCE:
                count += len(again)
                await self.put(again, {key: cbor.encode([entry.lane, entry.seq, count])})
                again = []
        count += len(again)
        notice = self.recorder.event_bytes("journal.set_aside", {"reason": aside.reason, "count": count})
        again.append((TECHNICAL, notice))
        await self.put(again, {key: None, ASIDE_STATE + aside.name: b"\x01"})
        self.log("info", "What was set aside is journalled again.", name=aside.name, count=count)

    async def put(self, again: "list[tuple[int, bytes]]", state: "State") -> None:
        """Store a piece, however long that takes."""
        while True:
            try:
                await self.recorder.put(again, state)
                return
            except StorageFullError as error:
                self.log("error", "No room for what was set aside; it waits.", cause=str(error))
            await self.recorder.clock.sleep_ms(RETRY_FULL_MS)
