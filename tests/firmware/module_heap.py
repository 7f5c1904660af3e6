"""Runs on MicroPython: what the modules of a board take of the heap when they are imported, code and all.

    MICROPYPATH=.:.frozen micropython -X heapsize=4M -m tests.firmware.module_heap

Prints one JSON object: bytes by part, and their sum. The wheel's interpreter has all of a module in its heap. One that is built with
`firmware/manifest.py` (`FROZEN_MANIFEST`) has the code beside it, as a board has: what is left are functions, classes and names.
"""

import gc
import json

PARTS = (
    ("core", ("gateway.core.registry", "gateway.core.config", "gateway.core.devices.registry")),
    (
        "drivers of four peripherals",
        ("gateway.core.devices.bthome", "gateway.core.devices.plx", "gateway.core.devices.dispenser"),
    ),
    ("hub and rules", ("gateway.hub.app",)),
    (
        "backends",
        (
            "hal.esp32.ble_central",
            "hal.esp32.ble_scanner",
            "hal.esp32.crypto",
            "hal.esp32.flash_journal",
            "hal.esp32.keystore",
            "hal.esp32.mqtt",
            "hal.esp32.uart",
        ),
    ),
    ("firmware", ("firmware.main", "firmware.wiring")),
)


def held():
    gc.collect()
    return gc.mem_alloc()


def main():
    found, first = {}, held()
    for name, modules in PARTS:
        before = held()
        for module in modules:
            __import__(module)
        found[name] = held() - before
    found["all"] = held() - first
    return found


if __name__ == "__main__":
    print(json.dumps(main()))
