"""Corners of rules that few homes reach: two windows of one door, doubtful state of an earlier run, values that are none."""

from gateway.core import cbor
from gateway.core.errors import ConfigError
from gateway.core.event_codec import INCIDENT_SIZE
from gateway.core.model import Absent, Decimal, Event
from gateway.core.rules.build import build_rules, rule_keys
from gateway.core.rules.dose import GRACE_MS, MOST_PLANNED
from gateway.core.rules.follower import RESUME_MS, Ear
from gateway.core.rules.night_window import NightWindow
from gateway.core.rules.recording import Recording
from tests.core.rule_home import (
    DISPENSER,
    DOOR,
    HOUR_MS,
    MINUTE_MS,
    NAMES,
    NOON_UTC_MS,
    OXIMETER,
    TAG,
    RuleHome,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NIGHT = {"type": "night_window", "device": "Door", "from": "22:00", "to": "06:00"}
SIESTA = {"type": "night_window", "name": "Siesta", "device": "Door", "from": "13:00", "to": "15:00"}
LEFT_OPEN = {"type": "left_open", "device": "Door", "minutes": 5}
NOT_BACK = {"type": "not_back", "device": "Door", "minutes": 30}
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


def kinds(events: "list[Event]") -> "list[str]":
    """What was told, in order."""
    return [event.kind for event in events]


# --- windows of the night -----------------------------------------------------------------------------------------


def test_two_windows_of_one_door_are_one_rule_and_both_count():
    home = RuleHome([NIGHT, SIESTA], NOON_UTC_MS)
    assert len([rule for rule in home.engine.rules if isinstance(rule, NightWindow)]) == 1
    told = []
    for _ in range(24):
        if "door.night_exit" in kinds(home.say(DOOR, "door.opened")):
            told.append(home.uptime_ms // HOUR_MS + 12)
        home.say(DOOR, "door.closed")
        home.wait(HOUR_MS)
    assert told == [13, 14] + list(range(22, 30)), "hours since midnight, each once"


def test_a_door_that_stands_open_since_the_day_has_an_incident_of_its_own_and_not_that_of_an_earlier_night():
    home = RuleHome([NIGHT, LEFT_OPEN])
    night = home.say(DOOR, "door.opened")
    home.say(DOOR, "door.closed")
    home.wait(10 * HOUR_MS)
    day = home.say(DOOR, "door.opened")
    assert kinds(night) == ["door.opened", "door.night_exit"] and kinds(day) == ["door.opened"]
    left = home.wait(6 * MINUTE_MS, (DOOR,))
    assert kinds(left) == ["door.left_open"]
    assert left[0].incident == day[0].incident and left[0].incident != night[1].incident


def test_a_rule_that_nobody_builds_is_an_error_and_not_a_rule_that_is_missing():
    home = RuleHome([NIGHT])
    home.config.rules[0].type = "night_windows"
    said = ""
    try:
        build_rules(home.config, NAMES, {}, None)  # type: ignore[arg-type]
    except ConfigError as error:
        said = str(error)
    assert (
        said.startswith("rule.type: found night_windows, expected one of dose, ") and "night_window," in said
    )


def test_the_memory_of_each_rule_is_found_by_the_key_under_which_it_is_kept():
    """What is in use is known by these keys: another one, and an open alarm would be ended at the next start."""
    home = RuleHome([NIGHT, LEFT_OPEN, NOT_BACK])
    home.say(DOOR, "door.opened")
    kept = [key for key in home.journal if key.startswith("rule.")]
    keys = rule_keys(home.config, NAMES)
    assert len(set(keys)) == 3 and len(kept) == 2 and set(kept) <= set(keys)


def test_rules_that_wait_for_nothing_and_hear_nobody_else_add_nothing():
    home = RuleHome([NIGHT, LEFT_OPEN])
    night, left = home.engine.rules[:2]
    event = Event("door.opened", DOOR, 1, 0, home.utc_ms)
    assert night.due(home.moment()) == [] and night.next_due_ms() is None
    assert Ear(TAG, left).observe(event, home.moment()) == [], "a door is judged by its own sensor alone"  # type: ignore[arg-type]


# --- state of an earlier run ----------------------------------------------------------------------------------------


def spoilt(home: RuleHome, incident: bytes) -> None:
    """The mark of a door that is waited for comes back with another incident than was kept."""
    for key, item in home.journal.items():
        if key.startswith("rule."):
            row: "Any" = cbor.decode(item)
            for mark in row[0]:
                mark[5] = incident
            home.journal[key] = cbor.encode(row)


def test_an_alarm_of_a_wait_whose_incident_was_damaged_has_a_fresh_one():
    for incident in (b"", b"\x01" * (INCIDENT_SIZE - 1), b"\x01" * (INCIDENT_SIZE + 1)):
        home = RuleHome([NIGHT, NOT_BACK])
        home.say(DOOR, "door.opened")
        spoilt(home, incident)
        home.restart()
        told = home.wait(45 * MINUTE_MS, (DOOR,))
        assert kinds(told) == ["door.return_unseen"]
        assert len(told[0].incident or b"") == INCIDENT_SIZE


def test_control_an_incident_that_reads_is_the_one_of_the_alarm():
    home = RuleHome([NIGHT, NOT_BACK])
    home.say(DOOR, "door.opened")
    spoilt(home, b"\x02" * INCIDENT_SIZE)
    home.restart()
    assert home.wait(45 * MINUTE_MS, (DOOR,))[0].incident == b"\x02" * INCIDENT_SIZE


def test_a_tag_is_listened_for_after_a_restart_before_it_counts_as_gone():
    home = RuleHome([TAG_GONE])
    home.hear(TAG)
    home.say(DOOR, "door.opened")
    home.restart(HOUR_MS)
    home.engine.rules[0].gone_ms = MINUTE_MS  # type: ignore[attr-defined]  # shorter than a configuration may ask for
    assert home.wait(RESUME_MS - 1_000, (DOOR,)) == [], "nobody could hear it meanwhile"
    assert kinds(home.wait(2 * MINUTE_MS, (DOOR,))) == ["tag.gone"]


def test_a_tag_that_is_heard_again_soon_after_a_restart_was_never_gone():
    home = RuleHome([TAG_GONE])
    home.hear(TAG)
    home.say(DOOR, "door.opened")
    home.restart(HOUR_MS)
    home.wait(RESUME_MS - 1_000, (DOOR,))
    assert home.wait(HOUR_MS, (DOOR, TAG)) == []


def test_damaged_state_of_storms_and_exercises_neither_stops_a_start_nor_mutes_an_alarm():
    for kept in (b"", b"\xff", cbor.encode([]), cbor.encode([1]), cbor.encode([1, -1]), cbor.encode("x")):
        home = RuleHome([])
        home.journal["device." + str(DOOR) + ".storm.smoke.detected"] = kept
        if kept != cbor.encode([1]):  # that one reads
            home.journal["device." + str(DOOR) + ".exercise.smoke.detected"] = kept
        home.restart()
        told = home.say(DOOR, "smoke.detected")
        assert kinds(told) == ["smoke.detected"]
        assert not told[0].exercise and "repeat" not in told[0].values


# --- doses ----------------------------------------------------------------------------------------------------------


def plan(home: RuleHome, dose_id: int, **values: object) -> None:
    """The dispenser says that a dose will come."""
    assert kinds(home.say(DISPENSER, "dose.planned", dose_id=dose_id, **values)) == ["dose.planned"]


def test_a_planned_dose_without_an_end_is_waited_for_by_nobody():
    home = RuleHome([])
    plan(home, 1)
    plan(home, 2, window_end_utc_ms=Absent("nan"))
    assert home.wait(24 * HOUR_MS, (DISPENSER,)) == []
    plan(home, 3, window_end_utc_ms=(home.utc_ms or 0) + MINUTE_MS)
    told = home.wait(HOUR_MS, (DISPENSER,))
    assert [(event.kind, event.values) for event in told] == [("dose.unconfirmed", {"dose_id": 3})]


def test_more_doses_than_can_be_followed_push_out_none_that_is_still_to_come():
    home = RuleHome([])
    end_ms = (home.utc_ms or 0) + MINUTE_MS
    for dose_id in range(MOST_PLANNED + 3):
        plan(home, dose_id, window_end_utc_ms=end_ms)
    told = home.wait(GRACE_MS + 2 * MINUTE_MS, (DISPENSER,))
    assert sorted([event.values["dose_id"] for event in told]) == list(range(MOST_PLANNED))  # type: ignore[type-var]
    assert set(kinds(told)) == {"dose.unconfirmed"}


# --- streams --------------------------------------------------------------------------------------------------------


def measured(values: "dict[str, object]", uptime_ms: int) -> Event:
    """A reading of an oximeter."""
    return Event("oximetry.measured", OXIMETER, 1, uptime_ms, None, values)


def test_a_value_that_comes_or_goes_or_loses_its_number_is_a_change():
    rows: "list[tuple[object, object, bool]]" = [
        (97, 97, False),
        (97, Decimal(970, -1), False),
        (Decimal(970, -1), 97, False),
        (Decimal(970, -1), Decimal(9700, -2), False),
        (97, 98, True),
        (97, Decimal(971, -1), True),
        (Decimal(971, -1), 97, True),
        (97, Absent("nan"), True),
        (Absent("nan"), 97, True),
        (Absent("nan"), Absent("nan"), False),
        (Absent("nan"), Absent("nres"), True),
        (97, None, True),
        (None, 97, True),
    ]
    for before, after, is_kept in rows:
        stable = Recording("stable")
        first = {"pulse_rate_bpm": 60} if before is None else {"spo2_pct": before, "pulse_rate_bpm": 60}
        second = {"pulse_rate_bpm": 60} if after is None else {"spo2_pct": after, "pulse_rate_bpm": 60}
        assert stable.keeps(measured(first, 0))
        assert stable.keeps(measured(second, 1_000)) == is_kept, (before, after)
