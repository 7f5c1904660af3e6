"""A state that toggles by itself: told at once, marked where it repeats, told again where it stays; nothing else is touched."""

from gateway.core import cbor
from gateway.core.event_codec import decode_event, encode_event
from gateway.core.model import UNAUTHENTICATED, Event, Observation
from gateway.core.rules.engine import Moment
from gateway.core.rules.storm import (
    FLAPS,
    MOST,
    NOTICE_MS,
    QUIET_MS,
    STAYS_MS,
    as_kept,
    read_kept,
)
from tests.core.storm_home import SMOKE, Home, mark

OTHER = 12
MINUTE_MS = 60_000


def told(events: "list[Event]") -> "list[str]":
    return [event.kind for event in events]


def flap(home: Home, from_ms: int, times: int, every_ms: int, placement: int = SMOKE) -> "list[Event]":
    """So many beginnings, each with its end half a period later."""
    begun = []
    for number in range(times):
        at_ms = from_ms + number * every_ms
        begun.append(home.say("smoke.detected", at_ms, placement))
        home.say("smoke.cleared", at_ms + every_ms // 2, placement)
    return begun


def test_a_sensor_that_toggles_alarms_at_once_then_once_in_ten_minutes_and_every_event_is_there():
    begun = flap(Home(), 1_000, 40, MINUTE_MS)
    unmarked = [event.uptime_ms for event in begun if mark(event) is None]
    assert unmarked == [1_000 + number * NOTICE_MS for number in range(4)]
    assert len({event.incident for event in begun}) == 1 and begun[0].incident is not None
    assert [mark(event) for event in begun[:3]] == [None, 1, 2]


def test_the_end_of_a_marked_beginning_is_marked_and_that_of_an_unmarked_one_is_not():
    home = Home()
    assert mark(home.say("smoke.detected", 1)) is None and mark(home.say("smoke.cleared", 2)) is None
    assert mark(home.say("smoke.detected", 3)) == 1 and mark(home.say("smoke.cleared", 4)) == 1


def test_after_ten_quiet_minutes_it_is_a_new_episode_to_the_millisecond():
    for wait_ms, same in ((QUIET_MS - 1, True), (QUIET_MS, False)):
        home = Home()
        first = flap(home, 0, 2, 1_000)[1]
        again = home.say("smoke.detected", 1_500 + wait_ms)
        assert mark(again) is None, "the notice was more than ten minutes ago"
        assert (again.incident == first.incident) is same, wait_ms


def test_a_press_of_a_button_is_never_marked():
    home = Home()
    for number in range(50):
        event = home.say("button.pressed", number)
        assert event.values == {} and event.incident is None
    assert home.engine.next_due_ms() is None and home.journal == {}


def test_a_storm_touches_no_other_device_kind_or_part():
    home = Home()
    flap(home, 0, 20, 1_000)
    assert mark(home.say("smoke.detected", 20_000, OTHER)) is None
    assert mark(home.say("carbon_monoxide.detected", 20_001)) is None
    assert mark(home.say("smoke.detected", 20_002, part="hall")) is None
    assert mark(home.say("smoke.detected", 20_003)) == 20


def test_a_state_that_stays_behind_a_mark_is_told_again_unmarked():
    home = Home()
    first = home.say("smoke.detected", 0)
    home.say("smoke.cleared", 1_000)
    assert mark(home.say("smoke.detected", 2_000)) == 1
    assert home.engine.next_due_ms() == NOTICE_MS
    assert home.due(NOTICE_MS)[0].values == {"again": "storm"}
    assert home.engine.next_due_ms() == NOTICE_MS + QUIET_MS and home.due(NOTICE_MS + QUIET_MS) == []
    last = home.say("smoke.cleared", NOTICE_MS + QUIET_MS)
    assert last.incident == first.incident and home.engine.incidents.open == {}


def test_what_is_told_again_stood_for_two_minutes_and_once_only():
    home = Home()
    home.say("smoke.detected", 0)
    home.say("smoke.cleared", 1_000)
    home.say("smoke.detected", NOTICE_MS - 1)
    assert home.due(NOTICE_MS) == []
    assert told(home.due(NOTICE_MS - 1 + STAYS_MS)) == ["smoke.detected"]
    assert home.due(4 * NOTICE_MS) == [] and home.engine.next_due_ms() is None


def test_what_ended_is_not_told_again():
    home = Home()
    flap(home, 0, 3, 1_000)
    assert home.due(NOTICE_MS) == [] and "device.11.storm.smoke.detected" not in home.journal


def test_a_word_without_the_doubt_of_the_one_before_is_no_repetition():
    home = Home()
    assert mark(home.say("smoke.detected", 0, doubt=UNAUTHENTICATED)) is None
    home.say("smoke.cleared", 1, doubt=UNAUTHENTICATED)
    true = home.say("smoke.detected", 2)
    assert mark(true) is None, "a forger made the first"
    home.say("smoke.cleared", 3)
    assert mark(home.say("smoke.detected", 4, doubt=UNAUTHENTICATED)) == 1
    home.say("smoke.cleared", 5)
    assert mark(home.say("smoke.detected", 6)) == 2


def test_the_technical_person_hears_of_a_storm_once_and_of_its_end_once():
    home = Home()
    found = []
    for number in range(2 * FLAPS):
        found += told(home.all("smoke.detected", 2_000 * number))
        found += told(home.all("smoke.cleared", 2_000 * number + 1_000))
    assert found.count("device.flapping") == 1 and "device.steady" not in found
    assert found[: 2 * FLAPS + 1] == FLAPS * ["smoke.detected", "smoke.cleared"] + ["smoke.detected"]
    last_ms = 2_000 * (2 * FLAPS - 1) + 1_000
    steady = home.due(last_ms + QUIET_MS)
    assert told(steady) == ["device.steady"] and steady[0].values == {"state": "smoke.detected"}
    assert home.engine.next_due_ms() is None and home.engine.storms.held == {} and home.journal == {}


def test_someone_who_opens_a_door_twice_is_no_storm():
    home = Home()
    for number in range(FLAPS):
        events = home.all("tamper.detected", 2_000 * number) + home.all("tamper.cleared", 2_000 * number + 1)
        assert told(events) == ["tamper.detected", "tamper.cleared"]


def test_each_storm_has_a_fault_of_its_own_with_an_incident_of_its_own():
    home = Home()
    faults = []
    for part in ("", "hall"):
        for number in range(FLAPS + 1):
            events = home.all("smoke.detected", 10 * number, part=part) + home.all(
                "smoke.cleared", 10 * number + 5, part=part
            )
            faults += [event for event in events if event.kind == "device.flapping"]
    assert [event.values for event in faults] == [
        {"state": "smoke.detected"},
        {"state": "smoke.detected", "part": "hall"},
    ]
    steady = home.due(40 + QUIET_MS)
    assert told(steady) == 2 * ["device.steady"]
    assert [event.incident for event in steady] == [event.incident for event in faults]


def test_after_a_restart_the_first_beginning_is_new_and_the_storm_is_not_told_twice():
    home = Home()
    before = flap(home, 0, FLAPS + 1, 1_000)
    home.restart()
    home.due(5)
    again = flap(home, 10, FLAPS + 2, 1_000)
    assert [mark(event) for event in again[:3]] == [None, 1, 2]
    assert again[0].incident not in (None, before[0].incident)
    assert told(home.due(10 + 1_000 * (FLAPS + 2) + QUIET_MS)) == ["device.steady"]
    home.restart()
    assert home.engine.next_due_ms() is None and home.journal == {}


def test_a_storm_that_a_restart_ended_is_said_to_be_over_ten_minutes_later():
    home = Home()
    flap(home, 0, FLAPS + 1, 1_000)
    home.restart()
    assert home.engine.next_due_ms() == 0 and home.due(5_000) == []
    assert told(home.due(5_000 + QUIET_MS)) == ["device.steady"]


def test_a_state_behind_a_mark_is_told_again_also_after_a_restart_and_makes_none_of_its_own():
    home = Home()
    home.say("smoke.detected", 0, doubt=UNAUTHENTICATED)
    home.say("smoke.cleared", 1, doubt=UNAUTHENTICATED)
    marked = home.say("smoke.detected", 2, doubt=UNAUTHENTICATED)
    home.restart()
    assert home.due(5_000) == [] and home.engine.next_due_ms() == 5_000 + STAYS_MS
    found = home.due(5_000 + STAYS_MS)
    assert told(found) == ["smoke.detected"] and found[0].provenance == UNAUTHENTICATED
    assert found[0].incident == marked.incident and "repeat" not in found[0].values
    home.restart()
    assert home.engine.next_due_ms() is None


def test_restarts_do_not_let_a_state_behind_a_mark_wait_anew_each_time():
    home = Home()
    home.say("smoke.detected", 0)
    home.say("smoke.cleared", 1)
    home.say("smoke.detected", 2)
    home.restart()
    assert home.due(5_000) == [], "a sensor has two minutes to say what changed"
    home.restart()
    assert told(home.due(5_000)) == ["smoke.detected"], "it had them"
    home.say("smoke.cleared", 6_000)
    assert mark(home.say("smoke.detected", 7_000)) == 2
    home.restart()
    assert home.due(5_000) == [], "another mark: it has not waited yet"


def test_what_an_older_version_kept_of_a_state_behind_a_mark_is_told_again():
    home = Home()
    for number in range(2):
        home.say("smoke.detected", 2 * number)
        home.say("smoke.cleared", 2 * number + 1)
    home.say("smoke.detected", 9)
    home.journal["device.11.storm.smoke.detected"] = cbor.encode([2, UNAUTHENTICATED])
    home.restart()
    home.due(5_000)
    (again,) = home.due(5_000 + STAYS_MS)
    assert again.kind == "smoke.detected" and again.provenance == UNAUTHENTICATED


def test_what_a_device_tells_from_its_log_is_never_marked():
    home = Home()
    for number in range(10):
        for kind in ("lid.opened", "lid.closed"):
            observation = Observation(kind, {})
            identity = bytes(14) + bytes([number, len(kind)])
            event = home.engine.observe(SMOKE, observation, Moment(7, number, None), identity)[0]
            assert event.values == {} and event.identity == identity and event.incident is not None
    assert home.engine.storms.held == {}


def test_a_mark_and_what_is_told_again_pass_the_wire():
    home = Home()
    flap(home, 0, 1, 1_000)
    marked = home.say("smoke.detected", 2_000)
    again = home.due(NOTICE_MS)[0]
    for event in (marked, again):
        assert decode_event(encode_event(event)) == event


def test_states_are_forgotten_when_they_are_quiet_so_memory_is_bounded():
    home = Home()
    for number in range(200):
        flap(home, number * 1_000, 2, 100, number)
    assert len(home.engine.storms.held) == 200
    home.due(200_000 + QUIET_MS)
    assert home.engine.storms.held == {} and home.journal == {}


def test_what_was_told_again_is_repeated_by_what_follows_within_ten_minutes():
    home = Home()
    home.say("smoke.detected", 0)
    home.say("smoke.cleared", 1_000)
    home.say("smoke.detected", NOTICE_MS - 1)
    at_ms = NOTICE_MS - 1 + STAYS_MS
    assert told(home.due(at_ms)) == ["smoke.detected"]
    home.due(NOTICE_MS - 1 + QUIET_MS)
    home.say("smoke.cleared", NOTICE_MS + QUIET_MS)
    assert mark(home.say("smoke.detected", at_ms + NOTICE_MS - 1)) == 2


def test_an_end_in_the_very_moment_a_storm_is_over_ends_it_too():
    home = Home()
    flap(home, 0, FLAPS, 1_000)
    home.all("smoke.detected", FLAPS * 1_000)
    due_ms = home.engine.next_due_ms() or 0
    assert told(home.due(due_ms)) == ["smoke.detected"], "it stands behind a mark"
    events = home.all("smoke.cleared", due_ms + QUIET_MS)
    assert told(events) == ["smoke.cleared", "device.steady"]
    events = home.all("smoke.detected", due_ms + QUIET_MS + 1)
    assert told(events) == ["smoke.detected"] and events[0].values == {}


def test_a_state_that_a_word_from_the_log_ended_is_not_told_again():
    home = Home()
    for number in range(2):
        home.say("lid.opened", 2 * number)
        if number == 0:
            home.say("lid.closed", 1)
    home.engine.observe(SMOKE, Observation("lid.closed", {}), Moment(7, 5, None), b"i" * 16)
    assert home.due(NOTICE_MS) == [] and home.journal == {}


def test_what_is_told_again_and_its_storm_name_the_part():
    home = Home()
    for number in range(FLAPS):
        home.say("smoke.detected", 10 * number, part="hall")
        home.say("smoke.cleared", 10 * number + 5, part="hall")
    flapping = home.all("smoke.detected", 100, part="hall")[1]
    assert flapping.values == {"state": "smoke.detected", "part": "hall"}
    home.restart()
    home.due(1_000)
    again = home.due(1_000 + STAYS_MS)
    assert [event.values for event in again] == [{"again": "storm", "part": "hall"}]
    steady = home.due(1_000 + STAYS_MS + QUIET_MS)
    assert [event.values for event in steady] == [{"state": "smoke.detected", "part": "hall"}]
    assert steady[0].incident == flapping.incident and told(steady) == ["device.steady"]


def test_bytes_that_are_no_state_count_as_nothing_remembered():
    for kept in (
        b"",
        b"\xff",
        b"\x82\x01\x20",
        b"\x81\x01",
        b"\xa0",
        b"\x63abc",
        b"\x82\x01\x61a",
        b"\x83\x01\x02\x41a",
    ):
        assert read_kept(kept, 2) == [], kept
    for row in ([1, MOST], [-1, 2], [1, True], [1, 2, 3], [1, 2, b"rule-id.", 4], []):
        assert read_kept(cbor.encode(row), 2) == [], row
    assert read_kept(b"\x82\x01\x02", 2) == [1, 2, None] and read_kept(b"\x05", 1) == [5, None]
    assert read_kept(as_kept([1, 2, 0], b"rule-id."), 3) == [1, 2, 0, b"rule-id."]
