"""Runs on MicroPython: a board that nobody has enrolled, in real time, and an enrolment server beyond real TLS.

    micropython -X heapsize=8M -m tests.firmware.board_set_up FOLDER SECONDS

FOLDER is the board's file system, beside it `nvs.json` with what it was told. Its Wi-Fi is simulated; its clock knows the time. Prints one
JSON object: whether the life ended by itself, and the causes that its log gave. Exit status 0.
"""

import asyncio
import json
import sys
import time

from firmware import live
from firmware.profiles import profile
from firmware.wiring import Board
from gateway.hub.waking import stop as cancel
from hal.esp32.clock import BoardClock
from hal.sim.natives import SimNatives
from hal.sim.nvs import FileNvs
from hal.sim.world import World


class DatedBoard(Board):
    """The board, told the time."""

    def make_clock(self):
        clock = BoardClock(time.ticks_ms, time.ticks_diff)
        clock.learn(time.time_ns() // 1_000_000)
        return clock


class Natives(SimNatives):
    """Its drivers, with the storage in a file."""

    def __init__(self, world, path):
        super().__init__(world, {}, None)
        self._storage = FileNvs(path)

    def nvs(self, namespace):
        return self._storage


async def play(folder, seconds):
    world = World(BoardClock(time.ticks_ms, time.ticks_diff))
    profile("esp32-s3").threshold = 65_536
    causes = []
    natives = Natives(world, folder + "/../nvs.json")
    natives.wifi.add("Stue", "hemmelig ord", -50)
    ended, result = asyncio.Event(), []

    def log(line):
        causes.append(line.get("cause") or line["message"])
        if line["level"] == "error":
            ended.set()  # what comes now comes again

    async def lived():
        stop = asyncio.Event()
        result.append(await live.live(natives, "esp32-s3", folder, log, stop, make=DatedBoard))
        ended.set()

    life = asyncio.create_task(lived())
    try:
        await asyncio.wait_for(ended.wait(), seconds)
    except asyncio.TimeoutError:  # noqa: UP041  MicroPython has no other
        causes.append("nothing happened")
    if not life.done():
        await cancel(life)
    print(json.dumps({"ended": result == [True], "causes": causes, "joined": natives.wifi.joined}))


if __name__ == "__main__":
    asyncio.run(play(sys.argv[1], int(sys.argv[2])))
