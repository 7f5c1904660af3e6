"""The two last trials of an installation: a pulled plug, and a person at the response centre."""

from gateway.core.devices.driver import AdvertisingDriver, Reading
from gateway.core.errors import RefusedError
from gateway.core.model import Observation
from gateway.hub.installing_steps import DONE
from tests.hub.site import ACCEPTED, DOOR, HANDLED, NAME, SMOKE, TOKEN, Site, install

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import Any

    from hal.types import Advertisement

FORWARDED, FAILED = 0, 3


async def refused(act: "Awaitable[Any]", kind: "type[Exception]" = RefusedError) -> str:
    text = ""
    try:
        await act
    except kind as error:
        text = str(error)
    assert text, "not refused"
    return text


def test_only_the_signed_word_accepted_turns_the_last_step_green():
    async def scene(site: Site) -> None:
        await site.installing.take(NAME, TOKEN)
        await site.installing.ring(TOKEN)
        states = []
        for became in (None, FORWARDED, FAILED, HANDLED):
            await site.clock.advance(3_000)
            if became is not None:
                await site.disposed(became, "n")
            states.append(site.installing.centre.state())
            assert site.steps()["centre"]["state"] != DONE
        assert states == ["received", "forwarded", "failed", "handled"]
        await site.installing.ring(TOKEN)
        await site.clock.advance(3_000)
        assert "rung already" in await refused(site.installing.ring(TOKEN))
        await site.clock.advance(1_000_000)
        assert site.steps()["centre"]["why"] == "centre_over"
        await site.disposed(ACCEPTED, "Ola")
        assert site.steps()["centre"]["state"] == DONE, "a late word is a word"
        await site.disposed(HANDLED)
        assert site.installing.facts()["centre"] == {
            "state": "accepted",
            "identity": site.installing.facts()["centre"]["identity"],  # type: ignore[index]
            "note": "Ola",
            "left_s": 0,
        }

    install(scene)


def test_accepted_counts_though_handled_comes_right_behind_it():
    async def scene(site: Site) -> None:
        await site.installing.take(NAME, TOKEN)
        await site.installing.ring(TOKEN)
        await site.clock.advance(3_000)
        rows = [row for row in site.platform.stored.values() if row[0].kind == "alarm.tried"]
        for became in (ACCEPTED, HANDLED):
            utc_ms = (site.clock.utc_ms() or 0) + became
            await site.platform.say("disposition", site.platform.disposition(rows[-1][2], became, utc_ms))
        await site.clock.advance(2_000)
        assert site.steps()["centre"]["state"] == DONE

    install(scene)


def test_an_alarm_that_rings_the_centre_is_marked_and_no_words_of_others_count_for_it():
    async def scene(site: Site) -> None:
        await site.installing.take(NAME, TOKEN)
        site.smoke(True, 9)
        await site.installing.ring(TOKEN)
        await site.clock.advance(3_000)
        events = [row[2] for row in site.platform.order if row[2].kind in ("alarm.tried", "smoke.detected")]
        assert {event.kind: event.exercise for event in events} == {
            "alarm.tried": True,
            "smoke.detected": False,
        }
        fire = next(row[2] for row in site.platform.stored.values() if row[0].kind == "smoke.detected")
        await site.platform.say(
            "disposition", site.platform.disposition(fire, ACCEPTED, site.clock.utc_ms() or 0)
        )
        await site.clock.advance(2_000)
        assert site.steps()["centre"]["state"] != DONE

    install(scene)


def test_the_plug_is_pulled_in_earnest_and_in_time_or_it_is_done_again():
    async def scene(site: Site) -> None:
        of = site.installing
        assert "take it first" in await refused(of.pull(TOKEN))
        await of.take(NAME, TOKEN)
        await of.pull(TOKEN)
        await site.renew()
        assert site.steps()["plug"]["why"] == "plug_stopped"
        await site.installing.pull(TOKEN)
        await site.clock.advance(700_000)
        assert site.steps()["plug"]["why"] == "plug_too_late"
        await site.installing.pull(TOKEN)
        await site.cut()
        await site.clock.advance(700_000)
        await site.again()
        assert site.steps()["plug"]["why"] == "plug_too_late"
        await site.installing.pull(TOKEN)
        await site.cut()
        site.medium.damage()
        await site.again()
        assert site.steps()["plug"]["state"] != DONE, "nothing is known of it any more"
        await site.installing.take(NAME, TOKEN)
        await site.installing.pull(TOKEN)
        await site.cut()
        site.power -= 1  # the process alone was killed
        await site.again()
        assert site.steps()["plug"]["state"] == DONE and site.steps()["plug"]["facts"] == {"cut": 0}

    install(scene)


def test_a_journal_that_lost_what_it_had_stored_does_not_pass():
    async def scene(site: Site) -> None:
        await site.installing.take(NAME, TOKEN)
        site.platform.receipting = False
        site.door(True, 7)
        await site.clock.advance(3_000)
        await site.installing.pull(TOKEN)
        await site.cut()
        store: "Any" = site.medium.store
        gone = store.lanes[4].entries.pop()
        assert gone.lane == 4
        await site.again()
        assert site.steps()["plug"]["why"] == "plug_lost"

    install(scene)


def test_without_a_clock_nobody_pulls_the_plug():
    async def scene(site: Site) -> None:
        await site.installing.take(NAME, TOKEN)
        assert "clock" in await refused(site.installing.pull(TOKEN))
        assert site.steps()["clock"]["why"] == "clock_untrusted"

    install(scene, utc_ms=None)


class Foreign(AdvertisingDriver):
    """A smoke detector of another package: its second byte is its state, and each frame tells its battery. Behind a guard, so to speak."""

    name, contract, kinds, safety = (
        "foreign",
        1,
        ("smoke.detected", "smoke.cleared", "battery.measured"),
        True,
    )

    def advertised(self, advertisement: "Advertisement") -> Reading:
        state = advertisement.service_data["fcd2"][-1]
        if state == 255:
            return Reading([Observation("driver.failed", {})], heard=False)
        found = [Observation("battery.measured", {"battery_pct": 90})]
        return Reading(found + ([Observation("smoke.detected", {})] if state == 1 else []))


class Silent(Foreign):
    """The same of a package without alarms."""

    kinds, safety = ("battery.measured",), False


async def foreign(site: Site, kind: "type[AdvertisingDriver]" = Foreign) -> None:
    """The home's devices are read by a driver of another package."""
    site.driver_of = lambda name: kind
    await site.renew()
    await site.installing.take(NAME, TOKEN)


def test_an_alarm_device_of_another_package_is_tried_by_its_alarm_and_by_nothing_less():
    async def scene(site: Site) -> None:
        await foreign(site)
        step = "device:Smoke:tested"
        assert site.steps()[step]["facts"]["kinds"] == ["smoke.detected"]
        await site.installing.test("Smoke", "", TOKEN)
        for packet in range(3):
            site.smoke(False, packet)
            await site.clock.advance(3_000)
        assert site.steps()[step]["why"] == "test_waits", "a battery is no alarm"
        site.smoke(True, 9)
        await site.clock.advance(3_000)
        assert site.steps()[step]["state"] == DONE and site.steps()[step]["facts"]["kind"] == "smoke.detected"
        told = [row[0] for row in site.platform.stored.values() if row[0].kind == "smoke.detected"]
        assert [event.exercise for event in told] == [True]

    install(scene)


def test_a_driver_that_fails_is_no_reading_of_its_device():
    async def scene(site: Site) -> None:
        await foreign(site, Silent)
        await site.installing.test("Smoke", "", TOKEN)
        site.world.advertise(SMOKE, {"fcd2": b"\xff"})
        await site.clock.advance(3_000)
        assert site.steps()["device:Smoke:tested"]["why"] == "test_waits"
        site.smoke(False, 2)
        await site.clock.advance(3_000)
        assert site.steps()["device:Smoke:tested"]["facts"]["kind"] == "battery.measured"

    install(scene)


def test_what_may_be_an_alarm_device_is_not_tried_by_a_mere_reading():
    async def scene(site: Site) -> None:
        battery = {"fcd2": bytes([0x44, 0x00, 1, 0x01, 90])}
        await site.installing.take(NAME, TOKEN)
        for _ in range(2):
            assert "nobody knows yet" in await refused(site.installing.test("Smoke", "", TOKEN))
            site.world.advertise(SMOKE, battery)  # as any device has one
            await site.clock.advance(3_000)
        await site.installing.test("Smoke", "button.pressed", TOKEN)
        site.world.advertise(SMOKE, {"fcd2": bytes([0x44, 0x00, 7, 0x3A, 0x01])})
        await site.clock.advance(3_000)
        assert site.steps()["device:Smoke:tested"]["facts"]["kind"] == "button.pressed"
        site.door(False, 1)
        await site.clock.advance(3_000)
        await site.installing.test("Front door", "", TOKEN)
        site.world.advertise(DOOR, {"fcd2": bytes([0x44, 0x00, 2, 0x1A, 1, 0x29, 0])})
        await site.clock.advance(3_000)
        assert site.steps()["device:Front door:tested"]["why"] == "test_waits", "it has an alarm after all"
        await site.clock.advance(121_000)
        assert site.steps()["device:Front door:tested"]["why"] == "test_over"

    install(scene)
