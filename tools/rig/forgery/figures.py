"""Two million messages that must have no effect: half for a gateway, half for the platform; and replays of genuine ones."""

import asyncio
import random
from dataclasses import dataclass, field

from gateway.core import cbor, wire
from hal.types import LANES
from tools.evidence.figure import Figure, Outcome
from tools.platform.parties import Verifier
from tools.rig.forgery.mutations import MUTATIONS
from tools.rig.forgery.town import (
    GATEWAY,
    OTHER_GATEWAY,
    OTHER_TENANT,
    TENANT,
    Gateway,
    Genuine,
    Keys,
    Platform,
    Verify,
    anything,
)

ROUND = 500  # trials over one town; each has keys, journals and genuine messages of its own
POOL = 12
REPLAYS = 20  # of each round
SHOWN = 20
EPOCH_SIZE = 8


@dataclass
class Found:
    """What had an effect that must have none."""

    trials: int = 0
    accepted: int = 0
    replays: int = 0
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
        for number in range(trials - 2 * REPLAYS):
            pool = down if number % 2 else up
            one, other = self.chance.choice(pool), self.chance.choice(pool)
            mutate = self.chance.choice(MUTATIONS)
            forged = mutate(self.chance, one, other, self.keys)
            if (forged.topic, forged.data) in [(each.topic, each.data) for each in pool]:
                forged = MUTATIONS[0](self.chance, one, other, self.keys)  # it had come out genuine
            where = f"seed {self.seed}, trial {number}"
            self.found.add(forged, mutate.__name__, self.effect(forged), where)
        for number in range(REPLAYS):
            self.replay_down(f"seed {self.seed}, replay {number}")
            self.replay_up(f"seed {self.seed}, replay {number}")

    def effect(self, message: Genuine) -> bool:
        """Hand a message over; whether anything came of it."""
        if message.at == "gateway":
            before = self.gateway.standing()
            self.gateway.take(message.topic, message.data, message.retained)
            return bool(self.gateway.standing() != before)
        refused = self.platform.receiver.counts.refused
        self.platform.take(message.topic, message.data, message.retained)
        return self.platform.receiver.counts.refused == refused

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
            sort, payload = "state", self.state()
        else:
            fields = {"revision": self.chance.randint(1, 9), "devices": [], "time_zone": "Europe/Oslo"}
            sort, payload = "manifest", wire.encode_payload("manifest", TENANT, GATEWAY, fields)
        topic = wire.topic(TENANT, GATEWAY, sort, lane)
        return Genuine(
            sort, topic, self.keys["gateway"].seal(sort, payload), payload, "gateway", at="platform"
        )

    def state(self) -> bytes:
        """A sign of life."""
        lanes = {lane: [1, chains[0], 0, chains[0]] for lane, chains in self.platform.chains.items()}
        fields = {
            "epoch": self.platform.epoch,
            "boot": self.chance.getrandbits(32),
            "uptime_ms": self.chance.getrandbits(30),
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

    def replay_down(self, where: str) -> None:
        """Rightly signed, and of another time or for somebody else."""
        kind = self.chance.randrange(4)
        sort, signer, tenant, gateway = "receipt", "receipt", TENANT, GATEWAY
        if kind == 0:
            payload = self.gateway.receipt(self.chance, epoch=self.chance.randbytes(EPOCH_SIZE))
        elif kind == 1:
            payload = self.gateway.receipt(self.chance, gateway=OTHER_GATEWAY)
        elif kind == 2:
            sort, signer, payload = "keyset", "root", self.keys.keyset(self.chance.randint(1, 5))
        else:
            sort, signer, payload = "keyset", "root", self.keys.keyset(9, tenant=OTHER_TENANT)
        topic = wire.topic(tenant, gateway, sort)
        message = Genuine(sort, topic, self.keys[signer].seal(sort, payload), payload, signer, True)
        self.found.replays += 1
        self.found.add(message, "replay", self.effect(message), where)

    def replay_up(self, where: str) -> None:
        """A bundle once, which counts, and again, which must not."""
        lane = self.chance.choice(LANES)
        payload = self.platform.bundle(self.chance, lane)
        fields = cbor.decode(payload)
        assert isinstance(fields, dict)
        topic = wire.topic(TENANT, GATEWAY, "bundle", lane)
        data = self.keys["gateway"].seal("bundle", payload)
        self.platform.take(topic, data, False)
        self.platform.grow(lane, fields[8])
        before = self.platform.standing()
        self.platform.take(topic, data, self.chance.random() < 0.5)
        message = Genuine("bundle", topic, data, payload, "gateway", at="platform")
        self.found.replays += 1
        self.found.add(message, "replay", self.platform.standing() != before, where)


def forge(trials: int, seed: int, verify: Verify | None = None) -> Outcome:
    """So many messages, in rounds of a few hundred."""
    found, number = Found(), 0
    loop = asyncio.new_event_loop()
    try:
        while found.trials < trials:
            a_round = Round(seed + number, verify or Verifier().verify, found, loop)
            try:
                a_round.run(max(4 * REPLAYS, min(ROUND, trials - found.trials)))
            finally:
                a_round.close()
            number += ROUND
    finally:
        loop.close()
    reached: dict[str, int | str] = {"replays": found.replays}
    reached.update({f"for {sort}": count for sort, count in sorted(found.by_sort.items())})
    return Outcome(found.trials, found.accepted, reached, tuple(found.failures))


FIGURES = (
    Figure(
        id="F13",
        title="Forged, altered, replayed or moved messages, to a gateway and to the platform",
        trial="message",
        asked="0 of 2,000,000 accepted",
        release=2_000_000,
        share=10_000,
        modules=("gateway/core", "gateway/hub/inward.py", "tools/platform", "tools/rig/forgery"),
        run=forge,
        control=lambda seed: forge(2_000, seed, anything),
        unsafe="takes every signature for good",
        conditions=(
            "the gateway's own way in over a simulated machine, the reference receiver over a store in memory, real Ed25519 "
            "(OpenSSL); a message that fails before its signature counts as well"
        ),
    ),
)
