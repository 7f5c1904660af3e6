"""A store that was set aside is journalled again beside everything else: alarms that come now do not wait for it."""

import asyncio

from gateway.core import cbor, registry
from gateway.core.event_codec import IDENTITY_SIZE, INCIDENT_SIZE
from gateway.core.model import UNPROVEN, Event
from gateway.core.rules.incidents import PREFIX as INCIDENT
from gateway.core.rules.leaving import open_state, parted
from gateway.hub.recorder import LONGEST_TEXT, RETRY_FULL_MS
from gateway.hub.taking import TAKEN
from gateway.hub.writing import again_bytes
from hal.errors import StorageFullError, UnavailableError
from hal.types import ASIDE_STATE, TECHNICAL, YIELD_ORDER, chain_next

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from gateway.hub.recorder import Log, Recorder, State
    from hal.types import Entry, SetAside

    Alarm = tuple[str, str, bytes, dict[str, object], int]

# State: lane and number that this reading of the store of that name has come to, count and unproven count of what is
# journalled again of it, earlier readings, and what those and this one journalled, as `Spans`.
AGAIN = "again."
TOLD = "told_again."  # state: + name + incident: that open alarm of the store is told again
UNREAD_STARTS = (
    3  # at which a store is read again that the medium did not answer for, before what reads is all
)
SPANS_LIMIT = 64  # runs of numbers that are remembered of one store
AGAIN_AT_ONCE = 128  # entries that go into one append, or are read without a pause


def open_alarms(state: "dict[str, bytes]") -> "list[Alarm]":
    """Open states of lanes 0 and 1 that `state` names: key, kind, incident, values and placement of each."""
    found: "list[Alarm]" = []
    for key in sorted(state):
        prefix, number, rest = parted(key)
        if prefix == INCIDENT and number.isdigit() and len(state[key]) == INCIDENT_SIZE:
            kind, incident, values = open_state(prefix, int(number), rest, state[key])
            if kind in registry.KINDS and registry.KINDS[kind][1] not in YIELD_ORDER:
                found.append((key, kind, incident, values, int(number)))
    return found


def told_key(name: str, incident: bytes = b"") -> str:
    """State key under which an alarm of the store `name` is told again, or what all of them begin with."""
    return TOLD + name + "." + incident.hex()


class Chain:
    """Holds entries of a damaged store against the chain, one after the other.

    An entry is proven by the one before it. Behind a hole nothing is, for one entry: it is marked rather than held back,
    since it may be an alarm (H1), and never passes for what was stored (H6).
    """

    def __init__(self, starts: "dict[int, tuple[int, bytes]]") -> None:
        self.before = dict(starts)  # lane => (number, chain value) of the entry before

    def proves(self, entry: "Entry") -> bool:
        """Whether `entry` follows from the one before it in its lane."""
        seq, chain = self.before.get(entry.lane, (-1, b""))
        self.before[entry.lane] = (entry.seq, entry.chain)
        return entry.seq == seq + 1 and chain_next(chain, entry.event) == entry.chain


class Spans:
    """Which numbers of a store are journalled again: runs of [lane, first, last], in the order in which they were read.

    So a store that is read once more gives each of them once. A medium may answer in any pattern and memory is finite:
    where earlier readings left more runs than `SPANS_LIMIT`, or none (an earlier release kept none), it is not known of a
    number that is in none of them whether it was journalled: `doubtful`.
    """

    def __init__(self, rows: "list[list[int]]", doubtful: bool) -> None:
        self.rows = rows
        self.before = [list(row) for row in rows]
        self.doubtful = doubtful or len(rows) >= SPANS_LIMIT

    def has(self, lane: int, seq: int) -> bool:
        """Whether an earlier reading journalled this number."""
        return any([row[0] == lane and row[1] <= seq <= row[2] for row in self.before])

    def add(self, lane: int, seq: int) -> None:
        """This reading journals it."""
        for row in reversed(self.rows):
            if row[0] == lane and row[2] == seq - 1:
                row[2] = seq
                return
        if len(self.rows) < SPANS_LIMIT:
            self.rows.append([lane, seq, seq])


def read_to_end(entries: "Iterable[Entry]", unread: "list[str]") -> "Iterator[Entry]":
    """The entries, and in `unread` why there may be more of them."""
    try:
        yield from entries
    except UnavailableError as error:
        unread.append(str(error))


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
        row: "list[Any]" = cbor.decode(kept) if kept is not None else [0, 0, 0, 0]  # type: ignore[assignment]
        done, count, unproven = (row[0], row[1]), row[2], row[3] if len(row) > 3 else 0
        starts = row[4] if len(row) > 4 else 0
        spans = Spans(row[5], False) if len(row) > 5 else Spans([], starts > 0)
        unread: "list[str]" = []
        again: "list[tuple[int, bytes]]" = []
        skipped = 0
        unsaid = self.unsaid(aside)
        chain = Chain(aside.starts)
        for entry in read_to_end(aside.entries, unread):
            proven = chain.proves(entry)
            if entry.lane in YIELD_ORDER:
                await self.tell_again(aside.name, unsaid)
            else:
                unsaid = [alarm for alarm in unsaid if alarm[2] not in entry.event]
            if (entry.lane, entry.seq) <= done or spans.has(entry.lane, entry.seq):
                skipped += 1
                if skipped % AGAIN_AT_ONCE == 0:  # alarms that come now do not wait for it
                    await asyncio.sleep(0)
                continue
            proven = proven and not spans.doubtful  # else it may be here already
            count, unproven = count + 1, unproven + (not proven)
            spans.add(entry.lane, entry.seq)
            again.append((entry.lane, again_bytes(entry, 0 if proven else UNPROVEN)))
            if len(again) == AGAIN_AT_ONCE:
                row = [entry.lane, entry.seq, count, unproven, starts, spans.rows]
                await self.put(again, {key: cbor.encode(row)})
                again = []
        await self.tell_again(aside.name, unsaid)
        if unread:
            self.log("error", "Not all of it reads.", name=aside.name, cause=unread[0])
            if starts < UNREAD_STARTS:  # from the beginning: what is missing may be anywhere
                await self.put(again, {key: cbor.encode([0, 0, count, unproven, starts + 1, spans.rows])})
                return
        reason = aside.reason if not unread else "not all of it reads; " + aside.reason
        values: "dict[str, object]" = {"reason": reason[:LONGEST_TEXT], "count": count}
        if unproven:
            values["unproven_count"] = unproven
        again.append((TECHNICAL, self.recorder.event_bytes("journal.set_aside", values)))
        state: "State" = {key: None, TAKEN + aside.name: None, ASIDE_STATE + aside.name: b"\x01"}
        state.update(dict.fromkeys(self.recorder.journal.state_keys(told_key(aside.name))))
        await self.put(again, state)
        self.log("info", "What was set aside is journalled again.", name=aside.name, **values)

    def unsaid(self, aside: "SetAside") -> "list[Alarm]":
        """Open alarms of a store that no earlier reading of it has told again."""
        state = self.recorder.journal.state
        return [alarm for alarm in open_alarms(aside.state) if state(told_key(aside.name, alarm[2])) is None]

    async def tell_again(self, name: str, unsaid: "list[Alarm]") -> None:
        """Alarms that are still open and whose events do not read back may never have arrived: they are told once more.

        Where they had arrived the receiver knows their incident, and a second telling its identity. What nothing proves is no
        notice: no storm is asked about it, and the next true word is no repetition of it.
        """
        recorder = self.recorder
        while unsaid:
            key, kind, incident, values, placement = unsaid.pop(0)
            if recorder.engine.incidents.open.get(key) == incident:
                values["reason"] = "told again: the store that held it was set aside"
                moment = recorder.moment()
                event = Event(kind, placement, moment.boot, moment.uptime_ms, moment.utc_ms, values, incident)
                event.identity = recorder.crypto.hmac_sha256("identity", b"again" + incident)[:IDENTITY_SIZE]
                event.provenance = UNPROVEN
                await recorder.offer(recorder.made([event], {told_key(name, incident): b"\x01"}))

    async def put(self, again: "list[tuple[int, bytes]]", state: "State") -> None:
        """Store a piece, however long that takes."""
        while True:
            try:
                await self.recorder.put(again, state)
                return
            except StorageFullError as error:
                self.log("error", "No room for what was set aside; it waits.", cause=str(error))
            await self.recorder.clock.sleep_ms(RETRY_FULL_MS)
