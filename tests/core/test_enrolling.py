"""What a gateway says to the enrolment server, and what it makes of the answer."""

import asyncio
import json

from gateway.core import cbor, cose, enrolling
from gateway.core.errors import RefusedError

IDENTITY, CSR = bytes(range(32)), b"\x30\x03\x02\x01\x00"


async def sign(message: bytes) -> bytes:
    return (message * 2)[:64]


def refusal(work: object, *given: object) -> str:
    try:
        work(*given)  # type: ignore[operator]
    except RefusedError as error:
        return str(error)
    raise AssertionError("it was taken")


def test_a_request_is_one_message_of_five_fields_signed_by_the_identity():
    made = asyncio.run(enrolling.make("oslo", "gw-1", IDENTITY, CSR, sign))
    parts = cose.take_apart(made)
    assert cbor.decode(parts.payload) == {1: 1, 2: "oslo", 3: "gw-1", 4: IDENTITY, 5: CSR}
    assert parts.kid == cose.kid_of(IDENTITY)


def test_a_request_as_text_stands_between_two_marks_in_short_lines():
    text = enrolling.to_text(bytes(200))
    lines = text.split("\n")
    assert (lines[0], lines[-2], lines[-1]) == (enrolling.BEGIN, enrolling.END, "")
    assert max([len(line) for line in lines]) == 76 and len(lines) == 7


def test_an_answer_gives_the_certificate_and_every_refusal_its_words():
    said = json.dumps({"certificate": "one", "ca": "two"}).encode()
    assert enrolling.take(200, said) == ("one", "two")
    for code in enrolling.REFUSALS:
        answer = json.dumps({"error": code}).encode()
        assert refusal(enrolling.take, 403, answer) == enrolling.REFUSALS[code]
    for wrong in (b"", b"[]", b"{}", b"7", b'{"error": "new"}', b"\xff"):
        assert refusal(enrolling.take, 403, wrong) == enrolling.UNREADABLE
    assert refusal(enrolling.take, 200, b'{"certificate": "one"}') == enrolling.UNREADABLE


def test_certificates_are_taken_out_of_a_pem_and_nothing_else_is():
    pem = "x\n" + enrolling.PEM_BEGIN + "\nMAMC\nAQA=\n" + enrolling.PEM_END + "\n"
    assert enrolling.der_of(pem) == [CSR]
    assert enrolling.der_of(pem + pem) == [CSR, CSR]
    for wrong in (
        "",
        enrolling.PEM_BEGIN,
        enrolling.PEM_BEGIN + "MAMCAQA=",
        enrolling.PEM_BEGIN + enrolling.PEM_END,
    ):
        assert refusal(enrolling.der_of, wrong) == enrolling.UNREADABLE
