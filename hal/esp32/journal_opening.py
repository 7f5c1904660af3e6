"""A start of the flash journal: which store is the one that counts, where each stream ends, or why it is set aside.

It reads the header of every sector, the last sector of each lane, and the control stream; nothing else. So the time is
bounded by the number of sectors, not by what is held.
"""

import struct

from hal.errors import CorruptDataError, UnavailableError
from hal.esp32.journal_aside import ASIDE_NAME, Aside
from hal.esp32.journal_frames import CONTROL, END, HEADER_SIZE, SECTOR, frames
from hal.esp32.journal_sectors import ASIDE, BAD, USED
from hal.esp32.journal_store import TXN_STEP, Store
from hal.esp32.journal_stream import NO_CHAIN, Stream, corrupt
from hal.esp32.journal_words import Words
from hal.types import ASIDE_STATE, LANES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hal.esp32.journal_sectors import Sectors

NOBODY = 0xFF
START_BIT = 0x80


class Scan:
    """What the headers say: by place its stream (and whether a picture starts there), epoch and serial."""

    def __init__(self, sectors: "Sectors") -> None:
        self.sectors = sectors
        self.streams = bytearray(b"\xff" * sectors.count)
        self.epochs: list[bytes] = []
        self._epoch = bytearray(2 * sectors.count)
        self._serials = bytearray(4 * sectors.count)
        newest = -1
        self._turn = 0
        sectors.begin_scan()
        for place in range(sectors.count):
            is_ours = sectors.owner[place] != BAD and self._note(place)
            if is_ours and (newest < 0 or self.serial(place) > self.serial(newest)):
                newest = place
        if newest >= 0:
            sectors.next_place = self._turn = (newest + 1) % sectors.count
            sectors.next_serial = self.serial(newest) + 2
            if not has_frame(sectors, newest):  # it was taken when the power went
                sectors.kill(newest, 0, HEADER_SIZE)
                self.streams[newest] = NOBODY

    def _note(self, place: int) -> bool:
        header = self.sectors.header(place)
        if header is None:
            self._clear_torn(place)
            return False
        if header.epoch not in self.epochs:
            self.epochs.append(header.epoch)
        self.streams[place] = header.stream | (START_BIT if header.starts else 0)
        struct.pack_into("<H", self._epoch, 2 * place, self.epochs.index(header.epoch))
        struct.pack_into("<I", self._serials, 4 * place, header.serial)
        return True

    def _clear_torn(self, place: int) -> None:
        """A header that a cut left half written might read as whole another time."""
        head = bytearray(HEADER_SIZE)
        self.sectors.read_firmly(place, head)
        if head != b"\xff" * HEADER_SIZE and head != bytes(HEADER_SIZE):
            try:
                self.sectors.kill(place, 0, HEADER_SIZE)
            except UnavailableError:
                return  # it is erased, or found bad, when it is taken

    def serial(self, place: int) -> int:
        """When the sector was taken, beside others."""
        found: int = struct.unpack_from("<I", self._serials, 4 * place)[0]
        return found

    def places(self, epoch: bytes, stream: int, since: int = 0) -> "list[int]":
        """Sectors of a stream in the order in which they were taken, from the serial `since` on."""
        if epoch not in self.epochs:
            return []
        which = self.epochs.index(epoch)
        return self._sorted(
            lambda place: (
                self.streams[place] & ~START_BIT == stream
                and struct.unpack_from("<H", self._epoch, 2 * place)[0] == which
                and self.serial(place) >= since
            )
        )

    def starts(self) -> "list[int]":
        """Places where a picture of a control stream begins, the newest first."""
        found = self._sorted(lambda place: self.streams[place] == CONTROL | START_BIT)
        found.reverse()
        return found

    def _sorted(self, is_wanted: "Callable[[int], bool]") -> "list[int]":
        """Places in the order in which they were taken. The list has its size from the start: growing takes twice as much.

        The interpreter's own sort is slow on what is nearly sorted, as these are from the place that is next.
        """
        found = [0] * sum(is_wanted(place) for place in range(self.sectors.count))
        count = 0
        for place in self._in_turn():
            if is_wanted(place):
                at = count
                while at > 0 and self.serial(found[at - 1]) > self.serial(place):
                    found[at] = found[at - 1]
                    at -= 1
                found[at] = place
                count += 1
        return found

    def _in_turn(self) -> "Iterator[int]":
        """Every place, from the one that would be taken next."""
        for step in range(self.sectors.count):
            yield (self._turn + step) % self.sectors.count

    def epoch_of(self, place: int) -> bytes:
        """The epoch that a sector belongs to."""
        which: int = struct.unpack_from("<H", self._epoch, 2 * place)[0]
        return self.epochs[which]

    def newest_epoch(self) -> bytes:
        """The epoch of the sector that was taken last, or nothing."""
        found, serial = b"", -1
        for place in range(self.sectors.count):
            if self.streams[place] != NOBODY and self.serial(place) > serial:
                found, serial = self.epoch_of(place), self.serial(place)
        return found


def has_frame(sectors: "Sectors", place: int) -> bool:
    """Whether anything in the sector reads back."""
    header = sectors.header(place)
    sectors.read_firmly(place, sectors.buffer)
    if header is not None:
        for flags, _, _, _, _ in frames(sectors.buffer, header.serial, True):
            if flags >= 0:
                return True
    return False


def open_store(sectors: "Sectors", random: "Callable[[int], bytes] | None") -> "tuple[Store, Scan]":
    """The store that counts. One that does not open is set aside, and another begun with `random`.

    Raises:
        CorruptDataError: it does not open, and there is no `random`.
        UnavailableError: the medium failed.
    """
    store, scan, damaged, reason = find_store(sectors)
    if damaged:  # a reading may have gone wrong
        store, scan, damaged, reason = find_store(sectors)
    if store is None:
        if random is None:
            raise corrupt(reason or "the control stream")
        store = begin_store(scan, random, damaged, reason)
    return store, scan


def find_store(sectors: "Sectors") -> "tuple[Store | None, Scan, bytes, str]":
    """The store that counts, or the epoch of one that does not open, and why."""
    scan = Scan(sectors)
    for start in scan.starts():
        epoch = scan.epoch_of(start)
        try:
            store = open_epoch(scan, epoch, start)
        except CorruptDataError as error:
            return None, scan, epoch, error.detail or error.message
        if store is not None:
            retire_older(scan, start, [epoch for epoch, _ in store.words.asides])
            return store, scan, b"", ""
    newest = scan.newest_epoch()
    if any([scan.places(newest, lane) for lane in LANES]):
        return None, scan, newest, "the control stream does not read back"
    return None, scan, b"", ""  # blank, or the very first start was cut


def retire_older(scan: Scan, start: int, but: "list[bytes]") -> None:
    """Make pictures before the one that counts unreadable, where the cut came before that; not those of epochs in `but`."""
    for place in scan.starts():
        if scan.serial(place) < scan.serial(start) and scan.epoch_of(place) not in but:
            scan.sectors.kill(place, 0, HEADER_SIZE)


def begin_store(scan: Scan, random: "Callable[[int], bytes]", damaged: bytes, reason: str) -> Store:
    """A new store, which knows of the damaged one."""
    words = Words()
    scan.sectors.begin_scan()
    if damaged:
        words.asides = earlier_asides(scan, damaged, reason) + [(damaged, reason)]
        own_asides(scan, words)
    store = Store(scan.sectors, random(8), words)
    store.picture()
    return store


def earlier_asides(scan: Scan, damaged: bytes, reason: str) -> "list[tuple[bytes, str]]":
    """Stores that were set aside before this one: those that it lists, and where that does not read, those that begin."""
    said = Aside(scan, damaged, reason).words
    found = list(said.asides)
    for place in reversed(scan.starts()):
        epoch = scan.epoch_of(place)
        if epoch != damaged and epoch not in [each for each, _ in found]:
            found.append((epoch, "set aside earlier; why does not read back"))
    return [(epoch, why) for epoch, why in found if aside_key(epoch) not in said.state]


def aside_key(epoch: bytes) -> str:
    """The state key that says that a store is journalled again."""
    return ASIDE_STATE + ASIDE_NAME + epoch.hex()


def open_epoch(scan: Scan, epoch: bytes, start: int) -> "Store | None":
    """The store whose picture begins at `start`, or None where that was not finished. Raises CorruptDataError."""
    sectors = scan.sectors
    control = Stream(sectors, CONTROL, epoch, 0, NO_CHAIN)
    adopt(control, scan.places(epoch, CONTROL, scan.serial(start)))
    control.settle(0)
    if not control.places:
        return None
    words = read_words(control)
    if words.damage:
        raise CorruptDataError("the journal is damaged", words.damage)
    own_asides(scan, words)
    store = Store(sectors, epoch, words)
    store.control = control
    seen = max(control.seen, control.committed)
    for stream in store.lanes:
        settle_lane(scan, stream, control.committed)
        seen = max(seen, stream.seen)
    store.txn = seen + TXN_STEP
    return store


def adopt(stream: Stream, places: "list[int]") -> None:
    """Let the stream have these sectors, in this order."""
    stream.places, stream.firsts = places, [0] * len(places)
    count = 0
    for place in places:
        header = stream.sectors.header(place)
        if header is None:
            continue  # it was torn, and made unreadable just now
        places[count] = place
        stream.firsts[count] = header.first
        stream.sectors.owner[place] = USED
        count += 1
    while len(places) > count:
        places.pop()
        stream.firsts.pop()


def settle_lane(scan: Scan, stream: Stream, committed: int) -> None:
    """Find the end of a lane. Its mark is known already; sectors below that are old, and whatever they hold is gone."""
    marked, chain = stream.next - 1, stream.chain
    adopt(stream, scan.places(stream.epoch, stream.number))
    stream.forget_before(marked)
    stream.settle(committed)
    if stream.next <= marked:
        stream.drop()
        stream.next, stream.chain = marked + 1, chain
    if stream.places and stream.firsts[0] > marked + 1:
        raise corrupt("the beginning of lane " + str(stream.number))


def read_words(control: Stream) -> Words:
    """All that the control stream says, as far as it was confirmed. Raises CorruptDataError."""
    words = Words()
    pending: list[bytes] = []
    for _, entry, _, flags in control.entries(0, bytearray(SECTOR)):
        pending.append(entry)
        if flags & END:
            for each in pending:
                words.take(each)
            pending = []
    return words


def own_asides(scan: Scan, words: Words) -> None:
    """Keep the sectors of stores that are set aside and not journalled again; forget those that are."""
    words.asides = [(epoch, reason) for epoch, reason in words.asides if aside_key(epoch) not in words.state]
    for epoch, reason in words.asides:
        for place in Aside(scan, epoch, reason).places():
            scan.sectors.owner[place] = ASIDE
