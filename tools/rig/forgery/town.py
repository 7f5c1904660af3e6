"""A town with two tenants: keys of every role, a gateway's own way in, the platform's, and genuine messages for each."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core import cose, event_codec, wire
from gateway.core.config import validate
from gateway.core.model import Event
from gateway.core.outbox import Outbox
from gateway.core.rules.engine import Engine
from gateway.core.trust import Trust
from gateway.hub.inward import ANCHOR_STATE, KEYSET_STATE, ROOTS_STATE, Inward
from gateway.hub.losses import Losses
from gateway.hub.recorder import Recorder
from hal.sim.clock import SimClock
from hal.sim.crypto import SimCrypto
from hal.sim.journal import SimJournal
from hal.sim.keystore import SimKeyStore
from hal.sim.medium import SimMedium
from hal.types import LANES, TECHNICAL, Message, chain_next, chain_start
from tools.platform.books import Verified
from tools.platform.parties import Signer, Verifier
from tools.platform.receiver import Receiver
from tools.platform.store import Store

TENANT, OTHER_TENANT, GATEWAY, OTHER_GATEWAY = "city", "town", "hub-1", "hub-2"
UTC_MS, NOT_AFTER_MS = 1_800_000_000_000, 4_000_000_000_000
HELD = 12  # events in each lane of the gateway
Verify = Callable[[bytes, bytes, bytes], bool]
Check = Callable[[bytes, bytes, bytes], Coroutine[Any, Any, bool]]


def anything(_public_key: bytes, _message: bytes, _signature: bytes) -> bool:
    """The control's verifier: it says yes."""
    return True


class Key:
    """One key pair, the same for the same name and seed."""

    def __init__(self, chance: random.Random) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        self.public = self.private.public_key().public_bytes_raw()
        self.sealer = wire.Sealer(self.public)

    def seal(self, sort: str, payload: bytes) -> bytes:
        """A message of `sort`."""
        return self.sealer.seal(payload, self.private.sign(self.sealer.to_sign(sort, payload)))


@dataclass
class Genuine:
    """A message that its receiver would act on, and who signed it."""

    sort: str
    topic: str
    data: bytes
    payload: bytes
    signer: str
    retained: bool = False
    at: str = field(default="gateway")  # who receives it


def at_once(check: Check) -> Verify:
    """A check that never waits for anything, as a plain function."""

    def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
        try:
            check(public_key, message, signature).send(None)
        except StopIteration as end:
            return bool(end.value)
        raise AssertionError("the check waits for something")

    return verify


class Keys:
    """Everybody's keys."""

    NAMES = (
        "root",
        "receipt",
        "config",
        "gateway",
        "other gateway",
        "other root",
        "other receipt",
        "neighbour",
        "next root",
        "next receipt",
        "stranger",
    )

    def __init__(self, chance: random.Random) -> None:
        self.by_name = {name: Key(chance) for name in self.NAMES}

    def __getitem__(self, name: str) -> Key:
        return self.by_name[name]

    def keyset(
        self,
        version: int,
        tenant: str = TENANT,
        *,
        not_after: int = NOT_AFTER_MS,
        receipts: str = "receipt",
        next_root: str | None = None,
    ) -> bytes:
        """The payload of a keyset; `seal` it with the root. `receipts`: whose key may sign them."""
        rows = [
            [cose.kid_of(self[name].public), self[name].public, roles]
            for name, roles in ((receipts, ["receipt"]), ("config", ["config", "command", "disposition"]))
        ]
        next_roots = None if next_root is None else [self[next_root].public]
        fields = {"keyset_version": version, "not_after": not_after, "keys": rows, "next_roots": next_roots}
        return wire.encode_payload("keyset", tenant, wire.WHOLE_TENANT, fields)


class Gateway:
    """The gateway's own way in, over a simulated machine, with a journal that holds something in each lane."""

    def __init__(
        self, keys: Keys, verify: Verify, loop: asyncio.AbstractEventLoop, chance: random.Random
    ) -> None:
        self.loop, self.keys = loop, keys
        self.clock = SimClock(utc_ms=UTC_MS)
        self.journal = SimJournal(SimMedium(), random=chance.randbytes, capacity_bytes=1 << 24)
        tree: dict[str, Any] = {
            "hub": {"id": GATEWAY, "tenant": TENANT},
            "uplink": {"brokers": ["mqtt://127.0.0.1:1883"]},
            "platform": {"root_public_key": keys["root"].public.hex()},
        }
        config = validate(tree, "hub.toml")
        crypto = SimCrypto(SimKeyStore(b"g" * 32), random=chance.randbytes)

        async def check(public_key: bytes, message: bytes, signature: bytes) -> bool:
            return verify(public_key, message, signature)

        self.trust = Trust(TENANT, [keys["root"].public])
        engine = Engine([], {}, chance.randbytes, {})
        recorder = Recorder(self.journal, self.clock, crypto, engine, 7, silent)
        self.outbox = Outbox(lambda: 0)
        self.inward = Inward(
            config,
            self.journal,
            self.clock,
            self.trust,
            check,
            self.outbox,
            recorder,
            Losses(recorder),
            silent,
        )
        events = [(lane, b"%d of %d" % (number, lane)) for lane in LANES for number in range(1, HELD + 1)]
        self.chains = {(entry.lane, entry.seq): entry.chain for entry in self.do(self.journal.append(events))}
        self.take(wire.topic(TENANT, GATEWAY, "keyset"), keys["root"].seal("keyset", keys.keyset(5)), True)

    def do(self, work: Any) -> Any:
        """Run a coroutine to its end."""
        return self.loop.run_until_complete(work)

    def take(self, topic: str, data: bytes, retained: bool) -> None:
        """One message, as the uplink hands it over."""
        self.do(self.inward.take(Message(topic, data, retained)))

    def standing(self) -> Any:
        """All that a message could have an effect on, but for the note that something was refused."""
        trust, marks = self.trust, [self.journal.mark(lane) for lane in LANES]
        return (
            self.journal.epoch,
            [mark.first for mark in marks],
            [mark.last for lane, mark in enumerate(marks) if lane != TECHNICAL],
            (trust.version, trust.not_after, trust.held, trust.roots_held(), trust.keys),
            [self.journal.state(key) for key in (KEYSET_STATE, ROOTS_STATE, ANCHOR_STATE)],
            (self.inward.receipts, self.inward.progress_ms, self.outbox.forced_ms, self.outbox.answered),
        )

    def two_receipts(self, lane: int) -> tuple[bytes, bytes]:
        """Payloads of a receipt and of the next one, of two new events."""
        entries = self.do(self.journal.append([(lane, b"one"), (lane, b"another")]))
        older, newer = [
            wire.encode_payload(
                "receipt",
                TENANT,
                GATEWAY,
                {"epoch": self.journal.epoch, "lanes": {lane: [entry.seq, entry.chain]}},
            )
            for entry in entries
        ]
        return older, newer

    def receipt(self, chance: random.Random, *, epoch: bytes | None = None, gateway: str = GATEWAY) -> bytes:
        """The payload of a receipt that would let it forget something."""
        lanes = {}
        for lane in chance.sample(LANES, chance.randint(1, 5)):
            seq = chance.randint(1, HELD)
            lanes[lane] = [seq, self.chains[lane, seq]]
        fields: dict[str, object] = {"epoch": epoch or self.journal.epoch, "lanes": lanes}
        return wire.encode_payload("receipt", TENANT, gateway, fields)


class Platform:
    """The reference receiver over a store in memory."""

    def __init__(self, keys: Keys, verify: Verify) -> None:
        self.store = Store(":memory:")
        self.keys, self.verify = keys, verify
        self.events: list[Verified] = []
        self.time = SteppingTime()
        self.receiver = self.begun()
        self.epoch = b"epoch..1"
        self.chains = {lane: [chain_start(self.epoch, lane)] for lane in LANES}

    def begun(self) -> Receiver:
        """A receiver that knows what the store knows."""
        keys = self.keys
        receiver = Receiver(
            store=self.store,
            keys={
                (TENANT, GATEWAY): keys["gateway"].public,
                (TENANT, OTHER_GATEWAY): keys["other gateway"].public,
                (OTHER_TENANT, GATEWAY): keys["neighbour"].public,
            },
            keysets={TENANT: keys["root"].seal("keyset", keys.keyset(5))},
            signer=Signer(keys["receipt"].private),
            time=self.time,
            publish=lambda _topic, _payload: None,
            on_events=self.events.extend,
            on_fault=lambda _fault: None,
        )
        if self.verify is anything:
            receiver.verifier = AsTold(self.verify)
        return receiver

    def restart(self) -> None:
        """The platform starts again from what it stored."""
        self.receiver.commit()
        self.receiver = self.begun()

    def take(self, topic: str, data: bytes, retained: bool) -> None:
        """One message, and all that is due; a little later than the one before."""
        self.time.step()
        self.receiver.handle(topic, data, retained)

    def standing(self) -> Any:
        """All that a message could have an effect on: every row of the store that changed, and what is in memory only."""
        receiver = self.receiver
        receiver.commit()
        events = len(self.events) + len(receiver.settled)
        books = [(address, sorted(book.devices)) for address, book in receiver.ledger.books.items()]
        return self.store.connection.total_changes, events, books, dict(receiver.alive_ms)

    def bundle(self, chance: random.Random, lane: int) -> bytes:
        """The payload of the next bundle of a lane; it is not taken as sent."""
        events = [
            event_codec.encode_event(Event("smoke.detected", 7, 9, chance.getrandbits(30), UTC_MS))
            for _ in range(chance.randint(1, 4))
        ]
        return self.bundle_of(lane, len(self.chains[lane]), events)

    def bundle_of(self, lane: int, first: int, events: list[bytes]) -> bytes:
        """The payload of a bundle that begins at number `first`."""
        before = self.chains[lane][first - 1]
        return wire.encode_bundle(TENANT, GATEWAY, lane, self.epoch, first, before, events, 1, {}, None)

    def grow(self, lane: int, events: list[bytes]) -> None:
        """What was taken counts from now on."""
        for event in events:
            self.chains[lane].append(chain_next(self.chains[lane][-1], event))


class AsTold(Verifier):
    """A verifier that asks nobody."""

    def __init__(self, verify: Verify) -> None:
        super().__init__()
        self._verify = verify

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        return self._verify(public_key, message, signature)


class SteppingTime:
    """A clock that moves with each message."""

    def __init__(self) -> None:
        self.uptime_ms = 1_000

    def step(self) -> None:
        """One millisecond later."""
        self.uptime_ms += 1

    def now_ms(self) -> int:
        return self.uptime_ms

    def utc_ms(self) -> int:
        return UTC_MS


def silent(_level: str, _message: str, **_fields: object) -> None:
    """A log that nobody reads."""
