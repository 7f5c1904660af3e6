"""No room in the store nor in memory: what goes first, what says so, and what is kept of it."""

import asyncio

from gateway.core.devices.driver import Reading
from gateway.core.model import Observation
from gateway.hub.ending import tell_unstored
from gateway.hub.overrun import OWED_LIMIT, Work
from gateway.hub.status import status
from hal.sim.faults import FULL, Fault, FaultPlan
from hal.types import INFO, LANES, MEASUREMENT, TECHNICAL
from tests.hub.bench import DAY_UTC_MS, Bench
from tests.hub.bench import play as play_whole
from tests.hub.small import PLACEMENT, Small, play


def failing(*calls: "tuple[int, str]") -> FaultPlan:
    """Appends that fail: (which, how)."""
    return FaultPlan([Fault("journal", "append", nth, effect) for nth, effect in calls])


def said(kind: str) -> Reading:
    return Reading([Observation(kind, {})])


def held(bench: Bench) -> int:
    return sum([bench.journal.mark(lane).last - bench.journal.mark(lane).first + 1 for lane in LANES])


def test_memory_is_bounded_while_nothing_finds_room_and_no_alarm_goes():
    async def scene() -> None:
        small = Small(faults=failing(*[(nth, FULL) for nth in range(1, 2_000)]))
        recorder = small.recorder
        await recorder.offer(recorder.reading(PLACEMENT, said("smoke.detected")))
        for _ in range(OWED_LIMIT + 10):
            await recorder.note("hub.started")
        assert len(recorder.waiting.all()) == OWED_LIMIT + 2, "an alarm, what waits, and the notice"
        assert small.messages().count("No room in the store nor in memory: events are lost.") == 10
        small.faults.faults.clear()
        await recorder.settle()
        assert small.kinds(0) == ["smoke.detected"]
        assert small.kinds(TECHNICAL) == ["journal.overrun"] + OWED_LIMIT * ["hub.started"]
        assert recorder.waiting.all() == [] and recorder.waiting.overrun.lost == {TECHNICAL: 10}

    play(scene)


def test_what_memory_loses_is_said_by_lane_the_least_important_first_as_soon_as_something_is_stored():
    async def scene() -> None:
        small = Small(faults=failing(*[(nth, FULL) for nth in range(1, 2_000)]))
        recorder, half = small.recorder, OWED_LIMIT // 2
        first_ms = small.clock.uptime_ms()
        for _ in range(half):
            for kind in ("hub.started", "oximetry.measured", "door.opened"):
                await recorder.offer(recorder.reading(PLACEMENT, said(kind)))
            await small.clock.advance(10)
        for _ in range(20):
            await recorder.note("hub.stopped")
        assert recorder.waiting.overrun.lost == {INFO: half, MEASUREMENT: 20}
        small.faults.faults.clear()
        await recorder.settle()
        kinds = small.kinds()
        assert kinds.count("oximetry.measured") == half - 20 and "door.opened" not in kinds
        assert kinds.count("hub.started") + kinds.count("hub.stopped") == half + 20
        notice = small.events(TECHNICAL)[0]
        assert notice.kind == "journal.overrun" and notice.placement == 0
        reason = notice.values.pop("reason")
        assert notice.values == {"count": half + 20, "measurement_count": 20, "info_count": half}
        assert "full" in str(reason)
        assert first_ms < notice.uptime_ms < small.clock.uptime_ms(), "when the first was lost"
        await recorder.note("hub.started")
        assert small.kinds().count("journal.overrun") == 1

    play(scene)


def test_losses_after_a_notice_are_said_by_another():
    async def scene() -> None:
        small = Small()
        recorder = small.recorder
        for lost in (3, 5):
            small.journal._faults = failing(*[(nth, FULL) for nth in range(1, 2_000)])
            for _ in range(OWED_LIMIT + lost):
                await recorder.note("hub.started")
            small.journal._faults = None
            await recorder.settle()
        told = [event.values for event in small.events(TECHNICAL) if event.kind == "journal.overrun"]
        assert [values["technical_count"] for values in told] == [3, 5]
        assert recorder.waiting.overrun.lost == {TECHNICAL: 8}

    play(scene)


def test_the_state_of_what_memory_loses_is_kept_the_newest_of_each_key():
    async def scene() -> None:
        small = Small(faults=failing(*[(nth, FULL) for nth in range(1, 2_000)]))
        recorder = small.recorder
        await recorder.keep({"alone": b"1"})
        for number in range(OWED_LIMIT + 50):
            kind = "door.opened" if number % 2 else "battery.low"
            item = str(number).encode()
            state: "dict[str, bytes | None]" = {"counter": item, kind: item, "of." + str(number): item}
            await recorder.offer(Work([recorder.own(kind, PLACEMENT)], state))
        await recorder.offer(Work([], {"counter": b"last"}))
        await recorder.offer(Work([recorder.own("smoke.detected", PLACEMENT)], {"door.opened": b"alarm"}))
        small.faults.faults.clear()
        await recorder.settle()
        last = OWED_LIMIT + 49
        kept = {
            "alone": b"1",
            "counter": b"last",
            "door.opened": b"alarm",
            "battery.low": str(last - 1).encode(),
        }
        kept.update({"of." + str(number): str(number).encode() for number in range(last + 1)})
        assert {key: small.journal.state(key) for key in kept} == kept
        assert sum(recorder.waiting.overrun.lost.values()) > 0

    play(scene)


def test_state_alone_that_waits_is_merged_and_is_no_loss():
    async def scene() -> None:
        small = Small(faults=failing(*[(nth, FULL) for nth in range(1, 2_000)]))
        recorder = small.recorder
        for number in range(2 * OWED_LIMIT):
            await recorder.keep({"counter": str(number).encode(), "of." + str(number): b"1"})
        await recorder.note("hub.started")
        small.faults.faults.clear()
        await recorder.settle()
        assert small.kinds() == ["hub.started"] and recorder.waiting.overrun.lost == {}
        assert small.journal.state("counter") == str(2 * OWED_LIMIT - 1).encode()
        assert len(small.journal.state_keys("of.")) == 2 * OWED_LIMIT

    play(scene)


def test_a_notice_that_is_on_its_way_is_followed_by_another():
    async def scene() -> None:
        small = Small()
        held = small.hold()
        recorder = small.recorder
        held._faults = failing(*[(nth, FULL) for nth in range(1, OWED_LIMIT + 4)])
        for _ in range(OWED_LIMIT + 3):
            await recorder.note("hub.started")
        held._faults = None
        held.go.clear()
        settling = asyncio.create_task(recorder.settle())
        await small.clock.settle()
        for number in range(4):
            await recorder.keep({"of." + str(number): b"1"})
            await recorder.note("hub.stopped")
        held.go.set()
        await small.clock.settle(20 * OWED_LIMIT)
        await settling
        told = [event.values["count"] for event in small.events(TECHNICAL) if event.kind == "journal.overrun"]
        assert told == [3, 4] and recorder.waiting.overrun.lost == {TECHNICAL: 7}
        assert len(small.journal.state_keys("of.")) == 4

    play(scene)


def test_what_is_on_its_way_is_not_given_up_for_memory():
    async def scene() -> None:
        small = Small()
        held = small.hold()
        recorder = small.recorder
        held.faults = failing((1, FULL))
        held._faults = held.faults
        await recorder.note("hub.started")
        held.go.clear()
        settling = asyncio.create_task(recorder.settle())
        await small.clock.settle()
        for _ in range(OWED_LIMIT + 5):
            await recorder.note("hub.stopped")
        held.go.set()
        await small.clock.settle(20 * OWED_LIMIT)
        await settling
        assert small.kinds()[0] == "hub.started" and small.kinds().count("hub.started") == 1
        assert small.kinds().count("hub.stopped") == OWED_LIMIT - 1
        assert small.kinds().count("journal.overrun") == 1

    play(scene)


def test_what_memory_lost_is_shown_and_arrives_when_there_is_room_again():
    def doors(bench: Bench) -> int:
        return len([kind for kind in bench.platform.kinds(INFO) if kind.startswith("door.")])

    async def scene(bench: Bench):
        bench.broker.stop()
        await bench.platform.stop()
        for number in range(100):
            bench.smoke(number % 2 == 0, number)
            await bench.clock.advance(10)
        assert bench.app.recorder.full
        for number in range(OWED_LIMIT + 30):
            bench.door(number % 2 == 0, number % 256)
            await bench.clock.advance(10)
        bench.smoke(True, 100)
        lost = dict(bench.app.recorder.waiting.overrun.lost)
        assert list(lost) == [INFO] and lost[INFO] >= 20
        assert status(bench.app)["lost_in_memory"] == {"info": lost[INFO]}
        bench.broker.start()
        await bench.platform.start()
        for _ in range(300):
            await bench.clock.advance(10_000)
            if not bench.app.recorder.waiting.has() and not held(bench):
                break
        (told,) = [event for _, _, event in bench.platform.order if event.kind == "journal.overrun"]
        assert told.values["count"] == told.values["info_count"] == lost[INFO]
        assert bench.platform.kinds(0) == ["smoke.detected", "smoke.cleared"] * 50 + ["smoke.detected"]
        before = doors(bench)
        await bench.cut()
        await bench.build().start()
        bench.door(False, (OWED_LIMIT + 29) % 256)
        await bench.clock.advance(60_000)
        assert doors(bench) == before, "what the door said last is known after a restart, arrived or lost"

    play_whole(scene, capacity_bytes=5_000, utc_ms=DAY_UTC_MS)


def test_what_never_found_room_is_said_at_the_end_and_what_finds_it_at_the_last_moment_is_stored():
    async def scene() -> None:
        small = Small(faults=failing(*[(nth, FULL) for nth in range(1, 2_000)]))
        await small.recorder.offer(small.recorder.reading(PLACEMENT, said("smoke.detected")))
        tell_unstored(small.recorder)
        assert small.messages()[-1] == "The store took nothing to the end: events are lost with the memory."
        small.faults.faults.clear()
        await small.recorder.settle()
        count = len(small.messages())
        tell_unstored(small.recorder)
        assert small.kinds(0) == ["smoke.detected"] and len(small.messages()) == count

    play(scene)
