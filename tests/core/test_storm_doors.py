"""A door at night whose contact toggles: each exit is a new episode, unless nobody could open a door so often."""

from gateway.core.rules.engine import Moment
from gateway.core.rules.night_window import NightWindow
from gateway.core.rules.storm import FAST_MS, FAST_TURNS, FLAPS, NOTICE_MS
from tests.core.storm_home import SMOKE, Home, mark


def night_exits(pause_ms, count):
    """What a door tells at night that is opened each `pause_ms` and closed a second later; and its home."""
    home = Home([NightWindow(SMOKE, b"rule-id.", 22 * 60, 6 * 60, "Europe/Oslo", None)])
    found = []
    for number in range(count):
        found += home.all("door.opened", pause_ms * number) + home.all(
            "door.closed", pause_ms * number + 1_000
        )
    return found, home


def test_a_door_that_opens_more_often_than_anybody_can_open_it_is_one_incident_and_marked_until_ten_minutes_are_over():
    found, _ = night_exits(2_000, 400)
    exits = [event for event in found if event.kind == "door.night_exit"]
    by_people = FAST_TURNS - 1
    assert [mark(event) for event in exits[: by_people + 2]] == by_people * [None] + [1, 2]
    unmarked = [event.uptime_ms for event in exits[by_people:] if mark(event) is None]
    assert unmarked == [2_000 * (by_people - 1) + NOTICE_MS]
    assert len({event.incident for event in exits[by_people - 1 :]}) == 1
    returns = [event for event in found if event.kind == "door.night_return"]
    assert [event.incident for event in returns] == [event.incident for event in exits]


def test_after_a_storm_of_a_door_at_night_who_leaves_is_a_new_episode():
    found, home = night_exits(2_000, 20)
    assert mark([event for event in found if event.kind == "door.night_exit"][-1]) is not None
    assert [
        mark(event) for event in home.all("door.opened", 38_000 + FAST_MS + 1) if "exit" in event.kind
    ] == [None]


def test_who_goes_out_again_at_night_is_a_new_episode_however_soon_and_a_loose_contact_is_a_fault_beside_it():
    found, home = night_exits(FAST_MS // (FAST_TURNS - 1) + 1, 2 * FLAPS)
    assert [mark(event) for event in found] == len(found) * [None]
    exits = [event for event in found if event.kind == "door.night_exit"]
    assert len({event.incident for event in exits}) == len(exits) == 2 * FLAPS
    assert [event.incident for event in found if event.kind == "door.night_return"] == [
        event.incident for event in exits
    ]
    assert all([event.rule == b"rule-id." for event in exits])
    storms = [event.values for event in found if event.kind == "device.flapping"]
    assert storms == [{"state": "door.night_exit"}]
    assert [key for key in home.journal if "storm" in key] == [], "nothing stands behind a mark"


def test_what_the_hub_tells_again_is_no_time_that_a_door_opened():
    home = Home([NightWindow(SMOKE, b"rule-id.", 22 * 60, 6 * 60, "Europe/Oslo", None)])
    home.engine.exercises.begin(SMOKE, "door.night_exit", Moment(7, 1_000, None), 5_000)
    home.all("door.opened", 2_000)
    again = [event for event in home.due(6_001) if event.kind == "door.night_exit"]
    assert [event.values["again"] for event in again] == ["exercise"]
    home.all("door.closed", 7_000)
    found = []
    for number in range(FAST_TURNS - 1):
        found += home.all("door.opened", 8_000 + 200 * number) + home.all("door.closed", 8_100 + 200 * number)
    assert [mark(event) for event in found] == len(found) * [None]
