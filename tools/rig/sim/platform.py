"""A small platform in the simulation: verifies, stores, removes duplicates, and receipts the unbroken part.

The other party of the hub's tests on both interpreters. It keeps to the receiving rules of docs/platform.md
in their simplest form; `tools.platform` is the whole of them.
"""

import asyncio

from gateway.core import cose, event_codec, wire
from gateway.core.errors import DecodeError, RefusedError
from gateway.core.wire import Sealer
from hal.errors import HalError
from hal.sim.ed25519 import Ed25519
from hal.sim.uplink import SimUplink
from hal.types import Message, chain_next, chain_start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hal.sim.uplink import SimBroker

ROOT_SEED, RECEIPT_SEED = b"r" * 32, b"p" * 32
NOT_AFTER_MS = 4_000_000_000_000
EVERYONE = "trygg/v1/+/+/up/#"


class SimPlatform:
    """Runs on its own uplink to a SimBroker. Events by (epoch, lane, seq); `order` is how they arrived."""

    def __init__(self, broker: "SimBroker", tenant: str, gateway: str, public_key: bytes) -> None:
        self.uplink = SimUplink(broker, "platform")
        self.tenant, self.gateway, self.public_key = tenant, gateway, public_key
        self.ed25519 = Ed25519()
        self.root_key = self.ed25519.public_key(ROOT_SEED)
        self.receipt_key = self.ed25519.public_key(RECEIPT_SEED)
        self.stored: "dict[Any, Any]" = {}
        self.order: "list[Any]" = []
        self.marks: "dict[Any, Any]" = {}
        self.states: "list[Any]" = []
        self.manifests: "list[Any]" = []
        self.refused: "list[Any]" = []
        self.faults: "list[Any]" = []
        self.bundles: "list[Any]" = []
        self.epoch: "bytes | None" = None
        self.receipting = True
        self.answering: "list[Any]" = []
        self.keyset_version = 1

    def seal(self, seed: bytes, sort: str, payload: bytes) -> bytes:
        """A message signed by one of the platform's keys."""
        sealer = Sealer(self.ed25519.public_key(seed))
        return sealer.seal(payload, self.ed25519.sign(seed, sealer.to_sign(sort, payload)))

    def keyset(
        self,
        version: int = 1,
        not_after: int = NOT_AFTER_MS,
        roles: "tuple[str, ...]" = ("receipt",),
        seed: bytes = ROOT_SEED,
        next_roots: "list[bytes] | None" = None,
    ) -> bytes:
        """A keyset that names the receipt key."""
        kid = cose.kid_of(self.receipt_key)
        fields = {
            "keyset_version": version,
            "not_after": not_after,
            "keys": [[kid, self.receipt_key, list(roles)]],
        }
        fields["next_roots"] = next_roots
        return self.seal(seed, "keyset", wire.encode_payload("keyset", self.tenant, "*", fields))

    def receipt(
        self,
        lanes: "dict[int, list[object]]",
        epoch: "bytes | None" = None,
        seed: bytes = RECEIPT_SEED,
        gateway: "str | None" = None,
    ) -> bytes:
        """A receipt message over {lane: [seq, chain]}."""
        fields: "dict[str, object]" = {"epoch": epoch if epoch is not None else self.epoch, "lanes": lanes}
        return self.seal(
            seed, "receipt", wire.encode_payload("receipt", self.tenant, gateway or self.gateway, fields)
        )

    def disposition(
        self,
        identity: bytes,
        became: int,
        utc_ms: int,
        note: "str | None" = None,
        seed: bytes = RECEIPT_SEED,
    ) -> bytes:
        """What became of an alarm, signed with the key that the keyset names, whichever its roles."""
        fields: "dict[str, object]" = {"identity": identity, "became": became, "utc_ms": utc_ms, "note": note}
        payload = wire.encode_payload("disposition", self.tenant, self.gateway, fields)
        return self.seal(seed, "disposition", payload)

    def config(self, revision: int, configuration: bytes, seed: bytes = RECEIPT_SEED) -> bytes:
        """A configuration from afar."""
        fields: "dict[str, object]" = {"revision": revision, "configuration": configuration}
        return self.seal(seed, "config", wire.encode_payload("config", self.tenant, self.gateway, fields))

    def command(
        self,
        counter: int,
        verb: str,
        not_after: int,
        arguments: "dict[str, object] | None" = None,
        seed: bytes = RECEIPT_SEED,
    ) -> bytes:
        """A command whose id is its counter."""
        fields: "dict[str, object]" = {"id": counter.to_bytes(16, "big"), "counter": counter, "verb": verb}
        fields.update({"arguments": arguments, "not_after": not_after})
        return self.seal(seed, "command", wire.encode_payload("command", self.tenant, self.gateway, fields))

    async def say(self, sort: str, message: bytes, retain: bool = False) -> None:
        """Publish a message to the gateway."""
        await self.uplink.publish(self.topic(sort), message, retain=retain)

    async def give_roles(self, *roles: str) -> None:
        """Publish the next keyset, in which our key has these roles beside `receipt`."""
        self.keyset_version += 1
        message = self.keyset(self.keyset_version, roles=("receipt",) + roles)
        await self.say("keyset", message, retain=True)

    def topic(self, sort: str) -> str:
        return wire.topic(self.tenant, self.gateway, sort)

    async def start(self) -> None:
        """Connect, publish the keyset, and serve until the connection ends."""
        await self.uplink.connect([EVERYONE])
        await self.uplink.publish(self.topic("keyset"), self.keyset(self.keyset_version), retain=True)
        self.task = asyncio.create_task(self.serve())

    async def stop(self) -> None:
        await self.uplink.close()
        for task in self.answering:
            await task
        try:
            await self.task
        except HalError:
            pass

    async def serve(self) -> None:
        try:
            while True:
                await self.take(await self.uplink.receive())
        except HalError:
            pass

    async def take(self, message: Message) -> None:
        """Verify and act on one message."""
        try:
            where = wire.parse_topic(message.topic)
            parsed = wire.parse(where.sort, message.payload)
            wire.check_topic(parsed, where)
            wire.verify(parsed, self.public_key, self.ed25519.verify)
        except (DecodeError, RefusedError) as error:
            self.refused.append(error)
            return
        if parsed.sort == "bundle":
            self.bundles.append(parsed.fields)
            await self.store(parsed.fields)
        elif parsed.sort == "state" and not message.retained:
            self.states.append(parsed.fields)
        elif parsed.sort == "manifest":
            self.manifests.append(parsed.fields)

    async def store(self, bundle: "dict[str, Any]") -> None:
        """Store every event, receipt the unbroken part."""
        epoch, lane, first = bundle["epoch"], bundle["lane"], bundle["first_seq"]
        if epoch != self.epoch:
            self.epoch, self.marks = epoch, {}
        mark = self.marks.get(lane, [0, chain_start(epoch, lane)])
        gone = bundle.get("given_up")
        if gone is not None and gone[0] <= mark[0] + 1 <= gone[1] + 1 and first == gone[1] + 1:
            mark = [gone[1], bundle["before"]]
        chain = bundle["before"]
        for offset, event in enumerate(bundle["events"]):
            seq = first + offset
            chain = chain_next(chain, event)
            self.keep(epoch, lane, seq, event, chain)
            if seq == mark[0] + 1 and chain_next(mark[1], event) == chain:
                mark = [seq, chain]
        self.marks[lane] = mark
        if self.receipting:
            self.answering.append(asyncio.create_task(self.answer()))

    async def answer(self) -> None:
        """Receipt beside receiving, as a platform does whose broker is slow to acknowledge."""
        try:
            await self.send_receipt()
        except HalError:
            pass

    def keep(self, epoch: bytes, lane: int, seq: int, event: bytes, chain: bytes) -> None:
        """One event: a repeat of the same number or identity is not a second event."""
        known = self.stored.get((epoch, lane, seq))
        if known is not None:
            if known[1] != chain:
                self.faults.append("fork")
            return
        decoded = event_codec.decode_event(event)
        identity = event_codec.identity_of(decoded, chain)
        repeat = any([row[2] == identity for row in self.stored.values()])
        self.stored[(epoch, lane, seq)] = (decoded, chain, identity)
        if not repeat:
            self.order.append((lane, seq, decoded))

    async def send_receipt(self) -> None:
        """Publish what is stored without a hole."""
        message = self.receipt({lane: mark for lane, mark in self.marks.items() if mark[0]})
        await self.uplink.publish(self.topic("receipt"), message, retain=True)

    def kinds(self, lane: "int | None" = None) -> "list[str]":
        """Kinds in order of arrival."""
        return [event.kind for number, _, event in self.order if lane is None or number == lane]
