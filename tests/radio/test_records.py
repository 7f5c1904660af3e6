"""Stored readings over the radio: the hub's own drivers against memories that drop, forget the time, and begin anew."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.core.devices.driver import Context, Reading, Step
from gateway.core.devices.glucose_meter import GlucoseMeter
from gateway.core.devices.nonin import NoninOximeter
from gateway.core.devices.oximeter import Oximeter
from tests.hub.storing_peripherals import judged, numbers_told
from tests.hub.test_stored_readings import AsksOnce
from tests.radio.home import OXIMETER, Home, run, turns
from tests.radio.visiting import Hub
from tools.simulators.clock_service import now_ms
from tools.simulators.glucose_meter import GlucoseMeter as VirtualMeter
from tools.simulators.nonin_oximeter import NoninOximeter as VirtualNonin
from tools.simulators.oximeter import Oximeter as VirtualOximeter
from tools.simulators.oximeter import sfloat
from tools.simulators.virtual_clock import VirtualClock

METER, NONIN = "C1:00:00:00:00:05", "C1:00:00:00:00:06"


async def stored(home: Home, hub: Hub, count: int) -> tuple[VirtualOximeter, list[int]]:
    """An oximeter whose clock is right, with spot-checks that nobody heard; their numbers."""
    clock = VirtualClock(hub.real.oslo_s(), now_ms())
    oximeter = VirtualOximeter(home.link, OXIMETER, stores=True, clock=clock)
    home.placed.append(oximeter)
    await oximeter.start(interval_ms=20)
    numbers = list(range(60, 60 + count))
    for number in numbers:
        await oximeter.check_spot((sfloat(97), sfloat(number)))
    return oximeter, numbers


def told(hub: Hub, count: int) -> Callable[[], bool]:
    return lambda: len(numbers_told(hub.events(3))) >= count


@pytest.mark.parametrize("after", [0, 1, 7])
def test_a_drop_in_mid_transfer_loses_nothing_and_tells_nothing_twice(tmp_path: Path, after: int) -> None:
    async def program(home: Home) -> None:
        hub = Hub()
        oximeter, numbers = await stored(home, hub, 12)
        access = oximeter.records
        assert access is not None
        access.drop_after = after
        async with hub.visiting(home.central, Oximeter, OXIMETER):
            await turns(told(hub, 12))
            await turns(lambda: not access.records)
        assert judged(numbers, hub.events(3)) == ([], [])
        assert access.requests == [b"\x01\x01", b"\x01\x01"]
        assert len(oximeter.pairings) == 1

    run(tmp_path, program)


class Watched(AsksOnce):
    """Unsafe as its base; `asked_at` has the connections on which it had its time to ask."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.connections = 0
        self.asked_at: set[int] = set()

    def steps(self, characteristics: list[str]) -> list[Step]:
        self.connections += 1
        return super().steps(characteristics)

    def due(self, now_ms: int, utc_ms: int | None) -> Reading:
        self.asked_at.add(self.connections)
        return super().due(now_ms, utc_ms)


def test_control_a_driver_that_does_not_ask_again_loses_records(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        hub = Hub()
        oximeter, numbers = await stored(home, hub, 12)
        access = oximeter.records
        assert access is not None
        access.drop_after = 7
        async with hub.visiting(home.central, Watched, OXIMETER) as driver:
            assert isinstance(driver, Watched)
            await turns(lambda: 2 in driver.asked_at)
        assert judged(numbers, hub.events(3)) == ([67, 68, 69, 70, 71], [])

    run(tmp_path, program)


def test_a_clock_that_was_lost_is_found_corrected_and_set(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        hub = Hub()
        oximeter, _ = await stored(home, hub, 0)
        assert oximeter.clock is not None
        oximeter.clock.lose(now_ms())
        await oximeter.check_spot((sfloat(97), sfloat(70)))
        clock = oximeter.clock
        async with hub.visiting(home.central, Oximeter, OXIMETER):
            await turns(told(hub, 1))
            await turns(lambda: clock.is_set)
        stamp = hub.events(3)[0].device_time
        assert stamp is not None and stamp.raw.startswith("2000-01-01T00:00:") and stamp.clock == 2
        assert stamp.utc_ms is not None and abs(stamp.utc_ms - hub.real.utc_ms()) < 10_000
        assert abs(clock.shown_ms(now_ms()) // 1000 - hub.real.oslo_s()) <= 1
        offsets = [event.values.get("device_clock_offset_ms") for event in hub.events(4)]
        assert len([offset for offset in offsets if offset is not None]) == 1

    run(tmp_path, program)


def test_a_clock_that_cannot_be_set_is_tried_once(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        hub = Hub()
        oximeter, _ = await stored(home, hub, 1)
        assert oximeter.shows is not None and oximeter.clock is not None
        oximeter.clock.lose(now_ms())
        shows = oximeter.shows
        shows.locked = True
        async with hub.visiting(home.central, Oximeter, OXIMETER):
            await turns(lambda: bool(shows.tried))
            await turns(lambda: "A step was refused." in hub.messages())
            oximeter.drop_link()
            await turns(lambda: not oximeter.connected)
            await turns(lambda: oximeter.records is not None and len(oximeter.records.requests) == 2)
            await oximeter.check_spot((sfloat(97), sfloat(71)))
            await turns(told(hub, 2))
        assert len(shows.tried) == 1

    run(tmp_path, program)


def test_a_meter_is_asked_by_number_and_for_everything_where_its_memory_began_anew(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        hub = Hub()
        clock = VirtualClock(hub.real.oslo_s(), now_ms())
        meter = VirtualMeter(home.link, METER, clock=clock)
        home.placed.append(meter)
        await meter.start(interval_ms=20)
        numbers = [101, 102, 103]
        for number in numbers:
            meter.measure(sfloat(number, -5))
        meter.measure(sfloat(120, -5), control=True)
        meter.records.drop_after = 2
        async with hub.visiting(home.central, GlucoseMeter, METER):
            await turns(told(hub, 3))
            await turns(lambda: "measurement.failed" in hub.kinds(3))
            meter.begin_anew()
            clock.lose(now_ms())
            meter.measure(sfloat(111, -5))
            await turns(lambda: not meter.records.busy)
            meter.drop_link()
            await turns(told(hub, 4))
        assert judged([*numbers, 111], hub.events(3)) == ([], [])
        first, second, *rest = meter.records.requests
        assert rest == [bytes.fromhex("0103010400"), b"\x01\x01"]
        # A notification that was on its way when the link broke is lost, and asked for again.
        assert first == b"\x01\x01" and second in (first, *[bytes([1, 3, 1, number, 0]) for number in (1, 2)])

    run(tmp_path, program)


def test_numbers_that_are_held_without_a_finger_are_not_told_as_fresh(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        hub = Hub()
        oximeter = VirtualNonin(home.link, NONIN)
        home.placed.append(oximeter)
        await oximeter.start(interval_ms=20)
        pulse = iter(range(60, 1000))
        async with hub.visiting(home.central, NoninOximeter, NONIN):
            oximeter.stream(lambda: (97, next(pulse)), interval_ms=5)
            await turns(told(hub, 3))
            oximeter.finger = False
            await turns(lambda: "measurement.failed" in hub.kinds(3))
            before = len(hub.events(3))
            counter = oximeter.counter
            await turns(lambda: oximeter.counter > counter + 5)
            assert len(hub.events(3)) == before
            oximeter.finger = True
            await turns(lambda: len(hub.events(3)) > before)
        events = hub.events(3)
        failed = [event.values for event in events if event.kind == "measurement.failed"]
        assert failed == [{"oximeter_status": 0, "reason": "no_finger"}]
        numbers = numbers_told(events)
        assert numbers == sorted(set(numbers)), "each was measured once"

    run(tmp_path, program)
