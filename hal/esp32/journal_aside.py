"""A store in flash that did not open: its sectors stay, and what reads back is handed out until it is journalled again."""

import hashlib

from hal.errors import CorruptDataError
from hal.esp32.journal_frames import (
    CONTROL,
    END,
    FIRST,
    LAST,
    RESUME,
    SECTOR,
    STATE,
    decode_header,
    decode_resume,
    frames,
)
from hal.esp32.journal_words import Words
from hal.types import CHAIN_SIZE, LANES, YIELD_ORDER, Entry, SetAside, chain_next

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from hal.esp32.journal_opening import Scan

ASIDE_NAME = "flash-"  # and the epoch in hex
ALARMS = tuple([lane for lane in LANES if lane not in YIELD_ORDER])


class Aside:
    """One store of an epoch that is left. `words`: of its control stream, as far as that reads."""

    def __init__(self, scan: "Scan", epoch: bytes, reason: str) -> None:
        self.scan = scan
        self.epoch = epoch
        self.reason = reason
        self.words = Words()
        self.is_whole = True
        self._read_words()

    @property
    def name(self) -> str:
        """As the state key has it."""
        return ASIDE_NAME + self.epoch.hex()

    def set_aside(self) -> SetAside:
        """As the interface has it."""
        starts = {}
        for lane in LANES:
            places = self._of_lane(lane)
            header = self.scan.sectors.header(places[0]) if places else None
            if lane in self.words.marks:
                starts[lane] = self.words.marks[lane]
            elif header is not None:
                starts[lane] = (header.first - 1, header.chain)
        gone = [(self.epoch, gap) for gap in self.words.gaps]
        entries = Entries(self)
        return SetAside(self.name, self.reason, entries, starts, dict(self.words.state), self.is_whole, gone)

    def places(self) -> "list[int]":
        """Sectors that have to stay: half of them all at most, so that alarms of today find room beside it."""
        control = self._control()
        left = self.scan.sectors.count // 2 - len(control)
        kept = []
        for lane in ALARMS + tuple(reversed(YIELD_ORDER)):
            newest = self._of_lane(lane)[-left:] if left > 0 else []
            left -= len(newest)
            kept += newest
        return control + kept

    def _control(self) -> "list[int]":
        found = self._own(self.scan.places(self.epoch, CONTROL))
        starts = [place for place in self.scan.starts() if place in found]
        return found[found.index(starts[0]) :] if starts else found

    def _own(self, places: "list[int]") -> "list[int]":
        """Those that nobody else has taken since the scan."""
        found = []
        for place in places:
            header = self.scan.sectors.header(place)
            if header is not None and header.epoch == self.epoch:
                found.append(place)
        return found

    def _of_lane(self, lane: int) -> "list[int]":
        """Sectors of a lane without those that its mark says are old."""
        places = self._own(self.scan.places(self.epoch, lane))
        seq = self.words.marks.get(lane, (0, b""))[0]
        while len(places) > 1:
            after = self.scan.sectors.header(places[1])
            if after is None or after.first > seq + 1:
                break
            places.pop(0)
        return places

    def _read_words(self) -> None:
        """What was said and reads back. What does not may have been state: then the state is not known to be whole."""
        pending: list[bytes] = []
        parts: list[bytes] = []
        places = self._control()
        self.is_whole = bool(places)
        for flags, txn, part in self._frames(places):
            if flags < 0:
                self.is_whole = self.is_whole and not txn & STATE
                parts = []
                continue
            parts = [part] if flags & FIRST else parts + [part]
            if flags & LAST:
                pending.append(b"".join(parts))
            if flags & END:
                self._take(pending)
                pending = []

    def _take(self, pending: "list[bytes]") -> None:
        for entry in pending:
            try:
                self.words.take(entry)
            except CorruptDataError:
                self.is_whole = False

    def _frames(self, places: "list[int]") -> "Iterator[tuple[int, int, bytes]]":
        buffer = bytearray(SECTOR)
        for place in places:
            self.scan.sectors.read(place, buffer)
            header = decode_header(buffer)
            if header is None:
                self.is_whole = False
                continue
            for flags, txn, start, size, _ in frames(buffer, header.serial, True):
                if flags < 0 or flags & LAST or not flags & RESUME:
                    yield flags, txn, bytes(memoryview(buffer)[start : start + size])


class Entries:
    """What reads back, by lane and number; read anew at each iteration.

    An entry behind a hole has no chain value that proves it until the next sector says one: it gets a value that proves
    nothing and is its own.
    """

    def __init__(self, aside: Aside) -> None:
        self.aside = aside

    def __iter__(self) -> "Iterator[Entry]":
        for lane in LANES:
            last = self.aside.words.marks.get(lane, (0, b""))[0]
            for entry in self._lane(lane):
                if entry.seq > last:
                    last = entry.seq
                    yield entry

    def _lane(self, lane: int) -> "Iterator[Entry]":
        buffer = bytearray(SECTOR)
        sectors = self.aside.scan.sectors
        parts: list[bytes] | None = None
        seq, chain = 0, b""
        for place in self.aside._of_lane(lane):
            sectors.read(place, buffer)
            header = decode_header(buffer)
            if header is None or header.epoch != self.aside.epoch:
                parts = None
                continue
            if parts is None or header.first != seq + 1:
                seq, chain, parts = header.first, header.chain, None
            for flags, txn, start, size, _ in frames(buffer, header.serial, True):
                if flags < 0:  # its number is gone with it
                    chain, parts = b"", None
                    seq += bool(txn & LAST)
                    continue
                if not flags & LAST and flags & RESUME:
                    seq, chain = decode_resume(buffer, start)
                    parts = None
                    continue
                if flags & FIRST:
                    parts = []
                if parts is not None:
                    parts.append(bytes(memoryview(buffer)[start : start + size]))
                if flags & LAST and parts is not None:
                    event, parts = b"".join(parts), None
                    own = chain_next(chain, event) if chain else self._unproven(lane, seq, event)
                    chain = own if chain else b""
                    yield Entry(lane, seq, event, own)
                    seq += 1

    def _unproven(self, lane: int, seq: int, event: bytes) -> bytes:
        text = b"unproven" + self.aside.epoch + bytes((lane,)) + str(seq).encode() + event
        return hashlib.sha256(text).digest()[:CHAIN_SIZE]
