"""No sign of activity (`no_sign_of_life`), and a tag that is gone after a door opened (`tag_gone`)."""

from gateway.core.model import REPLAY_SUSPECTED, WINDOW_ASSUMED
from gateway.core.rules.build import rule_id
from gateway.core.rules.follower import Window
from gateway.core.rules.no_sign import KEEP_MS
from tests.core.rule_home import (
    AUTUMN_UTC_MS,
    DISPENSER,
    DOOR,
    HOUR_MS,
    MIDNIGHT_UTC_MS,
    MINUTE_MS,
    MOTION,
    NOON_UTC_MS,
    SPRING_UTC_MS,
    TAG,
    RuleHome,
    kinds,
)

DAY = {
    "type": "no_sign_of_life",
    "device": "Motion",
    "others": ["Door", "Doses", "Oximeter"],
    "hours": 6,
    "from": "07:00",
    "to": "23:00",
}
LISTENED = (MOTION, DOOR, DISPENSER, 15)
NIGHT = {"type": "night_window", "device": "Door", "from": "22:00", "to": "06:00"}
GONE = {
    "type": "tag_gone",
    "device": "Tag",
    "door": "Door",
    "gone_s": 120,
    "from": "21:00",
    "to": "07:00",
    "localises": True,
    "legal_basis": "Case 26/1234",
}
EIGHT_UTC_MS = MIDNIGHT_UTC_MS + 8 * HOUR_MS


# --- no sign of activity ---------------------------------------------------------------------------------------------


def test_no_sign_for_so_long_is_told_once_and_ends_with_the_next_sign():
    home = RuleHome([DAY], EIGHT_UTC_MS)
    home.say(MOTION, "motion.detected")
    assert home.wait(6 * HOUR_MS - 10_000) == []
    missing = home.wait(20_000)
    assert kinds(missing) == ["activity.missing"]
    assert missing[0].rule == rule_id(home.config.rules[0]) and missing[0].provenance == 0
    assert 6 * HOUR_MS <= missing[0].values["silent_ms"] < 6 * HOUR_MS + MINUTE_MS
    assert home.wait(20 * HOUR_MS) == []
    seen = home.say(DOOR, "door.opened")
    assert kinds(seen) == ["door.opened", "activity.seen"]
    assert seen[1].incident == missing[0].incident is not None


def test_each_thing_that_people_do_is_a_sign_and_what_devices_say_by_themselves_is_none():
    for placement, kind, is_sign in (
        (DOOR, "door.closed", True),
        (MOTION, "motion.detected", True),
        (MOTION, "button.pressed", True),
        (DISPENSER, "dose.collected", True),
        (DISPENSER, "dose.wrong_time", True),
        (15, "oximetry.measured", True),
        (MOTION, "battery.measured", False),
        (MOTION, "climate.measured", False),
        (DISPENSER, "dose.missed", False),
        (DISPENSER, "dose.planned", False),
        (TAG, "motion.detected", False),  # the rule does not listen to it
    ):
        home = RuleHome([DAY], EIGHT_UTC_MS)
        home.wait(5 * HOUR_MS)
        home.say(placement, kind)
        assert kinds(home.wait(2 * HOUR_MS)) == ([] if is_sign else ["activity.missing"]), kind


def test_only_the_hours_of_the_rule_count_and_each_day_begins_anew():
    home = RuleHome([DAY], MIDNIGHT_UTC_MS)
    assert home.wait(13 * HOUR_MS - 30_000) == [], "six hours before 07:00 are a night"
    assert kinds(home.wait(MINUTE_MS)) == ["activity.missing"]
    home.say(MOTION, "motion.detected")
    home.wait(5 * HOUR_MS)
    home.say(MOTION, "motion.detected")  # 18:00
    assert home.wait(18 * HOUR_MS) == [], "five hours until 23:00, and five of the next day"
    assert kinds(home.wait(HOUR_MS + MINUTE_MS)) == ["activity.missing"]


def test_an_unknown_clock_counts_as_within_the_hours_and_the_event_says_so():
    home = RuleHome([DAY], None)
    missing = home.wait(6 * HOUR_MS + MINUTE_MS)
    assert kinds(missing) == ["activity.missing"] and missing[0].provenance == WINDOW_ASSUMED


def test_hours_begin_where_the_wall_says_so_through_both_changes_of_summer_time():
    rule = dict(DAY)
    rule.update(
        {"from": "01:00", "hours": 6}
    )  # six hours from 01:00 end at 08:00 in spring, at 06:00 in autumn
    for midnight, clock in ((SPRING_UTC_MS, 7 * HOUR_MS), (AUTUMN_UTC_MS, 7 * HOUR_MS)):
        home = RuleHome([rule], midnight)
        assert home.wait(clock - MINUTE_MS) == [], midnight
        assert kinds(home.wait(2 * MINUTE_MS)) == ["activity.missing"], midnight
    # nine hours after midnight the wall says 10:00 in spring, 08:00 in autumn
    day, early = Window(7 * 60, 23 * 60, "Europe/Oslo"), Window(60, 23 * 60, "Europe/Oslo")
    for midnight, hours in ((SPRING_UTC_MS, 3), (AUTUMN_UTC_MS, 1), (MIDNIGHT_UTC_MS, 2)):
        assert day.since_ms(midnight + 9 * HOUR_MS) == hours * HOUR_MS, midnight
        assert early.since_ms(midnight + 9 * HOUR_MS) == 8 * HOUR_MS, "01:00 is an hour after midnight in all"
        assert early.since_ms(midnight + 30 * MINUTE_MS) == 23 * HOUR_MS + 30 * MINUTE_MS
    assert Window(60, 60, "Europe/Oslo").since_ms(MIDNIGHT_UTC_MS) is None


def test_a_restart_loses_no_more_than_ten_minutes_of_the_silence_and_nothing_of_the_alarm():
    home = RuleHome([DAY], EIGHT_UTC_MS)
    home.say(MOTION, "motion.detected")
    home.wait(5 * HOUR_MS)
    home.restart()
    assert home.wait(HOUR_MS - MINUTE_MS) == []
    missing = home.wait(KEEP_MS + 2 * MINUTE_MS)
    assert kinds(missing) == ["activity.missing"]
    home.restart()
    assert home.wait(3 * HOUR_MS) == []
    seen = home.say(MOTION, "motion.detected")
    assert kinds(seen)[1:] == ["activity.seen"] and seen[1].incident == missing[0].incident


def test_a_sign_before_a_restart_is_not_forgotten():
    home = RuleHome([DAY], EIGHT_UTC_MS)
    home.wait(5 * HOUR_MS)
    home.say(MOTION, "motion.detected")
    home.restart()
    assert home.wait(5 * HOUR_MS) == []


def test_time_in_which_the_hub_did_not_run_is_no_silence_of_a_person():
    home = RuleHome([DAY], EIGHT_UTC_MS)
    home.say(MOTION, "motion.detected")
    home.restart(7 * HOUR_MS)
    assert home.wait(5 * HOUR_MS) == []


def test_what_is_remembered_is_written_seldom():
    home = RuleHome([DAY], EIGHT_UTC_MS)
    rows = set()
    for _ in range(60):
        home.say(MOTION, "motion.detected")
        home.wait(MINUTE_MS)
        rows.add(home.journal[next(key for key in home.journal if key.startswith("rule."))])
    assert len(rows) == 1, "a sign each minute moves nothing in the store"


def test_where_all_its_devices_are_silent_the_rule_cannot_tell_and_alarms_nobody():
    home = RuleHome([DAY], EIGHT_UTC_MS).beat(*LISTENED)
    home.say(MOTION, "motion.detected")
    for placement in LISTENED:
        home.fault(placement, "device.silent")
    doubt = home.wait(10 * HOUR_MS)
    assert kinds(doubt) == ["rule.cannot_tell"] and doubt[0].values["reason"] == "the device is silent"
    home.restart()
    assert home.wait(HOUR_MS) == []
    home.fault(DOOR, "device.back")
    told = home.wait(2 * MINUTE_MS)
    assert kinds(told) == ["rule.can_tell"] and told[0].incident == doubt[0].incident
    assert home.wait(4 * HOUR_MS) == [], "it counts anew"


def test_a_silence_of_devices_that_ended_before_the_hours_were_full_is_not_counted():
    home = RuleHome([DAY], EIGHT_UTC_MS).beat(*LISTENED)
    home.say(MOTION, "motion.detected")
    home.wait(HOUR_MS)
    for placement in LISTENED:
        home.fault(placement, "device.silent")
    home.wait(4 * HOUR_MS)
    home.fault(DOOR, "device.back")
    assert home.wait(5 * HOUR_MS) == []
    assert kinds(home.wait(2 * HOUR_MS)) == ["activity.missing"]


def test_as_long_as_one_device_is_heard_the_alarm_is_given_and_says_how_many_are_not():
    home = RuleHome([DAY], EIGHT_UTC_MS).beat(*LISTENED)
    home.fault(MOTION, "device.silent")
    home.fault(DISPENSER, "device.silent")
    missing = home.wait(7 * HOUR_MS)
    assert kinds(missing) == ["activity.missing"] and missing[0].values["count"] == 2


def test_a_radio_that_is_gone_or_a_device_that_is_late_is_no_silence_of_a_person():
    alone = dict(DAY)
    del alone["others"]
    home = RuleHome([alone], EIGHT_UTC_MS)
    home.fault(0, "adapter.lost")
    assert kinds(home.wait(10 * HOUR_MS)) == ["rule.cannot_tell"]
    home = RuleHome([alone], EIGHT_UTC_MS)
    home.intervals[MOTION] = 3 * HOUR_MS  # reported as silent after nine, when six have passed
    home.restart()
    home.say(MOTION, "motion.detected")
    assert kinds(home.wait(8 * HOUR_MS)) == ["rule.cannot_tell"]
    home = RuleHome([alone], EIGHT_UTC_MS)
    home.intervals[MOTION] = 3 * HOUR_MS
    home.restart()
    assert kinds(home.wait(7 * HOUR_MS, (MOTION,))) == ["activity.missing"], "heard, and nobody moves"


def test_a_dose_that_is_told_late_counts_from_when_it_was_collected():
    home = RuleHome([DAY], EIGHT_UTC_MS)
    home.wait(5 * HOUR_MS)
    home.say(DISPENSER, "dose.collected", age_ms=4 * HOUR_MS, dose_id=1)
    assert kinds(home.wait(2 * HOUR_MS + MINUTE_MS)) == ["activity.missing"]
    home.say(DISPENSER, "dose.collected", age_ms=9 * HOUR_MS, dose_id=0)
    assert home.told[-1].kind == "dose.collected", "older than the silence: it ends nothing"
    home.say(15, "oximetry.measured", stored=True)
    assert home.told[-1].kind == "oximetry.measured"
    home.say(DISPENSER, "dose.collected", age_ms=MINUTE_MS, dose_id=2)
    assert home.told[-1].kind == "activity.seen"


def test_a_replayed_press_is_no_sign_of_anybody():
    home = RuleHome([DAY], EIGHT_UTC_MS)
    home.wait(7 * HOUR_MS)
    assert kinds(home.say(MOTION, "button.pressed", provenance=REPLAY_SUSPECTED)) == ["button.pressed"]
    assert kinds(home.say(MOTION, "button.pressed")) == ["button.pressed", "activity.seen"]


def test_motion_that_flaps_costs_nothing_and_tells_nothing():
    home = RuleHome([DAY], EIGHT_UTC_MS)
    for number in range(500):
        kind = "motion.detected" if number % 2 else "motion.cleared"
        assert kinds(home.say(MOTION, kind)) == [kind]
        assert home.wait(10_000) == []


# --- a tag that is gone ----------------------------------------------------------------------------------------------


def with_tag(rules: "list[dict[str, object]]", utc_ms: "int | None" = MIDNIGHT_UTC_MS) -> RuleHome:
    """A home in which the tag has been heard for a while."""
    home = RuleHome(rules, utc_ms)
    home.wait(MINUTE_MS, (TAG,))
    return home


def test_a_tag_that_is_gone_after_the_door_opened_is_told_in_the_incident_of_the_exit_and_ends_when_it_is_heard():
    home = with_tag([GONE, NIGHT])
    left = home.say(DOOR, "door.opened")[1]
    assert left.kind == "door.night_exit"
    home.wait(30_000, (TAG,))
    home.say(DOOR, "door.closed")
    assert home.wait(110_000) == []
    gone = home.wait(20_000)
    assert kinds(gone) == ["tag.gone"] and gone[0].incident == left.incident and gone[0].placement == TAG
    assert gone[0].rule == rule_id(home.config.rules[0]) and gone[0].provenance == 0
    assert home.wait(HOUR_MS) == []
    home.hear(TAG)
    back = home.wait(10_000)
    assert kinds(back) == ["tag.back"] and back[0].incident == left.incident
    assert [key for key in home.journal if key.startswith("rule.")] == []


def test_a_door_that_opens_while_somebody_is_missed_is_the_incident_of_who_left_and_afterwards_a_new_one():
    for out_ms in (3 * MINUTE_MS, HOUR_MS):
        home = with_tag([GONE, NIGHT])
        left = home.say(DOOR, "door.opened")[1]
        home.say(DOOR, "door.closed")
        assert kinds(home.wait(out_ms)) == ["tag.gone"]
        back = home.say(DOOR, "door.opened")[1]
        assert (
            back.kind == "door.night_exit" and back.incident == left.incident and "repeat" not in back.values
        )
        assert home.say(DOOR, "door.closed")[1].incident == left.incident
        home.hear(TAG)
        assert kinds(home.wait(10_000)) == ["tag.back"]
        assert home.say(DOOR, "door.opened")[1].incident != left.incident, "somebody leaves anew"


def test_without_a_rule_of_the_night_the_incident_is_that_of_the_door():
    home = with_tag([GONE])
    opened = home.say(DOOR, "door.opened")[0]
    gone = home.wait(3 * MINUTE_MS)
    assert kinds(gone) == ["tag.gone"] and gone[0].incident == opened.incident is not None


def test_a_tag_that_stays_near_when_the_door_opens_and_is_lost_later_is_nobody_who_left():
    home = with_tag([GONE])
    home.say(DOOR, "door.opened")
    assert home.wait(10 * MINUTE_MS, (TAG,)) == []
    assert home.wait(HOUR_MS) == []


def test_a_tag_that_is_gone_by_day_or_while_no_door_opened_is_nobody_who_left():
    home = with_tag([GONE], NOON_UTC_MS)
    home.say(DOOR, "door.opened")
    assert home.wait(HOUR_MS) == []
    home = with_tag([GONE])
    assert home.wait(HOUR_MS) == []


def test_an_opening_with_an_unknown_clock_counts_as_within_the_hours_and_the_event_says_so():
    home = with_tag([GONE], None)
    home.say(DOOR, "door.opened")
    gone = home.wait(3 * MINUTE_MS)
    assert kinds(gone) == ["tag.gone"] and gone[0].provenance == WINDOW_ASSUMED


def test_the_hours_of_a_tag_follow_both_changes_of_summer_time():
    rule = dict(GONE)
    rule.update({"from": "03:00", "to": "04:00"})
    # 03:30 by the wall: 2.5 h after midnight in spring, 4.5 h in autumn
    for midnight, inside, outside in ((SPRING_UTC_MS, 150, 210), (AUTUMN_UTC_MS, 270, 210)):
        for minutes, expected in ((inside, ["tag.gone"]), (outside, [])):
            home = with_tag([rule], midnight + (minutes - 1) * MINUTE_MS)
            home.say(DOOR, "door.opened")
            assert kinds(home.wait(3 * MINUTE_MS)) == expected, (midnight, minutes)


def test_a_tag_at_the_edge_of_earshot_is_told_once_for_each_opening():
    home = with_tag([GONE])
    home.say(DOOR, "door.opened")
    for _ in range(10):
        home.wait(3 * MINUTE_MS)
        home.hear(TAG)
    assert kinds(home.wait(HOUR_MS)).count("tag.gone") == 0
    assert kinds(home.told).count("tag.gone") == kinds(home.told).count("tag.back") == 1


def test_a_restart_changes_nothing_for_a_tag_that_is_leaving_or_gone():
    home = with_tag([GONE, NIGHT])
    left = home.say(DOOR, "door.opened")[1]
    home.restart()
    assert home.wait(110_000) == []
    gone = home.wait(30_000)
    assert kinds(gone) == ["tag.gone"] and gone[0].incident == left.incident
    home.restart(HOUR_MS)
    assert home.wait(HOUR_MS) == []
    home.hear(TAG)
    assert [event.incident for event in home.wait(10_000)] == [left.incident]
    assert home.told[-1].kind == "tag.back"


def test_a_tag_that_is_heard_after_a_restart_did_not_leave():
    home = with_tag([GONE])
    home.say(DOOR, "door.opened")
    home.restart(10 * MINUTE_MS)
    assert home.wait(10 * MINUTE_MS, (TAG,)) == []


def test_a_tag_that_was_silent_before_the_door_opened_is_a_fault_and_ends_when_it_is_heard():
    home = RuleHome([GONE])
    home.wait(3 * MINUTE_MS)
    doubt = home.say(DOOR, "door.opened")
    assert kinds(doubt) == ["door.opened", "rule.cannot_tell"]
    assert doubt[1].values == {"reason": "the tag was not heard before the door opened"}
    home.say(DOOR, "door.closed")
    assert kinds(home.say(DOOR, "door.opened")) == ["door.opened"], "said once"
    assert home.wait(HOUR_MS) == []
    home.hear(TAG)
    over = home.wait(10_000)
    assert kinds(over) == ["rule.can_tell"] and over[0].incident == doubt[1].incident


def test_a_tag_with_a_low_battery_a_silent_one_and_a_radio_that_is_gone_are_faults():
    for placement, kind in ((TAG, "battery.low"), (TAG, "device.silent"), (0, "adapter.lost")):
        home = with_tag([GONE]).beat(TAG)
        home.fault(placement, kind)
        told = home.say(DOOR, "door.opened") + home.wait(HOUR_MS)
        assert kinds(told) == ["door.opened", "rule.cannot_tell"], kind
    home = with_tag([GONE])
    home.say(DOOR, "door.opened")
    home.fault(TAG, "battery.low")  # its last word
    assert kinds(home.wait(HOUR_MS)) == ["rule.cannot_tell"]
    home.fault(TAG, "battery.restored")
    home.hear(TAG)
    assert kinds(home.wait(MINUTE_MS)) == ["rule.can_tell"]


def test_a_tag_that_is_late_by_its_own_rhythm_was_silent_before():
    home = RuleHome([GONE])
    home.intervals[TAG] = 10_000
    home.restart()
    home.wait(MINUTE_MS, (TAG,))
    home.wait(30_000)
    assert kinds(home.say(DOOR, "door.opened")) == ["door.opened", "rule.cannot_tell"]
