"""What a board has beside the hub's parts: a button that opens the time for pairing, mains and battery that are told as faults."""

import asyncio
from typing import Any

from firmware.hands import LOOK_MS, Hands
from hal.esp32.power import BoardPower
from hal.sim.peripheral import SimPeripheral
from hal.sim.pins import SimAdc, SimPin
from hal.types import TECHNICAL
from tests.hub.bench import DAY_UTC_MS, HOME, OXIMETER, Bench, play

TREE = {**HOME, "device": HOME["device"] + [{"name": "Oximeter", "driver": "plx", "address": OXIMETER}]}


def test_the_button_opens_the_time_for_what_is_not_paired_and_closes_it() -> None:
    async def scene(bench: Bench) -> None:
        bench.world.add_peripheral(SimPeripheral(OXIMETER, {"2a60": bytes(2), "2a5f": b""}, secure=True))
        hands = Hands(bench.app)
        assert hands.pressed() == "Oximeter" and bench.app.pairing.is_open()
        assert hands.pressed() == "" and not bench.app.pairing.is_open()
        await bench.clock.advance(1_000)
        assert hands.pressed() == "Oximeter"
        bench.world.advertise(OXIMETER, service_uuids=("1822",))
        await bench.clock.advance(30_000)
        assert bench.app.pairing.facts()["bond"] == 1
        assert hands.pressed() == "", "everything is paired"
        assert not bench.app.pairing.is_open()

    play(scene, tree=TREE, utc_ms=DAY_UTC_MS)


def test_mains_and_battery_are_told_once_as_faults_and_when_they_are_back() -> None:
    async def scene(bench: Bench) -> None:
        pin, adc = SimPin(1), SimAdc(1_900_000)
        task = asyncio.create_task(Hands(bench.app).watch_power(BoardPower(pin, adc)))

        async def after(level: int, microvolts: int) -> list[Any]:
            pin.level, adc.microvolts = level, microvolts
            await bench.clock.advance(4 * LOOK_MS)
            return [kind for kind in bench.platform.kinds(TECHNICAL) if kind.startswith(("mains", "battery"))]

        assert await after(1, 1_900_000) == []
        assert await after(0, 1_690_000) == ["battery.low", "mains.lost"]
        assert await after(0, 1_750_000) == ["battery.low", "mains.lost"], "between low and good"
        assert (await after(1, 1_810_000))[2:] == ["battery.restored", "mains.restored"]
        task.cancel()

    play(scene, tree=TREE, utc_ms=DAY_UTC_MS)
