"""The other parties of the platform's tests: gateways that sign, with every fault a gateway or an attacker may have."""

import secrets
from collections.abc import Iterable
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.core import event_codec, wire
from gateway.core.model import Event
from gateway.core.registry import VALUES
from gateway.core.wire import Parsed, Sealer
from hal.types import LANES, chain_next, chain_start
from tools.platform.books import Taken
from tools.platform.ledger import Ledger
from tools.platform.store import Store

TENANT = "city"
RECEIVED_MS = 1_750_000_000_000


def ed25519_verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


class Signer:
    """A key that seals messages of any sort."""

    def __init__(self) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.public_key = self.private.public_key().public_bytes_raw()
        self.sealer = Sealer(self.public_key)

    def seal(self, sort: str, payload: bytes) -> bytes:
        return self.sealer.seal(payload, self.private.sign(self.sealer.to_sign(sort, payload)))


class SimGateway(Signer):
    """A gateway whose journal is in the open: `lanes[n]` holds its event bytes from number 1 on."""

    def __init__(self, name: str = "hub-1", tenant: str = TENANT) -> None:
        super().__init__()
        self.name, self.tenant = name, tenant
        self.boot = secrets.randbits(32)
        self.uptime_ms = 1_000
        self.begin_epoch()

    def begin_epoch(self) -> bytes:
        """A new journal; the epoch before."""
        before = getattr(self, "epoch", b"")
        self.epoch = secrets.token_bytes(8)
        self.lanes: dict[int, list[bytes]] = {lane: [] for lane in LANES}
        return before

    def clone(self) -> "SimGateway":
        """A second gateway with the same key and journal: a cloned card, a restored backup."""
        twin = SimGateway(self.name, self.tenant)
        twin.private, twin.public_key, twin.sealer = self.private, self.public_key, self.sealer
        twin.epoch = self.epoch
        twin.lanes = {lane: list(events) for lane, events in self.lanes.items()}
        return twin

    def topic(self, sort: str, lane: int | None = None) -> str:
        return wire.topic(self.tenant, self.name, sort, lane)

    def append(self, count: int = 1, lane: int = 3, **fields: Any) -> None:
        """New events."""
        for _ in range(count):
            self.uptime_ms += 1_000
            self.lanes[lane].append(self.event(**fields))

    def event(self, kind: str = "oximetry.measured", placement: int = 7, **fields: Any) -> bytes:
        fields = {"values": {"spo2_pct": 97}, **fields}
        return event_codec.encode_event(Event(kind, placement, self.boot, self.uptime_ms, **fields))

    def chain(self, seq: int, lane: int = 3) -> bytes:
        """h(seq)."""
        chain = chain_start(self.epoch, lane)
        for event in self.lanes[lane][:seq]:
            chain = chain_next(chain, event)
        return chain

    def bundle(
        self,
        first: int,
        last: int,
        lane: int = 3,
        *,
        before: bytes | None = None,
        boots: dict[int, int] | None = None,
        given_up: tuple[int, int] | None = None,
    ) -> bytes:
        """A signed bundle of numbers `first` to `last`."""
        payload = wire.encode_bundle(
            self.tenant,
            self.name,
            lane,
            self.epoch,
            first,
            self.chain(first - 1, lane) if before is None else before,
            self.lanes[lane][first - 1 : last],
            1,
            boots,
            given_up,
        )
        return self.seal("bundle", payload)

    def state(
        self,
        first_held: dict[int, int] | None = None,
        *,
        utc_ms: int | None = None,
        newer: bool = True,
        config: int = 0,
        local: int = 0,
    ) -> bytes:
        """A signed state; `first_held` by lane, everything where not said. local: keys changed in the home."""
        if newer:
            self.uptime_ms += 60_000
        rows = {}
        for lane in LANES:
            first, last = (first_held or {}).get(lane, 1), len(self.lanes[lane])
            rows[lane] = [first, self.chain(first - 1, lane), last, self.chain(last, lane)]
        fields: dict[str, object] = {
            "epoch": self.epoch,
            "boot": self.boot,
            "uptime_ms": self.uptime_ms,
            "utc_ms": utc_ms,
            "lanes": rows,
            "manifest": 1,
            "config": config,
            "keyset": 1,
            "software": "0.1.0",
            "values": {VALUES["local_changes"]: local} if local else None,
        }
        return self.seal("state", wire.encode_payload("state", self.tenant, self.name, fields))

    def manifest(self, revision: int, devices: Iterable[dict[str, object]]) -> bytes:
        fields: dict[str, object] = {
            "revision": revision,
            "devices": [wire.encode_device(device) for device in devices],
            "time_zone": "Europe/Oslo",
        }
        return self.seal("manifest", wire.encode_payload("manifest", self.tenant, self.name, fields))


class Bench:
    """A ledger over a store in memory, and what came of everything it took."""

    def __init__(self, *, read_all: bool = False, ledger: type[Ledger] = Ledger) -> None:
        self.store = Store(":memory:")
        self.ledger = ledger(self.store, self.store.books(), read_all=read_all)
        self.arrival = 0

    def close(self) -> None:
        self.store.close()

    def take(self, sort: str, message: bytes, *, retained: bool = False, arrival: int | None = None) -> Taken:
        self.arrival += 1
        parsed: Parsed = wire.parse(sort, message)
        number = self.arrival if arrival is None else arrival
        return self.ledger.take(parsed, message, RECEIVED_MS, number, retained=retained)

    def bundle(self, gateway: SimGateway, first: int, last: int, lane: int = 3, **options: object) -> Taken:
        return self.take("bundle", gateway.bundle(first, last, lane, **options))  # type: ignore[arg-type]

    def mark(self, gateway: SimGateway, lane: int = 3) -> int:
        """What a receipt says of a lane; -1 where there is none."""
        lanes = self.ledger.receipt_lanes(self.ledger.book(gateway.tenant, gateway.name))
        return -1 if lanes is None else int(lanes[lane][0])

    def restart(self, ledger: type[Ledger] = Ledger) -> None:
        """The platform starts again from what it stored."""
        self.ledger.store_marks()
        self.store.commit()
        self.ledger = ledger(self.store, self.store.books())
        self.arrival = 0


def causes(taken: Taken) -> list[str]:
    return [fault.cause for fault in taken.faults]
