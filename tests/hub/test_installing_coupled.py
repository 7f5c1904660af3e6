"""Coupled smoke detectors: trying one lets all sound. The others' alarms are real, always; and who sounded and was receipted was tried."""

from gateway.core.errors import RefusedError
from gateway.core.model import REPLAY_SUSPECTED, UNAUTHENTICATED, UNPROVEN, Event
from gateway.hub.installing_steps import DONE, OPEN, RUNNING
from hal.types import Entry
from tests.hub.site import NAME, TOKEN, Site, install

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BEDROOM, STAIRS = "C0:00:00:00:00:11", "C0:00:00:00:00:12"


async def coupled(site: Site) -> None:
    """Two more smoke detectors, which sound with the first."""
    for name, address in (("Smoke bedroom", BEDROOM), ("Smoke stairs", STAIRS)):
        row = {"name": name, "driver": "bthome", "address": address, "room": "bedroom"}
        await site.add(row, "")
    await site.renew()
    await site.installing.take(NAME, TOKEN)
    sound(site, 0)
    await site.clock.advance(3_000)


def sound(site: Site, state: int) -> None:
    """All of them, as coupled detectors do."""
    site.packet = (site.packet + 1) % 256
    site.smoke(bool(state), site.packet)
    for address in (BEDROOM, STAIRS):
        site.world.advertise(address, {"fcd2": bytes([0x44, 0x00, site.packet, 0x29, state])})


def marks(site: Site) -> "dict[int, list[bool]]":
    """Whether smoke alarms that the platform has are exercises, by placement."""
    found: "dict[int, list[bool]]" = {}
    for row in site.platform.stored.values():
        if row[0].kind == "smoke.detected":
            found.setdefault(row[0].placement, []).append(bool(row[0].exercise))
    return found


def test_all_that_sound_together_are_tried_in_one_go_and_only_the_one_that_is_tried_is_marked():
    async def scene(site: Site) -> None:
        await coupled(site)
        await site.installing.test("Smoke", "", TOKEN, True)
        sound(site, 1)
        await site.clock.advance(5_000)
        sound(site, 0)
        await site.clock.advance(5_000)
        of = {device.config.name: device.placement for device in site.app.devices}
        said = marks(site)
        assert said[of["Smoke"]] == [True]
        for name in ("Smoke bedroom", "Smoke stairs"):
            assert said[of[name]] == [False], "a fire in its room would be told so, too"
            row = site.steps()["device:" + name + ":tested"]
            assert (row["state"], row["facts"]["kind"]) == (DONE, "smoke.detected")
        assert site.steps()["device:Front door:tested"]["state"] == OPEN

    install(scene)


def test_what_sounded_counts_when_the_platform_has_receipted_it_and_not_before():
    async def scene(site: Site) -> None:
        await coupled(site)
        site.platform.receipting = False
        await site.installing.test("Smoke", "", TOKEN, True)
        sound(site, 1)
        await site.clock.advance(5_000)
        assert site.steps()["device:Smoke stairs:tested"]["state"] == RUNNING
        site.platform.receipting = True
        await site.clock.advance(30_000)
        assert site.steps()["device:Smoke stairs:tested"]["state"] == DONE

    install(scene)


def test_control_without_saying_that_they_are_coupled_nothing_counts_beside_the_one():
    async def scene(site: Site) -> None:
        await coupled(site)
        await site.installing.test("Smoke", "", TOKEN)
        sound(site, 1)
        await site.clock.advance(5_000)
        assert site.steps()["device:Smoke:tested"]["state"] == DONE
        assert site.steps()["device:Smoke stairs:tested"]["state"] == OPEN

    install(scene)


def test_who_sounds_after_the_minutes_has_not_been_tried_and_is_real():
    async def scene(site: Site) -> None:
        await coupled(site)
        await site.installing.test("Smoke", "", TOKEN, True)
        await site.clock.advance(121_000)
        sound(site, 1)
        await site.clock.advance(5_000)
        assert site.steps()["device:Smoke stairs:tested"]["state"] == OPEN
        assert all([each == [False] for each in marks(site).values()]) and len(marks(site)) == 3

    install(scene)


def one(site: Site, address: str, state: int) -> None:
    """One of the others alone."""
    site.packet = (site.packet + 1) % 256
    site.world.advertise(address, {"fcd2": bytes([0x44, 0x00, site.packet, 0x29, state])})


def test_a_real_alarm_of_before_that_the_hub_tells_again_meanwhile_is_no_trial():
    async def scene(site: Site) -> None:
        await coupled(site)
        of = {device.config.name: device.placement for device in site.app.devices}
        for state in (1, 0, 1):  # the second is a repetition, and told again as long as it stays
            one(site, BEDROOM, state)
            await site.clock.advance(2_000)
        (due_ms,) = [spell.again_ms for spell in site.app.recorder.engine.storms.held.values()]
        assert due_ms is not None
        await site.clock.advance(due_ms - site.clock.uptime_ms() - 5_000)
        await site.installing.test("Smoke", "", TOKEN, True)
        await site.clock.advance(20_000)
        told = [
            row[0].values for row in site.platform.stored.values() if row[0].placement == of["Smoke bedroom"]
        ]
        assert {"again": "storm"} in told
        assert site.steps()["device:Smoke bedroom:tested"]["state"] == OPEN

    install(scene)


def test_what_shows_nothing_of_the_detector_there_and_then_is_no_trial():
    async def scene(site: Site) -> None:
        await coupled(site)
        await site.installing.test("Smoke", "", TOKEN, True)
        beside, moment = site.installing.trying.beside, site.app.recorder.moment()
        of = {device.config.name: device.placement for device in site.app.devices}

        def took(**told: "Any") -> bool:
            beside.heard = {}
            event = Event("smoke.detected", of["Smoke stairs"], moment.boot, moment.uptime_ms)
            for name, value in told.items():
                setattr(event, name, value)
            beside.took(event, Entry(1, 1, b"", b"\x01" * 32))
            return bool(beside.heard)

        assert took()
        assert not took(uptime_ms=moment.uptime_ms - 1)
        assert not took(boot=moment.boot + 1)
        assert not took(provenance=UNPROVEN)
        assert not took(provenance=REPLAY_SUSPECTED)
        assert not took(exercise=True)
        assert took(provenance=UNAUTHENTICATED), "it has no key, so it never says anything else"
        (stairs,) = [each for each in site.app.devices if each.placement == of["Smoke stairs"]]
        stairs.config.key = "stairs"
        assert not took(provenance=UNAUTHENTICATED)
        assert took()
        assert not took(values={"again": "storm"})

    install(scene)


def test_a_device_without_an_alarm_is_not_tried_together_with_others():
    async def scene(site: Site) -> None:
        await site.installing.take(NAME, TOKEN)
        site.door(False, 3)
        await site.clock.advance(3_000)
        said = ""
        try:
            await site.installing.test("Front door", "", TOKEN, True)
        except RefusedError as error:
            said = str(error)
        assert "only alarms" in said

    install(scene)
