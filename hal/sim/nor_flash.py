"""A NOR flash that stops: programming only clears bits, erasing is by sector of 4 KiB, and the power goes in the midst.

It stands where `esp32.Partition` stands: `readblocks`, `writeblocks(block, data, offset)`, `ioctl`. A write that is cut has
programmed the bytes before the cut; of the byte itself, or of the whole page, some bits are programmed, and some so
weakly that they read one way or the other until they are programmed again or erased. A cut erase leaves neither what was there nor a
blank sector.
"""

from hal.sim.faults import PowerCutError

SECTOR, PAGE = 4096, 256
ERASE_UNITS = 16  # moments in an erase at which the power can go
EIO = 5


class Chance:
    """Seeded numbers that are the same on both interpreters."""

    def __init__(self, seed: int) -> None:
        self.number = (seed * 2654435761 + 1) & 0xFFFFFFFF or 1

    def below(self, limit: int) -> int:
        """From 0 up to, but without, `limit`."""
        number = self.number  # xorshift, 32 bits: Marsaglia 2003
        number ^= number << 13 & 0xFFFFFFFF
        number ^= number >> 17
        number ^= number << 5 & 0xFFFFFFFF
        self.number = number
        return (number >> 3) % limit

    def bytes(self, size: int) -> bytes:
        """So many of any value."""
        return bytes([self.below(256) for _ in range(size)])


class NorFlash:
    """cut_after: units (bytes programmed, `ERASE_UNITS` an erase) until the power goes; None is never.

    log: where it is a list, each operation is noted there: (place, offset, bytes), for an erase (place, 0, None).
    fails: operations of that number (programs and erases, from 1) end with an error after `fails[number]` of their
    bytes; `stuck` places never erase whole; a reading of a number in `misreads` (from 1) has a bit wrong.
    """

    def __init__(self, sectors: int, data: "bytearray | None" = None, seed: int = 1) -> None:
        self.sectors = sectors
        self.data = data if data is not None else bytearray(b"\xff" * (sectors * SECTOR))
        self.weak: dict[int, int] = {}
        self.chance = Chance(seed)
        self.cut_after: int | None = None
        self.log: list[tuple[int, int, bytes | None]] | None = None
        self.fails: dict[int, int] = {}
        self.stuck: set[int] = set()
        self.misreads: set[int] = set()
        self.reads = 0
        self.operations = 0
        self.programmed_bytes = 0
        self.read_bytes = 0
        self.erases = [0] * sectors
        self.dead = False

    # --- the block device ---------------------------------------------------------------------------------------

    def readblocks(self, place: int, buffer: "bytearray | memoryview", offset: int = 0) -> None:
        self._live()
        start = place * SECTOR + offset
        size = len(buffer)
        self.read_bytes += size
        memoryview(buffer)[:] = memoryview(self.data)[start : start + size]
        self.reads += 1
        if self.reads in self.misreads:
            buffer[self.chance.below(size)] ^= 1 << self.chance.below(8)
        if self.weak:
            for address, mask in self.weak.items():
                if start <= address < start + size:
                    buffer[address - start] ^= self.chance.below(256) & mask

    def writeblocks(self, place: int, data: "bytes | bytearray | memoryview", offset: int = 0) -> None:
        self._live()
        data = bytes(data)
        if offset + len(data) > SECTOR:
            raise ValueError("a write beyond the sector")
        if self.log is not None:
            self.log.append((place, offset, data))
        done = self._spend(len(data))
        failed = self.fails.get(self._operation())
        if failed is not None and done == len(data):
            self.program(place * SECTOR + offset, data[: min(failed, len(data))])
            raise OSError(EIO)
        if done < len(data):
            self.tear(place, offset, data, done, self.chance.below(3) == 0)
            raise PowerCutError("the power went in the midst of a write")
        self.program(place * SECTOR + offset, data)
        self.programmed_bytes += len(data)

    def ioctl(self, operation: int, argument: int) -> int:
        self._live()
        if operation == 4:
            return self.sectors
        if operation == 5:
            return SECTOR
        if operation == 6:
            self._erase(argument)
        return 0

    # --- what happens to cells --------------------------------------------------------------------------------------

    def _erase(self, place: int) -> None:
        if self.log is not None:
            self.log.append((place, 0, None))
        done = self._spend(ERASE_UNITS)
        failed = self.fails.get(self._operation())
        if done < ERASE_UNITS or failed is not None or place in self.stuck:
            self.tear_erase(place, done)
            if done < ERASE_UNITS:
                raise PowerCutError("the power went in the midst of an erase")
            if failed is not None:
                raise OSError(EIO)
            return
        self.erases[place] += 1
        self.blank(place)

    def blank(self, place: int) -> None:
        """Every cell of a sector erased."""
        self.data[place * SECTOR : (place + 1) * SECTOR] = b"\xff" * SECTOR
        self._forget_weak(place)

    def program(self, start: int, data: bytes) -> None:
        """Clear bits; one that is to stay set, and is not, is a fault of whoever writes."""
        size = len(data)
        old = int.from_bytes(self.data[start : start + size], "big")
        new = int.from_bytes(data, "big")
        if self.weak:
            for address in [each for each in self.weak if start <= each < start + size]:
                left = self.weak.pop(address) & data[address - start]
                old |= (self.weak_set(address, left)) << 8 * (size - 1 - (address - start))
        if old & new != new:
            raise AssertionError("a write over cells that are not erased, at " + str(start))
        self.data[start : start + size] = (old & new).to_bytes(size, "big")

    def weak_set(self, address: int, mask: int) -> int:
        """Keep bits weak that a write leaves as they are; they may count as set."""
        if mask:
            self.weak[address] = mask
        return mask

    def tear(self, place: int, offset: int, data: bytes, done: int, by_page: bool) -> None:
        """A write that was cut at its byte `done`, in which the page that it was in is programmed at random (`by_page`)."""
        start = place * SECTOR + offset
        first = done
        last = min(done + 1, len(data))
        if by_page:
            page = (offset + done) // PAGE * PAGE
            first = max(0, page - offset)
            last = min(len(data), page + PAGE - offset)
        self.program(start, data[:first])
        for index in range(first, last):
            address = start + index
            cleared = self.data[address] & ~data[index] & 0xFF  # what is programmed already stays so
            self.data[address] &= ~(cleared & self.chance.below(256)) & 0xFF
            weak = cleared & self.chance.below(256) & self.chance.below(256)
            if weak:
                self.weak[address] = self.weak.get(address, 0) | weak

    def tear_erase(self, place: int, done: int) -> None:
        """Some bytes as they were, some erased, some in between."""
        start = place * SECTOR
        self._forget_weak(place)
        for at in range(start, start + SECTOR, 64):
            kind = self.chance.below(ERASE_UNITS + 4)
            if kind < done:
                self.data[at : at + 64] = b"\xff" * 64
            elif kind >= ERASE_UNITS:
                self.data[at : at + 64] = bytes([self.chance.below(256)] * 8 + [0xFE] * 56)

    def _forget_weak(self, place: int) -> None:
        if self.weak:
            for address in [each for each in self.weak if each // SECTOR == place]:
                del self.weak[address]

    def _live(self) -> None:
        if self.dead:
            raise PowerCutError("the power is gone")

    def _operation(self) -> int:
        self.operations += 1
        return self.operations

    def _spend(self, units: int) -> int:
        if self.cut_after is None:
            return units
        done = min(units, self.cut_after)
        self.cut_after -= done
        self.dead = done < units
        return done
