"""One stream of numbered entries over sectors of its own: a lane, or the control stream.

Entries are added at the right edge and leave from the left, so sectors come free whole and nothing is ever copied to
make room. In memory stand, for each sector, its place and the number of the first entry that begins there.
"""

import hashlib

from hal.errors import CorruptDataError
from hal.esp32.journal_frames import (
    CONTROL,
    END,
    FIRST,
    FRAME,
    HEADER_SIZE,
    LAST,
    LEAST,
    PAGE,
    RESUME,
    RESUME_SIZE,
    SECTOR,
    SELF,
    Header,
    aligned,
    decode_header,
    decode_resume,
    encode_frame,
    encode_resume,
    frames,
    written_end,
)
from hal.types import CHAIN_SIZE, chain_next

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hal.esp32.journal_sectors import Sectors

NO_CHAIN = bytes(CHAIN_SIZE)  # the control stream has none


class Stream:
    """`next` is the number of the entry that comes next, `chain` h(next - 1); `offset` is where its frame goes.

    places, firsts: of each sector, oldest first. `offset` SECTOR: the next entry begins a sector.
    """

    __slots__ = (
        "chain",
        "committed",
        "epoch",
        "firsts",
        "next",
        "number",
        "offset",
        "places",
        "resume",
        "sectors",
        "seen",
        "serial",
    )

    def __init__(self, sectors: "Sectors", number: int, epoch: bytes, before: int, chain: bytes) -> None:
        self.sectors = sectors
        self.number = number
        self.epoch = epoch
        self.places: list[int] = []
        self.firsts: list[int] = []
        self.next = before + 1
        self.chain = chain
        self.offset = SECTOR
        self.resume = False  # the next frame begins after a torn end
        self.serial = 0  # of the last sector
        self.committed = 0  # txn of the last whole thing, as a start found it
        self.seen = 0  # the highest txn that a start saw, whole or not

    # --- writing --------------------------------------------------------------------------------------------------

    def sectors_for(self, sizes: "Sequence[int]", fresh: bool = False) -> int:
        """How many sectors entries of so many bytes take beside what there is; `fresh`: were the last one gone."""
        at = SECTOR if fresh else self.offset + (RESUME_SIZE if self.resume else 0)
        taken = 0
        for size in sizes:
            left = size
            while left > 0:
                room = SECTOR - at - FRAME
                if room < min(left, LEAST):
                    taken += 1
                    at = HEADER_SIZE
                    continue
                part = min(room, left)
                at += aligned(FRAME + part)
                left -= part
        return taken

    def write(
        self, txn: int, entries: "Sequence[bytes]", final: int, extra: int = 0
    ) -> "list[tuple[int, bytes]]":
        """Add entries: number and chain value of each. The last frame has the flags `final`, every one has `extra`.

        Raises UnavailableError; then nothing here is true any more, and the stream has to be settled again.
        """
        piece = Piece(self, txn)
        given: list[tuple[int, bytes]] = []
        for index in range(len(entries)):
            entry = memoryview(entries[index])
            seq = self.next
            self.next += 1
            if self.number != CONTROL:
                self.chain = chain_next(self.chain, entries[index])
            given.append((seq, self.chain))
            last = LAST | (final if index == len(entries) - 1 else 0)
            done = 0
            while done < len(entry):
                left = len(entry) - done
                room = SECTOR - piece.at - FRAME
                if room < min(left, LEAST):
                    before = given[-2][1] if len(given) > 1 else piece.chain
                    piece.roll(*((seq, before) if done == 0 else (self.next, self.chain)))
                    continue
                size = min(room, left)
                flags = extra | (FIRST if done == 0 else 0) | (last if size == left else 0)
                piece.add(flags, txn, entry[done : done + size])
                done += size
        piece.flush()
        return given

    # --- reading --------------------------------------------------------------------------------------------------

    def index_of(self, seq: int) -> int:
        """Which of the sectors the entry `seq` begins in; it must be held."""
        low, high = 0, len(self.firsts)
        while low + 1 < high:
            middle = (low + high) // 2
            if self.firsts[middle] <= seq:
                low = middle
            else:
                high = middle
        return low  # of several that name it, as after a long entry, it begins in the last

    def entries(self, index: int, buffer: bytearray) -> "Iterator[tuple[int, bytes, bytes, int]]":
        """(number, bytes, chain value, flags of the last frame) of each entry from the sector `index` on.

        `buffer`: 4,096 bytes, for as long as it is read.

        Raises:
            CorruptDataError: it is not what was written.
            UnavailableError: the medium failed.
        """
        chain = NO_CHAIN
        seq = 0
        parts: list[bytes] = []
        begun = False
        for at in range(index, len(self.places)):
            self.sectors.read(self.places[at], buffer)
            header = decode_header(buffer)
            if header is None or header.first != self.firsts[at] or header.epoch != self.epoch:
                raise corrupt("a sector's header")
            if at == index:
                seq, chain = header.first, header.chain
            elif header.first != seq + begun:
                raise corrupt("entry " + str(seq) + " of lane " + str(self.number))
            for flags, _, start, size, _ in frames(buffer, header.serial):
                if flags & (FIRST | LAST) == 0 and flags & RESUME:
                    if decode_resume(buffer, start) != (seq, chain):
                        raise corrupt("entry " + str(seq) + " of lane " + str(self.number))
                    continue
                if flags & FIRST:
                    parts, begun = [], True
                if begun:
                    parts.append(bytes(memoryview(buffer)[start : start + size]))
                if flags & LAST and begun:
                    entry = parts[0] if len(parts) == 1 else b"".join(parts)
                    parts, begun = [], False
                    chain = chain_next(chain, entry) if self.number != CONTROL else chain
                    if seq >= self.next:
                        raise corrupt("what follows the last entry of lane " + str(self.number))
                    yield seq, entry, chain, flags
                    seq += 1
        if seq != self.next or chain != self.chain:
            raise corrupt("the end of lane " + str(self.number))

    # --- forgetting -------------------------------------------------------------------------------------------------

    def forget(self, seq: int) -> None:
        """Give back the sectors that hold nothing above `seq`; the last one goes where everything is forgotten and full."""
        self.forget_before(seq)
        if len(self.places) == 1 and seq + 1 >= self.next and self.offset > SECTOR - FRAME - LEAST:
            self.drop()

    def forget_before(self, seq: int) -> None:
        """Give back the sectors that hold nothing above `seq`, but not the last."""
        while len(self.places) > 1 and self.firsts[1] <= seq + 1:
            self.sectors.release(self.places.pop(0))
            self.firsts.pop(0)

    def drop(self) -> None:
        """Give back every sector. The numbers go on."""
        for place in self.places:
            self.sectors.release(place)
        self.places, self.firsts = [], []
        self.offset, self.resume = SECTOR, False

    # --- after a start ----------------------------------------------------------------------------------------------

    def settle(self, committed: int) -> None:
        """Find the end of what was written whole, and make what is behind it unreadable for good.

        `committed`: the highest txn that the control stream confirms. Where no entry is held, `next` and `chain` stay
        as they are. Raises CorruptDataError, UnavailableError.
        """
        sectors = self.sectors
        while self.places:
            place = self.places[-1]
            sectors.read_firmly(place, sectors.buffer)
            header = decode_header(sectors.buffer)
            if header is None and not sectors.is_unsteady(place):
                raise corrupt("a sector's header")
            # One that read whole a moment ago and does not now was being taken or made unreadable: nothing in it counts.
            end, void = (0, 0) if header is None else self._end(header, committed)
            if header is None or not end:
                sectors.kill(place, 0, HEADER_SIZE)
                sectors.release(place)
                self.places.pop()
                self.firsts.pop()
                continue
            self.serial = header.serial
            if void > end:  # behind the torn end of an earlier run
                sectors.kill(place, void, 8)
            self._strengthen(place, end)
            return

    def _end(self, header: Header, committed: int) -> "tuple[int, int]":
        """Where in the sector in `sectors.buffer` the last whole thing ends, or 0, and the first frame behind it.

        `next` and `chain` are then as they are there.
        """
        buffer = self.sectors.buffer
        seq, chain = header.first, header.chain
        last = void = 0
        inner = None
        damaged = False
        for flags, txn, start, size, after in frames(buffer, header.serial, True):
            if flags < 0:
                damaged = True
                continue
            self.seen = max(self.seen, txn)
            void = void or start - 8
            if damaged:  # a torn write has nothing behind it
                raise corrupt("entry " + str(seq) + " of lane " + str(self.number))
            if flags & (FIRST | LAST) == 0 and flags & RESUME:
                if last and decode_resume(buffer, start)[0] != self.next:
                    raise corrupt("entry " + str(seq) + " of lane " + str(self.number))
                continue
            if flags & FIRST:
                inner = hashlib.sha256(chain)
            if inner is not None:
                inner.update(memoryview(buffer)[start : start + size])
            if flags & LAST:
                if inner is not None:
                    seq += 1
                    chain = inner.digest()[:CHAIN_SIZE] if self.number != CONTROL else chain
                inner = None
                if flags & END and (self.number == CONTROL or flags & SELF or txn <= committed):
                    last, void = after, 0
                    self.committed = txn
                    self.next, self.chain = seq, chain
        return last, void

    def _strengthen(self, place: int, end: int) -> None:
        """Program the last page once more, for a cut may have left it weak, and go on at a page that no cut has touched."""
        buffer, sectors = self.sectors.buffer, self.sectors
        start = max(0, end - 4) // PAGE * PAGE
        sectors.program(place, memoryview(buffer)[start:end], start)
        if end + 8 <= SECTOR:
            sectors.kill(place, end, 8)
        page = (max(written_end(buffer), end) + PAGE - 1) // PAGE * PAGE + PAGE
        fits = page + RESUME_SIZE + FRAME + LEAST <= SECTOR and place not in sectors.refused
        self.offset = page if fits else SECTOR
        self.resume = fits


class Piece:
    """What is about to be programmed into one sector with one write."""

    __slots__ = ("at", "chain", "data", "stream")

    def __init__(self, stream: Stream, txn: int) -> None:
        self.stream = stream
        self.data = bytearray()
        self.chain = stream.chain  # before the first entry of this write
        if stream.resume:
            self.data += encode_resume(txn, stream.next, stream.chain, stream.serial)
            stream.resume = False
        self.at = stream.offset + len(self.data)  # where the next frame goes

    def add(self, flags: int, txn: int, payload: memoryview) -> None:
        """One frame."""
        frame = encode_frame(flags, txn, payload, self.stream.serial)
        self.data += frame
        self.at += len(frame)

    def roll(self, first: int, chain: bytes) -> None:
        """Go on in a new sector, in which the entry `first` is the next that begins."""
        self.flush()
        stream = self.stream
        sectors = stream.sectors
        place = sectors.take()
        starts = stream.number == CONTROL and not stream.places
        stream.serial = sectors.serial()
        header = Header(stream.number, starts, stream.serial, stream.epoch, first, chain)
        stream.places.append(place)
        stream.firsts.append(first)
        stream.offset, stream.resume = 0, False
        self.data += header.encode()
        self.at = HEADER_SIZE

    def flush(self) -> None:
        """Program what has gathered."""
        stream = self.stream
        if self.data:
            stream.sectors.program(stream.places[-1], self.data, stream.offset)
            stream.offset = self.at
            self.data = bytearray()


def corrupt(what: str) -> CorruptDataError:
    """Damage, with what to do about it."""
    return CorruptDataError(
        "the journal is damaged: restart, and it is set aside", what + " does not read back"
    )
