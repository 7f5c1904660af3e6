"""No loss without a word, also where an epoch ends in a full store and where the words give way themselves."""

from gateway.core.event_codec import encode_event
from gateway.core.model import Event
from gateway.hub.losses import DROPPED_EVERY_MS, FORMER, Losses
from gateway.hub.taking import take_up
from hal.types import INFO, MEASUREMENT, TECHNICAL, GivenUp
from tests.hub.small import Small, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Range = tuple[int, int, int]

FORK = "receipt of a fork"


async def fill(small: Small, lane: int, kind: str, until: "Callable[[], bool]") -> None:
    """Events of a lane until something is so."""
    number = 0
    while not until():
        number += 1
        await small.journal.append([(lane, encode_event(Event(kind, 5, 77, number)))])


async def full(small: Small) -> None:
    """Measurements until some have given way."""
    await fill(small, MEASUREMENT, "oximetry.measured", lambda: bool(small.journal.given_up()))


async def without_words(small: Small) -> None:
    """Faults of the hub until none of the words about a loss is held any more."""
    await fill(small, TECHNICAL, "device.back", lambda: not told(small))


def told(small: Small) -> "list[Range]":
    """Ranges in words: lane, first and last, of the epoch that is named or the one that is."""
    events = [event for event in small.events(TECHNICAL) if event.kind == "journal.dropped"]
    return [(event.values["lane"], event.values["first_seq"], event.values["last_seq"]) for event in events]


async def receipted(small: Small, losses: Losses) -> None:
    """The platform has all of lane 2."""
    last = small.journal.mark(TECHNICAL).last
    await small.journal.ack(TECHNICAL, last)
    await losses.confirm(TECHNICAL, last)


def test_what_an_epoch_gave_up_is_told_in_the_append_that_ends_it():
    """Told in an append of its own before, it would make room for itself, and nobody would tell of that."""

    async def scene() -> None:
        small = Small(capacity_bytes=12 * 1024)
        await full(small)
        epoch = small.journal.epoch
        (gone,) = small.journal.given_up()
        await Losses(small.recorder).leave_epoch(FORK)
        assert told(small) == [(gone.lane, gone.first, gone.last)]
        (dropped, begun) = small.events(TECHNICAL)
        assert dropped.values["epoch"] == begun.values["epoch"] == epoch != small.journal.epoch

    play(scene)


def test_what_was_told_before_is_told_whole_at_the_end_for_those_words_may_not_arrive():
    async def scene() -> None:
        small = Small(capacity_bytes=12 * 1024)
        losses = Losses(small.recorder)
        await full(small)
        await losses.report(0)
        first = told(small)
        assert [(lane, begin) for lane, begin, _ in first] == [(MEASUREMENT, 1)]
        (gone,) = small.journal.given_up()
        await losses.leave_epoch(FORK)
        assert told(small) == first + [(MEASUREMENT, 1, gone.last)]

    play(scene)


def test_words_that_give_way_in_the_new_epoch_are_said_again_until_a_receipt_covers_them():
    async def scene() -> None:
        small = Small(capacity_bytes=12 * 1024)
        losses = Losses(small.recorder)
        await full(small)
        (gone,) = small.journal.given_up()
        await losses.leave_epoch(FORK)
        await without_words(small)
        await receipted(small, losses)
        assert small.journal.state_keys(FORMER), "the receipt covers a hole where the words were"
        await losses.report(DROPPED_EVERY_MS)
        assert (gone.lane, gone.first, gone.last) in told(small)
        await receipted(small, losses)
        assert small.journal.state_keys(FORMER) == [] and losses.told == {}
        before = small.journal.mark(TECHNICAL).last
        await losses.report(10 * DROPPED_EVERY_MS)
        assert small.journal.mark(TECHNICAL).last == before, "nothing is left to say"

    play(scene)


class SaysOnce(Losses):
    """Says when an epoch ends what it gave up, and does not see whether those words arrive."""

    def kept_for_later(self) -> "dict[str, bytes | None]":
        return {}


def test_control_words_that_are_said_once_may_never_arrive():
    async def scene() -> None:
        small = Small(capacity_bytes=12 * 1024)
        losses = SaysOnce(small.recorder)
        await full(small)
        (gone,) = small.journal.given_up()
        await losses.leave_epoch(FORK)
        await without_words(small)
        await receipted(small, losses)
        await losses.report(DROPPED_EVERY_MS)
        assert (gone.lane, gone.first, gone.last) not in told(small), "nobody will tell of it any more"

    play(scene)


def test_a_restart_and_a_second_fork_take_along_what_no_receipt_covers():
    async def scene() -> None:
        small = Small(capacity_bytes=12 * 1024)
        await full(small)
        (gone,) = small.journal.given_up()
        await Losses(small.recorder).leave_epoch(FORK)
        small.restart()
        losses = Losses(small.recorder)
        await without_words(small)
        await losses.leave_epoch(FORK)
        assert (gone.lane, gone.first, gone.last) in told(small)
        assert len(small.journal.state_keys(FORMER)) == 2, "the second epoch gave up something, too"
        await receipted(small, losses)
        assert small.journal.state_keys(FORMER) == []

    play(scene)


def test_a_receipt_before_the_words_confirms_nothing():
    async def scene() -> None:
        small = Small(capacity_bytes=12 * 1024)
        losses = Losses(small.recorder)
        await full(small)
        await losses.leave_epoch(FORK)
        await losses.confirm(TECHNICAL, small.journal.mark(TECHNICAL).first - 1)
        assert small.journal.state_keys(FORMER) and losses.told

    play(scene)


def test_what_a_store_gave_up_that_was_set_aside_is_told_by_the_next():
    async def scene() -> None:
        small = Small(capacity_bytes=12 * 1024)
        await full(small)
        epoch = small.journal.epoch
        await small.journal.append(
            [], {FORMER + "ab" * 8: b"\x81\x83\x04\x01\x02", FORMER + "no hex": b"\x80"}
        )
        (gone,) = small.journal.given_up()
        small.medium.damage()
        small.restart()
        await small.recorder.keep(dict(take_up(small.journal, small.log)))
        losses = Losses(small.recorder)
        await losses.report(0)
        assert sorted(told(small)) == sorted([(gone.lane, gone.first, gone.last), (INFO, 1, 2)])
        named = {event.values["epoch"] for event in small.events(TECHNICAL)}
        assert named == {epoch, b"\xab" * 8}
        await receipted(small, losses)
        assert small.journal.state_keys(FORMER) == []

    play(scene)


def test_ranges_read_back_as_they_were_kept():
    async def scene() -> None:
        small = Small()
        small.journal.given_up = lambda: [GivenUp(3, 1, 70_000), GivenUp(4, 5, 5)]  # type: ignore[method-assign]
        losses = Losses(small.recorder)
        await small.recorder.keep(losses.kept_for_later())
        assert losses.former() == losses.given_up()

    play(scene)
