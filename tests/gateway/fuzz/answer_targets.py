"""What of a board's talk with the enrolment server is fuzzed: the answer of whoever was reached, and the certificates in it."""

from collections.abc import Callable

from gateway.core import enrolling
from gateway.core.errors import DecodeError, RefusedError
from hal.errors import HalError
from hal.esp32.http_answer import LONGEST_BODY, LONGEST_HEAD, Answer
from tests.gateway.fuzz.harness import Target

PEM = f"{enrolling.PEM_BEGIN}\nMAMCAQA=\n{enrolling.PEM_END}\n"
BODY = b'{"certificate": "a", "ca": "b"}'
HEAD = b"HTTP/1.0 200 OK\r\nServer: trygg\r\nContent-Length: 31\r\n\r\n"


def answer() -> Callable[[bytes], object]:
    """In one piece and in several: the same, and never more than is meant."""

    def whole(data: bytes, size: int) -> tuple[int, bytes]:
        made, held = Answer(), 0
        for at in range(0, len(data), size):
            made.push(data[at : at + size])
            held = max(held, len(made._held))
        assert held <= LONGEST_HEAD + LONGEST_BODY + size
        body = made.body()
        return made.status, body

    def take(data: bytes) -> None:
        found = []
        for size in (len(data) or 1, 3):
            try:
                found.append(whole(data, size))
            except HalError as error:
                found.append((-1, str(error).encode()))
        assert found[0] == found[1], "it depends on how it was cut"
        if found[0][0] < 0:
            raise DecodeError("refused")

    return take


def said() -> Callable[[bytes], object]:
    """A body, as a server of ours says it, or anything."""

    def take(data: bytes) -> None:
        try:
            certificate, authority = enrolling.take(200, data)
            enrolling.der_of(certificate + authority)
        except RefusedError as error:
            raise DecodeError(error.reason) from None

    return take


def pem() -> Callable[[bytes], object]:
    """Certificates as text."""

    def take(data: bytes) -> None:
        try:
            assert all(enrolling.der_of(data.decode("utf-8", "replace")))
        except RefusedError as error:
            raise DecodeError(error.reason) from None

    return take


ANSWER_TARGETS = (
    Target("enrolment answer", (HEAD + BODY, HEAD), answer),
    Target("enrolment answer, body", (BODY, b'{"error": "used"}'), said),
    Target("enrolment answer, certificates", (PEM.encode(), (PEM * 2).encode()), pem),
)
