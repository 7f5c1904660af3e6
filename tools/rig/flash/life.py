"""What a flash journal does in its life, by a seed, and between which states a cut at any moment of it may choose.

The product's own journal does the work. The model keeps every event that was ever given a number.
"""

import asyncio

from hal.errors import HalError, StorageFullError
from hal.esp32.flash_journal import FlashJournal
from hal.sim.nor_flash import Chance, NorFlash
from hal.types import ALARM, INFO, LANES, MEASUREMENT, SAFETY, TECHNICAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.types import Entry

SECTORS = 28  # few, so that a life goes round and round
MIX = (SAFETY, ALARM, TECHNICAL, MEASUREMENT, MEASUREMENT, MEASUREMENT, INFO, INFO)
SIZES = (8, 40, 60, 100, 100, 200, 300, 900)
LONG = 5000  # of an event that takes more than a sector
KEYS = 5
TRIES = 4  # of a call on a flash that fails now and then


class Version:
    """A state of the whole store. `floor`: by lane, up to where the platform has receipted or knows of the hole."""

    __slots__ = ("epoch", "floor", "lasts", "state")

    def __init__(
        self, epoch: bytes, lasts: "list[int]", state: "dict[str, bytes]", floor: "list[int]"
    ) -> None:
        self.epoch = epoch
        self.lasts = lasts
        self.state = state
        self.floor = floor


class Step:
    """One call: where the flash's log stood before and after it, and the states that a cut may leave."""

    __slots__ = ("after", "before", "ended", "kind")

    def __init__(self, kind: str, before: int, ended: int, after: "list[Version]") -> None:
        self.kind = kind
        self.before = before
        self.ended = ended
        self.after = after  # the last one is what was told


class Life:
    """One gateway with its journal. Calls are made one after the other."""

    def __init__(self, seed: int, flash: NorFlash) -> None:
        self.flash = flash
        self.chance = Chance(seed)
        self.journal: FlashJournal
        self.history: dict[bytes, list[list[bytes]]] = {}
        self.steps: list[Step] = []
        self.count = 0
        self.now: Version
        self.allowed: list[Version] = []  # what a cut at this moment may leave
        self.failed = 0  # calls that raised

    async def open(self) -> None:
        """The start; again where the medium fails."""
        for attempt in range(TRIES):
            try:
                self.journal = await FlashJournal.open(self.flash, random=self.chance.bytes)
                break
            except HalError:
                self.failed += 1
                if attempt == TRIES - 1:
                    raise
        epoch = self.journal.epoch
        if epoch not in self.history:
            self.history[epoch] = [[] for _ in LANES]
            self.now = Version(epoch, [0 for _ in LANES], {}, [0 for _ in LANES])
            self.allowed = [self.now]

    async def play(self, steps: int) -> None:
        """So many calls."""
        for _ in range(steps):
            await self.step()

    async def step(self) -> None:
        """Something that happens to a journal."""
        self.count += 1
        kind = self.chance.below(100)
        if kind < 70:
            await self.append()
        elif kind < 85:
            await self.ack()
        elif kind < 91:
            await self.confirm()
        elif kind < 98:
            await self.reopen()
        else:
            await self.new_epoch()

    def events(self) -> "list[tuple[int, bytes]]":
        """Between none and four, of any lane and size."""
        found = []
        for _ in range((0, 1, 1, 1, 2, 4)[self.chance.below(6)]):
            size = LONG if self.chance.below(60) == 0 else SIZES[self.chance.below(len(SIZES))]
            text = b"%d." % self.count + bytes([self.chance.below(256)]) * size
            found.append((MIX[self.chance.below(len(MIX))], text[:size]))
        return found

    async def append(self, events: "list[tuple[int, bytes]] | None" = None) -> None:
        """Events, state, or both."""
        events = self.events() if events is None else events
        state: dict[str, bytes | None] = {}
        if not events or self.chance.below(3) == 0:
            value = b"%d " % self.count * self.chance.below(120)
            state["key%d" % self.chance.below(KEYS)] = None if self.chance.below(9) == 0 else value
        await self.do("append", self.grown(events, state), self.journal.append(events, state))

    def grown(self, events: "list[tuple[int, bytes]]", state: "dict[str, bytes | None]") -> Version:
        """What holds when these are stored. The history has them from now on."""
        lasts, kept = list(self.now.lasts), dict(self.now.state)
        for lane, event in events:
            del self.history[self.now.epoch][lane][lasts[lane] :]
            self.history[self.now.epoch][lane].append(event)
            lasts[lane] += 1
        for key, value in state.items():
            kept.pop(key, None)
            if value is not None:
                kept[key] = value
        return Version(self.now.epoch, lasts, kept, self.now.floor)

    async def ack(self) -> None:
        """A receipt for part of a lane, or for all of it."""
        lane = LANES[self.chance.below(5)]
        mark = self.journal.mark(lane)
        held = mark.last - mark.first + 1
        if held > 0:
            seq = mark.last if self.chance.below(3) == 0 else mark.first + self.chance.below(held)
            floor = list(self.now.floor)
            floor[lane] = max(floor[lane], seq)
            version = Version(self.now.epoch, self.now.lasts, self.now.state, floor)
            await self.do("ack", version, self.journal.ack(lane, seq))

    async def confirm(self) -> None:
        """The hub reports what went for space."""
        gaps = self.journal.given_up()
        if gaps:
            events = [(TECHNICAL, b"dropped %d to %d" % (gaps[0].first, gaps[0].last))]
            version = self.grown(events, {})
            version.floor = list(self.now.floor)
            version.floor[gaps[0].lane] = max(version.floor[gaps[0].lane], gaps[0].last)
            await self.do("confirm", version, self.journal.confirm_given_up(gaps[0], events))

    async def reopen(self) -> None:
        """A clean end and a start."""
        before = self.log_size()
        try:
            await self.journal.close()
        except HalError:
            self.failed += 1
        await self.open()
        self.steps.append(Step("reopen", before, self.log_size(), [self.now]))

    async def tidy(self) -> None:
        """The control stream begins anew, as it does by itself after some hundred words."""
        before = self.log_size()
        self.journal._store.picture()
        self.steps.append(Step("picture", before, self.log_size(), [self.now]))

    async def new_epoch(self) -> None:
        """All that is held goes on under other numbers."""
        epoch = self.chance.bytes(8)
        history = []
        for lane in LANES:
            mark = self.journal.mark(lane)
            history.append(
                [
                    event + b"#"
                    for event in self.history[self.now.epoch][lane][mark.first - 1 : self.now.lasts[lane]]
                ]
            )
        self.history[epoch] = history
        lasts = [len(lane) for lane in history]
        version = Version(epoch, lasts, self.now.state, [0 for _ in LANES])
        await self.do("epoch", version, self.journal.begin_epoch(epoch, longer, []))

    async def do(self, kind: str, version: Version, call: object) -> None:
        """Make the call, and note between which states a cut in it may choose."""
        before = self.log_size()
        self.allowed = [self.now, version]
        try:
            await call  # type: ignore[misc]
        except StorageFullError:
            version = self.now
        except HalError:
            self.failed += 1
            await self.look(self.allowed)
            version = self.now
        self.steps.append(Step(kind, before, self.log_size(), [self.now, version]))
        self.now = version
        self.allowed = [version]

    async def look(self, possible: "list[Version]") -> None:
        """After a call that failed: what the journal holds now is one of `possible`, and goes on as that."""
        for attempt in range(TRIES):
            try:
                await self.journal.ack(SAFETY, 0)  # it reads the flash again
                break
            except HalError:
                self.failed += 1
                if attempt == TRIES - 1:
                    raise
        lasts = [self.journal.mark(lane).last for lane in LANES]
        for version in reversed(possible):  # of two that differ in receipts alone, the one that knows more
            state = {key: self.journal.state(key) for key in self.journal.state_keys("")}
            if (version.epoch, version.lasts, version.state) == (self.journal.epoch, lasts, state):
                self.now = version
                return
        raise AssertionError("after an error it holds neither what was before nor what was asked")

    def log_size(self) -> int:
        """Operations of the flash so far, where they are noted."""
        return len(self.flash.log) if self.flash.log is not None else 0


def longer(entry: "Entry") -> bytes:
    """An entry as it goes on in a new epoch."""
    return entry.event + b"#"


async def aged(seed: int, steps: int) -> "tuple[Life, NorFlash]":
    """A journal that has gone round its flash for a while."""
    flash = NorFlash(SECTORS, None, seed)
    life = Life(seed, flash)
    await life.open()
    await life.play(steps)
    await asyncio.sleep(0)
    life.steps = []
    return life, flash
