"""A signature that costs nothing, and a journal whose power goes: what a life of thousands of faults is run with."""

import asyncio
import hashlib

from hal.sim.faults import PowerCutError
from hal.sim.journal import SimJournal
from hal.types import LANES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class StandIn:
    """In place of Ed25519: the signature follows from public key and message."""

    def public_key(self, seed: bytes) -> bytes:
        return hashlib.sha256(b"key" + seed).digest()

    def sign(self, seed: bytes, message: bytes) -> bytes:
        half = hashlib.sha256(self.public_key(seed) + message).digest()
        return half + half

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        half = hashlib.sha256(public + message).digest()
        return signature == half + half


class CutJournal(SimJournal):
    """When the power goes the program stops where it stands, instead of meeting an error: `dead` is set.

    untold: events of the append at which it stopped, where that took hold and nobody learned of it.
    """

    def __init__(self, *arguments: "Any", **options: "Any") -> None:
        super().__init__(*arguments, **options)
        self.dead = asyncio.Event()
        self.untold = 0

    async def append(self, events: "Any", state: "Any" = None) -> "Any":
        lasts = self.numbers()
        try:
            return await super().append(events, state)
        except PowerCutError:
            if not self.dead.is_set():
                self.untold = self.numbers() - lasts
            await self.stand_still()

    async def ack(self, lane: int, seq: int) -> None:
        try:
            await super().ack(lane, seq)
        except PowerCutError:
            await self.stand_still()

    def peek(self, lane: int, after: int, limit_bytes: int, limit_count: int = 128) -> "Any":
        try:
            return super().peek(lane, after, limit_bytes, limit_count)
        except PowerCutError:
            return []

    def numbers(self) -> int:
        """How many numbers were given so far."""
        return sum([self.mark(lane).last for lane in LANES])

    async def stand_still(self) -> "Any":
        """What a program does whose power has gone."""
        self.dead.set()
        await asyncio.Event().wait()
