"""A disk that others fill and free at random moments: alarms are stored as long as anything else can give way (F12)."""

import random
from dataclasses import dataclass, field

from hal.linux.journal_store import Store
from hal.types import ALARM, LANES, SAFETY, YIELD_ORDER
from tools.rig.crash.disk import Disk
from tools.rig.crash.life import MIX, Life
from tools.rig.crash.native import FileSystem

STEPS = 1_000
TOGETHER = 5  # events of one append
SHOWN = 20


@dataclass
class Filled:
    """`alarms`: how many were asked to be stored. `refused`: of them, while something else could have given way."""

    alarms: int = 0
    refused: int = 0
    yielded: int = 0
    out_of_order: int = 0
    stuck: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def bad(self) -> int:
        """Everything that must not be."""
        return self.refused + self.out_of_order + self.stuck

    def note(self, text: str) -> None:
        """A line for who looks into it."""
        if len(self.failures) < SHOWN:
            self.failures.append(text)


class FillingLife(Life):
    """Appends only; now and then the disk has not a byte left, and later it has again."""

    def play(self, seed: int, found: Filled) -> None:
        """The whole life."""
        chance = random.Random(seed ^ 0xF111)
        for step in range(STEPS):
            if chance.random() < 0.02:
                self.disk.room = sum(map(len, self.disk.files.values())) if self.disk.room is None else None
            self.writer._space._asked_s = 0.0  # so much time passes that the disk may be asked again
            lane = chance.choice((SAFETY, ALARM, *MIX, *MIX))
            held = self.held()
            event = [(lane, chance.randbytes(1) * chance.choice((60, 200)))] * TOGETHER
            self._write([(lambda store, e=event: store.append(e, {}), event, {})])
            refused = isinstance(self.outcomes[0], Exception)
            self.judge(seed, step, lane, refused, held, found)
            if chance.random() < 0.05:
                self.writer._tidy()
        self.disk.room = None
        self.writer._space._asked_s = 0.0
        last = [(ALARM, b"room again")]
        self._write([(lambda store: store.append(last, {}), last, {})])
        if isinstance(self.outcomes[0], Exception):
            found.stuck += 1
            found.note(f"seed {seed}: room is back, and an alarm is refused: {self.outcomes[0]}")

    def held(self) -> list[int]:
        """Events that each lane holds."""
        return [mark.last - mark.first + 1 for mark in self.store.marks]

    def judge(self, seed: int, step: int, lane: int, refused: bool, held: list[int], found: Filled) -> None:
        """An alarm is refused only where nothing may give way; who gives way is the least of those that hold anything."""
        found.alarms += lane in (SAFETY, ALARM)
        if refused and lane in (SAFETY, ALARM) and any(held[other] for other in YIELD_ORDER):
            found.refused += 1
            found.note(
                f"seed {seed}, step {step}: an alarm was refused while {held} were held: {self.outcomes[0]}"
            )
        now = self.held()
        if not refused:
            now[lane] -= TOGETHER  # those that came just now make nobody else wait
        gone = [other for other in LANES if now[other] < held[other]]
        found.yielded += sum(held[other] - now[other] for other in gone)
        for other in gone:
            before = YIELD_ORDER[: YIELD_ORDER.index(other)] if other in YIELD_ORDER else YIELD_ORDER
            if other in (SAFETY, ALARM) or any(now[less] for less in before):
                found.out_of_order += 1
                found.note(f"seed {seed}, step {step}: lane {other} gave way while {now} were held")


class StingyStore(Store):
    """The control: it refuses what does not fit, and nothing gives way."""

    def _give_up_oldest(self, lane: int) -> bool:
        return False


def fill(system: FileSystem, seed: int, found: Filled, *, stingy: bool = False) -> None:
    """One life on a disk that fills."""
    life = FillingLife(system, Disk(), seed)
    life.open()
    if stingy:
        life.store = life.writer._store = StingyStore(life.connection, life.writer._space)
    life.begin_telling()
    life.play(seed, found)
    life.kill()
