"""Runs on MicroPython: a board's own life with a Wi-Fi window in it, and what of the window is in memory afterwards.

    micropython -X heapsize=8M -m tests.firmware.board_window FOLDER

FOLDER is the board's file system. Prints one JSON object: the network that was joined and is kept, modules of the window that are loaded
before, while it is open, after it, and while it is open again; bytes of heap that are held before, while it is open, after it, after another
one, and after as long without one (compiled code is among them here: a board has it in flash); and smoke alarms that arrived.
"""

import asyncio
import binascii
import gc
import hashlib
import json
import sys

from firmware import live, settings
from firmware.profiles import profile
from firmware.wiring import WINDOW_MODULES, Board
from gateway.core import cbor
from gateway.hub.waking import stop as cancel
from hal.errors import UnavailableError
from hal.esp32.time_server import TimeServer
from hal.sim.clock import SimClock
from hal.sim.natives import SimNatives
from hal.sim.nor_flash import NorFlash
from hal.sim.uplink import SimBroker
from hal.sim.world import World
from tests.firmware.board_home import GATEWAY, NIGHT_UTC_MS, SMOKE, TENANT, TREE, SimulatedBoard
from tests.firmware.lean_platform import LeanPlatform, Quick

SSID, PASSWORD = "Karis nett", "hemmelig-1234"
IDENTITY = b"g" * 32 + b"h" * 32
BUTTON = 0


class WholeBoard(SimulatedBoard):
    """With all the parts that a board has; nobody is asked for the time."""

    def start(self, app):
        Board.start(self, app)

    def time_server(self, is_online):
        return TimeServer(self.clock, unasked, bytes)


async def unasked(server, question):
    raise UnavailableError("there is no time server here")


def loaded():
    return len([name for name in WINDOW_MODULES if name in sys.modules])


def held():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


class Scene:
    """A board, a finger, and a technician's cable."""

    def __init__(self, folder):
        self.folder = folder
        self.clock = SimClock(utc_ms=NIGHT_UTC_MS)
        self.world = World(self.clock)
        self.natives = SimNatives(self.world, {"identity": IDENTITY}, NorFlash(64))
        self.natives.wifi.add(SSID, PASSWORD, -60)
        self.broker = WholeBoard.broker = SimBroker()
        WholeBoard.sim_clock = self.clock
        profile("esp32-s3").threshold = SimulatedBoard.threshold
        self.started = False

    def log(self, line):
        self.started = self.started or line.get("kind") == "hub.started"

    async def hold(self, duration_ms):
        pin = self.natives.pins[BUTTON]
        pin.put(0)
        await self.clock.advance(duration_ms)
        pin.put(1)
        await self.clock.advance(200)

    async def give(self):
        """Ten seconds open it, two are the press; the network comes over the console."""
        from gateway.core import improv

        await self.hold(11_000)
        await self.hold(3_000)
        line = self.world.serial_line("console")
        data = improv.encode_message(improv.WIFI, improv.wifi_data(SSID, PASSWORD))
        line.send(improv.encode_packet(improv.SORT_COMMAND, data))
        await self.clock.advance(3_000)

    async def play(self):
        platform = LeanPlatform(self.broker, TENANT, GATEWAY, Quick().public_key(IDENTITY[:32]))
        tree = dict(TREE)
        tree["platform"] = {"root_public_key": "".join(["%02x" % byte for byte in platform.root_key])}
        data = cbor.encode(tree)
        digest = binascii.hexlify(hashlib.sha256(data).digest())
        for name, content in (("hub.cbor", data), ("hub.cbor.sha256", digest)):
            with open(self.folder + "/" + name, "wb") as file:
                file.write(content)
        await platform.start()
        stop = asyncio.Event()
        life = asyncio.create_task(
            live.live(self.natives, "esp32-s3", self.folder, self.log, stop, make=WholeBoard)
        )
        while not self.started and not life.done():
            await self.clock.advance(100)
        self.world.advertise(SMOKE, {"fcd2": bytes([0x44, 0x00, 0, 0x29, 0])})
        await self.clock.advance(60_000)
        modules, bytes_held = [loaded()], [held()]
        await self.give()
        modules.append(loaded())
        bytes_held.append(held())
        self.world.advertise(SMOKE, {"fcd2": bytes([0x44, 0x00, 1, 0x29, 1])})
        await self.clock.advance(20_000)
        modules.append(loaded())
        bytes_held.append(held())
        joined = self.natives.wifi.joined
        await self.give()
        modules.append(loaded())
        await self.clock.advance(20_000)
        bytes_held.append(held())
        await self.clock.advance(34_200)
        bytes_held.append(held())
        await cancel(life)
        smoke = platform.came.get("smoke.detected", 0)
        kept = settings.wifi(self.folder)
        return {"joined": joined, "kept": kept, "modules": modules, "held": bytes_held, "smoke": smoke}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(Scene(sys.argv[1]).play())))
