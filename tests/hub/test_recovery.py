"""A store that was set aside is journalled again beside everything else, each entry once."""

import asyncio

from gateway.core import cbor
from gateway.core.event_codec import decode_event, encode_event, identity_of
from gateway.core.model import UNPROVEN, Event
from gateway.hub.recovery import AGAIN, AGAIN_AT_ONCE, SPANS_LIMIT, TOLD, UNREAD_STARTS, Recovery
from gateway.hub.waking import stop
from gateway.hub.writing import again_bytes
from hal.errors import StorageFullError, UnavailableError
from hal.sim.journal import SimJournal
from hal.types import INFO, SAFETY, TECHNICAL, Entry, SetAside, chain_next, chain_start
from tests.hub.small import Small, begun, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HELD = 3 * AGAIN_AT_ONCE + 7


class CountingJournal(SimJournal):
    """`stop_at`: the append that never returns, after it took hold. `full`: appends that find no room."""

    def __init__(self, small: Small, stop_at: int = 0, full: int = 0) -> None:
        super().__init__(small.medium, random=small.random)
        self.appends = 0
        self.stop_at = stop_at
        self.full = full

    async def append(self, events: "Any", state: "Any" = None) -> "Any":
        self.appends += 1
        if self.full:
            self.full -= 1
            raise StorageFullError("no room")
        entries = await super().append(events, state)
        if self.appends == self.stop_at:
            await asyncio.Event().wait()
        return entries


async def damaged() -> Small:
    """A home whose store was set aside with `HELD` events in it."""
    small = Small()
    events = [
        (INFO, encode_event(Event("door.opened", 5, 77, 1_000 * number, None))) for number in range(HELD - 1)
    ]
    events.append((SAFETY, encode_event(Event("smoke.detected", 5, 77, 1, None))))
    await small.journal.append(events)
    small.medium.cut()
    small.medium.damage("a page does not read back")
    return small


def recovery(small: Small) -> Recovery:
    return Recovery(small.recorder, small.log)


def identities(small: Small) -> "list[bytes]":
    return [
        identity_of(decode_event(entry.event), entry.chain)
        for lane in (SAFETY, INFO)
        for entry in small.journal.peek(lane, 0, 1 << 20, 10_000)
    ]


def test_alarms_come_first_and_the_end_is_said_with_the_count():
    async def scene() -> None:
        small = await damaged()
        small.use(CountingJournal(small))
        await recovery(small).run()
        assert small.kinds(SAFETY) == ["smoke.detected"] and len(small.kinds(INFO)) == HELD - 1
        (notice,) = small.events(TECHNICAL)
        assert notice.values == {"reason": "a page does not read back", "count": HELD}
        assert small.journal.set_aside() == [] and small.journal.state_keys("again.") == []
        assert small.journal.appends == 4

    play(scene)


def test_after_a_power_cut_it_goes_on_where_it_was_and_nothing_is_there_twice():
    async def scene(stop_at: int) -> None:
        small = await damaged()
        small.use(CountingJournal(small, stop_at=stop_at))
        task = await begun(recovery(small).run, small.clock)
        assert small.journal.appends == stop_at
        await stop(task)
        small.medium.cut()
        small.use(CountingJournal(small))
        await recovery(small).run()
        found = identities(small)
        assert len(found) == len(set(found)) == HELD, stop_at
        assert [event.values["count"] for event in small.events(TECHNICAL)] == [HELD]

    for stop_at in (1, 2, 3, 4):
        play(scene, stop_at)


def test_what_comes_meanwhile_does_not_wait_for_it():
    async def scene() -> None:
        small = await damaged()
        small.use(CountingJournal(small))
        task = asyncio.create_task(recovery(small).run())
        while small.journal.appends == 0:
            await asyncio.sleep(0)
        await small.recorder.note("smoke.detected", 6)
        assert len(small.kinds(INFO)) < HELD - 1 and len(small.kinds(SAFETY)) == 2
        await task
        assert len(small.kinds(INFO)) == HELD - 1

    play(scene)


def test_it_waits_for_room():
    async def scene() -> None:
        small = await damaged()
        small.use(CountingJournal(small, full=3))
        task = await begun(recovery(small).run, small.clock)
        assert small.kinds() == []
        await small.clock.advance(60_000)
        await task
        assert len(identities(small)) == HELD

    play(scene)


def test_an_epoch_that_begins_meanwhile_takes_everything_with_it():
    async def scene() -> None:
        small = await damaged()
        small.use(CountingJournal(small))
        task = asyncio.create_task(recovery(small).run())
        while small.journal.appends == 0:
            await asyncio.sleep(0)
        await small.recorder.begin_epoch("receipt of a fork")
        await task
        found = identities(small)
        assert len(found) == len(set(found)) == HELD

    play(scene)


def test_entries_are_taken_one_after_the_other_and_never_held_together():
    class Many:
        """More than the memory holds."""

        def __init__(self) -> None:
            self.taken = 0

        def __iter__(self) -> "Any":
            for number in range(1, 100_000):
                self.taken += 1
                yield Entry(INFO, number, b"not an event %d" % number, b"c" * 16)

    async def scene() -> None:
        small = Small()
        small.medium.cut()
        small.use(CountingJournal(small, stop_at=2))
        many = Many()
        small.journal.set_aside = lambda: [SetAside("one", "why", many)]  # type: ignore[arg-type]
        task = await begun(recovery(small).run, small.clock)
        assert many.taken == 2 * AGAIN_AT_ONCE
        await stop(task)

    play(scene)


def test_what_is_done_already_is_passed_without_keeping_the_loop():
    async def scene() -> None:
        small = Small()
        held = [Entry(INFO, number, b"not an event", b"c" * 16) for number in range(1, 20 * AGAIN_AT_ONCE)]
        small.journal.set_aside = lambda: [SetAside("one", "why", held)]  # type: ignore[method-assign]
        await small.journal.append([], {AGAIN + "one": cbor.encode([INFO, len(held), len(held), 0])})
        turns = [0]

        async def others() -> None:
            while True:
                turns[0] += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(others())
        await recovery(small).run()
        await stop(counting)
        assert turns[0] >= 18

    play(scene)


class Failing:
    """Entries of a store whose medium answers only in part, until it answers."""

    def __init__(self, held: "list[Entry]") -> None:
        self.held = held
        self.answers = False

    def __iter__(self) -> "Any":
        for entry in self.held if self.answers else self.held[:2]:
            yield entry
        if not self.answers:
            raise UnavailableError("the medium does not answer")


def test_what_does_not_answer_is_read_again_at_the_next_starts_and_said_in_the_end():
    async def scene(answers_at: int, found: int) -> None:
        small = Small()
        again = [
            Entry(SAFETY, number, encode_event(Event("smoke.detected", 5, 77, number, None)), b"c" * 16)
            for number in range(1, 5)
        ]
        held = Failing(again)
        for start in range(UNREAD_STARTS + 1):
            small.restart()
            held.answers = start == answers_at
            small.journal.set_aside = lambda: [SetAside("one", "why", held)]  # type: ignore[arg-type]
            assert "journal.set_aside" not in small.kinds(TECHNICAL)
            await recovery(small).run()
            if held.answers:
                break
        (told,) = [event for event in small.events(TECHNICAL) if event.kind == "journal.set_aside"]
        assert told.values["count"] == found
        assert ("not all of it reads" in str(told.values["reason"])) == (found < 4)
        assert [event.uptime_ms for event in small.events(SAFETY)] == list(range(1, found + 1)), "each once"
        assert small.journal.state_keys("again.") == []

    play(scene, 1, 4)
    play(scene, UNREAD_STARTS + 1, 2)


class Patchy:
    """Entries of which the medium answers for some at each reading, and for all at the last."""

    def __init__(self, held: "list[Entry]", readings: "list[list[int]]") -> None:
        self.held = held
        self.readings = readings

    def __iter__(self) -> "Any":
        answered = self.readings.pop(0) if self.readings else None
        for entry in self.held:
            if answered is None or entry.seq in answered:
                yield entry
        if answered is not None:
            raise UnavailableError("the medium does not answer")


def smoke(count: int) -> "list[Entry]":
    """Alarms in a whole chain, numbered from 1."""
    chain, found = chain_start(b"e" * 8, SAFETY), []
    for number in range(1, count + 1):
        event = encode_event(Event("smoke.detected", 5, 77, number, None))
        chain = chain_next(chain, event)
        found.append(Entry(SAFETY, number, event, chain))
    return found


async def read_often(small: Small, entries: "Any", starts: int, row: "list[Any] | None" = None) -> None:
    """So many starts over a store that was set aside; `row` is what was kept of it before the first."""
    aside = SetAside("one", "why", entries, {SAFETY: (0, chain_start(b"e" * 8, SAFETY))})
    for start in range(starts):
        small.restart()
        small.journal.set_aside = lambda: [aside]  # type: ignore[method-assign]
        if row is not None and start == 0:
            await small.journal.append([], {AGAIN + "one": cbor.encode(row)})
        await recovery(small).run()


def copies(small: Small) -> "dict[int, list[int]]":
    """By number, the provenance of each time that it is held."""
    found: "dict[int, list[int]]" = {}
    for event in small.events(SAFETY):
        found.setdefault(event.uptime_ms, []).append(event.provenance)
    return found


def test_whatever_answers_at_each_reading_an_alarm_is_stored_once():
    async def scene() -> None:
        small = Small()
        await read_often(small, Patchy(smoke(9), [[2, 3, 7], [1, 2, 3, 9], [3, 4]]), 4)
        assert sorted(copies(small)) == list(range(1, 10))
        assert all([len(held) == 1 for held in copies(small).values()]), copies(small)
        (told,) = [event for event in small.events(TECHNICAL) if event.kind == "journal.set_aside"]
        assert told.values["count"] == 9 and "not all" not in str(told.values["reason"])

    play(scene)


def test_where_it_cannot_be_known_whether_an_alarm_is_stored_another_copy_carries_the_doubt():
    async def scene() -> None:
        small = Small()
        count = 4 * SPANS_LIMIT
        odd = list(range(1, count, 2))
        await read_often(small, Patchy(smoke(count), [odd, odd]), 3)
        held = copies(small)
        assert sorted(held) == list(range(1, count + 1))
        assert all([held[seq] == [UNPROVEN] for seq in odd[1:SPANS_LIMIT]]), "remembered; behind a hole"
        assert max([len(row) for row in held.values()]) == 3
        assert all([row.count(UNPROVEN) >= len(row) - 1 for row in held.values()]), "never two plain ones"
        assert small.journal.state_keys("again.") == []

    async def earlier_release() -> None:
        small = Small()
        await read_often(small, smoke(3), 1, [0, 0, 0, 0, 1])
        assert copies(small) == {seq: [UNPROVEN] for seq in (1, 2, 3)}

    play(scene)
    play(earlier_release)


def test_an_open_alarm_whose_event_does_not_answer_is_told_again_at_one_start_only():
    async def scene() -> None:
        small = Small()
        await small.recorder.note("smoke.detected", 5)
        (key,) = small.journal.state_keys("incident.")
        state = {key: small.journal.state(key) or b""}
        silent = Patchy([], [[], [], []])
        for _ in range(4):
            small.restart()
            aside = SetAside("one", "why", silent, state=state)  # type: ignore[arg-type]
            small.journal.set_aside = lambda aside=aside: [aside]  # type: ignore[method-assign,misc]
            await recovery(small).run()
        first, again = small.events(SAFETY)
        assert first.incident == again.incident and again.provenance == UNPROVEN
        assert small.journal.state_keys(TOLD) == []

    play(scene)


def test_what_the_chain_does_not_prove_is_delivered_and_marked():
    """A flipped bit must not pass for what was stored, and a hole must not hide the alarm behind it."""

    async def scene(harm: "Any", unproven: "list[int]") -> None:
        small = Small()
        for number in range(6):
            await small.journal.append([(SAFETY, encode_event(Event("smoke.detected", 5, 77, number, None)))])
        chains = [entry.chain for entry in small.journal.peek(SAFETY, 0, 1 << 20)]
        await small.journal.ack(SAFETY, 1)
        harm(small.medium.store.lanes[SAFETY])
        small.medium.cut()
        small.medium.damage("a page does not read back")
        small.use(CountingJournal(small))
        await recovery(small).run()
        marked = [event.uptime_ms for event in small.events(SAFETY) if event.provenance == UNPROVEN]
        assert marked == unproven
        (notice,) = small.events(TECHNICAL)
        assert notice.values.get("unproven_count", 0) == len(unproven)
        assert {event.identity for event in small.events(SAFETY)} <= set(chains)

    def nothing(lane: "Any") -> None:
        assert lane.entries[3].seq == 4

    def flip(lane: "Any") -> None:
        lane.entries[3].event = encode_event(Event("smoke.cleared", 5, 77, 3, None))

    def lose(lane: "Any") -> None:
        del lane.entries[3]

    play(scene, nothing, [])
    play(scene, flip, [3])
    play(scene, lose, [4])


def test_an_event_that_was_marked_before_keeps_its_own_bits():
    event = Event("smoke.detected", 5, 77, 1, None, provenance=1, identity=b"i" * 16)
    again = decode_event(again_bytes(Entry(SAFETY, 1, encode_event(event), b"c" * 16), UNPROVEN))
    assert (again.provenance, again.identity) == (1 | UNPROVEN, b"i" * 16)
