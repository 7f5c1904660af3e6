"""COSE_Sign1 in Trygg's one shape. The refused shapes stand in tests/vectors/wire_refused.json (`envelope: ...`)."""

from gateway.core import cbor, cose
from gateway.core.cbor import Tagged
from tests.core.vectors import load, refusal
from tests.core.wire_vectors import ED25519, hexed, keys, seed

VALID = load("wire_valid.json")["messages"]
REFUSED = [row for row in load("wire_refused.json")["messages"] if str(row["name"]).startswith("envelope")]


def test_messages_come_apart_and_together_again() -> None:
    public = keys()
    for row in VALID:
        data = hexed(row, "message")
        parts = cose.take_apart(data)
        assert parts.payload == hexed(row, "payload"), row["name"]
        assert parts.kid == cose.kid_of(public[str(row["signer"])]), row["name"]
        assert parts.protected == cose.protected_header(parts.kid)
        assert cose.assemble(parts.protected, parts.payload, parts.signature) == data


def test_envelopes_of_another_shape_are_refused() -> None:
    assert len(REFUSED) > 30
    for row in REFUSED:
        assert refusal(cose.take_apart, hexed(row, "message")).reason == row["reason"], row["name"]


def test_what_is_signed_is_the_structure_of_the_standard() -> None:
    """RFC 9052, section 4.4: ["Signature1", protected, external_aad, payload]."""
    protected = cose.protected_header(bytes(8))
    signed = cose.to_be_signed(protected, b"trygg/v1/state", b"\xa0")
    expected = (
        "846a5369676e617475726531" + "4d" + "a201270448" + "00" * 8 + "4e" + b"trygg/v1/state".hex() + "41a0"
    )
    assert signed.hex() == expected


def test_the_kid_is_the_beginning_of_the_keys_hash() -> None:
    # SHA-256 of 32 zero bytes
    assert cose.kid_of(bytes(32)).hex() == "66687aadf862bd77"


def test_the_published_example_is_signed_as_there() -> None:
    """cose-wg/Examples eddsa-examples/eddsa-sig-01.json: its headers are not ours, its signature is by our parts."""
    private = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    protected = bytes.fromhex("a201270300")
    signed = cose.to_be_signed(protected, b"", b"This is the content.")
    assert signed.hex() == "846a5369676e61747572653145a2012703004054546869732069732074686520636f6e74656e742e"
    signature = ED25519.sign(private, signed)
    message = bytes.fromhex(
        "d28445a201270300a10442313154546869732069732074686520636f6e74656e742e58407142fd2ff96d56db85bee905a76ba1d0"
        "b7321a95c8c4d3607c5781932b7afb8711497dfa751bf40b58b3bcc32300b1487f3db34085eef013bf08f4a44d6fef0d"
    )
    assert cbor.decode(message) == Tagged(18, [protected, {4: b"11"}, b"This is the content.", signature])
    assert refusal(cose.take_apart, message).reason.startswith("COSE_Sign1 needs a protected header")


def test_a_signature_made_here_is_the_one_in_the_vectors() -> None:
    """Ed25519 is deterministic: the portable code and the vectors' generator must agree to the bit."""
    row = VALID[0]
    parts = cose.take_apart(hexed(row, "message"))
    signed = cose.to_be_signed(parts.protected, b"trygg/v1/" + str(row["sort"]).encode(), parts.payload)
    assert ED25519.sign(seed(str(row["signer"])), signed) == parts.signature
