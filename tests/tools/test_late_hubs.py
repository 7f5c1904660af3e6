"""The hub of a control of latency, in the simulation: it is late for the reason that it says, and the product is not."""

import pytest

from gateway.hub.uplink import Delivery
from hal.types import SAFETY
from tools.rig.gathering_hub import Gathering
from tools.rig.sim.bench import Bench, play

STEP_MS, MOST_MS = 10, 1_000


async def alarm(bench: Bench) -> int:
    """Milliseconds from a smoke detector's frame to the platform, at most `MOST_MS`."""
    bench.smoke(True, 1)
    for waited_ms in range(0, MOST_MS, STEP_MS):
        if "smoke.detected" in bench.platform.kinds(SAFETY):
            return waited_ms
        await bench.clock.advance(STEP_MS)
    return MOST_MS


@pytest.mark.parametrize(("delivery", "least_ms", "most_ms"), [(Delivery, 0, 10), (Gathering, 240, 300)])
def test_a_hub_that_gathers_is_late_with_nothing_else_to_do_and_the_product_is_not(
    delivery: type[Delivery], least_ms: int, most_ms: int
) -> None:
    async def scene(bench: Bench) -> None:
        await bench.clock.advance(5_000)
        assert least_ms <= await alarm(bench) <= most_ms

    play(scene, delivery=delivery)
