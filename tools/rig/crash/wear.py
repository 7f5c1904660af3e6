"""What the journal's writing wears of a card: bytes for each event, and how often one and the same block is written.

Counted beneath SQLite, by places, with no clock. Blocks are of 4 KiB, those of a file system; what a file system and
the card's own controller make of them is theirs.
"""

from collections import Counter
from dataclasses import dataclass, field

from hal.linux.journal_store import Store
from hal.types import MEASUREMENT
from tools.rig.crash.disk import WRITE, Disk
from tools.rig.crash.life import Life
from tools.rig.crash.native import FileSystem

BLOCK_BYTES = 4096
EVENT = bytes(range(100))


@dataclass
class Wear:
    """What was written: bytes, and how often each block of each file."""

    written: int = 0
    blocks: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def hottest(self) -> int:
        """How often the block was written that was written most."""
        return max(self.blocks.values(), default=0)


def wear_of(disk: Disk, since: int) -> Wear:
    """Of what was asked of a disk from that operation on."""
    wear = Wear()
    for operation in disk.log[since:]:
        if operation.kind == WRITE and operation.data:
            wear.written += len(operation.data)
            last = operation.offset + len(operation.data) - 1
            for block in range(operation.offset // BLOCK_BYTES, last // BLOCK_BYTES + 1):
                wear.blocks[(operation.file, block)] += 1
    return wear


class WearingLife(Life):
    """A home in which routine events come and are receipted.

    `eager`, the control: each receipt deletes at once, and a log of one page brings everything into the file.
    """

    def __init__(self, system: FileSystem, disk: Disk, seed: int = 1, *, eager: bool = False) -> None:
        super().__init__(system, disk, seed)
        self.eager = eager
        self.since = 0

    def begin(self) -> None:
        """Open; from now on it counts."""
        self.open()
        self.begin_telling()
        if self.eager:
            self.connection.execute("PRAGMA wal_autocheckpoint = 1")
        self.since = len(self.disk.log)

    def live(self, events: int, together: int = 1, *, receipts: bool = True) -> Wear:
        """So many events, in appends of some; between them the writer does what it does when nobody waits."""
        for _ in range(events // together):
            rows = [(MEASUREMENT, EVENT)] * together
            self._write([(lambda store, rows=rows: store.append(rows, {}), rows, {})])
            if receipts:
                last = self.store.marks[MEASUREMENT].last
                self._write([(lambda store, last=last: store.ack(MEASUREMENT, last), [], {})])
            if self.eager:
                self.writer._alone(Store.forget_all)
            self.writer._tidy()
        return self.worn()

    def idle(self, turns: int) -> Wear:
        """Nothing comes; each turn so much time passes that a full disk may be asked again."""
        for _ in range(turns):
            self.writer._space._asked_s = 0.0
            self.writer._tidy()
        return self.worn()

    def worn(self) -> Wear:
        """Since the last look."""
        since, self.since = self.since, len(self.disk.log)
        return wear_of(self.disk, since)
