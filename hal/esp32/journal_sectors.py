"""The sectors of the journal's partition: who has which, erasing before use, writing that is read back.

The device is a block device as `esp32.Partition` is one: `readblocks(block, buffer, offset)`, `writeblocks(block,
data, offset)` which programs without erasing, `ioctl(4)` blocks, `ioctl(5)` bytes of a block, `ioctl(6, block)` erases.
Sectors are taken in turn, so wear is even as far as what is held leaves them free; a sector is erased just
before it is used, and never trusted to be blank from an earlier run.
"""

from hal.errors import UnavailableError
from hal.esp32.journal_frames import HEADER_SIZE, PAGE, SECTOR, decode_header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.esp32.journal_frames import Header

FREE, USED, ASIDE, BAD = 0, 1, 2, 3  # who has a sector
LEAST_SECTORS = 24
TRIES = 4  # sectors that may refuse to be erased, one after the other, before the medium is called failed
UNSTEADY_READINGS = 16  # of a cell that reads either way all alike: once in tens of thousands
BLANK = b"\xff" * PAGE


class Sectors:
    """All sectors of one partition. `buffer` is for whoever reads one and is done before anybody else runs."""

    def __init__(self, device: "object") -> None:
        self.device = device
        try:
            self.count: int = device.ioctl(4, 0)  # type: ignore[attr-defined]
            size = device.ioctl(5, 0)  # type: ignore[attr-defined]
        except OSError as error:
            raise failed(error)
        if size != SECTOR or not LEAST_SECTORS <= self.count <= 0xFFFF:
            raise ValueError("a journal needs a partition of at least 24 sectors of 4096 bytes")
        self.owner = bytearray(self.count)
        self.buffer = bytearray(SECTOR)
        self._page = bytearray(PAGE)
        self.next_place = 0
        self.next_serial = 1
        self.refused: set[int] = set()  # sectors that took a write badly: nothing more goes there in this run
        self.erases = 0

    def begin_scan(self) -> None:
        """Forget who has what, but not which sectors are bad."""
        for place in range(self.count):
            if self.owner[place] != BAD:
                self.owner[place] = FREE

    @property
    def free(self) -> int:
        """How many sectors nobody has."""
        return self._count(FREE)

    @property
    def usable(self) -> int:
        """How many there are for a store: all that are neither bad nor set aside."""
        return self.count - self._count(BAD) - self.aside

    @property
    def aside(self) -> int:
        """How many a store that was set aside has."""
        return self._count(ASIDE)

    def _count(self, owner: int) -> int:
        found = 0
        for each in self.owner:
            found += each == owner
        return found

    # --- reading and writing ----------------------------------------------------------------------------------

    def read(self, place: int, buffer: "bytearray | memoryview", offset: int = 0) -> None:
        """Fill `buffer` from a sector. Raises UnavailableError."""
        try:
            self.device.readblocks(place, buffer, offset)  # type: ignore[attr-defined]
        except OSError as error:
            raise failed(error)

    def read_firmly(self, place: int, buffer: bytearray) -> None:
        """Read from the beginning of a sector until two readings agree, four times at most.

        What decides that something is destroyed, or damaged, is not left to one reading.
        """
        self.read(place, buffer)
        view = memoryview(buffer)
        for start in range(0, len(buffer), PAGE):
            part = view[start : start + PAGE]
            page = memoryview(self._page)[: len(part)]
            for _ in range(3):
                self.read(place, page, start)
                if page == part:
                    break
                part[:] = page

    def header(self, place: int) -> "Header | None":
        """What the sector says of itself, or None."""
        found = bytearray(HEADER_SIZE)
        self.read_firmly(place, found)
        return decode_header(found)

    def is_unsteady(self, place: int) -> bool:
        """Whether the header reads now one way, now another: its cells were being programmed when the power went.

        One that was programmed and read back reads the same for ever, damaged or not. Raises UnavailableError.
        """
        found, again = bytearray(HEADER_SIZE), bytearray(HEADER_SIZE)
        self.read(place, found)
        for _ in range(UNSTEADY_READINGS):
            self.read(place, again)
            if again != found:
                return True
        return False

    def program(self, place: int, data: "bytes | bytearray | memoryview", offset: int) -> None:
        """Write, and read back. Raises UnavailableError where it did not take."""
        try:
            self.device.writeblocks(place, data, offset)  # type: ignore[attr-defined]
        except OSError as error:
            self.refused.add(place)
            raise failed(error)
        view = memoryview(data)
        for start in range(0, len(data), PAGE):
            size = min(PAGE, len(data) - start)
            page = memoryview(self._page)[:size]
            self.read(place, page, offset + start)
            if page != view[start : start + size]:
                self.refused.add(place)
                raise UnavailableError("the flash does not read back what was written: try again")

    def kill(self, place: int, offset: int, size: int) -> None:
        """Make what stands there unreadable for good: zeros need no erased cell."""
        self.program(place, bytes(size), offset)

    # --- taking and giving back -----------------------------------------------------------------------------------

    def take(self) -> int:
        """The next free sector in turn, erased. Raises UnavailableError where there is none or the medium failed."""
        for _ in range(TRIES):
            place = self._next_free()
            self.next_place = (place + 1) % self.count
            if self._erase(place):
                self.owner[place] = USED
                return place
            self.owner[place] = BAD
        raise UnavailableError("the flash does not erase: try again, or replace the board")

    def _next_free(self) -> int:
        for step in range(self.count):
            place = (self.next_place + step) % self.count
            if self.owner[place] == FREE and place not in self.refused:
                return place
        raise UnavailableError("the journal's partition has no free sector: try again after a restart")

    def _erase(self, place: int) -> bool:
        """Erase, twice where some bits stay; whether every bit reads as erased.

        The header goes first: a torn erase never leaves a sector that looks whole and is not.
        """
        if self.header(place) is not None:
            try:
                self.kill(place, 0, HEADER_SIZE)
            except UnavailableError:
                return False
        for _ in range(2):
            try:
                self.device.ioctl(6, place)  # type: ignore[attr-defined]
            except OSError:
                continue
            self.erases += 1
            if self.is_blank(place):
                return True
        return False

    def is_blank(self, place: int) -> bool:
        """Whether every bit of a sector reads as erased."""
        for offset in range(0, SECTOR, PAGE):
            self.read(place, self._page, offset)
            if self._page != BLANK:
                return False
        return True

    def serial(self) -> int:
        """The number of a sector that is taken now."""
        self.next_serial += 1
        return self.next_serial - 1

    def release(self, place: int) -> None:
        """Nobody has this sector any more; it is erased when it is taken."""
        self.owner[place] = FREE


def failed(error: OSError) -> UnavailableError:
    """The native error of the medium as everybody above knows it."""
    return UnavailableError("the flash failed: try again", repr(error))
