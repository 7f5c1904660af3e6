"""One epoch of the flash journal as it is open: five lanes, the control stream, and what is written together.

What goes to one lane alone is whole with its last frame. What goes to several streams is written to the lanes first and
counts with the last frame in the control stream: a start takes back what that frame does not confirm.
"""

from hal.errors import HalError, UnavailableError
from hal.esp32.journal_frames import CONTROL, END, HEADER_SIZE, SELF, STATE
from hal.esp32.journal_stream import NO_CHAIN, Stream
from hal.esp32.journal_words import (
    DONE,
    Words,
    damage_word,
    mark_word,
    picture_words,
    set_words,
)
from hal.types import ALARM, LANES, SAFETY, Entry, LaneMark, chain_start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hal.esp32.journal_sectors import Sectors

FORGET_AFTER = 16  # acknowledged entries of a lane that may come back after a cut
RESERVE_SHARE = 8  # one part in this many is kept for lanes 0 and 1
SPARE = 2  # sectors beside the two halves
TXN_STEP = 16  # how far a start leaps, so that no number of a write that was cut comes again


class Store:
    """acked, before: by lane, up to where it is forgotten in memory, and the chain value there; `forgotten` is durable."""

    def __init__(self, sectors: "Sectors", epoch: bytes, words: Words, txn: int = 1) -> None:
        self.sectors = sectors
        self.epoch = epoch
        self.words = words
        self.txn = txn
        self.control = Stream(sectors, CONTROL, epoch, 0, NO_CHAIN)
        self.lanes: list[Stream] = []
        self.acked: list[int] = []
        self.before: list[bytes] = []
        for lane in LANES:
            seq, chain = words.marks.get(lane, (0, b""))
            self.acked.append(seq)
            self.before.append(chain or chain_start(epoch, lane))
            self.lanes.append(Stream(sectors, lane, epoch, seq, self.before[lane]))
        self.forgotten = list(self.acked)
        self.compact_at = 2 * self.picture_sectors + 1
        self.planned = 0

    # --- space ----------------------------------------------------------------------------------------------------

    @property
    def used(self) -> int:
        """Sectors that this epoch has, or will have when it counts."""
        return self.planned + len(self.control.places) + sum([len(lane.places) for lane in self.lanes])

    @property
    def picture_sectors(self) -> int:
        """About how many sectors a picture of the control stream takes."""
        return 1 + sum([16 + len(key) + len(value) for key, value in self.words.state.items()]) // 3500

    def limit(self, urgent: bool) -> int:
        """How many it may have: half of them all, so that a new epoch can be written while this one still stands."""
        most = (self.sectors.usable - SPARE) // 2
        return most if urgent else most - max(2, most // RESERVE_SHARE)

    # --- reading ------------------------------------------------------------------------------------------------

    def mark(self, lane: int) -> LaneMark:
        """Where the lane stands."""
        stream = self.lanes[lane]
        return LaneMark(self.acked[lane] + 1, self.before[lane], stream.next - 1, stream.chain)

    def peek(self, lane: int, after: int, limit_bytes: int, limit_count: int) -> "list[Entry]":
        """As the interface has it."""
        stream = self.lanes[lane]
        start = max(after, self.acked[lane]) + 1
        found: list[Entry] = []
        if start >= stream.next or limit_count <= 0:
            return found
        size = 0
        for seq, event, chain, _ in stream.entries(stream.index_of(start), self.sectors.buffer):
            if seq < start:
                continue
            size += len(event)
            if found and size > limit_bytes:
                break
            found.append(Entry(lane, seq, event, chain))
            if len(found) >= limit_count:
                break
        return found

    def chain_at(self, lane: int, seq: int) -> bytes:
        """h(seq) of an entry that is held."""
        stream = self.lanes[lane]
        if seq == stream.next - 1:
            return stream.chain
        return self.peek(lane, seq - 1, 0, 1)[0].chain

    # --- writing ------------------------------------------------------------------------------------------------

    def append(
        self,
        events: "Sequence[tuple[int, bytes]]",
        state: "Mapping[str, bytes | None] | None" = None,
        plain: "Sequence[bytes]" = (),
        txn: int = 0,
    ) -> "list[Entry]":
        """Write events, state and other words together. Room has been made. `txn`: one that is confirmed later on."""
        said = set_words(state) if state else []
        confirmed = txn != 0
        if not confirmed:
            self._compact([len(entry) for entry in said])
            txn = self.next_txn()
        by_lane: dict[int, list[bytes]] = {}
        for lane, event in events:
            by_lane.setdefault(lane, []).append(event)
        alone = len(by_lane) == 1 and not said and not plain and not confirmed
        given = {}
        for lane in sorted(by_lane):
            given[lane] = self.lanes[lane].write(txn, by_lane[lane], END | SELF if alone else END)
        if not alone and not confirmed and (by_lane or said or plain):
            self.say(said, plain or ((bytes((DONE,)),) if not said else ()), txn)
        entries = []
        for lane, event in events:
            seq, chain = given[lane].pop(0)
            entries.append(Entry(lane, seq, bytes(event), chain))
        return entries

    def next_txn(self) -> int:
        """A number that no other write had."""
        self.txn += 1
        return self.txn - 1

    def say(self, state: "Sequence[bytes]", plain: "Sequence[bytes]", txn: int = 0) -> None:
        """Write words, and take them for true."""
        if not txn:
            self._compact([len(entry) for entry in plain])
            txn = self.next_txn()
        write_words(self.control, txn, state, plain)
        for entry in plain:
            self.words.take(entry)
        for entry in state:
            self.words.take(entry)

    def ack(self, lane: int, seq: int) -> None:
        """Forget up to `seq`, durably when it is worth a write."""
        seq = min(seq, self.lanes[lane].next - 1)
        if seq > self.acked[lane]:
            self.before[lane] = self.chain_at(lane, seq)
            self.acked[lane] = seq
            if seq - self.forgotten[lane] >= FORGET_AFTER:
                self.forget_acked()

    def forget_acked(self) -> None:
        """Write down how far the lanes are forgotten, and give back what holds nothing more."""
        marks = [
            mark_word(lane, self.acked[lane], self.before[lane])
            for lane in LANES
            if self.acked[lane] > self.forgotten[lane]
        ]
        if marks:
            self.say((), (b"".join(marks),))
            self.release_forgotten()

    def release_forgotten(self) -> None:
        """Sectors in which all is forgotten, and that durably."""
        self.forgotten = list(self.acked)
        for lane in LANES:
            self.lanes[lane].forget(self.acked[lane])

    def note_damage(self, reason: str) -> bool:
        """Leave word for the next start; whether that was possible. If not, the next start may meet it by itself."""
        try:
            self.say((), (damage_word(reason),))
        except HalError:
            return False
        return True

    # --- the control stream begins anew -----------------------------------------------------------------------------

    def _compact(self, sizes: "Sequence[int]") -> None:
        """Begin the control stream anew where it needs one more sector and has enough of them."""
        if len(self.control.places) >= self.compact_at and self.control.sectors_for(sizes):
            self.picture()

    def picture(self, old: "Stream | None" = None) -> None:
        """Write all that holds into a control stream of its own; from its last frame on it is the one that counts."""
        old = old if old is not None else self.control
        fresh = Stream(self.sectors, CONTROL, self.epoch, 0, NO_CHAIN)
        self.words.marks = {lane: (self.acked[lane], self.before[lane]) for lane in LANES}
        plain = picture_words(self.words.marks, self.words.gaps, self.words.asides)
        write_words(fresh, self.next_txn(), set_words(self.words.state), plain)
        self.control = fresh
        self.compact_at = 2 * len(fresh.places) + 1
        if old.places:
            retire(self.sectors, old)
        self.release_forgotten()


def retire(sectors: "Sectors", old: Stream) -> None:
    """Make the picture before unreadable: what is older is never taken for what holds."""
    try:
        sectors.kill(old.places[0], 0, HEADER_SIZE)
    except UnavailableError:
        sectors.refused.add(
            old.places[0]
        )  # the later one counts all the same, and the next start tries again
    old.drop()


def write_words(control: Stream, txn: int, state: "Sequence[bytes]", plain: "Sequence[bytes]") -> None:
    """Entries of one txn; those that hold state alone say so."""
    if plain:
        control.write(txn, plain, 0 if state else END)
    if state:
        control.write(txn, state, END, STATE)


def is_urgent(events: "Sequence[tuple[int, bytes]]") -> bool:
    """Whether an event of lane 0 or 1 is among them: they may use the reserve."""
    return any([lane in (SAFETY, ALARM) for lane, _ in events])
