"""The platform at work: messages in, verified events, durable rows and signed receipts out.

One thread, nothing here waits. Whoever owns the connection calls `receive` for each message, `work` while there
is any, `settle` in between, and `connected` after each subscription. Alarms go before everything that waits.
A receipt is made only from what a commit returned for.
"""

import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.core import wire
from gateway.core.errors import DecodeError, RefusedError
from gateway.core.outbox import URGENT_LANES
from gateway.core.registry import VALUES
from gateway.core.wire import Parsed, Topic
from tools.platform.books import Fault, GatewayBook, Taken, Verified
from tools.platform.courier import GROUP_MS, Courier
from tools.platform.ledger import Ledger
from tools.platform.parties import Keys, Signer, Verifier
from tools.platform.reading import read_next
from tools.platform.store import Store

SILENCE_MS = 90_000  # a state comes each 60 s; source: QUALITY.md F9
LOOK_MS = 1_000  # how often silence is looked at
QUIET_MS = 100  # messages that come closer than that leave no time to look into the ones before,
READ_EACH_MS = 10  # except for one in so long, or a stream without an end would never be looked into;
MOST_UNREAD = 2_000  # and where more wait there is no end to be waited for: they are looked into whenever nothing else is to do
READ_AGAIN_MS = 1_000  # after the store failed
MOST_WAITING_BYTES = 64 << 20  # alarms may wait beyond; what is dropped is not receipted and comes again
MOST_NUMBER = 2**63 - 1  # of the store
HAND_ON = 160  # events handed on at a time: more than a bundle holds
URGENT_TOPICS = tuple(f"/up/{lane}" for lane in URGENT_LANES)

Waiting = tuple[str, bytes, bool, int]  # topic, payload, retained, arrival


class Time(Protocol):
    """Integer milliseconds."""

    def now_ms(self) -> int:
        """Of a clock that never goes back."""
        ...

    def utc_ms(self) -> int:
        """Since 1970."""
        ...


@dataclass
class Counts:
    """What happened since the start."""

    messages: int = 0
    verified: int = 0
    duplicates_removed: int = 0
    refused: int = 0
    dropped: int = 0
    receipts: int = 0


class Receiver:
    """Receives for every gateway in `keys`.

    publish(topic, payload) sends a retained message, or loses it where there is no connection: `connected` sends
    all of them again. on_events gets verified events after they are durable; with `read_all` all of them,
    else those of the alarm lanes and the few whose identity needed reading.
    """

    def __init__(
        self,
        *,
        store: Store,
        keys: Keys,
        keysets: dict[str, bytes],
        signer: Signer,
        time: Time,
        publish: Callable[[str, bytes], None],
        on_events: Callable[[list[Verified]], None],
        on_fault: Callable[[Fault], None],
        read_all: bool = False,
        most_waiting_bytes: int = MOST_WAITING_BYTES,
    ) -> None:
        self.store = store
        self.keys = keys
        self.keysets = keysets
        self.signer = signer
        self.time = time
        self.publish = publish
        self.on_events = on_events
        self.on_fault = on_fault
        self.read_all = read_all
        self.most_waiting_bytes = most_waiting_bytes
        self.verifier = Verifier()
        self.counts = Counts()
        self.urgent: deque[Waiting] = deque()
        self.routine: deque[Waiting] = deque()
        self.waiting_bytes = 0
        self.arrival = 0
        self.fresh = 0  # new events that are not durable yet,
        self.unsettled: list[Verified] = []  # and those of them that were read;
        self.settled: deque[Verified] = deque()  # durable, to be handed on when alarms and receipts have gone
        self.commit_due_ms: int | None = None
        self.couriers: dict[tuple[str, str], Courier] = {}
        self.busy: set[tuple[str, str]] = set()  # gateways whose courier has something to do
        self.alive_ms: dict[tuple[str, str], int] = {}
        self.silent: set[tuple[str, str]] = set()
        self.standings: dict[tuple[str, str], tuple[int, int, int, str]] = {}
        self.look_ms = self.time.now_ms() + LOOK_MS
        self.heard_ms = self.read_ms = -QUIET_MS  # when a message came, when one was looked into
        self.has_unread = True
        self.is_behind = False  # more than MOST_UNREAD wait
        self.count_ms = self.read_again_ms = -1  # when they are counted next; nothing is looked into before
        self.ledger = Ledger(store, store.books(), read_all=read_all)

    # --- messages in ----------------------------------------------------------------------------------------------

    def receive(self, topic: str, payload: bytes, retained: bool) -> None:
        """Put a message aside for `work`."""
        self.arrival += 1
        self.heard_ms = self.time.now_ms()
        message = (topic, payload, retained, self.arrival)
        is_urgent = topic.endswith(URGENT_TOPICS)
        if self.waiting_bytes + len(payload) > self.most_waiting_bytes * (2 if is_urgent else 1):
            self.counts.dropped += 1
            return
        self.waiting_bytes += len(payload)
        (self.urgent if is_urgent else self.routine).append(message)

    @property
    def has_waiting(self) -> bool:
        """Whether messages were received and not acted on, or events not handed on."""
        return bool(self.urgent or self.routine or self.settled)

    def work(self) -> bool:
        """Act on one message, alarms first, or hand on, or look at events nobody looked at yet; False where nothing is left."""
        queue = self.urgent or self.routine
        if not queue:
            return self.hand_on() or self.catch_up()
        message = queue.popleft()
        self.waiting_bytes -= len(message[1])
        self.act(*message)
        return True

    def handle(self, topic: str, payload: bytes, retained: bool = False) -> None:
        """Receive one message and do all that is due: the whole platform in one call."""
        self.receive(topic, payload, retained)
        while self.work():
            pass
        self.settle()
        while self.hand_on() or self.catch_up(at_once=True):
            pass

    def act(self, topic: str, payload: bytes, retained: bool, arrival: int) -> None:
        """Verify one message and do what it asks; whatever is wrong with it is reported, never fatal."""
        self.counts.messages += 1
        if not payload:
            return  # a retained topic was cleared
        tenant = gateway = ""
        try:
            where = wire.parse_topic(topic)
            tenant, gateway = where.tenant, where.gateway
            parsed = self.verified(where, payload)
            taken = self.ledger.take(parsed, payload, self.time.utc_ms(), arrival, retained=retained)
            if taken.alive:
                self.note_standing(parsed)
        except (DecodeError, RefusedError) as error:
            self.counts.refused += 1
            self.on_fault(
                Fault("message.refused", tenant, gateway, {"topic": topic[:100], "reason": str(error)})
            )
        except sqlite3.Error as error:
            self.start_over(error)
        else:
            self.followed_up(taken)

    def verified(self, where: Topic, payload: bytes) -> Parsed:
        """A message that its topic's gateway signed. The key is that of (tenant, gateway); kid is a hint.

        Raises:
            DecodeError, RefusedError: with the rule that refused it.
        """
        key = self.keys.get((where.tenant, where.gateway))
        if key is None:
            raise RefusedError("no such gateway is registered")
        parsed = wire.parse(where.sort, payload)
        wire.check_topic(parsed, where)
        wire.verify(parsed, key, self.verifier.verify)
        return parsed

    def note_standing(self, parsed: Parsed) -> None:
        """Keep what a sign of life says of configuration, keyset and software, where it has changed."""
        fields: dict[str, Any] = parsed.fields
        local = fields.get("values", {}).get(VALUES["local_changes"], 0)
        found = (fields["config"], fields["keyset"], local if type(local) is int else 0, fields["software"])
        address = (fields["tenant"], fields["gateway"])
        if self.standings.get(address) != found and max(found[:3]) <= MOST_NUMBER:
            self.store.put_standing(*address, found, self.time.utc_ms())
            self.standings[address] = found

    def followed_up(self, taken: Taken) -> None:
        """Everything that comes of a message that was taken."""
        now_ms = self.time.now_ms()
        book = taken.book
        address = (book.tenant, book.name)
        self.fresh += taken.fresh
        self.has_unread = True
        self.counts.duplicates_removed += taken.duplicates
        self.unsettled += taken.verified
        for fault in taken.faults:
            self.on_fault(fault)
        if taken.alive:
            self.hear(address, now_ms)
        if self.store.is_open and self.commit_due_ms is None:
            self.commit_due_ms = now_ms + GROUP_MS
        courier = self.couriers.setdefault(address, Courier())
        if taken.moved or taken.answer:
            courier.stored(now_ms, urgent=taken.urgent)
        elif taken.repeated:
            courier.repeated(now_ms)
        courier.gap(now_ms, has_gap=has_gap(book))
        if courier.next_ms() is not None:
            self.busy.add(address)
        if taken.urgent:
            self.commit()
            self.settle()

    @property
    def read_due_ms(self) -> int:
        """When the next message may be looked into: an alarm that comes meanwhile would wait for it."""
        if self.is_behind:
            return self.read_again_ms
        return max(self.read_again_ms, min(self.heard_ms + QUIET_MS, self.read_ms + READ_EACH_MS))

    def catch_up(self, *, at_once: bool = False) -> bool:
        """Look at the events of one message that nobody looked at; False where there is none, or no time for it yet."""
        now_ms = self.time.now_ms()
        if not self.has_unread or (now_ms < self.read_due_ms and not at_once):
            return False
        self.read_ms = now_ms
        try:
            if now_ms >= self.count_ms:
                self.count_ms = now_ms + LOOK_MS
                self.is_behind = self.store.has_unread(MOST_UNREAD)
            faults = read_next(self.store, self.ledger)
        except sqlite3.Error as error:
            self.read_again_ms = now_ms + READ_AGAIN_MS
            self.start_over(error)
            return False
        for fault in faults or []:
            self.on_fault(fault)
        self.has_unread = faults is not None
        if self.has_unread and self.commit_due_ms is None:
            self.commit_due_ms = now_ms + GROUP_MS
        return self.has_unread

    # --- what is due ----------------------------------------------------------------------------------------------

    def settle(self) -> int:
        """Commit, receipt and look for silence where it is due; how long in ms until something is due again."""
        now_ms = self.time.now_ms()
        due = [address for address in self.busy if self.couriers[address].is_due(now_ms)]
        is_commit_due = self.commit_due_ms is not None and self.commit_due_ms <= now_ms
        if (due or is_commit_due) and not self.commit():
            return GROUP_MS
        for address in due:
            self.send_receipt(self.ledger.book(*address), now_ms)
        self.hand_on()
        if not self.has_waiting:  # whoever calls this alone gets on as well
            self.catch_up()
        if now_ms >= self.look_ms:
            self.look_ms = now_ms + LOOK_MS
            self.look_for_silence(now_ms)
        times = [self.look_ms, *(self.couriers[address].next_ms() for address in self.busy)]
        if self.commit_due_ms is not None:
            times.append(self.commit_due_ms)
        if self.has_unread:
            times.append(self.read_due_ms)
        return 0 if self.settled else max(0, min(time for time in times if time is not None) - now_ms)

    def hand_on(self) -> bool:
        """Hand on some durable events of routine lanes; False where there are none.

        Never all of a commit at once: thousands of lines take tens of ms, in which no alarm would be read. More where
        many wait, so that they never become ever more.
        """
        count = min(len(self.settled), max(HAND_ON, len(self.settled) // 16))
        if count:
            self.on_events([self.settled.popleft() for _ in range(count)])
        return count > 0

    def commit(self) -> bool:
        """Make everything taken so far durable and hand on its alarms; False where the store failed."""
        self.commit_due_ms = None
        try:
            self.ledger.store_marks()
            self.store.commit()
        except sqlite3.Error as error:
            self.start_over(error)
            return False
        self.counts.verified += self.fresh
        self.fresh = 0
        verified, self.unsettled = self.unsettled, []
        alarms = [one for one in verified if one.row.lane in URGENT_LANES]
        if alarms:
            self.on_events(alarms)
            verified = [one for one in verified if one.row.lane not in URGENT_LANES]
        self.settled += verified
        return True

    def start_over(self, error: sqlite3.Error) -> None:
        """The store failed: nothing since the last commit is receipted, and gateways send it again."""
        self.fresh = 0
        self.unsettled.clear()
        self.commit_due_ms = None
        self.on_fault(Fault("store.failed", "", "", {"reason": str(error)}))
        self.store.roll_back()
        self.standings.clear()
        self.ledger = Ledger(self.store, self.store.books(), read_all=self.read_all)

    def send_receipt(self, book: GatewayBook, now_ms: int) -> None:
        """Say how far each lane of the current epoch is unbroken."""
        address = (book.tenant, book.name)
        courier = self.couriers.setdefault(address, Courier())
        courier.gap(now_ms, has_gap=has_gap(book))
        courier.sent(now_ms)
        if courier.next_ms() is None:
            self.busy.discard(address)
        lanes = self.ledger.receipt_lanes(book)
        if lanes is None or book.current is None or address not in self.keys:
            return
        fields: dict[str, object] = {"epoch": book.current.epoch, "lanes": lanes}
        payload = wire.encode_payload("receipt", book.tenant, book.name, fields)
        self.publish(wire.topic(book.tenant, book.name, "receipt"), self.signer.seal("receipt", payload))
        self.counts.receipts += 1

    def connected(self) -> None:
        """After each subscription: keysets and receipts of all, so that whoever sent in the meantime sends again."""
        if self.commit():
            self.greet(list(self.keys))

    def greet(self, addresses: list[tuple[str, str]]) -> None:
        """Publish the keyset and, where an epoch is known, the receipt of these gateways."""
        now_ms = self.time.now_ms()
        for tenant, gateway in addresses:
            if tenant in self.keysets:
                self.publish(wire.topic(tenant, gateway, "keyset"), self.keysets[tenant])
            if (tenant, gateway) in self.ledger.books:
                self.send_receipt(self.ledger.books[(tenant, gateway)], now_ms)

    def register(self, keys: Keys) -> None:
        """Take up a changed registry."""
        new = [address for address, key in keys.items() if self.keys.get(address) != key]
        self.keys = keys
        if self.commit():
            self.greet(new)

    # --- signs of life --------------------------------------------------------------------------------------------

    def hear(self, address: tuple[str, str], now_ms: int) -> None:
        """A state that counts came."""
        self.alive_ms[address] = now_ms
        if address in self.silent:
            self.silent.discard(address)
            self.on_fault(Fault("gateway.back", *address))

    def look_for_silence(self, now_ms: int) -> None:
        """Report each registered gateway whose state is overdue, once."""
        for address in self.keys:
            silent_ms = now_ms - self.alive_ms.setdefault(address, now_ms)
            if silent_ms + LOOK_MS > SILENCE_MS and address not in self.silent:  # the next look would be late
                self.silent.add(address)
                self.on_fault(Fault("gateway.silent", *address, {"silent_ms": silent_ms}))


def has_gap(book: GatewayBook) -> bool:
    """Whether a lane of the current epoch waits for what is missing."""
    return book.current is not None and any(lane.has_gap for lane in book.current.lanes)
