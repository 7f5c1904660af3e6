"""A link is weak when its level was low for long, good again when it was high for as long, and between the two nothing changes."""

from gateway.core.link_quality import ENOUGH, GOOD_DBM, LONG_MS, SAMPLE_MS, WEAK_DBM, LinkQuality

MINUTE_MS = 60_000


def heard(
    link: LinkQuality, rssi_dbm: int, from_ms: int, until_ms: int, every_ms: int = MINUTE_MS
) -> "list[int]":
    """Receptions of one strength; the uptimes at which `weak` changed."""
    return [now_ms for now_ms in range(from_ms, until_ms, every_ms) if link.heard(rssi_dbm, now_ms)]


def test_weak_for_an_hour_is_said_once_and_good_for_an_hour_ends_it():
    link = LinkQuality()
    assert heard(link, -95, 0, 3 * LONG_MS) == [LONG_MS] and link.weak and link.rssi_dbm == -95
    at = heard(link, -70, 3 * LONG_MS, 6 * LONG_MS)
    assert len(at) == 1 and 4 * LONG_MS <= at[0] <= 4 * LONG_MS + 10 * MINUTE_MS and not link.weak


def test_a_level_at_the_threshold_is_not_weak_and_one_between_them_ends_nothing():
    assert heard(LinkQuality(), WEAK_DBM, 0, 10 * LONG_MS) == []
    weak = LinkQuality(True)
    assert heard(weak, GOOD_DBM - 1, 0, 10 * LONG_MS) == [] and weak.weak
    assert heard(weak, GOOD_DBM, 10 * LONG_MS, 20 * LONG_MS) != [] and not weak.weak


def test_a_while_of_bad_reception_is_no_fault():
    link = LinkQuality()
    for number in range(50):
        start = number * 2 * LONG_MS
        assert heard(link, -95, start, start + LONG_MS - 10 * MINUTE_MS) == []
        assert heard(link, -70, start + LONG_MS - 10 * MINUTE_MS, start + 2 * LONG_MS) == []


def test_single_receptions_that_swing_change_nothing():
    link = LinkQuality()
    for number in range(5_000):
        assert not link.heard((-80, -98, -76, -92)[number % 4], number * MINUTE_MS)


def test_a_device_that_swings_about_a_weak_level_is_weak():
    link = LinkQuality()
    changes = [
        number for number in range(500) if link.heard((-90, -97, -92, -95)[number % 4], number * MINUTE_MS)
    ]
    assert len(changes) == 1 and link.weak


def test_copies_of_one_burst_are_one_reception():
    link = LinkQuality()
    for burst in range(ENOUGH - 1):
        for copy in range(100):
            assert not link.heard(-100, burst * LONG_MS + copy * (SAMPLE_MS // 200))
    assert link.heard(-100, ENOUGH * LONG_MS)


def test_what_is_no_strength_is_not_counted():
    link = LinkQuality()
    for strange in (127, 21, -128, -300):
        assert heard(link, strange, 0, 5 * LONG_MS) == [] and link.rssi_dbm is None
    assert not link.heard(-127, 0) and link.rssi_dbm == -127


def test_after_a_restart_a_weak_link_stays_weak_until_it_is_good_and_is_not_said_again():
    link = LinkQuality(True)
    assert heard(link, -95, 0, 5 * LONG_MS) == [] and link.weak
    assert len(heard(link, -60, 5 * LONG_MS, 8 * LONG_MS)) == 1
