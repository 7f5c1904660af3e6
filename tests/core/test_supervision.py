"""Silence is three of a device's own intervals, named once, ended by a word."""

from gateway.core.supervision import Supervision


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
