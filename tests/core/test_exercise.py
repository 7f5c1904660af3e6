"""Exercises: one kind of one placement for two minutes; whatever else happens, or outlasts it, is real."""

from gateway.core.errors import RefusedError
from gateway.core.model import UNAUTHENTICATED, Event, Observation
from gateway.core.rules.engine import Engine, Moment
from gateway.core.rules.exercise import LONGEST_MS
from gateway.core.rules.night_window import NightWindow
from tests.core.test_storm import OTHER, SMOKE, Home, mark, told


def began(kind: str = "smoke.detected", at_ms: int = 0) -> Home:
    """A home in which an exercise of the smoke detector runs."""
    home = Home()
    home.engine.exercises.begin(SMOKE, kind, Moment(7, at_ms, None), LONGEST_MS)
    return home


def refused(home: Home, kind: str = "smoke.detected", length_ms: int = LONGEST_MS, at_ms: int = 10) -> str:
    """Why an exercise is not begun."""
    try:
        home.engine.exercises.begin(SMOKE, kind, Moment(7, at_ms, None), length_ms)
    except RefusedError as error:
        return error.reason
    return ""


def test_an_exercise_covers_its_kind_of_its_placement_from_begin_to_end():
    home = began()
    assert home.say("smoke.detected", 1_000).exercise and home.say("smoke.cleared", 2_000).exercise
    assert home.say("smoke.detected", LONGEST_MS).exercise and home.say("smoke.cleared", LONGEST_MS).exercise
    assert not home.say("smoke.detected", LONGEST_MS + 1).exercise


def test_whatever_else_happens_meanwhile_is_real():
    home = began()
    for kind, placement in (
        ("smoke.detected", OTHER),
        ("carbon_monoxide.detected", SMOKE),
        ("button.pressed", SMOKE),
        ("tamper.detected", SMOKE),
    ):
        assert not home.say(kind, 1_000, placement).exercise, kind


def test_each_press_of_a_button_that_is_tried_out_is_marked_and_the_next_after_it_is_real():
    home = began("button.pressed")
    assert [home.say("button.pressed", at_ms).exercise for at_ms in (1, 2, LONGEST_MS, LONGEST_MS + 1)] == [
        True,
        True,
        True,
        False,
    ]


def test_a_state_that_outlasts_the_exercise_is_told_again_as_real_in_an_incident_of_its_own():
    home = began()
    tried = home.say("smoke.detected", 1_000, doubt=UNAUTHENTICATED)
    assert home.engine.next_due_ms() == LONGEST_MS + 1
    found = home.due(LONGEST_MS + 1)
    assert told(found) == ["smoke.detected"] and found[0].values == {"again": "exercise"}
    assert not found[0].exercise and found[0].provenance == UNAUTHENTICATED
    assert found[0].incident not in (None, tried.incident)
    last = home.say("smoke.cleared", LONGEST_MS + 2)
    assert not last.exercise and last.incident == found[0].incident


def test_what_is_said_between_the_end_and_the_look_is_real_and_told_once():
    home = began()
    tried = home.say("smoke.detected", 1_000)
    found = home.all("smoke.detected", LONGEST_MS + 5)
    assert told(found) == ["smoke.detected"] and not found[0].exercise and mark(found[0]) is None
    assert found[0].incident not in (None, tried.incident)


def test_an_alarm_after_an_exercise_is_no_repetition_of_it():
    home = began()
    home.say("smoke.detected", 1_000)
    home.say("smoke.cleared", 2_000)
    real = home.say("smoke.detected", LONGEST_MS + 1)
    assert not real.exercise and mark(real) is None and home.engine.storms.held


def test_a_restart_ends_an_exercise_and_what_stands_is_told_as_real():
    home = began()
    home.say("smoke.detected", 1_000)
    home.restart()
    assert home.engine.next_due_ms() == 0
    found = home.due(500)
    assert told(found) == ["smoke.detected"] and not found[0].exercise
    home.restart()
    assert "again" not in home.say("smoke.cleared", 600).values and home.journal == {}
    assert not home.say("smoke.detected", 700).exercise


def test_an_exercise_that_is_ended_early_covers_nothing_more():
    home = began()
    home.say("smoke.detected", 1_000)
    home.engine.exercises.end(Moment(7, 5_000, None))
    assert told(home.due(5_000)) == ["smoke.detected"]
    assert not home.say("button.pressed", 5_001).exercise and refused(home, at_ms=5_002)


def test_no_exercise_is_begun_over_what_is_real_or_for_too_long_or_of_no_alarm():
    home = Home()
    assert "at most 120 s" in refused(home, length_ms=LONGEST_MS + 1) and refused(home, length_ms=0)
    for kind in ("smoke.cleared", "device.silent", "no.kind", "oximetry.measured", "dose.missed"):
        assert "alarm" in refused(home, kind), kind
    home.say("smoke.detected", 1)
    assert "itself" in refused(home)
    home.say("smoke.cleared", 2)
    assert "itself" in refused(home, at_ms=600_001)
    home.due(600_002)
    assert refused(home, at_ms=600_002) == ""
    assert "another exercise" in refused(home, "button.pressed", at_ms=600_003)


def test_rules_make_real_alarms_of_what_is_tried_out_unless_they_are_what_is_tried():
    engine = Engine([], {}, bytes, {})
    engine.exercises.begin(SMOKE, "door.night_exit", Moment(7, 0, None), LONGEST_MS)
    made = Event("door.night_exit", SMOKE, 7, 5)
    opened = engine.observe(SMOKE, Observation("door.opened", {}), Moment(7, 5, None))[0]
    engine.assign(made)
    assert made.exercise and not opened.exercise


def test_a_state_that_was_ended_in_another_way_is_not_told_as_real():
    home = began()
    tried = home.say("smoke.detected", 1_000)
    assert tried.exercise
    home.engine.incidents.leave(SMOKE, "smoke.detected", "")
    assert home.due(LONGEST_MS + 1) == [] and home.engine.next_due_ms() is None


def test_what_outlasts_an_exercise_keeps_its_part_also_over_a_restart():
    home = began()
    home.say("smoke.detected", 1_000, part="hall")
    home.restart()
    assert [event.values for event in home.due(5)] == [{"again": "exercise", "part": "hall"}]


def test_what_a_device_tells_from_its_log_is_no_part_of_an_exercise():
    home = began()
    for values, identity in (({}, b"i" * 16), ({"dose_id": 4}, None), ({"stored": True}, None)):
        told_late = home.engine.observe(
            SMOKE, Observation("smoke.detected", values), Moment(7, 50, None), identity
        )
        assert not told_late[0].exercise, values
    home.engine.observe(SMOKE, Observation("smoke.cleared", {}), Moment(7, 60, None), b"j" * 16)
    assert home.say("smoke.detected", 70).exercise


def test_a_true_word_from_the_log_of_a_state_that_is_tried_out_has_an_incident_of_its_own():
    home = began()
    tried = home.say("smoke.detected", 10)
    real = home.engine.observe(SMOKE, Observation("smoke.detected", {}), Moment(7, 50, None), b"i" * 16)[0]
    home.store()
    assert not real.exercise and real.incident not in (None, tried.incident)
    assert (
        not home.say("smoke.cleared", 60).exercise and home.due(LONGEST_MS + 1) == [] and home.journal == {}
    )


def test_what_outlasts_an_exercise_carries_the_rule_that_made_it_also_over_a_restart():
    for restarts in (False, True):
        home = Home([NightWindow(SMOKE, b"rule-id.", 22 * 60, 6 * 60, "Europe/Oslo", None)])
        home.engine.exercises.begin(SMOKE, "door.night_exit", Moment(7, 0, None), LONGEST_MS)
        opened, tried = home.all("door.opened", 5)
        assert tried.exercise and not opened.exercise
        if restarts:
            home.restart()
        (real,) = home.due(LONGEST_MS + 1)
        assert (real.kind, real.rule, real.exercise) == ("door.night_exit", b"rule-id.", False)
