"""The door into the journal: what is made together is stored together, once, in order, with its moment and identity."""

import asyncio

from gateway.core.devices.driver import Reading
from gateway.core.model import DeviceTime, Observation
from gateway.core.rules.dose import DoseRule
from gateway.core.rules.night_window import NightWindow
from gateway.core.rules.recording import Recording
from gateway.hub.overrun import Work
from gateway.hub.parts import PartFailedError
from gateway.hub.recorder import FAILURES_LIMIT, RETRY_FULL_MS, RETRY_MS, device_key
from gateway.hub.waking import stop
from hal.sim.faults import ERROR, FULL, POWER_CUT, POWER_CUT_AFTER, Fault, FaultPlan, PowerCutError
from hal.types import ALARM, SAFETY, TECHNICAL
from tests.hub.small import BOOT, NIGHT_UTC_MS, PLACEMENT, Small, begun, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.rules.engine import Rule
    from gateway.hub.recorder import Recorder

RULE_ID = b"night..."


def night(stored: "dict[str, bytes]") -> "list[Rule]":
    """A door alarm at night."""
    return [
        NightWindow(PLACEMENT, RULE_ID, 22 * 60, 6 * 60, "Europe/Oslo", stored.get("night." + str(PLACEMENT)))
    ]


def said(kind: str, record: "bytes | None" = None, **values: object) -> Reading:
    """One observation, with a state of the driver that moves with it."""
    return Reading([Observation(kind, values, record)], {"cursor": record or kind.encode()})


async def record(recorder: "Recorder", reading: Reading, heard_ms: "int | None" = None) -> None:
    await recorder.store(recorder.reading(PLACEMENT, reading, heard_ms))


def failing(*calls: "tuple[int, str]") -> FaultPlan:
    """Appends that fail: (which, how)."""
    return FaultPlan([Fault("journal", "append", nth, effect) for nth, effect in calls])


def identities(small: Small) -> "list[bytes | None]":
    return [event.identity for event in small.events()]


def test_a_stored_record_has_the_same_identity_whenever_it_is_read_again():
    async def scene() -> None:
        small = Small()
        await record(small.recorder, said("dose.collected", b"log7", dose_id=1))
        small.restart()
        await small.clock.advance(60_000)
        await record(small.recorder, said("dose.collected", b"log7", dose_id=1))
        first, again = identities(small)
        assert first is not None and len(first) == 16 and first == again

    play(scene)


def test_whatever_makes_a_record_another_makes_its_identity_another():
    async def scene() -> None:
        small = Small()
        base = small.recorder.reading(PLACEMENT, said("dose.collected", b"log7", dose_id=1))
        others = [
            small.recorder.reading(PLACEMENT + 1, said("dose.collected", b"log7", dose_id=1)),
            small.recorder.reading(PLACEMENT, said("dose.dispensed", b"log7", dose_id=1)),
            small.recorder.reading(PLACEMENT, said("dose.collected", b"log8", dose_id=1)),
            small.recorder.reading(PLACEMENT, said("dose.collected", b"log7", dose_id=2)),
        ]
        made = [work.events[0].identity for work in [base] + others]
        assert len(set(made)) == len(made) and None not in made
        live = small.recorder.reading(PLACEMENT, said("dose.collected", None, dose_id=1))
        assert live.events[0].identity is None, "two equal live readings are two"

    play(scene)


def test_an_identity_is_this_gateways_own():
    async def scene() -> None:
        one, other = Small(), Small()
        other.crypto._keystore._keys["identity"] = b"another gateway's key"
        await record(one.recorder, said("dose.collected", b"log7", dose_id=1))
        await record(other.recorder, said("dose.collected", b"log7", dose_id=1))
        assert identities(one) != identities(other)

    play(scene)


def test_only_the_devices_own_word_carries_the_records_identity():
    async def scene() -> None:
        small = Small(rules=night)
        await record(small.recorder, said("door.opened", b"r1"))
        opened, alarm = small.events(4)[0], small.events(ALARM)[0]
        assert opened.identity is not None and alarm.identity is None
        assert alarm.rule == RULE_ID and alarm.kind == "door.night_exit"

    play(scene)


def test_the_moment_is_that_of_the_reception():
    async def scene() -> None:
        small = Small()
        await small.clock.advance(10_000)
        for heard_ms, expected_ms in ((7_000, 7_000), (None, 10_000), (99_000, 10_000)):
            work = small.recorder.reading(PLACEMENT, said("door.opened"), heard_ms)
            event = work.events[0]
            assert (event.boot, event.uptime_ms) == (BOOT, expected_ms)
            assert event.utc_ms == NIGHT_UTC_MS + expected_ms

    play(scene)


def test_without_a_trusted_clock_an_event_has_no_time_and_that_is_remembered():
    async def scene() -> None:
        small = Small(utc_ms=None)
        assert not small.recorder.undated
        work = small.recorder.reading(PLACEMENT, said("door.opened"))
        assert work.events[0].utc_ms is None and small.recorder.undated

    play(scene)


def test_the_devices_own_time_stands_beside_ours():
    async def scene() -> None:
        small = Small()
        time = DeviceTime("2026-11-22T02:00", 1, NIGHT_UTC_MS - 500, 1_000)
        reading = Reading([Observation("dose.collected", {"dose_id": 1}, b"r", time)])
        await record(small.recorder, reading)
        event = small.events(3)[0]
        assert event.device_time == time and event.utc_ms == NIGHT_UTC_MS

    play(scene)


def test_an_incident_outlives_a_restart_and_ends_with_its_state():
    async def scene() -> None:
        small = Small()
        await record(small.recorder, said("smoke.detected"))
        small.restart()
        assert small.recorder.engine.incidents.is_open(PLACEMENT, "smoke.detected")
        await record(small.recorder, said("smoke.detected"))
        small.restart()
        await record(small.recorder, said("smoke.cleared"))
        small.restart()
        assert not small.recorder.engine.incidents.is_open(PLACEMENT, "smoke.detected")
        await record(small.recorder, said("smoke.detected"))
        incidents = [event.incident for event in small.events(0)]
        assert incidents[0] == incidents[1] == incidents[2] and incidents[0] is not None
        assert incidents[3] not in (None, incidents[0])

    play(scene)


def test_events_and_state_are_stored_together_or_not_at_all_wherever_the_power_goes():
    async def cut(effect: str, nth: int) -> None:
        small = Small(rules=night, faults=failing((nth, effect)))
        readings = [said("door.opened", b"1"), said("door.closed", b"2"), said("door.opened", b"3")]
        try:
            for reading in readings:
                await record(small.recorder, reading)
        except PowerCutError:
            pass
        small.faults = None
        small.restart()
        stored = len(small.events(4))
        assert stored == nth - (effect == POWER_CUT)
        cursor = small.journal.state(device_key(PLACEMENT, "cursor"))
        assert cursor == (None if stored == 0 else str(stored).encode()), (effect, nth)
        out = small.journal.state("night." + str(PLACEMENT)) is not None
        assert out == (stored % 2 == 1), (effect, nth)
        assert len(small.events(ALARM)) == stored, (effect, nth)
        assert small.recorder.engine.incidents.is_open(PLACEMENT, "door.night_exit") == out

    for effect in (POWER_CUT, POWER_CUT_AFTER):
        for nth in (1, 2, 3):
            play(cut, effect, nth)


def test_a_reading_that_finds_no_room_is_judged_once_and_stored_whole():
    async def scene() -> None:
        small = Small(rules=night, faults=failing((2, FULL), (3, FULL), (4, ERROR)))
        await record(small.recorder, said("door.opened", b"1"))
        closing = asyncio.create_task(record(small.recorder, said("door.closed", b"2")))
        await small.clock.advance(2 * RETRY_FULL_MS + RETRY_MS)
        await closing
        assert small.kinds(ALARM) == ["door.night_exit", "door.night_return"], "the rule was asked twice"
        assert small.kinds(4) == ["door.opened", "door.closed"]
        exit_event, return_event = small.events(ALARM)
        assert exit_event.incident == return_event.incident is not None
        assert small.journal.state("night." + str(PLACEMENT)) is None
        assert small.messages().count("The store is full of alarms; what comes waits for room.") == 1

    play(scene)


def test_a_thinned_stream_loses_no_reading_to_a_full_store():
    async def scene() -> None:
        every_minute = Recording("every_s", 60_000)
        small = Small(recordings={PLACEMENT: every_minute}, faults=failing((1, FULL)))
        storing = asyncio.create_task(record(small.recorder, said("oximetry.measured", spo2_pct=97)))
        await small.clock.advance(RETRY_FULL_MS)
        await storing
        assert [event.values["spo2_pct"] for event in small.events(3)] == [97]

    play(scene)


def test_what_waits_for_room_keeps_its_order_and_alarms_pass_it():
    async def scene() -> None:
        small = Small(faults=failing((1, FULL), (2, FULL)))
        recorder = small.recorder
        await recorder.note("path.lost", values={"reason": "1"})
        await recorder.note("path.restored")
        await recorder.note("hub.started")
        assert small.kinds() == [] and recorder.full
        await recorder.offer(recorder.reading(PLACEMENT, said("smoke.detected")))  # the second to fail
        assert small.kinds(SAFETY) == [], "an alarm waits behind nothing but room"
        await recorder.offer(recorder.reading(PLACEMENT, said("smoke.cleared")))
        assert recorder.retry_ms == small.clock.uptime_ms(), "an alarm behind an alarm is tried at once"
        running = await begun(recorder.run, small.clock)
        await small.clock.settle()
        assert small.kinds(SAFETY) == ["smoke.detected", "smoke.cleared"], "and alarms keep their order"
        await stop(running)
        assert small.kinds(TECHNICAL) == ["path.lost", "path.restored", "hub.started"]
        assert not recorder.full and recorder.retry_ms is None
        assert not small.recorder.engine.incidents.is_open(0, "path.lost")
        small.restart()
        assert small.journal.state_keys("incident.0.path") == []

    play(scene)


def test_old_state_never_overwrites_what_was_stored_since():
    async def scene() -> None:
        small = Small(faults=failing((1, FULL)))
        recorder = small.recorder
        await recorder.offer(Work([recorder.own("hub.started")], {"a": b"old", "b": b"old"}))
        await recorder.store(Work([recorder.own("hub.stopped")], {"a": b"new"}))
        await recorder.settle()
        assert small.journal.state("a") == b"new" and small.journal.state("b") == b"old"
        assert small.kinds() == ["hub.stopped", "hub.started"]

    play(scene)


def test_a_medium_that_fails_a_few_times_costs_nothing():
    async def scene() -> None:
        small = Small(faults=failing(*[(nth, ERROR) for nth in range(1, FAILURES_LIMIT)]))
        storing = asyncio.create_task(record(small.recorder, said("smoke.detected")))
        await small.clock.advance(FAILURES_LIMIT * RETRY_MS)
        await storing
        assert small.kinds() == ["smoke.detected"]

    play(scene)


def test_a_medium_that_goes_on_failing_ends_the_part():
    async def scene() -> None:
        small = Small(faults=failing(*[(nth, ERROR) for nth in range(1, 100)]))
        storing = asyncio.create_task(record(small.recorder, said("smoke.detected")))
        await small.clock.advance(FAILURES_LIMIT * RETRY_MS)
        failed = False
        try:
            await storing
        except PartFailedError:
            failed = True
        assert failed

    play(scene)


def test_a_condition_is_said_when_it_begins_and_when_it_ends_once_each():
    async def scene() -> None:
        small = Small()
        for holds in (False, True, True, False, False, True):
            await small.recorder.condition("path.lost", "path.restored", holds, {"reason": "r"})
        assert small.kinds() == ["path.lost", "path.restored", "path.lost"]
        small.restart()
        await small.recorder.condition("path.lost", "path.restored", True, {"reason": "r"})
        assert len(small.kinds()) == 3
        await small.recorder.condition("path.lost", "path.restored", False)
        assert small.kinds()[3] == "path.restored"

    play(scene)


def test_what_time_brought_and_found_no_room_is_stored_later():
    async def scene() -> None:
        def dose(stored: "dict[str, bytes]") -> "list[Rule]":
            return [DoseRule(PLACEMENT, RULE_ID, stored)]

        small = Small(rules=dose, faults=failing((2, FULL)))
        end_ms = NIGHT_UTC_MS + 10_000
        await record(small.recorder, said("dose.planned", b"1", dose_id=4, window_end_utc_ms=end_ms))
        await small.clock.advance(600_000)
        await small.recorder.due()
        assert small.kinds(TECHNICAL) == [] and small.recorder.engine.next_due_ms() is None
        await small.recorder.settle()
        assert small.kinds(TECHNICAL) == ["dose.unconfirmed"]
        small.restart()
        await record(small.recorder, said("dose.collected", b"2", dose_id=4))
        assert small.kinds(TECHNICAL) == ["dose.unconfirmed", "dose.accounted"]

    play(scene)


def test_whoever_waits_for_news_is_called_after_each_append():
    async def scene() -> None:
        small = Small(faults=failing((2, FULL)))
        held: "list[int]" = []
        small.recorder.appended = [lambda: held.append(small.journal.mark(TECHNICAL).last)]
        await small.recorder.note("hub.started")
        await small.recorder.note("hub.stopped")
        assert held == [1]
        await small.recorder.settle()
        assert held == [1, 2]

    play(scene)


def test_nothing_appended_while_a_new_epoch_is_begun_is_lost():
    async def scene() -> None:
        small = Small()
        for kind in ("smoke.detected", "smoke.cleared"):
            await record(small.recorder, said(kind))
        chains = [entry.chain for entry in small.journal.peek(0, 0, 1 << 20)]
        epoch = small.journal.epoch
        tasks = [
            asyncio.create_task(record(small.recorder, said("water.detected"))),
            asyncio.create_task(small.recorder.begin_epoch("receipt of a fork")),
            asyncio.create_task(record(small.recorder, said("gas.detected"))),
            asyncio.create_task(small.recorder.note("hub.stopped")),
        ]
        for task in tasks:
            await task
        assert small.journal.epoch != epoch
        assert sorted(small.kinds(0)) == ["gas.detected", "smoke.cleared", "smoke.detected", "water.detected"]
        assert small.kinds(TECHNICAL) == ["epoch.begun", "hub.stopped"]
        assert [event.identity for event in small.events(0)][:2] == chains, "old identities go along"
        begun = small.events(TECHNICAL)[0]
        assert begun.values == {"reason": "receipt of a fork", "epoch": epoch}

    play(scene)


def test_a_new_epoch_that_is_cancelled_leaves_the_door_open():
    async def scene() -> None:
        small = Small()
        await record(small.recorder, said("smoke.detected"))
        task = asyncio.create_task(small.recorder.begin_epoch("receipt of a fork"))
        await asyncio.sleep(0)
        await stop(task)
        await record(small.recorder, said("smoke.cleared"))
        assert small.kinds(0) == ["smoke.detected", "smoke.cleared"]
        assert small.journal.mark(SAFETY).last == 2

    play(scene)
