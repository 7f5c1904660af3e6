"""A fault of ours in one event or one work: it costs neither what stands beside it nor what waits behind it."""

from gateway.core.event_codec import decode_event
from gateway.core.model import DeviceTime, Event
from gateway.hub.ending import store_in, tell_unstored
from gateway.hub.overrun import Work
from gateway.hub.writing import written
from hal.sim.faults import FULL, Fault, FaultPlan
from hal.sim.journal import SimJournal
from hal.types import ALARM, INFO, MEASUREMENT, SAFETY, TECHNICAL
from tests.hub.small import PLACEMENT, Small, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WRONG: "list[object]" = [object(), None, [1, 2], 1 << 70, {"a": 1}]


def event(small: Small, kind: str, spo2: object = 97) -> Event:
    return small.recorder.own(kind, PLACEMENT, {"spo2_pct": spo2})


def lost(small: Small) -> "list[dict[str, object]]":
    """What is said of events that are lost."""
    return [told.values for told in small.events(TECHNICAL) if told.kind == "journal.overrun"]


def test_an_event_that_does_not_encode_is_lost_and_named_and_what_is_beside_it_is_stored():
    async def scene() -> None:
        for wrong in WRONG:
            small = Small()
            work = Work([event(small, "oximetry.measured", wrong), event(small, "door.opened")], {"a": b"1"})
            assert await small.recorder.offer(work)
            assert small.kinds(INFO) == ["door.opened"] and small.kinds(MEASUREMENT) == []
            assert small.journal.state("a") == b"1"
            values = {"reason": "oximetry.measured does not encode", "count": 1, "measurement_count": 1}
            assert lost(small) == [values], wrong
            assert small.recorder.waiting.all() == []

    play(scene)


def test_an_alarm_behind_it_does_not_wait_for_it():
    async def scene() -> None:
        small = Small(faults=FaultPlan([Fault("journal", "append", 1, FULL)]))
        recorder = small.recorder
        await recorder.offer(Work([event(small, "smoke.detected")], {}))
        await recorder.offer(Work([event(small, "water.detected", object())], {}))
        await recorder.offer(Work([event(small, "gas.detected")], {}))
        await recorder.settle()
        assert small.kinds(SAFETY) == ["smoke.detected", "water.detected", "gas.detected"]
        assert recorder.waiting.all() == [] and recorder.retry_ms is None

    play(scene)


def test_an_alarm_goes_without_the_values_that_do_not_encode_and_says_so():
    async def scene() -> None:
        small = Small()
        alarm = event(small, "door.night_exit", object())
        alarm.incident, alarm.rule, alarm.exercise = b"incident", b"the rule", True
        alarm.device_time = DeviceTime("2026", 9)
        await small.recorder.store(Work([alarm], {}))
        (told,) = small.events(ALARM)
        assert (told.kind, told.placement, told.incident) == ("door.night_exit", PLACEMENT, b"incident")
        assert (told.utc_ms, told.rule, told.exercise) == (alarm.utc_ms, b"the rule", True)
        assert told.values == {"reason": "what it holds does not encode"}
        assert lost(small) == []

    play(scene)


def test_an_alarm_is_told_whatever_of_it_is_wrong():
    small = Small()
    for name in ("values", "incident", "identity", "rule", "device_time", "provenance", "exercise"):
        alarm = event(small, "smoke.detected")
        setattr(alarm, name, object())
        work = Work([alarm], {})
        ((lane, data),) = written(work, small.recorder.own, small.log)
        assert (lane, decode_event(data).kind, len(work.events)) == (SAFETY, "smoke.detected", 1), name


def test_an_alarm_without_a_place_is_lost_and_named():
    small = Small()
    alarm = event(small, "smoke.detected")
    alarm.placement = -1
    ((lane, data),) = written(Work([alarm], {}), small.recorder.own, small.log)
    told = decode_event(data)
    assert (lane, told.kind) == (TECHNICAL, "journal.overrun")
    assert told.values == {"reason": "smoke.detected does not encode", "count": 1}


class Choosy(SimJournal):
    """Fails, as no journal should, for one key of state."""

    async def append(self, events: "Any", state: "Any" = None) -> "Any":
        if state and "odd" in state:
            raise TypeError("no such thing")
        return await super().append(events, state)


def choosy(small: Small) -> Choosy:
    small.medium.cut()
    return Choosy(small.medium, random=small.random)


async def waiting_behind_a_fault(small: Small) -> None:
    """Alarms and a routine event that wait, the second of them with a fault of ours."""
    small.use(choosy(small))
    for kind, state in (
        ("smoke.detected", {}),
        ("water.detected", {"odd": b"1"}),
        ("gas.detected", {}),
        ("door.opened", {}),
    ):
        work = Work([event(small, kind)], state)
        small.recorder.waiting.number(work)
        small.recorder.wait_for_room(work, at_once=False)


def test_a_work_with_a_fault_of_ours_holds_up_nothing_and_the_fault_is_loud():
    async def scene() -> None:
        small = Small()
        await waiting_behind_a_fault(small)
        for _ in range(2):
            try:
                await small.recorder.settle()
                raise AssertionError("the fault was silent")
            except TypeError:
                pass
        assert small.kinds(SAFETY) == ["smoke.detected", "gas.detected"] and small.kinds(INFO) == [
            "door.opened"
        ]
        assert [work.events[0].kind for work in small.recorder.waiting.all()] == ["water.detected"]
        assert small.recorder.retry_ms is not None

    play(scene)


def test_nor_does_it_where_a_journal_that_was_opened_anew_is_handed_what_waits():
    async def scene() -> None:
        small = Small()
        await waiting_behind_a_fault(small)
        await store_in(small.recorder, choosy(small))
        tell_unstored(small.recorder)
        assert small.logged[-1][2]["kinds"] == ["water.detected"]
        small.restart()
        assert small.kinds(SAFETY) == ["smoke.detected", "gas.detected"] and small.kinds(INFO) == [
            "door.opened"
        ]

    play(scene)
