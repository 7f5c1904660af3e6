"""F10 for the board: a week without the platform, in the journal that its partition table gives; on real MicroPython.

python -m tools.rig.esp.week_figures [DAYS]
"""

import json
import sys
import tempfile
from pathlib import Path

from tools.evidence.figure import Figure, Outcome
from tools.firmware import partitions
from tools.rig.flash_figures import MODULES, ROOT, micropython

WEEK = 7
SECTOR = 4096
CONDITIONS = (
    "simulated: a flash in a file that clears bits and erases sectors, 2,000 events of 100 bytes a day one by one, one in three with "
    "state, two alarms a day, four power cuts a day; the product's own journal on the unix build of MicroPython, not on a board. "
    "Fewer days than seven have as many sectors fewer"
)


def sectors_of(flash_mib: int) -> int:
    """Of the journal, in the partition table for flash of that size."""
    table = partitions.read(ROOT / partitions.TABLES[flash_mib])
    return next(row.size for row in table if row.name == "journal") // SECTOR


def outage(days: int, seed: int, flash_mib: int = 16) -> Outcome:
    """Bad is every event that is not held at the end, and every alarm that does not read back."""
    sectors = max(24, sectors_of(flash_mib) * days // WEEK)
    with tempfile.TemporaryDirectory() as folder:
        found = micropython("tools.rig.flash.week", Path(folder) / "flash", days, sectors, seed)
    missing = found["events"] - found["held"] + found["alarms"] - found["alarms read back"]
    reached: dict[str, int | str] = dict(found)
    reached["sectors of the journal"] = sectors
    failures = (f"seed {seed}: {json.dumps(found)}",) if missing else ()
    return Outcome(days, missing, reached, failures)


FIGURES = (
    Figure(
        id="F10d",
        title="Outage: a board keeps a week of 2,000 events a day, and gives up none",
        trial="day",
        asked="0 events given up, every alarm read back, in 7 days",
        release=WEEK,
        share=1,
        least=WEEK,
        modules=(
            *MODULES,
            "firmware/partitions.csv",
            "hal/sim/flash_file.py",
            "tools/firmware/partitions.py",
            "tools/rig/esp/week_figures.py",
        ),
        run=outage,
        control=lambda seed: outage(2, seed, flash_mib=8),
        unsafe="the journal of a board with 8 MiB of flash, in which six days have room",
        conditions=CONDITIONS,
        adds_up=False,
    ),
)

if __name__ == "__main__":
    print(outage(int(sys.argv[1]) if len(sys.argv) > 1 else WEEK, 1))
