"""What every journal promises of forgetting and of space (DESIGN.md 5)."""

from pathlib import Path

import pytest

from hal.errors import StorageFullError
from hal.interfaces import Journal
from hal.types import (
    ALARM,
    INFO,
    MEASUREMENT,
    SAFETY,
    TECHNICAL,
    YIELD_ORDER,
    GivenUp,
)
from tests.contract.backends import JOURNALS
from tests.contract.journal_hosts import EVENT, SMALL_BYTES, JournalHost, events_of, fill, held, live


@pytest.fixture(params=JOURNALS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> JournalHost:
    return JOURNALS[request.param](tmp_path)


# --- forgetting -------------------------------------------------------------------------------------------------------


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


# --- space ------------------------------------------------------------------------------------------------------------


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


def test_a_medium_with_room_is_not_called_cramped(host: JournalHost) -> None:
    """What a full one does is in `tests/system/test_journal_disk_full.py` and `tests/hub/test_machine.py`."""

    async def program(journal: Journal) -> None:
        assert journal.cramped is False

    live(host, program)
