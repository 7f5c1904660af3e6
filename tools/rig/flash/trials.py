"""The cuts: at every byte that is programmed and within every erase, in pairs, and beside writes that fail.

A life is played once on a flash that notes what it is told. For each moment of it the flash is then put as a cut leaves
it, and the product's own journal opens it. On some of them it goes on, is cut again, and opens again.
"""

from hal.errors import HalError
from hal.esp32.flash_journal import FlashJournal
from hal.sim.faults import PowerCutError
from hal.sim.nor_flash import ERASE_UNITS, SECTOR, Chance, NorFlash
from hal.types import ALARM
from tools.rig.flash.judge import faults_of
from tools.rig.flash.life import SECTORS, Life, Version, aged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tools.rig.flash.life import Step

    History = dict[bytes, list[list[bytes]]]

AGED_STEPS = 130
STEPS = 16  # calls of a life that are cut
GO_ON_EVERY = 4  # of so many images the journal goes on, ends, and starts again
SHOWN = 5
FAULTY_STEPS = 14
PAIRS = 60_000  # of a short run, about
LIVES, LIFE_UNITS = 250, 5_000  # of one flash, and how much each may write at most


class Found:
    """What the trials found."""

    def __init__(self) -> None:
        self.trials = 0
        self.bad = 0
        self.failures: list[str] = []
        self.reached: dict[str, int] = {}

    def add(self, where: str, wrong: str) -> None:
        """One trial."""
        self.trials += 1
        if wrong:
            self.bad += 1
            if len(self.failures) < SHOWN:
                self.failures.append(where + ": " + wrong)

    def step_of(self, total: int, most: int) -> int:
        """Of `total` moments each so many are taken: all where they fit into `most` trials, else some from beginning to end."""
        return max(1, -(-total // max(1, most - self.trials)))

    def note(self, name: str, count: int = 1) -> None:
        """Something that was reached."""
        self.reached[name] = self.reached.get(name, 0) + count


class Bench:
    """A flash that is put back again and again, as a cut at one moment of `log` leaves it."""

    def __init__(self, data: bytearray, seed: int) -> None:
        self.base = data
        self.work = bytearray(len(data))
        self.chance = Chance(seed)

    def image(self, operation: "tuple[int, int, bytes | None]", done: int) -> NorFlash:
        """The flash when `operation` is cut after `done` units."""
        place, offset, data = operation
        self.work[:] = self.base
        flash = NorFlash(len(self.work) // SECTOR, self.work, self.chance.below(1 << 28))
        if data is None:
            flash.tear_erase(place, done)
        else:
            flash.tear(place, offset, data, done, self.chance.below(3) == 0)
        return flash

    def apply(self, operation: "tuple[int, int, bytes | None]") -> None:
        """It was done whole."""
        place, offset, data = operation
        start = place * SECTOR + offset
        if data is None:
            self.base[start : start + SECTOR] = b"\xff" * SECTOR
        else:
            old = int.from_bytes(self.base[start : start + len(data)], "big")
            new = old & int.from_bytes(data, "big")
            self.base[start : start + len(data)] = new.to_bytes(len(data), "big")


def units(operation: "tuple[int, int, bytes | None]") -> int:
    """At how many moments it can be cut."""
    return ERASE_UNITS if operation[2] is None else len(operation[2])


async def opened(flash: NorFlash, history: "History", allowed: "list[Version]", go_on: bool) -> str:
    """Open what a cut left and judge it; with `go_on` also store an alarm, end, and start again."""
    try:
        journal = await FlashJournal.open(flash, random=flash.chance.bytes)
        wrong, version = faults_of(journal, history, allowed)
        if not wrong and version is not None and go_on:
            wrong = await gone_on(flash, journal, version)
    except HalError as error:
        wrong = "does not open: " + str(error)
    except AssertionError as error:
        wrong = str(error)
    FlashJournal._let_go_of(flash)
    return wrong


async def gone_on(flash: NorFlash, journal: FlashJournal, version: Version) -> str:
    """An alarm, a clean end, a start: what is wrong then."""
    (entry,) = await journal.append([(ALARM, b"after the cut")], {"after": b"1"})
    await journal.close()
    journal = await FlashJournal.open(flash, random=flash.chance.bytes)
    if journal.set_aside():
        return "was set aside at the second start: " + journal.set_aside()[0].reason
    if [each.event for each in journal.peek(ALARM, entry.seq - 1, 100)] != [entry.event]:
        return "the alarm after the cut is lost"
    if entry.seq != version.lasts[ALARM] + 1 or journal.state("after") != b"1":
        return "the alarm after the cut has another number, or its state is not there"
    return ""


def let_go(journal: FlashJournal) -> None:
    """The machine is gone; nothing is written for that."""
    journal._let_go_of(journal._device)


def allowed_at(steps: "list[Step]", index: int) -> "tuple[str, list[Version]]":
    """Which call the operation `index` belongs to, and what a cut in it may leave."""
    for step in steps:
        if step.before <= index < step.ended:
            return step.kind, step.after
    raise AssertionError("an operation of no call")


async def cuts(seed: int, found: Found, most: int) -> None:
    """One life, cut at every byte and within every erase."""
    await cut_life(seed, AGED_STEPS, STEPS, found, most)


async def pictures(seed: int, found: Found, most: int) -> None:
    """The same, of nothing but the moment in which the control stream begins anew."""
    await cut_life(seed, 12, 0, found, most)


async def cut_life(seed: int, before: int, steps: int, found: Found, most: int) -> None:
    """So many calls, and a new picture of the control stream, all of it cut."""
    life, flash = await aged(seed, before)
    bench = Bench(bytearray(flash.data), seed)
    flash.log = []
    await life.play(steps)
    await life.tidy()
    let_go(life.journal)
    step = found.step_of(sum([units(operation) for operation in flash.log]), most)
    number = seed
    for index in range(len(flash.log)):
        kind, allowed = allowed_at(life.steps, index)
        for done in range(units(flash.log[index])):
            number += 1
            if found.trials >= most:
                return
            if number % step:
                continue
            image = bench.image(flash.log[index], done)
            where = "seed %d, operation %d (%s), unit %d" % (seed, index, kind, done)
            found.add(where, await opened(image, life.history, allowed, found.trials % GO_ON_EVERY == 0))
            found.note("in " + kind if flash.log[index][2] is not None else "within erases")
        bench.apply(flash.log[index])


async def pairs(seed: int, found: Found, most: int) -> None:
    """One short run, cut at every byte; what each cut leaves is opened and gone on with, and that is cut at every byte."""
    life, flash = await aged(seed, seed % 5)
    if seed % 2 == 0:  # else it begins a sector
        await life.append([(ALARM, b"before")])
        life.steps = []
    bench = Bench(bytearray(flash.data), seed)
    flash.log = []
    await life.append([(ALARM, b"alarm")])
    let_go(life.journal)
    step = found.step_of(PAIRS, most)
    for index in range(len(flash.log)):
        for done in range(units(flash.log[index])):
            image = bench.image(flash.log[index], done)
            where = "seed %d, operation %d, unit %d" % (seed, index, done)
            await second_cuts(life, image, where, found, most, step)
            if found.trials >= most:
                return
        bench.apply(flash.log[index])


async def second_cuts(life: Life, image: NorFlash, where: str, found: Found, most: int, step: int) -> None:
    """Cut the start after a cut, and the append after it, at every byte, or at each so many."""
    inner = Bench(bytearray(image.data), image.chance.below(1 << 28))
    image.log = []
    found.note("first cuts")
    started = 0
    try:
        journal = await FlashJournal.open(image, random=image.chance.bytes)
        wrong, version = faults_of(journal, life.history, life.steps[0].after)
        started = len(image.log)
        await journal.append([(ALARM, b"second")])
    except (AssertionError, HalError) as error:
        wrong, version = str(error), None
    FlashJournal._let_go_of(image)
    if wrong or version is None:
        found.add(where, wrong)
        return
    history = {version.epoch: [list(lane) for lane in life.history[version.epoch]]}
    history[version.epoch][ALARM][version.lasts[ALARM] :] = [b"second"]
    lasts = list(version.lasts)
    lasts[ALARM] += 1
    grown = Version(version.epoch, lasts, version.state, version.floor)
    number = image.chance.below(step)
    for index in range(len(image.log)):
        # while it starts nobody is told anything, and a weak cell may read the other way the next time
        is_starting = index < started
        known, possible = (life.history, life.steps[0].after) if is_starting else (history, [version, grown])
        for done in range(units(image.log[index])):
            number += 1
            if found.trials >= most:
                return
            if number % step:
                continue
            again = inner.image(image.log[index], done)
            wrong = await opened(again, known, possible, found.trials % GO_ON_EVERY == 0)
            found.add(where + ", then operation %d, unit %d" % (index, done), wrong)
        inner.apply(image.log[index])


async def lives(seed: int, found: Found, most: int) -> None:
    """One flash that is cut again and again, so that each life begins with what all those before have left."""
    flash = NorFlash(SECTORS, None, seed)
    life = Life(seed, flash)
    chance = Chance(seed ^ 0x11FE)
    for number in range(LIVES):
        if found.trials >= most:
            return
        flash.dead, flash.cut_after = False, chance.below(LIFE_UNITS)
        begun = len(life.history)
        wrong = ""
        try:
            await life.open()
            wrong, version = faults_of(life.journal, life.history, life.allowed)
            if version is not None:
                life.now, life.allowed = version, [version]
            if begun and len(life.history) > begun:
                wrong = "another epoch than was told"
            while not wrong:
                await life.step()
        except PowerCutError:
            found.note("cuts")
        except (AssertionError, HalError) as error:
            wrong = str(error)
        FlashJournal._let_go_of(flash)
        found.add("seed %d, life %d" % (seed, number), wrong)
        if wrong:
            return
    found.note("erases", sum(flash.erases))


async def faults(seed: int, found: Found, most: int) -> None:
    """A life in which one operation of the flash fails, once at each of them; in every other one the power goes, too."""
    life, flash = await aged(seed, AGED_STEPS)
    let_go(life.journal)
    struck, number = True, 0
    while struck and found.trials < most:
        number += 1
        hurt = NorFlash(flash.sectors, bytearray(flash.data), seed * 1000 + number)
        hurt.fails[number] = hurt.chance.below(300)
        if number % 3 == 0:
            hurt.fails[number + 1] = 0
        if number % 5 == 0:
            hurt.stuck.add(hurt.chance.below(flash.sectors))
        if number % 2 == 0:
            hurt.cut_after = hurt.chance.below(12_000)
        where = "seed %d, error at operation %d" % (seed, number)
        struck = await with_fault(seed + number, life, hurt, where, found)


async def with_fault(seed: int, before: Life, flash: NorFlash, where: str, found: Found) -> bool:
    """A life on a flash that fails; whether it came as far as the fault."""
    life = Life(seed, flash)
    life.history = {epoch: [list(lane) for lane in lanes] for epoch, lanes in before.history.items()}
    life.now, life.allowed = before.now, [before.now]
    number = min(flash.fails)
    wrong = ""
    try:
        await life.open()
        await life.play(FAULTY_STEPS)
        let_go(life.journal)
    except PowerCutError:
        found.note("cuts after a fault")
    except AssertionError as error:
        wrong = str(error)
    except HalError as error:
        wrong = "does not go on after an error: " + str(error)
    FlashJournal._let_go_of(flash)
    struck = flash.operations >= number
    if not wrong:
        flash.fails, flash.cut_after, flash.dead = {}, None, False
        wrong = await opened(flash, life.history, life.allowed, True)
    found.add(where, wrong)
    found.note("calls that failed", life.failed)
    return struck or flash.operations == 0
