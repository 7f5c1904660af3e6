"""Bad luck upstream: what a platform, or whoever poses as it, says wrongly, late or again. Nothing is forgotten for it."""

from gateway.core.registry_text import KIND_TEXTS
from hal.types import LANES
from tests.hub.bench import Bench, play

SAID_OF_IT = (
    "keyset.expired",
    "keyset.renewed",
    "message.refused",
    "epoch.begun",
    "path.unreceipted",
    "path.receipted",
)


def firsts(bench: Bench) -> "list[int]":
    """The oldest number that each lane holds."""
    return [bench.journal.mark(lane).first for lane in LANES]


def test_a_receipt_that_is_replayed_forgets_nothing_and_begins_nothing():
    async def scene(bench: Bench):
        platform = bench.platform
        bench.door(True, 1)
        await bench.clock.advance(2_000)
        old = platform.receipt({lane: list(mark) for lane, mark in platform.marks.items()})
        bench.door(False, 2)
        await bench.clock.advance(2_000)
        newer = platform.receipt({lane: list(mark) for lane, mark in platform.marks.items()})
        platform.receipting = False
        bench.door(True, 3)
        bench.smoke(True, 1)
        await bench.clock.advance(2_000)
        epoch, before, sent = bench.journal.epoch, firsts(bench), len(platform.bundles)
        for number in range(30):
            bench.broker.deliver(
                platform.topic("receipt"), (old, newer)[number % 2], retained=number % 3 == 0
            )
            await bench.clock.advance(100)
        assert firsts(bench) == before and bench.journal.epoch == epoch
        assert len(platform.bundles) - sent <= 4 * len(LANES), "at most once a second everything goes again"
        platform.receipting = True
        await platform.send_receipt()
        await bench.clock.advance(2_000)
        assert all([bench.journal.mark(lane).first > bench.journal.mark(lane).last for lane in LANES])

    play(scene)


def test_what_is_said_of_it_has_words_in_both_languages():
    for kind in SAID_OF_IT:
        nb, en = KIND_TEXTS[kind][:2]
        assert nb and en and nb != en, kind
