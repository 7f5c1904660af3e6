"""The clock of a board: ticks that wrap, a time server that may lie, and a time of day that never goes back."""

import asyncio

from hal.esp32.clock import EARLIEST_UTC_MS, HOLD_MS, NOTE_MS, BoardClock, LastTime

TURN = 1 << 30  # of the ticks of a 32-bit board
NOW = EARLIEST_UTC_MS + 86_400_000


class Ticks:
    def __init__(self, at=0):
        self.at = at

    def now(self):
        return self.at % TURN

    def since(self, later, earlier):
        """As MicroPython's ticks_diff: signed, within half a turn."""
        return (later - earlier + TURN // 2) % TURN - TURN // 2


class Kept:
    def __init__(self, value=0):
        self.value = value
        self.writes = 0

    def read(self):
        return self.value

    def write(self, value):
        self.value = value
        self.writes += 1


def clock_with(at=0, floor_ms=0):
    ticks, walls = Ticks(at), []
    return BoardClock(ticks.now, ticks.since, floor_ms=floor_ms, set_wall=walls.append), ticks, walls


def test_uptime_begins_at_nothing_and_goes_on_over_a_turn_of_the_ticks():
    clock, ticks, _ = clock_with(at=TURN - 500)
    assert clock.uptime_ms() == 0
    for expected in (400, 1000, 86_400_000):
        ticks.at = TURN - 500 + expected
        assert clock.uptime_ms() == expected
    for day in range(2, 60):
        ticks.at = TURN - 500 + day * 86_400_000
        assert clock.uptime_ms() == day * 86_400_000


def test_without_a_time_server_there_is_no_time_of_day():
    clock, ticks, walls = clock_with()
    ticks.at = 10_000
    assert clock.utc_ms() is None and not clock.is_dated and walls == []


def test_the_first_time_is_believed_and_goes_on():
    clock, ticks, walls = clock_with()
    ticks.at = 2_000
    assert clock.learn(NOW) and clock.utc_ms() == NOW and clock.is_dated and walls == [NOW]
    ticks.at = 5_000
    assert clock.utc_ms() == NOW + 3_000


def test_no_time_before_this_software_or_beyond_sense_is_believed():
    for nonsense in (0, EARLIEST_UTC_MS - 1, 7_258_118_400_000, -1):
        clock, _, walls = clock_with()
        assert not clock.learn(nonsense) and clock.utc_ms() is None and not walls


def test_what_was_kept_dates_certificates_and_stamps_nothing():
    clock, _, walls = clock_with(floor_ms=NOW)
    assert clock.is_dated and walls == [NOW] and clock.utc_ms() is None
    assert not clock.learn(NOW - 1) and clock.utc_ms() is None
    assert clock.learn(NOW + 1) and clock.utc_ms() == NOW + 1


def test_a_small_correction_never_lets_the_time_go_back():
    clock, ticks, _ = clock_with()
    clock.learn(NOW)
    ticks.at = 10_000
    assert clock.utc_ms() == NOW + 10_000
    assert clock.learn(NOW + 9_000)
    assert clock.utc_ms() == NOW + 10_000
    ticks.at = 10_500
    assert clock.utc_ms() == NOW + 10_000
    ticks.at = 12_000
    assert clock.utc_ms() == NOW + 11_000


def test_a_server_that_lies_for_a_while_moves_nothing():
    year_ms = 365 * 86_400_000
    for lie in (year_ms, -60_001, 20 * year_ms):
        clock, ticks, walls = clock_with()
        clock.learn(NOW)
        for minute in range(HOLD_MS // 60_000):
            ticks.at = 60_000 * minute
            assert not clock.learn(NOW + lie + ticks.at)
            assert clock.utc_ms() == NOW + ticks.at
        ticks.at += 1000
        assert clock.learn(NOW + ticks.at) and walls[-1] == NOW + ticks.at


def test_a_step_that_the_server_keeps_to_is_believed():
    clock, ticks, _ = clock_with()
    clock.learn(NOW)
    step = 3_600_000
    assert not clock.learn(NOW + step)
    ticks.at = HOLD_MS // 2
    assert not clock.learn(NOW + step + ticks.at)
    ticks.at = HOLD_MS
    assert clock.learn(NOW + step + ticks.at) and clock.utc_ms() == NOW + step + ticks.at


def test_a_lie_that_changes_begins_anew():
    clock, ticks, _ = clock_with()
    clock.learn(NOW)
    for minute in range(60):
        ticks.at = minute * 60_000
        assert not clock.learn(NOW + 3_600_000 * (minute + 1) + ticks.at)


def test_the_last_time_is_kept_once_an_hour_and_forwards():
    kept = Kept()
    last = LastTime(kept)
    assert last.utc_ms == 0 and last.note(NOW) and kept.value == NOW
    assert not last.note(NOW + NOTE_MS - 1) and not last.note(NOW - NOTE_MS)
    assert last.note(NOW + NOTE_MS) and kept.writes == 2
    assert LastTime(Kept(kept.value)).utc_ms == NOW + NOTE_MS
    for nonsense in (-5, 7_258_118_400_000):
        assert LastTime(Kept(nonsense)).utc_ms == 0


def test_sleeping_ends_when_the_ticks_have_gone_on_and_not_before():
    class Turns(Ticks):
        """Goes on by a millisecond each time it is looked at."""

        def now(self):
            self.at += 1
            return self.at

    async def work():
        ticks = Turns()
        clock = BoardClock(ticks.now, ticks.since)
        for duration_ms in (0, 5):
            before_ms = clock.uptime_ms()
            await clock.sleep_ms(duration_ms)
            assert clock.uptime_ms() >= before_ms + duration_ms

    asyncio.run(work())
