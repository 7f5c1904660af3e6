"""What every journal promises (`hal.interfaces.Journal`, DESIGN.md 5)."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from hal.errors import DeniedError, StorageFullError, UnavailableError
from hal.interfaces import Journal
from hal.types import (
    ALARM,
    ASIDE_STATE,
    INFO,
    LANES,
    MEASUREMENT,
    SAFETY,
    TECHNICAL,
    YIELD_ORDER,
    Entry,
    GivenUp,
    chain_next,
    chain_start,
)
from tests.contract.backends import JOURNALS, SMALL_BYTES, JournalHost

Program = Callable[[Journal], Awaitable[None]]


@pytest.fixture(params=JOURNALS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> JournalHost:
    return JOURNALS[request.param](tmp_path)


def live(host: JournalHost, program: Program, *, cut: bool = False, capacity_bytes: int = 8 << 20) -> None:
    """One life of the machine: open, run the program, close or lose the power."""

    async def run() -> None:
        async with (host.cut if cut else host.opened)(capacity_bytes) as journal:
            await program(journal)

    asyncio.run(run())


def events_of(entries: Sequence[Entry]) -> list[bytes]:
    return [entry.event for entry in entries]


def held(journal: Journal, lane: int) -> list[Entry]:
    """Everything a lane holds, by as many peeks as it takes; numbers, chain and mark agree."""
    mark = journal.mark(lane)
    entries: list[Entry] = []
    chain, seq = mark.before, mark.first - 1
    while more := journal.peek(lane, seq, 10_000):
        for entry in more:
            seq, chain = seq + 1, chain_next(chain, entry.event)
            assert (entry.lane, entry.seq, entry.chain) == (lane, seq, chain)
        entries += more
    assert (seq, chain) == (mark.last, mark.chain)
    return entries


# --- order, chain, reading -----------------------------------------------------------------------------------------


def test_numbers_begin_at_one_in_each_lane_and_the_chain_at_the_epoch(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        assert len(journal.epoch) == 8
        for lane in LANES:
            start = chain_start(journal.epoch, lane)
            mark = journal.mark(lane)
            assert mark.as_list() == [1, start, 0, start]
            first, second = await journal.append([(lane, b"one"), (lane, b"two")])
            assert (first.lane, first.seq, first.event) == (lane, 1, b"one")
            assert first.chain == chain_next(start, b"one")
            assert (second.seq, second.chain) == (2, chain_next(first.chain, b"two"))
            assert journal.mark(lane).as_list() == [1, start, 2, second.chain]

    live(host, program)


def test_an_append_over_several_lanes_keeps_the_order_of_each(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        entries = await journal.append([(INFO, b"a"), (SAFETY, b"b"), (INFO, b"c"), (SAFETY, b"d")])
        assert [(entry.lane, entry.seq) for entry in entries] == [
            (INFO, 1),
            (SAFETY, 1),
            (INFO, 2),
            (SAFETY, 2),
        ]
        assert events_of(held(journal, INFO)) == [b"a", b"c"]
        assert events_of(held(journal, SAFETY)) == [b"b", b"d"]

    live(host, program)


def test_peek_gives_what_lies_after_a_number_as_often_as_asked(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        await journal.append([(INFO, bytes([n]) * 10) for n in range(1, 8)])
        for _ in range(2):
            assert [entry.seq for entry in journal.peek(INFO, 0, 1000)] == [1, 2, 3, 4, 5, 6, 7]
        assert [entry.seq for entry in journal.peek(INFO, 5, 1000)] == [6, 7]
        assert journal.peek(INFO, 7, 1000) == []
        assert journal.peek(INFO, 1000, 1000) == []
        assert journal.peek(ALARM, 0, 1000) == []

    live(host, program)


def test_peek_stops_at_its_limits_but_gives_at_least_one(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        await journal.append([(INFO, b"x" * 100)] * 5)
        for limit_bytes, limit_count, count in (
            (1000, 128, 5),
            (300, 128, 3),
            (299, 128, 2),
            (1, 128, 1),
            (1000, 2, 2),
        ):
            found = journal.peek(INFO, 0, limit_bytes, limit_count)
            assert [entry.seq for entry in found] == list(range(1, count + 1)), (limit_bytes, limit_count)
            assert len(journal.peek(INFO, 2, limit_bytes, limit_count)) == min(count, 3)

    live(host, program)


def test_large_events_and_every_byte_come_back(host: JournalHost) -> None:
    large = [bytes(range(256)) * count for count in (1, 15, 16, 17, 200)]

    async def write(journal: Journal) -> None:
        await journal.append([(MEASUREMENT, event) for event in large])

    async def read(journal: Journal) -> None:
        assert events_of(held(journal, MEASUREMENT)) == large

    live(host, write)
    live(host, read)


def test_what_no_journal_can_hold_is_refused_and_nothing_of_it_stored(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        for events in ([(INFO, b"good"), (5, b"bad")], [(INFO, b"good"), (INFO, b"")], [(-1, b"bad")]):
            with pytest.raises(ValueError, match="lane"):
                await journal.append(events, {"key": b"value"})
        assert journal.mark(INFO).last == 0
        assert journal.state("key") is None

    live(host, program)


# --- state ---------------------------------------------------------------------------------------------------------


def test_state_moves_with_the_events_of_its_append(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        await journal.append(
            [(INFO, b"frame 1")], {"counter/door": b"1", "counter/smoke": b"1", "cursor": b"9"}
        )
        await journal.append([(INFO, b"frame 2")], {"counter/door": b"2", "cursor": None})
        await journal.append([], {"alone": b""})

    async def check(journal: Journal) -> None:
        assert journal.state("counter/door") == b"2"
        assert journal.state("cursor") is None
        assert journal.state("alone") == b""
        assert journal.state_keys("counter/") == ["counter/door", "counter/smoke"]
        assert journal.state_keys("") == ["alone", "counter/door", "counter/smoke"]

    async def both(journal: Journal) -> None:
        await program(journal)
        await check(journal)

    live(host, both, cut=True)
    live(host, check)


# --- closing and cutting -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [False, True])
def test_everything_that_was_returned_is_there_in_the_next_life(host: JournalHost, cut: bool) -> None:
    epochs = []

    async def write(journal: Journal) -> None:
        epochs.append(journal.epoch)
        for number in range(50):
            await journal.append([(number % 5, b"event %d" % number)], {"last": b"%d" % number})

    async def read(journal: Journal) -> None:
        assert journal.epoch == epochs[0]
        assert journal.state("last") == b"49"
        for lane in LANES:
            assert events_of(held(journal, lane)) == [b"event %d" % number for number in range(lane, 50, 5)]

    live(host, write, cut=cut)
    live(host, read)


@pytest.mark.parametrize("cut", [False, True])
def test_numbers_and_chain_go_on_where_everything_was_acknowledged(host: JournalHost, cut: bool) -> None:
    chains = []

    async def write(journal: Journal) -> None:
        entries = await journal.append([(ALARM, b"x")] * 30)
        chains.append(entries[-1].chain)
        await journal.ack(ALARM, 30)

    async def go_on(journal: Journal) -> None:
        (entry,) = await journal.append([(ALARM, b"y")])
        assert (entry.seq, entry.chain) == (31, chain_next(chains[0], b"y"))

    live(host, write, cut=cut)
    live(host, go_on)


def test_a_closed_journal_refuses_and_closes_twice(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        await journal.append([(INFO, b"x")])
        await journal.close()
        await journal.close()
        with pytest.raises(UnavailableError, match="open it again"):
            await journal.append([(INFO, b"y")])
        with pytest.raises(UnavailableError, match="open it again"):
            await journal.ack(INFO, 1)
        with pytest.raises(UnavailableError, match="open it again"):
            journal.peek(INFO, 0, 1000)

    live(host, program)


def test_a_second_hub_on_the_same_store_is_denied(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        with pytest.raises(DeniedError) as caught:
            async with host.opened():
                pass
        assert "in use" in str(caught.value) or "another hub" in str(caught.value)
        await journal.append([(INFO, b"still works")])

    live(host, program)


# --- forgetting ----------------------------------------------------------------------------------------------------


def test_acknowledged_entries_are_gone_from_peek_and_mark(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        entries = await journal.append([(INFO, b"event %d" % number) for number in range(1, 11)])
        await journal.ack(INFO, 4)
        assert journal.mark(INFO).as_list() == [5, entries[3].chain, 10, entries[9].chain]
        assert [entry.seq for entry in journal.peek(INFO, 0, 1000)] == [5, 6, 7, 8, 9, 10]
        assert [entry.seq for entry in held(journal, INFO)] == [5, 6, 7, 8, 9, 10]
        await journal.ack(INFO, 10)
        assert journal.mark(INFO).as_list() == [11, entries[9].chain, 10, entries[9].chain]
        assert journal.peek(INFO, 0, 1000) == []

    live(host, program)


def test_an_acknowledgement_below_is_no_error_and_one_beyond_takes_no_number(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        await journal.append([(INFO, b"x")] * 5)
        await journal.ack(INFO, 3)
        for seq in (3, 1, 0):
            await journal.ack(INFO, seq)
            assert journal.mark(INFO).first == 4
        await journal.ack(INFO, 99)
        assert (journal.mark(INFO).first, journal.mark(INFO).last) == (6, 5)
        assert (await journal.append([(INFO, b"y")]))[0].seq == 6
        assert events_of(held(journal, INFO)) == [b"y"]

    live(host, program)


def test_what_was_acknowledged_stays_away_after_a_close_and_may_come_back_after_a_cut(
    host: JournalHost,
) -> None:
    async def write(journal: Journal) -> None:
        await journal.append([(INFO, b"x")] * 40)
        await journal.ack(INFO, 25)

    async def after_cut(journal: Journal) -> None:
        assert journal.mark(INFO).first <= 26  # never ahead of what was acknowledged
        assert [entry.seq for entry in held(journal, INFO)][-15:] == list(range(26, 41))
        await journal.ack(INFO, 30)

    async def after_close(journal: Journal) -> None:
        assert [entry.seq for entry in held(journal, INFO)] == list(range(31, 41))

    live(host, write, cut=True)
    live(host, after_cut)
    live(host, after_close)


# --- space ---------------------------------------------------------------------------------------------------------

EVENT = b"e" * 1000


async def fill(journal: Journal, lane: int, until: Callable[[], bool], limit: int = 2000) -> int:
    """Append to a lane until something happens; how many it took."""
    for count in range(1, limit):
        await journal.append([(lane, EVENT)] * 5)
        if until():
            return 5 * count
    raise AssertionError("it did not happen")


def test_lanes_give_up_their_oldest_in_the_order_of_the_design(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        for lane in (TECHNICAL, MEASUREMENT, INFO):
            await journal.append([(lane, EVENT)] * 20)
        await journal.append([(ALARM, EVENT)] * 20)
        seen: list[int] = []

        def note() -> bool:
            for gone in journal.given_up():
                if gone.lane not in seen:
                    seen.append(gone.lane)
                assert gone.first == 1  # one row a lane: the ranges are put together
                assert journal.mark(gone.lane).first == gone.last + 1
                assert len(held(journal, gone.lane)) == journal.mark(gone.lane).last - gone.last
            for lane in seen[:-1]:
                assert journal.peek(lane, 0, 1000) == []  # a lane yields when those before it are empty
            return len(seen) == 3

        await fill(journal, ALARM, note)
        assert seen == list(YIELD_ORDER)
        assert journal.mark(ALARM).first == 1

    live(host, program, capacity_bytes=SMALL_BYTES)


def test_a_full_journal_keeps_the_newest_of_a_lane_that_goes_on(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        await fill(journal, MEASUREMENT, lambda: bool(journal.given_up()))
        await fill(journal, MEASUREMENT, lambda: journal.given_up()[0].last > 300)
        (gone,) = journal.given_up()
        assert (gone.lane, gone.first) == (MEASUREMENT, 1)
        kept = held(journal, MEASUREMENT)
        assert kept[0].seq == gone.last + 1
        assert len(kept) * len(EVENT) > SMALL_BYTES // 4

    live(host, program, capacity_bytes=SMALL_BYTES)


def test_alarms_have_a_reserve_and_when_they_alone_fill_the_store_it_says_so(host: JournalHost) -> None:
    stored = []

    async def program(journal: Journal) -> None:
        async def until_full(lane: int, key: str) -> int:
            for count in range(2000):
                try:
                    await journal.append([(lane, EVENT)], {key: b"%d" % count})
                except StorageFullError:
                    assert journal.state(key) == b"%d" % (count - 1)
                    return count
            raise AssertionError("never full")

        # lanes 2 to 4 stop short of the end: the rest is for alarms
        await journal.append([(INFO, b"i"), (TECHNICAL, b"t")])
        alarms = 0
        while True:
            alarms += len(await journal.append([(ALARM, EVENT)]))
            try:
                await journal.append([(TECHNICAL, EVENT)])
            except StorageFullError:
                break
        more = await until_full(SAFETY, "safety")
        assert more * len(EVENT) > SMALL_BYTES // 20
        assert journal.mark(SAFETY).as_list()[::2] == [1, more]
        assert journal.mark(ALARM).as_list()[::2] == [1, alarms]
        stored.append((alarms, more))

        # and it recovers by itself when the platform has what there is
        await journal.ack(ALARM, alarms)
        assert (await journal.append([(SAFETY, EVENT)]))[0].seq == more + 1
        assert (await journal.append([(TECHNICAL, EVENT)]))[0].lane == TECHNICAL

    async def after(journal: Journal) -> None:
        assert journal.mark(SAFETY).last == stored[0][1] + 1
        assert len(held(journal, SAFETY)) == stored[0][1] + 1

    live(host, program, capacity_bytes=SMALL_BYTES)
    live(host, after, capacity_bytes=SMALL_BYTES)


def test_an_append_that_can_never_fit_gives_up_nothing(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        await journal.append([(INFO, EVENT)] * 20)
        with pytest.raises(StorageFullError, match=r"nothing was stored.*: .*platform"):
            await journal.append([(ALARM, EVENT)] * 400)
        assert journal.given_up() == []
        assert len(held(journal, INFO)) == 20
        assert journal.mark(ALARM).last == 0

    live(host, program, capacity_bytes=SMALL_BYTES)


@pytest.mark.parametrize("cut", [False, True])
def test_given_up_numbers_are_reported_once_with_the_event_that_says_so(host: JournalHost, cut: bool) -> None:
    rows: list[GivenUp] = []

    async def overflow(journal: Journal) -> None:
        await fill(journal, INFO, lambda: bool(journal.given_up()))
        rows.extend(journal.given_up())

    async def confirm(journal: Journal) -> None:
        assert journal.given_up() == rows
        (entry,) = await journal.confirm_given_up(rows[0], [(TECHNICAL, b"dropped")])
        assert (entry.lane, entry.seq) == (TECHNICAL, 1)
        assert rows[0] not in journal.given_up()

    async def again(journal: Journal) -> None:
        assert rows[0] not in journal.given_up()
        assert await journal.confirm_given_up(rows[0], [(TECHNICAL, b"dropped")]) == []
        assert events_of(held(journal, TECHNICAL)) == [b"dropped"]

    live(host, overflow, cut=cut, capacity_bytes=SMALL_BYTES)
    live(host, confirm, cut=cut, capacity_bytes=SMALL_BYTES)
    live(host, again, capacity_bytes=SMALL_BYTES)


def test_of_a_row_that_has_grown_only_what_was_reported_goes(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        await fill(journal, INFO, lambda: bool(journal.given_up()))
        (early,) = journal.given_up()
        await fill(journal, INFO, lambda: journal.given_up()[0] != early)
        late_last = journal.given_up()[0].last
        await journal.confirm_given_up(early, [(TECHNICAL, b"dropped")])
        (rest,) = journal.given_up()
        assert (rest.lane, rest.first) == (INFO, early.last + 1)
        assert rest.last >= late_last

    live(host, program, capacity_bytes=SMALL_BYTES)


def test_numbers_that_were_acknowledged_are_not_given_up(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        await fill(journal, INFO, lambda: journal.mark(INFO).last >= 100)
        await journal.ack(INFO, 90)
        before = journal.mark(INFO).last
        await journal.append([(INFO, EVENT)] * 60)
        assert journal.given_up() == []
        assert journal.mark(INFO).last == before + 60

    live(host, program, capacity_bytes=SMALL_BYTES)


# --- epochs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [False, True])
def test_a_new_epoch_drops_what_is_held_numbers_anew_and_keeps_state(host: JournalHost, cut: bool) -> None:
    epoch = bytes(range(8))

    async def program(journal: Journal) -> None:
        await journal.append([(lane, b"old") for lane in LANES] * 3, {"counter": b"7"})
        await journal.ack(ALARM, 1)
        entries = await journal.begin_epoch(epoch, [(ALARM, b"again"), (TECHNICAL, b"new epoch")])
        assert [(entry.lane, entry.seq) for entry in entries] == [(ALARM, 1), (TECHNICAL, 1)]
        assert entries[0].chain == chain_next(chain_start(epoch, ALARM), b"again")
        await check(journal)

    async def check(journal: Journal) -> None:
        assert journal.epoch == epoch
        assert journal.state("counter") == b"7"
        assert events_of(held(journal, ALARM)) == [b"again"]
        assert events_of(held(journal, TECHNICAL)) == [b"new epoch"]
        assert held(journal, SAFETY) == []
        assert journal.mark(SAFETY).as_list() == [
            1,
            chain_start(epoch, SAFETY),
            0,
            chain_start(epoch, SAFETY),
        ]

    live(host, program, cut=cut)
    live(host, check)


def test_a_new_epoch_has_nothing_given_up_and_may_be_as_full_as_the_old(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        await fill(journal, MEASUREMENT, lambda: bool(journal.given_up()))
        again = [(MEASUREMENT, entry.event + b"with its identity") for entry in held(journal, MEASUREMENT)]
        await journal.begin_epoch(b"new......"[:8], [(ALARM, b"alarm"), *again])
        assert events_of(held(journal, ALARM)) == [b"alarm"]
        kept = held(journal, MEASUREMENT)
        assert kept[-1].seq == len(again)
        assert sum(gone.last - gone.first + 1 for gone in journal.given_up()) == len(again) - len(kept)

    live(host, program, capacity_bytes=SMALL_BYTES)


def test_an_epoch_that_does_not_fit_changes_nothing(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        epoch = journal.epoch
        await journal.append([(INFO, b"kept")], {"k": b"v"})
        with pytest.raises(StorageFullError):
            await journal.begin_epoch(bytes(8), [(ALARM, EVENT)] * 400)
        assert journal.epoch == epoch
        assert events_of(held(journal, INFO)) == [b"kept"]
        assert (await journal.append([(ALARM, b"first")]))[0].seq == 1

    live(host, program, capacity_bytes=SMALL_BYTES)


def test_an_epoch_is_eight_bytes_and_new(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        for epoch in (journal.epoch, b"short", bytes(9)):
            with pytest.raises(ValueError, match="epoch"):
                await journal.begin_epoch(epoch, [])

    live(host, program)


# --- at the same time ----------------------------------------------------------------------------------------------


def test_appends_at_the_same_time_get_numbers_of_their_own(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        async def writer(name: int) -> list[tuple[int, bytes]]:
            found = []
            for turn in range(20):
                for entry in await journal.append(
                    [(MEASUREMENT, b"%d/%d" % (name, turn))], {f"w{name}": b"%d" % turn}
                ):
                    found.append((entry.seq, entry.event))
                    assert journal.mark(MEASUREMENT).last >= entry.seq
                    assert journal.state(f"w{name}") == b"%d" % turn
            return found

        results = await asyncio.gather(*[writer(name) for name in range(20)])
        for found in results:
            assert found == sorted(found)  # each writer's own order is kept
        everything = sorted(pair for found in results for pair in found)
        assert [seq for seq, _ in everything] == list(range(1, 401))
        assert events_of(held(journal, MEASUREMENT)) == [event for _, event in everything]

    live(host, program)


def test_one_append_that_fails_does_not_fail_those_at_the_same_time(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        results = await asyncio.gather(
            journal.append([(ALARM, b"before")], {"a": b"1"}),
            journal.append([(ALARM, EVENT)] * 400, {"b": b"1"}),
            journal.append([(ALARM, b"after")], {"c": b"1"}),
            return_exceptions=True,
        )
        assert isinstance(results[1], StorageFullError)
        assert events_of(held(journal, ALARM)) == [b"before", b"after"]
        assert journal.state_keys("") == ["a", "c"]

    live(host, program, capacity_bytes=SMALL_BYTES)


def test_a_cancelled_append_is_whole_or_absent_and_the_journal_goes_on(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        task = asyncio.create_task(journal.append([(ALARM, b"one"), (ALARM, b"two")], {"k": b"v"}))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        (entry,) = await journal.append([(ALARM, b"three")])
        assert events_of(held(journal, ALARM)) in ([b"three"], [b"one", b"two", b"three"])
        assert entry.seq == len(held(journal, ALARM))
        assert journal.state("k") == (b"v" if entry.seq == 3 else None)

    live(host, program)


# --- damage --------------------------------------------------------------------------------------------------------


def test_a_damaged_store_is_set_aside_and_what_reads_is_handed_out(host: JournalHost) -> None:
    epochs = []

    async def write(journal: Journal) -> None:
        epochs.append(journal.epoch)
        await journal.append([(ALARM, b"alarm"), (MEASUREMENT, b"one"), (MEASUREMENT, b"two")], {"k": b"v"})
        assert journal.set_aside() == []

    async def find(journal: Journal) -> None:
        assert journal.epoch != epochs[0]
        assert journal.mark(ALARM).last == 0
        (aside,) = journal.set_aside()
        assert [(entry.lane, entry.seq, entry.event) for entry in aside.entries] == [
            (ALARM, 1, b"alarm"),
            (MEASUREMENT, 1, b"one"),
            (MEASUREMENT, 2, b"two"),
        ]
        assert aside.reason
        epochs.append(journal.epoch)

    async def journal_again(journal: Journal) -> None:
        assert journal.epoch == epochs[1]
        (aside,) = journal.set_aside()  # until what it held is journalled again
        await journal.append([(ALARM, b"alarm again")], {ASIDE_STATE + aside.name: b""})
        assert journal.set_aside() == []

    async def done(journal: Journal) -> None:
        assert journal.set_aside() == []
        assert events_of(held(journal, ALARM)) == [b"alarm again"]

    live(host, write)
    host.damage()
    for program in (find, journal_again, done):
        live(host, program)


def test_stores_set_aside_are_listed_oldest_first(host: JournalHost) -> None:
    for number in range(3):

        async def write(journal: Journal, number: int = number) -> None:
            await journal.append([(INFO, b"store %d" % number)])

        live(host, write)
        host.damage()

    async def check(journal: Journal) -> None:
        found = [events_of(aside.entries) for aside in journal.set_aside()]
        assert found == [[b"store 0"], [b"store 1"], [b"store 2"]]

    live(host, check)


# --- anything, in any order ----------------------------------------------------------------------------------------


class Model:
    """What a journal must hold, in the plainest words."""

    def __init__(self) -> None:
        self.lanes: list[list[bytes]] = [[] for _ in LANES]  # all events ever, so number n is at n - 1
        self.acked = [0 for _ in LANES]
        self.state: dict[str, bytes] = {}

    def check(self, journal: Journal, *, after_cut: bool) -> None:
        for lane in LANES:
            mark = journal.mark(lane)
            assert mark.last == len(self.lanes[lane])
            assert mark.first <= self.acked[lane] + 1 if after_cut else mark.first == self.acked[lane] + 1
            assert events_of(held(journal, lane)) == self.lanes[lane][mark.first - 1 :]
            self.acked[lane] = mark.first - 1
        assert {key: journal.state(key) for key in journal.state_keys("")} == self.state


async def step(journal: Journal, model: Model, numbers: random.Random) -> None:
    lane = numbers.choice(LANES)
    if numbers.random() < 0.7:
        events = [
            (numbers.choice(LANES), numbers.randbytes(numbers.randint(1, 60)))
            for _ in range(numbers.randint(0, 4))
        ]
        state = {f"k{numbers.randint(0, 5)}": numbers.choice([None, numbers.randbytes(3)]) for _ in range(2)}
        entries = await journal.append(events, state)
        for (to, event), entry in zip(events, entries, strict=True):
            model.lanes[to].append(event)
            assert entry.seq == len(model.lanes[to])
        for key, value in state.items():
            model.state.pop(key, None)
            if value is not None:
                model.state[key] = value
    else:
        seq = numbers.randint(0, len(model.lanes[lane]))
        await journal.ack(lane, seq)
        model.acked[lane] = max(model.acked[lane], seq)


@pytest.mark.parametrize("seed", range(5))
def test_a_journal_agrees_with_the_plainest_model_through_closes_and_cuts(
    host: JournalHost, seed: int
) -> None:
    numbers, model = random.Random(seed), Model()
    cut = False
    for _ in range(8):

        async def program(journal: Journal, after_cut: bool = cut) -> None:
            model.check(journal, after_cut=after_cut)
            for _ in range(numbers.randint(0, 60)):
                await step(journal, model, numbers)
            model.check(journal, after_cut=False)

        cut = numbers.random() < 0.5
        live(host, program, cut=cut)
