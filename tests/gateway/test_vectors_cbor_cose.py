"""Shared vectors of CBOR (RFC 8949, appendix A) and COSE_Sign1 with Ed25519 (cose-wg/Examples)."""

from decimal import Decimal as PythonDecimal
from typing import Any

import cbor2

from gateway.core import cbor, cose
from gateway.core.cbor import Tagged
from gateway.core.errors import DecodeError
from gateway.core.model import Decimal
from tests.gateway.shared_vectors import compare, rows_of
from tests.gateway.wire_keys import verify

REFUSED = "refused"
FLOAT = (
    "floats are not on the wire: a number that is not whole is a decimal fraction with the device's digits"
)
INDEFINITE = "an indefinite length is not deterministic (RFC 8949, 4.2.1)"
NULL = "null and undefined are not on the wire: what is not known is left out, what is not a number says why"
SIMPLE = "simple values other than false and true have no meaning on the wire"
FLOATS = (
    "f90000", "f98000", "f93c00", "fb3ff199999999999a", "f93e00", "f97bff", "fa47c35000", "fa7f7fffff",
    "fb7e37e43c8800759c", "f90001", "f90400", "f9c400", "fbc010666666666666", "f97c00", "f97e00", "f9fc00",
    "fa7f800000", "fa7fc00000", "faff800000", "fb7ff0000000000000", "fb7ff8000000000000", "fbfff0000000000000",
    "c1fb41d452d9ec200000",
)  # fmt: skip
INDEFINITES = (
    "5f42010243030405ff", "7f657374726561646d696e67ff", "9fff", "9f018202039f0405ffff", "9f01820203820405ff",
    "83018202039f0405ff", "83019f0203ff820405", "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
    "bf61610161629f0203ffff", "826161bf61626163ff", "bf6346756ef563416d7421ff",
)  # fmt: skip
# Row: (our reading, why it is not the expected one). Tags other than 4 are read as tags: no message has one.
READ_DIFFERENTLY: dict[str, tuple[str, str]] = {
    **dict.fromkeys(FLOATS, (REFUSED, FLOAT)),
    **dict.fromkeys(INDEFINITES, (REFUSED, INDEFINITE)),
    **dict.fromkeys(("f6", "f7"), (REFUSED, NULL)),
    **dict.fromkeys(("f0", "f818", "f8ff"), (REFUSED, SIMPLE)),
}
BIGNUMS = {"c249010000000000000000": 2**64, "c349010000000000000000": -(2**64) - 1}

OTHER_HEADERS = "its headers are not ours: a content type, and the kid in the unprotected header"
UNSORTED = "the same, and a countersignature in an unprotected header whose keys are not sorted"
COSE_DIFFERENTLY: dict[str, tuple[str, str]] = {
    "EdDSA-01: EdDSA - 25519 - sign0": (REFUSED, OTHER_HEADERS),
    "signed1-01: Sign 1 structure w/  counter signature 0": (REFUSED, UNSORTED),
}


def ours(digits: str) -> str:
    """Our reading, as text."""
    try:
        return repr(neutral(cbor.decode(bytes.fromhex(digits))))
    except DecodeError:
        return REFUSED


def neutral(value: object) -> object:
    """Our values as Python's own; a tag keeps its number."""
    if isinstance(value, Decimal):
        return PythonDecimal(value.mantissa).scaleb(value.exponent)
    if isinstance(value, Tagged):
        return ("tag", value.tag, neutral(value.value))
    if isinstance(value, list):
        return [neutral(item) for item in value]
    if isinstance(value, dict):
        return [[neutral(key), neutral(item)] for key, item in value.items()]
    return value


def expected(row: dict[str, Any]) -> str:
    """What the file says, as `ours` would say it."""
    if row["hex"] in BIGNUMS:
        number = BIGNUMS[row["hex"]]
        tag, magnitude = (2, number) if number >= 0 else (3, -1 - number)
        return repr(("tag", tag, magnitude.to_bytes(9, "big")))
    if "decoded" in row:
        return repr(neutral(row["decoded"]))
    return repr(diagnostic(row["diagnostic"]))


def diagnostic(text: str) -> object:
    """The few forms of diagnostic notation (RFC 8949, 8) that the file has."""
    if text.startswith("h'"):
        return bytes.fromhex(text[2:-1])
    head, bracket, rest = text.partition("(")
    if bracket and head.isdigit():
        return ("tag", int(head), diagnostic(rest[:-1]))
    if text.startswith("{"):
        pairs = [pair.split(": ") for pair in text[1:-1].split(", ")]
        return [[int(key), int(item)] for key, item in pairs]
    if text.startswith('"'):
        return text[1:-1]
    return int(text) if text.lstrip("-").isdigit() else text


def test_appendix_a_reads_as_it_says() -> None:
    rows = rows_of("cbor_appendix_a.jsonl")
    compare(
        rows,
        {row["hex"]: ours(row["hex"]) for row in rows},
        {row["hex"]: expected(row) for row in rows},
        READ_DIFFERENTLY,
    )


def test_what_we_read_of_appendix_a_we_write_the_same() -> None:
    count = 0
    for row in rows_of("cbor_appendix_a.jsonl"):
        data = bytes.fromhex(row["hex"])
        if ours(row["hex"]) != REFUSED:
            assert row["roundtrip"] is True
            assert cbor.encode(cbor.decode(data)) == data
            count += 1
    assert count == 82 - len(READ_DIFFERENTLY)


def sign1_rows() -> list[dict[str, Any]]:
    """COSE_Sign1 with Ed25519."""
    return [
        row
        for row in rows_of("cose_examples.jsonl")
        if row["cose_type"].startswith("COSE_Sign1") and row["keys"][0].get("crv") == "Ed25519"
    ]


def verdict(row: dict[str, Any]) -> str:
    try:
        parts = cose.take_apart(bytes.fromhex(row["cbor_hex"]))
    except DecodeError:
        return REFUSED
    signed = cose.to_be_signed(parts.protected, bytes.fromhex(row["external_aad_hex"]), parts.payload)
    return "valid" if verify(bytes.fromhex(row["keys"][0]["x_hex"]), signed, parts.signature) else REFUSED


def test_ed25519_examples_of_the_working_group() -> None:
    rows = sign1_rows()
    compare(
        rows,
        {row["title"]: verdict(row) for row in rows},
        {row["title"]: "valid" if row["expect"]["valid"] else REFUSED for row in rows},
        COSE_DIFFERENTLY,
    )


def test_their_signatures_hold_over_what_we_say_is_signed() -> None:
    """Our Sig_structure and the file's are the same bytes, and the published signature stands on them."""
    rows = sign1_rows()
    assert rows
    for row in rows:
        protected, _, payload, signature = cbor2.loads(bytes.fromhex(row["cbor_hex"])).value
        signed = cose.to_be_signed(protected, bytes.fromhex(row["external_aad_hex"]), payload)
        assert signed.hex() == row["tbs_hex"]
        public = bytes.fromhex(row["keys"][0]["x_hex"])
        assert verify(public, signed, signature)
        assert not verify(public, signed + b"\x00", signature)


def test_no_example_of_another_algorithm_or_shape_passes() -> None:
    rows = rows_of("cose_examples.jsonl")
    assert len(rows) > 70
    for row in rows:
        assert verdict_of_form(row) == REFUSED, row["title"]


def verdict_of_form(row: dict[str, Any]) -> str:
    try:
        cose.take_apart(bytes.fromhex(row["cbor_hex"]))
    except DecodeError:
        return REFUSED
    return "read"
