"""paho's own queue: what a program gets that publishes with QoS 1 and counts on its client."""

import importlib.metadata
import sys
import time
from pathlib import Path

from tools.bench.peers.arrivals import Arrivals
from tools.bench.peers.events import ALARMS
from tools.bench.peers.peer import ALL_PARTS, BACKLOG_PARTS, Drained, Road
from tools.bench.peers.worker_store import WorkerStore

MODULE = "tools.bench.peers.paho_store"
ALARM_LIMIT_S = 60.0


class PahoWay:
    """The client's process, filled before it ever connects."""

    def __init__(self, folder: Path, road: Road) -> None:
        self.arrivals = Arrivals(folder.with_name(folder.name + "-beside"), road, "broker")
        credentials = self.arrivals.credentials
        assert credentials is not None
        files = [str(path) for path in (credentials.ca, credentials.certificate, credentials.key)]
        self.store = WorkerStore(sys.executable, MODULE, folder, files)
        self.filled = 0

    @property
    def pid(self) -> int:
        return self.store.pid

    async def fill(self, count: int, size: int) -> int:
        await self.store.start()
        await self.arrivals.start()
        if count:
            await self.store.offer(0, count, size, 100)
        self.filled = count
        return count

    async def open(self) -> None:
        await self.arrivals.listen()
        self.arrivals.began()
        await self.store.program.ask(f"open {self.arrivals.port}")

    async def alarm(self, number: int) -> float | None:
        arrival = self.arrivals.awaited(ALARMS + number)
        began_ns = time.monotonic_ns()
        self.store.program.tell(f"alarm {ALARMS + number}")
        return await self.arrivals.took_ms(began_ns, arrival, ALARM_LIMIT_S)

    async def emptied(self, left: int, within_s: float) -> None:
        await self.arrivals.until(self.filled - left, within_s)

    async def drained(self, within_s: float) -> Drained:
        return await self.arrivals.drained(self.filled, within_s)

    async def close(self) -> None:
        await self.store.stop()
        await self.arrivals.stop()


class PahoPeer:
    """paho-mqtt, 100 in flight."""

    name = "paho queue"
    accepts = "in the client's queue, in memory"
    runs = "a process with one client"

    def __init__(self) -> None:
        self.parts: tuple[str, ...] = ALL_PARTS
        self.largest = dict.fromkeys(BACKLOG_PARTS, 60_000)  # it refuses the 65,536th message

    def missing(self) -> str | None:
        return None

    def version(self) -> str:
        return importlib.metadata.version("paho-mqtt")

    def store(self, folder: Path) -> WorkerStore:
        return WorkerStore(sys.executable, MODULE, folder)

    def way(self, folder: Path, road: Road, *, alarms: bool) -> PahoWay:
        return PahoWay(folder, road)
