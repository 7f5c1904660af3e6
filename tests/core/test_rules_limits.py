"""The rules that judge a person's values: off unless they are asked for by name, and what they make of readings."""

from gateway.core.model import Absent, Decimal
from gateway.core.rules.build import rule_id
from tests.core.rule_home import DISPENSER, DOOR, HOUR_MS, MINUTE_MS, OXIMETER, RuleHome, kinds, refusal, tree

LIMITS = {
    "type": "vital_limits",
    "device": "Oximeter",
    "spo2_below_pct": 88,
    "pulse_below_bpm": 45,
    "pulse_above_bpm": 130,
    "readings": 3,
}
DOUBLE = {"type": "double_dose", "device": "Doses", "minutes": 60}


def on(*rules: "dict[str, object]") -> RuleHome:
    """A home where the switch is on."""
    return RuleHome(list(rules), medical_device_functions=True)


def measured(home: RuleHome, spo2_pct: object, pulse: object = 70, **values: object) -> "list[str]":
    """One reading: what was told beside it."""
    values.update({"spo2_pct": spo2_pct, "pulse_rate_bpm": pulse})
    told = home.say(OXIMETER, "oximetry.measured", **values)
    assert told[0].kind == "oximetry.measured" and told[0].values["spo2_pct"] == spo2_pct
    return kinds(told[1:])


def test_without_the_switch_a_rule_that_judges_measurements_is_refused_with_words():
    for rule in (LIMITS, DOUBLE):
        for hub in ({}, {"medical_device_functions": False}):
            error = refusal(tree([rule], **hub))
            assert error is not None
            assert error.key.endswith(".type") and error.found == "'" + str(rule["type"]) + "'"
            assert "medical device" in error.expected and "hub.medical_device_functions" in error.expected
    assert len(on(LIMITS, DOUBLE).config.rules) == 2


def test_so_many_readings_in_a_row_outside_are_told_and_as_many_inside_end_it():
    home = on(LIMITS)
    assert measured(home, 87) + measured(home, Decimal(879, -1)) == []
    assert measured(home, 80) == ["oximetry.outside_limit"]
    told = home.told[-1]
    assert told.values == {"spo2_pct": 80, "part": "spo2_pct below 88"}
    assert told.rule == rule_id(home.config.rules[0])
    assert measured(home, 70) + measured(home, 95) + measured(home, 95) == [], "told once"
    assert measured(home, 88) == ["oximetry.inside_limit"], "the limit itself is inside"
    assert home.told[-1].incident == told.incident is not None
    assert [key for key in home.journal if key.startswith("rule.")] == []


def test_readings_that_flap_about_a_limit_tell_nothing_and_end_nothing():
    home = on(LIMITS)
    for _ in range(50):
        assert measured(home, 87) + measured(home, 87) + measured(home, 89) == []
    measured(home, 80), measured(home, 80), measured(home, 80)
    for _ in range(50):
        assert measured(home, 95) + measured(home, 95) + measured(home, 80) == []


def test_each_limit_has_a_state_of_its_own():
    home = on(LIMITS)
    for _ in range(2):
        measured(home, 80, 140)
    assert measured(home, 80, 140) == ["oximetry.outside_limit"] * 2
    assert {event.incident for event in home.told[-2:]} != {home.told[-1].incident}
    for _ in range(2):
        measured(home, 95, 40)
    assert measured(home, 95, 40) == [
        "oximetry.inside_limit",
        "oximetry.outside_limit",
        "oximetry.inside_limit",
    ]


def test_what_the_device_doubts_is_judged_by_nobody():
    home = on(LIMITS)
    for _ in range(5):
        assert measured(home, 20, implausible="spo2_pct") == []
        assert measured(home, 20, questionable=True) == []
        assert measured(home, 20, stored=True) == []
        assert measured(home, Absent("nan"), Absent("nres")) == []
        assert kinds(home.say(OXIMETER, "measurement.failed")) == ["measurement.failed"]
    for _ in range(2):
        measured(home, 80)
    assert measured(home, 80) == ["oximetry.outside_limit"]
    for _ in range(5):
        assert measured(home, 99, questionable=True) + measured(home, Absent("nan")) == []
    home.fault(OXIMETER, "device.silent")
    assert home.wait(24 * HOUR_MS) == [], "an oximeter that falls silent ends no alarm and makes none"


def test_an_open_limit_survives_a_restart():
    home = on(LIMITS)
    for _ in range(3):
        measured(home, 80)
    told = home.told[-1]
    home.restart()
    for _ in range(2):
        assert measured(home, 95) == []
    assert measured(home, 95) == ["oximetry.inside_limit"] and home.told[-1].incident == told.incident


def test_readings_that_are_not_recorded_are_judged_all_the_same():
    home = on(LIMITS)
    home.engine.recordings[OXIMETER].mode = "every_s"
    home.engine.recordings[OXIMETER].every_ms = HOUR_MS
    told = [home.say(OXIMETER, "oximetry.measured", spo2_pct=80, pulse_rate_bpm=70) for _ in range(3)]
    assert kinds(told[2]) == ["oximetry.outside_limit"]


def test_two_doses_close_together_by_the_dispensers_own_time_are_told():
    home = on(DOUBLE)
    assert kinds(home.say(DISPENSER, "dose.collected", 0, dose_id=1)) == ["dose.collected"]
    home.wait(30 * MINUTE_MS)
    told = home.say(DISPENSER, "dose.wrong_time", 0, dose_id=2)
    assert kinds(told) == ["dose.wrong_time", "dose.double"] and told[1].values == {"dose_id": 2}
    assert told[0].incident == told[1].incident
    home.wait(2 * HOUR_MS)
    assert kinds(home.say(DISPENSER, "dose.collected", 0, dose_id=3)) == ["dose.collected"]


def test_a_dose_told_late_or_again_never_looks_like_a_second_one():
    home = on(DOUBLE)
    home.say(DISPENSER, "dose.collected", 0, dose_id=1)
    assert kinds(home.say(DISPENSER, "dose.collected", 0, dose_id=1)) == ["dose.collected"]
    home.restart()
    assert kinds(home.say(DISPENSER, "dose.collected", 0, dose_id=1)) == ["dose.collected"]
    for number in range(2, 20):  # a log that is read after days, all at once
        told = home.say(DISPENSER, "dose.collected", number * 8 * HOUR_MS, dose_id=number)
        assert kinds(told) == ["dose.collected"]
        assert kinds(home.say(DISPENSER, "dose.collected", dose_id=100 + number)) == ["dose.collected"]


def test_the_pack_looks_at_its_own_device_only():
    home = on(LIMITS, DOUBLE)
    for _ in range(5):
        assert kinds(home.say(DOOR, "oximetry.measured", spo2_pct=50)) == ["oximetry.measured"]
    assert home.wait(24 * HOUR_MS) == []
