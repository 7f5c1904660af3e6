"""A counter that began anew, at a whole hub: its alarms come through, a person confirms it, and nothing old passes after it."""

from gateway.core.errors import ConfigError, RefusedError
from gateway.core.model import REPLAY_SUSPECTED
from gateway.hub import status
from hal.aes import ccm_seal
from hal.sim.faults import FULL, Fault, FaultPlan
from tests.hub.bench import DOOR, HOME, SMOKE, Bench, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OLD, NEW = 48_211, 17
SUSPECTED, CONFIRMED = "device.replay_suspected", "device.counter_reset"


def keyed() -> "dict[str, Any]":
    """The home, its sensors with keys."""
    tree = dict(HOME)
    tree["device"] = [dict(device, key="sensor") for device in HOME["device"]]
    return tree


def sealed(address: str, objects: str, counter: int) -> bytes:
    """An encrypted frame of a sensor."""
    tail = counter.to_bytes(4, "little")
    nonce = bytes.fromhex(address.replace(":", "")) + b"\xd2\xfc\x41" + tail
    ciphertext, tag = ccm_seal(b"k" * 16, nonce, bytes.fromhex(objects), b"", 4)
    return b"\x41" + ciphertext + tail + tag


async def say(bench: Bench, address: str, objects: str, counter: int, after_ms: int = 3_000) -> None:
    bench.world.advertise(address, {"fcd2": sealed(address, objects, counter)})
    await bench.clock.advance(after_ms)


async def with_keys(bench: Bench) -> None:
    """The sensors of the home encrypt, and the door's last frame was `OLD`."""
    bench.tree = keyed()
    bench.keystore.add_key("sensor", b"k" * 16)
    await bench.cut()
    await bench.build().start()
    await bench.clock.advance(3_000)
    await say(bench, DOOR, "1a00", OLD)
    await say(bench, SMOKE, "2900", OLD)


def told(bench: Bench, kind: str) -> "list[Any]":
    return [event for _, _, event in bench.platform.order if event.kind == kind]


def refusal(call: "Any", error: "type[Exception]", *given: str) -> str:
    try:
        call(*given)
    except error as caught:
        return str(caught)
    raise AssertionError("not refused")


def test_a_door_with_a_new_battery_is_believed_once_a_person_has_confirmed_it():
    async def scene(bench: Bench):
        await with_keys(bench)
        await say(bench, DOOR, "1a01", NEW)
        assert len(told(bench, SUSPECTED)) == 1 and not told(bench, "door.opened")
        resets = bench.app.resets
        facts = resets.heard("Front door")
        assert facts == {"device": "Front door", "counter": str(NEW), "last_counter": str(OLD)}
        assert status.devices(bench.app)[0]["counter_behind"] == {"heard": NEW, "last": OLD}
        assert (await resets.confirm("Front door", str(NEW)))["stored"] is True
        assert status.devices(bench.app)[0]["counter_behind"] is None
        await say(bench, DOOR, "1a01", NEW + 1)
        (reset,) = told(bench, CONFIRMED)
        assert reset.values == {"counter": NEW, "last_counter": OLD}
        assert reset.placement == bench.app.devices[0].placement
        assert len(told(bench, "door.opened")) == 1

    play(scene)


def test_a_reset_outlives_a_power_cut_and_so_does_the_refusal_of_what_was_recorded_before():
    async def scene(bench: Bench):
        await with_keys(bench)
        await say(bench, DOOR, "1a01", NEW)
        await bench.app.resets.confirm("Front door", str(NEW))
        for number in range(3):
            await bench.cut()
            await bench.build().start()
            await bench.clock.advance(3_000)
            for counter in (OLD, 30_000, NEW + number):
                await say(bench, DOOR, "1a01", counter)
            assert not told(bench, "door.opened"), number
            assert bench.app.devices[0].refused == {"replayed": 3}
            await say(bench, DOOR, "1a00", NEW + 1 + number)
            assert bench.app.devices[0].refused == {"replayed": 3}

    play(scene)


def test_a_fire_is_delivered_marked_while_nobody_has_confirmed_and_again_when_it_comes_again():
    async def scene(bench: Bench):
        await with_keys(bench)
        await say(bench, SMOKE, "2901", NEW)
        await say(bench, SMOKE, "2900", NEW + 1, 600_000)
        await say(bench, SMOKE, "2901", NEW + 2)
        fires = told(bench, "smoke.detected")
        assert [event.provenance for event in fires] == [REPLAY_SUSPECTED, REPLAY_SUSPECTED]
        assert not told(bench, "smoke.cleared"), "a frame that is not believed ends no alarm"
        await bench.app.resets.confirm("Smoke", str(NEW + 2))
        await say(bench, SMOKE, "2900", NEW + 3)
        assert [event.incident for event in told(bench, "smoke.cleared")] == [fires[0].incident]

    play(scene)


def test_control_the_same_under_a_counter_that_rises_bears_no_mark():
    async def scene(bench: Bench):
        await with_keys(bench)
        await say(bench, SMOKE, "2901", OLD + 1)
        assert [event.provenance for event in told(bench, "smoke.detected")] == [0]
        assert not told(bench, SUSPECTED)

    play(scene)


def test_what_cannot_be_confirmed_says_why():
    async def scene(bench: Bench):
        await with_keys(bench)
        resets = bench.app.resets
        assert "one of Front door, Smoke" in refusal(resets.heard, ConfigError, "Nobody")
        assert "no counter that began anew" in refusal(resets.heard, RefusedError, "Smoke")
        await say(bench, DOOR, "1a01", NEW)
        await say(bench, DOOR, "1a01", 30_000)
        for seen in (str(NEW), "30001", "", "x"):
            said = ""
            try:
                await resets.confirm("Front door", seen)
            except RefusedError as error:
                said = str(error)
            assert "another counter" in said, seen
        assert not told(bench, CONFIRMED)

    play(scene)


def test_a_confirmation_that_finds_no_room_is_kept_and_stored_when_there_is():
    async def scene(bench: Bench):
        bench.faults = plan = FaultPlan([])
        await with_keys(bench)
        await say(bench, DOOR, "1a01", NEW)
        plan.faults = [Fault("journal", "append", nth, FULL) for nth in range(1, 1_000)]
        assert (await bench.app.resets.confirm("Front door", str(NEW)))["stored"] is False
        plan.faults = []
        await bench.clock.advance(30_000)
        assert len(told(bench, CONFIRMED)) == 1
        await bench.cut()
        await bench.build().start()
        await bench.clock.advance(3_000)
        await say(bench, DOOR, "1a01", NEW + 1)
        assert len(told(bench, "door.opened")) == 1

    play(scene)
