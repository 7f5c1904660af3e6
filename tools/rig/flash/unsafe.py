"""Journals that must lose, for the controls: each takes one precaution of the flash journal away, for the whole process."""

from hal.esp32.journal_frames import CONTROL, END, HEADER_SIZE, SELF
from hal.esp32.journal_sectors import Sectors
from hal.esp32.journal_store import Store, write_words
from hal.esp32.journal_stream import NO_CHAIN, Stream
from hal.esp32.journal_words import DONE, picture_words, set_words
from hal.types import LANES, Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def commit_first() -> None:
    """The word that confirms is written before what it confirms, as a header before its payload."""

    def append(
        store: Store,
        events: "Sequence[tuple[int, bytes]]",
        state: "Mapping[str, bytes | None] | None" = None,
        plain: "Sequence[bytes]" = (),
        txn: int = 0,
    ) -> "list[Entry]":
        own = txn or store.next_txn()
        if not txn:
            store.say(set_words(state) if state else [], plain or (bytes((DONE,)),), own)
        entries = []
        for lane, event in events:
            seq, chain = store.lanes[lane].write(own, [event], END)[0]
            entries.append(Entry(lane, seq, event, chain))
        return entries

    Store.append = append  # type: ignore[assignment]


def erase_first() -> None:
    """The control stream is given back before the new picture of it is written."""

    def picture(store: Store, old: "Stream | None" = None) -> None:
        old = old if old is not None else store.control
        if old.places:
            store.sectors.kill(old.places[0], 0, HEADER_SIZE)
            old.drop()
        fresh = Stream(store.sectors, CONTROL, store.epoch, 0, NO_CHAIN)
        store.words.marks = {lane: (store.acked[lane], store.before[lane]) for lane in LANES}
        plain = picture_words(store.words.marks, store.words.gaps, store.words.asides)
        write_words(fresh, store.next_txn(), set_words(store.words.state), plain)
        store.control = fresh
        store.release_forgotten()

    Store.picture = picture  # type: ignore[assignment]


def each_alone() -> None:
    """What goes to several lanes together counts lane by lane."""
    write = Stream.write

    def alone(
        stream: Stream, txn: int, entries: "Sequence[bytes]", final: int, extra: int = 0
    ) -> "list[tuple[int, bytes]]":
        return write(stream, txn, entries, final if stream.number == CONTROL else END | SELF, extra)

    Stream.write = alone  # type: ignore[assignment]


def believed() -> None:
    """A write is not read back, and one that failed is believed."""

    def program(sectors: Sectors, place: int, data: "bytes | bytearray | memoryview", offset: int) -> None:
        try:
            sectors.device.writeblocks(place, data, offset)  # type: ignore[attr-defined]
        except OSError:
            return

    Sectors.program = program  # type: ignore[assignment]


def unstrengthened() -> None:
    """A start goes on right behind what it found, and leaves weak cells as they are."""

    def go_on(stream: Stream, _place: int, end: int) -> None:
        stream.offset = end

    Stream._strengthen = go_on  # type: ignore[assignment]


def lowest_first() -> None:
    """The free sector with the lowest number is taken, and not the next in turn."""
    next_free = Sectors._next_free

    def lowest(sectors: Sectors) -> int:
        sectors.next_place = 0
        return next_free(sectors)

    Sectors._next_free = lowest  # type: ignore[assignment]


VARIANTS = {
    "commit-first": commit_first,
    "erase-first": erase_first,
    "each-alone": each_alone,
    "believed": believed,
    "unstrengthened": unstrengthened,
    "lowest-first": lowest_first,
}
