"""A flash partition in a file, for a simulated board that is a process: it outlives a kill, not the power of its machine.

It stands where `esp32.Partition` stands: programming only clears bits, erasing is by sector of 4 KiB.
"""

SECTOR = 4096


class FlashFile:
    """`sectors` of `path`, made erased where the file is not there or of another size."""

    def __init__(self, path: str, sectors: int) -> None:
        self._sectors = sectors
        self._blank = b"\xff" * SECTOR  # once: a chip erases without memory
        try:
            self._file = open(path, "r+b")  # noqa: SIM115  held for the life of the board
            size = self._file.seek(0, 2)
        except OSError:
            size = -1
        if size != sectors * SECTOR:
            self._file = open(path, "w+b")  # noqa: SIM115
            for _ in range(sectors):
                self._file.write(self._blank)
            self._file.flush()

    def readblocks(self, place: int, buffer: "bytearray | memoryview", offset: int = 0) -> None:
        self._file.seek(place * SECTOR + offset)
        self._file.readinto(buffer)

    def writeblocks(self, place: int, data: "bytes | bytearray | memoryview", offset: int = 0) -> None:
        held = bytearray(len(data))
        self.readblocks(place, held, offset)
        for index in range(len(held)):
            held[index] &= data[index]
        self._write(place * SECTOR + offset, held)

    def ioctl(self, operation: int, argument: int) -> int:
        if operation == 4:
            return self._sectors
        if operation == 5:
            return SECTOR
        if operation == 6:
            self._write(argument * SECTOR, self._blank)
        return 0

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _write(self, at: int, data: "bytes | bytearray") -> None:
        self._file.seek(at)
        self._file.write(data)
        self._file.flush()
