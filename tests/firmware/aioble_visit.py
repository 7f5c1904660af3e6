"""Runs on MicroPython: micropython-lib's own aioble over the simulated driver. Prints one JSON object.

    MICROPYPATH=ROOT:FOLDER_ABOVE_AIOBLE:.frozen micropython -m tests.firmware.aioble_visit

First it is a reader that we did not write, of the simulator that our radio is tested on. Then it shows why the board has a radio of
its own (docs/adr/0041): what of four frames and of four notifications it hands on.
"""

import asyncio
import json
import sys

from hal.sim.ble_stack import SimBle
from hal.sim.clock import SimClock
from hal.sim.peripheral import SimPeripheral
from hal.sim.world import World

DOOR, OXIMETER = "C3:00:00:00:00:01", "C1:00:00:00:00:01"
FRAMES = (b"\x44\x00\x01\x3a\x01", b"\x44\x00\x02\x3a\x01", b"\x44\x00\x02\x3a\x01", b"\x44\x00\x03\x3a\x01")


class Uuid:
    """`bluetooth.UUID`, as far as aioble needs it."""

    def __init__(self, value):
        self.data = value.to_bytes(2, "little") if isinstance(value, int) else bytes(value)

    def __iter__(self):
        return iter(self.data)

    def __eq__(self, other):
        return self.data == other.data

    def __hash__(self):
        return hash(self.data)


class Bluetooth:
    """The module."""

    UUID = Uuid
    stack = None

    @classmethod
    def BLE(cls):  # noqa: N802  MicroPython's name
        return cls.stack


async def heard(aioble, world):
    """Frames of a button in the order in which they are handed on."""
    found = []
    async with aioble.scan(300, 30_000, 30_000) as scanner:
        for frame in FRAMES:
            world.advertise(DOOR, {"fcd2": frame})
        async for result in scanner:
            if result.device.addr_hex().upper() == DOOR:
                found.append(bytes(result.adv_data)[-5:].hex())
            if len(found) == len(FRAMES) or not scanner._queue:
                break
    return found


async def visit(aioble, peripheral):
    """Connect, discover, read, subscribe; notifications that are handed on."""
    address = bytes([int(part, 16) for part in OXIMETER.split(":")])
    connection = await aioble.Device(1, address).connect(timeout_ms=500)
    service = await connection.service(Uuid(0x1822))
    features = await service.characteristic(Uuid(0x2A60))
    value = await service.characteristic(Uuid(0x2A5F))
    read = await features.read()
    await value.subscribe(notify=True)
    for number in range(4):
        peripheral.notify("2a5f", bytes([number]))
    notified = []
    try:
        while True:
            notified.append((await value.notified(timeout_ms=100))[0])
    except TimeoutError:
        pass
    await connection.disconnect()
    return {"read": read.hex(), "notified": notified, "connected": peripheral.connected}


async def main():
    world = World(SimClock())
    Bluetooth.stack = SimBle(world)
    sys.modules["bluetooth"] = Bluetooth
    import aioble

    peripheral = world.add_peripheral(SimPeripheral(OXIMETER, {"2a60": b"\x01\x02", "2a5f": b""}))
    print(json.dumps({"heard": await heard(aioble, world), "visit": await visit(aioble, peripheral)}))


asyncio.run(main())
