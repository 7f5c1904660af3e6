"""Runs on MicroPython: what the firmware's parts take of the heap, in the order in which they come.

    micropython -X heapsize=8M -m tests.firmware.live_heap FOLDER SECONDS

Prints one JSON object a step: bytes that are held after a collection, and how many more than at the step before.
"""

import asyncio
import gc
import json
import sys

HELD = [0]


def step(name):
    gc.collect()
    held = gc.mem_alloc()
    print(json.dumps({"step": name, "more": held - HELD[0], "held": held}))
    HELD[0] = held


CODE = (
    ("core and drivers: code", ("gateway.core.config", "gateway.core.devices.registry")),
    ("hub: code", ("gateway.hub.app",)),
    (
        "hal/esp32: code",
        ("hal.esp32.crypto", "hal.esp32.flash_journal", "hal.esp32.keystore", "hal.esp32.mqtt"),
    ),
    ("firmware, simulation, home around: code", ("tests.firmware.live_home",)),
    ("drivers of this home, tables: code", ("gateway.core.devices.plx", "gateway.core.registry")),
)


def imports():
    """What a board has in flash and the unix interpreter in its heap."""
    step("interpreter")
    for name, modules in CODE:
        for module in modules:
            __import__(module)
        step(name)


async def live(folder, seconds):
    from firmware import main, settings
    from firmware.bench.wiring import Process
    from tests.firmware.live_home import Home

    tree = settings.tree(folder)
    board = Process(folder, settings.load(folder))
    step("configuration, and code that only it asks for")
    home = Home(folder, board)
    step("home around")
    machine = await board.machine()
    step("table of the signer, journal")
    roots = [bytes.fromhex(tree["platform"]["root_public_key"])]
    app = main.gateway(tree, machine, roots, lambda line: None)
    await app.start()
    step("the hub's objects, four devices")
    most = [0]

    async def watch():
        while True:
            gc.collect()
            most[0] = max(most[0], gc.mem_alloc())
            await board.clock.sleep_ms(50)

    others = [asyncio.create_task(watch()), asyncio.create_task(home.dispense())]
    await home.live(app, seconds)
    for task in others:
        task.cancel()
    HELD[0], held = 0, HELD[0]
    print(json.dumps({"step": "most while it runs, TLS included", "more": most[0] - held, "held": most[0]}))
    print(json.dumps({"connected": machine.uplinks[0].connected}))


imports()
asyncio.run(live(sys.argv[1], int(sys.argv[2])))
