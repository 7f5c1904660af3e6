"""Runs on MicroPython: an alarm that a board's journal does not take, because its flash fails until it is opened anew.

    micropython -X heapsize=5M -m tests.firmware.board_alarm [control]

Prints one JSON object: `ended_well` of the board's life, how many smoke alarms the next start finds in flash, and the kinds that the log
calls lost, and whether the watchdog was `armed` before the flash was asked. `control` is the board that does not open its journal anew.
"""

import asyncio
import json
import sys

from firmware import live
from firmware.profiles import profile
from gateway.core import event_codec
from gateway.core.config import validate
from hal.errors import UnavailableError
from hal.esp32.flash_journal import FlashJournal
from hal.sim.clock import SimClock
from hal.sim.natives import SimNatives, SimWdt
from hal.sim.nor_flash import NorFlash
from hal.sim.uplink import SimBroker
from hal.sim.world import World
from hal.types import SAFETY
from tests.firmware.board_home import NIGHT_UTC_MS, SMOKE, TREE, SimulatedBoard

SECTORS = 64


class FailingFlash(NorFlash):
    """Takes nothing while `failing`."""

    failing = False

    def writeblocks(self, place, data, offset=0):
        if self.failing:
            raise OSError(5)
        super().writeblocks(place, data, offset)


class Drivers(SimNatives):
    """Those of the board; `armed` is whether the watchdog ran before the flash was asked."""

    armed = None

    def partition(self, name):
        if self.armed is None:
            self.armed = SimWdt.fed > 0
        return super().partition(name)


class NeverAnew(SimulatedBoard):
    """The control: the journal is opened once."""

    opened = False

    async def journal(self):
        if self.opened:
            raise UnavailableError("the control opens it once")
        self.opened = True
        return await super().journal()


class Scene:
    """A board, its flash, and what its log says."""

    def __init__(self, make):
        self.clock = SimClock(utc_ms=NIGHT_UTC_MS)
        self.world = World(self.clock)
        self.flash = FailingFlash(SECTORS)
        self.make = make
        self.started, self.lost = False, []
        make.sim_clock, make.broker = self.clock, SimBroker()

    def log(self, line):
        self.started = self.started or line.get("kind") == "hub.started"
        if "cannot go on" in line["message"]:
            self.flash.failing = False  # from here on only who opens the journal anew writes
        if "lost with the memory" in line["message"]:
            self.lost += line["kinds"]

    async def life(self):
        kind = profile("esp32-s3")
        kind.threshold = SimulatedBoard.threshold
        chip = {"identity": b"g" * 32 + b"h" * 32}
        self.drivers = Drivers(self.world, chip, self.flash)
        board = self.make(self.drivers, kind, "", validate(TREE, "gateway.cbor"))
        running = asyncio.create_task(live.lived(board, TREE, [], self.log, asyncio.Event()))
        while not self.started and not running.done():  # the signer's table takes turns of the loop, not time
            await self.clock.advance(100)
        await self.clock.advance(5_000)
        self.flash.failing = True
        self.world.advertise(SMOKE, {"fcd2": bytes([0x44, 0x00, 1, 0x29, 1])})
        await self.clock.advance(30_000)
        return await running

    async def found(self):
        """Smoke alarms in the journal that the next start opens."""
        journal = await FlashJournal.open(self.flash)
        entries = journal.peek(SAFETY, 0, 1 << 16)
        kinds = [event_codec.decode_event(entry.event).kind for entry in entries]
        return kinds.count("smoke.detected")


async def play(make):
    scene = Scene(make)
    ended_well = await scene.life()
    found = {"ended_well": ended_well, "found": await scene.found(), "lost": scene.lost}
    found["armed"] = scene.drivers.armed
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(play(NeverAnew if sys.argv[1:] == ["control"] else SimulatedBoard))
