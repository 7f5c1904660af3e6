"""The reference platform over brokers in memory: restarts, an older copy of its store, an empty one, silence.

One `Receiver` of `tools.platform` as it is, over SQLite in memory. What is stood in for is the connection (no socket,
nothing lost that the broker gave) and the keys (`StandIn`).
"""

import asyncio
from typing import Any

from gateway.core import cose, wire
from gateway.core.wire import Sealer
from gateway.hub.waking import Wake, stop
from hal.sim.clock import SimClock
from hal.types import Message
from tools.platform.books import GIVEN_UP, Fault
from tools.platform.parties import Signer
from tools.platform.receiver import Receiver
from tools.platform.store import Store
from tools.rig.brokers import Broker
from tools.rig.sim.platform import EVERYONE, NOT_AFTER_MS, RECEIPT_SEED, ROOT_SEED
from tools.rig.sim.stand_in import StandIn
from tools.rig.sim.total_queue import Arrival, History

COPIES = 4  # older copies of the store that are kept, to be restored


class StandInSigner(Signer):
    """A signer whose key is a seed for `StandIn`."""

    def __init__(self, seed: bytes) -> None:
        self.stand_in, self.seed = StandIn(), seed
        self.public_key = self.stand_in.public_key(seed)
        self.sealer = Sealer(self.public_key)

    def seal(self, sort: str, payload: bytes) -> bytes:
        return self.sealer.seal(payload, self.stand_in.sign(self.seed, self.sealer.to_sign(sort, payload)))


class PlatformTime:
    """The platform's own clock, which is right whatever the gateway's says."""

    def __init__(self, clock: SimClock, utc_at_zero_ms: int) -> None:
        self.clock, self.utc_at_zero_ms = clock, utc_at_zero_ms

    def now_ms(self) -> int:
        return self.clock.uptime_ms()

    def utc_ms(self) -> int:
        return self.utc_at_zero_ms + self.clock.uptime_ms()


class SimReceiver:
    """The platform of one gateway. `history` learns what each of its stores holds."""

    def __init__(
        self,
        brokers: list[Broker],
        clock: SimClock,
        address: tuple[str, str],
        public_key: bytes,
        history: History,
        utc_at_zero_ms: int,
    ) -> None:
        self.brokers, self.clock, self.address, self.history = brokers, clock, address, history
        self.gateway_key = public_key
        self.signer = StandInSigner(RECEIPT_SEED)
        self.root = StandInSigner(ROOT_SEED)
        self.root_key = self.root.public_key
        self.time = PlatformTime(clock, utc_at_zero_ms)
        self.faults: dict[str, int] = {}
        self.silences: list[tuple[int, str]] = []  # uptime in ms, and what was said of the gateway's silence
        self.receipts: list[bytes] = []  # a few of those it published, old and new
        self.published = 0
        self.muted = False
        self.linked: set[int] = set()
        self.copies: list[Store] = []
        self.stores = 0
        self.seen_row = 0
        self.wake = Wake(clock)
        self.task: asyncio.Task[None] | None = None
        self.use(Store(":memory:"))
        for number, broker in enumerate(brokers):
            broker.subscribe(EVERYONE, self.listener(number))

    # --- what it is made of ---------------------------------------------------------------------------------------

    def use(self, store: Store) -> None:
        """A fresh process over `store`."""
        self.store = store
        self.stores += 1
        self.seen_row = 0
        self.receiver = Receiver(
            store=store,
            keys={self.address: self.gateway_key},
            keysets={self.address[0]: self.keyset()},
            signer=self.signer,
            time=self.time,
            publish=self.publish,
            on_events=lambda _verified: None,
            on_fault=self.note_fault,
        )
        self.receiver.verifier = StandIn()  # type: ignore[assignment]

    def keyset(self, version: int = 1, not_after_ms: int = NOT_AFTER_MS) -> bytes:
        """The tenant's keyset, signed by the root."""
        key = self.signer.public_key
        rows = [[cose.kid_of(key), key, ["receipt"]]]
        fields: dict[str, object] = {"keyset_version": version, "not_after": not_after_ms, "keys": rows}
        return self.root.seal("keyset", wire.encode_payload("keyset", self.address[0], "*", fields))

    def receipt(self, epoch: bytes, lanes: dict[int, list[Any]]) -> bytes:
        """A receipt that says what it is told to say."""
        fields: dict[str, object] = {"epoch": epoch, "lanes": lanes}
        return self.signer.seal("receipt", wire.encode_payload("receipt", *self.address, fields))

    def topic(self, sort: str) -> str:
        return wire.topic(*self.address, sort)

    def note_fault(self, fault: Fault) -> None:
        self.faults[fault.cause] = self.faults.get(fault.cause, 0) + 1
        if fault.cause in ("gateway.silent", "gateway.back"):
            self.silences.append((self.clock.uptime_ms(), fault.cause))

    # --- its connections ------------------------------------------------------------------------------------------

    def listener(self, number: int) -> Any:
        """What a broker calls for each message; heard only over a connection."""

        def hear(message: Message) -> None:
            if number in self.linked:
                self.receiver.receive(message.topic, message.payload, message.retained)
                self.wake.call()
            elif "/up/" in message.topic:
                self.brokers[number].lossy = True  # nobody was there to take what it acknowledged

        return hear

    def publish(self, topic: str, payload: bytes) -> None:
        if topic.endswith("/receipt"):
            self.published += 1
            if self.published % 8 == 1:
                self.receipts = [*self.receipts[-15:], payload]
            if self.muted:
                return
        for number in sorted(self.linked):
            self.brokers[number].publish(topic, payload, retain=True)

    def link(self) -> None:
        """Connect to every broker that runs: the retained messages come, then all is greeted."""
        for number, broker in enumerate(self.brokers):
            if broker.running and number not in self.linked:
                self.linked.add(number)
                for topic, payload in sorted(broker.retained.items()):
                    if "/up/" in topic:
                        self.receiver.receive(topic, payload, True)
        if self.linked:
            self.receiver.connected()
        self.wake.call()

    def unlink(self) -> None:
        """Every connection is gone."""
        self.linked.clear()

    def start(self) -> None:
        """Connect and work."""
        self.task = asyncio.create_task(self.run())
        self.link()

    async def end(self) -> None:
        """Stop; what it holds is told."""
        self.unlink()
        if self.task is not None:
            await stop(self.task)
            self.task = None
        self.tell()

    async def run(self) -> None:
        """Act on what comes, alarms first; receipt when it is due."""
        while True:
            while self.receiver.has_waiting:
                self.receiver.work()
            wait_ms = self.receiver.settle()
            if not self.receiver.has_waiting:
                await self.wake.wait(self.clock.uptime_ms() + max(1, wait_ms))

    # --- what befalls it ------------------------------------------------------------------------------------------

    def tell(self) -> None:
        """Everything stored since the last telling is an arrival."""
        self.receiver.ledger.store_marks()
        self.store.commit()
        rows = self.store.ask(
            "SELECT event.rowid, epoch.epoch, lane, seq, identity, event, is_copy"
            " FROM event JOIN epoch ON epoch.key = event.epoch WHERE event.rowid > ? ORDER BY event.rowid",
            self.seen_row,
        )
        for row, epoch, lane, seq, identity, event, is_copy in rows:
            self.seen_row = row
            self.history.arrived(Arrival(self.stores, epoch, lane, seq, identity, event, bool(is_copy)))
        holes = self.store.ask(
            "SELECT epoch.epoch, lane, first_seq, last_seq, cause FROM hole JOIN epoch ON epoch.key = hole.epoch"
        )
        for epoch, lane, first, last, cause in holes:
            self.history.hole(epoch, lane, first, last, cause == GIVEN_UP)

    async def restart(self, store: Store | None = None) -> None:
        """The process dies and comes back: over its own store, or another. What it had not committed is gone."""
        await self.end()
        self.use(self.store if store is None else store)
        self.start()

    def back_up(self) -> None:
        """Keep a copy of the store as it is now."""
        self.tell()
        copy = Store(":memory:")
        self.store.connection.backup(copy.connection)
        self.copies = [*self.copies[1 - COPIES :], copy]

    async def restore(self, number: int) -> None:
        """Go on from one of the copies; the present store becomes a copy in its place."""
        store, self.copies[number] = self.copies[number], self.store
        await self.restart(store)

    def close(self) -> None:
        """Let go of all stores."""
        for store in [self.store, *self.copies]:
            store.close()
