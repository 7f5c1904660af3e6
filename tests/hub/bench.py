"""The simulated gateway of `tools/rig/sim`, under the names that these tests know it by."""

import asyncio

from hal.sim.crypto import SimCrypto
from hal.sim.keystore import SimKeyStore
from tools.rig.sim.bench import (
    DAY_UTC_MS,
    DOOR,
    GATEWAY,
    HOME,
    NIGHT_UTC_MS,
    OXIMETER,
    SMOKE,
    TENANT,
    Bench,
    Seeded,
    play,
)
from tools.rig.sim.platform import RECEIPT_SEED, ROOT_SEED
from tools.rig.sim.stand_in import StandIn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

__all__ = (
    "DAY_UTC_MS",
    "DOOR",
    "GATEWAY",
    "HOME",
    "NIGHT_UTC_MS",
    "OXIMETER",
    "SMOKE",
    "TENANT",
    "Bench",
    "Seeded",
    "play",
    "play_hours",
)


class HoursBench(Bench):
    """A home of many hours in which nobody forges: its signatures cost nothing, and anyone could make them.

    The hub signs a sign of life each 30 seconds and verifies what answers it, in portable Python; real signatures are for
    tests that are about them, and for all of a few minutes.
    """

    def __init__(self, **options: "Any") -> None:
        super().__init__(**options)
        stand_in = StandIn()
        self.keystore = StandInKeys(b"g" * 32)
        self.crypto = StandInCrypto(self.keystore, random=Seeded())
        self.platform.ed25519 = stand_in
        self.platform.root_key = stand_in.public_key(ROOT_SEED)
        self.platform.receipt_key = stand_in.public_key(RECEIPT_SEED)
        self.platform.public_key = self.keystore.public_key


class StandInKeys(SimKeyStore):
    """The keys of a simulated gateway, for `StandIn`."""

    def __init__(self, seed: bytes) -> None:
        super().__init__(seed)
        self.stand_in, self.seed = StandIn(), seed

    @property
    def public_key(self) -> bytes:
        return self.stand_in.public_key(self.seed)

    async def sign(self, message: bytes) -> bytes:
        await asyncio.sleep(0)
        return self.stand_in.sign(self.seed, message)


class StandInCrypto(SimCrypto):
    """Verifies what `StandIn` signs, and nothing else."""

    async def ed25519_verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        await asyncio.sleep(0)
        return StandIn().verify(public_key, message, signature)


def play_hours(scene: "Callable[[Bench], Coroutine[object, object, None]]", **options: "Any") -> None:
    """As `play`, on an `HoursBench`."""
    play(scene, HoursBench, **options)
