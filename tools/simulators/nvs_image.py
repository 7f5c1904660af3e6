"""The non-volatile storage of a board, read out of an image: `esp32.NVS` as far as `hal.esp32.nvs.Nvs` asks it. Nothing can be written.

Written from ESP-IDF's description of the format (Non-Volatile Storage Library, Internals) and not from the generator, so that one shows what the
other gets wrong: pages of 4 KiB, entries of 32 bytes, each with its CRC.
"""

import struct
import zlib

PAGE, ENTRY, FIRST_ENTRY, ENTRIES = 0x1000, 32, 64, 126
ACTIVE, FULL = 0xFFFFFFFE, 0xFFFFFFFC
NAMESPACE_TYPE, BLOB_DATA, BLOB_INDEX = 0x01, 0x42, 0x48
WRITTEN = 0b10
NOT_FOUND = -0x1102


class ImageNvs:
    """One namespace of an image. Raises ValueError: an entry whose CRC does not hold."""

    def __init__(self, image: bytes, namespace: str) -> None:
        self._blobs: dict[tuple[int, str], bytes] = {}
        spaces: dict[str, int] = {}
        for base in range(0, len(image), PAGE):
            page = image[base : base + PAGE]
            state = struct.unpack_from("<I", page)[0]
            if state in (ACTIVE, FULL):
                self._read_page(page, spaces)
        self._space = spaces.get(namespace, -1)

    def get_blob(self, name: str, buffer: bytearray) -> int:
        """As the driver: the size, or OSError."""
        value = self._blobs.get((self._space, name))
        if value is None:
            raise OSError(NOT_FOUND)
        buffer[: len(value)] = value
        return len(value)

    def _read_page(self, page: bytes, spaces: dict[str, int]) -> None:
        number = 0
        while number < ENTRIES:
            state = page[32 + number // 4] >> 2 * (number % 4) & 3
            row = page[FIRST_ENTRY + number * ENTRY : FIRST_ENTRY + (number + 1) * ENTRY]
            if state != WRITTEN:
                number += 1
                continue
            space, kind, span = row[0], row[1], row[2]
            if zlib.crc32(row[:4] + row[8:], 0xFFFFFFFF) != struct.unpack_from("<I", row, 4)[0]:
                raise ValueError(f"entry {number} does not hold")
            name = row[8:24].partition(b"\0")[0].decode("ascii")
            if kind == NAMESPACE_TYPE and space == 0:
                spaces[name] = row[24]
            elif kind == BLOB_DATA:
                size, crc = struct.unpack_from("<H2xI", row, 24)
                begin = FIRST_ENTRY + (number + 1) * ENTRY
                data = page[begin : begin + size]
                if zlib.crc32(data, 0xFFFFFFFF) != crc:
                    raise ValueError(f"{name} does not hold")
                self._blobs[(space, name)] = self._blobs.get((space, name), b"") + data
            number += max(1, span)
