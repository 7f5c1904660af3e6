"""The hub's part of leaving a home: it listens no more, says so, delivers, clears its topics, and says nothing after that."""

import asyncio
from typing import Any

import pytest

from gateway.core.errors import RefusedError
from gateway.core.event_codec import decode_event
from gateway.daemon.control import fits
from gateway.daemon.rehome_hub import PART, PATIENCE_MS, Leaving
from gateway.hub.status import status
from hal.errors import LinkLostError, UnavailableError
from hal.sim.faults import FULL, FaultPlan
from hal.types import LANES
from tests.hub.bench import DAY_UTC_MS, Bench, play

OWN = ("trygg/v1/oslo/hub-1/up/manifest", "trygg/v1/oslo/hub-1/up/state")


def leaving(bench: Bench) -> Leaving:
    return Leaving(bench.app, asyncio.Event())


def held(bench: Bench) -> int:
    return sum(bench.journal.mark(lane).last - bench.journal.mark(lane).first + 1 for lane in LANES)


async def went(bench: Bench) -> Leaving:
    made = leaving(bench)
    await made.begin()
    await bench.clock.advance(3_000)
    return made


def test_it_says_that_it_leaves_and_listens_to_nothing_more() -> None:
    async def scene(bench: Bench) -> None:
        made = await went(bench)
        assert made.facts()["begun"] and sum(made.held().values()) == 0
        before = held(bench), bench.app.inward.receipts
        bench.door(True, 1)
        bench.smoke(True, 1)
        await bench.clock.advance(3_000)
        await made.begin()
        await bench.clock.advance(3_000)
        assert (held(bench), bench.app.inward.receipts) == before, "begun once, and nothing comes in"
        assert bench.app.parts.alive()

    play(scene)


def test_silence_after_it_left_is_no_fault_and_says_nothing_about_a_person() -> None:
    async def scene(bench: Bench) -> None:
        bench.door(True, 1)
        await bench.clock.advance(3_000)
        await went(bench)
        last = [bench.journal.mark(lane).last for lane in (0, 1)]
        await bench.clock.advance(3_600_000)  # its interval is ten minutes
        assert [bench.journal.mark(lane).last for lane in (0, 1)] == last
        assert not bench.app.recorder.engine.incidents.is_open(
            bench.app.devices[0].placement, "device.silent"
        )

    play(scene)


def test_its_topics_are_cleared_and_stay_so() -> None:
    async def scene(bench: Bench) -> None:
        assert set(OWN) <= set(bench.broker.retained)
        made = await went(bench)
        facts = await made.clear()
        assert facts["cleared"] and not set(OWN) & set(bench.broker.retained)
        bench.broker.stop()
        await bench.clock.advance(1_000)
        bench.broker.start()
        await bench.clock.advance(400_000)
        assert bench.app.delivery.uplink.connected
        assert not set(OWN) & set(bench.broker.retained)

    play(scene)


def test_without_the_hush_they_would_be_there_again() -> None:
    async def scene(bench: Bench) -> None:
        made = await went(bench)
        await made.clear()
        bench.app.delivery.hushed = False
        await bench.clock.advance(130_000)
        assert OWN[1] in bench.broker.retained

    play(scene)


def test_nothing_is_cleared_and_nothing_ended_while_something_waits() -> None:
    async def scene(bench: Bench) -> None:
        bench.platform.receipting = False
        bench.door(True, 1)
        await bench.clock.advance(1_000)
        made = leaving(bench)
        with pytest.raises(RefusedError, match="not begun to leave"):
            await made.end()
        await made.begin()
        count = held(bench)
        assert sum(made.held().values()) == count >= 2
        with pytest.raises(RefusedError, match=f"{count} events wait"):
            await made.clear()
        with pytest.raises(RefusedError, match=f"{count} events wait"):
            await made.end()
        assert not made._stop.is_set()
        await made.end(undelivered=True)
        assert made._stop.is_set() and held(bench) == count, "it stops, and keeps what it holds"

    play(scene)


def test_without_a_connection_the_topics_are_not_cleared_and_that_is_told() -> None:
    async def scene(bench: Bench) -> None:
        made = await went(bench)
        bench.broker.stop()
        await bench.clock.advance(1_000)
        with pytest.raises((UnavailableError, LinkLostError)):
            await made.clear()
        assert made.facts()["cleared"] is False

    play(scene)


def test_it_stops_without_another_word() -> None:
    async def scene(bench: Bench) -> None:
        made = await went(bench)
        await made.clear()
        stopping = asyncio.create_task(bench.app.until(made._stop))
        await made.end()
        await bench.clock.advance(5_000)
        assert await stopping
        last: Any = [event.kind for event in told(bench)][-1]
        assert last == "gateway.left"

    play(scene)


class Filling(FaultPlan):
    """A store that has no room while `is_full`."""

    def __init__(self) -> None:
        super().__init__([])
        self.is_full = False

    def effect(self, interface: str, operation: str) -> str | None:
        return FULL if self.is_full and (interface, operation) == ("journal", "append") else None


def test_what_was_about_to_be_stored_when_it_left_is_stored_and_delivered() -> None:
    plan = Filling()

    async def scene(bench: Bench) -> None:
        recorder, placement = bench.app.recorder, bench.app.devices[0].placement

        async def visit() -> None:
            await recorder.store(recorder.made([recorder.own("door.opened", placement)]))

        plan.is_full = True
        bench.app.parts.start("visit 1", visit)
        await bench.clock.advance(100)
        made = leaving(bench)
        await made.begin()
        waits = [event.kind for work in recorder.waiting.all() for event in work.events]
        assert {"door.opened", "gateway.left"} <= set(waits)
        plan.is_full = False
        await bench.clock.advance(20_000)
        assert sum(made.held().values()) == 0
        assert {"door.opened", "gateway.left"} <= {event.kind for _, _, event in bench.platform.order}

    play(scene, faults=plan)


def test_a_hub_with_an_alarm_that_only_memory_holds_does_not_begin_to_leave() -> None:
    plan = Filling()

    async def scene(bench: Bench) -> None:
        plan.is_full = True
        bench.smoke(True, 1)
        await bench.clock.advance(100)
        made = leaving(bench)
        with pytest.raises(RefusedError, match="1 alarms are not in the store yet"):
            await made.begin()
        assert not bench.app.has_left and "radio" in bench.app.parts.tasks, "it listens as before"
        plan.is_full = False
        await made.begin()
        assert bench.journal.mark(0).last == 1, "stored before anything else"

    play(scene, faults=plan)


def test_it_does_not_end_before_its_last_alarm_is_in_the_store_whoever_asks_for_an_export() -> None:
    plan = Filling()

    async def scene(bench: Bench) -> None:
        made = await went(bench)
        bench.broker.stop()
        plan.is_full = True
        recorder, placement = bench.app.recorder, bench.app.devices[1].placement
        await recorder.offer(recorder.made([recorder.own("smoke.detected", placement)]))
        with pytest.raises(RefusedError, match="1 alarms are not in the store yet"):
            await made.end(undelivered=True)
        assert not made._stop.is_set()
        plan.is_full = False
        await made.end(undelivered=True)
        assert made._stop.is_set() and bench.journal.mark(0).last == 1

    play(scene, faults=plan)


async def ends(bench: Bench, duration_ms: int) -> bool | None:
    """Whether the run ended as told; None where it goes on after so long."""
    await bench.clock.advance(duration_ms)
    if not bench.app.parts.given_up.is_set():
        return None
    running = asyncio.create_task(bench.app.until(asyncio.Event()))
    await bench.clock.advance(5_000)
    return await running


def test_it_is_a_fault_to_see_while_it_hears_nobody() -> None:
    async def scene(bench: Bench) -> None:
        assert status(bench.app)["faults"] == [] and bench.indicator.state != "fault"
        await leaving(bench).begin()
        await bench.clock.advance(10)
        assert status(bench.app)["faults"] == ["gateway.left"] and status(bench.app)["lamp"] == "fault"
        assert bench.indicator.state == "fault"

    play(scene, utc_ms=DAY_UTC_MS)


def test_a_gateway_that_stays_after_all_starts_anew_and_hears_the_smoke_detector() -> None:
    async def scene(bench: Bench) -> None:
        made = await went(bench)
        made.cancel()
        assert await ends(bench, 10_000) is False, "a status by which the service starts it again"
        assert bench.app.parts.failed == PART
        await bench.build().start()
        await bench.clock.advance(1_000)
        bench.smoke(True, 1)
        await bench.clock.advance(3_000)
        assert bench.app.recorder.engine.incidents.is_open(bench.app.devices[1].placement, "smoke.detected")
        assert set(OWN) <= set(bench.broker.retained)

    play(scene)


def test_where_nobody_goes_on_it_listens_again_by_itself() -> None:
    async def scene(bench: Bench) -> None:
        made = await went(bench)
        await bench.clock.advance(PATIENCE_MS - 5_000)
        assert bench.app.parts.alive()
        made.facts()
        assert await ends(bench, PATIENCE_MS - 5_000) is None, "somebody has asked in between"
        assert await ends(bench, 10_000) is False

    play(scene)


def test_a_gateway_that_has_not_begun_has_nothing_to_break_off() -> None:
    async def scene(bench: Bench) -> None:
        made = leaving(bench)
        assert made.cancel()["begun"] is False
        await made.begin()
        assert await ends(bench, 60_000) is None

    play(scene)


def told(bench: Bench) -> list[Any]:
    """The technical events that went over the broker, in order."""
    from gateway.core import wire

    found = []
    for message in bench.broker.accepted:
        if message.topic.endswith("/up/2") and message.payload:
            found += [decode_event(each) for each in wire.parse("bundle", message.payload).fields["events"]]  # type: ignore[attr-defined]
    return found


def test_the_verbs_are_of_the_form_that_the_socket_takes() -> None:
    assert fits(Leaving.begin, {}) and fits(Leaving.cancel, {}) and fits(Leaving.clear, {})
    assert fits(Leaving.end, {"undelivered": True})
    assert not fits(Leaving.end, {"undelivered": "yes"}) and not fits(Leaving.end, {"force": True})
