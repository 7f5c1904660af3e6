"""Runs on MicroPython: days of a home over the firmware's own board, in a heap of which only so much is left to it.

    micropython -X heapsize=4M -m tests.firmware.board_month FLASH MINUTES BUDGET_KIB SEED
    micropython -X heapsize=4M -m tests.firmware.board_month FLASH starve POINTS SEED [control]

Prints one JSON object. The first: whether every alarm of so many minutes came, and what was the least that was free. The second: the same
smoke is detected again and again, each time with another number of bytes left for what the hub does with it.
"""

import asyncio
import gc
import json
import os
import sys

from gateway.hub.parts import Parts
from tests.firmware.board_home import DOOR, NIGHT_UTC_MS, SMOKE, Home, SimulatedBoard

SMOKE_KIND, EXIT_KIND = "smoke.detected", "door.night_exit"
OPEN, DETECTED = 0x1A, 0x29
EVERY_MIN = 240  # it smokes so often
TURNS = 60  # of the loop while memory is short
GRAIN, STEP, SPAN = (
    32,
    97,
    24_576,
)  # bytes: a block of the heap; points are that many blocks apart, over all that an alarm may take
STREAMED = 60  # minutes a day in which the oximeter is worn, a value in two seconds
CHECKED_EACH = 10  # signatures of a month at the platform, which would take as long as all the board does; every chain value is checked


class Late(SimulatedBoard):
    """Its memory is collected less often: that falls to pieces sooner, and a month takes an hour."""

    threshold = 131_072


def leave(budget):
    """Fill the heap until so many bytes are free, in one piece; what fills it."""
    gc.collect()
    kept = [bytearray(max(budget, 32))]
    filled = [None] * 2_000  # a list that grows would fail where a block has just been found
    size, at = 65_536, 0
    while size >= 32 and at < len(filled):
        try:
            filled[at] = bytearray(size - 16)
            at += 1
        except MemoryError:
            size //= 2
    kept.clear()
    gc.collect()
    return filled


class Month:
    """`alarms` began in the home; `least` is the least that was free after a collection."""

    def __init__(self, home, seed):
        self.home = home
        self.seed = seed
        self.alarms = self.resets = 0
        self.least = 1 << 30

    async def minute(self, number):
        """Somebody goes through the door each two minutes by day, it smokes now and then, an oximeter is worn in the evening."""
        home, clock = self.home, self.home.clock
        of_day = (number + self.seed) % 1440
        home.call()
        if number % 2 == 0:
            home.broadcast(DOOR, OPEN, number // 2 % 2)
        if number % EVERY_MIN == 100:
            self.alarms += 1
            home.broadcast(SMOKE, DETECTED, 1)
        if number % EVERY_MIN == 105:
            home.broadcast(SMOKE, DETECTED, 0)
        worn = 1080 <= of_day < 1080 + STREAMED
        for part in range(30 if worn else 2):
            if worn:
                home.oximeter.notify("2a5f", bytes([0, 94 + part % 4, 0, 60 + part, 0]))
            home.speak()
            await clock.advance(2_000 if worn else 30_000)
        del home.broker.accepted[:]  # a broker of tests keeps every message for them
        if not home.app.parts.alive():
            self.resets += 1
            await home.reset()

    async def live(self, minutes):
        for number in range(minutes):
            await self.minute(number)
            if number % 60 == 0:
                gc.collect()
                self.least = min(self.least, gc.mem_free())
            if number % 1440 == 1439:
                times = [NIGHT_UTC_MS + 60_000 * (number + 61 + 480 * each) for each in range(3)]
                self.home.plan(times)


def started(path, board=SimulatedBoard):
    try:
        os.remove(path)
    except OSError:
        pass
    return Home(path, board)


async def month(path, minutes, budget_kib, seed):
    """Figures of a life in so much memory."""
    home = started(path, Late)
    await home.switch_on()
    home.platform.ed25519.each = CHECKED_EACH
    await home.pair()
    gc.collect()
    before = gc.mem_alloc()
    filled = leave(budget_kib * 1024 - home.taken)
    life = Month(home, seed)
    free = gc.mem_free()
    await life.live(minutes)
    await home.clock.advance(600_000)
    filled.clear()
    came = home.platform.came
    return {
        "minutes": minutes,
        "alarms": life.alarms,
        "lost": max(0, life.alarms - home.arrived(SMOKE_KIND)),
        "events": sum(came.values()),
        "held": home.held(),
        "restarts": home.told.get("A part failed and starts again.", 0),
        "resets": life.resets,
        "short": home.board.radio.short,
        "bytes the board's objects take": home.taken,
        "bytes free at first": free,
        "bytes free at the least": life.least,
        "bytes of everything": before,
        "faults": home.faults,
    }


class Hardy(Parts):
    """The negative control: a part that met a lack of memory goes on with what it remembers, and nobody resets the board for it."""

    async def keep(self, name, run, once, sends=False):
        while True:
            try:
                return await self.restart(name, run, once, True)
            except MemoryError:
                await self.clock.sleep_ms(1_000)  # it met another while it said so

    def alive(self):
        return True


async def starve(path, points, seed, control):
    """It smokes once for each point, with another number of bytes left while the hub takes it in. Lost is what never came.

    A detector says it again a second later, and once a minute while it smokes, as detectors do. A board whose watchdog is not fed is reset.
    """
    home = started(path)
    home.parts_of = Hardy if control else None
    await home.switch_on()
    await home.pair()
    await home.clock.advance(60_000)
    lost, resets, failed, failures = 0, 0, 0, []
    for point in range(points):
        left = (seed + point * STEP) * GRAIN % SPAN
        before, restarts = home.arrived(SMOKE_KIND), home.arrived("part.restarted")
        home.shut_out()  # broker and platform live in this heap, and are not what is short of memory
        await home.clock.advance(5_000)
        home.broadcast(SMOKE, DETECTED, 1)
        filled = leave(left)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        filled.clear()
        gc.collect()
        home.let_in()
        if not home.app.parts.alive():
            resets += 1
            await home.reset()
        await home.clock.advance(1_000)
        home.broadcast(SMOKE, DETECTED, 1, again=True)
        for _ in range(2):
            await home.clock.advance(10_000)
            home.broadcast(SMOKE, DETECTED, 1)
        await home.clock.advance(30_000)
        if home.arrived(SMOKE_KIND) == before:
            lost += 1
            if len(failures) < 3:
                failures.append(
                    "seed " + str(seed) + " point " + str(point) + ": " + str(left) + " bytes left"
                )
        failed += home.arrived("part.restarted") > restarts
        del home.broker.accepted[:]
        home.broadcast(SMOKE, DETECTED, 0)
        await home.clock.advance(700_000)  # a detector that toggles is told once in ten minutes
    return {
        "points": points,
        "lost": lost,
        "resets": resets,
        "points at which a part failed": failed,
        "short in the interrupt": home.board.radio.short,
        "failures": failures,
    }


async def main(arguments):
    path, what = arguments[0], arguments[1]
    if what == "starve":
        return await starve(path, int(arguments[2]), int(arguments[3]), "control" in arguments)
    return await month(path, int(what), int(arguments[2]), int(arguments[3]))


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1:]))))
