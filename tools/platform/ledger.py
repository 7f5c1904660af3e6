"""The rules of receiving (docs/platform.md), over a store and without any I/O of their own.

A message comes here verified: right key, right topic. Then (DESIGN.md 4: Chain, Receipts, Alive, Identity):

| what came                                   | what is done                                                     |
|---------------------------------------------|------------------------------------------------------------------|
| the next numbers, chain continues           | stored; the mark, which receipts name, moves                     |
| numbers beyond the next (a gap)             | stored and acted on at once; the mark waits                      |
| the gap's numbers                           | stored; the mark moves over all that continues the chain         |
| numbers stored before, same chain values    | duplicates, removed                                              |
| a number stored before, other chain value   | a fork: both kept and acted on, reported; the mark stays         |
| an event whose identity is stored           | a copy: stored for its chain, not acted on again                 |
| numbers just before, given up for space     | a hole; the mark moves over it when what follows is here         |
| a state that holds nothing up to some number| the numbers between are lost here: a hole, as above              |
| an epoch never seen                         | becomes the current one; the one before is left                  |
| an epoch that was left                      | stored and acted on, reported, not receipted                     |
| an event that does not decode               | stored with the reason, receipted, reported                      |
| a state, retained or not newer              | no sign of life                                                  |
"""

from typing import Any

from gateway.core import event_codec, wire
from gateway.core.errors import DecodeError, RefusedError
from gateway.core.model import Event
from gateway.core.outbox import URGENT_LANES
from gateway.core.wire import Parsed
from hal.types import LANES, chain_next, chain_start
from tools.platform.books import (
    AT_PLATFORM,
    GIVEN_UP,
    EpochBook,
    GatewayBook,
    Gone,
    LaneBook,
    Row,
    Shelf,
    Taken,
    Verified,
    new_epoch_book,
)

MOST = 2**63 - 1  # what the store can number
# An event with an identity of its own holds these two bytes: key 9, and the head of 16 bytes.
OWN_IDENTITY = b"\x09\x50"
STEP = 256


class Ledger:
    """Books of every gateway. `read_all`: read every event, also where nothing here depends on what it says."""

    def __init__(self, shelf: Shelf, books: list[GatewayBook], *, read_all: bool = False) -> None:
        self.shelf = shelf
        self.read_all = read_all
        self.books = {(book.tenant, book.name): book for book in books}
        self.moved: dict[tuple[int, int], LaneBook] = {}  # marks that the store does not know yet

    def book(self, tenant: str, name: str) -> GatewayBook:
        """The book of a gateway, opened where there is none."""
        book = self.books.get((tenant, name))
        if book is None:
            book = GatewayBook(self.shelf.open_gateway(tenant, name), tenant, name)
            self.books[(tenant, name)] = book
        return book

    def take(
        self, parsed: Parsed, message: bytes, received_ms: int, arrival: int, *, retained: bool
    ) -> Taken:
        """Act on a verified message. `arrival` numbers messages in the order in which they came in.

        Raises:
            RefusedError: it is not of a sort a platform takes, or beyond what the store can number.
        """
        fields: dict[str, Any] = parsed.fields
        taken = Taken(self.book(fields["tenant"], fields["gateway"]))
        if parsed.sort == "bundle":
            self.bundle(taken, fields, message, received_ms, arrival)
        elif parsed.sort == "state":
            if not retained:
                self.state(taken, fields, arrival)
        elif parsed.sort == "manifest":
            self.manifest(taken, fields, parsed.sign1.signature, message, received_ms)
        else:
            raise RefusedError("a platform takes no " + parsed.sort)
        return taken

    def store_marks(self) -> None:
        """Write what moved since the last call; before each commit."""
        for (epoch_key, number), lane in self.moved.items():
            self.shelf.put_mark(epoch_key, number, lane.seq, lane.chain)
        self.moved.clear()

    def epoch(self, taken: Taken, epoch: bytes, arrival: int) -> EpochBook:
        """The book of an epoch; one never seen becomes the current one."""
        book = taken.book
        found = book.epochs.get(epoch)
        if found is not None:
            if found.left_at is not None and arrival > found.left_at:
                taken.fault("epoch.returned", epoch=epoch.hex())
            return found
        current = book.current
        is_late = (
            current is not None and arrival < current.opened_at
        )  # an alarm overtook it within the platform
        found = new_epoch_book(self.shelf.open_epoch(book.key, epoch, is_left=is_late), epoch)
        found.opened_at = arrival
        book.epochs[epoch] = found
        if current is not None and is_late:
            found.left_at = current.opened_at
            return found
        if current is not None:
            current.left_at = arrival
            taken.fault("epoch.new", epoch=epoch.hex(), left=current.epoch.hex())
        book.current = found
        taken.answer = True
        return found

    # --- bundles --------------------------------------------------------------------------------------------------

    def bundle(
        self, taken: Taken, fields: dict[str, Any], message: bytes, received_ms: int, arrival: int
    ) -> None:
        """Store what is new, and move the lane's mark as far as it is unbroken."""
        first, before, events = fields["first_seq"], fields["before"], fields["events"]
        last = first + len(events) - 1
        if last > MOST:
            raise RefusedError("numbers beyond 63 bits")
        epoch = self.epoch(taken, fields["epoch"], arrival)
        lane = epoch.lanes[fields["lane"]]
        taken.urgent = lane.number in URGENT_LANES
        self.date(taken.book, epoch, fields.get("boots", {}))
        chains = wire.chain_values(before, events)
        fresh = list(zip(range(first, last + 1), chains, events, strict=True))
        was = lane.seq
        if first == was + 1 and before == lane.chain and not lane.has_gap:
            self.keep(taken, epoch, lane, fresh, message, received_ms)
            self.move(epoch, lane, last, chains[-1])
        else:
            held = self.held(epoch, lane, first, last)
            fresh = [row for row in fresh if row[:2] not in held]
            taken.duplicates = len(events) - len(fresh)
            taken.repeated = not fresh
            if fresh:
                self.check_fork(taken, epoch, lane, dict(enumerate([before, *chains], first - 1)), held)
                self.keep(taken, epoch, lane, fresh, message, received_ms)
        if "given_up" in fields:
            self.given_up(epoch, lane, fields["given_up"], first, before)
        lane.highest = max(lane.highest, last)
        self.advance(taken, epoch, lane)
        taken.moved = lane.seq > was and epoch is taken.book.current

    def held(self, epoch: EpochBook, lane: LaneBook, first: int, last: int) -> set[tuple[int, bytes]]:
        """(number, chain value) of what is stored of `first` to `last`, and of the number before."""
        held = (
            self.shelf.chains(epoch.key, lane.number, first - 1, last) if first - 1 <= lane.highest else set()
        )
        if first == 1:
            held.add((0, chain_start(epoch.epoch, lane.number)))
        if lane.seq == first - 1:
            held.add((lane.seq, lane.chain))
        return held

    def check_fork(
        self,
        taken: Taken,
        epoch: EpochBook,
        lane: LaneBook,
        ours: dict[int, bytes],
        held: set[tuple[int, bytes]],
    ) -> None:
        """Report the first number for which something else is held than this bundle says."""
        agreed = {seq for seq, chain in held if ours[seq] == chain}
        parted = [seq for seq, _ in held if seq not in agreed]
        if parted:
            lane.broken_at = lane.seq
            taken.fault("fork", epoch=epoch.epoch.hex(), lane=lane.number, seq=min(parted))

    def keep(
        self,
        taken: Taken,
        epoch: EpochBook,
        lane: LaneBook,
        fresh: list[tuple[int, bytes, bytes]],
        message: bytes,
        received_ms: int,
    ) -> None:
        """Store new (number, chain value, event) with their message; what no identity names yet is acted on."""
        book = taken.book
        read_all = self.read_all or taken.urgent
        told = [self.read(event, read_all=read_all) for _, _, event in fresh]
        own = [
            content.identity for content, _ in told if content is not None and content.identity is not None
        ]
        known = self.shelf.known(book.key, [chain for _, chain, _ in fresh] + own, own)
        rows = []
        for (seq, chain, event), (content, fault) in zip(fresh, told, strict=True):
            own_identity = content.identity if content is not None else None
            identity = chain if own_identity is None else own_identity
            is_copy = identity in known
            row = Row(epoch.key, lane.number, seq, chain, own_identity, event, is_copy, fault)
            rows.append(row)
            if is_copy:
                taken.duplicates += 1
                continue
            taken.fresh += 1
            known.add(identity)
            if content is not None or fault is not None:
                taken.verified.append(Verified(book, epoch.epoch, row, content, received_ms))
            if fault is not None:
                taken.fault(
                    "event.undecodable", epoch=epoch.epoch.hex(), lane=lane.number, seq=seq, reason=fault
                )
        key = self.shelf.put_message(book.key, "bundle", received_ms, message, is_read=read_all)
        self.shelf.put_events(key, rows)

    def read(self, event: bytes, *, read_all: bool) -> tuple[Event | None, str | None]:
        """(content, why it does not decode); neither where nobody asked and it has no identity of its own."""
        if not read_all and OWN_IDENTITY not in event:
            return None, None
        try:
            return event_codec.decode_event(event), None
        except DecodeError as error:
            return None, str(error)

    def date(self, book: GatewayBook, epoch: EpochBook, boots: dict[int, int]) -> None:
        """Note the date of boots whose clock became known later."""
        for boot, zero_utc_ms in boots.items():
            if book.zero_utc_ms.get(boot) != zero_utc_ms and fits(boot) and fits(zero_utc_ms):
                book.zero_utc_ms[boot] = zero_utc_ms
                self.shelf.put_boot(epoch.key, boot, None, zero_utc_ms)

    # --- the unbroken part ----------------------------------------------------------------------------------------

    def move(self, epoch: EpochBook, lane: LaneBook, seq: int, chain: bytes) -> None:
        """Everything up to `seq` is stored or accounted for."""
        lane.seq, lane.chain = seq, chain
        lane.highest = max(lane.highest, seq)
        self.moved[(epoch.key, lane.number)] = lane

    def advance(self, taken: Taken, epoch: EpochBook, lane: LaneBook) -> None:
        """Move the mark over what is stored and continues the chain, and over what will not come."""
        while lane.has_gap or lane.gone:
            contents = self.shelf.contents(epoch.key, lane.number, lane.seq + 1, STEP) if lane.has_gap else []
            was = lane.seq
            for seq, event, chain in contents:
                if seq == lane.seq + 1 and chain_next(lane.chain, event) == chain:
                    self.move(epoch, lane, seq, chain)
            if lane.seq == was and not self.pass_over(taken, epoch, lane):
                if contents and contents[0][0] == was + 1 and lane.broken_at != was:
                    lane.broken_at = was
                    taken.fault("fork", epoch=epoch.epoch.hex(), lane=lane.number, seq=was)
                return

    def pass_over(self, taken: Taken, epoch: EpochBook, lane: LaneBook) -> bool:
        """Move the mark over numbers that will not come; False where none may be passed over now."""
        lane.gone = [gone for gone in lane.gone if gone.last > lane.seq]
        for gone in lane.gone:
            if gone.first <= lane.seq + 1 and (gone.is_end or self.is_followed(epoch, lane, gone)):
                break
        else:
            return False
        at_end = {chain for _, chain in self.shelf.chains(epoch.key, lane.number, gone.last, gone.last)}
        if at_end and gone.chain not in at_end:
            return False
        start, parts = lane.seq + 1, []
        if start < gone.given_from:
            parts.append(("lost.at_platform", AT_PLATFORM, start, min(gone.last, gone.given_from - 1)))
        if gone.given_from <= gone.last:
            parts.append(("lost.given_up", GIVEN_UP, max(start, gone.given_from), gone.last))
        for cause, hole_cause, first, last in parts:
            self.shelf.put_hole(epoch.key, lane.number, first, last, hole_cause)
            taken.fault(cause, epoch=epoch.epoch.hex(), lane=lane.number, first_seq=first, last_seq=last)
        self.move(epoch, lane, gone.last, gone.chain)
        return True

    def is_followed(self, epoch: EpochBook, lane: LaneBook, gone: Gone) -> bool:
        """Whether what comes right after these numbers is stored."""
        return any(
            seq == gone.last + 1 and chain_next(gone.chain, event) == chain
            for seq, event, chain in self.shelf.contents(epoch.key, lane.number, gone.last + 1, 4)
        )

    def given_up(
        self, epoch: EpochBook, lane: LaneBook, declared: list[int], first_seq: int, before: bytes
    ) -> None:
        """The gateway says that the numbers just before this bundle went for space."""
        first, last = declared
        if not 1 <= first <= last or last != first_seq - 1:
            return  # says nothing that could be acted on
        if last <= lane.seq:
            self.shelf.rename_holes(epoch.key, lane.number, first, last, GIVEN_UP)
        else:
            self.note_gone(lane, Gone(first, last, before, first))

    def note_gone(self, lane: LaneBook, new: Gone) -> None:
        """Note numbers that will not come, beside or together with what was said of them before."""
        for gone in lane.gone:
            if gone.last == new.last and gone.chain == new.chain:
                gone.first = min(gone.first, new.first)
                gone.given_from = min(gone.given_from, new.given_from)
                gone.is_end = new.is_end
                return
        lane.gone.append(new)

    # --- state and manifest ---------------------------------------------------------------------------------------

    def state(self, taken: Taken, fields: dict[str, Any], arrival: int) -> None:
        """A sign of life, if it is newer than those before; and what the gateway still holds."""
        boot, uptime_ms, utc_ms = fields["boot"], fields["uptime_ms"], fields.get("utc_ms")
        numbers = [row[0] for row in fields["lanes"].values()] + [row[2] for row in fields["lanes"].values()]
        if not all(fits(number) for number in [boot, uptime_ms, utc_ms or 0, *numbers]):
            raise RefusedError("numbers beyond 63 bits")
        epoch = self.epoch(taken, fields["epoch"], arrival)
        if epoch is not taken.book.current or uptime_ms <= epoch.uptimes.get(boot, -1):
            return
        taken.alive = True
        epoch.uptimes[boot] = uptime_ms
        zero_utc_ms = utc_ms - uptime_ms if utc_ms is not None else None
        if zero_utc_ms is not None:
            taken.book.zero_utc_ms[boot] = zero_utc_ms
        self.shelf.put_boot(epoch.key, boot, uptime_ms, zero_utc_ms)
        for number, (first, before, last, chain) in fields["lanes"].items():
            self.lane_state(taken, epoch, epoch.lanes[number], first, before, last, chain)

    def lane_state(
        self,
        taken: Taken,
        epoch: EpochBook,
        lane: LaneBook,
        first: int,
        before: bytes,
        last: int,
        chain: bytes,
    ) -> None:
        """What a state says of one lane: it holds `first` to `last`, `before` = h(first - 1), `chain` = h(last)."""
        if (first - 1 == lane.seq and before != lane.chain) or (last == lane.seq and chain != lane.chain):
            taken.fault("fork", epoch=epoch.epoch.hex(), lane=lane.number, seq=lane.seq)
            return
        if last < lane.said_last:
            taken.fault("numbers.back", lane=lane.number, last_seq=last, before=lane.said_last)
        lane.said_last = last
        if first - 1 > lane.seq:
            self.note_gone(lane, Gone(lane.seq + 1, first - 1, before, first, is_end=first > last))
            was = lane.seq
            self.advance(taken, epoch, lane)
            taken.answer = taken.answer or lane.seq > was

    def manifest(
        self, taken: Taken, fields: dict[str, Any], signature: bytes, message: bytes, received_ms: int
    ) -> None:
        """Keep what each placement is; a higher revision has the last word on a placement."""
        book = taken.book
        if signature in book.manifests:
            return
        if not fits(fields["revision"]):
            raise RefusedError("numbers beyond 63 bits")
        book.manifests.add(signature)
        message_key = self.shelf.put_message(book.key, "manifest", received_ms, message, is_read=True)
        self.shelf.put_manifest(book.key, fields["revision"], message_key)
        learn_devices(book, fields)

    # --- receipts -------------------------------------------------------------------------------------------------

    def receipt_lanes(self, book: GatewayBook) -> dict[int, list[int | bytes]] | None:
        """What a receipt says now: how far each lane of the current epoch is unbroken. None where none began."""
        if book.current is None:
            return None
        return {
            number: [book.current.lanes[number].seq, book.current.lanes[number].chain] for number in LANES
        }


def learn_devices(book: GatewayBook, fields: dict[str, Any]) -> None:
    """Take up the devices of a manifest."""
    for device in fields["devices"]:
        placement = device["placement"]
        if placement not in book.devices or book.devices[placement][0] <= fields["revision"]:
            book.devices[placement] = (fields["revision"], device)


def fits(number: int) -> bool:
    """Whether the store can hold the number."""
    return -MOST - 1 <= number <= MOST
