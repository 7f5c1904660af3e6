"""A set checker in the manner of Jepsen's total-queue: what was put into a journal against what came out at the platform.

Put in: events of every append, as it was asked for, and as it returned. Come out: what the platform acted on, after
its removal of duplicates. Between the two:

| verdict    | is                                                                                            |
|------------|-----------------------------------------------------------------------------------------------|
| lost       | an append returned, it was not given up for space (lanes 2 to 4 may be), and it never arrived   |
| untold     | it was given up for space, and the platform was told of it neither in words nor by number       |
| unexpected | it arrived, and no append was ever asked for it, or another event was under its identity      |
| duplicated | it arrived oftener than it was asked for, or twice under one identity                         |
| recovered  | it arrived, and nobody had learned that it was stored: no fault, only counted                 |
| inverted   | in the order of its lane's numbers it stands before what was stored before it                 |
| overclaimed| a number that is told as given up, and that the journal never gave up                         |
| overtaken  | it arrived after what was stored after it: only counted, see `Verdict`                        |

A range is told in words by `journal.dropped`. That event is of lane 2 and may be given up itself; then the platform still
knows the numbers that it misses, from a bundle or a state: `by_number` counts events of which it knows no more.

An event is known by its identity (key 9, else its chain value), and by its content: its bytes without key 9, which is
what is left of it when it is journalled again.
"""

from gateway.core import cbor, event_codec
from gateway.core.errors import DecodeError
from gateway.core.model import UNPROVEN
from hal.types import LANES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hal.types import Entry, GivenUp

    Range = tuple[bytes, int, int, int]  # epoch, lane, first, last

OWN_IDENTITY = b"\x09\x50"  # key 9, and the head of 16 bytes
DROPPED = "journal.dropped"
DROPPED_HEAD = b"\x02\x18" + bytes([event_codec.kind_code(DROPPED)])  # key 2, and the kind


def content_of(event: bytes) -> bytes:
    """An event's bytes as they were before it was journalled again."""
    if OWN_IDENTITY not in event:
        return event
    try:
        pairs = cbor.decode(event)
    except DecodeError:
        return event
    if not isinstance(pairs, dict) or 9 not in pairs:
        return event
    del pairs[9]
    provenance = pairs.get(11, 0) & ~UNPROVEN
    if provenance:
        pairs[11] = provenance
    elif 11 in pairs:
        del pairs[11]
    return cbor.encode(pairs)


def identity_of(event: bytes, chain: bytes) -> bytes:
    """Key 9, else the chain value."""
    if OWN_IDENTITY not in event:
        return chain
    try:
        pairs = cbor.decode(event)
    except DecodeError:
        return chain
    own = pairs.get(9) if isinstance(pairs, dict) else None
    return own if isinstance(own, bytes) else chain


class Promise:
    """An event whose append returned. A record that was read twice may have two contents; each has its places in the order."""

    __slots__ = ("lane", "orders")

    def __init__(self, lane: int) -> None:
        self.lane = lane
        self.orders: "dict[bytes, list[int]]" = {}


class Arrival:
    """An event as the platform holds it: `platform` counts the stores it had, `is_copy` what it did not act on."""

    __slots__ = ("epoch", "event", "identity", "is_copy", "lane", "platform", "seq")

    def __init__(
        self, platform: int, epoch: bytes, lane: int, seq: int, identity: bytes, event: bytes, is_copy: bool
    ) -> None:
        self.platform = platform
        self.epoch = epoch
        self.lane = lane
        self.seq = seq
        self.identity = identity
        self.event = event
        self.is_copy = is_copy


class History:
    """What happened, in the order in which it happened."""

    def __init__(self) -> None:
        self.attempts: "dict[bytes, int]" = {}
        self.unknown: "dict[bytes, int]" = {}
        self.promised: "dict[bytes, Promise]" = {}
        self.appended = 0
        self.numbers: "dict[tuple[bytes, int, int], bytes]" = {}
        self.born: "dict[bytes, bytes]" = {}  # identity: epoch of its first number
        self.given_up: "list[Range]" = []
        self.holes: "set[Range]" = set()
        self.claims: "set[Range]" = set()
        self.arrivals: "list[Arrival]" = []

    # --- the journal's side -------------------------------------------------------------------------------------

    def asked(self, events: "Sequence[tuple[int, bytes]]") -> "list[bytes]":
        """An append begins; its contents, for `answered`."""
        contents = [content_of(event) for _, event in events]
        for content in contents:
            self.attempts[content] = self.attempts.get(content, 0) + 1
            self.unknown[content] = self.unknown.get(content, 0) + 1
        return contents

    def answered(self, epoch: bytes, contents: "list[bytes]", entries: "Sequence[Entry]") -> None:
        """It returned."""
        for content, entry in zip(contents, entries):
            self.unknown[content] -= 1
            identity = identity_of(entry.event, entry.chain)
            promise = self.promised.get(identity)
            if promise is None:
                promise = self.promised[identity] = Promise(entry.lane)
            self.appended += 1
            promise.orders.setdefault(content, []).append(self.appended)
        self.numbered(epoch, entries)

    def numbered(self, epoch: bytes, entries: "Iterable[Entry]") -> None:
        """These stand under these numbers of an epoch."""
        for entry in entries:
            identity = identity_of(entry.event, entry.chain)
            self.numbers[(epoch, entry.lane, entry.seq)] = identity
            if identity not in self.born:
                self.born[identity] = epoch

    def renumbered(self, epoch: bytes, lane: int, seq: int, entry: "Entry") -> None:
        """An event that is held goes on under this number of a new epoch."""
        self.numbers[(epoch, lane, seq)] = identity_of(entry.event, entry.chain)

    def gave_up(self, epoch: bytes, rows: "Sequence[GivenUp]") -> None:
        """These numbers went for space."""
        for row in rows:
            found = (epoch, row.lane, row.first, row.last)
            if found not in self.given_up[-8:]:
                self.given_up.append(found)

    # --- the platform's side ------------------------------------------------------------------------------------

    def arrived(self, arrival: Arrival) -> None:
        """The platform stored it."""
        self.arrivals.append(arrival)

    def hole(self, epoch: bytes, lane: int, first: int, last: int, is_given_up: bool) -> None:
        """The platform has noted that these numbers will not come: given up for space, as a bundle said, or it knows not why."""
        (self.claims if is_given_up else self.holes).add((epoch, lane, first, last))

    def told(self) -> "list[Range]":
        """Ranges that arrived in words: each of the epoch in which it was said."""
        found = []
        seen = set()
        for arrival in self.arrivals:
            if arrival.lane != 2 or arrival.identity in seen or DROPPED_HEAD not in arrival.event:
                continue
            seen.add(arrival.identity)
            event = event_codec.decode_event(arrival.event)
            if event.kind == DROPPED:
                values = event.values
                epoch = values.get("epoch", self.born.get(arrival.identity, arrival.epoch))
                found.append((epoch, values["lane"], values["first_seq"], values["last_seq"]))
        return found  # type: ignore[return-value]


def expand(ranges: "Iterable[Range]") -> "set[tuple[bytes, int, int]]":
    """Every number in them."""
    return {(epoch, lane, seq) for epoch, lane, first, last in ranges for seq in range(first, last + 1)}


class Verdict:
    """What a history comes to; each of the first lists must be empty.

    overtaken is counted, and a fault only where every broker keeps its word (`tools.rig.long_life`): one that acknowledges
    what it does not forward lets a later bundle of the same lane arrive first, and a platform acts at once on what it is
    given. The numbers say what is missing before it.
    """

    MUST_BE_EMPTY = ("lost", "unexpected", "duplicated", "inverted", "untold", "overclaimed")

    def __init__(self, history: History) -> None:
        self.history = history
        self.events = len(history.promised)
        self.recovered = 0
        self.overtaken = 0
        self.given_up = 0
        self.by_number = 0  # of these: those that no `journal.dropped` told, because it was given up itself
        self.lost: "list[str]" = []
        self.unexpected: "list[str]" = []
        self.duplicated: "list[str]" = []
        self.inverted: "list[str]" = []
        self.untold: "list[str]" = []
        self.overclaimed: "list[str]" = []
        self.arrived = self.take_arrivals()
        self.look_for_losses()
        for lane in LANES:
            self.look_at_order(lane)

    @property
    def bad(self) -> int:
        """How many of all that must not be."""
        return sum([len(getattr(self, name)) for name in self.MUST_BE_EMPTY])

    def take_arrivals(self) -> "set[bytes]":
        """Identities that arrived; says which were not expected, or came too often."""
        history = self.history
        acted = set()
        counted: "dict[bytes, int]" = {}
        seen: "set[bytes]" = set()
        unknown = dict(history.unknown)
        for arrival in history.arrivals:
            if not arrival.is_copy:
                key = (arrival.platform, arrival.identity)
                if key in acted:
                    self.duplicated.append(name_of(arrival.identity) + " acted on twice")
                acted.add(key)
            if arrival.identity in seen:
                continue
            seen.add(arrival.identity)
            content = content_of(arrival.event)
            counted[content] = counted.get(content, 0) + 1
            promise = history.promised.get(arrival.identity)
            if promise is not None and content in promise.orders and promise.lane == arrival.lane:
                pass
            elif unknown.get(content, 0) > 0:  # perhaps a record that was read again, and promised, later
                unknown[content] -= 1
                self.recovered += 1
            else:
                self.unexpected.append(name_of(arrival.identity) + " in lane " + str(arrival.lane))
            if counted[content] > max(1, history.attempts.get(content, 0)):
                self.duplicated.append(name_of(arrival.identity) + " is another one's copy")
        return seen

    def look_for_losses(self) -> None:
        """What was promised and is neither there nor accounted for, and what was accounted for wrongly."""
        history = self.history
        gone, told, claims = expand(history.given_up), expand(history.told()), expand(history.claims)
        for epoch, lane, seq in sorted((told | claims) - gone):
            self.overclaimed.append("lane " + str(lane) + " number " + str(seq) + " of " + epoch.hex())
        gone_for_space = {history.numbers.get(number, b"") for number in gone}
        in_words = {history.numbers.get(number, b"") for number in told & gone}
        missed = {history.numbers.get(number, b"") for number in (claims | expand(history.holes)) & gone}
        for identity, promise in history.promised.items():
            if identity in self.arrived:
                continue
            name = name_of(identity) + " of lane " + str(promise.lane)
            if promise.lane < 2 or identity not in gone_for_space:
                self.lost.append(name)
                continue
            self.given_up += 1
            self.by_number += identity not in in_words and identity in missed
            if identity not in in_words and identity not in missed:
                self.untold.append(name)

    def look_at_order(self, lane: int) -> None:
        """The order of numbers within each epoch, and the order of arrival.

        Between epochs numbers say nothing: what was stored beyond a gap under the old one may have been given up since.
        """
        promised = self.history.promised
        places: "dict[tuple[bytes, bytes], tuple[int, list[int]]]" = {}  # (epoch, identity): number, orders it may have
        newest, seen = 0, set()
        for arrival in self.history.arrivals:
            promise = promised.get(arrival.identity) if arrival.lane == lane else None
            orders = promise.orders.get(content_of(arrival.event)) if promise is not None else None
            if orders is None:
                continue
            if arrival.identity not in seen:
                seen.add(arrival.identity)
                self.overtaken += orders[-1] < newest
                newest = max(newest, orders[0])
            place = (arrival.epoch, arrival.identity)
            if place not in places or arrival.seq < places[place][0]:
                places[place] = (arrival.seq, orders)
        highest: "dict[bytes, int]" = {}
        for (epoch, identity), (_, orders) in sorted(places.items(), key=lambda row: row[1][0]):
            if orders[-1] < highest.get(epoch, 0):
                self.inverted.append(name_of(identity) + " of lane " + str(lane))
            highest[epoch] = max(highest.get(epoch, 0), orders[0])


def name_of(identity: bytes) -> str:
    """An identity for people: enough of it to find it."""
    return identity[:6].hex()
