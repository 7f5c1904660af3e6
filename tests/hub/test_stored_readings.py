"""Readings that a device stored while nobody listened: all of them arrive, once, whatever breaks in between."""

from gateway.core.devices.driver import Reading
from gateway.core.devices.oximeter import Oximeter
from tests.hub.bench import NIGHT_UTC_MS
from tests.hub.fetches import ABORT, REPORT_ALL, Fetch
from tests.hub.small import play
from tests.hub.storing_peripherals import (
    CONTINUOUS,
    CONTROL_POINT,
    CURRENT_TIME,
    SPOT_CHECK,
    StoringOximeter,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.devices.driver import GattDriver, Step


def oximeter(count: int, driver: "type[GattDriver]" = Oximeter, **options: object) -> Fetch:
    """An oximeter with `count` stored spot-checks."""
    home = Fetch(driver, StoringOximeter, **options)
    for number in range(count):
        home.peripheral.check_spot(60 + number)  # type: ignore[attr-defined]
    return home


def test_stored_spot_checks_are_fetched_oldest_first_behind_their_indications() -> None:
    async def scene() -> None:
        home = oximeter(5)
        task = await home.come()
        assert home.peripheral.subscribed == [CONTINUOUS, SPOT_CHECK, CONTROL_POINT]
        assert home.peripheral.requests() == [REPORT_ALL]
        assert [event.values["pulse_rate_bpm"] for event in home.told()] == [60, 61, 62, 63, 64]
        assert all([event.values["stored"] is True and event.identity for event in home.told()])
        assert home.peripheral.memory.records == [] and home.judged() == ([], [])
        await home.go(task)
        await home.fetch()
        assert len(home.told()) == 5 and home.peripheral.requests() == [REPORT_ALL, REPORT_ALL]
        assert home.visit.device.refused == {}, "no records found is a good end"

    play(scene)


def test_an_oximeter_that_does_not_store_is_asked_for_nothing() -> None:
    async def scene() -> None:
        home = oximeter(2)
        home.peripheral.characteristics["2a60"] = b"\x00\x00"
        await home.fetch()
        assert home.peripheral.requests() == [] and home.told() == []

    play(scene)


def test_a_transfer_that_breaks_is_begun_anew_and_nothing_is_lost_or_told_twice() -> None:
    async def scene(breaks: str, after: int, unconfirmed: bool) -> None:
        home = oximeter(12)
        setattr(home.peripheral, breaks, after)
        home.peripheral.unconfirmed = unconfirmed
        task = await home.come()
        home.visit.near.set()
        await home.small.clock.advance(60_000)
        assert home.judged() == ([], []), (breaks, after, unconfirmed)
        assert len(home.told()) == 12, "one that came again is not journalled again"
        assert home.peripheral.requests() == [REPORT_ALL, REPORT_ALL]
        await home.go(task)

    for breaks in ("drop_after", "hush_after"):
        for after in (0, 1, 5, 11):
            for unconfirmed in (False, True):
                play(scene, breaks, after, unconfirmed)


class AsksOnce(Oximeter):
    """Unsafe: does not ask again after a break."""

    def steps(self, characteristics: "list[str]") -> "list[Step]":
        steps = super().steps(characteristics)
        self.may_ask = self.may_ask and self.failures == 0 and not self.context.stored("asked")
        return steps

    def due(self, now_ms: int, utc_ms: "int | None") -> Reading:
        reading = super().due(now_ms, utc_ms)
        reading.state["asked"] = b"\x01"
        return reading


def test_control_a_driver_that_does_not_ask_again_loses_records_and_is_found_out() -> None:
    async def scene() -> None:
        home = oximeter(12, AsksOnce)
        home.peripheral.drop_after = 5
        await home.fetch(3)
        assert home.judged() == ([65, 66, 67, 68, 69, 70, 71], [])

    play(scene)


class Forgetful(Oximeter):
    """Unsafe: gives each copy of a record an identity of its own."""

    def tell_apart(self, reading: Reading) -> None:
        for observation in reading.observations:
            observation.record = None


def test_control_a_record_without_its_identity_would_be_told_twice() -> None:
    async def scene() -> None:
        home = oximeter(12, Forgetful)
        home.peripheral.drop_after, home.peripheral.unconfirmed = 5, True
        await home.fetch(3)
        assert home.judged() == ([], [64])

    play(scene)


def test_a_record_that_came_before_a_power_cut_is_known_after_it() -> None:
    async def scene() -> None:
        home = oximeter(6)
        home.peripheral.drop_after, home.peripheral.unconfirmed = 4, True
        await home.fetch()
        home.small.restart()
        home.begin_visiting(Oximeter)
        await home.fetch()
        assert home.judged() == ([], []) and len(home.told()) == 6
        assert home.visit.device.repeated == 1

    play(scene)


def test_each_record_is_durable_before_anything_more_is_asked() -> None:
    async def scene() -> None:
        home = oximeter(3)
        held = home.visit.hold()
        task = await home.visit.begin()
        held.go.clear()
        await home.small.clock.advance(20_000)
        held.go.set()
        await home.small.clock.advance(20_000)
        assert home.judged() == ([], []) and home.visit.device.refused == {}, "a slow store is no silence"
        await home.go(task)

    play(scene)


def test_silence_in_mid_transfer_leaves_the_link_once_and_live_readings_go_on() -> None:
    class Mute(StoringOximeter):
        def hand_out(self, request: bytes) -> None:
            """Never answers."""

    async def scene() -> None:
        home = Fetch(Oximeter, Mute)
        task = await home.come(4_999)
        assert home.peripheral.connected and home.visit.device.refused == {}
        await home.small.clock.advance(2)
        assert not home.peripheral.connected and home.visit.device.refused == {"incomplete": 1}
        home.visit.near.set()
        await home.small.clock.advance(600_000)
        assert home.peripheral.connected and home.visit.device.refused == {"incomplete": 2}
        home.peripheral.notify(CONTINUOUS, bytes.fromhex("0061004800"))
        await home.small.clock.settle()
        assert [event.values["spo2_pct"] for event in home.told()] == [97]
        await home.go(task)

    play(scene)


def test_a_device_whose_transfer_breaks_at_each_visit_is_left_once_and_its_clock_is_not_set_over_its_records() -> (
    None
):
    class Broken(StoringOximeter):
        def hand_out(self, request: bytes) -> None:
            self.hush_after, self.unconfirmed = 1, True  # the same record again and again
            super().hand_out(request)

    async def scene() -> None:
        home = Fetch(Oximeter, Broken)
        box: "StoringOximeter" = home.peripheral  # type: ignore[assignment]
        box.shows.lose(home.small.clock.uptime_ms())
        for number in range(5):
            box.check_spot(60 + number)
        task = await home.come(10_000)
        for _ in range(6):
            home.visit.near.set()
            await home.small.clock.advance(120_000)
        assert box.connected, "its live readings would be lost"
        assert box.shows.written == [], "records of its old setting are still in it"
        await home.go(task)

    play(scene)


def test_a_procedure_that_is_still_under_way_is_aborted_and_asked_anew() -> None:
    async def scene() -> None:
        home = oximeter(3)
        home.peripheral.busy = True
        await home.fetch()
        assert home.peripheral.requests() == [REPORT_ALL, ABORT, REPORT_ALL]
        assert home.judged() == ([], []) and home.visit.device.refused == {}

    play(scene)


def test_without_its_indications_nothing_is_asked() -> None:
    async def scene() -> None:
        home = oximeter(3)
        del home.peripheral.characteristics[CONTROL_POINT]
        await home.fetch()
        assert home.peripheral.requests() == [] and home.told() == []

    play(scene)


def test_a_lost_clock_is_told_corrected_and_set_behind_the_records() -> None:
    async def scene() -> None:
        home = oximeter(0)
        box: "StoringOximeter" = home.peripheral  # type: ignore[assignment]
        box.shows.lose(home.small.clock.uptime_ms())
        await home.small.clock.advance(600_000)
        box.check_spot(70)
        await home.small.clock.advance(3_600_000)
        box.drop_after = 0
        task = await home.come(30_000)
        assert box.shows.written == [], "records under its old setting are still there"
        home.visit.near.set()
        await home.small.clock.advance(30_000)
        stamp = home.told()[0].device_time
        assert stamp is not None and (stamp.raw, stamp.clock) == ("2000-01-01T00:10:00", 2)
        assert stamp.utc_ms is not None and abs(stamp.utc_ms - (NIGHT_UTC_MS + 600_000)) <= 1_000
        assert stamp.uncertainty_ms is not None and 2_000 < stamp.uncertainty_ms < 3_000
        assert len(box.shows.written) == 1 and box.shows.is_set and len(box.shows.written[0]) == 10
        offsets = [event.values.get("device_clock_offset_ms") for event in home.small.events(4)]
        assert [offset for offset in offsets if offset is not None and offset < -20 * 365 * 86_400_000]  # type: ignore[operator]
        await home.go(task)
        box.check_spot(71)
        await home.small.clock.advance(60_000)
        await home.fetch()
        stamp = home.told()[1].device_time
        assert stamp is not None and stamp.clock == 1 and stamp.utc_ms is not None
        assert abs(stamp.utc_ms - (home.told()[1].utc_ms or 0)) < 62_000
        assert len(box.shows.written) == 1, "a clock that is right is left"

    play(scene)


def test_a_clock_that_cannot_be_set_is_tried_once_for_all() -> None:
    async def scene() -> None:
        home = oximeter(1)
        home.peripheral.set_clock(ahead_s=7_200)
        home.peripheral.locked = True
        await home.fetch(3)
        home.small.restart()
        home.begin_visiting(Oximeter)
        await home.fetch(2)
        tried = [value for uuid, value in home.peripheral.writes if uuid == CURRENT_TIME]
        assert len(tried) == 1 and home.small.messages().count("A step was refused.") == 1

    play(scene)


def test_a_hub_that_does_not_know_the_time_sets_no_clock() -> None:
    async def scene() -> None:
        home = Fetch(Oximeter, StoringOximeter)
        home.peripheral.set_clock(ahead_s=7_200)
        home.small.clock.untrust()
        home.peripheral.check_spot(70)  # type: ignore[attr-defined]
        task = await home.come()
        assert home.peripheral.shows.written == []
        stamp = home.told()[0].device_time
        assert stamp is not None and stamp.utc_ms is None
        home.small.clock.set_utc(NIGHT_UTC_MS)
        await home.small.clock.advance(60_000)
        assert len(home.peripheral.shows.written) == 1
        await home.go(task)

    play(scene)
