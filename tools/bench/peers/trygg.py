"""Trygg: its journal alone as the store; the real hub with broker, platform and a home on a virtual radio as the way."""

import asyncio
import contextlib
import importlib.metadata
import re
import sqlite3
import sys
import time
from pathlib import Path

from hal.linux.journal import SqliteJournal
from hal.types import MEASUREMENT, SAFETY
from tools.bench.path import ProxyProcess
from tools.bench.peers.arrivals import both_ways
from tools.bench.peers.events import payload
from tools.bench.peers.peer import ALL_PARTS, Drained, Road
from tools.bench.peers.worker_store import WorkerStore
from tools.bench.system import SMOKE, System
from tools.home.scenario import Act

MODULE = "tools.bench.peers.trygg_store"
GROUP = 1000
LOOK_S = 0.02
HEARD_S = 0.2
WATCH_S = 0.001
CONNECTED = '"Connected to the broker."'
ALARM_LIMIT_S = 60.0


class Hub:
    """The platform prints nothing: what has arrived is what stands in its store."""

    def __init__(self, folder: Path, road: Road, *, alarms: bool) -> None:
        self.system = System(folder, prints="--quiet")
        self.alarms = alarms
        self.stack = contextlib.AsyncExitStack()
        self.conditions = road.conditions
        self.proxy = None if road.conditions is None else ProxyProcess(self.system.stage.brokerage.port)
        self.arrivals: dict[int, asyncio.Future[float]] = {}
        self.raised = 0
        self.filled = 0
        self.next_alarm = 0  # smoke and its end take turns

    @property
    def pid(self) -> int:
        assert self.system.hub.pid is not None, "not running"
        return self.system.hub.pid

    async def fill(self, count: int, size: int) -> int:
        """In the journal before the hub starts."""
        journal = await SqliteJournal.open(self.system.stage.hub / "journal.db", capacity_bytes=1 << 30)
        for first in range(0, count, GROUP):
            numbers = range(first, min(count, first + GROUP))
            await journal.append([(MEASUREMENT, payload(number, size)) for number in numbers])
        await journal.close()
        self.filled = count
        return count

    async def open(self) -> None:
        """Only the hub's own way is lengthened and counted; the platform stands beside the broker."""
        if self.proxy is not None and self.conditions is not None:
            await self.stack.enter_async_context(self.proxy)
            await self.proxy.do(**self.conditions)
            brokerage = self.system.stage.brokerage
            brokerage.url = re.sub(r"\d+$", str(self.proxy.port), brokerage.url)
        await self.stack.enter_async_context(self.system.running())
        broker = self.system.mosquitto if self.alarms else None
        if broker is not None:  # or most of the backlog would be gone before the radio listens
            broker.pause()
        try:
            await self.system.start_hub()
            if self.alarms:
                await self.until_it_hears()
        finally:
            if broker is not None:
                broker.resume()
        while not self.connected:  # noqa: ASYNC110 - its log is a file
            await asyncio.sleep(LOOK_S)

    @property
    def connected(self) -> bool:
        """Whether the hub has said that it has a connection to the broker."""
        return CONNECTED in (self.system.folder / "hub.log").read_text()

    async def until_it_hears(self) -> None:
        """Smoke and its end in turn, until the hub holds one: a frame before the radio listens is nobody's."""
        while not (heard := await self.held_alarms()):
            await self.smoke()
            await asyncio.sleep(HEARD_S)
        self.raised = heard
        watching = asyncio.create_task(self.watch())
        self.stack.push_async_callback(ended, watching)

    async def held_alarms(self) -> int:
        """Alarms in the journal."""
        facts = await self.system.status()
        return 0 if facts is None else int(facts["lanes"][SAFETY]["held"])

    async def alarm(self, number: int) -> float | None:
        """From the call that puts the frame on the air to the commit of the platform's store.

        The safety lane holds nothing but these, in order: the n-th raised is the n-th there. One that the radio missed
        would make all later ones look later, never sooner.
        """
        began = time.monotonic()
        self.raised += 1
        arrival: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.arrivals[self.raised] = arrival
        await self.smoke()
        try:
            return 1000 * (await asyncio.wait_for(arrival, ALARM_LIMIT_S) - began)
        except TimeoutError:
            return None

    async def smoke(self) -> None:
        """The next frame: smoke, or its end."""
        act = Act(0, SMOKE, "clear" if self.next_alarm % 2 else "smoke", {})
        self.next_alarm += 1
        await self.system.house.perform(act)

    async def watch(self) -> None:
        """Look into the platform's store for alarms, a thousand times a second: its output would tell each event."""
        path = self.system.folder / "platform.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader:
            while True:
                row = reader.execute("SELECT MAX(seq) FROM lane WHERE lane = ?", (SAFETY,)).fetchone()
                now = time.monotonic()
                for number in [number for number in self.arrivals if number <= (row[0] or 0)]:
                    arrival = self.arrivals.pop(number)
                    if not arrival.done():
                        arrival.set_result(now)
                await asyncio.sleep(WATCH_S)

    def arrived(self) -> int:
        """Events of the backlog that the platform has verified and stored, without a hole."""
        path = self.system.folder / "platform.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader:
            row = reader.execute("SELECT MAX(seq) FROM lane WHERE lane = ?", (MEASUREMENT,)).fetchone()
        return int(row[0] or 0)

    async def emptied(self, left: int, within_s: float) -> None:
        end = time.monotonic() + within_s
        while self.arrived() < self.filled - left and time.monotonic() < end:  # noqa: ASYNC110 - a store of others
            await asyncio.sleep(LOOK_S)

    async def drained(self, within_s: float) -> Drained:
        await self.emptied(0, within_s)
        took_ns = int(1e9 * (time.time() - self.system.connected_at()))
        wire_bytes = None if self.proxy is None else both_ways(await self.proxy.do())
        return Drained(min(self.arrived(), self.filled), took_ns, wire_bytes, 0)

    async def close(self) -> None:
        await self.stack.aclose()


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel it and wait until it is."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class TryggPeer:
    """The party all others are held against."""

    name = "Trygg"
    accepts = "in the journal, synced"
    runs = "journal alone for the store's figures; the whole hub, four peripherals, for the others"

    def __init__(self) -> None:
        self.parts: tuple[str, ...] = ALL_PARTS
        self.largest: dict[str, int] = {}

    def missing(self) -> str | None:
        return None

    def version(self) -> str:
        return importlib.metadata.version("trygg-hub")

    def store(self, folder: Path) -> WorkerStore:
        return WorkerStore(sys.executable, MODULE, folder)

    def way(self, folder: Path, road: Road, *, alarms: bool) -> Hub:
        return Hub(folder, road, alarms=alarms)
