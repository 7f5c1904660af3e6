"""Everything that is looked at beside the events: sign of life, clock, keys, path, room, watchdog and lamp."""

from gateway.core.registry import VALUES
from gateway.hub.losses import DROPPED_EVERY_MS
from gateway.hub.parts import PartFailedError
from gateway.hub.status import status
from gateway.hub.supervise import BEAT_MS, PART_STOPPED, PATH_LOST_MS, UNRECEIPTED_FAULT_MS
from hal.types import INFO, LANES, TECHNICAL
from tests.hub.bench import DAY_UTC_MS, HOME, NIGHT_UTC_MS, Bench, play_hours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HOUR_MS = 3_600_000


def with_interval(seconds: int) -> "dict[str, Any]":
    """The home, with another state interval."""
    tree = dict(HOME)
    tree["hub"] = dict(HOME["hub"])
    tree["hub"]["state_interval_s"] = seconds
    return tree


def held(bench: Bench) -> int:
    return sum([bench.journal.mark(lane).last - bench.journal.mark(lane).first + 1 for lane in LANES])


def count(bench: Bench, kind: str) -> int:
    """How many events of a kind were stored, delivered or not."""
    return [fields["kind"] for _, message, fields in bench.logged if message == "stored"].count(kind)


# --- sign of life, watchdog, lamp -------------------------------------------------------------------------------


def test_the_state_goes_out_as_often_as_configured():
    async def scene(bench: Bench):
        for seconds, expected in ((5, 24), (20, 6), (60, 2)):
            bench.tree = with_interval(seconds)
            await bench.cut()
            await bench.build().start()
            await bench.clock.advance(3_000)
            before = len(bench.platform.states)
            await bench.clock.advance(120_000)
            assert len(bench.platform.states) - before == expected, seconds

    play_hours(scene)


def test_the_watchdog_is_fed_while_every_part_runs():
    async def scene(bench: Bench):
        for _ in range(60):
            await bench.clock.advance(60_000)
            assert not bench.watchdog.bites
        assert bench.indicator.state == "ok"
        bench.app.manifest_changed()
        await bench.clock.advance(60_000)
        assert not bench.watchdog.bites, "a manifest that changed is no part that died"

    play_hours(scene, utc_ms=DAY_UTC_MS)


def test_the_watchdog_starves_when_a_part_is_gone_for_good():
    async def scene(bench: Bench):
        async def dead() -> None:
            raise PartFailedError("for good")

        bench.app.parts.start("ghost", dead)
        await bench.clock.advance(10_000)
        assert bench.indicator.state == "fault" and bench.app.parts.given_up.is_set()
        assert bench.app.supervise.faults() == [PART_STOPPED]
        await bench.clock.advance(30_000)
        assert bench.watchdog.bites

    play_hours(scene, utc_ms=DAY_UTC_MS)


def test_the_watchdog_starves_when_any_one_loop_has_ended():
    """The control is the test above: with all of them it is fed."""

    async def scene(bench: Bench):
        names = [name for name in bench.app.parts.tasks if name != "supervise"]
        assert {"store", "uplink", "manifest", "radio"} <= set(names)
        for name in names:
            await bench.cut()
            await bench.build().start()
            await bench.clock.advance(6_000)
            fed = bench.watchdog.fed
            bench.app.parts.tasks[name].cancel()
            await bench.clock.advance(40_000)
            assert bench.watchdog.fed == fed and bench.watchdog.bites, name
        await bench.cut()
        await bench.build().start()
        bench.app.parts.tasks["supervise"].cancel()
        await bench.clock.advance(40_000)
        assert bench.watchdog.bites, "and who feeds it is one of them"

    play_hours(scene)


def test_the_lamp_shows_the_worst():
    async def scene(bench: Bench):
        await bench.clock.advance(6_000)
        assert bench.indicator.state == "ok" and bench.indicator.shown[0] == "starting"
        bench.broker.stop()
        await bench.clock.advance(6_000)
        assert bench.indicator.state == "offline"
        bench.world.lose_adapter()
        await bench.clock.advance(6_000)
        assert bench.indicator.state == "fault" and bench.app.supervise.faults() == ["adapter.lost"]
        facts = status(bench.app)
        assert facts["faults"] == ["adapter.lost"] and facts["lost_ms"] == 12_000
        bench.world.restore_adapter()
        bench.broker.start()
        await bench.platform.start()
        await bench.clock.advance(120_000)
        assert bench.indicator.state == "ok"
        assert status(bench.app)["faults"] == [] and status(bench.app)["lost_ms"] is None

    play_hours(scene, utc_ms=DAY_UTC_MS)


# --- the clock --------------------------------------------------------------------------------------------------


def test_events_from_before_the_clock_was_known_are_dated_even_if_they_are_delivered():
    async def scene(bench: Bench):
        bench.door(True, 1)
        await bench.clock.advance(20_000)
        assert held(bench) == 0, "all of it is at the platform, without a time"
        assert not any(["boots" in bundle for bundle in bench.platform.bundles])
        bench.clock.set_utc(DAY_UTC_MS)
        at_zero_ms = DAY_UTC_MS - bench.clock.uptime_ms()
        await bench.clock.advance(20_000)
        dated = [bundle["boots"] for bundle in bench.platform.bundles if "boots" in bundle]
        assert dated and all([boots == {bench.app.boot: at_zero_ms} for boots in dated])
        assert bench.journal.state_keys("dated.") == [], "a date that has arrived is not sent for ever"
        bench.door(False, 2)
        await bench.clock.advance(20_000)
        assert "boots" not in bench.platform.bundles[-1]

    play_hours(scene, utc_ms=None)


def test_a_date_waits_for_the_broker_and_outlives_a_restart():
    async def scene(bench: Bench):
        bench.broker.stop()
        bench.door(True, 1)
        await bench.clock.advance(5_000)
        boot = bench.app.boot
        bench.clock.set_utc(DAY_UTC_MS)
        at_zero_ms = DAY_UTC_MS - bench.clock.uptime_ms()
        await bench.clock.advance(6_000)
        await bench.cut()
        bench.broker.start()
        await bench.platform.start()
        await bench.build().start()
        await bench.clock.advance(100_000)
        assert bench.app.boot != boot and bench.platform.kinds(1) == ["door.night_exit"]
        undated = [event for _, _, event in bench.platform.order if event.utc_ms is None]
        assert undated and all([event.boot == boot for event in undated])
        carriers = [bundle for bundle in bench.platform.bundles if bundle.get("boots") == {boot: at_zero_ms}]
        assert {bundle["lane"] for bundle in carriers} >= {1, TECHNICAL}
        assert held(bench) == 0 and bench.journal.state_keys("dated.") == []

    play_hours(scene, utc_ms=None)


def test_a_date_goes_along_into_a_new_epoch():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        bench.door(True, 1)
        await bench.clock.advance(5_000)
        bench.clock.set_utc(DAY_UTC_MS)
        await bench.clock.advance(6_000)
        forked = bench.platform.receipt({1: [1, b"x" * 16]}, epoch=bench.journal.epoch)
        await bench.platform.uplink.publish(bench.platform.topic("receipt"), forked, retain=True)
        await bench.clock.advance(6_000)
        epoch = bench.journal.epoch
        bench.platform.receipting = True
        await bench.clock.advance(400_000)
        again = [bundle for bundle in bench.platform.bundles if bundle["epoch"] == epoch]
        assert again and bench.app.boot in again[0]["boots"]
        assert held(bench) == 0 and bench.journal.state_keys("dated.") == []

    play_hours(scene, utc_ms=None)


def test_a_clock_that_is_lost_and_found_is_said_once_each():
    async def scene(bench: Bench):
        bench.clock.untrust()
        await bench.clock.advance(30_000)
        bench.clock.set_utc(NIGHT_UTC_MS)
        await bench.clock.advance(30_000)
        assert bench.platform.kinds(TECHNICAL).count("clock.untrusted") == 1
        assert bench.platform.kinds(TECHNICAL).count("clock.trusted") == 1
        rows = [event for _, _, event in bench.platform.order if event.kind.startswith("clock.")]
        assert rows[0].incident == rows[1].incident is not None

    play_hours(scene)


# --- the path ---------------------------------------------------------------------------------------------------


def test_a_broker_that_is_gone_is_a_fault_after_its_time_and_one_that_blinks_is_none():
    async def scene(bench: Bench):
        for _ in range(4):
            bench.broker.stop()
            await bench.clock.advance(20_000)
            bench.broker.start()
            await bench.platform.start()
            await bench.clock.advance(40_000)
        assert count(bench, "path.lost") == 0
        bench.broker.stop()
        await bench.clock.advance(PATH_LOST_MS + 5_000)
        assert count(bench, "path.lost") == 1

    play_hours(scene)


def test_a_platform_that_receipts_nothing_is_a_fault_however_often_the_connection_breaks():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        bench.door(True, 1)
        for _ in range(8):
            await bench.clock.advance(20_000)
            bench.broker.drop_connections()
            await bench.platform.stop()
            await bench.platform.start()
        assert count(bench, "path.unreceipted") == 1
        assert count(bench, "path.receipted") == 0, "a connection that ended is no receipt"
        await bench.cut()
        await bench.build().start()
        await bench.clock.advance(20_000)
        assert count(bench, "path.receipted") == 0, "nor is a restart"
        bench.platform.receipting = True
        await bench.clock.advance(400_000)
        assert count(bench, "path.receipted") == 1 and count(bench, "path.unreceipted") == 1
        assert held(bench) == 0

    play_hours(scene)


def test_a_broker_that_takes_a_connection_and_cuts_it_is_a_fault_in_time():
    """As brokers do that refuse a topic: each connection is new, none delivers, and an alarm waits."""

    async def scene(bench: Bench):
        bench.broker.losing = True
        bench.smoke(True, 1)
        for _ in range(PATH_LOST_MS // 100):
            await bench.clock.advance(100)
            delivery = bench.app.delivery
            if delivery.uplink.connected and bench.clock.uptime_ms() - delivery.connected_ms >= 300:
                bench.broker.drop_connections()
        assert bench.app.supervise.lamp() == "offline"
        await bench.clock.advance(BEAT_MS)
        assert count(bench, "path.lost") == 1 and count(bench, "path.restored") == 0
        bench.broker.losing = False
        await bench.platform.stop()
        await bench.platform.start()
        await bench.clock.advance(60_000)
        assert count(bench, "path.restored") == 1 and bench.app.supervise.lamp() == "ok"
        assert "smoke.detected" in bench.platform.kinds(0)

    play_hours(scene)


def test_time_without_a_connection_is_not_held_against_the_platform():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        bench.door(True, 1)
        await bench.clock.advance(2_000)
        bench.broker.stop()
        await bench.platform.stop()
        await bench.clock.advance(HOUR_MS)
        bench.broker.start()
        await bench.platform.start()
        await bench.clock.advance(UNRECEIPTED_FAULT_MS - 15_000)
        assert bench.broker.clients() == ["hub-1", "platform"]
        assert count(bench, "path.unreceipted") == 0 and count(bench, "path.restored") == 1

    play_hours(scene)


# --- the room ---------------------------------------------------------------------------------------------------


async def fill(bench: Bench, changes: int) -> None:
    """A door that opens and closes so often."""
    for number in range(changes):
        bench.door(number % 2 == 0, number % 256)
        await bench.clock.advance(10)


def dropped(bench: Bench) -> "list[tuple[object, object, object]]":
    """(lane, first, last) of what was reported as given up."""
    rows = [event.values for _, _, event in bench.platform.order if event.kind == "journal.dropped"]
    return [(row["lane"], row["first_seq"], row["last_seq"]) for row in rows]


def gap_free(ranges: "list[Any]") -> bool:
    """Whether the ranges follow each other without overlap or hole."""
    return all([ranges[index][2] + 1 == ranges[index + 1][1] for index in range(len(ranges) - 1)])


def test_what_is_given_up_for_space_is_said_once_for_each_range_also_across_a_restart():
    async def scene(bench: Bench):
        bench.broker.stop()
        await bench.platform.stop()
        await fill(bench, 300)
        assert bench.journal.given_up() and bench.journal.given_up()[0].lane == INFO
        await bench.clock.advance(10_000)
        assert count(bench, "journal.dropped") == 1
        await fill(bench, 40)
        await bench.clock.advance(10_000)
        assert count(bench, "journal.dropped") == 1, "a loss that goes on is told every ten minutes"
        await bench.clock.advance(DROPPED_EVERY_MS)
        assert count(bench, "journal.dropped") == 2
        await bench.cut()
        await bench.build().start()
        await bench.clock.advance(20_000)
        bench.broker.start()
        await bench.platform.start()
        await bench.clock.advance(200_000)
        ranges = dropped(bench)
        assert len(ranges) >= 2 and gap_free(ranges), "told twice, or not at all"
        assert ranges[0][:2] == (INFO, 1)
        assert held(bench) == 0 and bench.journal.given_up() == [], "the platform knows of the hole"
        lost = sum([last - first + 1 for _, first, last in ranges])  # type: ignore[operator, misc]
        arrived = len([1 for lane, _, _ in bench.platform.order if lane == INFO])
        assert lost + arrived == bench.journal.mark(INFO).last

    play_hours(scene, capacity_bytes=20_000, utc_ms=DAY_UTC_MS)


def test_what_is_given_up_in_a_new_epoch_is_said_although_its_numbers_are_lower():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        await fill(bench, 600)
        await bench.clock.advance(10_000)
        assert count(bench, "journal.dropped") == 1
        forked = bench.platform.receipt({TECHNICAL: [1, b"x" * 16]}, epoch=bench.journal.epoch)
        await bench.platform.uplink.publish(bench.platform.topic("receipt"), forked, retain=True)
        await bench.clock.advance(10_000)
        assert bench.journal.mark(INFO).last < 300
        before = count(bench, "journal.dropped")
        await fill(bench, 100)
        await bench.clock.advance(DROPPED_EVERY_MS)
        assert max([gone.last for gone in bench.journal.given_up()]) < 300
        assert count(bench, "journal.dropped") == before + 1

    play_hours(scene, capacity_bytes=20_000, utc_ms=DAY_UTC_MS)


def test_what_was_given_up_is_said_before_a_new_epoch_takes_its_numbers():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        await fill(bench, 300)
        await bench.clock.advance(10_000)
        await fill(bench, 100)
        (gone,) = bench.journal.given_up()
        assert dropped(bench)[-1][2] < gone.last, "not said yet"  # type: ignore[operator]
        forked = bench.platform.receipt({TECHNICAL: [1, b"x" * 16]}, epoch=bench.journal.epoch)
        await bench.platform.uplink.publish(bench.platform.topic("receipt"), forked, retain=True)
        await bench.clock.advance(10_000)
        assert bench.journal.given_up() != [gone], "the numbers are gone"
        assert dropped(bench)[-1] == (gone.lane, gone.first, gone.last)

    play_hours(scene, capacity_bytes=20_000, utc_ms=DAY_UTC_MS)


def test_a_store_full_of_alarms_is_shown_and_said_and_recovers_by_itself():
    async def scene(bench: Bench):
        bench.broker.stop()
        await bench.platform.stop()
        for number in range(140):
            bench.smoke(number % 2 == 0, number % 256)
            bench.door(number % 2 == 0, number % 256)
            await bench.clock.advance(10)
        await bench.clock.advance(20_000)
        assert bench.app.recorder.full and bench.indicator.state == "storage_full"
        smoke = len([1 for _, message, fields in bench.logged if message == "stored" and fields["lane"] == 0])
        bench.broker.start()
        await bench.platform.start()
        for _ in range(100):
            await bench.clock.advance(10_000)
            if not bench.app.recorder.waiting.has():
                break
        await bench.clock.advance(60_000)
        assert not bench.app.recorder.full and bench.indicator.state == "ok"
        shown = [state.get("values", {}).get(VALUES["storage"]) for state in bench.platform.states]
        assert "full" in shown and shown[-1] is None
        assert count(bench, "storage.full") == 1 and count(bench, "storage.restored") == 1
        assert len(bench.platform.kinds(0)) >= smoke and held(bench) == 0
        assert bench.platform.kinds(0) == ["smoke.detected", "smoke.cleared"] * 70, "no alarm was lost"

    play_hours(scene, capacity_bytes=7_000, utc_ms=DAY_UTC_MS)
