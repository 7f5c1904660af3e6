"""Devices of a virtual home that keep their readings: a glucose meter, and an oximeter with its maker's own service."""

import asyncio
from typing import Any

from gateway.core.timezone import local_ms
from tools.home.actors import Actor, Clock
from tools.home.scenario import PeripheralPlan
from tools.simulators.clock_service import now_ms
from tools.simulators.glucose_meter import GlucoseMeter
from tools.simulators.link import HomeLink
from tools.simulators.nonin_oximeter import NoninOximeter
from tools.simulators.oximeter import sfloat
from tools.simulators.virtual_clock import VirtualClock

MG_PER_DL = -5  # the exponent of kg/L in which a mantissa is mg/dL
TENTHS_OF_MMOL = -4  # the exponent of mol/L in which a mantissa is tenths of mmol/L


def passkey_facts(plan: PeripheralPlan) -> dict[str, str]:
    """The code on the label, where there is one."""
    code = plan.options.get("passkey")
    return {} if code is None else {"passkey": f"{code:06d}"}


def wall_clock(clock: Clock, time_zone: str) -> VirtualClock:
    """A device whose clock was right when the scenario began."""
    return VirtualClock(local_ms(clock(), time_zone) // 1000, now_ms())


class Meter(Actor):
    """A glucose meter.

    Options: passkey; `unit` (mmol, the default, or mg). Acts: measure (`mmol` or `mg`), control, drop (`after` records of
    the next transfer), lose_clock, begin_anew, leave, return.
    """

    driver = "glucose"

    def __init__(self, plan: PeripheralPlan, link: HomeLink, clock: Clock, time_zone: str) -> None:
        super().__init__(plan)
        self.is_amount = plan.options.get("unit", "mmol") == "mmol"
        self.meter = GlucoseMeter(
            link,
            plan.address or "",
            plan.name,
            clock=wall_clock(clock, time_zone),
            passkey=plan.options.get("passkey"),
            amount=self.is_amount,
        )
        self.acts = {
            "measure": self.measure,
            "control": self.control,
            "drop": self.drop,
            "lose_clock": self.lose_clock,
            "begin_anew": self.begin_anew,
            "leave": self.leave,
            "return": self.return_,
        }

    def result(self, options: dict[str, Any]) -> int:
        """The 16 bits of a result in the meter's unit."""
        if self.is_amount:
            return sfloat(round(10 * float(options.get("mmol", 5.5))), TENTHS_OF_MMOL)
        return sfloat(int(options.get("mg", 100)), MG_PER_DL)

    async def start(self) -> None:
        """Switch on."""
        await self.meter.start()

    async def stop(self) -> None:
        """Switch off."""
        await self.meter.stop()

    async def measure(self, options: dict[str, Any]) -> None:
        """Somebody pricks a finger; the meter ends the link and comes again with the new record, as meters do."""
        self.meter.measure(self.result(options))
        self.meter.drop_link()

    async def control(self, options: dict[str, Any]) -> None:
        """Somebody tries control solution."""
        self.meter.measure(self.result(options), control=True)
        self.meter.drop_link()

    async def drop(self, options: dict[str, Any]) -> None:
        """The next transfer breaks."""
        self.meter.records.drop_after = int(options.get("after", 1))

    async def lose_clock(self, _options: dict[str, Any]) -> None:
        """Its battery was changed."""
        self.meter.shows.clock.lose(now_ms())

    async def begin_anew(self, _options: dict[str, Any]) -> None:
        """Its memory is cleared."""
        self.meter.begin_anew()

    async def leave(self, _options: dict[str, Any]) -> None:
        """Out of range."""
        self.meter.leave()

    async def return_(self, _options: dict[str, Any]) -> None:
        """Back in range."""
        self.meter.return_()

    def facts(self) -> dict[str, Any]:
        """With the code on its label."""
        return super().facts() | passkey_facts(self.plan)


class OwnServiceOximeter(Actor):
    """An oximeter with its maker's own service, streaming while it is worn.

    Options: passkey. Acts: stream (`interval_ms`), finger (`in`), battery (`volts`), leave, return.
    """

    driver = "nonin_ble"

    def __init__(self, plan: PeripheralPlan, link: HomeLink, _clock: Clock, _time_zone: str) -> None:
        super().__init__(plan)
        self.oximeter = NoninOximeter(
            link, plan.address or "", plan.name, passkey=plan.options.get("passkey")
        )
        self.count = 0
        self.acts = {
            "stream": self.stream,
            "finger": self.set_finger,
            "battery": self.set_battery,
            "leave": self.leave,
            "return": self.return_,
        }

    async def start(self) -> None:
        """Switch on."""
        await self.oximeter.start()

    async def stop(self) -> None:
        """Switch off."""
        await self.oximeter.stop()

    def rest(self) -> None:
        """Nobody wears it any more."""
        self.oximeter.rest()

    def reading(self) -> tuple[int, int]:
        """A slow, plausible walk."""
        self.count += 1
        return 95 + self.count % 4, 70 + self.count * 5 % 9

    async def stream(self, options: dict[str, Any]) -> None:
        """A value each `interval_ms`."""
        self.oximeter.stream(self.reading, int(options.get("interval_ms", 1000)))

    async def set_finger(self, options: dict[str, Any]) -> None:
        """Finger in or out; put in again, it searches for the pulse for a second."""
        self.oximeter.finger = bool(options.get("in", True))
        self.oximeter.searching = self.oximeter.finger
        if self.oximeter.finger:
            await asyncio.sleep(1)
            self.oximeter.searching = False

    async def set_battery(self, options: dict[str, Any]) -> None:
        """The battery has so many `volts`."""
        self.oximeter.battery_tenths_v = round(10 * float(options.get("volts", 2.0)))

    async def leave(self, _options: dict[str, Any]) -> None:
        """Out of range."""
        self.oximeter.leave()

    async def return_(self, _options: dict[str, Any]) -> None:
        """Back in range."""
        self.oximeter.return_()

    def facts(self) -> dict[str, Any]:
        """With the code on its label."""
        return super().facts() | passkey_facts(self.plan)


METERS: dict[str, type[Meter] | type[OwnServiceOximeter]] = {"glucose": Meter, "nonin": OwnServiceOximeter}
