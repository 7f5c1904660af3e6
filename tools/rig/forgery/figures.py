"""Two million messages that must have no effect: half for a gateway, half for the platform; and replays of genuine ones."""

import asyncio
import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from gateway.core import wire
from hal.linux.crypto import NativeCrypto
from hal.linux.keystore import FileKeyStore
from hal.sim.ed25519 import Ed25519
from hal.types import LANES
from tools.evidence.figure import Figure, Outcome
from tools.rig.forgery.mutations import MUTATIONS
from tools.rig.forgery.replays import DOWN, LAST, UP
from tools.rig.forgery.town import (
    GATEWAY,
    TENANT,
    Gateway,
    Genuine,
    Keys,
    Platform,
    Verify,
    anything,
    at_once,
)

ROUND = 500  # trials over one town; each has keys, journals and genuine messages of its own
POOL = 12
REPLAYS = 2 * (len(DOWN) + len(UP)) + len(LAST)  # of each round
SHOWN = 20
PORTABLE_SHARE = 0.02  # of rounds: it takes 4 ms a signature


@dataclass
class Found:
    """What had an effect that must have none."""

    trials: int = 0
    accepted: int = 0
    replays: int = 0
    portable: int = 0  # rounds in which the gateway checked signatures with the portable code
    identical: int = 0  # replays whose content was there already
    by_sort: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def add(self, genuine: Genuine, how: str, had_effect: bool, where: str) -> None:
        """One message was handed over."""
        self.trials += 1
        self.by_sort[genuine.sort] = self.by_sort.get(genuine.sort, 0) + 1
        if had_effect:
            self.accepted += 1
            if len(self.failures) < SHOWN:
                self.failures.append(f"{where}: {genuine.sort} by {how} had an effect")


class Round:
    """One town, some hundred forgeries."""

    def __init__(self, seed: int, verify: Verify, found: Found, loop: asyncio.AbstractEventLoop) -> None:
        self.seed, self.found = seed, found
        self.chance = random.Random(seed)
        self.keys = Keys(self.chance)
        self.gateway = Gateway(self.keys, verify, loop, self.chance)
        self.platform = Platform(self.keys, verify)

    def close(self) -> None:
        """Let go of the store."""
        self.platform.store.close()

    def run(self, trials: int) -> None:
        """Half of them for each end, then replays."""
        down = [self.downward() for _ in range(POOL)]
        up = [self.upward() for _ in range(POOL)]
        for number in range(trials - REPLAYS):
            pool = down if number % 2 else up
            one, other = self.chance.choice(pool), self.chance.choice(pool)
            mutate = self.chance.choice(MUTATIONS)
            forged = mutate(self.chance, one, other, self.keys)
            if (forged.topic, forged.data) in [(each.topic, each.data) for each in pool]:
                forged = MUTATIONS[0](self.chance, one, other, self.keys)  # it had come out genuine
            where = f"seed {self.seed}, trial {number}"
            self.found.add(forged, mutate.__name__, self.effect(forged), where)
        self.replay()

    def deliver(self, message: Genuine) -> None:
        """Hand a message over."""
        end = self.gateway if message.at == "gateway" else self.platform
        end.take(message.topic, message.data, message.retained)

    def effect(self, message: Genuine, *, is_signed: bool = False) -> bool:
        """Hand a message over; whether anything came of it. What nobody signed must be refused by the platform as well."""
        end = self.gateway if message.at == "gateway" else self.platform
        counts = self.platform.receiver.counts
        before, refused = end.standing(), counts.refused
        self.deliver(message)
        is_let_in = message.at == "platform" and not is_signed and counts.refused == refused
        return is_let_in or bool(end.standing() != before)

    # --- genuine messages ---------------------------------------------------------------------------------------------

    def downward(self) -> Genuine:
        """A receipt that would let the gateway forget, or a keyset that it would take."""
        retained = self.chance.random() < 0.5
        if self.chance.random() < 0.7:
            payload = self.gateway.receipt(self.chance)
            sort, signer = "receipt", "receipt"
        else:
            payload = self.keys.keyset(self.chance.randint(6, 99))
            sort, signer = "keyset", "root"
        topic = wire.topic(TENANT, GATEWAY, sort)
        return Genuine(sort, topic, self.keys[signer].seal(sort, payload), payload, signer, retained)

    def upward(self) -> Genuine:
        """A bundle, a state or a manifest that the platform would take."""
        kind = self.chance.random()
        lane = self.chance.choice(LANES)
        if kind < 0.7:
            sort, payload = "bundle", self.platform.bundle(self.chance, lane)
        elif kind < 0.85:
            sort, payload = "state", self.state(self.chance.getrandbits(32), self.chance.getrandbits(30))
        else:
            sort, payload = "manifest", self.manifest(self.chance.randint(1, 9))
        topic = wire.topic(TENANT, GATEWAY, sort, lane)
        return Genuine(
            sort, topic, self.keys["gateway"].seal(sort, payload), payload, "gateway", at="platform"
        )

    def manifest(self, revision: int) -> bytes:
        """What one placement is."""
        devices = [wire.encode_device({"placement": 7, "driver": "bthome"})]
        fields = {"revision": revision, "devices": devices, "time_zone": "Europe/Oslo"}
        return wire.encode_payload("manifest", TENANT, GATEWAY, fields)

    def state(self, boot: int, uptime_ms: int) -> bytes:
        """A sign of life."""
        lanes = {
            lane: [1, chains[0], len(chains) - 1, chains[-1]] for lane, chains in self.platform.chains.items()
        }
        fields = {
            "epoch": self.platform.epoch,
            "boot": boot,
            "uptime_ms": uptime_ms,
            "utc_ms": None,
            "lanes": lanes,
            "manifest": 1,
            "config": 0,
            "keyset": 5,
            "software": "trygg",
            "values": None,
        }
        return wire.encode_payload("state", TENANT, GATEWAY, fields)

    # --- replays ------------------------------------------------------------------------------------------------------

    def replay(self) -> None:
        """Each sort of replay for both ends; those that change keys and roots come last."""
        self.chance = random.Random(
            f"{self.seed}, replays"
        )  # so that they are the same however short the round was
        for number, make in enumerate((*DOWN, *UP, *UP, *DOWN, *LAST)):
            message = make(self)
            self.found.replays += 1
            where = f"seed {self.seed}, replay {number}"
            self.found.add(message, make.__name__, self.effect(message, is_signed=True), where)


def forge(trials: int, seed: int, verify: Verify | None = None) -> Outcome:
    """So many messages, in rounds of a few hundred."""
    found, number = Found(), 0
    loop = asyncio.new_event_loop()
    portable = Ed25519().verify
    with tempfile.TemporaryDirectory(prefix="trygg-forgery-") as folder:
        native = at_once(NativeCrypto(FileKeyStore(Path(folder) / "keys")).ed25519_verify)
        try:
            while found.trials < trials:
                is_slow = random.Random(f"{seed + number}, verifier").random() < PORTABLE_SHARE
                own = portable if is_slow else native
                a_round = Round(seed + number, verify or own, found, loop)
                try:
                    a_round.run(max(2 * REPLAYS, min(ROUND, trials - found.trials)))
                finally:
                    a_round.close()
                found.portable += is_slow
                number += ROUND
        finally:
            loop.close()
    reached: dict[str, int | str] = {
        "replays": found.replays,
        "identical content": found.identical,
        "rounds with the portable verifier": found.portable,
    }
    reached.update({f"for {sort}": count for sort, count in sorted(found.by_sort.items())})
    return Outcome(found.trials, found.accepted, reached, tuple(found.failures))


FIGURES = (
    Figure(
        id="F13",
        title="Forged, altered, replayed or moved messages, to a gateway and to the platform",
        trial="message",
        asked="0 of 2,000,000 accepted",
        release=2_000_000,
        share=20_000,
        modules=(
            "gateway/core",
            "gateway/hub/inward.py",
            "hal/linux/crypto.py",
            "hal/sim/ed25519.py",
            "tools/platform",
            "tools/rig/forgery",
        ),
        run=forge,
        control=lambda seed: forge(2_000, seed, anything),
        unsafe="takes every signature for good",
        conditions=(
            "the gateway's own way in over a simulated machine, the reference receiver over a store in memory, real Ed25519 "
            "(OpenSSL as in the product, at the gateway the portable code in one round of fifty); a message that fails before its signature counts as well"
        ),
    ),
)
