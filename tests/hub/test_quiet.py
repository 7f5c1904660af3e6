"""Quiet at night: a dark lamp, faults upstream alone, a steady light when nothing gets through, and an answer to a press."""

from gateway.core.event_codec import encode_event
from gateway.core.model import REPLAY_SUSPECTED, UNAUTHENTICATED, UNPROVEN, Event
from gateway.hub.quiet import GRACE_MS, SHOWN_MS
from gateway.hub.status import status
from gateway.hub.supervise import BRISK_MS
from hal.types import SAFETY, TECHNICAL
from tests.hub.bench import DAY_UTC_MS, HOME, NIGHT_UTC_MS, SMOKE, Bench, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
OFFLINE_MIN = 15


def tree(**quiet: object) -> "dict[str, Any]":
    """The home with another `[quiet]`."""
    home: "dict[str, Any]" = dict(HOME)
    home["hub"] = dict(HOME["hub"])
    home["hub"]["state_interval_s"] = 3_600
    home["quiet"] = dict(quiet)
    return home


def press(bench: Bench, packet: int) -> None:
    """Somebody presses an alarm button."""
    bench.world.advertise(SMOKE, {"fcd2": bytes([0x44, 0x00, packet, 0x3A, 0x01])})


async def cut_off(bench: Bench) -> None:
    """Nothing leaves the house from now on."""
    bench.broker.stop()
    await bench.platform.stop()


async def reached(bench: Bench) -> None:
    """It does again."""
    bench.broker.start()
    await bench.platform.start()


def shown_since(bench: Bench, number: int) -> "list[str]":
    """What the lamp has shown beyond so many states."""
    return list(bench.indicator.shown[number:])


# --- hours ------------------------------------------------------------------------------------------------------


def test_the_lamp_goes_dark_in_the_evening_and_shows_its_state_in_the_morning():
    async def scene(bench: Bench):
        bench.clock.set_utc(NIGHT_UTC_MS - 4 * HOUR_MS - 11 * MINUTE_MS)  # 21:59
        await bench.clock.advance(10_000)
        assert bench.indicator.state == "ok"
        await bench.clock.advance(MINUTE_MS)
        assert bench.indicator.state == "quiet", "ten o'clock"
        bench.clock.set_utc(NIGHT_UTC_MS + 4 * HOUR_MS + 49 * MINUTE_MS)  # 06:59
        await bench.clock.advance(10_000)
        assert bench.indicator.state == "quiet"
        await bench.clock.advance(MINUTE_MS)
        assert bench.indicator.state == "ok", "seven o'clock"

    play(scene, tree=tree())


def test_a_fault_at_night_goes_upstream_and_not_to_the_resident():
    async def scene(bench: Bench):
        await bench.clock.advance(6_000)
        before = len(bench.indicator.shown)
        bench.world.lose_adapter()
        await bench.clock.advance(2 * MINUTE_MS)
        assert "adapter.lost" in bench.platform.kinds(TECHNICAL)
        assert bench.indicator.state == "quiet" and shown_since(bench, before) == []
        assert status(bench.app)["lamp"] == "fault", "whoever asks is told"

    play(scene, tree=tree())


def test_control_a_lamp_that_is_not_quiet_shows_the_same_fault():
    async def scene(bench: Bench):
        bench.world.lose_adapter()
        await bench.clock.advance(2 * MINUTE_MS)
        assert bench.indicator.state == "fault"

    play(scene, tree=tree(light="on"))
    play(scene, tree=tree(), utc_ms=DAY_UTC_MS)


def test_hours_are_as_configured():
    async def dark(bench: Bench):
        await bench.clock.advance(6_000)
        assert bench.indicator.state == "quiet"

    async def lit(bench: Bench):
        await bench.clock.advance(6_000)
        assert bench.indicator.state == "ok"

    play(lit, tree=tree(**{"from": "03:00", "to": "07:00"}))
    play(dark, tree=tree(**{"from": "02:00", "to": "02:30"}))
    play(dark, tree=tree(**{"from": "12:00", "to": "12:00"}), utc_ms=DAY_UTC_MS)


def test_an_unknown_hour_is_night():
    async def scene(bench: Bench):
        await bench.clock.advance(6_000)
        assert bench.indicator.state == "quiet"
        bench.clock.set_utc(DAY_UTC_MS)
        await bench.clock.advance(6_000)
        assert bench.indicator.state == "ok"

    play(scene, tree=tree(), utc_ms=None)


# --- a steady light -----------------------------------------------------------------------------------------------


def test_what_has_been_lost_for_long_is_said_by_a_steady_light_at_night_too():
    async def scene(bench: Bench):
        await bench.clock.advance(6_000)
        before = len(bench.indicator.shown)
        await cut_off(bench)
        await bench.clock.advance((OFFLINE_MIN - 1) * MINUTE_MS)
        assert shown_since(bench, before) == [], "a router that starts anew wakes nobody"
        await bench.clock.advance(2 * MINUTE_MS)
        assert bench.indicator.state == "offline"
        await bench.clock.advance(HOUR_MS)
        await reached(bench)
        await bench.clock.advance(10 * MINUTE_MS)
        assert shown_since(bench, before) == ["offline", "quiet"], "it shone once and did not blink"

    play(scene, tree=tree(offline_min=OFFLINE_MIN))


def test_a_platform_that_answers_nothing_is_as_good_as_no_line():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        bench.door(True, 1)
        await bench.clock.advance(4 * MINUTE_MS)
        assert bench.indicator.state == "quiet" and status(bench.app)["lamp"] == "fault"
        await bench.clock.advance(2 * MINUTE_MS)
        assert bench.indicator.state == "offline"

    play(scene, tree=tree(offline_min=5))


def test_a_restart_begins_the_minutes_anew_and_without_a_clock_they_are_counted_too():
    async def scene(bench: Bench):
        await cut_off(bench)
        await bench.clock.advance(6 * MINUTE_MS)
        assert bench.indicator.state == "offline"
        await bench.cut()
        await bench.build().start()
        await bench.clock.advance(MINUTE_MS)
        assert bench.indicator.state == "quiet"
        await bench.clock.advance(6 * MINUTE_MS)
        assert bench.indicator.state == "offline"

    play(scene, tree=tree(offline_min=5), utc_ms=None)


# --- an answer ----------------------------------------------------------------------------------------------------


def test_a_press_that_cannot_be_delivered_is_answered_at_once_and_again_when_it_is():
    async def scene(bench: Bench):
        await cut_off(bench)
        await bench.clock.advance(30 * MINUTE_MS)
        assert bench.indicator.state == "offline"
        before = len(bench.indicator.shown)
        press(bench, 1)
        await bench.clock.advance(100)
        assert bench.indicator.state == "heard"
        await bench.clock.advance(SHOWN_MS + 2_000)
        assert bench.indicator.state == "offline", "a moment, and then what was shown before"
        await bench.clock.advance(HOUR_MS)
        await reached(bench)
        for _ in range(60):
            await bench.clock.advance(10_000)
            if bench.indicator.state == "delivered":
                break
        assert bench.platform.kinds(SAFETY) == ["button.pressed"]
        await bench.clock.advance(SHOWN_MS + 6_000)
        assert shown_since(bench, before) == ["heard", "offline", "delivered", "quiet"]

    play(scene, tree=tree(offline_min=OFFLINE_MIN))


def test_control_a_press_that_gets_through_needs_no_light():
    async def scene(bench: Bench):
        await bench.clock.advance(6_000)
        before = len(bench.indicator.shown)
        press(bench, 1)
        await bench.clock.advance(MINUTE_MS)
        assert bench.platform.kinds(SAFETY) == ["button.pressed"]
        assert shown_since(bench, before) == [], "whoever calls back is the answer"

    play(scene, tree=tree())


def test_a_connection_that_brings_no_receipt_is_no_delivery():
    async def scene(bench: Bench):
        await bench.clock.advance(6_000)
        bench.platform.receipting = False
        press(bench, 1)
        await bench.clock.advance(GRACE_MS - 1_000)
        assert bench.indicator.state == "quiet"
        await bench.clock.advance(2_000)
        assert bench.indicator.state == "heard"
        bench.platform.receipting = True
        await bench.clock.advance(30_000)
        assert "delivered" in bench.indicator.shown

    play(scene, tree=tree())


def test_each_press_is_answered_and_smoke_is_none():
    async def scene(bench: Bench):
        await cut_off(bench)
        await bench.clock.advance(MINUTE_MS)
        bench.smoke(True, 1)
        await bench.clock.advance(2_000)
        assert bench.indicator.state == "quiet"
        for packet in (2, 3, 4):
            press(bench, packet)
            await bench.clock.advance(1_000)
            assert bench.indicator.state == "heard"
            await bench.clock.advance(SHOWN_MS + 2_000)
            assert bench.indicator.state == "quiet"

    play(scene, tree=tree())


def test_after_a_restart_its_delivery_is_shown_and_nothing_claims_that_it_was_heard_just_now():
    async def scene(bench: Bench):
        await cut_off(bench)
        await bench.clock.advance(MINUTE_MS)
        press(bench, 1)
        await bench.clock.advance(1_000)
        await bench.cut()
        await bench.build().start()
        await bench.clock.advance(MINUTE_MS)
        assert bench.indicator.shown == ["quiet"], "a restart at night blinks at nobody"
        await reached(bench)
        await bench.clock.advance(5 * MINUTE_MS)
        assert bench.indicator.shown == ["quiet", "delivered", "quiet"]

    play(scene, tree=tree())


def test_a_new_epoch_forgets_no_press():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        press(bench, 1)
        await bench.clock.advance(20_000)
        assert "heard" in bench.indicator.shown
        forked = bench.platform.receipt({TECHNICAL: [1, b"x" * 16]}, epoch=bench.journal.epoch)
        epoch = bench.journal.epoch
        await bench.platform.uplink.publish(bench.platform.topic("receipt"), forked, retain=True)
        await bench.clock.advance(20_000)
        assert bench.journal.epoch != epoch and "delivered" not in bench.indicator.shown
        bench.platform.receipting = True
        await bench.clock.advance(6 * MINUTE_MS)
        assert bench.indicator.shown.count("delivered") == 1

    play(scene, tree=tree())


def test_what_nobody_presses_now_is_answered_by_no_light():
    """From a log or journalled again, a recording, unproven, or in an exercise; beside them a press that is one."""

    async def scene(bench: Bench):
        await cut_off(bench)
        await bench.clock.advance(MINUTE_MS)
        before = len(bench.indicator.shown)
        for changed, is_answered in (
            ({"identity": b"i" * 16}, False),
            ({"identity": b"j" * 16, "provenance": UNPROVEN}, False),
            ({"provenance": UNPROVEN}, False),
            ({"provenance": REPLAY_SUSPECTED}, False),
            ({"exercise": True}, False),
            ({"provenance": UNAUTHENTICATED}, True),
        ):
            event = Event("button.pressed", 5, 1, 1_000, **changed)  # type: ignore[arg-type]
            await bench.app.recorder.put([(SAFETY, encode_event(event))], {})
            await bench.clock.advance(GRACE_MS + BRISK_MS)
            assert ("heard" in shown_since(bench, before)) is is_answered, changed

    play(scene, tree=tree())
