"""Silence of devices whose interval nobody configured: learned, kept across restarts, shown, and never an alarm."""

import asyncio

from gateway.core.supervision import INTERVALS, NEVER_HEARD_MS
from gateway.hub.status import devices
from hal.sim.peripheral import SimPeripheral
from hal.types import ALARM, SAFETY, TECHNICAL
from tests.hub.bench import DAY_UTC_MS, HOME, OXIMETER, SMOKE, Bench, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.core.model import Event

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
ALONE: "dict[str, Any]" = dict(HOME)
ALONE["hub"] = dict(HOME["hub"])
ALONE["hub"]["state_interval_s"] = 3_600
ALONE["device"], ALONE["rule"] = HOME["device"][1:], []
READING = bytes.fromhex("0061004800")


def beacon(bench: Bench, packet: int) -> None:
    """The smoke detector says by itself that all is well."""
    bench.world.advertise(SMOKE, {"fcd2": bytes([0x40, 0x00, packet % 256, 0x01, 90, 0x29, 0])})


def told(bench: Bench, *kinds: str) -> "list[Event]":
    """What arrived of these kinds."""
    return [event for _, _, event in bench.platform.order if event.kind in kinds]


async def beat(bench: Bench, every_ms: int, times: int) -> None:
    for number in range(times):
        beacon(bench, number)
        await bench.clock.advance(every_ms)


def test_a_sensor_without_an_interval_is_silent_after_three_of_those_it_keeps_and_said_once():
    async def scene(bench: Bench):
        await beat(bench, 10 * MINUTE_MS, 8)
        facts = devices(bench.app)[0]
        assert (facts["interval_ms"], facts["learned_interval_ms"]) == (0, 10 * MINUTE_MS)
        await bench.clock.advance(2 * 10 * MINUTE_MS - 1_000)
        assert told(bench, "device.silent") == []
        await bench.clock.advance(6_000)
        (silent,) = told(bench, "device.silent")
        assert silent.values == {"silent_ms": 30 * MINUTE_MS, "interval_ms": 10 * MINUTE_MS}
        await bench.clock.advance(HOUR_MS)
        assert devices(bench.app)[0]["silent"]
        beacon(bench, 99)
        await bench.clock.advance(5_000)
        begun, over = told(bench, "device.silent", "device.back")
        assert begun.incident == over.incident is not None
        assert bench.platform.kinds(SAFETY) == bench.platform.kinds(ALARM) == [], "a fault, never an alarm"
        assert bench.platform.manifests[-1] == bench.platform.manifests[0], (
            "what is learned is no configuration"
        )

    play(scene, tree=ALONE, utc_ms=DAY_UTC_MS)


def test_a_restart_forgets_neither_what_was_learned_nor_the_silence():
    async def scene(bench: Bench):
        await beat(bench, 20 * MINUTE_MS, 10)
        for _ in range(3):
            await bench.cut()
            await bench.build().start()
            await bench.clock.advance(1_000)
            assert devices(bench.app)[0]["learned_interval_ms"] == 20 * MINUTE_MS
        await bench.clock.advance(INTERVALS * 20 * MINUTE_MS)
        assert len(told(bench, "device.silent")) == 1
        await bench.cut()
        await bench.build().start()
        await bench.clock.advance(2 * HOUR_MS)
        assert len(told(bench, "device.silent")) == 1

    play(scene, tree=ALONE, utc_ms=DAY_UTC_MS)


def test_a_stop_keeps_what_was_learned_since_the_last_hour():
    async def scene(bench: Bench):
        await beat(bench, 11 * MINUTE_MS, 7)
        stopping = asyncio.create_task(bench.app.stop())
        await bench.clock.advance(3_000)
        await stopping
        await bench.build().start()
        assert devices(bench.app)[0]["learned_interval_ms"] == 11 * MINUTE_MS

    play(scene, tree=ALONE, utc_ms=DAY_UTC_MS)


def test_an_oximeter_that_is_read_over_a_link_is_supervised_too():
    async def scene(bench: Bench):
        await bench.cut()
        bench.tree = dict(ALONE)
        bench.tree["device"] = [{"name": "Oximeter", "driver": "plx", "address": OXIMETER}]
        peripheral = bench.world.add_peripheral(SimPeripheral(OXIMETER, {"2a5f": b""}, secure=True))
        await bench.build().start()
        await bench.clock.advance(1_000)
        await bench.pair("Oximeter")
        bench.world.advertise(OXIMETER, service_uuids=("1822",))
        await bench.clock.advance(3_000)
        for _ in range(65):
            peripheral.notify("2a5f", READING)
            await bench.clock.advance(MINUTE_MS)
        assert told(bench, "device.silent") == [] and peripheral.connected
        assert devices(bench.app)[0]["learned_interval_ms"] == MINUTE_MS
        await bench.clock.advance(2 * MINUTE_MS + 5_000)
        (silent,) = told(bench, "device.silent")
        assert silent.values["interval_ms"] == MINUTE_MS
        assert peripheral.connected, "a link is left for a given interval only: people take an oximeter off"

    play(scene, tree=ALONE, utc_ms=DAY_UTC_MS)


def test_a_safety_sensor_that_is_never_heard_is_said_after_a_day_with_the_reason():
    async def scene(bench: Bench):
        watched = bench.app.supervision.devices[bench.app.devices[0].placement]
        assert watched.due_ms() == watched.heard_ms + NEVER_HEARD_MS
        watched.heard_ms -= NEVER_HEARD_MS - 3_600_000
        await bench.clock.advance(3_600_000 - 10_000)
        assert told(bench, "device.silent") == []
        await bench.clock.advance(20_000)
        (silent,) = told(bench, "device.silent")
        assert silent.values["reason"] == "never heard" and "interval_ms" not in silent.values
        assert bench.platform.kinds(SAFETY) == [] and "device.silent" in bench.platform.kinds(TECHNICAL)
        bench.smoke(True, 1)
        await bench.clock.advance(5_000)
        assert len(told(bench, "device.back")) == 1 and bench.platform.kinds(SAFETY) == ["smoke.detected"]

    play(scene, tree=ALONE, utc_ms=DAY_UTC_MS)


def test_what_is_stored_of_it_is_little():
    async def scene(bench: Bench):
        appends = [0]
        append = bench.journal.append

        async def counted(events: "Any", state: "Any" = None) -> "Any":
            appends[0] += bool(state) and not events
            return await append(events, state)

        bench.journal.append = counted  # type: ignore[method-assign]
        await beat(bench, 10 * MINUTE_MS, 3 * 6)
        assert 1 <= appends[0] <= 3, "once an hour, for all devices together"

    play(scene, tree=ALONE, utc_ms=DAY_UTC_MS)
