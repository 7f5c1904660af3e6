"""A storm and an exercise through the whole hub: everything arrives, what repeats is marked, and what stays is told as real."""

from gateway.core.rules.exercise import LONGEST_MS
from gateway.core.rules.storm import NOTICE_MS, QUIET_MS
from gateway.hub.supervise import BEAT_MS
from tests.hub.bench import Bench, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.model import Event


def arrived(bench: Bench, lane: int) -> "list[Event]":
    """What the platform holds of a lane, in order."""
    return [event for number, _, event in bench.platform.order if number == lane]


async def flap(bench: Bench, times: int) -> None:
    """The smoke detector toggles, a minute a turn."""
    for packet in range(1, 2 * times + 1):
        bench.smoke(packet % 2 == 1, packet)
        await bench.clock.advance(30_000)


def test_a_storm_arrives_whole_and_marked_and_its_fault_is_told_once_also_over_a_power_cut():
    async def scene(bench: Bench):
        await flap(bench, 6)
        await bench.cut()
        await bench.build().start()
        await bench.clock.advance(3_000)
        await flap(bench, 5)
        begun = [event for event in arrived(bench, 0) if event.kind == "smoke.detected"]
        marks = [event.values.get("repeat") for event in begun]
        assert marks == [None, 1, 2, 3, 4, 5, None, 1, 2, 3, 4]
        kinds = bench.platform.kinds(2)
        assert kinds.count("device.flapping") == 1 and "device.steady" not in kinds
        await bench.clock.advance(QUIET_MS + BEAT_MS)
        assert bench.platform.kinds(2).count("device.steady") == 1
        assert len(arrived(bench, 0)) == 22, "nothing more, nothing less"

    play(scene)


def test_smoke_that_stays_behind_a_mark_is_told_again_by_itself():
    async def scene(bench: Bench):
        await flap(bench, 1)
        bench.smoke(True, 9)
        await bench.clock.advance(NOTICE_MS)
        values = [event.values for event in arrived(bench, 0) if event.kind == "smoke.detected"]
        assert values == [{}, {"repeat": 1}, {"again": "storm"}]

    play(scene)


def test_an_exercise_is_marked_and_what_outlasts_it_arrives_as_real():
    async def scene(bench: Bench):
        placement = next(one.placement for one in bench.app.devices if one.config.name == "Smoke")
        bench.app.recorder.exercise(placement, "smoke.detected")
        bench.smoke(True, 1)
        await bench.clock.advance(LONGEST_MS - 5_000)
        assert [event.exercise for event in arrived(bench, 0)] == [True]
        await bench.clock.advance(5_000 + BEAT_MS)
        tried, real = arrived(bench, 0)
        assert real.kind == "smoke.detected" and not real.exercise and real.incident != tried.incident
        assert real.values == {"again": "exercise"}

    play(scene)
