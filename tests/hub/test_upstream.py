"""Bad luck upstream: what a platform, or whoever poses as it, says wrongly, late or again. Nothing is forgotten for it."""

from gateway.core.event_codec import decode_event
from gateway.core.registry_text import KIND_TEXTS
from hal.types import LANES, SAFETY, TECHNICAL
from tests.hub.bench import Bench, play

SAID_OF_IT = (
    "keyset.expired",
    "keyset.renewed",
    "message.refused",
    "epoch.begun",
    "path.unreceipted",
    "path.receipted",
    "receipt.outdated",
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
        assert outdated(bench) != [], "somebody plays an old receipt again, and is told of"
        platform.receipting = True
        await platform.send_receipt()
        await bench.clock.advance(2_000)
        assert all([bench.journal.mark(lane).first > bench.journal.mark(lane).last for lane in LANES])

    play(scene)


def outdated(bench: Bench) -> "list[tuple[int, int, int]]":
    """(lane, first, last) of what receipts have taken back, as the journal tells it."""
    events = [decode_event(entry.event) for entry in bench.journal.peek(TECHNICAL, 0, 1 << 20)]
    rows = [event.values or {} for event in events if event.kind == "receipt.outdated"]
    return [(row["lane"], row["first_seq"], row["last_seq"]) for row in rows]


def test_a_platform_restored_from_a_backup_is_told_of_with_the_numbers_that_it_lacks():
    async def scene(bench: Bench):
        platform = bench.platform
        bench.smoke(True, 1)
        await bench.clock.advance(2_000)
        backup = {lane: list(mark) for lane, mark in platform.marks.items()}
        bench.smoke(False, 2)
        bench.smoke(True, 3)
        await bench.clock.advance(2_000)
        platform.receipting = False
        epoch, before = bench.journal.epoch, firsts(bench)
        for _ in range(3):
            await platform.uplink.publish(platform.topic("receipt"), platform.receipt(backup), retain=True)
            await bench.clock.advance(1_000)
        assert (SAFETY, 2, 3) in outdated(bench)
        assert len(outdated(bench)) == len({lane for lane, _, _ in outdated(bench)}), "once in ten minutes"
        assert firsts(bench) == before and bench.journal.epoch == epoch, (
            "nothing is forgotten, nothing begins"
        )
        bench.app.outbox.answered = False
        bench.app.inward.outdated_due_ms = 0
        bench.broker.deliver(platform.topic("receipt"), platform.receipt({SAFETY: backup[SAFETY]}))
        await bench.clock.advance(1_000)
        assert not bench.app.outbox.answered, "who plays an old receipt again is no platform that answers"

    play(scene)


def test_control_a_late_receipt_is_no_restored_platform():
    """The retained one, the same once more, and one of a broker to which the gateway came anew."""

    async def scene(bench: Bench):
        platform = bench.platform
        bench.smoke(True, 1)
        await bench.clock.advance(2_000)
        old = platform.receipt({lane: list(mark) for lane, mark in platform.marks.items()})
        bench.smoke(False, 2)
        await bench.clock.advance(2_000)
        platform.receipting = False
        now = platform.receipt({lane: list(mark) for lane, mark in platform.marks.items()})
        bench.broker.deliver(platform.topic("receipt"), old, retained=True)
        bench.broker.deliver(platform.topic("receipt"), now)
        await bench.clock.advance(1_000)
        bench.broker.stop(forget=True)
        await bench.clock.advance(1_000)
        bench.broker.start()
        await bench.clock.advance(30_000)
        bench.broker.deliver(platform.topic("receipt"), old)
        await bench.clock.advance(1_000)
        assert outdated(bench) == []

    play(scene)


def test_a_forged_receipt_that_takes_back_is_refused_and_not_believed():
    async def scene(bench: Bench):
        platform = bench.platform
        bench.smoke(True, 1)
        await bench.clock.advance(2_000)
        old = platform.receipt({lane: list(mark) for lane, mark in platform.marks.items()})
        bench.smoke(False, 2)
        await bench.clock.advance(2_000)
        platform.receipting = False
        bench.broker.deliver(platform.topic("receipt"), old[:-1] + bytes([old[-1] ^ 1]))
        await bench.clock.advance(1_000)
        assert outdated(bench) == [] and bench.app.inward.refused

    play(scene)


def test_what_is_said_of_it_has_words_in_both_languages():
    for kind in SAID_OF_IT:
        nb, en = KIND_TEXTS[kind][:2]
        assert nb and en and nb != en, kind
