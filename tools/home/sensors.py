"""BTHome sensors of a virtual home: contacts, smoke detectors, and a tag that a person carries."""

import asyncio
import os
from collections.abc import Coroutine
from typing import Any

from tools.home.actors import Actor, Do
from tools.home.scenario import PeripheralPlan
from tools.simulators.bthome_sensor import BATTERY, DOOR, SMOKE, TAMPER, BthomeSensor
from tools.simulators.link import HomeLink

# The state a kind has, and the words that begin and end it. A tag has none: all it tells is that it is there.
STATES = {"contact": (DOOR, "open", "close"), "smoke": (SMOKE, "smoke", "clear")}
TAG_REPORTS_S = 1.0
FLAPS, FLAP_S = 5, 0.6


class Sensor(Actor):
    """A sensor that sends when something happens, and with `report_s` by itself that often.

    `encrypted` (the default) gives it a bind key, `repeats` says how often a frame is sent, 100 ms apart.
    """

    driver = "bthome"

    def __init__(self, plan: PeripheralPlan, link: HomeLink) -> None:
        super().__init__(plan)
        is_tag = plan.kind == "tag"
        self.key = os.urandom(16) if plan.options.get("encrypted", True) else None
        # The counter of a real sensor goes on for its whole life; this one's life begins at the start of the epoch.
        repeats = int(plan.options.get("repeats", 1 if is_tag else 40))
        self.sensor = BthomeSensor(link, plan.address or "", key=self.key, repeats=repeats, interval_ms=100)
        self.battery_pct = int(plan.options.get("battery_pct", 90))
        self.report_s = float(plan.options.get("report_s", TAG_REPORTS_S if is_tag else 0))
        self.states: dict[int, int] = {}  # as a report says them
        self.dead = False
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.acts = {
            "leave": self.leave,
            "return": self.return_,
            "battery": self.set_battery,
            "tamper": self.tamper,
            "die": self.die,
        }
        if plan.kind in STATES:
            number, begins, ends = STATES[plan.kind]
            self.states[number] = 0
            self.acts |= {begins: self.say(number, 1), ends: self.say(number, 0)}
        if plan.kind == "contact":
            self.acts["flap"] = self.flap

    # --- what it sends ---------------------------------------------------------------------------------------

    async def send(self, states: dict[int, int]) -> None:
        """A frame of the battery and of these states, unless it is dead."""
        self.states |= states
        if not self.dead:
            objects = [(number, bytes([value])) for number, value in states.items()]
            await self.sensor.send([(BATTERY, bytes([self.battery_pct])), *objects])

    async def report(self) -> None:
        """All that it knows, again and again: how a hub knows that it lives."""
        while True:
            await self.send(self.states)
            await asyncio.sleep(self.report_s)

    async def toggle(self, count: int, every_s: float) -> None:
        """Contact and tamper switch rattle together, `count` times to and fro."""
        for value in (1, 0) * count:
            await self.send({DOOR: value, TAMPER: value})
            await asyncio.sleep(every_s)

    # --- life ------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Put the battery in."""
        if self.report_s > 0:
            await self.busy_with("report", self.report())

    async def stop(self) -> None:
        """Take the battery out."""
        for name in list(self.tasks):
            await self.cease(name)
        await self.sensor.stop()

    def rest(self) -> None:
        """Nothing happens to it any more; what only says that it lives goes on, or a hub would miss it."""
        if "flap" in self.tasks:
            self.tasks["flap"].cancel()

    async def busy_with(self, name: str, doing: Coroutine[Any, Any, None]) -> None:
        """Go on with something beside the script."""
        await self.cease(name)
        self.tasks[name] = asyncio.get_running_loop().create_task(doing)

    async def cease(self, name: str) -> None:
        """End what it goes on with."""
        task = self.tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def facts(self) -> dict[str, Any]:
        """With its bind key."""
        facts = super().facts()
        if self.key is not None:
            facts["secret"] = self.key.hex()
        return facts

    # --- what happens to it ----------------------------------------------------------------------------------

    def say(self, number: int, value: int) -> Do:
        """An act that sends a state and the battery."""

        async def do(_options: dict[str, Any]) -> None:
            await self.send({number: value})

        return do

    async def leave(self, _options: dict[str, Any]) -> None:
        """Out of range."""
        self.sensor.leave()

    async def return_(self, _options: dict[str, Any]) -> None:
        """Back in range."""
        self.sensor.return_()

    async def set_battery(self, options: dict[str, Any]) -> None:
        """The battery has `pct` left."""
        self.battery_pct = int(options.get("pct", 8))
        await self.send({})

    async def tamper(self, _options: dict[str, Any]) -> None:
        """Somebody takes it from its place."""
        await self.send({TAMPER: 1})

    async def flap(self, options: dict[str, Any]) -> None:
        """It hangs loose and toggles by itself, `count` times, each `every_ms`."""
        count, every_s = (
            int(options.get("count", FLAPS)),
            float(options.get("every_ms", 1000 * FLAP_S)) / 1000,
        )
        await self.busy_with("flap", self.toggle(count, every_s))

    async def die(self, _options: dict[str, Any]) -> None:
        """It says nothing more, in the middle of a frame if need be, and gives no sign of it."""
        self.dead = True
        await self.stop()
