"""Rules in a whole hub: from an advertisement to what the platform verifies, restarts and rules taken out."""

from hal.types import ALARM, TECHNICAL
from tests.hub.bench import HOME, Bench, play_hours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.core.model import Event

TAG = "C0:00:00:00:00:07"
NIGHT = HOME["rule"][0]
OPEN = {"type": "left_open", "device": "Front door", "minutes": 10}
AWAY = {"type": "not_back", "device": "Front door", "minutes": 15}
GONE = {
    "type": "tag_gone",
    "device": "Tag",
    "door": "Front door",
    "gone_s": 120,
    "from": "21:00",
    "to": "07:00",
    "localises": True,
    "legal_basis": "Case 26/1234",
}
SIGNS = {
    "type": "no_sign_of_life",
    "device": "Front door",
    "hours": 1,
    "from": "00:00",
    "to": "00:00",
}


def home(*rules: "dict[str, Any]") -> "dict[str, Any]":
    """The home of the bench with a tag, and these rules."""
    tree = dict(HOME)
    tree["device"] = HOME["device"] + [{"name": "Tag", "driver": "bthome", "address": TAG}]
    tree["rule"] = list(rules)
    return tree


def tag(bench: Bench, number: int) -> None:
    """The tag advertises its battery."""
    bench.world.advertise(TAG, {"fcd2": bytes([0x40, 0x00, number % 256, 0x01, 90])})


async def carried(bench: Bench, seconds: int) -> None:
    """The tag is heard for so long, each ten seconds."""
    for number in range(seconds // 10):
        tag(bench, number)
        await bench.clock.advance(10_000)


def events(bench: Bench, lane: int, *kinds: str) -> "list[Event]":
    """Events of these kinds that arrived in a lane, in order."""
    return [event for at, _, event in bench.platform.order if at == lane and event.kind in kinds]


async def restart(bench: Bench, tree: "dict[str, Any] | None" = None) -> None:
    """A power cut, and a start."""
    await bench.cut()
    if tree is not None:
        bench.tree = tree
    await bench.build().start()
    await bench.clock.advance(5_000)


def test_a_door_that_stands_open_is_told_after_a_restart_and_ends_when_it_closes():
    async def scene(bench: Bench):
        bench.door(True, 1)
        await bench.clock.advance(6 * 60_000)
        await restart(bench)
        bench.door(True, 1)
        await bench.clock.advance(3 * 60_000)
        assert events(bench, ALARM, "door.left_open") == []
        bench.door(True, 2)
        await bench.clock.advance(3 * 60_000)
        bench.door(False, 3)
        await bench.clock.advance(5_000)
        left, closed = events(bench, ALARM, "door.left_open", "door.closed_again")
        night = events(bench, ALARM, "door.night_exit")[0]
        assert left.incident == closed.incident == night.incident is not None
        assert bench.journal.state_keys("rule.") == []

    play_hours(scene, tree=home(NIGHT, OPEN))


def test_who_is_not_back_is_told_in_the_incident_of_the_exit():
    async def scene(bench: Bench):
        bench.door(True, 1)
        await bench.clock.advance(8_000)
        bench.door(False, 2)
        await bench.clock.advance(16 * 60_000)
        left = events(bench, ALARM, "door.night_exit")[0]
        unseen = events(bench, ALARM, "door.return_unseen")
        assert [event.incident for event in unseen] == [left.incident]
        bench.door(True, 3)
        await bench.clock.advance(5_000)
        assert [event.incident for event in events(bench, ALARM, "door.moved_again")] == [left.incident]

    play_hours(scene, tree=home(NIGHT, AWAY))


def test_a_tag_that_goes_out_with_the_door_is_told_from_what_the_radio_heard():
    async def scene(bench: Bench):
        await carried(bench, 60)
        bench.door(True, 1)
        await carried(bench, 20)
        bench.door(False, 2)
        await bench.clock.advance(3 * 60_000)
        left = events(bench, ALARM, "door.night_exit")[0]
        gone = events(bench, ALARM, "tag.gone")
        assert [event.incident for event in gone] == [left.incident]
        assert gone[0].placement == bench.app.devices[2].placement
        await restart(bench)
        await carried(bench, 20)
        assert [event.incident for event in events(bench, ALARM, "tag.back")] == [left.incident]

    play_hours(scene, tree=home(GONE, NIGHT))


def test_a_radio_that_is_gone_is_no_tag_that_left():
    async def scene(bench: Bench):
        await carried(bench, 60)
        bench.door(True, 1)
        await bench.clock.advance(1_000)
        bench.world.lose_adapter()
        await bench.clock.advance(10 * 60_000)
        assert events(bench, ALARM, "tag.gone") == []
        assert len(events(bench, TECHNICAL, "rule.cannot_tell")) == 1

    play_hours(scene, tree=home(GONE, NIGHT))


def test_a_silent_door_is_no_sign_that_is_missing():
    async def scene(bench: Bench):
        bench.door(False, 1)
        await bench.clock.advance(3 * 3_600_000)
        assert events(bench, ALARM, "activity.missing") == []
        doubt = events(bench, TECHNICAL, "rule.cannot_tell")
        assert len(doubt) == 1 and doubt[0].rule is not None
        bench.door(True, 2)
        await bench.clock.advance(5_000)
        assert [event.incident for event in events(bench, TECHNICAL, "rule.can_tell")] == [doubt[0].incident]

    play_hours(scene, tree=home(SIGNS))


def test_a_door_that_is_heard_and_does_not_move_is_a_sign_that_is_missing():
    async def scene(bench: Bench):
        for number in range(8):
            bench.door(False, 1 + number)
            await bench.clock.advance(10 * 60_000)
        assert len(events(bench, ALARM, "activity.missing")) == 1
        assert events(bench, TECHNICAL, "rule.cannot_tell") == []

    play_hours(scene, tree=home(SIGNS))


def test_the_silence_of_a_home_survives_restarts_to_ten_minutes_without_an_event_to_carry_it():
    async def scene(bench: Bench):
        for number in range(7):
            bench.door(False, 1 + number)
            await bench.clock.advance(8 * 60_000)
            await restart(bench)
        assert bench.journal.state_keys("rule.") != []
        for number in range(9):
            bench.door(False, 20 + number)
            await bench.clock.advance(8 * 60_000)
        assert len(events(bench, ALARM, "activity.missing")) == 1

    play_hours(scene, tree=home(SIGNS))


def test_the_manifest_says_on_what_legal_basis_a_tag_is_followed():
    async def scene(bench: Bench):
        rows = bench.platform.manifests[-1]["devices"]
        assert [row.get("legal_basis") for row in rows] == [None, None, "Case 26/1234"]
        revision = bench.app.outward.revision
        await restart(bench, home(NIGHT))
        rows = bench.platform.manifests[-1]["devices"]
        assert [row.get("legal_basis") for row in rows] == [None, None, None]
        assert bench.app.outward.revision == revision + 1

    play_hours(scene, tree=home(GONE))


def test_a_rule_that_is_taken_out_or_changed_leaves_no_alarm_open():
    async def scene(bench: Bench):
        bench.door(True, 1)
        await bench.clock.advance(11 * 60_000)
        left = events(bench, ALARM, "door.left_open")[0]
        changed = dict(OPEN)
        changed["minutes"] = 30
        await restart(bench, home(NIGHT, changed))
        over = events(bench, ALARM, "alarm.unwatched")
        assert [event.incident for event in over] == [left.incident]
        assert over[0].values == {"reason": "the rule was taken out of use"}
        assert bench.journal.state_keys("rule.") == []

    play_hours(scene, tree=home(NIGHT, OPEN))
