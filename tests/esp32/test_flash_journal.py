"""The journal in flash where its medium is worse than what the contract's files ask for."""

import asyncio

from hal.errors import UnavailableError
from hal.esp32.flash_journal import FlashJournal
from hal.esp32.journal_frames import HEADER_SIZE, PAGE, SECTOR, Header, decode_header, encode_resume, frames
from hal.esp32.journal_stream import Stream
from hal.sim.faults import PowerCutError
from hal.sim.nor_flash import NorFlash
from hal.types import ALARM, INFO, LANES, MEASUREMENT, SAFETY, chain_next
from tests.esp32.flash_bench import SECTORS, cut_and_opened, events_of, opened, raises, raises_soon

# --- a torn end -------------------------------------------------------------------------------------------------------


def test_what_no_word_confirmed_behind_the_torn_end_of_an_earlier_run_never_comes_back() -> None:
    async def program() -> None:
        flash = NorFlash(SECTORS)
        journal = await opened(flash)
        await journal.append([(ALARM, b"first"), (INFO, b"first")])
        journal, flash = await cut_and_opened(journal, flash)
        flash.log = []
        flash.cut_after = (
            260  # it is torn in the second lane, and the first one has gone on at a page of its own
        )
        await raises_soon(PowerCutError, journal.append([(ALARM, b"half"), (INFO, b"x" * 300)]))
        assert len(flash.log) == 2
        flash.dead, flash.cut_after = False, None
        journal, flash = await cut_and_opened(journal, flash)
        await journal.append([(ALARM, b"second")])
        journal, flash = await cut_and_opened(journal, flash)
        assert journal.set_aside() == []
        assert events_of(journal, ALARM) == [b"first", b"second"]
        assert events_of(journal, INFO) == [b"first"]
        await journal.close()

    asyncio.run(program())


def test_a_write_that_was_cut_reads_the_same_at_every_start_though_its_cells_are_weak() -> None:
    async def program() -> None:
        for cut in range(1, 60):
            flash = NorFlash(SECTORS, None, cut)
            journal = await opened(flash)
            await journal.append([(ALARM, b"whole")])
            flash.cut_after = cut
            await raises_soon(PowerCutError, journal.append([(ALARM, b"torn" * 12)]))
            FlashJournal._let_go_of(flash)
            flash.dead, flash.cut_after = False, None
            seen = []
            for _ in range(6):
                journal = await opened(flash)
                assert journal.set_aside() == []
                seen.append(events_of(journal, ALARM))
                await journal.close()
            assert seen == [seen[0]] * 6
            assert seen[0][0] == b"whole"

    asyncio.run(program())


def test_a_header_that_was_half_made_unreadable_reads_either_way_and_sets_nothing_aside() -> None:
    """F2b, seed 305: the power went again in the first byte of the zeros that a start wrote over a sector's header."""

    async def program() -> None:
        made = NorFlash(SECTORS)
        journal = await opened(made)
        for _ in range(4):
            entries = await journal.append([(ALARM, bytes(960))])
        place = next(place for place in range(SECTORS) if entries_in(made, place) > 3000)
        await journal.ack(ALARM, entries[-1].seq)
        await journal.close()
        for seed in range(1, 500):
            flash = NorFlash(SECTORS, bytearray(made.data), seed)
            flash.weak = {place * SECTOR: 64}
            journal = await opened(flash)
            assert journal.set_aside() == []
            assert journal.mark(ALARM).last == 4 and events_of(journal, ALARM) == []
            await journal.close()

    asyncio.run(program())


def entries_in(flash: NorFlash, place: int) -> int:
    """Bytes of a sector that are programmed."""
    return SECTOR - bytes(flash.data[place * SECTOR : (place + 1) * SECTOR]).count(b"\xff")


def test_bytes_in_an_event_never_pass_for_frames() -> None:
    async def program() -> None:
        flash = NorFlash(SECTORS)
        journal = await opened(flash)
        forged = b"".join(
            [encode_resume(1, 99, bytes(16), serial) + b"\xff" * (PAGE - 32) for serial in range(1, 9)]
        )
        await journal.append([(ALARM, forged[at:]) for at in range(0, 12, 4)])
        journal, flash = await cut_and_opened(journal, flash)
        assert journal.mark(ALARM).last == 3
        assert events_of(journal, ALARM) == [forged, forged[4:], forged[8:]]
        await journal.close()

    asyncio.run(program())


def test_a_frame_counts_in_its_own_use_of_a_sector_alone() -> None:
    buffer = bytearray(b"\xff" * SECTOR)
    buffer[HEADER_SIZE : HEADER_SIZE + 32] = encode_resume(1, 5, bytes(16), 3)
    assert len(list(frames(buffer, 3))) == 1
    assert list(frames(buffer, 4)) == []


# --- a flash that fails -----------------------------------------------------------------------------------------------


def test_after_a_write_that_failed_the_next_one_is_stored_and_nothing_before_is_lost() -> None:
    async def program() -> None:
        refused = 0
        for failing in range(1, 12):
            flash = NorFlash(SECTORS)
            journal = await opened(flash)
            await journal.append([(ALARM, b"kept"), (INFO, b"kept")], {"k": b"1"})
            await journal.ack(INFO, 1)
            flash.operations, flash.fails = 0, {failing: 9}
            stored, told = [b"kept"], 0
            for number in range(9):
                event = b"number %d" % number
                try:
                    await journal.append([(ALARM, event), (SAFETY, event)])
                except UnavailableError:
                    told += 1
                    found = events_of(journal, ALARM)
                    assert journal.mark(ALARM).last == len(found), "the mark says what is there"
                    assert found[: len(stored)] == stored
                    continue
                stored.append(event)
            refused += told
            assert told <= 1 and journal.mark(INFO).first == 2
            found = events_of(journal, ALARM)
            assert [event for event in found if event in stored] == stored
            assert len(found) <= len(stored) + told
            await journal.close()
        assert refused >= 8  # an erase that fails is passed over

    asyncio.run(program())


def test_sectors_that_do_not_erase_are_passed_over() -> None:
    async def program() -> None:
        flash = NorFlash(SECTORS)
        flash.stuck = {3, 4, 11}
        journal = await opened(flash)
        for number in range(400):
            await journal.append([(MEASUREMENT, b"%d " % number + b"m" * 200)])
            await journal.ack(MEASUREMENT, number - 10)
        assert len(events_of(journal, MEASUREMENT)) == 11
        assert [flash.erases[place] for place in sorted(flash.stuck)] == [0, 0, 0]
        await journal.close()

    asyncio.run(program())


def test_a_partition_that_is_too_small_is_refused() -> None:
    error = raises(ValueError, lambda: FlashJournal(NorFlash(8)))
    assert "24 sectors" in str(error)


def test_one_reading_that_goes_wrong_destroys_nothing_and_sets_nothing_aside() -> None:
    async def program() -> None:
        flash = NorFlash(SECTORS)
        journal = await opened(flash)
        events = [b"event %d " % number * 9 for number in range(60)]
        for event in events:
            await journal.append([(ALARM, event)], {"k": event})
        journal, flash = await cut_and_opened(journal, flash)
        total = flash.reads
        for number in range(1, total + 8):
            after = NorFlash(flash.sectors, bytearray(flash.data), number)
            after.misreads = {number}
            try:
                journal = await opened(after)
            except UnavailableError:  # what was just written read back wrongly: whoever opens tries again
                journal = await opened(after)
            assert journal.set_aside() == [], number
            assert events_of(journal, ALARM) == events, number
            assert journal.state("k") == events[-1], number
            FlashJournal._let_go_of(after)

    asyncio.run(program())


def test_a_lane_gives_way_while_the_control_stream_begins_anew() -> None:
    """Which gives back a full sector of another lane in which all is forgotten, as a start has found it."""

    async def program() -> None:
        flash = NorFlash(SECTORS)
        journal = await opened(flash)
        await journal.append([(INFO, b"i" * 3900)] + [(SAFETY, b"s" * 30)])
        await journal.ack(INFO, 1)
        while not journal.given_up():
            await journal.append([(MEASUREMENT, b"m" * 900)])
            full = journal._store.used >= journal._store.limit(False) and not journal.given_up()
            if full:
                await journal.close()
                journal = await opened(flash)
                journal._store.compact_at = 0
                journal._store.control.offset = SECTOR
        (gone,) = journal.given_up()
        assert gone.lane == MEASUREMENT and journal.mark(INFO).first == 2
        await journal.close()

    asyncio.run(program())


# --- numbers, starts, wear ----------------------------------------------------------------------------------------------


def test_numbers_and_chain_go_on_when_nothing_of_a_lane_is_in_the_flash_any_more() -> None:
    async def program() -> None:
        flash = NorFlash(SECTORS)
        journal = await opened(flash)
        entries = await journal.append([(ALARM, b"a" * 1000)] * 21)
        await journal.ack(ALARM, 21)
        for number in range(600):
            await journal.append([(INFO, b"%d " % number + b"i" * 300)])
            await journal.ack(INFO, number)
        journal, flash = await cut_and_opened(journal, flash)
        (entry,) = await journal.append([(ALARM, b"next")])
        assert (entry.seq, entry.chain) == (22, chain_next(entries[-1].chain, b"next"))
        await journal.close()

    asyncio.run(program())


def test_a_start_reads_headers_and_ends_and_not_what_is_held() -> None:
    async def program() -> None:
        flash = NorFlash(256)
        journal = await opened(flash)
        while not journal.given_up():
            await journal.append([(MEASUREMENT, b"m" * 500)] * 5)
        await journal.close()
        before = flash.read_bytes
        journal = await opened(flash)
        assert flash.read_bytes - before < 256 * 6 * HEADER_SIZE + 16 * SECTOR < 256 * SECTOR // 6
        await journal.close()

    asyncio.run(program())


def test_what_is_delivered_wears_every_sector_alike() -> None:
    async def program() -> None:
        flash = NorFlash(SECTORS)
        journal = await opened(flash)
        for number in range(3000):
            await journal.append([(LANES[number % 5], b"e" * 100)], {"k": b"%d" % number})
            await journal.ack(number % 5, number // 5)
        assert max(flash.erases) <= min(flash.erases) + 3
        await journal.close()

    asyncio.run(program())


def test_more_epochs_than_a_byte_counts_may_have_left_sectors() -> None:
    async def program() -> None:
        flash = NorFlash(400)
        journal = await opened(flash)
        await journal.append([(ALARM, b"alarm")], {"k": b"v"})
        for number in range(130):  # two sectors each, and none is taken twice
            await journal.begin_epoch(b"%08d" % number, lambda entry: entry.event, [])
        journal, flash = await cut_and_opened(journal, flash)
        assert journal.epoch == b"00000129" and journal.set_aside() == []
        assert events_of(journal, ALARM) == [b"alarm"] and journal.state("k") == b"v"
        await journal.close()
        for number in range(300):  # as many stores that were lost before anything was stored
            place = (flash.sectors - 1 - number) % flash.sectors
            if decode_header(flash.data[place * SECTOR : place * SECTOR + HEADER_SIZE]) is None:
                header = Header(INFO, False, 1, b"%08d" % (1000 + number), 1, bytes(16))
                flash.data[place * SECTOR : place * SECTOR + HEADER_SIZE] = header.encode()
        journal = await opened(flash)
        assert events_of(journal, ALARM) == [b"alarm"]
        await journal.close()

    asyncio.run(program())


def test_writers_at_the_same_time_get_numbers_of_their_own() -> None:
    async def program() -> None:
        flash = NorFlash(SECTORS)
        journal = await opened(flash)

        async def writer(name: int) -> None:
            for turn in range(10):
                await journal.append([(MEASUREMENT, b"%d/%d" % (name, turn))], {"w%d" % name: b"%d" % turn})

        await asyncio.gather(*[writer(name) for name in range(8)])
        found = events_of(journal, MEASUREMENT)
        assert len(found) == len(set(found)) == 80
        for name in range(8):
            own = [event for event in found if event.startswith(b"%d/" % name)]
            assert own == [b"%d/%d" % (name, turn) for turn in range(10)]
        await journal.close()

    asyncio.run(program())


def test_control_without_the_zeros_behind_the_end_a_torn_write_comes_back() -> None:
    """The first test of this file would not see it, were the flash not to tear."""
    strengthen = Stream._strengthen

    def careless(stream: Stream, place: int, end: int) -> None:
        stream.offset = end

    async def program() -> None:
        flash = NorFlash(SECTORS)
        journal = await opened(flash)
        await journal.append([(ALARM, b"first")])
        flash.cut_after = 9
        await raises_soon(PowerCutError, journal.append([(ALARM, b"torn")]))
        flash.dead, flash.cut_after = False, None
        journal, flash = await cut_and_opened(journal, flash)
        await raises_soon(AssertionError, journal.append([(ALARM, b"second")]))
        FlashJournal._let_go_of(flash)

    Stream._strengthen = careless  # type: ignore[method-assign]
    try:
        asyncio.run(program())
    finally:
        Stream._strengthen = strengthen  # type: ignore[method-assign]
