"""Rules: what becomes of observations, and that no rule can mute, change or delay one."""

from gateway.core import cbor
from gateway.core.model import WINDOW_ASSUMED, Decimal, Event, Observation
from gateway.core.rules.dose import GRACE_MS, MOST_PLANNED, RECHECK_MS, DoseRule
from gateway.core.rules.engine import Engine, Moment, Rule
from gateway.core.rules.incidents import dose_incident
from gateway.core.rules.night_window import NightWindow
from gateway.core.rules.recording import STABLE_LEAST_MS, Recording
from gateway.core.rules.storm import QUIET_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DOOR, DISPENSER, OXIMETER = 11, 12, 13
RULE = b"rule-id."
MIDNIGHT_UTC_MS = 1_795_302_000_000  # 2026-11-22 00:00 in Oslo, winter time
SUMMER_MIDNIGHT_UTC_MS = 1_782_252_000_000  # 2026-06-24 00:00 in Oslo, summer time
MINUTE_MS = 60_000


def counted() -> "Callable[[int], bytes]":
    """Random bytes that are all different."""
    state = [0]

    def random(size: int) -> bytes:
        state[0] += 1
        return state[0].to_bytes(size, "big")

    return random


def engine(
    rules: "Iterable[Rule]" = (),
    recordings: "dict[int, Recording] | None" = None,
    stored: "dict[str, bytes] | None" = None,
) -> Engine:
    return Engine(list(rules), recordings or {}, counted(), stored or {})


def night(kept: "bytes | None" = None) -> NightWindow:
    return NightWindow(DOOR, RULE, 22 * 60, 6 * 60, "Europe/Oslo", kept)


def contact(kind: str, part: str) -> Observation:
    """What a contact says; the one that its kind names has no part."""
    return Observation(kind, {"part": part} if part else {})


def kinds(events: "list[Event]") -> "list[str]":
    return [event.kind for event in events]


def test_the_window_crosses_midnight_in_local_time():
    table = [
        (21 * 60 + 59, False),
        (22 * 60, True),
        (23 * 60 + 59, True),
        (0, True),
        (5 * 60 + 59, True),
        (6 * 60, False),
        (12 * 60, False),
    ]
    for midnight in (MIDNIGHT_UTC_MS, SUMMER_MIDNIGHT_UTC_MS):
        for minute, inside in table:
            moment = Moment(1, 1_000, midnight + minute * MINUTE_MS)
            events = engine([night()]).observe(DOOR, Observation("door.opened", {}), moment)
            assert kinds(events) == ["door.opened"] + (["door.night_exit"] if inside else []), minute


def test_an_unknown_clock_is_inside_and_says_so():
    events = engine([night()]).observe(DOOR, Observation("door.opened", {}), Moment(1, 1_000, None))
    assert kinds(events) == ["door.opened", "door.night_exit"]
    assert events[1].provenance == WINDOW_ASSUMED and events[1].utc_ms is None and events[1].rule == RULE


def test_an_exit_and_its_return_are_one_incident_also_across_a_restart():
    first = engine([night()])
    moment = Moment(1, 1_000, MIDNIGHT_UTC_MS)
    left = first.observe(DOOR, Observation("door.opened", {}), moment)[1]
    kept = first.take_changes()
    assert left.incident is not None
    stored = {key: item for key, item in kept.items() if item is not None}
    second = engine([night(stored["night." + str(DOOR)])], stored=stored)
    back = second.observe(DOOR, Observation("door.closed", {}), Moment(2, 5, MIDNIGHT_UTC_MS + 9 * 3_600_000))
    assert kinds(back) == ["door.closed", "door.night_return"]
    assert back[1].incident == left.incident
    assert second.take_changes()["night." + str(DOOR)] is None


def test_each_contact_of_a_sensor_has_its_own_way_out_and_back():
    def said(made: Engine, kind: str, part: str, minutes: int) -> "list[Event]":
        moment = Moment(1, 1_000, MIDNIGHT_UTC_MS + minutes * MINUTE_MS)
        return made.observe(DOOR, contact(kind, part), moment)[1:]

    for first, second in (("", "door_2"), ("door_2", ""), ("window", "")):
        made = engine([night()])
        by_day = said(made, "door.opened", second, -8 * 60)
        left = said(made, "door.opened", first, 10)
        other = said(made, "door.closed", second, 20)
        assert (by_day, kinds(left), other) == ([], ["door.night_exit"], []), (first, second)
        back = said(made, "door.closed", first, 30)
        assert kinds(back) == ["door.night_return"] and back[0].incident == left[0].incident is not None
        assert left[0].values == back[0].values == ({"part": first} if first else {})
        assert made.take_changes()["night." + str(DOOR)] is None


def test_two_contacts_that_are_out_are_two_incidents_and_each_returns_also_across_a_restart():
    made = engine([night()])
    moment = Moment(1, 1, MIDNIGHT_UTC_MS)
    left = [made.observe(DOOR, contact("door.opened", part), moment)[1] for part in ("", "door_2")]
    assert kinds(left) == 2 * ["door.night_exit"] and left[0].incident != left[1].incident
    stored = {key: item for key, item in made.take_changes().items() if item is not None}
    again = engine([night(stored["night." + str(DOOR)])], stored=stored)
    back = [again.observe(DOOR, contact("door.closed", part), moment)[1] for part in ("door_2", "")]
    assert kinds(back) == 2 * ["door.night_return"]
    assert [event.incident for event in back] == [left[1].incident, left[0].incident]
    assert again.take_changes()["night." + str(DOOR)] is None and again.incidents.open == {}


def test_what_an_older_version_kept_of_a_door_that_is_out_ends_with_the_contact_that_closes():
    key, incident = "night." + str(DOOR), "incident." + str(DOOR) + ".door.night_exit"
    for part in ("", "window"):
        made = engine([night(b"\x01")], stored={key: b"\x01", incident: b"12345678"})
        moment = Moment(2, 1, MIDNIGHT_UTC_MS)
        back = made.observe(DOOR, contact("door.closed", part), moment)[1:]
        assert kinds(back) == ["door.night_return"] and back[0].incident == b"12345678", part
        changes = made.take_changes()
        assert changes[key] is None and changes[incident] is None
        made.observe(DOOR, contact("door.opened", part), Moment(2, 2, MIDNIGHT_UTC_MS + 12 * 60 * MINUTE_MS))
        assert made.observe(DOOR, contact("door.closed", part), moment)[1:] == []


def test_a_door_that_closes_by_day_returns_nobody():
    events = engine([night()]).observe(DOOR, Observation("door.closed", {}), Moment(1, 1, MIDNIGHT_UTC_MS))
    assert kinds(events) == ["door.closed"]


def test_a_rule_sees_only_its_own_placement():
    events = engine([night()]).observe(99, Observation("door.opened", {}), Moment(1, 1, MIDNIGHT_UTC_MS))
    assert kinds(events) == ["door.opened"]


def test_no_rule_or_recording_can_drop_a_safety_event():
    recordings = {DOOR: Recording("every_s", 3_600_000)}
    made = engine([Rule(DOOR, RULE)], recordings)
    for number in range(50):
        for kind in ("smoke.detected", "button.pressed", "water.detected"):
            events = made.observe(DOOR, Observation(kind, {}), Moment(1, number, None))
            assert kinds(events) == [kind]


def test_a_state_and_its_end_share_an_incident_and_a_new_state_has_a_new_one():
    made = engine()
    rows = []
    for kind, at_ms in (("detected", 1), ("detected", 2), ("cleared", 3), ("detected", 3 + QUIET_MS)):
        rows += made.observe(DOOR, Observation("smoke." + kind, {}), Moment(1, at_ms, None))
    assert rows[0].incident == rows[1].incident == rows[2].incident
    assert rows[3].incident not in (None, rows[0].incident)


def planned(dose_id: int, end_utc_ms: int) -> Observation:
    return Observation("dose.planned", {"dose_id": dose_id, "window_end_utc_ms": end_utc_ms})


def test_a_dose_nobody_told_of_is_unconfirmed_after_its_window_and_never_missed():
    made = engine([DoseRule(DISPENSER, RULE, {})])
    start = Moment(1, 0, MIDNIGHT_UTC_MS)
    made.observe(DISPENSER, planned(5, MIDNIGHT_UTC_MS + MINUTE_MS), start)
    late = MINUTE_MS + GRACE_MS
    assert made.due(Moment(1, late - 1, MIDNIGHT_UTC_MS + late - 1)) == []
    events = made.due(Moment(1, late, MIDNIGHT_UTC_MS + late))
    assert kinds(events) == ["dose.unconfirmed"] and events[0].values == {"dose_id": 5}
    assert made.due(Moment(1, late + RECHECK_MS, MIDNIGHT_UTC_MS + late + RECHECK_MS)) == []
    told = made.observe(DISPENSER, Observation("dose.missed", {"dose_id": 5}), Moment(1, late + 9, None))
    assert kinds(told) == ["dose.missed", "dose.accounted"]
    assert told[0].incident == told[1].incident == events[0].incident == dose_incident(DISPENSER, 5)


def test_doses_whose_outcome_never_comes_do_not_end_the_watch_over_later_ones():
    rule = DoseRule(DISPENSER, RULE, {})
    made = engine([rule])
    end_ms = MIDNIGHT_UTC_MS
    for dose_id in range(MOST_PLANNED + 10):
        made.observe(DISPENSER, planned(dose_id, end_ms + dose_id), Moment(1, dose_id, end_ms))
        found = made.due(Moment(1, 10_000_000 + dose_id, end_ms + dose_id + GRACE_MS))
        assert kinds(found) == ["dose.unconfirmed"], dose_id
    assert len(rule.plan) == MOST_PLANNED and "9" not in rule.plan and "10" in rule.plan
    stored = {key: item for key, item in made.take_changes().items() if item is not None}
    assert len(stored) == MOST_PLANNED, "what makes room goes from the journal too"


def test_a_dose_told_in_time_is_followed_no_longer():
    made = engine([DoseRule(DISPENSER, RULE, {})])
    made.observe(DISPENSER, planned(5, MIDNIGHT_UTC_MS + MINUTE_MS), Moment(1, 0, MIDNIGHT_UTC_MS))
    told = made.observe(
        DISPENSER, Observation("dose.collected", {"dose_id": 5}), Moment(1, 9, MIDNIGHT_UTC_MS + 9)
    )
    assert kinds(told) == ["dose.collected"]
    assert made.due(Moment(1, 9_999_999, MIDNIGHT_UTC_MS + 9_999_999)) == []


def test_the_plan_survives_a_restart_and_an_unknown_clock_judges_nothing():
    made = engine([DoseRule(DISPENSER, RULE, {})])
    made.observe(DISPENSER, planned(5, MIDNIGHT_UTC_MS + MINUTE_MS), Moment(1, 0, MIDNIGHT_UTC_MS))
    stored = {key: item for key, item in made.take_changes().items() if item is not None}
    again = engine([DoseRule(DISPENSER, RULE, stored)], stored=stored)
    assert again.next_due_ms() == 0
    assert again.due(Moment(2, 10, None)) == []
    assert again.next_due_ms() == 10 + RECHECK_MS
    assert kinds(again.due(Moment(2, 20 + RECHECK_MS, MIDNIGHT_UTC_MS + 3_600_000))) == ["dose.unconfirmed"]


def measured(uptime_ms: int, spo2_pct: object, boot: int = 1, **values: object) -> Event:
    values["spo2_pct"] = spo2_pct
    return Event("oximetry.measured", OXIMETER, boot, uptime_ms, values=values)


def test_how_much_of_a_stream_is_recorded():
    every = Recording("every_s", 10_000)
    kept = [every.keeps(measured(now_ms, 97)) for now_ms in range(0, 30_000, 1_000)]
    assert kept == [now_ms % 10_000 == 0 for now_ms in range(0, 30_000, 1_000)]
    assert Recording("all").keeps(measured(0, 97))


def test_a_stable_stream_is_recorded_on_change_and_now_and_then():
    stable = Recording("stable")
    assert stable.keeps(measured(0, 97))
    assert not stable.keeps(measured(1_000, Decimal(970, -1)))
    assert stable.keeps(measured(2_000, Decimal(965, -1)))
    assert not stable.keeps(measured(3_000, Decimal(965, -1)))
    assert stable.keeps(measured(2_000 + STABLE_LEAST_MS, Decimal(965, -1)))
    assert stable.keeps(measured(3_000 + STABLE_LEAST_MS, Decimal(965, -1), boot=2))


def test_a_heart_rate_is_a_stream_and_a_weight_is_none():
    every, stable = Recording("every_s", 10_000), Recording("stable")

    def beats(uptime_ms: int, bpm: int) -> Event:
        return Event("heart_rate.measured", OXIMETER, 1, uptime_ms, values={"heart_rate_bpm": bpm})

    assert [every.keeps(beats(now_ms, 70)) for now_ms in (0, 9_999, 10_000)] == [True, False, True]
    assert [stable.keeps(beats(*each)) for each in ((0, 70), (1, 70), (2, 71))] == [True, False, True]
    weights = [Event("weight.measured", OXIMETER, 1, now_ms) for now_ms in (1, 2)]
    assert [every.keeps(event) for event in weights] == [True, True]


def test_a_stored_or_failed_measurement_is_always_recorded():
    every = Recording("every_s", 3_600_000)
    every.keeps(measured(0, 97))
    assert every.keeps(measured(1, 97, stored=True))
    assert every.keeps(Event("measurement.failed", OXIMETER, 1, 2))


def test_each_part_of_a_device_has_incidents_of_its_own():
    made = engine()

    def said(kind: str, part: str) -> "bytes | None":
        values: "dict[str, object]" = {"part": part} if part else {}
        return made.observe(DOOR, Observation(kind, values), Moment(1, 1, None))[0].incident

    opened = [said("door.opened", part) for part in ("", "window", "window_2")]
    assert len(set(opened)) == 3 and None not in opened
    assert [said("door.closed", part) for part in ("window_2", "", "window")] == [
        opened[2],
        opened[0],
        opened[1],
    ]
    assert said("door.closed", "window") is None and made.incidents.open == {}


def test_two_windows_of_one_door_are_one_rule_with_one_exit_and_one_return():
    rule = night()
    rule.also(13 * 60, 14 * 60)
    made = engine([rule])

    def said(kind: str, minute: int) -> "list[Event]":
        moment = Moment(1, 1_000, MIDNIGHT_UTC_MS + minute * MINUTE_MS)
        return made.observe(DOOR, Observation(kind, {}), moment)[1:]

    for minute, inside in ((13 * 60 + 30, True), (12 * 60, False), (23 * 60, True)):
        left, back = said("door.opened", minute), said("door.closed", minute + 90)
        assert kinds(left + back) == (["door.night_exit", "door.night_return"] if inside else []), minute
        if inside:
            assert left[0].incident == back[0].incident is not None


def test_an_exit_of_0_1_ends_with_any_contact_also_after_another_exit_and_a_restart():
    kept = cbor.encode(1)
    first = engine([night(kept)], stored={"night." + str(DOOR): kept})
    first.observe(DOOR, contact("door.opened", "door_2"), Moment(1, 1, MIDNIGHT_UTC_MS))
    kept = first.take_changes()["night." + str(DOOR)]
    assert kept is not None
    second = engine([night(kept)], stored={"night." + str(DOOR): kept})
    back = second.observe(DOOR, contact("door.closed", "door_2"), Moment(2, 1, MIDNIGHT_UTC_MS))[1:]
    assert kinds(back) == ["door.night_return", "door.night_return"]
    assert second.take_changes()["night." + str(DOOR)] is None
