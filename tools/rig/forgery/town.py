"""A town with two tenants: keys of every role, a gateway's own way in, the platform's, and genuine messages for each."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core import cose, event_codec, wire
from gateway.core.config import validate
from gateway.core.model import Event
from gateway.core.outbox import Outbox
from gateway.core.rules.engine import Engine
from gateway.core.trust import Trust
from gateway.hub.inward import Inward
from gateway.hub.losses import Losses
from gateway.hub.recorder import Recorder
from hal.sim.clock import SimClock
from hal.sim.crypto import SimCrypto
from hal.sim.journal import SimJournal
from hal.sim.keystore import SimKeyStore
from hal.sim.medium import SimMedium
from hal.types import LANES, Message, chain_next, chain_start
from tools.platform.books import Verified
from tools.platform.parties import Signer, Verifier
from tools.platform.receiver import Receiver
from tools.platform.store import Store

TENANT, OTHER_TENANT, GATEWAY, OTHER_GATEWAY = "city", "town", "hub-1", "hub-2"
UTC_MS, NOT_AFTER_MS = 1_800_000_000_000, 4_000_000_000_000
HELD = 12  # events in each lane of the gateway
Verify = Callable[[bytes, bytes, bytes], bool]


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
        "stranger",
    )

    def __init__(self, chance: random.Random) -> None:
        self.by_name = {name: Key(chance) for name in self.NAMES}

    def __getitem__(self, name: str) -> Key:
        return self.by_name[name]

    def keyset(
        self, version: int, tenant: str = TENANT, signer: str = "root", not_after: int = NOT_AFTER_MS
    ) -> bytes:
        """The payload of a keyset; `seal` it with the root."""
        rows = [
            [cose.kid_of(self[name].public), self[name].public, [role]]
            for name, role in (("receipt", "receipt"), ("config", "config"))
        ]
        fields = {"keyset_version": version, "not_after": not_after, "keys": rows, "next_roots": None}
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
        self.trust = Trust(TENANT, [keys["root"].public], verify)
        engine = Engine([], {}, chance.randbytes, {})
        recorder = Recorder(self.journal, self.clock, crypto, engine, 7, silent)
        outbox = Outbox(lambda: 0)
        self.inward = Inward(
            config, self.journal, self.clock, self.trust, outbox, recorder, Losses(recorder), silent
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
        """All that a message could have an effect on."""
        firsts = tuple(self.journal.mark(lane).first for lane in LANES)
        return (
            self.journal.epoch,
            firsts,
            self.trust.version,
            sorted(self.trust.keys),
            self.trust.roots_held(),
        )

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
        self.events: list[Verified] = []
        self.receiver = Receiver(
            store=self.store,
            keys={
                (TENANT, GATEWAY): keys["gateway"].public,
                (TENANT, OTHER_GATEWAY): keys["other gateway"].public,
            },
            keysets={TENANT: keys["root"].seal("keyset", keys.keyset(5))},
            signer=Signer(keys["receipt"].private),
            time=StandingTime(),
            publish=lambda _topic, _payload: None,
            on_events=self.events.extend,
            on_fault=lambda _fault: None,
        )
        self.receiver.verifier = AsTold(verify) if verify is anything else Verifier()
        self.epoch = b"epoch..1"
        self.chains = {lane: [chain_start(self.epoch, lane)] for lane in LANES}

    def take(self, topic: str, data: bytes, retained: bool) -> None:
        """One message, and all that is due."""
        self.receiver.handle(topic, data, retained)

    def standing(self) -> Any:
        """All that a message could have an effect on."""
        rows = self.store.connection.execute("SELECT count(*) FROM message").fetchone()[0]
        events = self.store.connection.execute("SELECT count(*) FROM event").fetchone()[0]
        return rows, events, len(self.events)

    def bundle(self, chance: random.Random, lane: int) -> bytes:
        """The payload of the next bundle of a lane; it is not taken as sent."""
        chain = self.chains[lane]
        events = [
            event_codec.encode_event(Event("smoke.detected", 7, 9, chance.getrandbits(30), UTC_MS))
            for _ in range(chance.randint(1, 4))
        ]
        payload: bytes = wire.encode_bundle(
            TENANT, GATEWAY, lane, self.epoch, len(chain), chain[-1], events, 1, {}, None
        )
        return payload

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


class StandingTime:
    """A clock that stands."""

    def now_ms(self) -> int:
        return 1_000

    def utc_ms(self) -> int:
        return UTC_MS


def silent(_level: str, _message: str, **_fields: object) -> None:
    """A log that nobody reads."""
