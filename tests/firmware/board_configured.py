"""Runs on MicroPython: a board's own life with configurations from afar, from the message to the reset and the start that follows.

    micropython -X heapsize=8M -m tests.firmware.board_configured FOLDER [control]

FOLDER is the board's file system. Prints one JSON object: how the lives ended, what the platform was told, and the devices in use. In the
second half the board dies of a configuration before its hub is made; `control` is the board that keeps no count.
"""

import asyncio
import binascii
import hashlib
import json
import os
import sys

from firmware import live
from firmware.profiles import profile
from firmware.published import COUNT
from gateway.core import cbor
from gateway.hub.waking import stop as cancel
from hal.sim.clock import SimClock
from hal.sim.natives import SimNatives
from hal.sim.nor_flash import NorFlash
from hal.sim.uplink import SimBroker
from hal.sim.world import World
from tests.firmware.board_home import GATEWAY, NIGHT_UTC_MS, TENANT, TREE, SimulatedBoard
from tests.firmware.lean_platform import LeanPlatform, Quick

SECTORS = 64
LATER = "C0:00:00:00:00:09"
IDENTITY = b"g" * 32 + b"h" * 32
GOOD = {"device": TREE["device"] + [{"name": "Attic", "driver": "bthome", "address": LATER, "room": "attic"}]}
DEADLY = {"hub": {"language": "en"}}
MOST_LIVES = 8


class Mortal(SimulatedBoard):
    """A board that has too little memory where it speaks English."""

    async def machine(self):
        if self._config.hub.language == "en":
            raise MemoryError("memory allocation failed")
        return await super().machine()


class Scene:
    """A board, what outlives its resets, and the platform."""

    def __init__(self, folder):
        self.folder = folder
        self.clock = SimClock(utc_ms=NIGHT_UTC_MS)
        self.world = World(self.clock)
        self.flash = NorFlash(SECTORS)
        self.chip = {"identity": IDENTITY}
        Mortal.sim_clock, Mortal.broker = self.clock, SimBroker()
        self.platform = LeanPlatform(Mortal.broker, TENANT, GATEWAY, Quick().public_key(IDENTITY[:32]))
        profile("esp32-s3").threshold = SimulatedBoard.threshold
        self.started, self.devices = False, 0

    def log(self, line):
        self.started = self.started or line.get("kind") == "hub.started"

    async def start(self):
        """One start: the task of that life, and whether the hub runs."""
        self.started = False
        natives = SimNatives(self.world, self.chip, self.flash)
        life = asyncio.create_task(self.lived(natives))
        while not self.started and not life.done():
            await self.clock.advance(100)
        await self.clock.advance(10_000)
        return life

    async def lived(self, natives):
        """How a life ends: as told, or of what."""
        stop = asyncio.Event()
        try:
            return await live.live(natives, "esp32-s3", self.folder, self.log, stop, make=Mortal)
        except MemoryError as error:
            return str(error)

    async def given(self, revision, tree):
        """The platform publishes; the life that takes it ends by itself."""
        said = self.platform.config(revision, cbor.encode(tree))
        await self.platform.say("config", said, retain=True)

    async def ended(self, life):
        for _ in range(200):
            if life.done():
                break
            await self.clock.advance(100)
        return await life if life.done() else "it goes on"

    async def play(self):
        tree = dict(TREE)
        tree["platform"] = {"root_public_key": "".join(["%02x" % byte for byte in self.platform.root_key])}
        data = cbor.encode(tree)
        digest = binascii.hexlify(hashlib.sha256(data).digest())
        for name, content in (("hub.cbor", data), ("hub.cbor.sha256", digest)):
            with open(self.folder + "/" + name, "wb") as file:
                file.write(content)
        await self.platform.start()
        await self.platform.give_roles("config")
        life = await self.start()
        await self.given(1, GOOD)
        found = {"ended": [await self.ended(life)]}
        life = await self.start()
        self.world.advertise(LATER, {"fcd2": bytes([0x44, 0x00, 1, 0x29, 1])})
        await self.clock.advance(5_000)
        found["smoke"] = self.platform.came.get("smoke.detected", 0)
        found["kept"] = sorted([name for name in os.listdir(self.folder) if name.startswith("published")])
        await self.given(2, DEADLY)
        found["ended"].append(await self.ended(life))
        vain = 0
        while vain < MOST_LIVES:
            life = await self.start()
            if not life.done():
                break
            assert await life == "memory allocation failed"
            vain += 1
        found["in_vain"] = vain
        await self.clock.advance(10_000)
        self.world.advertise(LATER, {"fcd2": bytes([0x44, 0x00, 2, 0x29, 0])})
        await self.clock.advance(5_000)
        found["cleared"] = self.platform.came.get("smoke.cleared", 0)
        told = self.platform.came
        found["told"] = [told.get("config.applied", 0), told.get("config.refused", 0)]
        found["left"] = sorted([name for name in os.listdir(self.folder) if name.startswith("published")])
        await cancel(life)
        return found


class Forgetful(Scene):
    """The control: what it counted does not outlive the reset."""

    async def start(self):
        if COUNT in os.listdir(self.folder):
            os.remove(self.folder + "/" + COUNT)
        return await super().start()


if __name__ == "__main__":
    scene = Forgetful if sys.argv[2:] == ["control"] else Scene
    print(json.dumps(asyncio.run(scene(sys.argv[1]).play())))
