"""A thousand forged receipts a second, on a machine whose signature check takes 400 ms of everything it has."""

import asyncio

from gateway.core.outbox import SMALL_BUNDLE_BYTES
from hal.sim.crypto import SimCrypto
from hal.types import Message
from tests.hub.bench import Bench, Seeded

CHECK_MS, GAP_MS = 400, 2_000
LIMITS = {"most_bundle_bytes": SMALL_BUNDLE_BYTES, "check_gap_ms": GAP_MS}
FLOOD_MS, A_SECOND, STEP_MS = 20_000, 1_000, 20
FORGED = b"\x01" * 64  # in place of a signature; its scalar is small enough to be looked at


class SlowCrypto(SimCrypto):
    """A board's: a check takes its time, and is counted."""

    def __init__(self, clock, keystore, random):
        super().__init__(keystore, random=random)
        self.clock = clock
        self.checked_ms: "list[int]" = []

    async def ed25519_verify(self, public_key, message, signature):
        self.checked_ms.append(self.clock.uptime_ms())
        await self.clock.sleep_ms(CHECK_MS)
        return await super().ed25519_verify(public_key, message, signature)


async def started(limits: "dict[str, int]") -> Bench:
    bench = Bench()
    bench.crypto = SlowCrypto(bench.clock, bench.keystore, Seeded())
    bench.limits = limits
    await bench.start()
    await bench.clock.advance(60_000)
    return bench


def held(bench: Bench, lane: int) -> int:
    mark = bench.journal.mark(lane)
    return mark.last - mark.first + 1


def forged(bench: Bench, lane: int, knows_chain: bool) -> bytes:
    """A receipt of ours but for the signature: of numbers never given, or, by who reads our bundles, of the next."""
    mark = bench.journal.mark(lane)
    row = [mark.last, mark.chain] if knows_chain and mark.last >= mark.first else [mark.last + 9, bytes(16)]
    return bench.platform.receipt({lane: row}, epoch=bench.journal.epoch)[:-64] + FORGED


async def flood(bench: Bench, knows_chain: bool = False, rate: int = A_SECOND) -> int:
    """Forged receipts for `FLOOD_MS`, while a smoke detector alarms every two seconds; how many alarms it gave."""
    topic, alarms = bench.platform.topic("receipt"), 0
    for step in range(FLOOD_MS // STEP_MS):
        data = forged(bench, 0, knows_chain)
        for _ in range(rate * STEP_MS // 1_000):
            bench.broker.deliver(topic, data)
        if step % (2_000 // STEP_MS) == 0:
            bench.smoke(alarms % 2 == 0, 1 + alarms)
            alarms += 1
        await bench.clock.advance(STEP_MS)
    return alarms


def play(scene, limits: "dict[str, int]") -> None:
    async def run() -> None:
        bench = await started(limits)
        try:
            await scene(bench)
        finally:
            await bench.end()

    asyncio.run(run())


def gaps(times: "list[int]") -> "list[int]":
    return [later - earlier for earlier, later in zip(times, times[1:])]  # noqa: RUF007  no itertools there


def test_a_flood_costs_one_check_in_two_seconds_delays_no_alarm_and_true_receipts_get_through():
    async def scene(bench: Bench):
        bench.crypto.checked_ms = []
        stored, events = len(bench.platform.stored), bench.journal.mark(0).last
        acted = bench.app.inward.receipts
        alarms = await flood(bench)
        assert alarms == 10 and bench.journal.mark(0).last == events + alarms
        assert len(bench.platform.stored) >= stored + alarms, "every alarm has arrived, flood or not"
        checks = bench.crypto.checked_ms
        assert min(gaps(checks)) >= GAP_MS and len(checks) <= 1 + FLOOD_MS // GAP_MS
        assert bench.app.inward.receipts >= acted + 4, "every other check is of a true receipt"
        assert held(bench, 0) <= 2
        await bench.clock.advance(3 * GAP_MS)
        assert held(bench, 0) == 0
        assert bench.app.inward.refused["receipt: the signature does not hold"] >= 3
        assert not bench.app.parts.given_up.is_set() and bench.app.parts.alive()

    play(scene, LIMITS)


def test_without_the_limit_the_same_flood_keeps_true_receipts_out():
    async def scene(bench: Bench):
        bench.crypto.checked_ms = []
        acted = bench.app.inward.receipts
        await flood(bench)
        checks = bench.crypto.checked_ms
        assert max(gaps(checks)) <= CHECK_MS + STEP_MS, "it does nothing but check"
        assert bench.app.inward.receipts <= acted + 1 and held(bench, 0) >= 5

    play(scene, {})


def test_who_reads_our_bundles_and_floods_delays_receipts_and_nothing_else():
    async def scene(bench: Bench):
        bench.platform.receipting = True
        stored, events = len(bench.platform.stored), bench.journal.mark(0).last
        bench.crypto.checked_ms = []
        alarms = await flood(bench, knows_chain=True)
        assert bench.journal.mark(0).last == events + alarms
        assert len(bench.platform.stored) >= stored + alarms
        assert min(gaps(bench.crypto.checked_ms)) >= GAP_MS
        assert bench.journal.mark(0).first >= events, "nothing but a true receipt lets it forget"
        await bench.clock.advance(60_000)
        assert held(bench, 0) == 0, "sent again, and receipted, when the flood has ended"

    play(scene, LIMITS)


def test_one_forged_receipt_after_each_true_one_does_not_keep_them_out():
    async def scene(bench: Bench):
        topic = bench.platform.topic("receipt")
        acted = bench.app.inward.receipts
        seen = [len(bench.broker.accepted)]
        for number in range(20):
            bench.smoke(number % 2 == 0, 1 + number)
            for _ in range(GAP_MS // STEP_MS):
                await bench.clock.advance(STEP_MS)
                new = bench.broker.accepted[seen[0] :]
                seen[0] = len(bench.broker.accepted)
                if any([message.topic == topic for message in new]):
                    bench.broker.deliver(topic, forged(bench, 0, True))
        assert bench.app.inward.receipts >= acted + 5

    play(scene, LIMITS)


def test_a_receipt_that_waits_is_looked_at_again_when_its_turn_comes():
    async def scene(bench: Bench):
        platform, journal = bench.platform, bench.journal
        platform.receipting = False
        bench.smoke(True, 1)
        await bench.clock.advance(100)
        mark = journal.mark(0)
        receipt = platform.receipt({0: [mark.last, mark.chain]}, epoch=journal.epoch)
        inward = bench.app.inward
        assert await inward.take(Message(platform.topic("receipt"), forged(bench, 0, False))) is False
        await bench.clock.advance(10)
        assert await inward.take(Message(platform.topic("receipt"), receipt)) is False, (
            "a check has just begun"
        )
        bench.smoke(False, 2)
        await bench.clock.advance(10)
        assert journal.mark(0).last == mark.last + 1
        await journal.ack(0, mark.last + 1)
        begun = inward.begun
        await bench.clock.advance(2 * GAP_MS)
        assert inward.begun == begun, "receipted meanwhile: not worth a check"

    play(scene, LIMITS)


def test_a_receipt_too_long_to_wait_is_refused_in_words():
    async def scene(bench: Bench):
        lanes = {lane: [1, bytes(16)] for lane in range(5, 60)}
        long = bench.platform.receipt(lanes, epoch=bench.journal.epoch)
        assert await bench.app.inward.take(Message(bench.platform.topic("receipt"), long)) is True
        assert bench.app.inward.refused["receipt: a receipt of more than 1024 bytes"] == 1

    play(scene, LIMITS)


def test_a_forged_keyset_is_refused_and_a_true_one_taken_in_a_flood_of_receipts():
    async def scene(bench: Bench):
        platform = bench.platform
        bench.broker.deliver(platform.topic("keyset"), platform.keyset(7)[:-64] + FORGED)
        await bench.clock.advance(3 * GAP_MS)
        assert bench.app.trust.version == 1
        bench.broker.deliver(platform.topic("keyset"), platform.keyset(2))
        await flood(bench)
        assert bench.app.trust.version == 2

    play(scene, LIMITS)


def test_a_new_epoch_that_begins_while_a_receipt_is_checked_forgets_nothing():
    """Its numbers are others: the same ones name events that nobody has receipted."""

    async def scene(bench: Bench):
        platform, journal = bench.platform, bench.journal
        platform.receipting = False
        for number in range(3):
            bench.smoke(number % 2 == 0, 1 + number)
            await bench.clock.advance(10)
        mark, inward = journal.mark(0), bench.app.inward
        assert held(bench, 0) == 3
        receipt = platform.receipt({0: [mark.last, mark.chain]}, epoch=journal.epoch)
        bench.broker.deliver(platform.topic("receipt"), receipt)
        await bench.clock.advance(CHECK_MS // 2)
        assert bench.crypto.checked_ms[-1] == bench.clock.uptime_ms() - CHECK_MS // 2, "the check has begun"
        epoch = journal.epoch
        await inward.losses.leave_epoch("test")
        await bench.clock.advance(CHECK_MS)
        assert journal.epoch != epoch and held(bench, 0) == 3

    for limits in ({}, LIMITS):
        play(scene, limits)
