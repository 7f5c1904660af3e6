"""What a journal does in its life, by a seed, and what must be there after a cut at any moment of it.

The product's own `Writer`, `Store` and `Space` do the work, without their thread. The model keeps every event that was ever given
a number, and the states between which a cut may choose: what was told last, and each work of what was under way.
"""

import contextlib
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hal.errors import HalError
from hal.linux import journal_file
from hal.linux.journal_space import Space
from hal.linux.journal_store import Store
from hal.linux.journal_writer import Mirror, Request, Writer
from hal.types import (
    ALARM,
    INFO,
    LANES,
    MEASUREMENT,
    SAFETY,
    TECHNICAL,
    Entry,
    GivenUp,
    chain_next,
    chain_start,
)
from tools.rig.crash.disk import Disk
from tools.rig.crash.native import Connection, FileSystem, SimBlocks

CAPACITY_BYTES = 640 * 1024
SCRIPTS = journal_file.migrations()
NOWHERE = Path("/nonexistent/journal.sqlite")
MIX = (SAFETY, ALARM, TECHNICAL, MEASUREMENT, MEASUREMENT, MEASUREMENT, INFO, INFO)

Row = tuple[int, bytes, bytes]


@dataclass
class Version:
    """A state of the whole store. `acked`: by lane, up to where the platform has receipted or knows of the hole.

    `tails`: rows of each lane behind those of the history, where nobody was told of them.
    """

    epoch: bytes
    lasts: tuple[int, ...]
    state: dict[str, bytes]
    acked: tuple[int, ...]
    tails: dict[int, list[Row]] = field(default_factory=dict)


@dataclass
class Group:
    """Works that were asked for together. Each is atomic; where one failed, nothing is promised about that one.

    asked, told: lengths of the disk's log. between: states at which a cut may leave the store until `final` is told,
    and afterwards too where something failed.
    """

    asked: int
    told: int
    between: list[Version]
    final: Version
    failed: bool


@dataclass
class Told:
    """The model: groups, and each epoch's events by lane (number n at index n - 1)."""

    groups: list[Group] = field(default_factory=list)
    history: dict[bytes, list[list[Row]]] = field(default_factory=dict)

    def allowed(self, moment: int) -> list[Version]:
        """The states in which a cut at `moment` (operations done) may leave the store, the told one first."""
        found: list[Version] = []
        for group in self.groups:
            if group.told <= moment:
                # what failed may be there all the same, also of groups before, until something is told as stored
                final = group.final
                same = found and (found[0].lasts, found[0].state) == (final.lasts, final.state)
                found = [final, *(found[1:] if same else []), *(group.between if group.failed else [])]
            elif group.asked <= moment:
                found += [*group.between, group.final]
        return found


class Loop:
    """In place of asyncio's: outcomes are taken at once."""

    def create_future(self) -> Any:
        return None

    def call_soon_threadsafe(self, function: Callable[..., None], *arguments: object) -> None:
        function(*arguments)


class Life:
    """One process with the store open. `early`: it tells before it has committed (a control)."""

    def __init__(
        self, system: FileSystem, disk: Disk, seed: int, *, synchronous: str = "FULL", early: bool = False
    ) -> None:
        self.system, self.disk = system, disk
        self.chance = random.Random(seed)
        self.synchronous, self.early = synchronous, early
        self.told = Told()
        self.acked = [0] * len(LANES)
        self.outcomes: list[Any] = []
        self.count = 0
        self.no_epochs = False  # of one that failed nobody can say what it would have held
        self.connection: Any = None

    # --- opening and closing ------------------------------------------------------------------------------------------

    def open(self) -> None:
        """As `journal_file.connect` and `Writer._begin` do. Raises sqlite3.Error, HalError."""
        connection = opened(self.system.put(self.disk), self.synchronous)
        journal_file.begin(connection, self.chance.randbytes)
        self.take_over(connection)

    def take_over(self, connection: Any, set_aside: list[tuple[str, str]] | None = None) -> None:
        """As `Writer._begin` does, with the names and reasons of what this start set aside."""
        self.connection = connection
        space = Space(self.connection, SimBlocks(self.disk), CAPACITY_BYTES)
        self.store = Store(self.connection, space)
        if set_aside:
            self.store.transact([lambda store: store.note_set_aside(set_aside)])
        space.take()
        self.writer = Writer(NOWHERE, CAPACITY_BYTES, Loop(), self._published)  # type: ignore[arg-type]
        self.writer._store, self.writer._space = self.store, space
        for lane in LANES:
            self.acked[lane] = max(self.acked[lane], self.store.forgotten[lane])

    def close(self) -> None:
        """A clean end."""
        self.connection.close()

    def kill(self) -> None:
        """The process is gone: nothing that it does now reaches the disk."""
        self.disk.stop_at = 0
        if self.connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self.connection.close()

    def begin_telling(self) -> None:
        """What is on the disk now counts as told."""
        self._read_history()
        final = Version(self.store.epoch, self._lasts(), self.store.states(), tuple(self.acked))
        now = len(self.disk.log)
        self.told.groups.append(Group(now, now, [], final, False))

    # --- one group ----------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Something that happens to a journal. What fails is told to whoever asked; only a start raises, as `open` does."""
        self.count += 1
        kind = self.chance.random()
        if kind < 0.62:
            self._append()
        elif kind < 0.87:
            self._ack()
        elif kind < 0.90:
            self._confirm()
        elif kind < 0.91 and not self.no_epochs:
            self._new_epoch()
        elif kind < 0.98:
            self._tidy()
        else:
            self._reopen()

    def _append(self) -> None:
        """One call, or several that share a sync; some set state."""
        works = []
        for _ in range(self.chance.choice((1, 1, 1, 2, 5))):
            count = self.chance.choice((0, 1, 1, 1, 3, 20))
            size = self.chance.choice((20, 60, 60, 200, 900))
            events = [
                (self.chance.choice(MIX), self.chance.randbytes(1) * size + b"%d" % self.count)
                for _ in range(count)
            ]
            state: dict[str, bytes | None] = {}
            if not events or self.chance.random() < 0.4:
                state[f"key{self.chance.randrange(6)}"] = (
                    None if self.chance.random() < 0.1 else b"%d " % self.count * self.chance.randrange(1, 20)
                )
            works.append((events, state))
        self._write([(lambda store, w=work: store.append(*w), *work) for work in works])

    def append_one(self) -> Entry | Exception:
        """One event, and what its caller is told."""
        lane, event = self.chance.choice(LANES), b"one more"
        self._write([(lambda store: store.append([(lane, event)], {}), [(lane, event)], {})])
        told: list[Entry] | Exception = self.outcomes[0]
        return told if isinstance(told, Exception) else told[0]

    def _ack(self) -> None:
        """A receipt for some of a lane."""
        lane = self.chance.choice(LANES)
        mark = self.store.marks[lane]
        if mark.first > mark.last:
            return
        seq = self.chance.randint(mark.first, mark.last)
        self.acked[lane] = max(self.acked[lane], seq)
        self._write([(lambda store: store.ack(lane, seq), [], {})])

    def _confirm(self) -> None:
        """The platform has been told of a hole."""
        if self.store.given_up:
            gone: GivenUp = self.chance.choice(self.store.given_up)[1]
            self.acked[gone.lane] = max(self.acked[gone.lane], gone.last)
            event = [(TECHNICAL, b"dropped %d" % self.count)]
            self._write([(lambda store: store.confirm_given_up(gone, event), event, {})])

    def _new_epoch(self) -> None:
        """Everything that is held goes on under another epoch."""
        epoch = self.chance.randbytes(8)
        acked, self.acked = self.acked, [0] * len(LANES)
        event = [(TECHNICAL, b"epoch %d" % self.count)]
        if not self._write([(lambda store: store.begin_epoch(epoch, again, event), event, {})], epoch):
            self.acked = acked

    def _tidy(self) -> None:
        """What the writer does when nobody waits; a disk that gave nothing may be asked again."""
        self.writer._space._asked_s = 0.0
        if self.chance.random() < 0.5:
            self.writer._groups = 1 << 30  # a checkpoint is due
        if self.chance.random() < 0.5:
            self.writer._alone(Store.forget_step)
        self.writer._tidy()

    def _reopen(self) -> None:
        """The writer ends as it does, which deletes the log, and another process starts."""
        self.writer._alone(Store.forget_all)
        self.close()
        self.open()

    # --- telling ------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> Version:
        """What was told last."""
        return self.told.groups[-1].final

    def _write(self, works: list[Any], epoch: bytes | None = None) -> bool:
        """Hand works to the writer, and note what it tells; whether the last of them took hold."""
        requests = [Request(work, None, events, state) for work, events, state in works]  # type: ignore[arg-type]
        asked, old_epoch = len(self.disk.log), self.store.epoch
        between = [] if epoch else self._would_be(works)
        if self.early:
            self.told.groups.append(Group(asked, asked, [], between[-1] if between else self.now, False))
        self.outcomes = []
        self.writer._write(requests)
        failed = any(isinstance(outcome, Exception) for outcome in self.outcomes)
        done, maybe = self._walk(works, self.outcomes)
        if self.store.epoch != old_epoch:
            self._read_history()
        state = done[-1].state if done else self.now.state
        final = Version(self.store.epoch, self._lasts(), state, tuple(self.acked))
        between += done + maybe
        if not self.early:
            self.told.groups.append(Group(asked, len(self.disk.log), between, final, failed))
        return not isinstance(self.outcomes[-1], Exception)

    def _would_be(self, works: list[Any], base: Version | None = None) -> list[Version]:
        """The states after each work, if all of them take hold after `base`; nobody was told of their rows yet."""
        base = base or self.now
        known = self.told.history[base.epoch]
        starts = [chain_start(base.epoch, lane) for lane in LANES]
        chains = [
            known[lane][last - 1][2] if 0 < last <= len(known[lane]) else starts[lane]
            for lane, last in enumerate(base.lasts)
        ]
        marks = list(zip(base.lasts, chains, strict=True))
        state, found = dict(base.state), []
        tails: dict[int, list[Row]] = {lane: [] for lane in LANES}
        for _, events, changes in works:
            for lane, event in events:
                seq, chain = marks[lane][0] + 1, chain_next(marks[lane][1], event)
                marks[lane] = (seq, chain)
                tails[lane].append((seq, event, chain))
            merge(state, changes)
            lasts = tuple(last for last, _ in marks)
            rows = {lane: list(tail) for lane, tail in tails.items()}
            found.append(Version(base.epoch, lasts, dict(state), tuple(self.acked), rows))
        return found

    def _walk(self, works: list[Any], outcomes: list[Any]) -> tuple[list[Version], list[Version]]:
        """The states after each work that took hold, whose rows are history now; and after each that failed, alone."""
        now, done, maybe = self.now, [], []
        for work, outcome in zip(works, outcomes, strict=True):
            if isinstance(outcome, Exception):
                if now.epoch == self.store.epoch:
                    maybe += self._would_be([work], now)
                continue
            lasts, state = list(now.lasts), dict(now.state)
            for entry in outcome:
                rows = self.told.history.setdefault(self.store.epoch, [[] for _ in LANES])[entry.lane]
                if entry.seq == len(rows) + 1:
                    rows.append((entry.seq, entry.event, entry.chain))
                lasts[entry.lane] = entry.seq
            merge(state, work[2])
            now = Version(self.store.epoch, tuple(lasts), state, tuple(self.acked))
            done.append(now)
        return done, maybe

    def _published(self, mirror: Mirror, group: Any, outcomes: Any) -> None:
        if group:
            self.outcomes = list(outcomes)

    def _read_history(self) -> None:
        """What an epoch holds at its beginning, as the tables have it; numbers that are gone have no content."""
        known = self.told.history.setdefault(self.store.epoch, [[] for _ in LANES])
        for lane in LANES:
            gone = [(seq, b"", b"") for seq in range(1, self.store.forgotten[lane] + 1)]
            known[lane] = gone + [row for row in read_lane(self.connection, lane) if row[0] > len(gone)]

    def _lasts(self) -> tuple[int, ...]:
        return tuple(mark.last for mark in self.store.marks)


def again(entry: Entry) -> bytes:
    """Bytes under which an entry goes on."""
    return entry.event + b"+"


def merge(state: dict[str, bytes], changes: dict[str, bytes | None]) -> None:
    """Let changes of state take hold."""
    for key, value in changes.items():
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value


def opened(path: str, synchronous: str = "FULL") -> Any:
    """The product's way of opening a store. Raises sqlite3.Error, HalError."""
    connection: Any = Connection(path)
    try:
        journal_file.configure(connection)
        if synchronous != "FULL":
            connection.execute(f"PRAGMA synchronous = {synchronous}")
        journal_file.migrate(connection, SCRIPTS)
        journal_file.check(connection)
    except (sqlite3.Error, HalError):
        with contextlib.suppress(sqlite3.Error):
            connection.close()
        raise
    return connection


def read_lane(connection: Any, lane: int) -> list[Row]:
    """Every row of a lane, forgotten ones included that are still there."""
    sql = f"SELECT seq, event, chain FROM entry_{lane} ORDER BY seq"  # noqa: S608  a number of ours
    return [tuple(row) for row in connection.execute(sql)]
