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


def test_pauses_are_whole_milliseconds_that_double_and_whose_jitter_is_a_share_of_the_bound():
    draws = [0, 32_768, 65_535, 21_845]
    backoff = Backoff(lambda: draws[(len(pauses)) % 4], 501, 7_000)
    pauses: "list[int]" = []
    for _ in range(7):
        pauses.append(backoff.next_ms())
    bounds = [501, 1_002, 2_004, 4_008, 7_000, 7_000, 7_000]
    expected = []
    for number, bound in enumerate(bounds):
        half = bound // 2
        expected.append(half + (bound - half) * draws[number % 4] // 65_536)
    assert pauses == expected and [type(pause) for pause in pauses] == [int] * 7
