"""Connections that come and go leave nothing behind: brokers, serial cables, radio links, adapters."""

from hal.sim.peripheral import SimPeripheral
from hal.types import LANES
from tests.hub.bench import DAY_UTC_MS, HOME, OXIMETER, Bench, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ROUNDS = 12


def with_everything() -> "dict[str, Any]":
    tree = dict(HOME)
    tree["device"] = HOME["device"] + [
        {"name": "Oximeter", "driver": "plx", "address": OXIMETER},
        {"name": "Dispenser", "driver": "dispenser", "port": "dispenser"},
    ]
    return tree


def left(bench: Bench) -> "list[object]":
    """What waits, is connected or is on its way while the home is at rest."""
    app = bench.app
    return [
        bench.clock.sleepers,
        bench.broker.clients(),
        len(app.parts.tasks),
        len(app.outbox.flights),
        len(app.delivery.sending),
        len(app.recorder.waiting.all()),
        sum([bench.journal.mark(lane).last - bench.journal.mark(lane).first + 1 for lane in LANES]),
    ]


async def disturb(bench: Bench, number: int) -> None:
    """Everything goes away at once, and comes back."""
    bench.door(number % 2 == 0, number)
    line = bench.world.serial_line("dispenser")
    bench.broker.drop_connections()
    line.pull()
    if number % 2:
        bench.world.drop(OXIMETER)
    else:
        bench.world.lose_adapter()
        bench.world.restore_adapter()
    await bench.platform.stop()
    await bench.platform.start()
    await bench.clock.advance(7_000)
    line.put_back()
    await rest(bench)


async def rest(bench: Bench) -> None:
    """The oximeter is heard, and all is delivered."""
    bench.world.advertise(OXIMETER, service_uuids=("1822",))
    await bench.clock.advance(60_000)
    bench.world.advertise(OXIMETER, service_uuids=("1822",))
    await bench.clock.advance(60_000)


def test_what_came_and_went_leaves_nothing_behind():
    async def scene(bench: Bench):
        bench.world.add_peripheral(SimPeripheral(OXIMETER, {"2a60": bytes(2), "2a5f": b""}, secure=True))
        bench.world.serial_line("dispenser")
        await bench.pair("Oximeter")
        await disturb(bench, 0)
        before = left(bench)
        for number in range(1, ROUNDS):
            await disturb(bench, number)
            assert left(bench) == before, number
        assert [device.link for device in bench.app.devices][2:] == ["connected", "open"]
        assert not bench.watchdog.bites and bench.app.parts.alive()

    play(scene, tree=with_everything(), utc_ms=DAY_UTC_MS)
