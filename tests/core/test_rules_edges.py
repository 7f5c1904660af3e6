"""Edges of rules, to the millisecond and to the field: what is told names its device, its moment and its doubt."""

from gateway.core import cbor
from gateway.core.model import REPLAY_SUSPECTED, UNAUTHENTICATED, Event, Observation
from gateway.core.rules.build import DEFAULT_ID, rule_id
from gateway.core.rules.dose import GRACE_MS, RECHECK_MS, DoseRule
from gateway.core.rules.engine import Moment
from gateway.core.rules.exercise import LONGEST_MS
from gateway.core.rules.follower import has_shape, read_state
from gateway.core.rules.incidents import dose_incident
from gateway.core.rules.pack_limits import MOST_DOSES
from gateway.core.rules.storm import FLAPS, NOTICE_MS, STAYS_MS
from gateway.core.rules.tag_gone import LEAVING_MS
from tests.core.rule_home import (
    DISPENSER,
    DOOR,
    HOUR_MS,
    MIDNIGHT_UTC_MS,
    MINUTE_MS,
    MOTION,
    OXIMETER,
    STEP_MS,
    TAG,
    RuleHome,
    kinds,
)
from tests.core.test_exercise import refused
from tests.core.test_storm import OTHER, SMOKE, Home, flap

TAG_GONE = {
    "type": "tag_gone",
    "device": "Tag",
    "door": "Door",
    "gone_s": 120,
    "from": "20:00",
    "to": "08:00",
    "localises": True,
    "legal_basis": "Case 1",
}
DAY = {
    "type": "no_sign_of_life",
    "device": "Motion",
    "others": ["Door"],
    "hours": 6,
    "from": "07:00",
    "to": "23:00",
}
LIMIT = {"type": "vital_limits", "device": "Oximeter", "spo2_below_pct": 88, "readings": 1}
DOUBLE = {"type": "double_dose", "device": "Doses", "minutes": 60}


def said(kind: str, **values: object) -> Observation:
    """What a device says."""
    return Observation(kind, values)


# --- incidents ------------------------------------------------------------------------------------------------------


def test_each_dose_of_each_dispenser_has_an_incident_of_its_own_and_always_the_same():
    """It is worked out and not kept, so it may never change: a receiver joins what came before an update by it."""
    assert dose_incident(16, 7).hex() == "df67ebcbcf1baa6b"  # printf "dose 16 7" | sha256sum
    made = [dose_incident(placement, dose) for placement in (1, 2, 11, 12) for dose in (1, 2, 11, "a")]
    assert len(set(made)) == len(made)


def test_an_exercise_ends_for_one_contact_and_its_incident_is_forgotten_in_the_store_too():
    home = Home()
    home.engine.exercises.begin(SMOKE, "door.night_exit", Moment(7, 0, None), LONGEST_MS)
    tried = home.say("door.night_exit", 1_000, part="door_2")
    other = home.say("door.night_exit", 1_500, part="door_3")
    assert tried.exercise and other.exercise and tried.incident != other.incident
    home.say("door.night_return", 1_600, part="door_3")
    again = home.due(LONGEST_MS + 1)
    assert [(event.kind, event.values["part"]) for event in again] == [("door.night_exit", "door_2")]
    kept = [key for key in home.journal if key.startswith("incident.")]
    assert kept == ["incident." + str(SMOKE) + ".door.night_exit.door_2"]
    assert home.journal[kept[0]] == again[0].incident != tried.incident
    assert [key for key in home.journal if ".exercise." in key] == []


# --- exercises ------------------------------------------------------------------------------------------------------


def test_an_exercise_lasts_from_one_millisecond_to_its_limit_and_its_last_one_still_counts():
    for length_ms, why in (
        (0, "an exercise lasts at most 120 s; begin another after it"),
        (1, ""),
        (LONGEST_MS, ""),
        (LONGEST_MS + 1, "an exercise lasts at most 120 s; begin another after it"),
    ):
        assert refused(Home(), length_ms=length_ms) == why
    home = Home()
    assert refused(home, length_ms=1_000, at_ms=0) == ""
    assert refused(home, at_ms=1_000) == "another exercise is not over; wait for its end"
    assert refused(home, at_ms=1_001) == ""


def test_an_exercise_that_is_ended_covers_what_came_before_that_moment_and_nothing_at_it():
    home = Home()
    home.engine.exercises.begin(SMOKE, "button.pressed", Moment(7, 0, None), LONGEST_MS)
    home.engine.exercises.end(Moment(7, 5_000, None))
    assert [home.say("button.pressed", at_ms).exercise for at_ms in (4_999, 5_000)] == [True, False]


def test_no_exercise_begins_while_any_contact_of_that_kind_is_told_and_the_words_say_why():
    words = "the device has told this itself in the last ten minutes; wait until it is quiet"
    for part in ("", "door_2"):
        home = Home()
        home.say("door.night_exit", 0, part=part)
        assert refused(home, "door.night_exit") == words
        assert refused(home, "door.left_open") == "", "another kind"
    home = Home()
    home.say("door.night_exit", 0, OTHER, "door_2")
    assert refused(home, "door.night_exit") == "", "another device"
    assert (
        refused(Home(), "device.silent")
        == "an exercise is of an alarm; name the kind that begins it, such as smoke.detected"
    )


# --- storms ---------------------------------------------------------------------------------------------------------


def test_a_storm_and_its_end_are_told_with_place_time_and_state():
    home = Home()
    observed: "list[Event]" = []
    moments = [Moment(7, 1_000 + 1_000 * number, 5_000 + number) for number in range(2 * FLAPS + 2)]
    for number in range(len(moments)):
        kind = "door.night_exit" if number % 2 == 0 else "door.night_return"
        observed += home.engine.observe(SMOKE, said(kind, part="door_2"), moments[number])
    storm = [event for event in observed if event.kind == "device.flapping"]
    assert len(storm) == 1 and storm[0].values == {"state": "door.night_exit", "part": "door_2"}
    began = moments[2 * FLAPS]
    assert (storm[0].boot, storm[0].uptime_ms, storm[0].utc_ms) == (7, began.uptime_ms, began.utc_ms)
    over = home.engine.due(Moment(7, 2_000_000, 9_000))
    assert [(event.kind, event.placement, event.boot, event.uptime_ms, event.utc_ms) for event in over] == [
        ("device.steady", SMOKE, 7, 2_000_000, 9_000)
    ]
    assert over[0].values == storm[0].values and over[0].incident == storm[0].incident


def test_a_state_that_is_told_again_has_the_moment_of_the_telling():
    home = Home()
    flap(home, 1_000, 1, 2_000)
    home.say("smoke.detected", 4_000)
    again = home.engine.due(Moment(7, 1_000 + NOTICE_MS + STAYS_MS, 77_000))
    assert [event.kind for event in again] == ["smoke.detected"]
    assert (again[0].boot, again[0].uptime_ms, again[0].utc_ms) == (7, 1_000 + NOTICE_MS + STAYS_MS, 77_000)
    assert again[0].values == {"again": "storm"}


# --- rows that are kept -----------------------------------------------------------------------------------------------


def test_a_kept_row_is_taken_only_where_it_has_its_shape():
    shape = [str, int]
    for row, fits in (
        (["a", 1], True),
        (["a"], False),
        (["a", 1, 2], False),
        ([1, "a"], False),
        (["a", True], False),
        ([], False),
        (("a", 1), False),
        ("a1", False),
        (None, False),
    ):
        assert has_shape(row, shape) == fits, row
    good = [["", 1, 2, 3, 4, b"", 0]]
    told = [["door.left_open", "", b"i" * 8]]
    for rows, opened in ((good, told), (good + [["", 1]], told + [["door.left_open", "", b"short"]])):
        marks, found = read_state(cbor.encode([rows, opened]))
        assert list(marks) == [""] and found == told


# --- doses ------------------------------------------------------------------------------------------------------------


def dose(utc_ms: "int | None", wait_ms: int, at_ms: int = 500_000) -> "int | None":
    """When a dose is looked at whose window ends `wait_ms` after now."""
    rule = DoseRule(DISPENSER, b"rule", {})
    moment = Moment(1, at_ms, utc_ms)
    end = MIDNIGHT_UTC_MS + wait_ms
    rule.observe(
        Event("dose.planned", DISPENSER, 1, at_ms, utc_ms, {"dose_id": 1, "window_end_utc_ms": end}), moment
    )
    return rule.next_due_ms()


def test_a_dose_is_looked_at_when_its_grace_is_over_and_every_ten_minutes_at_least():
    assert dose(MIDNIGHT_UTC_MS, 60_000) == 500_000 + 60_000 + GRACE_MS
    assert dose(MIDNIGHT_UTC_MS, HOUR_MS) == 500_000 + RECHECK_MS
    assert dose(MIDNIGHT_UTC_MS, -GRACE_MS) == 500_000
    assert dose(MIDNIGHT_UTC_MS, -HOUR_MS) == 500_000
    assert dose(None, 60_000) == 500_000 + RECHECK_MS


def test_a_dose_keeps_the_name_that_the_dispenser_gave_it():
    for name in (7, "b7", "7b"):
        home = RuleHome([])
        home.say(DISPENSER, "dose.planned", dose_id=name, window_end_utc_ms=MIDNIGHT_UTC_MS + MINUTE_MS)
        home.restart()
        told = home.wait(HOUR_MS, (DISPENSER,))
        assert [(event.kind, event.values) for event in told] == [("dose.unconfirmed", {"dose_id": name})]


# --- a tag ------------------------------------------------------------------------------------------------------------


def test_an_alarm_of_a_tag_says_how_long_it_was_silent_and_one_that_is_heard_in_time_is_none():
    home = RuleHome([TAG_GONE])
    home.wait(10 * MINUTE_MS, (DOOR, TAG))
    home.say(DOOR, "door.opened")
    told = home.wait(10 * MINUTE_MS, (DOOR,))
    assert kinds(told) == ["tag.gone"]
    silent_ms = told[0].values["silent_ms"]
    assert told[0].values == {"silent_ms": silent_ms} and silent_ms == told[0].uptime_ms - 10 * MINUTE_MS
    assert isinstance(silent_ms, int) and 120_000 <= silent_ms < 120_000 + 2 * MINUTE_MS


def test_a_tag_that_is_heard_for_five_minutes_after_the_door_has_not_left_by_it():
    for heard_ms, expected in ((LEAVING_MS - MINUTE_MS, ["tag.gone"]), (LEAVING_MS + 2 * MINUTE_MS, [])):
        home = RuleHome([TAG_GONE])
        home.wait(10 * MINUTE_MS, (DOOR, TAG))
        home.say(DOOR, "door.opened")
        home.wait(heard_ms, (DOOR, TAG))
        assert kinds(home.wait(HOUR_MS, (DOOR,))) == expected, heard_ms


def test_a_tag_whose_battery_ends_on_the_way_is_a_fault_with_its_reason():
    home = RuleHome([TAG_GONE])
    home.wait(10 * MINUTE_MS, (DOOR, TAG))
    home.say(DOOR, "door.opened")
    home.fault(TAG, "battery.low")
    told = home.wait(10 * MINUTE_MS, (DOOR,))
    assert [(event.kind, event.values) for event in told] == [
        ("rule.cannot_tell", {"reason": "the battery of the tag is low"})
    ]
    assert told[0].placement == TAG and told[0].uptime_ms > 12 * MINUTE_MS - STEP_MS


# --- no sign of activity ------------------------------------------------------------------------------------------------


def test_devices_that_fall_silent_after_the_alarm_put_no_fault_beside_it():
    home = RuleHome([DAY], MIDNIGHT_UTC_MS + 8 * HOUR_MS)
    home.say(MOTION, "motion.detected")
    missing = home.wait(6 * HOUR_MS + MINUTE_MS)
    assert kinds(missing) == ["activity.missing"]
    for placement in (MOTION, DOOR):
        home.fault(placement, "device.silent")
    assert home.wait(3 * HOUR_MS) == []
    seen = home.say(DOOR, "door.opened")
    assert kinds(seen) == ["door.opened", "activity.seen"] and seen[1].incident == missing[0].incident


def test_a_silence_taken_up_after_a_restart_is_written_again_after_ten_more_minutes_and_not_before():
    home = RuleHome([DAY], MIDNIGHT_UTC_MS + 8 * HOUR_MS)
    home.say(MOTION, "motion.detected")
    home.wait(2 * HOUR_MS)
    home.restart()
    kept = dict(home.journal)
    home.wait(9 * MINUTE_MS)
    assert home.journal == kept
    home.wait(3 * MINUTE_MS)
    assert home.journal != kept


# --- limits and double doses ------------------------------------------------------------------------------------------


def test_what_is_told_of_a_limit_carries_value_and_doubt_of_the_reading_that_told_it():
    home = RuleHome([LIMIT], medical_device_functions=True)
    part = "spo2_pct below 88"
    outside = home.say(OXIMETER, "oximetry.measured", provenance=UNAUTHENTICATED, spo2_pct=80)[1]
    inside = home.say(OXIMETER, "oximetry.measured", provenance=REPLAY_SUSPECTED, spo2_pct=95)[1]
    assert (outside.kind, outside.provenance) == ("oximetry.outside_limit", UNAUTHENTICATED)
    assert (inside.kind, inside.provenance) == ("oximetry.inside_limit", REPLAY_SUSPECTED)
    assert outside.values == {"part": part, "spo2_pct": 80} and inside.values == {
        "part": part,
        "spo2_pct": 95,
    }


def test_two_doses_are_a_double_one_below_the_limit_and_none_at_it_and_the_doubt_is_told():
    for apart_ms, expected in ((HOUR_MS - 1, ["dose.double"]), (HOUR_MS, [])):
        home = RuleHome([DOUBLE], medical_device_functions=True)
        home.say(DISPENSER, "dose.collected", apart_ms, dose_id=1)
        told = home.say(DISPENSER, "dose.collected", 0, provenance=UNAUTHENTICATED, dose_id=2)[1:]
        assert kinds(told) == expected
        assert [event.provenance for event in told] == [UNAUTHENTICATED] * len(told)
    home = RuleHome([DOUBLE], medical_device_functions=True)
    home.say(DISPENSER, "dose.collected", 1_000, dose_id=1)
    assert kinds(home.say(DISPENSER, "dose.dispensed", 0, dose_id=2)) == ["dose.dispensed"], "not yet taken"


def test_of_many_doses_the_oldest_by_the_dispensers_time_is_forgotten_first():
    home = RuleHome([DOUBLE], medical_device_functions=True)
    for number in range(MOST_DOSES):  # told in the order of a log that is read backwards
        home.say(DISPENSER, "dose.collected", (number + 1) * 10 * HOUR_MS, dose_id=number)
    assert len(home.engine.rules[0].marks) == MOST_DOSES  # type: ignore[attr-defined]
    assert kinds(home.say(DISPENSER, "dose.collected", 0, dose_id=100)) == ["dose.collected"]
    kept = sorted(home.engine.rules[0].marks)  # type: ignore[attr-defined]
    assert kept == sorted([str(number) for number in range(MOST_DOSES - 1)] + ["100"])


# --- what every rule tells ------------------------------------------------------------------------------------------------


def test_an_event_of_a_rule_has_moment_and_rule_beside_its_kind():
    """An alarm without its time of day would be read as one of the time at which it arrived."""
    home = RuleHome([{"type": "night_window", "device": "Door", "from": "22:00", "to": "06:00"}])
    home.wait(3 * MINUTE_MS)
    told = home.say(DOOR, "door.opened")[1]
    assert (told.kind, told.placement, told.rule) == ("door.night_exit", DOOR, rule_id(home.config.rules[0]))
    assert (told.boot, told.uptime_ms, told.utc_ms) == (1, 3 * MINUTE_MS, MIDNIGHT_UTC_MS + 3 * MINUTE_MS)


def test_a_fault_of_a_dose_names_the_rule_that_told_it_asked_for_or_not():
    for rules, expected in (([], DEFAULT_ID), ([{"type": "dose", "device": "Doses"}], None)):
        home = RuleHome(rules)
        home.say(DISPENSER, "dose.planned", dose_id=1, window_end_utc_ms=MIDNIGHT_UTC_MS + MINUTE_MS)
        told = home.wait(HOUR_MS, (DISPENSER,))
        assert kinds(told) == ["dose.unconfirmed"]
        assert told[0].rule == (expected or rule_id(home.config.rules[0]))


def test_an_exercise_covers_from_its_first_millisecond_on():
    home = Home()
    home.engine.exercises.begin(SMOKE, "button.pressed", Moment(7, 5_000, None), 1_000)
    assert [home.say("button.pressed", at_ms).exercise for at_ms in (4_999, 5_000, 6_000, 6_001)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_door_that_was_out_before_contacts_were_told_apart_returns_once():
    home = RuleHome([{"type": "night_window", "device": "Door", "from": "22:00", "to": "06:00"}])
    home.journal["night." + str(DOOR)] = cbor.encode(1)
    home.restart()
    assert kinds(home.say(DOOR, "door.closed", part="door_2"))[1:] == ["door.night_return"]
    assert kinds(home.say(DOOR, "door.closed", part="door_3"))[1:] == []
    home.say(DOOR, "door.opened")
    assert kinds(home.say(DOOR, "door.closed", part="door_2"))[1:] == [], "that one is another contact"
    assert kinds(home.say(DOOR, "door.closed"))[1:] == ["door.night_return"]


def test_the_reasons_why_nothing_can_be_told_are_those_that_people_read():
    for kind, placement, reason in (
        ("device.silent", DOOR, "the device is silent"),
        ("device.denied", DOOR, "the device may not be read"),
        ("adapter.lost", 0, "the radio is gone"),
        ("line.lost", DOOR, "nothing can be read on the line"),
        ("line.misread", DOOR, "nothing can be read on the line"),
    ):
        home = RuleHome([{"type": "left_open", "device": "Door", "minutes": 5}]).beat(DOOR)
        home.say(DOOR, "door.opened")
        home.fault(placement, kind)
        told = home.wait(10 * MINUTE_MS, (DOOR,))
        assert [(event.kind, event.values) for event in told] == [("rule.cannot_tell", {"reason": reason})]


def test_an_alarm_by_fewer_devices_says_how_many_are_not_heard():
    home = RuleHome([DAY], MIDNIGHT_UTC_MS + 8 * HOUR_MS)
    home.say(MOTION, "motion.detected")
    home.fault(DOOR, "device.silent")
    told = home.wait(7 * HOUR_MS)
    assert kinds(told) == ["activity.missing"]
    assert told[0].values["count"] == 1
    assert told[0].values["reason"] == "devices that are not heard: 1"
