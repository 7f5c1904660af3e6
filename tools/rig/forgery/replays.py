"""Genuine messages at a wrong moment or place: rightly signed by the right key, and without effect all the same.

Each takes the round, delivers what must come before, and gives the message that must change nothing.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.core import cbor, cose, wire
from hal.types import LANES
from tools.rig.forgery.town import (
    GATEWAY,
    NOT_AFTER_MS,
    OTHER_GATEWAY,
    OTHER_TENANT,
    TENANT,
    UTC_MS,
    Genuine,
)

if TYPE_CHECKING:
    from tools.rig.forgery.figures import Round

EPOCH_SIZE, IDENTITY_SIZE = 8, 16
Replay = Callable[["Round"], Genuine]


def down(a_round: "Round", sort: str, payload: bytes, signer: str, tenant: str = TENANT) -> Genuine:
    """A message for the gateway."""
    retained = a_round.chance.random() < 0.5
    data = a_round.keys[signer].seal(sort, payload)
    return Genuine(sort, wire.topic(tenant, GATEWAY, sort), data, payload, signer, retained)


def up(
    a_round: "Round", sort: str, payload: bytes, lane: int | None = None, *, retained: bool = False
) -> Genuine:
    """A message for the platform."""
    data = a_round.keys["gateway"].seal(sort, payload)
    topic = wire.topic(TENANT, GATEWAY, sort, lane)
    return Genuine(sort, topic, data, payload, "gateway", retained, at="platform")


# --- to the gateway -------------------------------------------------------------------------------------------------


def receipt_of_another_epoch(a_round: "Round") -> Genuine:
    """From before a journal was lost."""
    chance = a_round.chance
    payload = a_round.gateway.receipt(chance, epoch=chance.randbytes(EPOCH_SIZE))
    return down(a_round, "receipt", payload, "receipt")


def receipt_of_another_gateway(a_round: "Round") -> Genuine:
    """Under our topic."""
    return down(a_round, "receipt", a_round.gateway.receipt(a_round.chance, gateway=OTHER_GATEWAY), "receipt")


def receipt_below_what_is_forgotten(a_round: "Round") -> Genuine:
    """It counted once; a newer one came since."""
    lane = a_round.chance.choice(LANES)
    older, newer = a_round.gateway.two_receipts(lane)
    for payload in (older, newer):
        a_round.deliver(down(a_round, "receipt", payload, "receipt"))
    return down(a_round, "receipt", older, "receipt")


def keyset_of_a_lower_version(a_round: "Round") -> Genuine:
    """As it was before a key left."""
    version = a_round.chance.randrange(a_round.gateway.trust.version)
    return down(a_round, "keyset", a_round.keys.keyset(version), "root")


def keyset_of_the_same_version(a_round: "Round") -> Genuine:
    """With other content."""
    payload = a_round.keys.keyset(a_round.gateway.trust.version, not_after=NOT_AFTER_MS + 1)
    return down(a_round, "keyset", payload, "root")


def keyset_that_is_held(a_round: "Round") -> Genuine:
    """The same bytes, or the same payload under a signature that is none: identical content is there already."""
    held = a_round.gateway.trust.held
    assert held is not None
    message = down(a_round, "keyset", held, "root")
    if a_round.chance.random() < 0.5:
        protected = cose.take_apart(message.data).protected
        message.data = cose.assemble(protected, held, a_round.chance.randbytes(64))
    a_round.found.identical += 1
    return message


def keyset_of_another_tenant(a_round: "Round") -> Genuine:
    """Signed by the same root, under either topic."""
    payload = a_round.keys.keyset(99, tenant=OTHER_TENANT)
    return down(a_round, "keyset", payload, "root", a_round.chance.choice((TENANT, OTHER_TENANT)))


def what_no_gateway_takes(a_round: "Round") -> Genuine:
    """Configuration, commands and dispositions, rightly signed: this version acts on none."""
    chance = a_round.chance
    sort = chance.choice(("config", "command", "disposition"))
    identity = chance.randbytes(IDENTITY_SIZE)
    fields: dict[str, dict[str, object]] = {
        "config": {"revision": 9, "configuration": cbor.encode({1: 1})},
        "command": {"id": identity, "counter": 9, "verb": "status", "not_after": NOT_AFTER_MS},
        "disposition": {"identity": identity, "became": 2, "utc_ms": UTC_MS},
    }
    return down(a_round, sort, wire.encode_payload(sort, TENANT, GATEWAY, fields[sort]), "config")


def receipt_of_a_key_that_left(a_round: "Round") -> Genuine:
    """The receipt key was replaced; what it signs counts no more. The last but one replay: it changes the keys."""
    keyset = a_round.keys.keyset(a_round.gateway.trust.version + 1, receipts="next receipt")
    a_round.deliver(down(a_round, "keyset", keyset, "root"))
    lane = a_round.chance.choice(LANES)
    return down(a_round, "receipt", a_round.gateway.two_receipts(lane)[0], "receipt")


def keyset_of_a_root_that_left(a_round: "Round") -> Genuine:
    """The root named its successor, which signed a keyset since. The last replay: it changes the roots."""
    version = a_round.gateway.trust.version
    naming = a_round.keys.keyset(version + 1, next_root="next root")
    a_round.deliver(down(a_round, "keyset", naming, "root"))
    a_round.deliver(down(a_round, "keyset", a_round.keys.keyset(version + 2), "next root"))
    return down(a_round, "keyset", a_round.keys.keyset(version + 3), "root")


# --- to the platform ------------------------------------------------------------------------------------------------


def new_bundle(a_round: "Round") -> tuple[Genuine, list[bytes]]:
    """The next bundle of a lane, which was delivered, and its events."""
    lane = a_round.chance.choice(LANES)
    payload = a_round.platform.bundle(a_round.chance, lane)
    fields = cbor.decode(payload)
    assert isinstance(fields, dict)
    message = up(a_round, "bundle", payload, lane)
    a_round.deliver(message)
    a_round.platform.grow(lane, fields[8])
    return message, fields[8]


def bundle_again(a_round: "Round") -> Genuine:
    """As a broker doubles it, or keeps it for whoever comes."""
    message, _ = new_bundle(a_round)
    message.retained = a_round.chance.random() < 0.5
    return message


def bundle_after_a_restart(a_round: "Round") -> Genuine:
    """The platform knows it from its store alone."""
    message, _ = new_bundle(a_round)
    a_round.platform.restart()
    return message


def events_in_another_bundle(a_round: "Round") -> Genuine:
    """A gateway that sends again packs as it likes."""
    message, events = new_bundle(a_round)
    lane = int(message.topic[-1])
    first = len(a_round.platform.chains[lane]) - len(events)
    part = events[: a_round.chance.randint(1, len(events))]
    return up(a_round, "bundle", a_round.platform.bundle_of(lane, first, part), lane)


def state_again(a_round: "Round") -> Genuine:
    """A recorded sign of life, or an older one of the same boot: somebody hides that the gateway is silent."""
    boot, uptime_ms = a_round.chance.getrandbits(32), a_round.chance.randint(1_000, 1 << 30)
    a_round.deliver(up(a_round, "state", a_round.state(boot, uptime_ms)))
    if a_round.chance.random() < 0.3:
        a_round.platform.restart()
    return up(a_round, "state", a_round.state(boot, uptime_ms - a_round.chance.randrange(1_000)))


def state_that_was_kept(a_round: "Round") -> Genuine:
    """A retained state was true once. A live one came before: a gateway never heard of would have its row opened."""
    a_round.deliver(up(a_round, "state", a_round.state(a_round.chance.getrandbits(32), 1_000)))
    return up(a_round, "state", a_round.state(a_round.chance.getrandbits(32), 1_000), retained=True)


def manifest_again(a_round: "Round") -> Genuine:
    """It is stored already, whatever came since."""
    revision = a_round.chance.randint(1, 1 << 30)
    message = up(a_round, "manifest", a_round.manifest(revision))
    a_round.deliver(message)
    a_round.deliver(up(a_round, "manifest", a_round.manifest(revision + 1)))
    if a_round.chance.random() < 0.3:
        a_round.platform.restart()
    return message


DOWN: tuple[Replay, ...] = (
    receipt_of_another_epoch,
    receipt_of_another_gateway,
    receipt_below_what_is_forgotten,
    keyset_of_a_lower_version,
    keyset_of_the_same_version,
    keyset_that_is_held,
    keyset_of_another_tenant,
    what_no_gateway_takes,
)
LAST: tuple[Replay, ...] = (receipt_of_a_key_that_left, keyset_of_a_root_that_left)
UP: tuple[Replay, ...] = (
    bundle_again,
    bundle_after_a_restart,
    events_in_another_bundle,
    state_again,
    state_that_was_kept,
    manifest_again,
)
