"""The whole way measured from outside: a virtual home in this process; broker, hub and platform as processes.

An alarm's time runs from the call that puts its frame on the virtual air to the moment the platform's line about
it arrives here: two radios, decoding, a synced journal, a signature, MQTT over mutual TLS, verification, a synced
store, and one pipe.
"""

import asyncio
import contextlib
import datetime as dt
import json
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from gateway.daemon.control import ask
from tools.bench.backlog import fill, month
from tools.demo.process import Child
from tools.demo.stage import Brokerage, Stage, own_brokerage
from tools.demo.tally import Tally
from tools.home.house import House
from tools.home.scenario import Act, load
from tools.simulators.certificates import Authority
from tools.simulators.mosquitto import Mosquitto

WAIT_S = 60.0
SMOKE = "Smoke detector"


def broker_of(folder: Path) -> tuple[Mosquitto | None, Brokerage]:
    """Mosquitto with mutual TLS where it is installed, else the embedded broker."""
    if shutil.which("mosquitto") is None:
        return None, own_brokerage(folder)
    authority = Authority(folder / "certificates")
    options = ["set_tcp_nodelay true", "max_queued_messages 0", "max_inflight_messages 0"]
    mosquitto = Mosquitto(folder / "broker", tls=authority.server("127.0.0.1"), options=options)
    return mosquitto, Brokerage(
        mosquitto.url, authority.client("home-1"), authority.client("platform"), own=False
    )


class System:
    """One running system; `arrived` maps an alarm's kind to the time (s) at which its newest event arrived."""

    def __init__(self, folder: Path, *, prints: str = "") -> None:
        """`prints`: an option of the platform, as `--quiet` or `--alarms`; without one it prints each event."""
        self.folder = folder
        self.mosquitto, brokerage = broker_of(folder)
        self.stage = Stage(folder, brokerage, extra={"storage": {"capacity_mb": 1024}})
        arguments = [*self.stage.platform_arguments(), *filter(None, [prints])]
        self.tally = Tally()
        self.alarms: asyncio.Queue[float] = asyncio.Queue()
        self.verified = 0
        self.house = House(load("bench"), self.stage.home, lambda _line: None)
        self.platform = Child("platform", arguments, self.platform_said, folder / "platform.log")
        self.broker = Child("broker", [], lambda _line: None, folder / "broker.log")
        self.hub = Child("hub", [], lambda _line: None, folder / "hub.log")

    def platform_said(self, line: dict[str, Any]) -> None:
        """Note when an alarm arrives."""
        if line.get("lane") == 0 and line.get("kind", "").startswith("smoke."):
            self.alarms.put_nowait(time.perf_counter())

    @contextlib.asynccontextmanager
    async def running(self, backlog: int = 0) -> AsyncIterator["System"]:
        """Everything up, the hub at the home's radio; with a backlog in its journal from the start."""
        if backlog:
            await fill(self.stage.hub / "journal.db", backlog, month)
        async with self.house.open():
            facts = self.stage.take_devices()
            self.hub.arguments = self.stage.hub_arguments(int(facts["clock_offset_s"]))
            try:
                if self.mosquitto is not None:
                    self.mosquitto.start()
                else:
                    self.broker.arguments = self.stage.broker_arguments()
                    await self.broker.start()
                await self.platform.start()
                await asyncio.sleep(1.5)  # the platform has subscribed
                yield self
            finally:
                for child in (self.hub, self.platform, self.broker):
                    await child.stop()
                if self.mosquitto is not None:
                    self.mosquitto.stop()

    async def start_hub(self) -> float:
        """Start the hub; seconds until it listens on the radio."""
        began = time.perf_counter()
        await self.hub.start()
        while not self.house.server.connected:
            if not self.hub.running or time.perf_counter() - began > WAIT_S:
                raise RuntimeError("the hub did not start:\n" + self.hub.last_words())
            await asyncio.sleep(0.002)
        while await self.status() is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return time.perf_counter() - began

    async def status(self) -> dict[str, Any] | None:
        """What `trygg status` would show, or None while nobody answers."""
        with contextlib.suppress(OSError, ValueError):
            facts: dict[str, Any] = await asyncio.to_thread(ask, self.stage.hub / "control.sock", "status")
            return facts
        return None

    async def held(self) -> int:
        """Events the journal holds."""
        facts = await self.status()
        return -1 if facts is None else sum(lane["held"] for lane in facts["lanes"])

    async def alarm(self, number: int, within_s: float = 10) -> float | None:
        """Put one alarm on the air; milliseconds until it has arrived, None where it did not in time."""
        while not self.alarms.empty():
            self.alarms.get_nowait()
        act = Act(0, SMOKE, "smoke" if number % 2 == 0 else "clear", {})
        began = time.perf_counter()
        await self.house.perform(act)
        try:
            return 1000 * (await asyncio.wait_for(self.alarms.get(), within_s) - began)
        except TimeoutError:
            return None

    async def warm_up(self) -> int:
        """Alarms until one has arrived: the radio listens and the platform answers. The next alarm's number."""
        number = 0
        while await self.alarm(number, within_s=0.5) is None:
            number += 1
        return number + 1

    def connected_at(self) -> float:
        """When the hub said that it has a connection to the broker, seconds since 1970."""
        for line in (self.folder / "hub.log").read_text().splitlines():
            if '"Connected to the broker."' in line:
                return dt.datetime.fromisoformat(json.loads(line)["time"]).timestamp()
        raise RuntimeError("the hub never connected:\n" + self.hub.last_words())

    def resident_kib(self) -> int:
        """Resident memory of the hub's process."""
        text = Path(f"/proc/{self.hub.pid}/status").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))
