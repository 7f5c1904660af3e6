"""Cuff, thermometer and scale of a virtual home: they measure when a scenario says so, hand over, and sleep."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from tools.home.actors import Actor, Clock
from tools.home.scenario import PeripheralPlan
from tools.simulators import health_values
from tools.simulators.link import HomeLink
from tools.simulators.sleeper import AWAKE_S, Sleeper

MIDNIGHT = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


class SleepingActor(Actor):
    """A device that sleeps between its measurements.

    Options: passkey, battery_pct, `awake_s` (how long it stays after the last value), `resends` (all at every visit).
    """

    service = 0
    measurement = 0
    features: tuple[int, bytes] | None = None
    model = ""

    def __init__(self, plan: PeripheralPlan, link: HomeLink, clock: Clock, time_zone: str) -> None:
        super().__init__(plan)
        self.clock = clock
        self.zone = ZoneInfo(time_zone)
        self.lost_ms: int | None = None  # when its clock began anew
        self.device = Sleeper(
            link,
            plan.address or "",
            plan.name,
            service=self.service,
            measurement=self.measurement,
            features=self.features,
            model=self.model,
            passkey=plan.options.get("passkey"),
            battery_pct=int(plan.options.get("battery_pct", 80)),
            awake_s=float(plan.options.get("awake_s", AWAKE_S)),
            resends=bool(plan.options.get("resends", False)),
        )
        self.acts = {
            "measure": self.measure,
            "fail": self.fail,
            "lose_clock": self.lose_clock,
            "battery": self.set_battery,
            "leave": self.leave,
            "return": self.return_,
        }

    @property
    def holds(self) -> bool:
        """Whether it has something to hand over."""
        return self.device.holds

    def stamp(self) -> bytes:
        """The time by its own clock."""
        now_ms = self.clock()
        if self.lost_ms is None:
            return health_values.date_time(dt.datetime.fromtimestamp(now_ms / 1000, self.zone))
        since = dt.timedelta(milliseconds=now_ms - self.lost_ms)
        return health_values.date_time(MIDNIGHT + since, clock_lost=True)

    def value(self, options: dict[str, Any] | None) -> bytes:
        """A measurement of these options; without them one that failed."""
        raise NotImplementedError

    async def start(self) -> None:
        """Put the battery in."""
        await self.device.start()

    async def stop(self) -> None:
        """Take the battery out."""
        await self.device.stop()

    async def measure(self, options: dict[str, Any]) -> None:
        """Somebody measures; the numbers stand in the scenario."""
        self.device.measured(self.value(options))

    async def fail(self, _options: dict[str, Any]) -> None:
        """Somebody measures, and it finds nothing."""
        self.device.measured(self.value(None))

    async def lose_clock(self, _options: dict[str, Any]) -> None:
        """Its battery was changed: it no longer knows the day."""
        self.lost_ms = self.clock()

    async def set_battery(self, options: dict[str, Any]) -> None:
        """The battery has `pct` left."""
        self.device.set_battery(int(options.get("pct", 8)))

    async def leave(self, _options: dict[str, Any]) -> None:
        """Out of range."""
        self.device.leave()

    async def return_(self, _options: dict[str, Any]) -> None:
        """Back in range."""
        self.device.return_()

    def facts(self) -> dict[str, Any]:
        """With the code on its label."""
        facts = super().facts()
        if self.plan.options.get("passkey") is not None:
            facts["passkey"] = f"{self.plan.options['passkey']:06d}"
        return facts


class Cuff(SleepingActor):
    """A blood pressure cuff: systolic, diastolic, pulse, user, status; the mean is its own sum."""

    driver = "blood_pressure"
    service, measurement = 0x1810, 0x2A35
    features = (0x2A49, b"\x3f\x00")
    model = "BP-1"

    def value(self, options: dict[str, Any] | None) -> bytes:
        """NaN in every field where it found nothing; no status bit warns."""
        if options is None:
            return health_values.blood_pressure(None, self.stamp(), 1)
        systolic, diastolic, pulse = (int(options[name]) for name in ("systolic", "diastolic", "pulse"))
        pressures = (systolic, diastolic, diastolic + (systolic - diastolic) // 3, pulse)
        user, status = int(options.get("user", 1)), int(options.get("status", 0))
        return health_values.blood_pressure(pressures, self.stamp(), user, status)


class Thermometer(SleepingActor):
    """An ear thermometer: celsius, to a tenth."""

    driver = "thermometer"
    service, measurement = 0x1809, 0x2A1C
    model = "HT-1"

    def value(self, options: dict[str, Any] | None) -> bytes:
        """NaN where it was taken out too early."""
        tenths = None if options is None else round(10 * float(options["celsius"]))
        return health_values.temperature(tenths, self.stamp())


class Scale(SleepingActor):
    """A weight scale: kg, to 5 g, and user."""

    driver = "weight_scale"
    service, measurement = 0x181D, 0x2A9D
    features = (0x2A9E, b"\x03\x00\x00\x00")
    model = "WS-1"

    def value(self, options: dict[str, Any] | None) -> bytes:
        """FFFF where nobody stood still."""
        grams = None if options is None else round(1000 * float(options["kg"]))
        return health_values.weight(grams, self.stamp(), int((options or {}).get("user", 1)))


HEALTH: dict[str, type[SleepingActor]] = {"cuff": Cuff, "thermometer": Thermometer, "scale": Scale}
