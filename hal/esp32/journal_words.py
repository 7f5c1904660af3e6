"""What the control stream of the flash journal says: state, marks of the lanes, gaps, stores set aside, damage.

An entry is words one after the other; the words of one txn count together or not at all.
"""

import struct

from hal.errors import CorruptDataError
from hal.types import CHAIN_SIZE, EPOCH_SIZE, LANES, GivenUp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PICTURE, SET, DELETE, MARK, GAPS, ASIDES, DAMAGE, DONE = range(1, 9)
REASON_BYTES = 120  # of why a store was set aside, at most
ENTRY_BYTES = 512  # words are gathered up to this size


class Words:
    """What the words so far amount to."""

    __slots__ = ("asides", "damage", "gaps", "marks", "state")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Nothing was said."""
        self.state: dict[str, bytes] = {}
        self.marks: dict[int, tuple[int, bytes]] = {}  # lane => forgotten up to, and the chain value there
        self.gaps: list[GivenUp] = []
        self.asides: list[tuple[bytes, str]] = []  # epoch and reason, oldest first
        self.damage = ""

    def take(self, entry: bytes) -> None:
        """Apply the words of one entry. Raises CorruptDataError."""
        at = 0
        while at < len(entry):
            at = self._take(entry, at)

    def _take(self, entry: bytes, at: int) -> int:
        word = entry[at]
        at += 1
        if word == PICTURE:
            self.clear()
        elif word == SET:
            key_size, size = struct.unpack_from("<BI", entry, at)
            at += 5
            key = str(entry[at : at + key_size], "utf-8")
            self.state[key] = entry[at + key_size : at + key_size + size]
            at += key_size + size
        elif word == DELETE:
            self.state.pop(str(entry[at + 1 : at + 1 + entry[at]], "utf-8"), None)
            at += 1 + entry[at]
        elif word == MARK:
            lane, seq = struct.unpack_from("<BI", entry, at)
            at += 5
            self.marks[lane] = (seq, entry[at : at + CHAIN_SIZE])
            at += CHAIN_SIZE
        elif word == GAPS:
            end = at + 2 + 9 * struct.unpack_from("<H", entry, at)[0]
            self.gaps = [GivenUp(*struct.unpack_from("<BII", entry, row)) for row in range(at + 2, end, 9)]
            at = end
        elif word == ASIDES:
            count, self.asides = entry[at], []
            at += 1
            for _ in range(count):
                end = at + EPOCH_SIZE + 1 + entry[at + EPOCH_SIZE]
                reason = str(entry[at + EPOCH_SIZE + 1 : end], "utf-8")
                self.asides.append((entry[at : at + EPOCH_SIZE], reason))
                at = end
        elif word == DAMAGE:
            self.damage = str(entry[at + 1 : at + 1 + entry[at]], "utf-8")
            at += 1 + entry[at]
        elif word != DONE:
            raise CorruptDataError("the journal is of a later version: it is set aside", "word " + str(word))
        return at


def set_words(state: "Mapping[str, bytes | None]") -> "list[bytes]":
    """Entries that set each key, or delete it where it has no value."""
    found = []
    entry = bytearray()
    for key, value in state.items():
        name = key.encode()
        if len(name) > 255:
            raise ValueError("a state key has at most 255 bytes")
        if value is None:
            entry += bytes((DELETE, len(name))) + name
        else:
            entry += struct.pack("<BBI", SET, len(name), len(value)) + name + value
        if len(entry) >= ENTRY_BYTES:
            found.append(bytes(entry))
            entry = bytearray()
    if entry:
        found.append(bytes(entry))
    return found


def mark_word(lane: int, seq: int, chain: bytes) -> bytes:
    """The lane is forgotten up to `seq`, where the chain value is `chain`."""
    return struct.pack("<BBI", MARK, lane, seq) + chain


def gaps_word(gaps: "Sequence[GivenUp]") -> bytes:
    """All rows of what was given up and is not yet confirmed."""
    rows = [struct.pack("<BII", gap.lane, gap.first, gap.last) for gap in gaps]
    return struct.pack("<BH", GAPS, len(rows)) + b"".join(rows)


def asides_word(asides: "Sequence[tuple[bytes, str]]") -> bytes:
    """All stores that are set aside."""
    word = bytearray((ASIDES, len(asides)))
    for epoch, reason in asides:
        text = reason.encode()[:REASON_BYTES]
        word += epoch + bytes((len(text),)) + text
    return bytes(word)


def damage_word(reason: str) -> bytes:
    """Somebody met damage: the next start sets the store aside."""
    text = reason.encode()[:REASON_BYTES]
    return bytes((DAMAGE, len(text))) + text


def picture_words(
    marks: "Mapping[int, tuple[int, bytes]]", gaps: "Sequence[GivenUp]", asides: "Sequence[tuple[bytes, str]]"
) -> "list[bytes]":
    """Entries that say all but the state; everything said before is forgotten."""
    word = bytearray((PICTURE,))
    for lane in LANES:
        if lane in marks:
            word += mark_word(lane, *marks[lane])
    return [bytes(word) + gaps_word(gaps)] + ([asides_word(asides)] if asides else [])
