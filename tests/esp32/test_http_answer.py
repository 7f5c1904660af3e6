"""The answer of an enrolment server, as it comes in pieces; what is none, and what is too long."""

from hal.errors import HalError, LinkLostError, UnavailableError
from hal.esp32.http_answer import LONGEST_BODY, Answer, asked

GOOD = b'HTTP/1.0 200 OK\r\nServer: trygg\r\nContent-Type: application/json\r\ncontent-length: 11\r\n\r\n{"a": "b"}\n'


def read(data, size=1):
    """(status, body) of an answer that comes `size` bytes at a time."""
    answer = Answer()
    for at in range(0, len(data), size):
        answer.push(data[at : at + size])
    body = answer.body()
    return answer.status, body


def refused(data):
    try:
        read(data, 7)
    except HalError as error:
        return error
    raise AssertionError("it was taken")


def test_an_answer_is_the_same_however_it_is_cut():
    for size in (1, 2, 50, 1_000):
        assert read(GOOD, size) == (200, b'{"a": "b"}\n')
    assert read(GOOD.replace(b"200 OK", b"403 Forbidden"))[0] == 403
    answer = Answer()
    assert not answer.push(GOOD[:-1]) and answer.push(memoryview(GOOD)[-1:])


def test_what_breaks_off_is_said_and_is_no_answer():
    for end in (0, 10, len(GOOD) - 12, len(GOOD) - 1):
        assert isinstance(refused(GOOD[:end]), LinkLostError), end


def test_what_is_no_answer_or_too_long_is_refused():
    for wrong in (
        GOOD.replace(b"HTTP/1.0", b"HTTP/2"),
        GOOD.replace(b"200", b"2x0"),
        GOOD.replace(b"content-length: 11", b"content-length: -1"),
        GOOD.replace(b"content-length: 11", b"content-length: " + str(LONGEST_BODY + 1).encode()),
        GOOD.replace(b"content-length: 11\r\n", b""),
        GOOD + b"more",
        b"\x15\x03\x03\x00\x02\x02\x28\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nX: " + b"y" * 3_000,
    ):
        assert isinstance(refused(wrong), UnavailableError), wrong[:40]


def test_a_question_names_host_and_length():
    assert asked("enrol.example", "/x", b"{}") == (
        b"POST /x HTTP/1.0\r\nHost: enrol.example\r\nContent-Type: application/json\r\nConnection: close\r\n"
        b"Content-Length: 2\r\n\r\n{}"
    )
