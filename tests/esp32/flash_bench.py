"""A flash journal of its own for each test, and the power that goes: what the tests of this folder share."""

from hal.esp32.flash_journal import FlashJournal
from hal.sim.nor_flash import NorFlash

SECTORS = 32


async def opened(flash: NorFlash) -> FlashJournal:
    return await FlashJournal.open(flash, random=flash.chance.bytes)


async def cut_and_opened(journal: FlashJournal, flash: NorFlash) -> "tuple[FlashJournal, NorFlash]":
    """The power goes while nothing is being written."""
    after = NorFlash(flash.sectors, bytearray(flash.data), flash.chance.below(1000))
    FlashJournal._let_go_of(flash)
    return await opened(after), after


def events_of(journal: FlashJournal, lane: int) -> "list[bytes]":
    found: list[bytes] = []
    after = journal.mark(lane).first - 1
    while True:
        entries = journal.peek(lane, after, 1 << 16)
        if not entries:
            return found
        found += [entry.event for entry in entries]
        after = entries[-1].seq


def raises(kind: type, call: object) -> "Exception":
    """The error that `call` ends with."""
    try:
        call()  # type: ignore[operator]
    except kind as error:  # type: ignore[misc]
        return error  # type: ignore[no-any-return]
    raise AssertionError("nothing was raised")


async def raises_soon(kind: type, work: object) -> "Exception":
    """The error that awaiting `work` ends with."""
    try:
        await work  # type: ignore[misc]
    except kind as error:  # type: ignore[misc]
        return error  # type: ignore[no-any-return]
    raise AssertionError("nothing was raised")
