"""`make bench ARGS="--only flood"`: alarms while strangers advertise 10,000 times a second.

Twice: over the virtual air, which carries what its programs are fast enough for, and by calling in the hub what bleak
calls for each packet. The first shows the whole stack, and how much of a flood reaches it; the second the rate asked for.
"""

import asyncio
import contextlib
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.bench.system import System
from tools.simulators.flood import Flood

FLOODED_HUB = "tools.rig.flooded_hub"
PER_S = 10_000
# Most that one radio can hear of packets with 31 bytes of data: 47 bytes at 1 Mbit/s each (Core 5.4, Vol 6, Part B, 2.1).
AIR_CARRIES_PER_S = 2_660
PAUSE_S = 0.03
SETTLE_S = 2.0
CALM_S = 1.0
AIR, CALLBACK = "over the virtual air", "at the scanner's callback"
# Reports that wait between controller and host; a controller has less room than this, and drops what does not fit.
CONTROLLER_HOLDS = 500


@dataclass
class Flooding:
    """What one run found; latencies in ms, None for an alarm that did not arrive in time."""

    latencies: list[float | None] = field(default_factory=list)
    before_kib: int = 0
    after_kib: int = 0
    heard: int = 0
    dropped: int = 0
    seconds: float = 0.0
    busy_s: float = 0.0  # processor time of the hub meanwhile


class FloodedSystem(System):
    """A system whose hub tells how many strangers it has heard."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.stage.hub_module = FLOODED_HUB
        self.strangers = self.dropped = 0
        self.unheard = 0  # sent while the hub did not scan: between two scans, and while it begins to connect
        self.flood: Flood | None = None
        self.hub.take = self.hub_said

    def hub_said(self, line: dict[str, Any]) -> None:
        """Note the counts. What is on its way when nothing more comes will not come any more."""
        if "strangers" in line:
            if line["strangers"] == self.strangers:
                self.unheard += self.waiting()
            self.strangers, self.dropped = line["strangers"], line["dropped"]

    def waiting(self) -> int:
        """Packets on their way to the hub."""
        return 0 if self.flood is None else self.flood.sent - self.unheard - self.strangers

    def processor_s(self) -> float:
        """Processor time that the hub has had."""
        fields = Path(f"/proc/{self.hub.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @contextlib.asynccontextmanager
    async def flooded(self, where: str, per_s: int) -> Any:
        """While inside, strangers advertise."""
        if where == CALLBACK:
            assert self.hub.pid is not None
            os.kill(self.hub.pid, signal.SIGUSR1)
            yield
            return
        flood = self.flood = Flood(self.house.link)
        sending = asyncio.create_task(flood.run(per_s, lambda: self.waiting() < CONTROLLER_HOLDS))
        try:
            yield
        finally:
            sending.cancel()
            await asyncio.wait({sending})
            flood.stop()


async def flood(
    folder: Path, alarms: int, where: str, *, per_s: int = PER_S, everybody: bool = False
) -> Flooding:
    """Alarms one after the other in a flood; `everybody` is a hub whose scanner does not know its own devices."""
    system, found = FloodedSystem(folder), Flooding()
    async with system.running():
        system.hub.arguments += ["--per-s", str(per_s)] + ["--everybody"] * everybody
        await system.start_hub()
        number = await system.warm_up()
        await asyncio.sleep(SETTLE_S)
        found.before_kib = system.resident_kib()
        async with system.flooded(where, per_s):
            await asyncio.sleep(CALM_S)
            strangers, dropped = system.strangers, system.dropped
            began, busy = time.perf_counter(), system.processor_s()
            for each in range(number, number + alarms):
                found.latencies.append(await system.alarm(each))
                await asyncio.sleep(PAUSE_S)
            found.seconds = time.perf_counter() - began
            found.busy_s = system.processor_s() - busy
            found.heard, found.dropped = system.strangers - strangers, system.dropped - dropped
            found.after_kib = system.resident_kib()
    return found
