"""A program for `test_journal_disk_full`: a journal on a small disk that somebody else fills.

    python -m tests.system.journal_disk_program DIRECTORY

Prints facts as one JSON object. The directory lies on a file system of a few MiB.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from hal.errors import StorageFullError
from hal.linux.journal import SqliteJournal
from hal.types import ALARM, MEASUREMENT, SAFETY

EVENT = b"e" * 200


def fill(path: Path) -> None:
    """Take every byte that is left."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


async def append_until_full(journal: SqliteJournal, lane: int) -> int:
    for count in range(100_000):
        try:
            await journal.append([(lane, EVENT)], {"count": b"%d" % count})
        except StorageFullError:
            assert journal.state("count") == b"%d" % (count - 1)
            return count
    raise AssertionError("never full")


async def main(folder: Path) -> None:
    store, ballast = folder / "store" / "journal.sqlite", folder / "ballast"
    journal = await SqliteJournal.open(store, capacity_bytes=64 << 20)
    await journal.append([(MEASUREMENT, EVENT)] * 2000)
    fill(ballast)
    facts: dict[str, Any] = {"free_bytes": os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize}

    # measurements go on by giving up the oldest, and alarms find room
    await journal.append([(MEASUREMENT, EVENT)] * 100)
    for _ in range(100):
        for _ in range(20):
            await journal.append([(MEASUREMENT, EVENT)])
        await journal.append([(SAFETY, EVENT)])
    facts["cramped"] = [journal.cramped]
    facts["given_up"] = sum(gone.last - gone.first + 1 for gone in journal.given_up())
    facts["measurements_last"] = journal.mark(MEASUREMENT).last
    facts["alarms_on_a_full_disk"] = journal.mark(SAFETY).last

    # alarms alone fill it, and it says so
    facts["alarms_until_full"] = await append_until_full(journal, ALARM)
    facts["measurements_left"] = journal.mark(MEASUREMENT).last - journal.mark(MEASUREMENT).first + 1

    # space comes back, and so does the journal, without a restart
    ballast.unlink()
    for _ in range(100):
        if not journal.cramped:
            break
        await asyncio.sleep(0.1)
    facts["cramped"].append(journal.cramped)
    (entry,) = await journal.append([(ALARM, EVENT)])
    facts["number_after_space_is_back"] = entry.seq
    await journal.append([(MEASUREMENT, EVENT)] * 1000)
    await journal.close()

    journal = await SqliteJournal.open(store, capacity_bytes=64 << 20)
    facts["after_a_restart"] = [
        journal.mark(SAFETY).last,
        journal.mark(ALARM).last,
        journal.mark(MEASUREMENT).last,
    ]
    await journal.close()
    print(json.dumps(facts))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
