"""Several contacts of one sensor: each is waited for, told and ended for itself, whatever becomes of the others."""

from gateway.core.model import UNAUTHENTICATED
from gateway.core.rules.contacts import Contacts
from gateway.core.rules.engine import Moment
from tests.core.rule_home import DOOR, MINUTE_MS, RuleHome, kinds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.model import Event

NIGHT = {"type": "night_window", "device": "Door", "from": "22:00", "to": "06:00"}
NOT_BACK = {"type": "not_back", "device": "Door", "minutes": 30}


def test_each_contact_that_stands_open_is_told_and_ended_for_itself():
    home = RuleHome([{"type": "left_open", "device": "Door", "minutes": 5}])
    home.say(DOOR, "door.opened")
    home.wait(2 * MINUTE_MS, (DOOR,))
    home.say(DOOR, "door.opened", part="door_2")
    told = home.wait(10 * MINUTE_MS, (DOOR,))
    assert [(event.kind, event.values) for event in told] == [
        ("door.left_open", {}),
        ("door.left_open", {"part": "door_2"}),
    ]
    for part, begun in (("door_2", told[1]), ("", told[0])):
        values: "dict[str, object]" = {"part": part} if part else {}
        over = home.say(DOOR, "door.closed", **values)[1:]
        assert [(event.kind, event.values, event.incident) for event in over] == [
            ("door.closed_again", values, begun.incident)
        ]


def test_what_cannot_be_told_of_a_contact_ends_when_that_contact_closes():
    for part in ("", "door_2"):
        home = RuleHome([{"type": "left_open", "device": "Door", "minutes": 5}]).beat(DOOR)
        values: "dict[str, object]" = {"part": part} if part else {}
        home.say(DOOR, "door.opened", **values)
        home.fault(DOOR, "device.silent")
        doubt = home.wait(10 * MINUTE_MS)
        assert [(event.kind, event.values.get("part", "")) for event in doubt] == [("rule.cannot_tell", part)]
        over = home.say(DOOR, "door.closed", **values)[1:]
        assert [(event.kind, event.values, event.incident) for event in over] == [
            ("rule.can_tell", values, doubt[0].incident)
        ]


def rows(events: "list[Event]") -> "list[tuple[str, object]]":
    """Kind and contact of what was told."""
    return [(event.kind, event.values.get("part", "")) for event in events]


def test_each_contact_by_which_nobody_came_back_is_told_and_ended_for_itself():
    home = RuleHome([NIGHT, NOT_BACK])
    left = home.say(DOOR, "door.opened")[1]
    home.wait(10 * MINUTE_MS, (DOOR,))
    other = home.say(DOOR, "door.opened", part="door_2")[1]
    told = home.wait(60 * MINUTE_MS, (DOOR,))
    assert rows(told) == [("door.return_unseen", ""), ("door.return_unseen", "door_2")]
    assert [event.incident for event in told] == [left.incident, other.incident]
    back = home.say(DOOR, "door.closed", part="door_2")
    assert rows(back)[1:] == [("door.night_return", "door_2"), ("door.moved_again", "door_2")]
    assert back[2].incident == other.incident
    assert home.wait(60 * MINUTE_MS, (DOOR,)) == [], "the first is still unseen, and told"
    assert rows(home.say(DOOR, "door.closed"))[1:] == [("door.night_return", ""), ("door.moved_again", "")]


def test_a_contact_that_nobody_can_hear_is_a_doubt_of_its_own_and_waited_for_anew_when_it_is_heard():
    for part in ("", "door_2"):
        values: "dict[str, object]" = {"part": part} if part else {}
        home = RuleHome([NIGHT, NOT_BACK]).beat(DOOR)
        left = home.say(DOOR, "door.opened", **values)[1]
        home.fault(DOOR, "device.silent")
        doubt = home.wait(60 * MINUTE_MS)
        assert (
            rows(doubt) == [("rule.cannot_tell", part)]
            and doubt[0].values["reason"] == "the device is silent"
        )
        home.fault(DOOR, "device.back")
        over = home.wait(20 * MINUTE_MS, (DOOR,))
        assert rows(over) == [("rule.can_tell", part)] and over[0].incident == doubt[0].incident
        told = home.wait(20 * MINUTE_MS, (DOOR,))
        assert rows(told) == [("door.return_unseen", part)] and told[0].incident == left.incident


def test_a_contact_that_moves_again_while_it_was_doubtful_ends_that_doubt_alone():
    for part in ("", "door_2"):
        values: "dict[str, object]" = {"part": part} if part else {}
        home = RuleHome([NIGHT, NOT_BACK]).beat(DOOR)
        home.say(DOOR, "door.opened", **values)
        home.fault(DOOR, "device.silent")
        home.wait(60 * MINUTE_MS)
        moved = home.say(DOOR, "door.closed", **values)
        assert rows(moved)[1:] == [("door.night_return", part), ("rule.can_tell", part)]
        assert home.wait(60 * MINUTE_MS, (DOOR,)) == []


def test_a_door_that_is_late_by_its_own_interval_tells_nothing_of_a_person():
    home = RuleHome([NIGHT, NOT_BACK])
    home.intervals[DOOR] = 10 * MINUTE_MS
    home.restart()
    home.say(DOOR, "door.opened")
    assert rows(home.wait(40 * MINUTE_MS)) == [("rule.cannot_tell", "")]
    assert home.told[-1].values["reason"] == "the device is late"
    assert kinds(home.told).count("door.return_unseen") == 0


def test_a_contact_that_opens_while_another_is_unseen_is_waited_for_too():
    home = RuleHome([NIGHT, NOT_BACK])
    home.say(DOOR, "door.opened")
    assert rows(home.wait(40 * MINUTE_MS, (DOOR,))) == [("door.return_unseen", "")]
    home.say(DOOR, "door.opened", part="door_2")
    assert rows(home.wait(40 * MINUTE_MS, (DOOR,))) == [("door.return_unseen", "door_2")]


def test_the_doubt_of_an_opening_is_the_doubt_of_the_alarm_also_after_the_device_was_silent():
    for silent in (False, True):
        home = RuleHome([NIGHT, NOT_BACK]).beat(DOOR)
        home.say(DOOR, "door.opened", provenance=UNAUTHENTICATED)
        if silent:
            home.fault(DOOR, "device.silent")
            home.wait(40 * MINUTE_MS)
            home.fault(DOOR, "device.back")
        told = [event for event in home.wait(60 * MINUTE_MS, (DOOR,)) if event.kind == "door.return_unseen"]
        assert [event.provenance for event in told] == [UNAUTHENTICATED]


def test_the_end_of_an_alarm_has_the_doubt_of_the_word_that_ended_it():
    home = RuleHome([NIGHT, NOT_BACK])
    home.say(DOOR, "door.opened")
    home.wait(40 * MINUTE_MS, (DOOR,))
    over = home.say(DOOR, "door.closed", provenance=UNAUTHENTICATED)
    assert rows(over)[2:] == [("door.moved_again", "")] and over[2].provenance == UNAUTHENTICATED


def test_a_rule_of_contacts_that_judges_nothing_tells_nothing_when_its_time_is_over():
    home = RuleHome([{"type": "left_open", "device": "Door", "minutes": 5}]).beat(DOOR)
    rule = home.engine.rules[0]
    assert isinstance(rule, Contacts)
    assert Contacts.judge(rule, "", Moment(1, 2, None)) == []
