"""Runs on MicroPython: the firmware's own gateway in real time, over four simulated peripherals and a real broker.

    micropython -X heapsize=4M -m tests.firmware.live_home FOLDER SECONDS

FOLDER is the board's flash (firmware/wiring.py, `Process`). Prints the gateway's log as JSON lines; after SECONDS nothing
happens in the home any more, and the board stops when everything is receipted: a summary is its last line.
"""

import asyncio
import gc
import os
import sys
import time

from firmware import main, settings
from firmware.bench.wiring import Process
from hal.sim.peripheral import SimPeripheral
from tools.rig.esp.around import DOOR, OXIMETER, PORT, SMOKE
from tools.simulators.dispenser import DispenserDevice, Dose

SERVED = {"2a60": bytes(2), "2a5f": b"", "2a19": b"\x5a", "2a29": b"Trygg", "2a24": b"Reference oximeter"}
DRAIN_S = 60
LEAST_FREE = [1 << 30]


class Home:
    """Everything around the board, in real time."""

    def __init__(self, folder, board):
        self.board = board
        self.mark = folder + "/bonded"  # both ends keep their bond, whatever happens to the process
        self.oximeter = SimPeripheral(OXIMETER, dict(SERVED), secure=True)
        board.world.add_peripheral(self.oximeter)
        if "bonded" in os.listdir(folder):
            board.bonds[OXIMETER] = self.oximeter.pair(None)
        self.line = board.world.serial_line(PORT)
        self.packet = time.time_ns() // 1_000_000_000 & 0xFF  # goes on after a restart

    def broadcast(self, address, kind, value):
        """BTHome v2: packet id, then one value."""
        self.packet = self.packet + 1 & 0xFF
        self.board.world.advertise(address, {"fcd2": bytes([0x44, 0x00, self.packet, kind, value])})

    async def live(self, app, seconds):
        """A door, a smoke detector and an oximeter that streams."""
        clock = self.board.clock
        if OXIMETER not in self.board.bonds:
            app.pairing.open("Oximeter")
        for second in range(seconds):
            if second % 3 == 0:
                self.broadcast(DOOR, 0x1A, second // 3 % 2)
            if second % 5 == 0:
                self.broadcast(SMOKE, 0x29, second // 5 % 2)
            for quarter in range(4):
                if not self.oximeter.connected:
                    self.board.world.advertise(OXIMETER, service_uuids=("1822",))
                self.oximeter.notify("2a5f", bytes([0x00, 94 + quarter, 0x00, 70 + second % 30, 0x00]))
                await clock.sleep_ms(250)
            if OXIMETER in self.board.bonds:
                open(self.mark, "w").close()
            LEAST_FREE[0] = min(LEAST_FREE[0], gc.mem_free())

    async def dispense(self):
        """A dispenser whose resident takes every other dose."""
        clock = self.board.clock
        now_ms, utc_ms = clock.uptime_ms(), clock.utc_ms()
        device = DispenserDevice({}, os.urandom, now_ms, utc_ms)
        doses = [Dose(n + 1, utc_ms + 2_000 + 3_000 * n, utc_ms + 4_000 + 3_000 * n) for n in range(4)]
        device.set_plan(doses, now_ms)
        taken = [(now_ms + 3_000 + 6_000 * n, 1 + 2 * n) for n in range(2)]
        while True:
            now_ms = clock.uptime_ms()
            if taken and now_ms >= taken[0][0]:
                device.collect("resident", now_ms, taken.pop(0)[1])
            data = self.line.received()
            self.line.send(device.received(data, now_ms) if data else device.due(now_ms))
            await clock.sleep_ms(100)


async def play(folder, seconds):
    """The board's life. Exit status 1 where something stayed."""
    tree = settings.tree(folder)
    board = Process(folder, settings.load(folder))
    home = Home(folder, board)
    roots = [bytes.fromhex(tree["platform"]["root_public_key"])]
    app = main.gateway(tree, await board.machine(), roots, main.print_line)
    await app.start()
    dispenser = asyncio.create_task(home.dispense())
    await home.live(app, seconds)
    dispenser.cancel()
    for _ in range(DRAIN_S * 4):
        if main.held(app) == 0:
            break
        await board.clock.sleep_ms(250)
    held = main.held(app)
    await app.stop()
    main.print_line({"summary": {"held": held, "least_free": LEAST_FREE[0]}})
    return 1 if held else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(play(sys.argv[1], int(sys.argv[2]))))
