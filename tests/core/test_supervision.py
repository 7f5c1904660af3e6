"""Silence is three of a device's own intervals, named once, ended by a word."""

from gateway.core import cbor
from gateway.core.rhythm import Rhythm
from gateway.core.supervision import INTERVALS, KEEP_MS, NEVER_HEARD_MS, Supervision, Watched


def test_silence_is_noticed_at_three_intervals_and_not_before():
    watch = Supervision()
    watch.watch(7, 60_000, 1_000, False)
    assert watch.next_due_ms() == 181_000
    assert watch.due(180_999) == []
    assert [placement for placement, _ in watch.due(181_000)] == [7]
    assert watch.due(999_999) == [] and watch.next_due_ms() is None


def test_a_word_puts_it_off_and_ends_a_silence_once():
    watch = Supervision()
    watch.watch(7, 60_000, 0, False)
    assert watch.heard(7, 100_000) is False
    assert watch.due(200_000) == []
    watch.due(280_000)
    assert watch.heard(7, 300_000) is True
    assert watch.heard(7, 300_001) is False
    assert watch.next_due_ms() == 480_001


def test_each_device_has_its_own_interval_and_none_is_unsupervised():
    watch = Supervision()
    watch.watch(1, 1_000, 0, False)
    watch.watch(2, 5_000, 0, False)
    watch.watch(3, 0, 0, False)
    assert [placement for placement, _ in watch.due(10_000_000)] == [1, 2]
    assert watch.heard(99, 0) is False


def test_silent_before_a_restart_is_silent_until_heard():
    watch = Supervision()
    watch.watch(1, 1_000, 0, True)
    assert watch.due(1_000_000) == []
    assert watch.heard(1, 1_000_001) is True


HOUR_MS, DAY_MS = 3_600_000, 86_400_000


def heard_each(
    watch: Supervision, placement: int, gap_ms: int, until_ms: int, triggered: bool = False
) -> int:
    """A word each `gap_ms` from now on; when the last one was."""
    now_ms = watch.devices[placement].heard_ms
    while now_ms + gap_ms <= until_ms:
        now_ms += gap_ms
        watch.heard(placement, now_ms, triggered)
    return now_ms


def test_without_an_interval_silence_is_three_of_what_was_learned():
    for gap_ms in (60_000, 600_000, 2 * HOUR_MS):
        watch = Supervision()
        watch.watch(7, 0, 0, False)
        assert watch.next_due_ms() is None
        last_ms = heard_each(watch, 7, gap_ms, DAY_MS)
        assert watch.devices[7].learned_ms == gap_ms
        assert watch.due(last_ms + INTERVALS * gap_ms - 1) == []
        (found,) = watch.due(last_ms + INTERVALS * gap_ms)
        assert found[0] == 7 and found[1].interval_ms == gap_ms


def test_a_given_interval_goes_before_what_could_be_learned():
    watch = Supervision()
    watch.watch(7, 600_000, 0, False)
    heard_each(watch, 7, 60_000, DAY_MS)
    assert watch.devices[7].interval_ms == 600_000 and watch.devices[7].learned_ms == 0
    assert watch.keep(DAY_MS) == {}


def test_what_speaks_when_something_happens_teaches_nothing_beside_what_speaks_by_itself():
    watch = Supervision()
    watch.watch(7, 0, 0, False)
    for hour in range(1, 13):
        for minute in range(5):  # a busy home
            watch.heard(7, hour * HOUR_MS - (5 - minute) * 60_000, True)
        watch.heard(7, hour * HOUR_MS)
    assert watch.devices[7].interval_ms == HOUR_MS
    assert watch.due(12 * HOUR_MS + INTERVALS * HOUR_MS - 1) == []


def test_a_device_that_only_speaks_when_something_happens_is_believed_after_a_day_and_a_night():
    watch = Supervision()
    watch.watch(7, 0, 0, False)
    heard_each(watch, 7, 60_000, 16 * HOUR_MS, triggered=True)
    assert watch.next_due_ms() is None, "a busy day says nothing of the night"
    last_ms = heard_each(watch, 7, 8 * HOUR_MS, DAY_MS, triggered=True)
    last_ms = heard_each(watch, 7, 60_000, last_ms + HOUR_MS, triggered=True)
    assert watch.devices[7].interval_ms == 8 * HOUR_MS
    assert watch.next_due_ms() == last_ms + INTERVALS * 8 * HOUR_MS


def test_what_was_learned_and_a_long_silence_outlive_a_restart():
    first = Supervision()
    first.watch(7, 0, 0, False)
    last_ms = heard_each(first, 7, 4 * HOUR_MS, 10 * DAY_MS)
    kept = first.keep(last_ms)
    assert list(kept) == [7] and first.keep(last_ms) == {}, "stored when it is news"
    quiet = first.keep(last_ms + 3 * HOUR_MS + 5)
    again = Supervision()
    again.watch(7, 0, 100, False, kept=quiet[7])
    assert again.devices[7].learned_ms == 4 * HOUR_MS
    assert again.next_due_ms() == 100 + (12 - 3) * HOUR_MS
    late = first.keep(last_ms + 11 * HOUR_MS)
    again.watch(7, 0, 100, False, kept=late[7])
    assert again.next_due_ms() == 100 + 4 * HOUR_MS, "one interval to be heard in is left"


def test_a_safety_sensor_that_was_never_heard_is_silent_after_a_day_once_also_with_restarts_between():
    watch = Supervision()
    watch.watch(7, 0, 0, False, must_speak=True)
    watch.watch(8, 0, 0, False)
    assert watch.next_due_ms() == NEVER_HEARD_MS
    kept = watch.keep(20 * HOUR_MS)[7]
    watch.watch(7, 0, 50, False, True, kept)
    assert watch.next_due_ms() == 50 + 8 * HOUR_MS, "a third of the day is left to be heard in"
    (found,) = watch.due(NEVER_HEARD_MS)
    assert found[0] == 7 and found[1].interval_ms == 0 and watch.due(9 * DAY_MS) == []
    assert watch.heard(7, 9 * DAY_MS, True) is True
    assert watch.next_due_ms() is None, "heard once, and nothing known of when again"
    watch.watch(7, 0, 0, False, True, watch.keep(9 * DAY_MS)[7])
    assert watch.next_due_ms() is None


def test_a_device_follows_people_where_only_they_are_known_to_make_it_speak():
    kept = Watched(60_000, 0, False)
    never = Watched(0, 0, True, True)
    assert not kept.follows_people and not never.follows_people
    watched = Watched(0, 0, False)
    for number in range(30):
        watched.heard(number * HOUR_MS, True)
    assert watched.interval_ms == HOUR_MS and watched.follows_people
    for number in range(30, 60):
        watched.heard(number * HOUR_MS, False)
    assert watched.own_interval_ms == HOUR_MS and not watched.follows_people


def test_a_silence_that_was_told_is_not_kept_as_a_silence_that_grows():
    """After a restart the device has its three intervals again, and is told once, not at once."""
    for silent, quiet_ms in ((True, 0), (False, 2 * KEEP_MS)):
        watched = Watched(0, 0, silent)
        watched.by_itself = Rhythm(cbor.encode([6, 6 * KEEP_MS, [[KEEP_MS, 6 * KEEP_MS, 0]] * 6]))
        watched.learned_ms, watched.heard_ever = KEEP_MS, True
        kept = watched.keep(2 * KEEP_MS + 1)
        assert kept is not None and cbor.decode(kept)[1] == quiet_ms  # type: ignore[index]
        assert watched.keep(2 * KEEP_MS + 2) is None, "no news"


def test_a_device_is_silent_at_the_end_of_the_shortest_interval_there_is():
    watched = Watched(1, 100, False)
    assert watched.due_ms() == 103
    watched.given_ms = 0
    assert watched.due_ms() is None


def test_a_device_that_is_watched_has_its_link_watched_as_it_was_reported():
    supervision = Supervision()
    for placement, weak in ((1, False), (2, True)):
        supervision.watch(placement, 0, 0, False, weak=weak)
        assert supervision.links[placement].weak == weak
