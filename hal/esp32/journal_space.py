"""Who gives way when the flash journal has no sector to spare (DESIGN.md 5): 4, then 3, then 2, the oldest first."""

from hal.errors import StorageFullError
from hal.esp32.journal_store import is_urgent
from hal.esp32.journal_stream import corrupt
from hal.esp32.journal_words import gaps_word, mark_word
from hal.types import YIELD_ORDER, GivenUp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hal.esp32.journal_store import Store

WORD_BYTES = 8  # of a state key beside its own


def make_room(
    store: "Store",
    events: "Sequence[tuple[int, bytes]]",
    state: "Mapping[str, bytes | None] | None" = None,
    urgent: "bool | None" = None,
    durable: bool = True,
) -> None:
    """Let lanes give up their oldest until `events` and `state` fit, or raise StorageFullError with nothing given up.

    What goes is written down before its sectors are given back; `durable` False: the store counts only later.
    """
    limit = store.limit(is_urgent(events) if urgent is None else urgent)
    need = Need(events, state)
    if store.used + need.sectors(store, ()) <= limit:
        return
    if durable:
        store.forget_acked()
    gone: dict[int, int] = {}
    dropped: list[int] = []
    over = store.used + need.sectors(store, ()) - limit
    for lane in YIELD_ORDER:
        held = len(store.lanes[lane].places)
        count = 0
        while over > 0 and count < held:
            count += 1
            over -= 1
            if count == held:
                before = need.sectors(store, dropped)
                dropped.append(lane)
                over += need.sectors(store, dropped) - before
        if count:
            gone[lane] = count
    if over > 0:
        raise StorageFullError(
            "the journal holds nothing more that may be given up, and nothing was stored:"
            " restore the connection to the platform, or give it more room"
        )
    give_up(store, gone, durable)


class Need:
    """What an append writes, by stream."""

    def __init__(
        self, events: "Sequence[tuple[int, bytes]]", state: "Mapping[str, bytes | None] | None"
    ) -> None:
        self.sizes: dict[int, list[int]] = {}
        for lane, event in events:
            self.sizes.setdefault(lane, []).append(len(event))
        self.words = 0
        for key, value in (state or {}).items():
            self.words += WORD_BYTES + len(key) + len(value or b"")

    def sectors(self, store: "Store", dropped: "Sequence[int]") -> int:
        """How many sectors more, when the lanes `dropped` have none."""
        count = store.control.sectors_for([self.words]) if self.words else 0
        for lane, sizes in self.sizes.items():
            count += store.lanes[lane].sectors_for(sizes, lane in dropped)
        return count


def give_up(store: "Store", gone: "dict[int, int]", durable: bool) -> None:
    """Let each lane of `gone` give up so many of its oldest sectors."""
    gaps = list(store.words.gaps)
    marks = []
    ends = []
    for lane, count in gone.items():
        stream = store.lanes[lane]
        if count == len(stream.places):
            seq, chain = stream.next - 1, stream.chain
        else:
            seq = stream.firsts[count] - 1
            header = store.sectors.header(stream.places[count])
            if header is None:
                raise corrupt("a sector's header")
            chain = header.chain
        ends.append((stream, seq, count == len(stream.places)))
        if seq > store.acked[lane]:
            note_given_up(gaps, GivenUp(lane, store.acked[lane] + 1, seq))
            marks.append((lane, seq, chain))
    if durable:
        words = b"".join([mark_word(*mark) for mark in marks]) + gaps_word(gaps)
        store.say((), (words,))
    else:
        store.words.gaps = gaps
    for lane, seq, chain in marks:
        store.acked[lane], store.before[lane] = seq, chain
        store.forgotten[lane] = seq
    for stream, seq, is_all in ends:  # some may have gone meanwhile, with a new picture of the control stream
        if is_all:
            stream.drop()
        else:
            stream.forget_before(seq)


def note_given_up(rows: "list[GivenUp]", gone: GivenUp) -> None:
    """Add `gone`, as one row with the lane's newest where the numbers go on."""
    for index in range(len(rows) - 1, -1, -1):
        if rows[index].lane == gone.lane:
            if rows[index].last + 1 == gone.first:
                rows[index] = GivenUp(gone.lane, rows[index].first, gone.last)
                return
            break
    rows.append(gone)
