"""What comes from the platform or poses as it, where the journal's answer is late and the broker means ill."""

from gateway.hub.inward import OTHER, REFUSALS_LIMIT
from hal.sim.journal import SimJournal
from hal.types import LANES, TECHNICAL
from tests.hub.bench import DAY_UTC_MS, Bench, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class LateJournal(SimJournal):
    """Reads nothing while `late`: what a thread that writes has let go of, its word of it is on the way."""

    late = False

    def peek(self, lane: int, after: int, limit_bytes: int, limit_count: int = 128) -> "Any":
        return [] if self.late else super().peek(lane, after, limit_bytes, limit_count)


async def over_a_late_journal(bench: Bench) -> None:
    """Start the gateway anew over a journal that may be late."""
    await bench.cut()
    journal = LateJournal(bench.medium, random=bench.crypto.random)
    bench.open_journal = lambda: journal  # type: ignore[method-assign]
    await bench.build().start()
    await bench.clock.advance(3_000)


def held(bench: Bench) -> int:
    return sum([bench.journal.mark(lane).last - bench.journal.mark(lane).first + 1 for lane in LANES])


def test_a_receipt_that_cannot_be_compared_now_is_no_fork():
    async def scene(bench: Bench):
        await over_a_late_journal(bench)
        bench.platform.receipting = False
        bench.door(True, 1)
        bench.door(False, 2)
        await bench.clock.advance(1_000)
        epoch, before = bench.journal.epoch, held(bench)
        bench.journal.late = True
        await bench.platform.send_receipt()
        await bench.clock.advance(1_000)
        assert bench.journal.epoch == epoch and held(bench) == before
        assert not [message for _, message, _ in bench.logged if "a new epoch begins" in message]
        bench.journal.late = False
        await bench.platform.send_receipt()
        await bench.clock.advance(1_000)
        assert bench.journal.epoch == epoch and held(bench) == 0

    play(scene, utc_ms=DAY_UTC_MS)


def test_what_cannot_be_read_now_is_sent_a_little_later():
    async def scene(bench: Bench):
        await over_a_late_journal(bench)
        bench.journal.late = True
        bench.smoke(True, 1)
        await bench.clock.advance(1_000)
        assert bench.platform.kinds(0) == []
        bench.journal.late = False
        await bench.clock.advance(100)
        assert bench.platform.kinds(0) == ["smoke.detected"]
        assert "part.restarted" not in bench.platform.kinds(TECHNICAL)

    play(scene)


def test_refusals_of_ever_new_kinds_are_counted_within_bounds():
    async def scene(bench: Bench):
        before = held(bench)
        for number in range(3 * REFUSALS_LIMIT):
            await bench.app.inward.refuse("receipt", "reason " + str(number))
        refused = bench.app.inward.refused
        assert len(refused) <= REFUSALS_LIMIT + 1 and refused[OTHER] >= 2 * REFUSALS_LIMIT - 1
        assert sum(refused.values()) == 3 * REFUSALS_LIMIT
        await bench.clock.advance(60_000)
        assert held(bench) == before
        assert bench.platform.kinds(TECHNICAL).count("message.refused") == len(refused)

    play(scene)


def test_a_cleared_topic_and_a_message_of_another_gateway_change_nothing():
    async def scene(bench: Bench):
        bench.broker.publish(bench.platform.topic("receipt"), b"", retain=True)
        bench.broker.publish(bench.platform.topic("keyset"), b"", retain=True)
        await bench.clock.advance(1_000)
        assert bench.app.inward.refused == {} and bench.app.trust.version == 1
        bench.broker.deliver(bench.platform.topic("receipt").replace("hub-1", "hub-2"), b"x")
        bench.broker.deliver("trygg/v1/oslo/hub-1/down/receipt", b"x")
        await bench.clock.advance(1_000)
        assert sum(bench.app.inward.refused.values()) == 1, "only what it subscribed to reaches it"

    play(scene)
