"""What became of the last alarms: which are remembered, which words count, and what is kept of them."""

from gateway.core import cbor
from gateway.core.alarms import ACCEPTED, FAILED, FORWARDED, HANDLED, LIMIT, NOTE_LIMIT, Alarms
from gateway.core.errors import RefusedError
from gateway.core.model import Event

SMOKE, CLEAR, PRESS = "smoke.detected", "smoke.cleared", "button.pressed"
INCIDENT = b"incident"


def identity(number: int) -> bytes:
    return bytes([number]) * 16


def event(kind: str, incident: "bytes | None" = None, exercise: bool = False) -> Event:
    made = Event(kind, 5, 1, 1_000, 1_795_309_800_000, {})
    made.incident, made.exercise = incident, exercise
    return made


def refused(alarms: Alarms, number: int, became: int, utc_ms: int) -> str:
    try:
        alarms.examine(identity(number), became, utc_ms)
    except RefusedError as error:
        return error.reason
    return ""


def test_an_alarm_is_open_until_its_state_ends_or_somebody_has_handled_it():
    alarms = Alarms()
    alarms.tell(event(SMOKE, INCIDENT), identity(1))
    alarms.tell(event(PRESS), identity(2))
    alarms.tell(event("door.opened"), identity(3))
    alarms.tell(event("battery.low"), identity(4))
    assert [alarm.kind for alarm in alarms.rows] == [SMOKE, PRESS]
    alarms.tell(event(CLEAR, b"another."), identity(5))
    assert alarms.rows[0].is_open
    alarms.tell(event(CLEAR, INCIDENT), identity(6))
    assert [alarm.is_open for alarm in alarms.rows] == [False, True]
    alarms.dispose(identity(2), HANDLED, 5, "")
    assert not alarms.rows[1].is_open and alarms.rows[1].word == "handled"


def test_a_newer_word_counts_and_an_older_or_unknown_one_does_not():
    alarms = Alarms()
    alarms.tell(event(PRESS, exercise=True), identity(1))
    assert alarms.examine(identity(1), FORWARDED, 10)
    alarms.dispose(identity(1), FORWARDED, 10, "")
    assert not alarms.examine(identity(1), FORWARDED, 10), "the same, sent once more"
    assert alarms.examine(identity(1), ACCEPTED, 11)
    alarms.dispose(identity(1), ACCEPTED, 11, "x" * 500)
    assert len(alarms.rows[0].note) == NOTE_LIMIT
    assert "older" in refused(alarms, 1, FORWARDED, 10) and "older" in refused(alarms, 1, FAILED, 11)
    assert "does not remember" in refused(alarms, 9, ACCEPTED, 12)
    assert alarms.rows[0].word == "accepted"


def test_a_word_of_the_time_0_or_before_it_is_a_word():
    alarms = Alarms()
    alarms.tell(event(PRESS), identity(1))
    assert alarms.examine(identity(1), FORWARDED, -5)
    alarms.dispose(identity(1), FORWARDED, -5, "")
    assert alarms.rows[0].word == "forwarded" and alarms.examine(identity(1), HANDLED, 0)


def test_an_exercise_that_somebody_waits_for_outlives_open_alarms():
    alarms = Alarms()
    alarms.tell(event(PRESS, exercise=True), identity(0))
    for number in range(1, 3 * LIMIT):
        alarms.tell(event(SMOKE, identity(number)[:8]), identity(number))
    assert len(alarms.rows) == LIMIT and alarms.find(identity(0)) is not None
    assert alarms.find(identity(3 * LIMIT - 1)) is not None


def test_they_are_bounded_and_an_open_one_outlives_those_that_are_over():
    alarms = Alarms()
    alarms.tell(event(PRESS), identity(0))
    for number in range(1, 3 * LIMIT):
        alarms.tell(event(SMOKE, identity(number)[:8]), identity(number))
        alarms.tell(event(CLEAR, identity(number)[:8]), identity(200))
    assert len(alarms.rows) == LIMIT
    assert [alarm.kind for alarm in alarms.rows] == [PRESS] + [SMOKE] * (LIMIT - 1)
    for number in range(LIMIT + 3):
        alarms.tell(event(PRESS), identity(100 + number))
    assert len(alarms.rows) == LIMIT and all([alarm.is_open for alarm in alarms.rows])


def test_what_is_kept_is_taken_up_again_and_what_cannot_be_read_is_left():
    alarms = Alarms()
    alarms.tell(event(SMOKE, INCIDENT, True), identity(1))
    alarms.tell(event(PRESS), identity(2))
    alarms.dispose(identity(1), ACCEPTED, 11, "på vei")
    assert alarms.has_news
    kept = alarms.encode()
    assert not alarms.has_news
    again = Alarms(kept)
    assert [alarm.as_row() for alarm in again.rows] == [alarm.as_row() for alarm in alarms.rows]
    again.tell(event(CLEAR, INCIDENT), identity(3))
    assert not again.rows[0].is_open
    row = alarms.rows[0].as_row()
    row[1] = 9_999
    assert Alarms(cbor.encode([row])).rows == [], "of a later version"
    for broken in (b"\xff", b"", cbor.encode({}), cbor.encode([[1]]), cbor.encode([[1] * 10]), kept[:-1]):
        assert Alarms(broken).rows == []
