"""The receiver as the bench sees it: a process that counts, with one future for each alarm that is awaited."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any, Literal

from tools.bench.path import ProxyProcess
from tools.bench.peers.peer import Drained, Road
from tools.bench.peers.program import Program
from tools.bench.peers.spans import members
from tools.simulators.certificates import Authority
from tools.simulators.mosquitto import Mosquitto, free_port
from tools.simulators.proxy import FORWARD, REFUSE

Kind = Literal["broker", "server", "bare"]
NO_LIMITS = ("set_tcp_nodelay true", "max_queued_messages 0", "max_inflight_messages 0")

NOBODY_S = 60.0
NOTHING_MORE_S = 5.0  # nothing new for so long: no more will come
LOOK_S = 0.1


def both_ways(facts: dict[str, Any]) -> int:
    """Bytes that have gone through a proxy."""
    return int(facts["up"]["given"]) + int(facts["down"]["given"])


class Arrivals:
    """Its port is known before it listens, so that a gateway can be told where it will be.

    `kind`: `broker` is Mosquitto with the receiver as its subscriber, as Trygg's platform sits behind its broker;
    `server` is the receiver itself, as ThingsBoard's server is its own broker; `bare` is that without TLS and store.
    """

    def __init__(self, folder: Path, road: Road, kind: Kind) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        authority = Authority(folder)
        server = authority.server("127.0.0.1")
        authority.client("platform")
        self.kind = kind
        self.credentials = None if kind == "bare" else authority.client("gateway")
        self.listens_on = free_port()
        self.broker: Mosquitto | None = None
        if kind == "broker":
            self.broker = Mosquitto(folder / "broker", tls=server, port=self.listens_on, options=NO_LIMITS)
        self.program = Program(
            [sys.executable, "-m", "tools.bench.peers.receiver", str(folder), kind],
            folder / "receiver.log",
            unasked=self._heard,
        )
        self.conditions = road.conditions
        self.proxy = None if road.conditions is None else ProxyProcess(self.listens_on)
        self.port = self.listens_on
        self.connected = asyncio.Event()
        self.began_ns = 0
        self.alarms: dict[int, asyncio.Future[int]] = {}

    def _heard(self, line: dict[str, Any]) -> None:
        if "connected" in line:
            self.connected.set()
        elif "alarm" in line:
            waiting = self.alarms.pop(line["alarm"], None)
            if waiting is not None and not waiting.done():
                waiting.set_result(line["ns"])

    async def start(self) -> None:
        """The process is there, and `port` is where a gateway will find it; nobody can connect."""
        await self.program.start()
        if self.proxy is not None:
            await self.proxy.__aenter__()
            await self.proxy.do(mode=REFUSE)
            self.port = self.proxy.port

    async def listen(self) -> None:
        """From now on gateways can connect."""
        if self.broker is not None:
            await asyncio.to_thread(self.broker.start)
        await self.program.ask(f"listen {self.listens_on}")
        if self.proxy is not None and self.conditions is not None:
            await self.proxy.do(mode=FORWARD, **self.conditions)

    def began(self) -> None:
        """A gateway connects now that does not tell the broker so; its own word of that is near enough."""
        self.began_ns = time.monotonic_ns()

    async def until_connected(self) -> None:
        """A gateway is connected."""
        await asyncio.wait_for(self.connected.wait(), NOBODY_S)

    def awaited(self, number: int) -> asyncio.Future[int]:
        """Becomes the time at which this alarm arrived, in nanoseconds of the monotonic clock."""
        self.alarms[number] = asyncio.get_running_loop().create_future()
        return self.alarms[number]

    async def took_ms(self, began_ns: int, arrival: asyncio.Future[int], within_s: float) -> float | None:
        """Milliseconds from `began_ns` to the arrival, None where it does not come in time."""
        try:
            return (await asyncio.wait_for(arrival, within_s) - began_ns) / 1e6
        except TimeoutError:
            return None

    async def report(self) -> dict[str, Any]:
        """Its counts."""
        counts = await self.program.ask("report")
        counts["connected_ns"] = counts["connected_ns"] or self.began_ns
        return counts

    async def until(self, events: int, within_s: float, silence_s: float = NOTHING_MORE_S) -> dict[str, Any]:
        """Its counts once so many different events are there, or nothing new for so long, or the time is over."""
        end = time.monotonic() + within_s
        while True:
            counts = await self.report()
            newest_ns = max(counts["last_ns"], counts["connected_ns"])
            silent = newest_ns and time.monotonic_ns() - newest_ns > silence_s * 1e9
            if counts["events"] >= events or silent or time.monotonic() > end:
                return counts
            await asyncio.sleep(LOOK_S)

    async def drained(self, events: int, within_s: float) -> Drained:
        """The same as a figure."""
        counts = await self.until(events, within_s)
        took_ns = max(counts["last_ns"] - counts["connected_ns"], 0)
        wire_bytes = None if self.proxy is None else both_ways(await self.proxy.do())
        return Drained(counts["events"], took_ns, wire_bytes, counts["repeated"])

    async def numbers(self) -> set[int]:
        """The events that have arrived."""
        return members((await self.program.ask("numbers"))["numbers"])

    async def stop(self) -> None:
        """End it."""
        if self.proxy is not None and self.port != self.listens_on:
            await self.proxy.__aexit__()
        await self.program.kill()
        if self.broker is not None:
            self.broker.kill()
