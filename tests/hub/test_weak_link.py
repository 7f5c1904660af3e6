"""A device that is heard weakly for long: one fault with its end, across a restart, without a clock, and never an alarm."""

from gateway.core.link_quality import LONG_MS
from gateway.hub.status import devices
from hal.types import ALARM, SAFETY
from tests.hub.bench import DAY_UTC_MS, SMOKE, Bench, play_hours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.model import Event

STEP_MS = 600_000


async def beat(bench: Bench, rssi_dbm: int, duration_ms: int) -> None:
    """The smoke detector says that all is well, each ten minutes, so strongly."""
    for number in range(duration_ms // STEP_MS):
        packet = bytes([0x40, 0x00, number % 256, 0x01, 90, 0x29, 0])
        bench.world.advertise(SMOKE, {"fcd2": packet}, rssi_dbm=rssi_dbm)
        await bench.clock.advance(STEP_MS)


def told(bench: Bench) -> "list[Event]":
    """What arrived about links."""
    return [event for _, _, event in bench.platform.order if event.kind.startswith("link.")]


def smoke(bench: Bench) -> "dict[str, object]":
    return next(facts for facts in devices(bench.app) if facts["name"] == "Smoke")


def test_a_weak_link_is_said_once_with_its_level_and_its_end_has_the_same_incident():
    async def scene(bench: Bench):
        await beat(bench, -96, 4 * LONG_MS)
        (begun,) = told(bench)
        assert begun.kind == "link.weak" and begun.values == {"rssi_dbm": -96}
        assert smoke(bench)["link_weak"] and smoke(bench)["rssi_dbm"] == -96
        await beat(bench, -60, 4 * LONG_MS)
        begun, over = told(bench)
        assert over.kind == "link.restored" and over.incident == begun.incident is not None
        assert not smoke(bench)["link_weak"]
        assert bench.platform.kinds(SAFETY) == bench.platform.kinds(ALARM) == [], "a fault, never an alarm"

    play_hours(scene, utc_ms=DAY_UTC_MS)


def test_control_a_strong_link_says_nothing():
    async def scene(bench: Bench):
        await beat(bench, -70, 8 * LONG_MS)
        assert told(bench) == [] and smoke(bench)["rssi_dbm"] == -70

    play_hours(scene, utc_ms=DAY_UTC_MS)


def test_across_a_restart_it_is_not_said_again_and_its_end_is():
    async def scene(bench: Bench):
        await beat(bench, -96, 2 * LONG_MS)
        await bench.cut()
        await bench.build().start()
        await beat(bench, -96, 3 * LONG_MS)
        assert [event.kind for event in told(bench)] == ["link.weak"] and smoke(bench)["link_weak"]
        await beat(bench, -60, 3 * LONG_MS)
        assert [event.kind for event in told(bench)] == ["link.weak", "link.restored"]

    play_hours(scene, utc_ms=DAY_UTC_MS)


def test_it_needs_no_clock():
    async def scene(bench: Bench):
        await beat(bench, -96, 2 * LONG_MS)
        assert [event.kind for event in told(bench)] == ["link.weak"]

    play_hours(scene, utc_ms=None)
