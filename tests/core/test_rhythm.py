"""How often a device is heard is learned from when it was: slowly enough to be believed, and never for ever."""

from gateway.core.rhythm import ENOUGH, HELD, HOPELESS_MS, LEAST_MS, MEMORY, MOST_MS, SAME_MS, Rhythm

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


class Heard:
    """A rhythm and its clock."""

    def __init__(self, rhythm: "Rhythm | None" = None) -> None:
        self.rhythm = rhythm if rhythm is not None else Rhythm()
        self.now_ms = 1_000
        self.rhythm.heard(self.now_ms, False)

    def after(self, *gaps_ms: int, silent: bool = False) -> "Heard":
        for gap_ms in gaps_ms:
            self.now_ms += gap_ms
            self.rhythm.heard(self.now_ms, silent)
        return self

    def interval_ms(self, least_watched_ms: int = 0) -> int:
        return self.rhythm.interval_ms(least_watched_ms)


def test_the_interval_is_the_longest_gap_once_enough_of_them_were_met():
    heard = Heard()
    for number in range(1, ENOUGH + 1):
        assert heard.interval_ms() == 0, number
        heard.after(600_000 + number)
    assert heard.interval_ms() == 600_000 + ENOUGH


def test_it_has_to_be_watched_for_long_enough_too():
    heard = Heard().after(*ENOUGH * [30_000])
    assert heard.interval_ms(HOUR_MS) == 0
    heard.after(HOUR_MS - ENOUGH * 30_000 - 1)
    assert heard.interval_ms(HOUR_MS) == 0
    heard.after(SAME_MS)
    assert heard.interval_ms(HOUR_MS) > 0


def test_copies_of_one_transmission_are_one_reception():
    heard = Heard()
    for _ in range(10):
        for _ in range(8):
            heard.after(500)
        heard.after(600_000 - 8 * 500)
    assert heard.interval_ms() == 600_000
    assert len(heard.rhythm.gaps) <= 2


def test_the_interval_has_bounds_and_what_speaks_more_seldom_has_none():
    assert Heard().after(*200 * [5_000]).interval_ms() == LEAST_MS
    assert Heard().after(*10 * [30 * HOUR_MS]).interval_ms() == MOST_MS
    assert Heard().after(*10 * [HOPELESS_MS]).interval_ms() == MOST_MS
    assert Heard().after(*10 * [HOPELESS_MS + 1]).interval_ms() == 0


def test_of_two_rhythms_the_slow_one_counts():
    heard = Heard()
    for _ in range(4):  # an oximeter that streams for five minutes, once a day
        heard.after(*300 * [1_000])
        heard.after(DAY_MS - 300_000)
    heard.after(*300 * [1_000])
    assert heard.interval_ms() == DAY_MS - 300_000 + (300_000 % SAME_MS)


def test_a_slower_past_is_forgotten_after_eight_times_its_length():
    heard = Heard().after(*10 * [HOUR_MS])
    for number in range(MEMORY * 60 - 1):
        assert heard.interval_ms() == HOUR_MS, number
        heard.after(MINUTE_MS)
    heard.after(MINUTE_MS)
    assert heard.interval_ms() == MINUTE_MS


def test_one_outage_is_no_rhythm_and_a_second_like_it_is():
    heard = Heard().after(*20 * [10 * MINUTE_MS])
    heard.after(5 * HOUR_MS, silent=True)
    assert heard.interval_ms() == 10 * MINUTE_MS
    heard.after(10 * MINUTE_MS)
    heard.after(2 * HOUR_MS, silent=True)
    assert heard.interval_ms() == 10 * MINUTE_MS, "not half as long"
    heard.after(10 * MINUTE_MS, 3 * HOUR_MS)
    assert heard.interval_ms() == 5 * HOUR_MS


def test_a_device_that_was_set_to_speak_less_often_is_believed_after_two_silences():
    heard = Heard().after(*60 * [MINUTE_MS])
    heard.after(HOUR_MS, silent=True)
    assert heard.interval_ms() == MINUTE_MS
    heard.after(HOUR_MS, silent=True)
    assert heard.interval_ms() == HOUR_MS


def test_what_is_kept_is_small_whatever_is_heard_and_says_the_same_after_a_restart():
    value = 12_345
    for shape in range(3):
        heard = Heard()
        for number in range(2_000):
            value = (value * 1_103_515_245 + 12_345) % 2_147_483_648
            gap_ms = [value % HOUR_MS, 2_000 * MINUTE_MS - number * MINUTE_MS, SAME_MS + number * MINUTE_MS][
                shape
            ]
            heard.after(max(SAME_MS, gap_ms), silent=value % 7 == 0)
            assert len(heard.rhythm.gaps) <= HELD
        kept = heard.rhythm.keep()
        assert len(kept) < 300
        again = Rhythm(kept)
        assert again.interval_ms(HOUR_MS) == heard.interval_ms(HOUR_MS) and again.keep() == kept
        assert heard.interval_ms() > 0


def test_the_time_in_which_the_hub_did_not_run_is_no_gap():
    kept = Heard().after(*10 * [MINUTE_MS]).rhythm.keep()
    again = Heard(Rhythm(kept)).after(MINUTE_MS)
    assert again.interval_ms() == MINUTE_MS
    later = Rhythm(kept)
    later.heard(5 * HOUR_MS, False)
    assert later.keep() == kept
