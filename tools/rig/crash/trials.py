"""Cuts at every operation of a life, faults at every nth, and a disk that fills: each returns what it found."""

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

from hal.errors import HalError
from tools.rig.crash.disk import EIO, ENOSPC, FAILED_SYNC, LOST_SYNC, Cuts, Disk, Image
from tools.rig.crash.judge import faults_of
from tools.rig.crash.life import Life, Told, opened
from tools.rig.crash.native import FileSystem

STEPS = 60  # groups in one life
MODES = (0, 1, 2, 2)  # images at each cut; see `Cuts.image`
RECOVERY_EVERY = 97  # of so many images one is cut again while it is being opened
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

    def lived(self, seed: int, disk: Disk, steps: int) -> Life:
        """A life of `steps` groups, killed at its end."""
        life = Life(self.system, disk, seed, synchronous=self.synchronous, early=self.early)
        life.open()
        life.begin_telling()
        for _ in range(steps):
            life.step()
        life.kill()
        return life

    def judged(self, image: Image, told: Told, moment: int) -> list[str]:
        """Open an image as the product does, and look."""
        path = self.system.put(Disk(image))
        try:
            connection = opened(path)
        except (sqlite3.Error, HalError) as error:
            return [f"does not open: {error}"]
        try:
            return faults_of(connection, told, moment)
        except sqlite3.Error as error:
            return [f"does not read: {error}"]
        finally:
            connection.close()

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
        for second in range(1, len(disk.log) + 1):
            for effect in (EIO, ENOSPC, LOST_SYNC, FAILED_SYNC):
                failing = Disk(copied(image), {second: effect})
                path = self.system.put(failing)
                try:
                    opened(path).close()
                except (sqlite3.Error, HalError):
                    pass
                found.faults += 1
                failing.faults = {}
                after = Image(failing.files)
                found.add(
                    f"{where}, then {effect} at {second} of its recovery", self.judged(after, told, moment)
                )

    # --- faults -------------------------------------------------------------------------------------------------------

    def faults(self, seed: int, found: Found, most: int) -> None:
        """One life for each fault at each of its operations; then a cut, and every image of that moment."""
        steps = 24
        length = len(self.lived(seed, Disk(), steps).disk.log)
        chance = random.Random(seed ^ 0xFA17)
        for number, effect, span in planned(chance, length):
            if found.images >= most:
                return
            found.faults += 1
            where = f"seed {seed}, {effect} at operation {number} and {span - 1} more"
            self.failing(
                seed, steps, dict.fromkeys(range(number, number + span), effect), where, chance, found
            )

    def failing(
        self, seed: int, steps: int, faults: dict[int, str], where: str, chance: random.Random, found: Found
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
        for _ in range(steps):
            life.step()
        moment = len(disk.log)
        life.kill()
        cuts = Cuts(disk)
        cuts.at(moment)
        for mode in MODES:
            found.add(f"{where}, image {mode}", self.judged(cuts.image(chance, mode), life.told, moment))


def planned(chance: random.Random, length: int) -> Iterator[tuple[int, str, int]]:
    """Every fault at every operation, once or for a while, in an order of chance: any part of them is a sample of all."""
    plan = [
        (number, effect, span)
        for number in range(1, length + 1)
        for effect in (EIO, ENOSPC, LOST_SYNC, FAILED_SYNC)
        for span in SPANS
    ]
    chance.shuffle(plan)
    return iter(plan)


def copied(image: Image) -> Image:
    """A copy that may be written to."""
    return Image({name: bytearray(data) for name, data in image.files.items()})
