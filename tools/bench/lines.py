"""Alarms over a serial line while another line is full: a smoke detector that the transceiver hears, beside 75 frames a second.

The lines are pseudo-terminals, which know no speed: the time of eighteen bytes at 57,600 bit/s, 3.7 ms with start and stop bits,
comes on top at a real one.
"""

import asyncio
from pathlib import Path

from tools.bench.system import System
from tools.home.house import House
from tools.home.scenario import Act, load

OXIMETER = "Oximeter on a cable"
PAUSE_S = 0.03
STREAM_S = 3.0  # until the stream is under way


class LineSystem(System):
    """A system whose home hangs on cables."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.house = House(load("bench-lines"), self.stage.home, lambda _line: None)


async def alarms_beside_a_stream(folder: Path, alarms: int, streams: bool) -> tuple[list[float | None], int]:
    """Milliseconds of each alarm, and how many events the lane of measurements has had; without `streams` the other line is idle."""
    system = LineSystem(folder)
    samples: list[float | None] = []
    async with system.running():
        await system.start_hub()
        number = await system.warm_up()
        if streams:
            await system.house.perform(Act(0, OXIMETER, "finger", {}))
            await asyncio.sleep(STREAM_S)
        for alarm in range(number, number + alarms):
            samples.append(await system.alarm(alarm))
            await asyncio.sleep(PAUSE_S)
        facts = await system.status() or {"lanes": []}
    measured = sum(int(lane["last"]) for lane in facts["lanes"] if lane["name"] == "measurement")
    return samples, measured
