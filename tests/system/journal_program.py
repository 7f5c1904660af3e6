"""A program for `test_journal_sigkill`: appends without end, and says on standard output what it was promised.

    python -m tests.system.journal_program STORE {journal,early} WRITERS

One line an event: lane, number and the event in hex. `early` is the negative control: it says an event is stored
before it is, as a gateway with a queue in memory does.
"""

import asyncio
import os
import sys
from pathlib import Path

from hal.linux.journal import SqliteJournal
from hal.types import LANES, MEASUREMENT, Entry


def say(entry: Entry) -> None:
    os.write(1, f"{entry.lane} {entry.seq} {entry.event.hex()}\n".encode())


async def write(journal: SqliteJournal, early: bool) -> None:
    """Append for ever: alone, in tens, with state, with acknowledgements in between."""
    number = 0
    while True:
        number += 1
        lane = LANES[number % 5]
        count = 10 if number % 7 == 0 else 1
        events = [(lane, os.urandom(40)) for _ in range(count)]
        if early:
            for offset, (_, event) in enumerate(events):
                say(Entry(lane, journal.mark(lane).last + 1 + offset, event, b""))
        for entry in await journal.append(events, {"number": b"%d" % number}):
            if not early:
                say(entry)
        if number % 50 == 0:
            await journal.ack(MEASUREMENT, journal.mark(MEASUREMENT).last - 20)


async def main(store: str, variant: str, writers: int) -> None:
    journal = await SqliteJournal.open(Path(store))
    await asyncio.gather(*[write(journal, variant == "early") for _ in range(writers)])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
