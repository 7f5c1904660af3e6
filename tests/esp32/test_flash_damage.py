"""Damage in the flash of a journal: told, set aside, handed out, and its sectors used again."""

import asyncio

from hal.errors import CorruptDataError
from hal.esp32.journal_frames import HEADER_SIZE, SECTOR, decode_header
from hal.sim.nor_flash import NorFlash
from hal.types import ALARM, ASIDE_STATE, INFO, MEASUREMENT, chain_next
from tests.esp32.flash_bench import SECTORS, events_of, opened, raises


def place_of(flash: NorFlash, stream: int) -> int:
    """The newest sector of a stream."""
    found = []
    for place in range(flash.sectors):
        header = decode_header(flash.data[place * SECTOR : place * SECTOR + HEADER_SIZE])
        if header is not None and header.stream == stream:
            found.append((header.serial, place))
    return sorted(found)[-1][1]


def test_damage_in_the_middle_is_told_and_the_next_start_hands_out_both_sides_of_it() -> None:
    async def program() -> None:
        flash = NorFlash(SECTORS)
        journal = await opened(flash)
        await journal.append([(ALARM, b"alarm %d" % number) for number in range(5)], {"k": b"v"})
        entries = journal.peek(ALARM, 0, 1000)
        flash.data[place_of(flash, ALARM) * SECTOR + HEADER_SIZE + 2 * 20 + 9] ^= 4
        error = raises(CorruptDataError, lambda: journal.peek(ALARM, 0, 1000))
        assert "restart" in str(error)
        await journal.append([(ALARM, b"alarm 5")])
        await journal.close()
        journal = await opened(flash)
        (aside,) = journal.set_aside()
        assert [(entry.seq, entry.event) for entry in aside.entries] == [
            (seq, b"alarm %d" % (seq - 1)) for seq in (1, 2, 4, 5, 6)
        ]
        found = list(aside.entries)
        assert [entry.chain for entry in found[:2]] == [entry.chain for entry in entries[:2]]
        for before, after in zip(found[1:], found[2:]):  # noqa: RUF007
            assert chain_next(before.chain, after.event) != after.chain, (
                "nothing proves what is behind a hole"
            )
        assert len({entry.chain for entry in found}) == 5
        assert aside.state == {"k": b"v"} and aside.is_state_whole
        assert journal.mark(ALARM).last == 0
        await journal.close()

    asyncio.run(program())


def test_when_it_is_journalled_again_the_sectors_of_a_store_set_aside_are_used_again() -> None:
    async def program() -> None:
        flash = NorFlash(SECTORS)
        journal = await opened(flash)
        for number in range(200):
            await journal.append([(MEASUREMENT, b"%d " % number + b"m" * 100)])
        flash.data[place_of(flash, MEASUREMENT) * SECTOR + HEADER_SIZE + 9] ^= 4
        raises(CorruptDataError, lambda: events_of(journal, MEASUREMENT))
        await journal.close()
        journal = await opened(flash)
        (aside,) = journal.set_aside()
        kept = len(list(aside.entries))
        assert kept >= 190 and journal.cramped
        for number in range(100):
            await journal.append([(INFO, b"beside it %d " % number + b"i" * 200)])
        assert len(list(aside.entries)) == kept, "nobody writes over it"
        await journal.append([], {ASIDE_STATE + aside.name: b"1"})
        assert journal.set_aside() == [] and not journal.cramped
        await journal.close()
        journal = await opened(flash)
        assert journal.set_aside() == []
        for number in range(600):
            await journal.append([(INFO, b"and on it %d " % number + b"i" * 200)])
        assert journal.mark(INFO).last == 700
        await journal.close()

    asyncio.run(program())
