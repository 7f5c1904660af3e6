"""A device or a rule that is taken out of use: its open states are said to be followed by nobody, and nothing stays."""

from gateway.core import cbor
from gateway.core.rules.incidents import PREFIX as INCIDENT
from gateway.core.rules.incidents import dose_incident, key_of
from gateway.core.rules.leaving import open_state
from hal.types import ALARM, INFO, SAFETY, TECHNICAL
from tests.hub.bench import HOME, OXIMETER, SMOKE, Bench, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.core.model import Event

REMOVED = {"reason": "the device was taken out of use"}


def home(**changed: "Any") -> "dict[str, Any]":
    """The home, some of it changed."""
    tree = dict(HOME)
    tree.update(changed)
    return tree


async def restart(bench: Bench, tree: "dict[str, Any]") -> None:
    """A power cut, and a start with another configuration."""
    await bench.cut()
    bench.tree = tree
    await bench.build().start()
    await bench.clock.advance(5_000)


def events(bench: Bench, lane: int, *kinds: str) -> "list[Event]":
    """Events of these kinds that arrived in a lane, in order."""
    return [event for at, _, event in bench.platform.order if at == lane and event.kind in kinds]


def state_of(bench: Bench, placement: int) -> "list[str]":
    """Keys that the journal keeps of a placement."""
    number = "." + str(placement)
    return [key for key in bench.journal.state_keys("") if key.endswith(number) or (number + ".") in key]


def test_what_a_device_left_open_is_said_in_its_lane_with_its_incident_once():
    async def scene(bench: Bench):
        smoke, door = [device.placement for device in bench.app.devices][::-1]
        bench.smoke(True, 1)
        bench.door(True, 1)
        await bench.clock.advance(31 * 60_000)  # the door is silent by then
        await restart(bench, home(device=[], rule=[]))
        for lane, kind, opened, placement in (
            (SAFETY, "safety.unwatched", "smoke.detected", smoke),
            (ALARM, "alarm.unwatched", "door.night_exit", door),
            (TECHNICAL, "fault.unwatched", "device.silent", door),
            (INFO, "state.unwatched", "door.opened", door),
        ):
            begun, over = events(bench, lane, opened, kind)
            assert (begun.kind, over.kind) == (opened, kind)
            assert begun.placement == over.placement == placement and over.values == REMOVED
            assert begun.incident == over.incident is not None
        assert state_of(bench, smoke) == state_of(bench, door) == []
        kinds = bench.platform.kinds(TECHNICAL)
        assert kinds.index("fault.unwatched") > kinds.index("hub.started")
        for word in ("smoke.cleared", "door.night_return", "device.back", "door.closed"):
            assert word not in bench.platform.kinds(), "nobody knows that"
        await restart(bench, home())
        await restart(bench, home())
        assert len([kind for kind in bench.platform.kinds() if kind.endswith(".unwatched")]) == 4

    play(scene)


def test_a_storm_that_nobody_follows_any_more_is_named_by_its_state_and_part():
    async def scene(bench: Bench):
        for packet in range(1, 9):
            bench.smoke(packet % 2 == 1, packet)
            await bench.clock.advance(2_000)
        await restart(bench, home(device=HOME["device"][:1]))
        (begun,) = events(bench, TECHNICAL, "device.flapping")
        (over,) = [
            one for one in events(bench, TECHNICAL, "fault.unwatched") if one.incident == begun.incident
        ]
        said = dict(begun.values)
        said.update(REMOVED)
        assert over.values == said == {"state": "smoke.detected", "reason": REMOVED["reason"]}

    play(scene)
    key = key_of(7, "device.flapping", "door.night_exit.hall.2")[len(INCIDENT) + 2 :]
    said = {"state": "door.night_exit", "part": "hall.2"}
    assert open_state(INCIDENT, 7, key, b"incident") == ("device.flapping", b"incident", said)
    assert open_state(INCIDENT, 7, "door.opened.hall.2", b"incident")[2] == {"part": "hall.2"}


def test_a_device_that_is_replaced_begins_without_the_states_of_the_one_before():
    async def scene(bench: Bench):
        bench.smoke(True, 1)
        await bench.clock.advance(2_000)
        old = bench.app.devices[1].placement
        devices = [dict(HOME["device"][0]), dict(HOME["device"][1])]
        devices[1]["address"] = "C0:00:00:00:00:09"
        await restart(bench, home(device=devices))
        assert [event.placement for event in events(bench, SAFETY, "safety.unwatched")] == [old]
        assert bench.app.devices[1].placement != old and state_of(bench, old) == []
        assert bench.app.recorder.engine.incidents.open == {}
        bench.world.advertise("C0:00:00:00:00:09", {"fcd2": bytes([0x44, 0x00, 2, 0x29, 1])})
        await bench.clock.advance(2_000)
        first, second = events(bench, SAFETY, "smoke.detected")
        assert first.incident != second.incident and second.placement == bench.app.devices[1].placement

    play(scene)


def test_what_stays_in_use_keeps_its_open_states():
    async def scene(bench: Bench):
        bench.smoke(True, 1)
        bench.door(True, 1)
        await bench.clock.advance(2_000)
        await restart(
            bench, home(device=HOME["device"] + [{"name": "Ox", "driver": "plx", "address": OXIMETER}])
        )
        bench.smoke(False, 2)
        bench.door(False, 2)
        await bench.clock.advance(2_000)
        assert bench.platform.kinds(SAFETY) == ["smoke.detected", "smoke.cleared"]
        assert bench.platform.kinds(ALARM) == ["door.night_exit", "door.night_return"]
        assert [kind for kind in bench.platform.kinds() if kind.endswith(".unwatched")] == []

    play(scene)


def test_a_rule_of_the_night_that_is_taken_out_leaves_no_alarm_open():
    async def scene(bench: Bench):
        bench.door(True, 1)
        await bench.clock.advance(2_000)
        door = bench.app.devices[0].placement
        await restart(bench, home(rule=[]))
        begun, over = events(bench, ALARM, "door.night_exit", "alarm.unwatched")
        assert begun.incident == over.incident and over.values == {"reason": "the rule was taken out of use"}
        assert bench.journal.state("night." + str(door)) is None
        bench.door(False, 2)
        await bench.clock.advance(2_000)
        begun, over = events(bench, INFO, "door.opened", "door.closed")
        assert begun.incident == over.incident, "the door itself is still followed"

    play(scene)


def test_a_radio_that_was_lost_when_the_last_device_that_needs_it_goes_is_no_fault_for_ever():
    async def scene(bench: Bench):
        bench.world.lose_adapter()
        await bench.clock.advance(10_000)
        assert "adapter.lost" in bench.app.supervise.faults()
        await restart(bench, home(device=[], rule=[]))
        begun, over = events(bench, TECHNICAL, "adapter.lost", "fault.unwatched")
        assert begun.incident == over.incident and bench.app.supervise.faults() == []

    play(scene)


def test_doses_that_nobody_told_of_are_followed_no_longer_when_their_dispenser_goes():
    async def scene(bench: Bench):
        await bench.cut()
        bench.build()
        rows = {"7": [bench.clock.utc_ms(), 1], "8": [bench.clock.utc_ms(), 0]}  # unconfirmed, planned
        state = {"dose.99." + name: cbor.encode(row) for name, row in rows.items()}
        await bench.journal.append([], state)  # type: ignore[arg-type]
        await restart(bench, home())
        told = events(bench, TECHNICAL, "fault.unwatched")
        assert [(event.placement, event.incident) for event in told] == [(99, dose_incident(99, 7))]
        assert told[0].values == {"dose_id": 7, "reason": REMOVED["reason"]}
        assert bench.journal.state_keys("dose.") == []

    play(scene)


def test_a_store_without_room_at_the_start_says_it_later():
    async def scene(bench: Bench):
        bench.broker.stop()
        bench.smoke(True, 0)
        for number in range(1, 200):
            bench.world.advertise(SMOKE, {"fcd2": bytes([0x44, 0x00, number, 0x3A, 1])})
            await bench.clock.advance(10)
        smoke = bench.app.devices[1].placement
        assert bench.app.recorder.full
        await bench.cut()
        bench.tree = home(device=HOME["device"][:1])
        await bench.build().start()
        await bench.clock.advance(10_000)
        bench.broker.start()
        await bench.platform.stop()
        await bench.platform.start()
        await bench.clock.advance(300_000)
        begun, over = events(bench, SAFETY, "smoke.detected", "safety.unwatched")
        assert begun.placement == over.placement == smoke and begun.incident == over.incident
        assert bench.app.recorder.engine.incidents.open == {} and not bench.app.recorder.waiting.has()
        assert bench.journal.state("placement.Smoke") is None

    play(scene, capacity_bytes=6_000)
