"""Runs on MicroPython: the firmware's own board, every backend its own over simulated drivers, in simulated time.

The home has four peripherals: a door, a smoke detector, a pulse oximeter that is worn, and a medicine dispenser on a UART. There is a
broker that a test may take away, and a platform that verifies. `Home.restart` is a reset of the board: flash and NVS stay.
"""

import asyncio
import gc
import os

from firmware import main
from firmware.profiles import profile
from firmware.wiring import Board
from gateway.core.config import validate
from hal.esp32.flash_journal import FlashJournal
from hal.sim.clock import SimClock
from hal.sim.flash_file import FlashFile
from hal.sim.natives import SimNatives
from hal.sim.peripheral import SimPeripheral
from hal.sim.uplink import SimBroker, SimUplink
from hal.sim.world import World
from hal.types import LANES
from tests.firmware.lean_platform import LeanPlatform
from tools.simulators.dispenser import DispenserDevice, Dose

GATEWAY, TENANT = "board-1", "oslo"
DOOR, SMOKE, OXIMETER = "C0:00:00:00:00:01", "C0:00:00:00:00:02", "C0:00:00:00:00:03"
PORT, LINE, PLUGGED = "uart1", "uart1", 8
NIGHT_UTC_MS = 1_795_309_800_000  # 2026-11-22 02:10 in Oslo
DAY_MS = 86_400_000
SERVED = {"2a60": bytes(2), "2a5f": b"", "2a19": b"\x5a", "2a29": b"Trygg", "2a24": b"Reference oximeter"}
DRIVERS = "gateway.core.devices."
# Modules that a home like this one asks for when it needs them. Their code is in flash on a board, so it is here before anything is counted.
LATE = [
    DRIVERS + name
    for name in (
        "bthome",
        "device_clock",
        "device_information",
        "dispenser",
        "health",
        "oximeter",
        "plx",
        "record_access",
        "storing",
    )
] + ["asyncio.lock", "gateway.core.registry", "gateway.core.rules.night_window", "hal.esp32.sha512_viper"]
SECTORS = 256  # of the journal in these runs
WATCHDOG_MS = 60_000
TREE = {
    "hub": {"id": GATEWAY, "tenant": TENANT, "language": "nb", "time_zone": "Europe/Oslo"},
    "uplink": {"brokers": ["mqtt://127.0.0.1:1883"]},
    "platform": {"root_public_key": "00" * 32},
    "device": [
        {"name": "Front door", "driver": "bthome", "address": DOOR, "room": "hall", "interval_s": 3600},
        {"name": "Smoke detector", "driver": "bthome", "address": SMOKE, "room": "kitchen"},
        {"name": "Oximeter", "driver": "plx", "address": OXIMETER, "room": "bedroom"},
        {"name": "Dispenser", "driver": "dispenser", "port": PORT, "room": "kitchen"},
    ],
    "rule": [{"type": "night_window", "device": "Front door", "from": "22:00", "to": "06:00"}],
}


class SimulatedBoard(Board):
    """The board in the clock of the simulation, with a broker in memory."""

    broker = None
    sim_clock = None
    threshold = 65_536  # the interpreter has its code in the heap that is collected: a board's 4,096 would take minutes here

    def make_clock(self):
        return self.sim_clock

    def uplinks(self):
        return [SimUplink(self.broker, GATEWAY)]

    def start(self, app):
        """Without lamp, Wi-Fi and time server: a lamp that blinks is two turns a second of a month that is simulated."""


class Home:
    """Board, peripherals, broker and platform."""

    def __init__(self, path, board=SimulatedBoard, sectors=SECTORS):
        for name in LATE:
            __import__(name)
        self.make = board
        self.parts_of = None  # in place of the hub's parts, for a control
        self.clock = SimClock(utc_ms=NIGHT_UTC_MS)
        self.world = World(self.clock)
        self.broker = SimBroker()
        self.chip = {"identity": b"g" * 32 + b"h" * 32}
        self.flash = FlashFile(path, sectors)  # not in memory, which would be searched at each collection
        self.faults = []
        self.told = {}
        self.app = self.board = self.natives = self.life = self.platform = None
        self.packet = 0
        self.oximeter = SimPeripheral(OXIMETER, dict(SERVED), secure=True)
        self.world.add_peripheral(self.oximeter)
        self.line = self.world.serial_line(LINE)
        self.dispenser = DispenserDevice({}, os.urandom, 0, NIGHT_UTC_MS)
        self.doses = 0
        self.plan([NIGHT_UTC_MS + 3_600_000 * (1 + 8 * number) for number in range(3)])

    def plan(self, times):
        """Doses of the dispenser from now on, half an hour each; who fills it does so once a day."""
        doses = [Dose(self.doses + number + 1, at, at + 1_800_000) for number, at in enumerate(times)]
        self.doses += len(doses)
        self.dispenser.set_plan(doses, self.clock.uptime_ms())

    async def switch_on(self):
        """Start, or start anew: flash, NVS and the peripherals are as they were."""
        natives = SimNatives(self.world, self.chip, self.flash)
        gc.collect()
        before = gc.mem_alloc()
        self.make.sim_clock, self.make.broker = self.clock, self.broker
        kind = profile("esp32-s3")
        kind.threshold = self.make.threshold
        board = self.make(natives, kind, "", validate(TREE, "gateway.cbor"))
        machine = await board.machine()
        gc.collect()
        self.taken = gc.mem_alloc() - before
        natives.pins[PLUGGED].put(0)
        if self.platform is None:
            self.platform = LeanPlatform(self.broker, TENANT, GATEWAY, machine.keystore.public_key)
            await self.platform.start()
        self.board, self.natives = board, natives
        gc.collect()
        before = gc.mem_alloc()
        self.app = main.gateway(TREE, machine, [self.platform.root_key], self.log)
        if self.parts_of is not None:
            self.app.parts = self.parts_of(self.app.recorder, self.clock, self.app.log)
        await self.app.start()
        board.start(self.app)
        self.life = asyncio.create_task(self.app.until(asyncio.Event(), board.journal))
        gc.collect()
        self.taken += gc.mem_alloc() - before

    async def reset(self):
        """The life of the board has ended by itself, as `live.run` has it: it starts anew. Raises whatever it ended with."""
        for _ in range(WATCHDOG_MS // 100):
            if self.life.done():
                break
            await self.clock.advance(100)  # what it stores at the end, and says
        await self.switch_off()
        await self.switch_on()

    async def switch_off(self):
        """The power goes: of the process nothing is left, and the flash is free for the next."""
        self.life.cancel()
        try:
            await self.life
        except (asyncio.CancelledError, MemoryError):
            pass
        await self.app.parts.stop()
        await self.app.delivery.ended()
        FlashJournal._let_go_of(self.flash)
        await self.board.radio.stop()
        self.line.pull()
        self.line.put_back()
        self.shut_out()
        self.let_in()
        self.app = self.board = self.natives = self.life = None
        gc.collect()

    def shut_out(self):
        """The broker takes the board no more; the platform stays."""
        self.broker.denying = "a test"
        for session in list(self.broker._sessions):
            if session.client_id == GATEWAY:
                self.broker.close_session(session, "a test")

    def let_in(self):
        self.broker.denying = ""

    def log(self, line):
        message = line["message"]
        self.told[message] = self.told.get(message, 0) + 1
        if line["level"] in ("warning", "error") and len(self.faults) < 5:
            self.faults.append(str(main.plain(line))[:160])

    async def pair(self):
        """The technician's visit."""
        self.app.pairing.open("Oximeter")
        for _ in range(5):
            self.call()
            await self.clock.advance(1_000)

    def broadcast(self, address, kind, value, again=False):
        """BTHome v2: packet id, then one value."""
        if not again:
            self.packet = self.packet + 1 & 0xFF
        self.world.advertise(address, {"fcd2": bytes([0x44, 0x00, self.packet, kind, value])})

    def call(self):
        """The oximeter advertises while nobody is connected to it."""
        if not self.oximeter.connected:
            self.world.advertise(OXIMETER, service_uuids=("1822",))

    def speak(self):
        """The dispenser's end of the line."""
        now_ms = self.clock.uptime_ms()
        data = self.line.received()
        self.line.send(self.dispenser.received(data, now_ms) if data else self.dispenser.due(now_ms))

    def held(self):
        marks = [self.app.machine.journal.mark(lane) for lane in LANES]
        return sum([mark.last - mark.first + 1 for mark in marks])

    def arrived(self, kind):
        """Verified events of that kind at the platform."""
        return self.platform.came.get(kind, 0)
