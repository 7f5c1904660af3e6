"""The nightly self-test: on time, along the whole way, told when it fails, and beside every alarm."""

from gateway.core.timezone import local_minutes
from gateway.hub.self_test import (
    LATE_S,
    LIMIT_MS,
    SPREAD_FROM_S,
    SPREAD_S,
    STATE,
    WITHOUT_CLOCK_MS,
    second_of_day,
)
from gateway.hub.status import status
from hal.types import ALARM, SAFETY, TECHNICAL
from tests.hub.bench import GATEWAY, HOME, NIGHT_UTC_MS, Bench, play_hours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.core.model import Event

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
# NIGHT_UTC_MS is 02:10 in Oslo; the test of this home is at 02:30 and the second of its id
AT = "02:30"
LATEST_MS = 21 * MINUTE_MS + 10_000


def tree() -> "dict[str, Any]":
    """The home, tested at half past two."""
    home: "dict[str, Any]" = dict(HOME)
    home["hub"] = dict(HOME["hub"])
    home["hub"]["self_test_at"] = AT
    home["hub"]["state_interval_s"] = 3_600  # signatures take long in a simulation
    return home


async def to_night(bench: Bench, number: int) -> None:
    """To ten past two of the night so many days later, without the time between, and past the test of it."""
    bench.clock.set_utc(NIGHT_UTC_MS + number * DAY_MS)
    await bench.clock.advance(LATEST_MS)


def told(bench: Bench) -> "list[Event]":
    """What arrived about the self-test, in the order in which it did."""
    return [event for _, _, event in bench.platform.order if event.kind.startswith("self_test.")]


def kinds(bench: Bench) -> "list[str]":
    return [event.kind[len("self_test.") :] for event in told(bench)]


def result(bench: Bench) -> "Any":
    facts: "Any" = status(bench.app)["self_test"]
    return None if facts is None else facts["result"]


def test_each_night_one_event_goes_and_comes_back_and_no_alarm_is_touched():
    async def scene(bench: Bench):
        await bench.clock.advance(19 * MINUTE_MS)
        assert kinds(bench) == [] and result(bench) is None
        await bench.clock.advance(LATEST_MS - 19 * MINUTE_MS)
        assert kinds(bench) == ["begun", "passed"] and result(bench) == "passed"
        facts: "Any" = status(bench.app)["self_test"]
        assert facts["took_ms"] <= 2_000 and facts["reason"] == "" and facts["ago_ms"] <= 90_000
        for number in (1, 2, 3):
            await to_night(bench, number)
        assert kinds(bench) == 4 * ["begun", "passed"]
        assert bench.platform.kinds(SAFETY) == bench.platform.kinds(ALARM) == []
        assert bench.journal.mark(SAFETY).last == bench.journal.mark(ALARM).last == 0
        minutes = [local_minutes(event.utc_ms, "Europe/Oslo")[1] for event in told(bench)]  # type: ignore[arg-type]
        assert set(minutes) <= {150, 151}, "half past two by the clock of the home"

    play_hours(scene, tree=tree())


def test_without_a_receipt_it_fails_in_its_time_and_passes_when_it_comes_through():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        await bench.clock.advance(LATEST_MS)
        assert kinds(bench) == ["begun"] and result(bench) == "running"
        await bench.clock.advance(LIMIT_MS)
        assert result(bench) == "failed"
        bench.platform.receipting = True
        await bench.clock.advance(10 * MINUTE_MS)
        assert kinds(bench) == ["begun", "failed", "passed"] and result(bench) == "passed"
        _, failed, passed = told(bench)
        assert failed.values == {"reason": "no_receipt"} and failed.incident == passed.incident is not None
        await to_night(bench, 1)
        assert kinds(bench)[3:] == ["begun", "passed"]

    play_hours(scene, tree=tree())


def test_without_a_connection_it_fails_and_says_what_stood_in_the_way():
    async def scene(bench: Bench):
        bench.broker.stop()
        await bench.platform.stop()
        await bench.clock.advance(LATEST_MS + LIMIT_MS)
        facts: "Any" = status(bench.app)["self_test"]
        assert facts["result"] == "failed" and facts["reason"] == "no_connection"
        bench.broker.start()
        await bench.platform.start()
        await bench.clock.advance(10 * MINUTE_MS)
        assert kinds(bench) == ["begun", "failed", "passed"]

    play_hours(scene, tree=tree())


def test_control_a_test_whose_event_was_given_up_for_space_is_not_passed():
    """The lane has moved beyond the event without a receipt: a check of the mark alone would call that delivered."""

    async def scene(bench: Bench):
        bench.broker.stop()
        await bench.platform.stop()
        await bench.clock.advance(LATEST_MS)
        assert result(bench) == "running"
        seq = bench.app.supervise.self_test.seq
        for number in range(400):
            await bench.app.recorder.note(
                "message.refused", values={"sort": "receipt", "reason": str(number)}
            )
        assert bench.journal.mark(TECHNICAL).first > seq
        await bench.clock.advance(LIMIT_MS)
        facts: "Any" = status(bench.app)["self_test"]
        assert (facts["result"], facts["reason"]) == ("failed", "given_up")

    play_hours(scene, tree=tree(), capacity_bytes=12_000)


def test_what_gives_way_after_its_receipt_takes_nothing_from_it():
    """The receipt came, and before the next look the store was full of what came after it."""

    async def scene(bench: Bench):
        await bench.clock.advance(19 * MINUTE_MS)
        test = bench.app.supervise.self_test
        bench.broker.stop()
        await test.begin(0, bench.clock.uptime_ms())
        await bench.journal.ack(TECHNICAL, test.seq)
        for number in range(400):
            await bench.app.recorder.note(
                "message.refused", values={"sort": "receipt", "reason": str(number)}
            )
        (gone,) = [gone for gone in bench.journal.given_up() if gone.lane == TECHNICAL]
        assert gone.first > test.seq > 0
        await test.follow(bench.clock.uptime_ms())
        assert (test.gone, result(bench)) == (False, "passed")

    play_hours(scene, tree=tree(), capacity_bytes=12_000)


def test_one_that_found_no_room_was_not_stored_whatever_else_gave_way():
    async def scene(bench: Bench):
        test = bench.app.supervise.self_test
        test.begun_ms, test.result, test.first, test.seq = 0, 0, 0, 0
        bench.broker.stop()
        for number in range(400):
            await bench.app.recorder.note(
                "message.refused", values={"sort": "receipt", "reason": str(number)}
            )
        assert bench.journal.given_up()
        await test.follow(LIMIT_MS)
        assert (test.gone, test.reason) == (False, "not_stored")

    play_hours(scene, tree=tree(), capacity_bytes=12_000)


def test_a_new_epoch_while_it_runs_is_followed():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        await bench.clock.advance(LATEST_MS)
        forked = bench.platform.receipt({TECHNICAL: [1, b"x" * 16]}, epoch=bench.journal.epoch)
        await bench.platform.uplink.publish(bench.platform.topic("receipt"), forked, retain=True)
        await bench.clock.advance(20_000)
        assert result(bench) == "running"
        bench.platform.receipting = True
        await bench.clock.advance(4 * MINUTE_MS)
        assert result(bench) == "passed"

    play_hours(scene, tree=tree())


def test_a_restart_forgets_no_night_and_begins_a_test_that_it_cut_short_again():
    async def scene(bench: Bench):
        await bench.clock.advance(LATEST_MS)
        await bench.cut()
        await bench.build().start()
        await bench.clock.advance(20 * MINUTE_MS)
        assert kinds(bench) == ["begun", "passed"] and result(bench) == "passed", "once a night"
        bench.platform.receipting = False
        await to_night(bench, 1)
        assert result(bench) == "running"
        await bench.cut()
        bench.platform.receipting = True
        await bench.build().start()
        await bench.clock.advance(2 * MINUTE_MS)
        assert kinds(bench)[2:] == ["begun", "begun", "passed"]

    play_hours(scene, tree=tree())


def test_a_failure_outlives_a_restart_until_the_next_night_passes():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        await bench.clock.advance(LATEST_MS + LIMIT_MS)
        await bench.cut()
        bench.platform.receipting = True
        await bench.build().start()
        await bench.clock.advance(HOUR_MS)
        assert result(bench) == "failed" and kinds(bench) == ["begun", "failed"]
        await to_night(bench, 1)
        assert kinds(bench) == ["begun", "failed", "begun", "passed"]
        assert told(bench)[1].incident == told(bench)[3].incident is not None

    play_hours(scene, tree=tree())


def test_a_hub_that_starts_in_the_afternoon_waits_for_the_night():
    async def scene(bench: Bench):
        await bench.clock.advance(10 * MINUTE_MS)
        assert kinds(bench) == []
        await to_night(bench, 1)
        assert kinds(bench) == ["begun", "passed"]

    play_hours(scene, tree=tree(), utc_ms=NIGHT_UTC_MS + 12 * HOUR_MS)


def test_one_that_starts_just_after_its_time_tests_and_an_hour_later_does_not():
    async def late(bench: Bench):
        await bench.clock.advance(MINUTE_MS)
        assert kinds(bench) == ["begun", "passed"]

    async def too_late(bench: Bench):
        await bench.clock.advance(HOUR_MS)
        assert kinds(bench) == []

    play_hours(late, tree=tree(), utc_ms=NIGHT_UTC_MS + 40 * MINUTE_MS)
    play_hours(too_late, tree=tree(), utc_ms=NIGHT_UTC_MS + 22 * MINUTE_MS + 1000 * LATE_S)


def test_without_a_clock_it_comes_by_the_uptime():
    async def scene(bench: Bench):
        await bench.clock.advance(WITHOUT_CLOCK_MS - 10_000)
        assert kinds(bench) == []
        await bench.clock.advance(30_000)
        assert kinds(bench) == ["begun", "passed"] and status(bench.app)["self_test"]["ago_ms"] is None

    play_hours(scene, tree=tree(), utc_ms=None)


def test_a_city_is_spread_over_the_night_and_each_keeps_its_second():
    seconds = [second_of_day("home-" + str(number), None) for number in range(7_500)]
    assert min(seconds) >= SPREAD_FROM_S and max(seconds) < SPREAD_FROM_S + SPREAD_S
    busiest = max([seconds.count(second) for second in set(seconds)])
    assert busiest <= 8, "mean 0.7"
    minutes = [second // 600 for second in seconds]
    assert min([minutes.count(ten) for ten in set(minutes)]) > 300, "mean 417 in ten minutes"
    assert second_of_day(GATEWAY, None) == second_of_day(GATEWAY, None)
    at = second_of_day(GATEWAY, 150)
    assert 150 * 60 <= at < 151 * 60


def test_what_is_kept_is_small():
    async def scene(bench: Bench):
        await bench.clock.advance(LATEST_MS)
        assert len(bench.journal.state(STATE) or b"") < 32

    play_hours(scene, tree=tree())
