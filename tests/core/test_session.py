"""Back-off: jittered, bounded, cleared by a steady connection."""

from gateway.core.session import CEILING_MS, FIRST_MS, STEADY_MS, Backoff


def test_the_pause_doubles_to_a_ceiling():
    backoff = Backoff(lambda: 65_535)
    pauses = [backoff.next_ms() for _ in range(12)]
    assert FIRST_MS * 9 // 10 < pauses[0] <= FIRST_MS
    assert pauses == sorted(pauses)
    assert CEILING_MS * 9 // 10 < pauses[-1] <= CEILING_MS


def test_jitter_spreads_between_half_and_whole():
    low, high = Backoff(lambda: 0), Backoff(lambda: 65_535)
    for _ in range(10):
        bound = low.bound_ms
        assert low.next_ms() == bound // 2
        assert bound - 1 <= high.next_ms() <= bound


def test_only_a_steady_connection_clears_the_count():
    backoff = Backoff(lambda: 0)
    for _ in range(5):
        backoff.next_ms()
    backoff.held(STEADY_MS - 1)
    assert backoff.bound_ms > FIRST_MS
    backoff.held(STEADY_MS)
    assert backoff.bound_ms == FIRST_MS
