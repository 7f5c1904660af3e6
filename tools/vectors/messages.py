"""The valid messages: each sort with as little and with as much as it may hold, and as a later version may send it."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core import cbor, cose, wire
from gateway.core.model import Decimal
from gateway.core.registry import VALUES
from hal.types import chain_start
from tools.vectors.home import (
    BOOT,
    DOOR,
    EPOCH,
    EVENT_BYTES,
    GATEWAY,
    GROWN_BYTES,
    IDENTITY,
    NOT_AFTER,
    OXIMETER,
    TENANT,
    UPTIME_MS,
    UTC_MS,
)
from tools.vectors.keys import KEYS

SIGNER = {
    "bundle": "gateway",
    "manifest": "gateway",
    "state": "gateway",
    "receipt": "platform",
    "disposition": "platform",
    "keyset": "root",
    "config": "operator",
    "command": "operator",
}
LATER = {24: "a later version", 1000: [{1: b""}, True, -1]}
START = {lane: chain_start(EPOCH, lane) for lane in range(5)}
CHAIN = bytes(range(0x60, 0x70))


@dataclass(frozen=True)
class Vector:
    """A message before it is signed: `pairs` is its payload as a map."""

    name: str
    sort: str
    pairs: dict[int, object]
    signer: str = ""
    gateway: str = GATEWAY

    @property
    def payload(self) -> bytes:
        return cbor.encode(self.pairs)

    @property
    def message(self) -> bytes:
        return KEYS[self.signer or SIGNER[self.sort]].message(self.sort, self.payload)

    @property
    def topic(self) -> str:
        lane = self.pairs.get(4)
        return wire.topic(TENANT, self.gateway, self.sort, lane if isinstance(lane, int) else None)

    def but(self, name: str, changes: Mapping[int, object]) -> "Vector":
        """The same with other keys; None takes one away."""
        pairs = {**self.pairs, **changes}
        kept = {key: item for key, item in pairs.items() if item is not None}
        return Vector(name, self.sort, kept, self.signer, self.gateway)


def head(gateway: str = GATEWAY) -> dict[int, object]:
    """Keys 1 to 3."""
    return {1: wire.VERSION, 2: TENANT, 3: gateway}


def key_row(name: str, *roles: str) -> list[object]:
    """A key of a keyset."""
    public = KEYS[name].public
    return [cose.kid_of(public), public, list(roles)]


BUNDLE = {
    **head(), 4: 1, 5: EPOCH, 6: 1, 7: START[1],
    8: [EVENT_BYTES["door at night, window assumed, made by a rule"]], 9: 1,
}  # fmt: skip
STATE = {**head(), 4: EPOCH, 5: BOOT, 6: UPTIME_MS, 8: {}, 9: 0, 10: 0, 11: 0, 12: "trygg-hub 0.1.0"}
DEVICE = {1: DOOR, 2: "bthome"}
KEYSET = {
    **head(wire.WHOLE_TENANT), 4: 1, 5: NOT_AFTER,
    6: [key_row("platform", "receipt", "disposition"), key_row("operator", "config", "command")],
}  # fmt: skip
COMMAND = {**head(), 4: IDENTITY, 5: 1, 6: "identify", 8: NOT_AFTER}

# The least of each sort; what must be refused is made from these.
LEAST = {
    vector.sort: vector
    for vector in (
        Vector("bundle", "bundle", BUNDLE),
        Vector("manifest", "manifest", {**head(), 4: 1, 5: [], 6: "Europe/Oslo"}),
        Vector("state", "state", STATE),
        Vector("receipt", "receipt", {**head(), 4: EPOCH, 5: {}}),
        Vector("disposition", "disposition", {**head(), 4: IDENTITY, 5: 0, 6: UTC_MS}),
        Vector("keyset", "keyset", KEYSET),
        Vector("config", "config", {**head(), 4: 1, 5: b""}),
        Vector("command", "command", COMMAND),
    )
}


def bundles() -> list[Vector]:
    """Bundles with all that a bundle may hold."""
    least = LEAST["bundle"]
    return [
        least.but(
            "bundle: all that a bundle may hold",
            {4: 3, 6: 1001, 7: CHAIN, 8: list(EVENT_BYTES.values()), 9: 7,
             10: {BOOT: UTC_MS - UPTIME_MS, 7: -1, 2**40: 0}, 11: [900, 1000]},
        ),
        least.but("bundle: the last lane, a large number", {4: 4, 6: 2**63, 7: CHAIN}),
        least.but("bundle: 256 events, as short as events get",
                  {4: 2, 7: START[2], 8: [EVENT_BYTES["the least an event can be"]] * 256}),
        least.but("bundle: unknown keys of 24 and above", LATER),
        least.but("bundle: events of a later version", {8: [*GROWN_BYTES.values(), EVENT_BYTES["unknown kind and value"]]}),
        least.but("bundle: bytes that are no event are stored and receipted", {8: [b"", b"\xff", b"no event"]}),
    ]  # fmt: skip


def others() -> list[Vector]:
    """The other sorts with all that they may hold, and from a later version."""
    device = {
        1: OXIMETER, 2: "plx", 3: "Nonin", 4: "3230", 5: "501234567", 6: "stue", 7: 3600, 8: 1, 9: 2, 10: "hol. § 3-1",
    }  # fmt: skip
    lanes = {lane: [1, START[lane], 0, START[lane]] for lane in range(4)}
    values = {
        VALUES["battery_v"]: Decimal(371, -2),
        VALUES["mains"]: True,
        VALUES["storage_used_pct"]: ["nan"],
    }
    return [
        LEAST["manifest"].but(
            "manifest: two devices", {4: 12, 5: [DEVICE, device], 6: "Europe/Oslo"}
        ),
        LEAST["manifest"].but("manifest: from a later version", {5: [{**DEVICE, **LATER}], **LATER}),
        LEAST["state"].but(
            "state: all that a state may hold",
            {7: UTC_MS, 8: {**lanes, 4: [10, CHAIN, 2**63, START[1]]}, 9: 7, 10: 3, 11: 9, 13: values},
        ),
        LEAST["state"].but("state: from a later version", {8: {9: lanes[0]}, 13: {60000: "?"}, **LATER}),
        LEAST["receipt"].but("receipt: every lane", {5: {**{lane: [0, START[lane]] for lane in range(4)}, 4: [2**63, CHAIN]}}),
        LEAST["receipt"].but("receipt: from a later version", {5: {0: [3, CHAIN], 5: [4, CHAIN], 2**40: [5, CHAIN]}, **LATER}),
        LEAST["disposition"].but("disposition: failed, with a note", {5: 3, 7: "Ingen svarte på vaktrommet."}),
        LEAST["disposition"].but("disposition: from a later version", LATER),
        LEAST["keyset"].but(
            "keyset: next roots, a role of a later version",
            {4: 2, 6: [key_row("platform", "receipt"), key_row("operator", "config", "update")], 7: [KEYS["next-root"].public]},
        ),
        LEAST["keyset"].but("keyset: from a later version", LATER),
        LEAST["config"].but("config: a configuration", {4: 2**32, 5: cbor.encode({1: 1, 2: {"id": GATEWAY}})}),
        LEAST["config"].but("config: from a later version", LATER),
        LEAST["command"].but(
            "command: every type of argument",
            {5: 2**63, 6: "ring", 7: {"times": 3, "sound": "bell", "quiet": False, "blob": b"\x00", "gain": Decimal(15, -1), "until": ["+inf"]}},
        ),
        LEAST["command"].but("command: a verb nobody knows, from a later version", {6: "levitate", 7: {}, **LATER}),
    ]  # fmt: skip


VALID = [vector.but(f"{vector.sort}: the least", {}) for vector in LEAST.values()] + bundles() + others()
