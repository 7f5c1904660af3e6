"""What a flash journal does to its flash, and what a start of it reads and keeps in memory; on both interpreters.

`micropython -m tools.rig.flash.wear SECTORS EVENTS [UNSAFE]`: a gateway that delivers; one JSON line.
`micropython -m tools.rig.flash.wear heap FILE`: opens the flash in FILE, stores, reads and ends; memory in bytes.
"""

import asyncio
import gc
import json
import sys

from hal.esp32.flash_journal import FlashJournal
from hal.sim.nor_flash import SECTOR, Chance, NorFlash
from hal.types import ALARM, INFO, LANES, MEASUREMENT
from tools.rig.flash.unsafe import VARIANTS

EVENT_BYTES = 100
ACK_EVERY = 10  # events in one bundle, and a receipt each
STATE_EVERY = 3  # events of which one moves a counter of 24 bytes
PEEK_BYTES = 2048
COLLECT_BYTES = 4096  # as the firmware has it set: the heap is collected after so many bytes


class FileFlash:
    """A flash in a file, so that it takes no memory. Bits are not looked at: `NorFlash` does that."""

    def __init__(self, path: str) -> None:
        self.file = open(path, "r+b")  # noqa: SIM115  it is open as long as the process
        self.size = self.file.seek(0, 2)
        self.read_bytes = 0

    def readblocks(self, place: int, buffer: "bytearray | memoryview", offset: int = 0) -> None:
        self.file.seek(place * SECTOR + offset)
        self.read_bytes += len(buffer)
        self.file.readinto(buffer)

    def writeblocks(self, place: int, data: "bytes | bytearray | memoryview", offset: int = 0) -> None:
        self.file.seek(place * SECTOR + offset)
        self.file.write(data)

    def ioctl(self, operation: int, argument: int) -> int:
        if operation == 6:
            self.writeblocks(argument, b"\xff" * SECTOR)
        return {4: self.size // SECTOR, 5: SECTOR}.get(operation, 0)


def event(number: int) -> bytes:
    """100 bytes."""
    return (b"%d " % number + b"e" * EVENT_BYTES)[:EVENT_BYTES]


async def delivering(sectors: int, events: int) -> "dict[str, int]":
    """Each event is stored by itself; each bundle is receipted."""
    flash = NorFlash(sectors)
    chance = Chance(sectors)
    journal = await FlashJournal.open(flash, random=chance.bytes)
    lanes = (MEASUREMENT, MEASUREMENT, MEASUREMENT, INFO, ALARM)
    for number in range(events):
        state = {"counter": b"%024d" % number} if number % STATE_EVERY == 0 else None
        await journal.append([(lanes[chance.below(5)], event(number))], state)
        if number % ACK_EVERY == 0:
            for lane in LANES:
                await journal.ack(lane, journal.mark(lane).last)
    await journal.close()
    erases = sum(flash.erases)
    return {
        "bytes programmed for 100 events": 100 * flash.programmed_bytes // events,
        "erases in 10,000 events": 10_000 * erases // events,
        "erases of the most used sector": max(flash.erases),
        "erases of the least used sector": min(flash.erases),
    }


async def filled(sectors: int) -> "tuple[NorFlash, int]":
    """A flash without a platform, until a lane gives way; and the events that it holds then."""
    flash = NorFlash(sectors)
    journal = await FlashJournal.open(flash, random=Chance(1).bytes)
    number = 0
    while not journal.given_up():
        number += 1
        await journal.append([(MEASUREMENT, event(number))], {"k%d" % (number % 40): b"%024d" % number})
    held = journal.mark(MEASUREMENT)
    await journal.close()
    return flash, held.last - held.first + 1


async def memory(path: str) -> "dict[str, int]":
    """Live bytes of an open journal, and what its start read."""
    if hasattr(gc, "mem_alloc"):  # else a heap without a limit lies in pieces before it is ever collected
        gc.threshold(COLLECT_BYTES)  # type: ignore[attr-defined]
    gc.collect()
    before = allocated()
    device = FileFlash(path)
    journal = await FlashJournal.open(device, random=Chance(1).bytes)
    read = device.read_bytes
    gc.collect()
    live = allocated() - before
    await journal.append([(ALARM, event(0)), (INFO, event(1))], {"counter": b"1"})
    for lane in LANES:
        await journal.ack(lane, len(journal.peek(lane, 0, PEEK_BYTES)))
    await journal.close()
    return {"bytes before it is open": before, "live bytes": live, "bytes read by a start": read}


def allocated() -> int:
    """Bytes of the heap in use; 0 where the interpreter does not tell."""
    tell = getattr(gc, "mem_alloc", None)
    return tell() if tell is not None else 0


def main(words: "list[str]") -> None:
    """One line of JSON."""
    if words[0] == "heap":
        print(json.dumps(asyncio.run(memory(words[1]))))
    else:
        for name in words[2:]:
            VARIANTS[name]()
        print(json.dumps(asyncio.run(delivering(int(words[0]), int(words[1])))))


if __name__ == "__main__":
    main(sys.argv[1:])
