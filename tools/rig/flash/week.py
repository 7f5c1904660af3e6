"""An outage: nobody receipts for days, and the journal in flash has to keep everything; on both interpreters.

`micropython -m tools.rig.flash.week FILE DAYS SECTORS SEED`: one JSON line. FILE is the flash, made erased.

Simulated: 2,000 events of 100 bytes a day, one after the other, of which two a day are alarms; a third moves a counter. The power is cut
four times a day, without a word.
"""

import asyncio
import gc
import json
import sys

from hal.esp32.flash_journal import FlashJournal
from hal.sim.flash_file import FlashFile
from hal.sim.nor_flash import Chance
from hal.types import ALARM, INFO, LANES, MEASUREMENT, SAFETY, TECHNICAL
from tools.rig.flash.wear import COLLECT_BYTES, STATE_EVERY, event

A_DAY, CUTS_A_DAY = 2_000, 4


def lane_of(number: int, chance: Chance) -> int:
    """70 % measurements, 27 % doors by day, 3 % faults; of a thousand one is an alarm."""
    if number % 1_000 == 500:
        return SAFETY if number % 2_000 == 500 else ALARM
    drawn = chance.below(100)
    return MEASUREMENT if drawn < 70 else INFO if drawn < 97 else TECHNICAL


async def outage(path: str, days: int, sectors: int, seed: int) -> "dict[str, object]":
    """What is held at its end, and what was given up."""
    device, chance = FlashFile(path, sectors), Chance(seed)
    journal = await FlashJournal.open(device, random=chance.bytes)
    stored = [0 for _ in LANES]
    for number in range(1, days * A_DAY + 1):
        if number % (A_DAY // CUTS_A_DAY) == 0:
            device.close()  # the journal is not
            device = FlashFile(path, sectors)
            journal = await FlashJournal.open(device, random=chance.bytes)
        state = {"counter": b"%024d" % number} if number % STATE_EVERY == 0 else None
        lane = lane_of(number, chance)
        await journal.append([(lane, event(number))], state)
        stored[lane] += 1
    marks = [journal.mark(lane) for lane in LANES]
    alarms = [len(journal.peek(lane, marks[lane].first - 1, 1 << 20, 10_000)) for lane in (SAFETY, ALARM)]
    device.close()
    return {
        "events": sum(stored),
        "held": sum([mark.last - mark.first + 1 for mark in marks]),
        "alarms": stored[SAFETY] + stored[ALARM],
        "alarms read back": sum(alarms),
        "given_up": sum([gone.last - gone.first + 1 for gone in journal.given_up()]),
    }


if __name__ == "__main__":
    if hasattr(gc, "mem_alloc"):
        gc.threshold(COLLECT_BYTES * 16)  # type: ignore[attr-defined]
    print(json.dumps(asyncio.run(outage(sys.argv[1], *[int(word) for word in sys.argv[2:5]]))))
