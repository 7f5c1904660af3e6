"""Any order of readings, breaks, lost confirmations, lost clocks and power cuts: every stored reading arrives, once."""

import asyncio
from typing import Any

from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from gateway.core.devices.driver import GattDriver
from gateway.core.devices.glucose_meter import GlucoseMeter
from gateway.core.devices.oximeter import Oximeter
from tests.hub.fetches import Fetch
from tests.hub.storing_peripherals import GlucoseMeterPeripheral, StoringOximeter
from tests.hub.test_stored_readings import AsksOnce

MORE_THAN_MADE = 100  # a script makes 48 readings at most: none makes room for another
NO_SHRINKING = settings(deadline=None, max_examples=200, phases=[Phase.generate])
Act = tuple[str, int, bool]
BREAKS = st.tuples(st.sampled_from(["drop_after", "hush_after"]), st.integers(0, 4), st.booleans())
MADE = st.tuples(st.just("read"), st.integers(1, 4), st.booleans())
OTHERS = st.tuples(
    st.sampled_from(["visit", "cut", "lose_clock", "pass", "busy"]), st.integers(1, 400), st.booleans()
)
SCRIPTS = st.lists(st.one_of(MADE, BREAKS, OTHERS), max_size=12)


class Bench:
    """One device with a memory, its readings numbered from 40."""

    def __init__(self, driver: type[GattDriver], peripheral: type[Any]) -> None:
        self.driver = driver
        self.home = Fetch(driver, peripheral, kept=MORE_THAN_MADE)
        self.number = 40

    async def do(self, act: Act) -> None:
        word, amount, flag = act
        device: Any = self.home.peripheral
        if word == "read":
            for _ in range(amount):
                self.read()
                await self.home.small.clock.advance(60_000)
        elif word in ("drop_after", "hush_after"):
            setattr(device, word, amount)
            device.unconfirmed = flag
        elif word == "busy":
            device.busy = True
        elif word == "lose_clock":
            device.shows.lose(self.home.small.clock.uptime_ms())
        elif word == "pass":
            await self.home.small.clock.advance(amount * 60_000)
        else:
            if word == "cut":
                self.home.small.restart()
                self.home.begin_visiting(self.driver)
            await self.home.fetch(pause_ms=20_000)

    def read(self) -> None:
        device: Any = self.home.peripheral
        if isinstance(device, GlucoseMeterPeripheral):
            device.measure(self.number)
        else:
            device.check_spot(self.number)
        self.number += 1

    async def play(self, script: list[Act]) -> tuple[list[int], list[int]]:
        """What was lost and what was told twice, after two visits without a break."""
        for act in script:
            await self.do(act)
        self.home.peripheral.drop_after = self.home.peripheral.hush_after = None
        await self.home.fetch(2, pause_ms=30_000)
        return self.home.judged()


def judged(driver: type[GattDriver], peripheral: type[Any], script: list[Act]) -> tuple[list[int], list[int]]:
    async def run() -> tuple[list[int], list[int]]:
        return await Bench(driver, peripheral).play(script)

    return asyncio.run(run())


@given(SCRIPTS)
@settings(max_examples=60, deadline=None)
def test_an_oximeters_spot_checks_arrive_once_each(script: list[Act]) -> None:
    assert judged(Oximeter, StoringOximeter, script) == ([], [])


@given(SCRIPTS)
@settings(max_examples=60, deadline=None)
def test_a_meters_records_arrive_once_each(script: list[Act]) -> None:
    assert judged(GlucoseMeter, GlucoseMeterPeripheral, script) == ([], [])


def test_control_a_driver_that_does_not_ask_again_is_found() -> None:
    script = find(
        SCRIPTS,
        lambda acts: judged(AsksOnce, StoringOximeter, acts)[0] != [],
        settings=NO_SHRINKING,
    )
    assert judged(Oximeter, StoringOximeter, script) == ([], [])


class BelievesNumbers(GlucoseMeter):
    """Unsafe: goes on from a number that a meter gave once, whatever its memory has become."""

    def ended(self, outcome: str) -> bytes | None:
        return None


def test_control_a_driver_that_believes_a_number_for_ever_is_found() -> None:
    async def run(driver: type[GattDriver]) -> tuple[list[int], list[int]]:
        home = Fetch(driver, GlucoseMeterPeripheral)
        device: Any = home.peripheral
        for number in (101, 102):
            device.measure(number)
        await home.fetch()
        device.begin_anew()
        device.measure(111)
        await home.fetch(2)
        return home.judged()

    assert asyncio.run(run(BelievesNumbers)) == ([111], [])
    assert asyncio.run(run(GlucoseMeter)) == ([], [])
