"""Rules of doors: left open (`left_open`) and not used again after an exit at night (`not_back`)."""

from gateway.core import cbor
from gateway.core.event_codec import encode_event
from gateway.core.model import UNAUTHENTICATED, WINDOW_ASSUMED
from gateway.core.rules.build import rule_id
from gateway.core.rules.follower import read_state
from gateway.core.rules.not_back import BOUNCE_MS, PASSAGE_MS
from gateway.core.rules.storm import MOST
from tests.core.rule_home import (
    AUTUMN_UTC_MS,
    DOOR,
    HOUR_MS,
    MIDNIGHT_UTC_MS,
    MINUTE_MS,
    NOON_UTC_MS,
    SPRING_UTC_MS,
    WINDOW,
    RuleHome,
    kinds,
)

OPEN = {"type": "left_open", "device": "Door", "minutes": 10}
OPEN_AT_NIGHT = {"type": "left_open", "device": "Door", "minutes": 10, "from": "22:00", "to": "06:00"}
NIGHT = {"type": "night_window", "device": "Door", "from": "22:00", "to": "06:00"}
AWAY = {"type": "not_back", "device": "Door", "minutes": 20}


def passage(home: RuleHome, seconds: int = 5) -> "list[str]":
    """The door opens, and closes so soon after."""
    told = home.say(DOOR, "door.opened")
    home.wait(1000 * seconds)
    return kinds(told + home.say(DOOR, "door.closed"))


# --- left open -------------------------------------------------------------------------------------------------------


def test_a_door_that_stands_open_for_too_long_is_told_once_and_ends_when_it_closes():
    home = RuleHome([OPEN], NOON_UTC_MS)
    opened = home.say(DOOR, "door.opened")[0]
    assert home.wait(10 * MINUTE_MS - 1_000) == []
    left = home.wait(MINUTE_MS)
    assert kinds(left) == ["door.left_open"]
    assert left[0].rule == rule_id(home.config.rules[0]) and left[0].provenance == 0
    assert home.wait(5 * HOUR_MS) == []
    back = home.say(DOOR, "door.closed")
    assert kinds(back) == ["door.closed", "door.closed_again"]
    assert opened.incident == left[0].incident == back[1].incident is not None
    assert [key for key in home.journal if key.startswith("rule.")] == []


def test_a_door_that_closes_in_time_or_flaps_is_not_left_open():
    home = RuleHome([OPEN], NOON_UTC_MS)
    for _ in range(200):
        home.say(DOOR, "door.opened")
        assert home.wait(7_000) == []
        assert kinds(home.say(DOOR, "door.closed")) == ["door.closed"]
        assert home.wait(7_000) == []


def test_an_open_door_that_is_told_open_again_is_open_since_the_first_time():
    home = RuleHome([OPEN], NOON_UTC_MS)
    for _ in range(5):
        home.say(DOOR, "door.opened")
        home.wait(2 * MINUTE_MS)
    assert kinds(home.told).count("door.left_open") == 1


def test_each_contact_of_a_sensor_is_left_open_by_itself():
    home = RuleHome([OPEN], NOON_UTC_MS)
    home.say(DOOR, "door.opened", part="window")
    home.wait(5 * MINUTE_MS)
    home.say(DOOR, "door.opened")
    assert [event.values for event in home.wait(6 * MINUTE_MS)] == [{"part": "window"}]
    assert kinds(home.say(DOOR, "door.closed", part="window")) == ["door.closed", "door.closed_again"]
    assert [event.values for event in home.wait(6 * MINUTE_MS)] == [{}]


def test_a_door_that_stands_open_when_the_hours_begin_is_told_then():
    home = RuleHome([OPEN_AT_NIGHT], NOON_UTC_MS)
    home.say(DOOR, "door.opened")
    assert home.wait(10 * HOUR_MS - 10_000) == []
    assert kinds(home.wait(20_000)) == ["door.left_open"]


def test_an_unknown_clock_counts_as_within_the_hours_and_the_event_says_so():
    home = RuleHome([OPEN_AT_NIGHT], None)
    home.say(DOOR, "door.opened", provenance=UNAUTHENTICATED)
    left = home.wait(11 * MINUTE_MS)
    assert kinds(left) == ["door.left_open"]
    assert left[0].provenance == WINDOW_ASSUMED | UNAUTHENTICATED and left[0].utc_ms is None
    always = RuleHome([OPEN], None)
    always.say(DOOR, "door.opened")
    assert always.wait(11 * MINUTE_MS)[0].provenance == 0, "without hours none were assumed"


def test_a_restart_changes_nothing_for_a_door_that_stands_open():
    home = RuleHome([OPEN], NOON_UTC_MS)
    opened = home.say(DOOR, "door.opened")[0]
    home.wait(6 * MINUTE_MS)
    home.restart()
    assert home.wait(4 * MINUTE_MS - 10_000) == []
    left = home.wait(20_000)
    assert kinds(left) == ["door.left_open"] and left[0].incident == opened.incident
    home.restart()
    assert home.wait(HOUR_MS) == [], "told once"
    back = home.say(DOOR, "door.closed")
    assert kinds(back) == ["door.closed", "door.closed_again"] and back[1].incident == opened.incident


def test_after_a_power_cut_a_sensor_has_two_minutes_to_say_that_the_door_was_closed():
    for closes in (True, False):
        home = RuleHome([OPEN], NOON_UTC_MS)
        home.say(DOOR, "door.opened")
        home.restart(HOUR_MS)
        assert home.wait(MINUTE_MS) == []
        if closes:
            assert kinds(home.say(DOOR, "door.closed")) == ["door.closed"]
        assert kinds(home.wait(2 * MINUTE_MS)) == ([] if closes else ["door.left_open"])


def test_a_restart_without_a_clock_counts_from_the_start():
    home = RuleHome([OPEN], NOON_UTC_MS)
    home.say(DOOR, "door.opened")
    home.restart(HOUR_MS, False)
    assert home.wait(9 * MINUTE_MS) == []
    assert kinds(home.wait(2 * MINUTE_MS)) == ["door.left_open"]


def test_a_sensor_that_is_silent_leaves_no_door_open():
    home = RuleHome([OPEN], NOON_UTC_MS).beat(DOOR)
    home.say(DOOR, "door.opened")
    home.fault(DOOR, "device.silent")
    doubt = home.wait(HOUR_MS)
    assert kinds(doubt) == ["rule.cannot_tell"] and doubt[0].values == {"reason": "the device is silent"}
    assert doubt[0].incident is not None and doubt[0].rule is not None
    home.fault(DOOR, "device.back")
    told = home.wait(MINUTE_MS)
    assert kinds(told) == ["rule.can_tell", "door.left_open"], "it is heard and has not said that it closed"
    assert told[0].incident == doubt[0].incident != told[1].incident


def test_a_sensor_that_returns_closed_was_a_fault_and_nothing_else():
    home = RuleHome([OPEN], NOON_UTC_MS).beat(DOOR)
    home.say(DOOR, "door.opened")
    home.fault(DOOR, "device.silent")
    home.wait(HOUR_MS)
    assert kinds(home.say(DOOR, "door.closed")) == ["door.closed", "rule.can_tell"]
    home.fault(DOOR, "device.back")
    assert home.wait(HOUR_MS) == []


def test_a_sensor_that_is_late_or_a_radio_that_is_gone_leaves_no_door_open():
    home = RuleHome([OPEN], NOON_UTC_MS)
    home.intervals[DOOR] = 5 * MINUTE_MS
    home.restart()
    home.say(DOOR, "door.opened")
    assert [event.values["reason"] for event in home.wait(11 * MINUTE_MS)] == ["the device is late"]
    for fault, placement in (("adapter.lost", 0), ("device.denied", DOOR)):
        home = RuleHome([OPEN], NOON_UTC_MS)
        home.say(DOOR, "door.opened")
        home.fault(placement, fault)
        assert kinds(home.wait(HOUR_MS)) == ["rule.cannot_tell"]


def test_the_hours_follow_both_changes_of_summer_time():
    # Open since 00:30; the hours begin at 03:00 by the wall, which comes an hour earlier in spring, later in autumn.
    rule = {"type": "left_open", "device": "Door", "minutes": 10, "from": "03:00", "to": "06:00"}
    for midnight, minutes in ((SPRING_UTC_MS, 90), (AUTUMN_UTC_MS, 210), (MIDNIGHT_UTC_MS, 150)):
        home = RuleHome([rule], midnight + 30 * MINUTE_MS)
        home.say(DOOR, "door.opened")
        assert home.wait(minutes * MINUTE_MS - 10_000) == []
        assert kinds(home.wait(20_000)) == ["door.left_open"], midnight


def test_the_incident_is_that_of_the_night_where_a_rule_of_the_night_tells_the_opening():
    home = RuleHome([OPEN, NIGHT])
    opened, left = home.say(DOOR, "door.opened")
    assert left.kind == "door.night_exit" and left.incident != opened.incident
    long = home.wait(11 * MINUTE_MS)
    assert kinds(long) == ["door.left_open"] and long[0].incident == left.incident


# --- not back --------------------------------------------------------------------------------------------------------


def test_a_door_that_is_not_used_again_is_told_in_the_incident_of_the_exit_and_ends_with_the_return():
    home = RuleHome([AWAY, NIGHT])
    left = home.say(DOOR, "door.opened")[1]
    home.wait(5_000)
    assert kinds(home.say(DOOR, "door.closed")) == ["door.closed", "door.night_return"]
    assert home.wait(20 * MINUTE_MS - 10_000) == []
    unseen = home.wait(20_000)
    assert kinds(unseen) == ["door.return_unseen"] and unseen[0].incident == left.incident
    assert unseen[0].rule == rule_id(home.config.rules[0])
    assert home.wait(8 * HOUR_MS) == []
    back = home.say(DOOR, "door.opened")
    assert [event.incident for event in back if event.kind == "door.moved_again"] == [left.incident]
    assert [key for key in home.journal if key.startswith("rule.")] == []


def test_whoever_comes_back_in_time_is_not_missed_and_may_leave_again():
    home = RuleHome([NIGHT, AWAY])
    passage(home)
    home.wait(10 * MINUTE_MS)
    passage(home)
    assert home.wait(HOUR_MS) == []
    passage(home)
    assert kinds(home.wait(HOUR_MS)) == ["door.return_unseen"]


def test_a_door_that_stood_open_and_is_closed_is_a_return():
    home = RuleHome([NIGHT, AWAY])
    passage(home, 5 * 60)
    assert home.wait(HOUR_MS) == []


def test_a_door_that_is_never_closed_is_told_and_its_closing_ends_it():
    home = RuleHome([NIGHT, AWAY])
    left = home.say(DOOR, "door.opened")[1]
    assert kinds(home.wait(HOUR_MS)) == ["door.return_unseen"]
    back = home.say(DOOR, "door.closed")
    assert sorted(kinds(back)) == ["door.closed", "door.moved_again", "door.night_return"]
    assert {event.incident for event in back[1:]} == {left.incident}


def test_a_contact_that_flaps_is_one_passage_and_delays_nothing():
    home = RuleHome([NIGHT, AWAY])
    for _ in range(10):
        passage(home, 2)
        home.wait(2_000)
    assert "door.return_unseen" in kinds(home.wait(20 * MINUTE_MS))
    home = RuleHome([NIGHT, AWAY])
    for _ in range(20 * 60 // 4 + 10):
        passage(home, 2)
        home.wait(2_000)
    assert kinds(home.told).count("door.return_unseen") >= 1, "twenty minutes after the first opening"


def after_return(*pauses_ms: int) -> "list[str]":
    """Somebody goes out, comes back ten minutes later, and the contact turns again after each pause: what is told of it."""
    home = RuleHome([NIGHT, AWAY])
    passage(home)
    home.wait(10 * MINUTE_MS)
    home.say(DOOR, "door.opened")
    for number, pause_ms in enumerate(pauses_ms):
        home.wait(pause_ms)
        home.say(DOOR, "door.opened" if number % 2 else "door.closed")
    return [kind for kind in kinds(home.wait(HOUR_MS)) if kind != "device.steady"]


def test_who_comes_in_and_leaves_again_at_once_is_waited_for():
    assert after_return(5_000) == [], "came in"
    for inside_ms in (BOUNCE_MS, 2_000, PASSAGE_MS - 1, PASSAGE_MS, PASSAGE_MS + 1):
        assert after_return(5_000, inside_ms, 5_000) == ["door.return_unseen"], inside_ms
    assert after_return(5_000, 10_000) == ["door.return_unseen"], "and left the door open"


def test_a_door_that_slams_behind_who_came_in_is_nobody_who_left():
    assert after_return(4_000, 300, 200) == [], "it bounced when it shut"
    assert after_return(300, 200, 4_000) == [], "and when it opened"
    assert after_return(4_000, 300, 200, 300, 200, 300, 200) == []
    assert after_return(4_000, 300, 200, 8_000, 4_000) == ["door.return_unseen"], "and then went"


def test_who_leaves_again_right_after_a_return_that_was_late_is_waited_for_anew_also_over_a_restart():
    home = RuleHome([NIGHT, AWAY])
    passage(home)
    assert kinds(home.wait(HOUR_MS)) == ["door.return_unseen"]
    assert "door.moved_again" in kinds(home.say(DOOR, "door.opened"))
    home.wait(5_000)
    home.say(DOOR, "door.closed")
    home.wait(5_000)
    left = home.say(DOOR, "door.opened")[1]
    home.restart()
    home.wait(500)
    home.say(DOOR, "door.closed")
    unseen = home.wait(HOUR_MS)
    assert kinds(unseen) == ["door.return_unseen"] and unseen[0].incident == left.incident


def test_an_exit_by_day_or_by_another_door_is_nobody_missing():
    home = RuleHome([NIGHT, AWAY], NOON_UTC_MS)
    passage(home)
    assert home.wait(4 * HOUR_MS) == []
    home = RuleHome([NIGHT, AWAY])
    home.say(WINDOW, "door.opened")
    assert home.wait(4 * HOUR_MS) == []


def test_an_exit_with_an_unknown_clock_counts_as_night_and_says_so():
    home = RuleHome([NIGHT, AWAY], None)
    passage(home)
    unseen = home.wait(HOUR_MS)
    assert kinds(unseen) == ["door.return_unseen"] and unseen[0].provenance == WINDOW_ASSUMED


def test_a_restart_changes_nothing_for_who_is_out():
    home = RuleHome([NIGHT, AWAY])
    left = home.say(DOOR, "door.opened")[1]
    home.restart()
    home.wait(5_000)
    home.say(DOOR, "door.closed")
    home.wait(10 * MINUTE_MS)
    home.restart(MINUTE_MS)
    assert home.wait(8 * MINUTE_MS) == []
    unseen = home.wait(2 * MINUTE_MS)
    assert kinds(unseen) == ["door.return_unseen"] and unseen[0].incident == left.incident
    home.restart()
    assert home.wait(HOUR_MS) == []
    back = home.say(DOOR, "door.opened")
    assert [event.incident for event in back if event.kind == "door.moved_again"] == [left.incident]


def test_the_nights_of_both_changes_of_summer_time_count_minutes_and_not_the_wall():
    for midnight in (SPRING_UTC_MS, AUTUMN_UTC_MS):
        home = RuleHome([NIGHT, AWAY], midnight + 110 * MINUTE_MS)  # 01:50
        passage(home)
        assert home.wait(20 * MINUTE_MS - 10_000) == []
        assert kinds(home.wait(20_000)) == ["door.return_unseen"]


def test_a_sensor_that_is_silent_misses_nobody_and_counts_anew_when_it_is_heard():
    home = RuleHome([NIGHT, AWAY]).beat(DOOR)
    passage(home)
    home.wait(10 * MINUTE_MS)
    home.fault(DOOR, "device.silent")
    assert kinds(home.wait(5 * HOUR_MS)) == ["rule.cannot_tell"]
    home.fault(DOOR, "device.back")
    assert kinds(home.wait(MINUTE_MS)) == ["rule.can_tell"]
    assert home.wait(18 * MINUTE_MS) == []
    assert kinds(home.wait(3 * MINUTE_MS)) == ["door.return_unseen"]


def test_who_returns_while_the_rule_cannot_tell_ends_the_doubt():
    home = RuleHome([NIGHT, AWAY]).beat(DOOR)
    passage(home)
    home.fault(DOOR, "device.silent")
    home.wait(HOUR_MS)
    assert "rule.can_tell" in kinds(home.say(DOOR, "door.opened"))
    assert home.wait(HOUR_MS) == []


def test_state_that_is_no_state_of_a_rule_is_nothing_remembered():
    first = RuleHome([NIGHT, AWAY, OPEN])
    first.say(DOOR, "door.opened")
    keys = [key for key in first.journal if key.startswith("rule.")]
    assert len(keys) == 2
    for item in (
        b"",
        b"\xff",
        b"\x80",
        b"\x82\x01\x02",
        b"\x82\x81\x81\x01\x81\x81\x00",
        first.journal[keys[0]][:-3],
    ):
        for key in keys:
            first.journal[key] = item
        first.restart()
        assert first.wait(5 * MINUTE_MS) == []


def test_numbers_that_no_mark_has_are_nothing_remembered():
    """A negative provenance, or a time beyond all, would make an alarm that does not encode."""
    home = RuleHome([NIGHT, AWAY])
    home.say(DOOR, "door.opened")
    (key,) = [key for key in home.journal if key.startswith("rule.")]
    (good,), told = cbor.decode(home.journal[key])
    for at, number in ((6, -1), (1, -1), (2, -1), (3, -2), (4, -1), (2, MOST), (4, MOST), (6, MOST)):
        row = list(good)
        row[at] = number
        assert read_state(cbor.encode([[row], told])) == ({}, []), (at, number)
        home.journal[key] = cbor.encode([[row], told])
        home.restart()
        assert [encode_event(event) for event in home.wait(HOUR_MS)] == []
    marks, _ = read_state(cbor.encode([[good], told]))
    assert marks[""].provenance == good[6]
