"""No loss without a word, also where an epoch ends in a full store."""

from gateway.core.event_codec import encode_event
from gateway.core.model import Event
from gateway.hub.losses import Losses
from hal.types import MEASUREMENT, TECHNICAL
from tests.hub.small import Small, play


async def full(small: Small) -> None:
    """Measurements until some have given way."""
    number = 0
    while not small.journal.given_up():
        number += 1
        await small.journal.append([(MEASUREMENT, encode_event(Event("oximetry.measured", 5, 77, number)))])


def told(small: Small) -> "list[tuple[int, int, int]]":
    """Ranges in words: lane, first and last, of the epoch that is named or the one that is."""
    events = [event for event in small.events(TECHNICAL) if event.kind == "journal.dropped"]
    return [(event.values["lane"], event.values["first_seq"], event.values["last_seq"]) for event in events]


def test_what_an_epoch_gave_up_is_told_in_the_append_that_ends_it():
    """Told in an append of its own before, it would make room for itself, and nobody would tell of that."""

    async def scene() -> None:
        small = Small(capacity_bytes=12 * 1024)
        await full(small)
        epoch = small.journal.epoch
        (gone,) = small.journal.given_up()
        await small.recorder.begin_epoch("receipt of a fork", Losses(small.recorder).last_words)
        assert told(small) == [(gone.lane, gone.first, gone.last)]
        (dropped, begun) = small.events(TECHNICAL)
        assert dropped.values["epoch"] == begun.values["epoch"] == epoch != small.journal.epoch

    play(scene)


def test_what_was_told_before_is_not_told_again_at_the_end():
    async def scene() -> None:
        small = Small(capacity_bytes=12 * 1024)
        losses = Losses(small.recorder)
        await full(small)
        await losses.report(0)
        (gone,) = small.journal.given_up()
        first = told(small)
        assert [(lane, begin) for lane, begin, _ in first] == [(MEASUREMENT, 1)]
        await small.recorder.begin_epoch("receipt of a fork", losses.last_words)
        later = told(small)[len(first) :]
        assert [begin for _, begin, _ in later] == [first[0][2] + 1] * (gone.last > first[0][2])

    play(scene)
