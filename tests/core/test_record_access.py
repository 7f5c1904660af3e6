"""The record access control point: requests, answers, and when a transfer has failed."""

from gateway.core.devices import record_access
from gateway.core.devices.record_access import (
    ABORT_REQUEST,
    AGAIN,
    DONE,
    FAILED,
    NONE_FOUND,
    REPORT_ALL,
    RUNNING,
    SILENCE_MS,
    UNKNOWN,
    RecordAccess,
    decode_answer,
    report_from,
)
from tests.core.vectors import refusal


def asked(request: bytes = REPORT_ALL, now_ms: int = 1_000) -> RecordAccess:
    access = RecordAccess()
    assert access.begin(request, now_ms) == request
    return access


def test_requests_are_those_of_the_services() -> None:
    assert (REPORT_ALL, ABORT_REQUEST) == (b"\x01\x01", b"\x03\x00")
    assert report_from(0x1234) == bytes.fromhex("0103013412")


def test_every_response_code_has_its_meaning() -> None:
    table = {
        1: DONE,
        2: UNKNOWN,
        3: UNKNOWN,
        4: UNKNOWN,
        5: UNKNOWN,
        6: NONE_FOUND,
        7: FAILED,
        8: FAILED,
        9: UNKNOWN,
    }
    for code in range(256):
        access = asked()
        assert access.answered(bytes([6, 0, 1, code]), 1_100) == table.get(code, FAILED), code
        assert access.running == 0 and access.code == code and access.due_ms() is None
    assert sorted(record_access.CODES) == sorted(table)


def test_an_answer_that_is_none_is_refused() -> None:
    for value, offset, why in (
        ("", 0, "needs 4 bytes"),
        ("0101", 2, "needs 4 bytes"),
        ("060001", 3, "needs 4 bytes"),
        ("0103010200", 0, "opcode 1 is no answer"),
        ("06010101", 1, "operator 1 in an answer"),
    ):
        error = refusal(decode_answer, bytes.fromhex(value))
        assert error.offset == offset and why in error.reason, value
    answer = decode_answer(bytes.fromhex("05000201"))
    assert (answer.count, answer.request) == (258, 0)


def test_answers_to_what_was_not_asked_change_nothing() -> None:
    idle = RecordAccess()
    assert idle.answered(bytes.fromhex("06000101"), 5) == RUNNING and idle.due_ms() is None
    access = asked()
    for value in ("05000300", "06000201", "06000301"):
        assert access.answered(bytes.fromhex(value), 1_100) == RUNNING, value
    assert access.running == 1 and access.answered(bytes.fromhex("06000101"), 1_200) == DONE
    assert access.answered(bytes.fromhex("06000101"), 1_200) == RUNNING, "it is over"


def test_more_than_five_seconds_without_a_word_is_a_failure() -> None:
    access = asked(now_ms=1_000)
    assert access.due_ms() == 1_000 + SILENCE_MS + 1
    assert not access.is_silent(6_000)
    access.heard(5_900)
    assert not access.is_silent(10_900) and access.due_ms() == 10_901 and access.records == 1
    assert access.is_silent(10_901) and access.running == 0
    assert not access.is_silent(99_999), "told once"
    assert access.records == 1


def test_a_record_that_came_before_the_request_moves_no_time_back() -> None:
    access = asked(now_ms=9_000)
    access.heard(8_000)
    assert access.due_ms() == 9_000 + SILENCE_MS + 1


def test_a_refused_request_is_aborted_once_and_made_again() -> None:
    access = asked(report_from(7))
    assert access.denied(1_100) == ABORT_REQUEST
    assert access.answered(bytes.fromhex("06000101"), 1_150) == RUNNING, "of the procedure that was under way"
    assert access.answered(bytes.fromhex("06000301"), 1_200) == AGAIN
    assert access.request == report_from(7) and access.due_ms() == 1_200 + SILENCE_MS + 1
    assert access.answered(bytes.fromhex("06000101"), 1_300) == DONE


def test_an_abort_without_success_asks_again_all_the_same_and_a_second_refusal_ends_it() -> None:
    access = asked()
    assert access.denied(1_100) == ABORT_REQUEST
    assert access.answered(bytes.fromhex("06000307"), 1_200) == AGAIN
    assert access.denied(1_300) == b"" and access.running == 0
    assert access.begin(REPORT_ALL, 2_000) and access.denied(2_100) == ABORT_REQUEST, "a new visit, a new try"
    assert access.denied(2_200) == b"", "the abort itself was refused"
