"""The partition table of a board, read and judged. Source: ESP-IDF, Partition Tables (offsets, alignment, types)."""

from dataclasses import dataclass
from pathlib import Path

SECTOR = 0x1000
APP_ALIGNMENT = 0x10000
FIRST = 0x9000  # behind the table itself, which stands at 0x8000
JOURNAL_LEAST = 24 * SECTOR  # hal/esp32/journal_sectors.py
# A week without the platform (F10): 2,000 events a day. 3 MiB were seen to hold 11,953 of 100 bytes, with state (tools/rig/flash_figures).
WEEK_EVENTS = 14_000
HELD_OF_3_MIB = 11_953
TABLES = {16: Path("firmware/partitions.csv"), 8: Path("firmware/partitions-8mib.csv")}  # by MiB of flash
A_WEEK_FROM = 16 << 20  # flash that is so large has room for the whole week
NEEDED = ("nvs", "otadata", "ota_0", "ota_1", "journal", "vfs")


class PartitionError(Exception):
    """A table that a board could not live with; the message says which line."""


class ShortJournalError(PartitionError):
    """A journal that holds no week, on a flash with room for one."""


class TooLargeError(PartitionError):
    """A table that ends behind the flash; the message says what to do."""


@dataclass(frozen=True)
class Partition:
    """One line: offset and size in bytes."""

    name: str
    type: str
    subtype: str
    offset: int
    size: int

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.offset + self.size


def read(path: Path) -> list[Partition]:
    """The lines of a CSV. Raises PartitionError."""
    return parse(path.read_text(encoding="ascii"))


def parse(text: str) -> list[Partition]:
    """The same of its text."""
    found = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split(",")]
        try:
            name, kind, subtype, offset, size = cells
            found.append(Partition(name, kind, subtype, int(offset, 0), int(size, 0)))
        except ValueError as error:
            raise PartitionError(
                f"{line}: expected name, type, subtype, offset and size in numbers"
            ) from error
    return found


def least_mib(end: int) -> int:
    """The smallest flash that holds a table which ends there: chips have powers of two."""
    return 1 << (-(-end >> 20) - 1).bit_length()


def beyond(end: int, flash_bytes: int) -> str:
    """What is said, and what to do, where a table is larger than the flash."""
    least, there = least_mib(end), flash_bytes >> 20
    said = f"the table ends at {end:#x}, the flash at {flash_bytes:#x}"
    if there in TABLES:
        return f'{said}: make firmware ARGS="--flash {there}", or take a board of {least} MiB or more'
    return f"{said}: take a board of {least} MiB or more"


def check(partitions: list[Partition], flash_bytes: int) -> None:
    """Raises PartitionError: something is missing, overlaps, is out of line or beyond the flash."""
    by_name = {partition.name: partition for partition in partitions}
    missing = [name for name in NEEDED if name not in by_name]
    if missing or len(by_name) != len(partitions):
        raise PartitionError(f"missing or twice: {', '.join(missing) or 'a name'}")
    end = FIRST
    for partition in sorted(partitions, key=lambda each: each.offset):
        aligned = APP_ALIGNMENT if partition.type == "app" else SECTOR
        if partition.offset < end:
            raise PartitionError(f"{partition.name} overlaps what stands before it")
        if partition.offset % aligned or partition.size % SECTOR or partition.size <= 0:
            raise PartitionError(f"{partition.name}: offsets go in {aligned:#x}, sizes in {SECTOR:#x}")
        end = partition.end
    if end > flash_bytes:
        raise TooLargeError(beyond(end, flash_bytes))
    if by_name["ota_0"].size != by_name["ota_1"].size:
        raise PartitionError("the two application slots differ in size: an update may not fit the other")
    if by_name["journal"].size < JOURNAL_LEAST:
        raise PartitionError(f"journal: {JOURNAL_LEAST:#x} bytes are the least")
    holds = events_held(by_name["journal"])
    if flash_bytes >= A_WEEK_FROM and holds < WEEK_EVENTS:
        raise ShortJournalError(f"journal: holds some {holds} events, a week of outage is {WEEK_EVENTS}")


def events_held(journal: Partition) -> int:
    """How many events of 100 bytes a journal of that size holds, about."""
    return journal.size * HELD_OF_3_MIB // (3 << 20)
