"""The whole way with a path between hub and broker as homes have it: far, slow, or gone for a month.

The virtual home, broker and platform stand as in `system.py`; the hub alone reaches the broker through
`tools.simulators.proxy`, a process of its own so that the bench's work does not move its timers.
"""

import asyncio
import contextlib
import dataclasses
import json
import random
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from hal.types import MEASUREMENT, SAFETY
from tools.bench.backlog import Make, fill, month
from tools.bench.system import SMOKE, System
from tools.evidence.figure import UnavailableError
from tools.home.scenario import Act
from tools.simulators.lifetime import with_parent

FAR = {"delay_ms": 25}
# IPv4 and TCP with time stamps on each segment; a queue as deep as cellular modems have.
SLOW = {"delay_ms": 300, "bits_per_s": 64_000, "overhead_bytes": 52, "queue_bytes": 64 * 1024}
OPEN: dict[str, int] = {}  # a proxy that hinders nothing, and counts
LOOPBACK = None  # no proxy: its process would take part of a core from the others
Conditions = dict[str, int] | None

FIFO_HUB, GATHERING_HUB, LONE_HUB = "tools.rig.fifo_hub", "tools.rig.gathering_hub", "tools.rig.lone_hub"
PAUSE_S = 0.03
GIVE_UP_S = 60.0
LOOK_S = 1.0
LOOK_MS = 20


class ProxyProcess:
    """The proxy as a program, told what to do over its standard input."""

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self._arguments = ["-m", "tools.simulators.proxy", "--target-port", str(target_port)]
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *with_parent([sys.executable, *self._arguments]), stdin=pipe, stdout=pipe
        )
        self.port = (await self._answer(self._process))["port"]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()

    async def do(self, **command: object) -> dict[str, Any]:
        """One command; what has moved so far."""
        process = self._process
        if process is None or process.stdin is None:
            raise RuntimeError("the proxy is not started")
        process.stdin.write(json.dumps(command).encode() + b"\n")
        return await self._answer(process)

    async def _answer(self, process: asyncio.subprocess.Process) -> dict[str, Any]:
        line = b"" if process.stdout is None else await process.stdout.readline()
        if not line:
            raise RuntimeError("the proxy has ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer


@dataclass
class Measured:
    """What one run gave. Latencies in microseconds; `missing` alarms came not within a minute."""

    latencies_us: list[int] = field(default_factory=list)
    missing: int = 0
    curve: list[tuple[int, int]] = field(
        default_factory=list
    )  # (ms since the path was there, events receipted)
    resident_kib: list[int] = field(default_factory=list)
    drained_ms: int | None = None
    wire: dict[str, int] = field(default_factory=dict)
    first_ms: int | None = (
        None  # of the alarm that came with the path's return, the connection's making included
    )
    held: int = 0  # events the journal still held at the end
    lost: int = 0  # numbers the hub gave, forgot, and the platform does not have

    def add(self, latency_ms: float | None) -> None:
        """One alarm's."""
        if latency_ms is None:
            self.missing += 1
        else:
            self.latencies_us.append(round(1000 * latency_ms))

    def quantile(self, permille: int) -> int:
        """Latency in microseconds, an alarm that is missing counting as the longest."""
        ordered = sorted(self.latencies_us) + [round(1e6 * GIVE_UP_S)] * self.missing
        return ordered[min(len(ordered) - 1, permille * len(ordered) // 1000)] if ordered else 0

    def over(self, limit_us: int) -> int:
        """Alarms that took longer."""
        return self.missing + sum(latency > limit_us for latency in self.latencies_us)


class FarSystem(System):
    """A system whose hub has a proxy before the broker."""

    def __init__(self, folder: Path, seed: int, *, hub_module: str | None = None) -> None:
        super().__init__(folder, prints="--alarms")
        if self.mosquitto is None:
            raise UnavailableError("mosquitto is not installed: apt-get install mosquitto")
        if hub_module is not None:
            self.stage.hub_module = hub_module
        self.random = random.Random(seed)
        self.proxy = ProxyProcess(self.stage.brokerage.port)
        self.number = 0
        self.arrivals: asyncio.Queue[tuple[int, float]] = asyncio.Queue()

    @contextlib.asynccontextmanager
    async def far(self, events: int, make: Make, conditions: Conditions) -> AsyncIterator[None]:
        """Everything up, `events` in the journal, the path with its conditions, the hub not yet started."""
        if events:
            await fill(self.stage.hub / "journal.db", events, make)
        if conditions is None:
            async with self.running():
                yield
            return
        async with self.proxy:
            await self.proxy.do(**conditions)
            url = f"mqtts://127.0.0.1:{self.proxy.port}"
            self.stage.brokerage = dataclasses.replace(self.stage.brokerage, url=url)
            async with self.running():
                yield

    def platform_said(self, line: dict[str, Any]) -> None:
        """Note when which alarm arrives."""
        if line.get("lane") == SAFETY and "seq" in line:
            self.arrivals.put_nowait((line["seq"], time.perf_counter()))

    async def backlog(self) -> int:
        """Routine events the journal holds."""
        return routine(await self.lanes())

    async def alarms_given(self) -> int:
        """Numbers the hub has given in the lane of safety."""
        return int((await self.lanes())[SAFETY]["last"])

    async def next_alarm(self, within_s: float = GIVE_UP_S) -> float | None:
        """One more alarm after a moment of chance; milliseconds until that one has arrived, or None."""
        await asyncio.sleep(PAUSE_S + self.random.random() * PAUSE_S)
        return await self.alarm_after(await self.alarms_given(), within_s)

    async def alarm_after(self, before: int, within_s: float = GIVE_UP_S) -> float | None:
        """An alarm now; `before` is the last number that the hub gave in its lane."""
        self.number += 1
        began = time.perf_counter()
        await self.house.perform(Act(0, SMOKE, "smoke" if self.number % 2 == 0 else "clear", {}))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while True:
                    seq, at = await self.arrivals.get()
                    if seq > before:
                        return 1000 * (at - began)
        return None

    async def listening(self) -> None:
        """The radio hears: an alarm is in the journal. Whether it has arrived is another matter."""
        while await self.alarms_given() == 0:
            await self.next_alarm(0.2)

    async def until_connected(self) -> None:
        """The hub has a connection to the broker."""
        while not (await self.status() or {"connected": False})["connected"]:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_MS / 1000)

    async def lanes(self) -> list[dict[str, Any]]:
        """Where the hub's lanes stand."""
        facts = await self.status()
        if facts is None:
            raise RuntimeError("the hub does not answer:\n" + self.hub.last_words())
        lanes: list[dict[str, Any]] = facts["lanes"]
        return lanes

    def lost(self, lanes: list[dict[str, Any]]) -> int:
        """Events that the hub gave a number, holds no more, and that are not in the platform's store."""
        lost = 0
        with sqlite3.connect(self.folder / "platform.db") as store:
            for row in lanes:
                forgotten = row["last"] - row["held"]
                query = "SELECT COUNT(DISTINCT seq) FROM event WHERE lane=? AND seq<=? AND NOT is_copy"
                lost += forgotten - store.execute(query, (row["lane"], forgotten)).fetchone()[0]
        return lost


async def alarms(
    folder: Path,
    seed: int,
    *,
    events: int,
    count: int,
    conditions: Conditions,
    make: Make = month,
    hub_module: str | None = None,
) -> Measured:
    """At most `count` alarms, one after the other, from the connection on, while the last of `events` drain."""
    system = FarSystem(folder, seed, hub_module=hub_module)
    measured = Measured()
    async with system.far(events, make, conditions):
        await system.start_hub()
        await system.listening()
        await system.until_connected()
        for _ in range(count):
            await asyncio.sleep(PAUSE_S + system.random.random() * PAUSE_S)
            lanes = await system.lanes()
            if events and routine(lanes) <= events // 100:
                break
            measured.add(await system.alarm_after(lanes[SAFETY]["last"]))
    return measured


def routine(lanes: list[dict[str, Any]]) -> int:
    """Routine events held in these lanes."""
    return sum(row["held"] for row in lanes if row["lane"] >= MEASUREMENT)


def wire(facts: dict[str, Any]) -> dict[str, int]:
    """Bytes from and to the hub, TLS and MQTT counted; segments they took; most that waited on the path."""
    return {
        "up_bytes": facts["up"]["given"],
        "down_bytes": facts["down"]["given"],
        "up_packets": facts["up"]["packets"],
        "queued_bytes": facts["up"]["most_held"],
    }
