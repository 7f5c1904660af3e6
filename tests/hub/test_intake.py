"""Readings of any device: counted, heard, recorded whole, and what a device says of itself kept."""

import asyncio

from gateway.core.devices.driver import MALFORMED, REPEATED, Driver, Reading
from gateway.core.model import Observation
from gateway.hub.recorder import RETRY_FULL_MS
from hal.sim.faults import FULL, Fault, FaultPlan
from hal.types import TECHNICAL
from tests.hub.small import PLACEMENT, Small, play

INTERVAL_S = 60


class Thing(Driver):
    """Anything in the home."""

    name = "thing"
    interval_s = INTERVAL_S


def described(**values: object) -> Reading:
    return Reading([Observation("device.described", values)], {"described": b"mark"})


def test_frames_and_refusals_are_counted():
    async def scene() -> None:
        small = Small()
        device = small.device(Thing)
        for refused in (None, (MALFORMED, "too short"), (REPEATED, "a copy"), (MALFORMED, "too long")):
            await small.intake.take(device, Reading(refused=refused, heard=False))
        assert (device.frames, device.repeated, device.refused) == (4, 1, {MALFORMED: 2})
        assert device.last_refusal == "too long" and device.heard_ms is None
        assert small.kinds() == [], "a reading that says nothing costs no append"

    play(scene)


def test_a_device_that_was_silent_is_back_when_it_is_heard_and_only_then():
    async def scene() -> None:
        small = Small()
        device = small.device(Thing)
        small.supervision.watch(PLACEMENT, device.interval_ms, 0, False)
        await small.clock.advance(3 * device.interval_ms)
        for placement, _ in small.supervision.due(small.clock.uptime_ms()):
            await small.recorder.note("device.silent", placement)
        await small.intake.take(device, Reading(refused=(MALFORMED, "x"), heard=False))
        assert small.kinds() == ["device.silent"]
        await small.intake.take(device, Reading([Observation("smoke.detected", {})]))
        await small.intake.take(device, Reading())
        assert small.kinds(TECHNICAL) == ["device.silent", "device.back"] and small.kinds(0) == [
            "smoke.detected"
        ]
        silent, back = small.events(TECHNICAL)
        assert silent.incident == back.incident is not None and back.placement == PLACEMENT

    play(scene)


def test_a_device_counts_as_heard_when_it_was_received():
    async def scene() -> None:
        small = Small()
        device = small.device(Thing)
        await small.clock.advance(5_000)
        await small.intake.take(device, Reading(), 3_000)
        assert device.heard_ms == 3_000

    play(scene)


def test_a_device_that_says_its_own_interval_is_watched_by_it():
    async def scene() -> None:
        small = Small()
        device = small.device(Thing)
        small.supervision.watch(PLACEMENT, device.interval_ms, 0, False)
        device.driver.interval_s = 600
        await small.intake.take(device, Reading())
        assert small.supervision.next_due_ms() == 3 * 600_000
        configured = small.device(Thing, "Other", 9, interval_s=30)
        small.supervision.watch(9, configured.interval_ms, 0, False)
        configured.driver.interval_s = 600
        await small.intake.take(configured, Reading())
        assert small.supervision.devices[9].interval_ms == 30_000, "the configuration's word holds"

    play(scene)


def test_a_full_store_is_waited_for_and_nothing_is_lost_or_told_twice():
    async def scene() -> None:
        small = Small(faults=FaultPlan([Fault("journal", "append", nth, FULL) for nth in (1, 2, 3)]))
        device = small.device(Thing)
        reading = Reading(
            [Observation("smoke.detected", {}), Observation("door.opened", {})], {"cursor": b"9"}
        )
        taking = asyncio.create_task(small.intake.take(device, reading))
        await small.clock.advance(2 * RETRY_FULL_MS)
        assert not taking.done() and small.recorder.full and small.kinds() == []
        assert device.heard_ms == 0, "a device whose word finds no room is not silent"
        await small.clock.advance(RETRY_FULL_MS)
        await taking
        assert small.kinds() == ["smoke.detected", "door.opened"] and not small.recorder.full
        assert small.journal.state("device.5.cursor") == b"9" and device.frames == 1

    play(scene)


def test_without_waiting_a_full_store_holds_nobody_up():
    async def scene() -> None:
        small = Small(faults=FaultPlan([Fault("journal", "append", 1, FULL)]))
        device = small.device(Thing)
        await small.intake.take(device, Reading([Observation("door.opened", {})]), wait=False)
        assert small.kinds() == [] and small.recorder.full
        await small.recorder.settle()
        assert small.kinds() == ["door.opened"]

    play(scene)


def test_what_a_device_says_it_is_outlives_a_restart_and_is_news_once():
    async def scene() -> None:
        small = Small()
        device = small.device(Thing)
        await small.intake.take(device, described(maker="Trygg", model="T1", features=3))
        await small.intake.take(device, described(maker="Trygg", model="T1", features=3))
        assert device.described == {"maker": "Trygg", "model": "T1", "features": "3"}
        assert small.described == 1
        small.restart()
        device = small.device(Thing)
        assert device.described == {"maker": "Trygg", "model": "T1", "features": "3"}
        await small.intake.take(device, described(model="T2"))
        assert small.described == 2 and device.described["model"] == "T2"
        assert device.described["maker"] == "Trygg"

    play(scene)
