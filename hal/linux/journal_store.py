"""The journal's tables and what is done to them: one thread, one connection, no waiting but for the disk.

Every change runs within `transact`, which commits once for a whole group. Marks and given-up rows are kept in
memory beside the tables and go back with a transaction that fails.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence

from hal.errors import HalError, StorageFullError
from hal.linux.journal_errors import FULL_MESSAGE, damaged_entry, from_sqlite
from hal.linux.journal_space import PAGE_BYTES, Events, Space, State, needed
from hal.types import ALARM, LANES, SAFETY, YIELD_ORDER, Entry, GivenUp, LaneMark, chain_next, chain_start

Again = Callable[[Entry], bytes]
Work = Callable[["Store"], list[Entry]]
Outcome = list[Entry] | HalError
Snapshot = tuple[bytes, list[LaneMark], list[int], list[tuple[int, GivenUp]]]

RESERVE_SHARE = 8  # one page in this many is kept for lanes 0 and 1
SLACK_PAGES = 4  # inner pages of the trees, which an estimate by rows leaves out

SET_STATE = "INSERT INTO state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
INSERT_ROWS = (64, 16, 4, 1)  # rows of one INSERT: few statements, and few times to wait for the interpreter
YIELD_ROWS = 32  # entries that a lane gives up at a time
YIELD_SLACK_BYTES = 8 * PAGE_BYTES  # more than was asked for, so that not every append gives up something

# A delete of its own for each receipt would write as much as the append did. What was acknowledged goes in ranges;
# after a crash the rest is sent once more, and the platform removes it as duplicates.
FORGET_ENTRIES = 256
FORGET_AFTER_S = 600.0
FORGET_AGAIN_S = 5.0  # after a step that failed
AGAIN_BYTES = 32  # that an entry grows by under a new epoch: its identity, and the edges of pages
FORGET_STEP = 512  # entries in one transaction: about 1 ms, in which an alarm may have to wait


class Store:
    """An open store. Not for use by two threads at once."""

    def __init__(self, connection: sqlite3.Connection, space: Space) -> None:
        self.connection = connection
        self.space = space
        self.epoch: bytes = connection.execute("SELECT epoch FROM journal").fetchone()[0]
        rows = connection.execute("SELECT id, lane, first, last FROM given_up ORDER BY id")
        self.given_up = [(row_id, GivenUp(lane, first, last)) for row_id, lane, first, last in rows]
        self.forgotten: list[int] = []  # as the tables have it; the marks may be further
        self.marks: list[LaneMark] = []
        for lane in LANES:
            self._load(lane)
        self._pending: list[list[object]] = [[] for _ in LANES]
        self._room_bytes = 0  # known to be free for lanes 2 to 4
        self._limit_pages = 0  # and for which limit that holds
        self._unforgotten_since_s: float | None = None
        self._forgetting = False  # begun, and not at its end
        self._yielding = list(YIELD_ORDER)  # in an epoch that begins, whoever has new numbers
        self.log_grew = False  # by a transaction of any size: it should be cut back

    def _load(self, lane: int) -> None:
        row = self.connection.execute("SELECT forgotten, chain FROM lane WHERE lane = ?", (lane,)).fetchone()
        newest = self.connection.execute(
            f"SELECT seq, chain FROM entry_{lane} ORDER BY seq DESC LIMIT 1"  # noqa: S608  a number of ours
        ).fetchone()
        last, chain = newest or row
        self.forgotten.append(row[0])
        self.marks.append(LaneMark(row[0] + 1, row[1], last, chain))

    def states(self) -> dict[str, bytes]:
        """All state, as the tables have it."""
        return dict(self.connection.execute("SELECT key, value FROM state"))

    def reasons(self) -> dict[str, str]:
        """Why stores were set aside, by name."""
        return dict(self.connection.execute("SELECT name, reason FROM set_aside"))

    # --- transactions ------------------------------------------------------------------------------------------

    def transact(self, works: Sequence[Work]) -> list[Outcome]:
        """Do all of `works` and commit once; one outcome each.

        A work that does not fit fails alone. Raises what the medium's failure translates to; then nothing of
        any work is stored.
        """
        before = self._snapshot()
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._attempt(work) for work in works]
            self._write_rows()
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            self._restore(before)
            raise from_sqlite(error, "storing events") from error
        except BaseException:
            self._roll_back()
            self._restore(before)
            raise
        return outcomes

    def _attempt(self, work: Work) -> Outcome:
        try:
            return work(self)
        except StorageFullError as error:
            return error

    def _snapshot(self) -> Snapshot:
        return self.epoch, list(self.marks), list(self.forgotten), list(self.given_up)

    def _restore(self, before: Snapshot) -> None:
        self.epoch = before[0]
        self.marks, self.forgotten, self.given_up = list(before[1]), list(before[2]), list(before[3])
        self._room_bytes = 0
        self._note_unforgotten()

    def _roll_back(self) -> None:
        self._pending = [[] for _ in LANES]
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    # --- works -------------------------------------------------------------------------------------------------

    def append(self, events: Events, state: State, *, is_held: bool = False) -> list[Entry]:
        """Number, chain and store `events`, and store `state`. Raises StorageFullError with nothing changed.

        is_held: they were held before, so they are no new load and may use the room that is kept for alarms.
        """
        self._make_room(events, state, is_held)
        entries = []
        for lane, event in events:
            mark = self.marks[lane]
            entry = Entry(lane, mark.last + 1, event, chain_next(mark.chain, event))
            self.marks[lane] = LaneMark(mark.first, mark.before, entry.seq, entry.chain)
            self._pending[lane] += (entry.seq, event, entry.chain)
            entries.append(entry)
        for key, value in state.items():
            if value is None:
                self.connection.execute("DELETE FROM state WHERE key = ?", (key,))
            else:
                self.connection.execute(SET_STATE, (key, value))
        return entries

    def ack(self, lane: int, seq: int) -> list[Entry]:
        """Move the mark; the entries go later, in ranges."""
        mark = self.marks[lane]
        if seq >= mark.last:
            self.marks[lane] = LaneMark(mark.last + 1, mark.chain, mark.last, mark.chain)
        elif seq >= mark.first:
            self._write_rows()
            self.marks[lane] = LaneMark(seq + 1, self._chain_at(lane, seq), mark.last, mark.chain)
        self._note_unforgotten()
        return []

    def confirm_given_up(self, gone: GivenUp, events: Events) -> list[Entry]:
        """Forget a row, or the part of it that was reported; nothing where it is no longer there."""
        found = next((pair for pair in self.given_up if covers(pair[1], gone)), None)
        if found is None:
            return []
        self._make_room(events, {})
        index, row_id = next((i, pair[0]) for i, pair in enumerate(self.given_up) if pair[0] == found[0])
        row = self.given_up[index][1]  # making room may have made it longer
        if row.last > gone.last:
            self.given_up[index] = (row_id, GivenUp(row.lane, gone.last + 1, row.last))
            self.connection.execute("UPDATE given_up SET first = ? WHERE id = ?", (gone.last + 1, row_id))
        else:
            del self.given_up[index]
            self.connection.execute("DELETE FROM given_up WHERE id = ?", (row_id,))
        return self.append(events, {})

    def begin_epoch(
        self, epoch: bytes, again: Again, events: Events, state: State | None = None
    ) -> list[Entry]:
        """Number what is held anew under `epoch`, then append `events`. Raises StorageFullError with nothing changed.

        Lanes that yield come first, so that they give up their oldest under their new numbers.
        """
        before = self._snapshot()
        self._write_rows()
        self.connection.execute("SAVEPOINT epoch")
        self._yielding = []
        try:
            self.epoch = epoch
            self.connection.execute("UPDATE journal SET epoch = ?", (epoch,))
            self.given_up = []
            self.connection.execute("DELETE FROM given_up")
            for lane in (*YIELD_ORDER, ALARM, SAFETY):
                self._yielding = [other for other in YIELD_ORDER if other in (*self._yielding, lane)]
                self._number_anew(lane, again)
            entries = self.append(events, state or {})
            self._write_rows()
        except StorageFullError:
            self._pending = [[] for _ in LANES]
            self.connection.execute("ROLLBACK TO epoch")
            self._restore(before)
            raise
        finally:
            self._yielding = list(YIELD_ORDER)
            self.connection.execute("RELEASE epoch")
        self.log_grew = True
        return entries

    def _number_anew(self, lane: int, again: Again) -> None:
        """In place, piece by piece: a new number is never above the old one, so it is free when its turn comes."""
        old = self.marks[lane]
        start = chain_start(self.epoch, lane)
        self.connection.execute(f"DELETE FROM entry_{lane} WHERE seq < ?", (old.first,))  # noqa: S608  a number of ours
        self.marks[lane], self.forgotten[lane] = LaneMark(1, start, 0, start), 0
        self._write_forgotten(lane, 0, start)
        seq, chain = old.first - 1, old.before
        while seq < old.last:
            held = self._whole_entries(lane, seq, chain)
            sql = f"DELETE FROM entry_{lane} WHERE seq > ? AND seq <= ?"  # noqa: S608  a number of ours
            self.connection.execute(sql, (seq, held[-1].seq))
            seq, chain = held[-1].seq, held[-1].chain
            self._room_bytes = 0  # what was deleted is free now
            for entry in held:  # one by one: what makes room may be those before it
                self.append([(lane, again(entry))], {}, is_held=True)
            self._write_rows()

    def _whole_entries(self, lane: int, seq: int, chain: bytes) -> list[Entry]:
        """Some entries behind number `seq`, whose chain value is `chain`. Raises CorruptDataError, also for none."""
        sql = f"SELECT seq, event, chain FROM entry_{lane} WHERE seq > ? ORDER BY seq LIMIT {FORGET_STEP}"  # noqa: S608  numbers of ours
        found: list[Entry] = []
        for number, row in enumerate(self.connection.execute(sql, (seq,)), seq + 1):
            if row[0] != number or not isinstance(row[1], bytes) or chain_next(chain, row[1]) != row[2]:
                raise damaged_entry(lane, number)
            chain = row[2]
            found.append(Entry(lane, *row))
        if not found:
            raise damaged_entry(lane, seq + 1)
        return found

    def note_set_aside(self, asides: Sequence[tuple[str, str]]) -> list[Entry]:
        """Keep name and reason of stores that this start put aside."""
        self.connection.executemany("INSERT OR REPLACE INTO set_aside VALUES (?, ?)", asides)
        return []

    # --- rows --------------------------------------------------------------------------------------------------

    def _write_rows(self) -> None:
        for lane in LANES:
            values = self._pending[lane]
            if values:
                self._pending[lane] = []
                self._insert(lane, values)

    def _insert(self, lane: int, values: list[object]) -> None:
        start, left = 0, len(values) // 3
        for rows in INSERT_ROWS:
            while left >= rows:
                sql = f"INSERT INTO entry_{lane} VALUES " + ",".join(["(?,?,?)"] * rows)  # noqa: S608  a number of ours
                self.connection.execute(sql, values[start : start + 3 * rows])
                start, left = start + 3 * rows, left - rows

    def _chain_at(self, lane: int, seq: int) -> bytes:
        sql = f"SELECT chain FROM entry_{lane} WHERE seq = ?"  # noqa: S608  a number of ours
        row = self.connection.execute(sql, (seq,)).fetchone()
        if row is None:
            raise damaged_entry(lane, seq)
        chain: bytes = row[0]
        return chain

    # --- forgetting --------------------------------------------------------------------------------------------

    def _note_unforgotten(self) -> None:
        if self._unforgotten_since_s is None and self._unforgotten():
            self._unforgotten_since_s = time.monotonic()

    def _unforgotten(self) -> int:
        return sum(mark.first - 1 - gone for mark, gone in zip(self.marks, self.forgotten, strict=True))

    def forget_due(self) -> bool:
        """Whether so much was acknowledged, or so long ago, that it should go from the tables."""
        if self._unforgotten_since_s is None:
            return False
        return (
            self._forgetting
            or self._unforgotten() >= FORGET_ENTRIES
            or time.monotonic() - self._unforgotten_since_s >= FORGET_AFTER_S
        )

    def forget_in_s(self) -> float | None:
        """Seconds until `forget_due` by time alone, or None where nothing waits."""
        if self._unforgotten_since_s is None:
            return None
        return (
            0.0
            if self._forgetting
            else max(0.0, self._unforgotten_since_s + FORGET_AFTER_S - time.monotonic())
        )

    def put_off_forgetting(self) -> None:
        """The last step failed: the next is due a little later."""
        self._forgetting = False
        self._unforgotten_since_s = time.monotonic() - FORGET_AFTER_S + FORGET_AGAIN_S

    def forget_step(self) -> list[Entry]:
        """Delete at most `FORGET_STEP` acknowledged entries of each lane."""
        self._forgetting = False
        for lane in LANES:
            target = self.marks[lane].first - 1
            upto = min(target, self.forgotten[lane] + FORGET_STEP)
            if upto > self.forgotten[lane]:
                chain = self.marks[lane].before if upto == target else self._chain_at(lane, upto)
                self._delete_upto(lane, upto, chain)
            self._forgetting = self._forgetting or upto < target
        if not self._forgetting:
            self._unforgotten_since_s = None
        return []

    def forget_all(self) -> list[Entry]:
        """Delete everything that was acknowledged."""
        while self._unforgotten_since_s is not None:
            self.forget_step()
        return []

    def _delete_upto(self, lane: int, seq: int, chain: bytes) -> None:
        self._write_rows()
        sql = f"DELETE FROM entry_{lane} WHERE seq <= ?"  # noqa: S608  a number of ours
        self.connection.execute(sql, (seq,))
        self._write_forgotten(lane, seq, chain)
        self.forgotten[lane] = seq

    def _write_forgotten(self, lane: int, seq: int, chain: bytes) -> None:
        self.connection.execute("UPDATE lane SET forgotten = ?, chain = ? WHERE lane = ?", (seq, chain, lane))

    # --- space -------------------------------------------------------------------------------------------------

    def _make_room(self, events: Events, state: State, is_held: bool = False) -> None:
        """Let lanes 4, 3 and 2 give up their oldest until everything fits, or raise with nothing changed."""
        need = needed(events, state)
        urgent = is_held or any(lane not in YIELD_ORDER for lane, _ in events)
        if need > self._room_bytes or self._limit_pages != self.space.limit_pages():
            self._write_rows()
            room = self._measure(urgent)
            if need > room:
                self.forget_all()
                room = self._measure(urgent)
            if need > room:
                self._yield(need, urgent)
        self._room_bytes -= need

    def _measure(self, urgent: bool) -> int:
        """Free bytes that an urgent or routine append may use."""
        limit, used = self.space.limit_pages(), self.space.used_pages()
        self._limit_pages = limit
        reserve = limit // RESERVE_SHARE
        self._room_bytes = (limit - reserve - SLACK_PAGES - used) * PAGE_BYTES
        return self._room_bytes + (reserve * PAGE_BYTES if urgent else 0)

    def _yield(self, need: int, urgent: bool) -> None:
        before = self._snapshot()
        self.connection.execute("SAVEPOINT room")
        try:
            for lane in self._yielding:
                if self._measure(urgent) >= need:
                    break
                while self._measure(urgent) < need + YIELD_SLACK_BYTES and self._give_up_oldest(lane):
                    pass
            if self._measure(urgent) < need:
                self.connection.execute("ROLLBACK TO room")
                self._restore(before)
                raise StorageFullError(FULL_MESSAGE)
        finally:
            self.connection.execute("RELEASE room")

    def _give_up_oldest(self, lane: int) -> bool:
        mark = self.marks[lane]
        upto = min(mark.first + YIELD_ROWS - 1, mark.last)
        if upto < mark.first:
            return False
        chain = self._chain_at(lane, upto)
        self._delete_upto(lane, upto, chain)
        self.marks[lane] = LaneMark(upto + 1, chain, mark.last, mark.chain)
        self._note_given_up(GivenUp(lane, mark.first, upto))
        return True

    def _note_given_up(self, gone: GivenUp) -> None:
        """One row with the lane's newest where the numbers go on."""
        newest = next(
            (i for i in reversed(range(len(self.given_up))) if self.given_up[i][1].lane == gone.lane), None
        )
        if newest is not None and self.given_up[newest][1].last + 1 == gone.first:
            row_id, row = self.given_up[newest]
            self.given_up[newest] = (row_id, GivenUp(gone.lane, row.first, gone.last))
            self.connection.execute("UPDATE given_up SET last = ? WHERE id = ?", (gone.last, row_id))
            return
        sql = "INSERT INTO given_up (lane, first, last) VALUES (?, ?, ?)"
        cursor = self.connection.execute(sql, (gone.lane, gone.first, gone.last))
        assert cursor.lastrowid is not None
        self.given_up.append((cursor.lastrowid, gone))


def covers(row: GivenUp, gone: GivenUp) -> bool:
    """Whether `gone` is `row`, or was before `row` grew."""
    return (row.lane, row.first) == (gone.lane, gone.first) and row.last >= gone.last
