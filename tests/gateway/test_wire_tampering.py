"""What was changed, moved or taken out is refused. `cryptography` checks the signatures.

Messages of another form (growth, nesting, sizes, trailing bytes, order and length of keys) are in
tests/core/test_wire.py and tests/vectors/wire_refused.json; here are the ones that a thief of good messages can make.
"""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.core import cose, wire
from gateway.core.errors import DecodeError, RefusedError
from gateway.core.wire import Parsed
from hal.sim.ed25519 import Ed25519
from hal.types import chain_start
from tests.gateway.wire_keys import PUBLIC, private, vectors, verify

VALID = vectors("wire_valid.json")["messages"]
NAMED = {row["name"]: row for row in VALID}
CHAIN = vectors("chain.json")
ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's group (RFC 8032, 5.1)
TENANTS, GATEWAYS = ("oslo", "bergen"), ("gw-0001", "gw-0002")
EPOCH = bytes.fromhex(CHAIN["epoch"])


def received(topic: str, data: bytes, signer: str) -> Parsed | None:
    """The message as a receiver takes it, or None where it refuses; any other error is ours."""
    try:
        where = wire.parse_topic(topic)
        parsed = wire.parse(where.sort, data)
        wire.check_topic(parsed, where)
        wire.verify(parsed, PUBLIC[signer], verify)
    except (DecodeError, RefusedError):
        return None
    return parsed


def topics() -> Iterator[str]:
    """Every topic of two gateways in each of two tenants."""
    for tenant in TENANTS:
        for gateway in GATEWAYS:
            for sort in wire.SORTS:
                for lane in range(5) if sort == "bundle" else (None,):
                    yield wire.topic(tenant, gateway, sort, lane)


# --- every bit ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "bundle: all that a bundle may hold",
        "bundle: the least",
        "receipt: every lane",
        "state: all that a state may hold",
        "manifest: two devices",
        "keyset: next roots, a role of a later version",
        "disposition: failed, with a note",
        "config: a configuration",
        "command: every type of argument",
    ],
)
def test_every_single_bit_counts(name: str) -> None:
    row = NAMED[name]
    good = bytes.fromhex(row["message"])
    assert received(row["topic"], good, row["signer"]) is not None
    taken = []
    for bit in range(len(good) * 8):
        data = bytearray(good)
        data[bit // 8] ^= 0x80 >> bit % 8
        if received(row["topic"], bytes(data), row["signer"]) is not None:
            taken.append(bit)
    assert taken == []


def test_without_the_signature_check_most_flipped_bits_would_pass() -> None:
    """Control: it is the signature that refuses them, so the test above looks at it and not at the form."""
    row = NAMED["bundle: all that a bundle may hold"]
    good = bytes.fromhex(row["message"])
    passed = 0
    for bit in range(len(good) * 8):
        data = bytearray(good)
        data[bit // 8] ^= 0x80 >> bit % 8
        try:
            parsed = wire.parse("bundle", bytes(data))
            wire.check_topic(parsed, wire.parse_topic(row["topic"]))
            passed += 1
        except (DecodeError, RefusedError):
            pass
    assert passed > len(good) * 4


@pytest.mark.parametrize("name", ["bundle: the least", "receipt: every lane"])
def test_no_byte_may_be_missing_doubled_or_added(name: str) -> None:
    row = NAMED[name]
    good = bytes.fromhex(row["message"])
    for at in range(len(good)):
        for data in (good[:at], good[:at] + good[at + 1 :], good[:at] + good[at : at + 1] + good[at:]):
            assert data == good or received(row["topic"], data, row["signer"]) is None
    for tail in (b"\x00", b"\xf6", good):
        assert received(row["topic"], good + tail, row["signer"]) is None
        assert received(row["topic"], tail + good, row["signer"]) is None


def test_a_signature_has_one_form() -> None:
    """RFC 8032, 5.1.7: S + L signs the same but is refused, else anyone could make a second message of one."""
    row = NAMED["receipt: every lane"]
    good = bytes.fromhex(row["message"])
    second = int.from_bytes(good[-32:], "little") + ORDER
    other = good[:-32] + second.to_bytes(32, "little")
    assert received(row["topic"], other, row["signer"]) is None
    for check in (verify, Ed25519().verify):
        parts = cose.take_apart(other)
        signed = cose.to_be_signed(parts.protected, wire.aad("receipt"), parts.payload)
        assert not check(PUBLIC["platform"], signed, parts.signature)


# --- every other place --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", VALID, ids=lambda row: row["name"])
def test_a_message_is_taken_under_its_own_topic_only(row: dict[str, Any]) -> None:
    data = bytes.fromhex(row["message"])
    taken = [topic for topic in topics() if received(topic, data, row["signer"]) is not None]
    if row["sort"] == "keyset":  # the same bytes stand under every gateway of the tenant
        assert taken == [wire.topic("oslo", gateway, "keyset") for gateway in GATEWAYS]
    else:
        assert taken == [row["topic"]]


def test_no_message_passes_for_another_sort_even_where_its_form_would() -> None:
    """A payload that two sorts could hold, signed as the one and sent as the other."""
    base = {"tenant": "oslo", "gateway": "gw-0001"}
    payload = wire.encode_payload("config", **base, fields={"revision": 1, "configuration": bytes(8)})
    sealer = wire.Sealer(PUBLIC["operator"])
    key = private("operator")
    for sort in wire.SORTS:
        data = sealer.seal(payload, key.sign(sealer.to_sign(sort, payload)))
        taken = received("trygg/v1/oslo/gw-0001/down/config", data, "operator")
        assert (taken is not None) == (sort == "config")


# --- the chain ----------------------------------------------------------------------------------------------------


def resealed(first_seq: int, before: bytes, events: list[bytes], lane: int = 1) -> Parsed:
    """A bundle that the gateway's own key signed: what its holder could make of events."""
    payload = wire.encode_bundle("oslo", "gw-0001", lane, EPOCH, first_seq, before, events, 1)
    sealer, key = wire.Sealer(PUBLIC["gateway"]), private("gateway")
    parsed = wire.parse("bundle", sealer.seal(payload, key.sign(sealer.to_sign("bundle", payload))))
    wire.verify(parsed, PUBLIC["gateway"], verify)
    return parsed


def whole(bundles: list[Parsed], end: tuple[int, bytes]) -> bool:
    """Whether the bundles are the lane from its beginning to `end`, which a state or a receipt names."""
    seq, chain = 0, chain_start(EPOCH, 1)
    try:
        for parsed in bundles:
            values = wire.check_chain(parsed, seq, chain)
            seq, chain = seq + len(values), values[-1]
    except RefusedError:
        return False
    return (seq, chain) == end


def cut(events: list[bytes], sizes: list[int], values: list[bytes]) -> list[Parsed]:
    """Bundles of `sizes`, each naming the chain value that `values` has before it."""
    bundles, at = [], 0
    for size in sizes:
        if events[at : at + size]:
            bundles.append(resealed(at + 1, values[at], events[at : at + size]))
        at += size
    return bundles


def tampered(events: list[bytes], numbers: random.Random) -> Iterator[tuple[str, list[bytes]]]:
    """Each event removed, changed in one bit, doubled; each two swapped."""
    for at in range(len(events)):
        yield f"event {at} removed", events[:at] + events[at + 1 :]
        yield f"event {at} twice", events[: at + 1] + events[at:]
        bit = numbers.randrange(len(events[at]) * 8)
        other = bytearray(events[at])
        other[bit // 8] ^= 0x80 >> bit % 8
        yield f"event {at} changed in bit {bit}", [*events[:at], bytes(other), *events[at + 1 :]]
        for second in range(at + 1, len(events)):
            swapped = list(events)
            swapped[at], swapped[second] = swapped[second], swapped[at]
            yield f"events {at} and {second} swapped", swapped


@pytest.mark.parametrize("sizes", [[9], [1] * 9, [2, 3, 4], [4, 4, 1]])
def test_no_event_can_be_removed_changed_or_swapped(sizes: list[int]) -> None:
    """With the chain made to fit again from there on, and with the chain left as it was."""
    numbers = random.Random(11)
    events = [bytes.fromhex(row["hex"]) for row in vectors("event.json")["valid"]][:9]
    assert len(set(events)) == 9
    honest = [chain_start(EPOCH, 1), *wire.chain_values(chain_start(EPOCH, 1), events)]
    end = (len(events), honest[-1])
    assert whole(cut(events, sizes, honest), end)
    for what, others in tampered(events, numbers):
        fitted = [chain_start(EPOCH, 1), *wire.chain_values(chain_start(EPOCH, 1), others)]
        left = [*honest, honest[-1]]
        more = [*sizes, len(others) - sum(sizes)] if len(others) > sum(sizes) else sizes
        assert not whole(cut(others, more, fitted), end), what
        assert not whole(cut(others, more, left), end), what


@pytest.mark.parametrize("row", CHAIN["audits"], ids=lambda row: row["name"])
def test_an_auditor_finds_what_the_vectors_say(row: dict[str, Any]) -> None:
    bundles = [wire.parse("bundle", bytes.fromhex(message)) for message in row["messages"]]
    for parsed in bundles:
        wire.verify(parsed, PUBLIC["gateway"], verify)
    end = (CHAIN["end"]["seq"], bytes.fromhex(CHAIN["end"]["chain"]))
    assert whole(bundles, end) != row["broken"]


def test_an_auditor_who_looks_at_numbers_only_misses_what_was_changed() -> None:
    """Control: without chain values the numbers of changed and swapped events are as they should be."""

    def numbers_fit(bundles: list[Parsed]) -> bool:
        seq = 0
        for parsed in bundles:
            if parsed.fields["first_seq"] != seq + 1:
                return False
            seq += len(parsed.fields["events"])  # type: ignore[arg-type]
        return seq == CHAIN["end"]["seq"]

    missed = [
        row["name"]
        for row in CHAIN["audits"]
        if row["broken"]
        and numbers_fit([wire.parse("bundle", bytes.fromhex(data)) for data in row["messages"]])
    ]
    assert {"an event changed", "two events swapped", "two events swapped across bundles"} <= set(missed)
