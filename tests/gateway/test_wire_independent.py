"""Independent readers verify our messages and we verify theirs.

python-cwt checks and makes the COSE_Sign1, cbor2 reads and writes the CBOR, `cryptography` the signature; nothing of
ours is on their side.
"""

from decimal import Decimal as PythonDecimal
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cwt import COSE, COSEKey
from cwt.cose_key_interface import COSEKeyInterface
from cwt.exceptions import VerifyError

from gateway.core import cbor, cose, wire
from gateway.core.errors import RefusedError
from gateway.core.event_codec import decode_event
from gateway.core.model import Absent, Decimal
from tests.gateway.wire_keys import KEYS, PUBLIC, private, vectors, verify

VALID = vectors("wire_valid.json")["messages"]
EVENTS = vectors("event.json")["valid"]
SORTS = list(wire.SORTS)
by_name = pytest.mark.parametrize("row", VALID, ids=lambda row: row["name"])


def cwt_key(name: str) -> COSEKeyInterface:
    """A key as python-cwt has it (RFC 9052, 7 and RFC 9053, 7.2)."""
    row = KEYS[name]
    public, seed, kid = (bytes.fromhex(row[part]) for part in ("public", "seed", "kid"))
    return COSEKey.new({1: 1, -1: 6, -2: public, -4: seed, 2: kid, 3: -8, 4: [1, 2]})


def aad(row: dict[str, Any]) -> bytes:
    return b"trygg/v1/" + row["sort"].encode()


def plain(value: object) -> object:
    """What cbor2 makes of a value of ours."""
    if isinstance(value, Decimal):
        return PythonDecimal(value.mantissa).scaleb(value.exponent)
    if isinstance(value, Absent):
        return [value.reason]
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    return value


@by_name
def test_cwt_verifies_our_messages(row: dict[str, Any]) -> None:
    message, key = bytes.fromhex(row["message"]), cwt_key(row["signer"])
    protected, unprotected, payload = COSE.new().decode_with_headers(message, key, external_aad=aad(row))
    assert protected == {1: -8, 4: bytes.fromhex(KEYS[row["signer"]]["kid"])}
    assert unprotected == {}
    assert payload == bytes.fromhex(row["payload"])


@by_name
def test_cwt_refuses_our_messages_as_another_sort(row: dict[str, Any]) -> None:
    message, key = bytes.fromhex(row["message"]), cwt_key(row["signer"])
    for sort in SORTS:
        if sort != row["sort"]:
            with pytest.raises(VerifyError):
                COSE.new().decode(message, key, external_aad=b"trygg/v1/" + sort.encode())
    with pytest.raises(VerifyError):
        COSE.new().decode(message, key)


@by_name
def test_we_verify_what_cwt_signed(row: dict[str, Any]) -> None:
    """The very bytes agree, since Ed25519 is deterministic and the header has one encoding."""
    key = cwt_key(row["signer"])
    header = {1: -8, 4: bytes.fromhex(KEYS[row["signer"]]["kid"])}
    theirs = COSE.new().encode(
        bytes.fromhex(row["payload"]), key, protected=header, unprotected={}, external_aad=aad(row)
    )
    assert theirs.hex() == row["message"]
    wire.verify(wire.parse(row["sort"], theirs), PUBLIC[row["signer"]], verify)


def test_we_refuse_what_cwt_signed_without_naming_the_sort() -> None:
    for row in VALID:
        header = {1: -8, 4: bytes.fromhex(KEYS[row["signer"]]["kid"])}
        theirs = COSE.new().encode(bytes.fromhex(row["payload"]), cwt_key(row["signer"]), header, {})
        with pytest.raises(RefusedError, match="signature"):
            wire.verify(wire.parse(row["sort"], theirs), PUBLIC[row["signer"]], verify)


@by_name
def test_a_reader_without_a_cose_library_verifies_our_messages(row: dict[str, Any]) -> None:
    """The recipe of docs/wire.md, with cbor2 and cryptography alone."""
    tag = cbor2.loads(bytes.fromhex(row["message"]))
    assert tag.tag == 18
    protected, _, payload, signature = tag.value
    signed = cbor2.dumps(["Signature1", protected, aad(row), payload])
    private(row["signer"]).public_key().verify(signature, signed)


def test_we_verify_a_message_made_without_our_code() -> None:
    """Python's own dumps and a signature: a platform in another language would do the same."""
    payload = cbor2.dumps(
        {1: 1, 2: "oslo", 3: "gw-0001", 4: bytes(8), 5: {0: [3, bytes(16)], 3: [1, b"\1" * 16]}},
        canonical=True,
    )
    protected = cbor2.dumps({1: -8, 4: bytes.fromhex(KEYS["platform"]["kid"])}, canonical=True)
    signature = private("platform").sign(cbor2.dumps(["Signature1", protected, b"trygg/v1/receipt", payload]))
    message = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))
    parsed = wire.parse("receipt", message)
    wire.verify(parsed, PUBLIC["platform"], verify)
    assert parsed.fields["lanes"] == {0: [3, bytes(16)], 3: [1, b"\1" * 16]}


@by_name
def test_cbor2_reads_the_same_and_would_write_the_same(row: dict[str, Any]) -> None:
    payload = bytes.fromhex(row["payload"])
    theirs = cbor2.loads(payload)
    assert theirs == plain(cbor.decode(payload))
    # cbor2 sorts shorter keys first (RFC 7049, 3.9), which makes no difference to any map of the wire.
    assert cbor2.dumps(theirs, canonical=True) == payload


@pytest.mark.parametrize("row", EVENTS, ids=lambda row: row["name"])
def test_cbor2_reads_every_event_as_we_do(row: dict[str, Any]) -> None:
    data = bytes.fromhex(row["hex"])
    theirs, ours = cbor2.loads(data), cbor.decode(data)
    assert isinstance(ours, dict)
    event = decode_event(data)
    assert (theirs[1], theirs[3], theirs[4], theirs.get(5)) == (
        event.placement,
        event.boot,
        event.uptime_ms,
        event.utc_ms,
    )
    assert cbor2.dumps(theirs, canonical=True) == data
    values = theirs.get(6, {})
    assert values == plain(ours.get(6, {}))
    for mine, other in zip(ours.get(6, {}).values(), values.values(), strict=True):
        if isinstance(mine, Decimal) and abs(mine.exponent) < 20:
            assert str(mine) == f"{other:f}", "the digits, zeros included"


def test_the_order_of_keys_is_that_of_rfc_8949() -> None:
    """protocols/signing.md: cbor2's canonical order is the older one; a reader that sorts needs to know."""
    assert cbor2.dumps({100: 1, -1: 2}, canonical=True).hex() == "a220021864" + "01"
    assert cbor.encode({100: 1, -1: 2}).hex() == "a21864012002"


def test_a_fresh_key_and_message_hold_for_both() -> None:
    """Not only the vectors: keys that were never used before."""
    for sort in SORTS:
        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes_raw()
        sealer = wire.Sealer(public)
        payload = bytes.fromhex(next(row["payload"] for row in VALID if row["sort"] == sort))
        message = sealer.seal(payload, key.sign(sealer.to_sign(sort, payload)))
        wire.verify(wire.parse(sort, message), public, verify)
        theirs = COSEKey.new({1: 1, -1: 6, -2: public, 2: cose.kid_of(public), 3: -8, 4: [2]})
        assert COSE.new().decode(message, theirs, external_aad=b"trygg/v1/" + sort.encode()) == payload
