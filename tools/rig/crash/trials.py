"""Cuts at every operation of a life, faults at every nth, and a disk that fills: each returns what it found."""

import contextlib
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

from hal.errors import HalError
from hal.types import chain_next
from tools.rig.crash.disk import Cuts, Disk, Image, Operation, possible
from tools.rig.crash.judge import faults_of
from tools.rig.crash.life import Life, Told, opened
from tools.rig.crash.native import FileSystem

STEPS = 60  # groups in one life
MODES = (0, 1, 2, 2)  # images at each cut; see `Cuts.image`
ON_EVERY = 8  # of so many images one is started and appended to
RECOVERY_EVERY = 97  # of so many images one is cut again while it is being opened
FAULT_STEPS = 40  # groups in a life that meets a fault
FAULT_MODES = (0, 2)
OPENING_SHARE = 16
SPANS = (1, 5, 1_000)  # operations for which a disk fails: a hiccup, a moment, from then on
SHOWN = 20


@dataclass
class Found:
    """What trials found. failures: one line each, with what replays it."""

    images: int = 0
    faults: int = 0
    bad: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, where: str, wrong: list[str]) -> None:
        """One image was judged."""
        self.images += 1
        if wrong:
            self.bad += 1
            if len(self.failures) < SHOWN:
                self.failures.append(f"{where}: {wrong[0]}")


class Trials:
    """All trials of one process, over one file system of SQLite's."""

    def __init__(self, system: FileSystem, *, synchronous: str = "FULL", early: bool = False) -> None:
        self.system = system
        self.synchronous, self.early = synchronous, early
        self._judged = 0

    # --- cuts ---------------------------------------------------------------------------------------------------------

    def cuts(self, seed: int, found: Found, most: int) -> None:
        """One life, cut before every operation; stops when `found` has `most` images."""
        life = self.lived(seed, Disk(), STEPS)
        chance = random.Random(seed ^ 0x5EED)
        cuts = Cuts(life.disk)
        for moment in range(life.told.groups[0].told, len(life.disk.log) + 1):
            cuts.at(moment)
            for mode in (0,) if cuts.settled else MODES:
                if found.images >= most:
                    return
                image = cuts.image(chance, mode)
                where = f"seed {seed}, operation {moment}, image {mode}"
                if found.images % RECOVERY_EVERY == RECOVERY_EVERY - 1:
                    self.recovery(image, life.told, moment, where, chance, found)
                else:
                    found.add(where, self.judged(image, life.told, moment))

    def lived(self, seed: int, disk: Disk, steps: int, *, epochs: bool = True) -> Life:
        """A life of `steps` groups, killed at its end."""
        life = Life(self.system, disk, seed, synchronous=self.synchronous, early=self.early)
        life.no_epochs = not epochs
        life.open()
        life.begin_telling()
        for _ in range(steps):
            life.step()
        life.kill()
        return life

    def judged(self, image: Image, told: Told, moment: int) -> list[str]:
        """Open an image as the product does, and look."""
        disk = Disk(image)
        try:
            connection = opened(self.system.put(disk))
        except (sqlite3.Error, HalError) as error:
            return [f"does not open: {error}"]
        try:
            wrong = faults_of(connection, told, moment)
        except sqlite3.Error as error:
            return [f"does not read: {error}"]
        finally:
            connection.close()
        self._judged += 1
        return wrong or (self.goes_on(disk) if self._judged % ON_EVERY == 0 else [])

    def goes_on(self, disk: Disk) -> list[str]:
        """Open what is left by the whole start of a writer, and append: the next numbers, and the chain upon them."""
        life = Life(self.system, disk, self._judged)
        try:
            life.open()
            before = [(mark.last, mark.chain) for mark in life.store.marks]
            life.begin_telling()
            told = life.append_one()
        except (sqlite3.Error, HalError) as error:
            return [f"opens, and does not go on: {error}"]
        finally:
            life.kill()
        if isinstance(told, Exception):
            return [f"an append afterwards is refused: {told}"]
        seq, chain = before[told.lane]
        if (told.seq, told.chain) != (seq + 1, chain_next(chain, told.event)):
            return [f"lane {told.lane}: number {told.seq} does not follow {seq}, or its chain value does not"]
        return []

    def recovery(
        self, image: Image, told: Told, moment: int, where: str, chance: random.Random, found: Found
    ) -> None:
        """Open an image, and cut or fail that at every operation: a second misfortune loses nothing either."""
        disk = Disk(copied(image))
        path = self.system.put(disk)
        try:
            opened(path).close()
        except (sqlite3.Error, HalError) as error:
            found.add(where, [f"does not open: {error}"])
            return
        cuts = Cuts(disk)
        for second in range(len(disk.log) + 1):
            cuts.at(second)
            for mode in (0, 1, 2):
                again = cuts.image(chance, mode)
                found.add(
                    f"{where}, then {second} of its recovery, image {mode}", self.judged(again, told, moment)
                )
        for second, operation in enumerate(disk.log, 1):
            for effect in possible(operation.kind):
                failing = Disk(copied(image), {second: effect})
                with contextlib.suppress(sqlite3.Error, HalError):
                    opened(self.system.put(failing)).close()
                cuts = Cuts(failing)
                cuts.at(len(failing.log))
                failing.stop_at = 0  # whatever has not been closed yet
                found.faults += 1
                failed = f"{where}, then {effect} at {second} of its recovery"
                found.add(f"{failed}, then a cut", self.judged(cuts.image(chance, 2), told, moment))
                found.add(failed, self.judged(Image(failing.files), told, moment))

    # --- faults -------------------------------------------------------------------------------------------------------

    def faults(self, seed: int, found: Found, most: int) -> None:
        """One life for each fault at each of its operations; then a cut, and every image of that moment."""
        life = self.lived(seed, Disk(), FAULT_STEPS, epochs=False)
        chance = random.Random(seed ^ 0xFA17)
        for number, effect, span in planned(chance, life.disk.log, life.told.groups[0].told):
            if found.images >= most:
                return
            where = f"seed {seed}, {effect} at operation {number} and {span - 1} more"
            self.failing(seed, dict.fromkeys(range(number, number + span), effect), where, chance, found)

    def failing(
        self, seed: int, faults: dict[int, str], where: str, chance: random.Random, found: Found
    ) -> None:
        """One life in which something fails, as far as it comes."""
        disk = Disk(faults=faults)
        life = Life(self.system, disk, seed, synchronous=self.synchronous, early=self.early)
        try:
            life.open()
        except (sqlite3.Error, HalError):
            life.kill()  # nothing was promised yet
            return
        life.no_epochs = True
        life.begin_telling()
        with contextlib.suppress(sqlite3.Error, HalError):  # a start that fails: the process ends there
            for _ in range(FAULT_STEPS):
                life.step()
        found.faults += disk.struck > 0
        end = len(disk.log)
        life.kill()
        cuts = Cuts(disk)
        for moment in moments_after(min(faults), life.told, end, chance):
            cuts.at(moment)
            for mode in FAULT_MODES:
                image = cuts.image(chance, mode)
                found.add(f"{where}, cut at {moment}, image {mode}", self.judged(image, life.told, moment))


def moments_after(fault: int, told: Told, end: int, chance: random.Random) -> list[int]:
    """When to cut: soon after a fault, before a checkpoint may heal what it did; some time later; at the end."""
    tellings = [group.told for group in told.groups if fault <= group.told <= end] or [end]
    return sorted({*tellings[:2], chance.choice(tellings), end})


def planned(chance: random.Random, log: list[Operation], begun: int) -> Iterator[tuple[int, str, int]]:
    """Every fault at every operation, once or for a while, in an order of chance: any part of them is a sample of all.

    Of the operations that make a new store, before `begun`, one in `OPENING_SHARE`: nothing was promised then.
    """
    plan = [
        (number, effect, span)
        for number, operation in enumerate(log, 1)
        if number > begun or chance.randrange(OPENING_SHARE) == 0
        for effect in possible(operation.kind)
        for span in SPANS
    ]
    chance.shuffle(plan)
    return iter(plan)


def copied(image: Image) -> Image:
    """A copy that may be written to."""
    return Image({name: bytearray(data) for name, data in image.files.items()})
