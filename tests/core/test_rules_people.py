"""A sensor that speaks only when people make it: its silence is theirs, and excuses none of it (docs/adr/0017-rules.md)."""

from gateway.core.model import Observation
from tests.core.rule_home import DOOR, HOUR_MS, MIDNIGHT_UTC_MS, MINUTE_MS, RuleHome, kinds

NIGHT = {"type": "night_window", "device": "Door", "from": "22:00", "to": "06:00"}


def used(home: RuleHome, *said: str, every_ms: int = 10_000) -> None:
    """People use the door: its sensor speaks because of them, and never by itself."""
    for kind in said:
        home.wait(every_ms)
        home.supervision.heard(DOOR, home.uptime_ms, True)
        home.heard[DOOR] = home.uptime_ms
        home.keep(home.engine.observe(DOOR, Observation(kind, {}), home.moment()))


def test_a_door_that_people_use_often_is_not_late_when_nobody_comes_back():
    """Its rhythm is theirs: that it stops is what the rule asks about."""
    rules = [NIGHT, {"type": "not_back", "device": "Door", "minutes": 120}]
    home = RuleHome(rules, MIDNIGHT_UTC_MS - 240 * HOUR_MS)
    used(home, *120 * ("door.opened", "door.closed"), every_ms=HOUR_MS)
    watched = home.supervision.devices[DOOR]
    assert watched.learned_ms > 0 and watched.own_interval_ms == 0
    home.wait(MINUTE_MS)
    used(home, "door.opened", "door.closed")
    told = kinds(home.wait(121 * MINUTE_MS))
    assert "door.return_unseen" in told and "rule.cannot_tell" not in told


def test_a_door_that_is_silent_by_the_rhythm_of_its_people_excuses_no_silence_of_theirs():
    rules = [
        NIGHT,
        {"type": "not_back", "device": "Door", "minutes": 240},
        {"type": "no_sign_of_life", "device": "Door", "hours": 5, "from": "00:00", "to": "00:00"},
    ]
    home = RuleHome(rules, MIDNIGHT_UTC_MS - 240 * HOUR_MS)
    used(home, *120 * ("door.opened", "door.closed"), every_ms=HOUR_MS)
    home.wait(MINUTE_MS)
    used(home, "door.opened", "door.closed")
    home.wait(4 * HOUR_MS - MINUTE_MS)
    assert [placement for placement, _ in home.supervision.due(home.uptime_ms)] == [DOOR]
    home.fault(DOOR, "device.silent")
    assert kinds(home.wait(2 * HOUR_MS)) == ["door.return_unseen", "activity.missing"]
