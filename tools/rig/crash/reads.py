"""The medium does not answer a read: every nth, at the start, at `peek`, while the log is recovered, and in use.

Who asks is told, in words with a cause and what to do, or gets everything that was asked for; nothing is passed over.
And nothing is destroyed: when the medium answers again, with or without a cut in between, the product's own journal
reaches every event and all state that it had told of as stored, in the open store or in one that was set aside.
"""

import asyncio
import contextlib
import random
import sqlite3
from collections.abc import Callable, Container
from typing import Any

from hal.errors import CorruptDataError, HalError
from hal.linux.journal import SqliteJournal
from hal.linux.journal_errors import from_sqlite
from hal.linux.journal_writer import Mirror
from hal.types import LANES
from tools.rig.crash.asides import (
    DAMAGES,
    STORE,
    Asides,
    Change,
    Held,
    as_held,
    deleted,
    unhelpful,
    unreached,
    word,
)
from tools.rig.crash.disk import Cuts, Disk, Image
from tools.rig.crash.life import CAPACITY_BYTES, NOWHERE, Life
from tools.rig.crash.machine import Machine, salvage
from tools.rig.crash.names import NameCuts
from tools.rig.crash.native import FileSystem
from tools.rig.crash.trials import Found, Trials, copied

STEPS = 25  # groups in a life
CACHE_PAGES = 4  # of a store in use: what was read once is read again
PEEK_BYTES = 3_000
FOREVER = 1 << 40
SPANS = (1, 4, FOREVER)  # reads that are not answered: one, a moment, from then on
BEGUN_READS = 1  # of a connection, before it is asked for anything: the standard library's reads later
EVERY = (2, 3, 7, 20)  # every nth

Peek = Callable[[SqliteJournal, int, int], list[Any]]


class Multiples:
    """Every nth number."""

    def __init__(self, step: int) -> None:
        self.step = step

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and number % self.step == 0


class ReadingLife(Life):
    """Begins as the product does, on the simulated machine, and has a small cache."""

    def __init__(self, system: FileSystem, disk: Disk, seed: int, change: Change | None = None) -> None:
        super().__init__(system, disk, seed)
        self.change = change
        self.machine: Machine | None = None

    def open(self) -> None:
        """As `Writer.run`. Raises HalError."""
        self.machine = Machine(self.system, self.disk, self.change)
        opened = self.machine.open_file(self.chance.randbytes)
        try:
            opened.writer.execute(f"PRAGMA cache_size = {CACHE_PAGES}")
            self.take_over(opened.writer, opened.set_aside)
        except sqlite3.Error as error:
            raise from_sqlite(error, "opening it") from error

    def kill(self) -> None:
        """The process is gone, whether it came to opening or not."""
        super().kill()
        if self.machine is not None:
            self.machine.kill()

    def note_damage(self, error: HalError) -> None:
        """As journal and writer do, so that the next start sets the store aside."""
        if isinstance(error, CorruptDataError) and self.machine is not None:
            self.machine.file.note_damage(self.machine.path, str(error))


# --- looking ----------------------------------------------------------------------------------------------------------


def product_peek(journal: SqliteJournal, lane: int, after: int) -> list[Any]:
    """What the hub asks for."""
    return list(journal.peek(lane, after, PEEK_BYTES))


def lenient_peek(journal: SqliteJournal, lane: int, after: int) -> list[Any]:
    """The control: what does not read is the end of the lane."""
    try:
        return product_peek(journal, lane, after)
    except HalError:
        return []


async def looked(life: ReadingLife, peek: Peek) -> list[str]:
    """Read all that the open store holds, as the hub does; what was passed over, or told without words."""
    journal = SqliteJournal(NOWHERE, CAPACITY_BYTES)
    journal._mirror, journal._reader = Mirror(life.store), life.connection
    for lane in LANES:
        mark, after = life.store.marks[lane], life.store.marks[lane].first - 1
        while after < mark.last:
            try:
                found = peek(journal, lane, after)
            except HalError as error:
                life.note_damage(error)
                if wrong := unhelpful(error):
                    return wrong
                break
            if not found or [entry.seq for entry in found] != list(range(after + 1, found[-1].seq + 1)):
                return [f"lane {lane}: numbers behind {after} of {mark.last} are passed over in silence"]
            after = found[-1].seq
    return []


UNSAFE: dict[str, dict[str, Any]] = {"lenient": {"peek": lenient_peek}, "deleted": {"change": deleted}}


# --- trials -----------------------------------------------------------------------------------------------------------


class Reads:
    """All trials of one process; `change` and `peek` may be unsafe, and lives tell `early`, for a control."""

    def __init__(
        self,
        system: FileSystem,
        change: Change | None = None,
        peek: Peek = product_peek,
        *,
        early: bool = False,
    ) -> None:
        self.system, self.change, self.peek, self.early = system, change, peek, early

    def starts(self, seed: int, found: Found, most: int) -> None:
        """One store, as a kill has left it, that is started and read while the medium does not answer."""
        life = Life(self.system, Disk(), seed)
        life.open()
        life.begin_telling()
        for _ in range(STEPS):
            life.step()
        life.kill()
        image, promised = Image(life.disk.files), held(life)
        whole = Disk(copied(image))
        self.read(whole, seed)
        chance = random.Random(seed ^ 0xE10)
        for what, numbers in planned(chance, whole.reads):
            if found.images >= most:
                return
            disk = Disk(copied(image))
            disk.unreadable = numbers
            wrong = self.read(disk, seed)
            found.faults += disk.struck > 0
            where = f"seed {seed}, {what} not answered"
            found.add(where, wrong or unreached(copied(Image(disk.files)), promised))
            cuts = NameCuts(disk, ordered=chance.random() < 0.5)
            cuts.at(chance.randint(0, len(disk.log)))
            found.add(f"{where}, cut", unreached(cuts.image(chance, 2), promised))

    def read(self, disk: Disk, seed: int) -> list[str]:
        """Start, and read everything; what was wrong with what was told."""
        life = ReadingLife(self.system, disk, seed, self.change)
        try:
            life.open()
            return asyncio.run(looked(life, self.peek))
        except HalError as error:
            return unhelpful(error)
        finally:
            asked = len(disk.log)
            life.kill()
            del disk.log[asked:]

    def salvages(self, seed: int, found: Found, most: int) -> None:
        """A store that was set aside whole, and is read while the medium does not answer: all of it, or a word of that."""
        store = Asides(self.system).broken(seed * len(DAMAGES), word).files
        image = Image({"aside" + name.removeprefix(STORE): data for name, data in store.items()})
        whole = Disk(copied(image))
        count = len(list(salvage(self.system, whole, "aside")))
        for number in range(BEGUN_READS + 1, whole.reads + 1):
            for span in SPANS:
                if found.images >= most:
                    return
                disk = Disk(copied(image))
                disk.unreadable = range(number, number + span)
                wrong: list[str] = []
                try:
                    got = len(list(salvage(self.system, disk, "aside")))
                    if got < count:
                        wrong = [f"{count - got} of {count} events are passed over in silence"]
                except HalError as error:
                    wrong = unhelpful(error)
                found.faults += disk.struck > 0
                found.add(f"seed {seed}, read {number} and {span - 1} more of what was set aside", wrong)

    def lives(self, seed: int, found: Found, most: int) -> None:
        """A life in which reads are not answered: what is told as stored is there afterwards, whole and in place."""
        trials, chance = Trials(self.system), random.Random(seed ^ 0x11FE)
        whole = self.lived(Disk(), seed)
        for _ in range(most - found.images):
            number, span = chance.randint(whole.begun + 1, whole.disk.reads), chance.choice((1, 4, 40))
            disk = Disk()
            disk.unreadable = range(number, number + span)
            life = self.lived(disk, seed)
            found.faults += disk.struck > 0
            where = f"seed {seed}, reads {number} to {number + span - 1} not answered in use"
            wrong = [text for error in life.errors for text in unhelpful(error)]
            cuts = Cuts(disk)
            cuts.at(len(disk.log))
            image = cuts.image(chance, chance.choice((0, 1, 2)))
            found.add(where, wrong or trials.judged(image, life.told, len(disk.log)))

    def lived(self, disk: Disk, seed: int) -> "LifeInUse":
        """A life, as far as it comes."""
        life = LifeInUse(self.system, disk, seed, early=self.early)
        life.no_epochs = True
        with contextlib.suppress(sqlite3.Error, HalError):  # a start that fails: the process ends there
            life.open()
            life.begin_telling()
            life.begun = disk.reads
            for _ in range(STEPS):
                life.step()
                life.errors += [outcome for outcome in life.outcomes if isinstance(outcome, HalError)]
        asked = len(disk.log)
        life.kill()
        del disk.log[asked:]
        return life


class LifeInUse(Life):
    """With a small cache, so that appends and receipts read; `errors` holds what callers were told.

    `begun`: how many reads its start took, before anything was promised.
    """

    def __init__(self, system: FileSystem, disk: Disk, seed: int, *, early: bool = False) -> None:
        super().__init__(system, disk, seed, early=early)
        self.errors: list[HalError] = []
        self.begun = 0

    def take_over(self, connection: Any, set_aside: list[tuple[str, str]] | None = None) -> None:
        connection.execute(f"PRAGMA cache_size = {CACHE_PAGES}")
        super().take_over(connection, set_aside)


def planned(chance: random.Random, reads: int) -> list[tuple[str, Container[int]]]:
    """Every read not answered, once or for a while, and every nth; in an order of chance: any part is a sample of all."""
    plan: list[tuple[str, Container[int]]] = [(f"every read of {step}", Multiples(step)) for step in EVERY]
    for number in range(1, reads + 1):
        plan += [(f"read {number} and {span - 1} more", range(number, number + span)) for span in SPANS]
    chance.shuffle(plan)
    return plan


def held(life: Life) -> Held:
    """Every event that was told as stored and that nobody has receipted, and all state."""
    final = life.told.groups[-1].final
    return as_held(final.state) | {
        (lane, seq, event)
        for lane in LANES
        for seq, event, _ in life.told.history[final.epoch][lane][final.acked[lane] : final.lasts[lane]]
    }
