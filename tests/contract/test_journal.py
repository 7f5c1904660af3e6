"""What every journal promises of order, state, closing and epochs (`hal.interfaces.Journal`, DESIGN.md 5)."""

from pathlib import Path

import pytest

from hal.errors import DeniedError, StorageFullError, UnavailableError
from hal.interfaces import Journal
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
from tests.contract.backends import JOURNALS
from tests.contract.journal_hosts import EVENT, SMALL_BYTES, JournalHost, events_of, fill, held, live


@pytest.fixture(params=JOURNALS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> JournalHost:
    return JOURNALS[request.param](tmp_path)


# --- order, chain, reading --------------------------------------------------------------------------------------------


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


# --- state ------------------------------------------------------------------------------------------------------------


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


# --- closing and cutting ----------------------------------------------------------------------------------------------


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


# --- epochs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [False, True])
def test_a_new_epoch_numbers_what_is_held_anew_and_keeps_state(host: JournalHost, cut: bool) -> None:
    epoch = bytes(range(8))

    async def program(journal: Journal) -> None:
        await journal.append([(lane, b"old") for lane in LANES] * 3, {"counter": b"7", "gone": b"8"})
        await journal.ack(ALARM, 1)
        moved: dict[str, bytes | None] = {"left": b"ranges", "gone": None}
        entries = await journal.begin_epoch(epoch, again, [(TECHNICAL, b"new epoch")], moved)
        assert [(entry.lane, entry.seq) for entry in entries] == [(TECHNICAL, 4)]
        assert entries[0].event == b"new epoch"
        await check(journal)

    def again(entry: Entry) -> bytes:
        return b"%d of lane %d" % (entry.seq, entry.lane)

    async def check(journal: Journal) -> None:
        assert journal.epoch == epoch
        assert journal.state("counter") == b"7"
        assert journal.state("left") == b"ranges" and journal.state("gone") is None
        assert events_of(held(journal, SAFETY)) == [b"1 of lane 0", b"2 of lane 0", b"3 of lane 0"]
        assert events_of(held(journal, ALARM)) == [b"2 of lane 1", b"3 of lane 1"]
        assert events_of(held(journal, TECHNICAL))[2:] == [b"3 of lane 2", b"new epoch"]
        mark = journal.mark(ALARM)
        assert (mark.first, mark.before, mark.last) == (1, chain_start(epoch, ALARM), 2)

    live(host, program, cut=cut)
    live(host, check)


def test_a_new_epoch_has_nothing_given_up_and_may_be_as_full_as_the_old(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        await fill(journal, MEASUREMENT, lambda: bool(journal.given_up()))
        await journal.append([(ALARM, b"alarm")])
        before = held(journal, MEASUREMENT)
        longer = b" with its identity" * 30
        await journal.begin_epoch(b"new......"[:8], lambda entry: entry.event + longer, [(INFO, b"begun")])
        assert events_of(held(journal, ALARM)) == [b"alarm" + longer]
        kept = held(journal, MEASUREMENT)
        assert kept[-1].seq == len(before) > len(kept) > len(before) // 3
        assert events_of(kept) == [entry.event + longer for entry in before[-len(kept) :]]
        assert journal.given_up() == [GivenUp(MEASUREMENT, 1, len(before) - len(kept))]

    live(host, program, capacity_bytes=SMALL_BYTES)


def test_in_a_new_epoch_a_store_full_of_alarms_gives_up_measurements_before_faults_and_says_so_rightly(
    host: JournalHost,
) -> None:
    """Held entries are no new load: they may use the room for alarms, and nobody gives way under an old number."""

    async def program(journal: Journal) -> None:
        await journal.append([(TECHNICAL, b"t" * 200)] * 60)
        await fill(journal, MEASUREMENT, lambda: bool(journal.given_up()))
        while journal.mark(MEASUREMENT).last - journal.mark(MEASUREMENT).first > 20:
            await journal.append([(ALARM, b"a" * 300)])
        before = {lane: len(held(journal, lane)) for lane in LANES}
        await journal.begin_epoch(b"the next", lambda entry: entry.event + b"identity", [])
        after = {lane: len(held(journal, lane)) for lane in LANES}
        assert after[ALARM] == before[ALARM]
        if after[TECHNICAL] < before[TECHNICAL]:
            assert after[MEASUREMENT] == 0
        for gone in journal.given_up():
            assert gone.last < journal.mark(gone.lane).first, "a number that is held is not gone"

    live(host, program, capacity_bytes=SMALL_BYTES)


def test_an_epoch_that_does_not_fit_changes_nothing(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        epoch = journal.epoch
        await journal.append([(INFO, b"kept"), *[(ALARM, EVENT)] * 40], {"k": b"v"})
        await journal.ack(ALARM, 7)
        before = [held(journal, lane) for lane in LANES]
        with pytest.raises(StorageFullError):
            await journal.begin_epoch(bytes(8), lambda entry: entry.event * 10, [])
        assert journal.epoch == epoch
        after = [held(journal, lane) for lane in LANES]
        assert [events_of(lane) for lane in after] == [events_of(lane) for lane in before]
        assert (await journal.append([(ALARM, b"next")]))[0].seq == 41

    live(host, program, capacity_bytes=SMALL_BYTES)


def test_an_epoch_is_eight_bytes_and_new(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        for epoch in (journal.epoch, b"short", bytes(9)):
            with pytest.raises(ValueError, match="epoch"):
                await journal.begin_epoch(epoch, lambda entry: entry.event, [])

    live(host, program)
