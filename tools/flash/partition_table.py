"""The partition table as the chip reads it. Source: ESP-IDF, gen_esp32part.py and Partition Tables: entries of 32 bytes, then their MD5."""

import hashlib
import struct

from tools.firmware.partitions import Partition, PartitionError

TABLE_AT, TABLE_BYTES, MOST_BYTES = 0x8000, 0x1000, 0xC00
ENTRY, MAGIC, MD5_MAGIC = "<2sBBII16sI", b"\xaa\x50", b"\xeb\xeb" + b"\xff" * 14
TYPES = {"app": 0x00, "data": 0x01}
SUBTYPES = {
    "app": {"factory": 0x00, "test": 0x20, **{f"ota_{number}": 0x10 + number for number in range(16)}},
    "data": {"ota": 0x00, "phy": 0x01, "nvs": 0x02, "coredump": 0x03, "nvs_keys": 0x04, "efuse": 0x05, "fat": 0x81, "spiffs": 0x82, "littlefs": 0x83},
}  # fmt: skip


def encode(partitions: list[Partition]) -> bytes:
    """A whole sector. Raises PartitionError: a type or a name that the chip does not know, or too many."""
    entries = b"".join(entry(each) for each in partitions)
    table = entries + MD5_MAGIC + hashlib.md5(entries, usedforsecurity=False).digest()
    if len(table) > MOST_BYTES:
        raise PartitionError(f"{len(partitions)} partitions, which is more than a table holds")
    return table.ljust(TABLE_BYTES, b"\xff")


def entry(partition: Partition) -> bytes:
    """One line of the table."""
    name = partition.name.encode("ascii")
    kind, subtype = number(partition.type, TYPES), number(partition.subtype, SUBTYPES.get(partition.type, {}))
    if kind is None or subtype is None or len(name) > 15:
        raise PartitionError(
            f"{partition.name!s}: {partition.type!s}, {partition.subtype!s} is no partition that the chip knows"
        )
    return struct.pack(ENTRY, MAGIC, kind, subtype, partition.offset, partition.size, name, 0)


def number(word: str, known: dict[str, int]) -> int | None:
    """By its name, or as a number itself; None where it is neither."""
    if word in known:
        return known[word]
    try:
        found = int(word, 0)
    except ValueError:
        return None
    return found if 0 <= found <= 0xFE else None
