"""One virtual home: builds the actors of a scenario, tells the gateway's side what is there, and plays the script."""

import asyncio
import contextlib
import datetime as dt
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError
from tools.home.actors import Actor, Dispenser, PulseOximeter
from tools.home.health import HEALTH
from tools.home.lines import PROFILES, EnoceanSensor, SerialOximeter, Transceiver
from tools.home.meters import METERS
from tools.home.scenario import Act, PeripheralPlan, Scenario
from tools.home.scenario import act as act_of
from tools.home.sensors import Sensor
from tools.simulators.hci_server import HciServer
from tools.simulators.link import HomeLink

FACTS = "home.json"
WAIT_FOR_HUB_S = 0.05
HANDED_OVER_S = 15.0  # in which devices tell at the end what they still hold

ON_LINES = (Dispenser, SerialOximeter, EnoceanSensor)

Say = Callable[[dict[str, Any]], None]


class House:
    """`folder` gets home.json, devices.toml and the serial lines; `say` is called for each act."""

    def __init__(self, scenario: Scenario, folder: Path, say: Say) -> None:
        self.scenario = scenario
        self.folder = folder
        self.say = say
        self.link = HomeLink()
        self.server = HciServer(self.link)
        self.offset_s = scenario.clock_offset_s(dt.datetime.now(dt.UTC))
        self.actors: dict[str, Actor] = {}
        heard = [plan for plan in scenario.peripherals if plan.kind in PROFILES]
        self.transceiver = Transceiver(folder, heard[0].options) if heard else None

    def utc_ms(self) -> int:
        """The home's time."""
        return int(dt.datetime.now(dt.UTC).timestamp() * 1000) + 1000 * self.offset_s

    def build(self, plan: PeripheralPlan) -> Actor:
        """The actor of one peripheral."""
        if plan.kind == "oximeter":
            return PulseOximeter(plan, self.link, self.utc_ms, self.scenario.time_zone)
        if plan.kind == "dispenser":
            return Dispenser(plan, self.folder, self.utc_ms)
        if plan.kind == "serial_oximeter":
            return SerialOximeter(plan, self.folder, self.utc_ms, self.scenario.time_zone)
        if plan.kind in PROFILES and self.transceiver is not None:
            return EnoceanSensor(plan, self.transceiver)
        if plan.kind in HEALTH:
            return HEALTH[plan.kind](plan, self.link, self.utc_ms, self.scenario.time_zone)
        if plan.kind in METERS:
            return METERS[plan.kind](plan, self.link, self.utc_ms, self.scenario.time_zone)
        return Sensor(plan, self.link)

    @contextlib.asynccontextmanager
    async def open(self, port: int = 0) -> AsyncIterator["House"]:
        """Switch everything on; on leaving, off."""
        self.folder.mkdir(parents=True, exist_ok=True)
        number = await self.server.start(port)
        self.actors = {plan.name: self.build(plan) for plan in self.scenario.peripherals}
        for actor in self.actors.values():
            await actor.start()
        if self.transceiver is not None:
            await self.transceiver.served.start()
        self.tell(number)
        try:
            yield self
        finally:
            for actor in self.actors.values():
                await actor.stop()
            if self.transceiver is not None:
                await self.transceiver.served.stop()
            await self.server.stop()

    def tell(self, port: int) -> None:
        """Write home.json: where the radio is, the offset of the clock, the devices and rules."""
        facts = {
            "transport": f"tcp-client:127.0.0.1:{port}",
            "clock_offset_s": self.offset_s,
            "time_zone": self.scenario.time_zone,
            "devices": [actor.facts() for actor in self.actors.values()],
            "rules": self.scenario.rules,
        }
        if self.transceiver is not None:
            facts["enocean"] = {"port": self.transceiver.port}
        path = self.folder / FACTS
        path.with_suffix(".new").write_text(json.dumps(facts, indent=1), encoding="utf-8")
        path.with_suffix(".new").chmod(0o600)
        path.with_suffix(".new").replace(path)

    def is_met(self) -> bool:
        """Whether a gateway is at the radio; or has spoken on a line, where nothing in the home has a radio of Bluetooth."""
        if all(isinstance(actor, ON_LINES) for actor in self.actors.values()):
            lines = [actor.line for actor in self.actors.values() if isinstance(actor, Dispenser)]
            if self.transceiver is not None:
                lines.append(self.transceiver.served.line)
            return any(line.is_spoken_to for line in lines) or not lines
        return bool(self.server.connected)

    async def play(self, seconds: float) -> None:
        """Wait for a gateway to plug itself in, then play the script for `seconds`."""
        while not self.is_met():  # noqa: ASYNC110 - the radio's own server has nobody to tell
            await asyncio.sleep(WAIT_FOR_HUB_S)
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.say({"home": "begins", "scenario": self.scenario.name, "clock_offset_s": self.offset_s})
        for act in self.scenario.until(seconds):
            await asyncio.sleep(max(0.0, began + act.at_s - loop.time()))
            await self.perform(act)
        await asyncio.sleep(max(0.0, began + seconds - loop.time()))
        while self.busy():  # noqa: ASYNC110 - the last doses come to their end by the clock alone
            await asyncio.sleep(WAIT_FOR_HUB_S)
        await self.hand_over()
        self.end()

    async def hand_over(self) -> None:
        """A script that ends in the midst of an outage leaves readings in the devices' memories, which are not lost."""
        for actor in self.actors.values():
            if isinstance(actor, Dispenser):
                actor.line.put_back()
        loop = asyncio.get_running_loop()
        end = loop.time() + HANDED_OVER_S
        while any(actor.holds for actor in self.actors.values()) and loop.time() < end:  # noqa: ASYNC110 - as above
            await asyncio.sleep(WAIT_FOR_HUB_S)

    def end(self) -> None:
        """Nothing more happens in this home: a stream that went on would keep whoever waits for its last event waiting."""
        for actor in self.actors.values():
            actor.rest()
        self.say({"home": "ends", "logged": self.logged()})

    def busy(self) -> bool:
        """Whether a dose still has its end before it."""
        return any(isinstance(actor, Dispenser) and actor.busy for actor in self.actors.values())

    async def perform(self, act: Act) -> None:
        """One act, said beforehand."""
        self.say({"at_s": act.at_s, "peripheral": act.peripheral, "act": act.do})
        await self.actors[act.peripheral].act(act)

    def ordered(self, line: bytes) -> Act:
        """An act from a line of JSON, as a row `[[act]]` of a scenario; it happens now. Raises ConfigError."""
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise ConfigError("order", "no JSON object", "one with peripheral and do", "standard input")
        names = [plan.name for plan in self.scenario.peripherals]
        return act_of({"at_s": 0, **row}, 0, names, "standard input")

    def logged(self) -> dict[str, int]:
        """Entries each dispenser has logged: what must have arrived."""
        return {name: actor.logged for name, actor in self.actors.items() if isinstance(actor, Dispenser)}
