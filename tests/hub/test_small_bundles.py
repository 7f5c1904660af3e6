"""A machine that signs slowly keeps its messages within 2 KiB."""

from gateway.core.event_codec import encode_event
from gateway.core.model import Event
from gateway.core.outbox import SMALL_BUNDLE_BYTES
from tests.hub.bench import Bench, play

EVENTS = 300


async def backlog(bench: Bench, limits: "dict[str, int]") -> "list[int]":
    """Sizes of the messages by which a backlog of small and large events goes out."""
    bench.limits = limits
    bench.broker.stop()
    await bench.cut()
    await bench.build().start()
    for number in range(EVENTS):
        reason = "" if number % 3 else 90 * "x"
        event = Event("part.restarted", 0, 7, number, values={"part": "", "reason": reason})
        await bench.journal.append([(4, encode_event(event))])
    before = len(bench.broker.accepted)
    bench.broker.start()
    await bench.platform.stop()
    await bench.platform.start()
    await bench.clock.advance(120_000)
    sent = [message for message in bench.broker.accepted[before:] if message.topic.endswith("/up/4")]
    assert len(sent) > 3
    return [len(message.payload) for message in sent]


def test_no_message_is_longer_than_2_kib_and_they_are_well_filled():
    async def scene(bench: Bench):
        sizes = await backlog(bench, {"most_bundle_bytes": SMALL_BUNDLE_BYTES})
        assert max(sizes) <= 2_048 and max(sizes) > 1_500

    play(scene)


def test_without_the_limit_they_are_longer():
    async def scene(bench: Bench):
        assert max(await backlog(bench, {})) > 2_048

    play(scene)
