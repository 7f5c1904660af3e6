"""How fast routine bundles follow each other, and what that leaves between broker and platform."""

from gateway.core.outbox import Outbox
from gateway.core.pace import (
    BURST,
    EVENT_WORK,
    FIRST_PACE,
    JUDGE_MS,
    KEPT_STEPS,
    LATE_MS,
    LEAST_PACE,
    MOST_PACE,
    STANDING_SHARE,
    Pace,
)
from hal.types import LaneMark

SIZE, EVENTS = 6 * 1024, 128
WORK = SIZE + EVENTS * EVENT_WORK
PLATFORM_PER_MS = 6_000  # bytes that the platform of these tests stores in a millisecond
RECEIPT_MS, RECEIPT_AT_MS = 1_000, 48
STEP_MS = 2


class NoPace(Pace):
    """The negative control: everything that may be on its way goes at once."""

    def wait_ms(self, now_ms):
        return 0


class Drain:
    """A backlog of one lane on a path that acknowledges within a millisecond, and a platform that stores in order."""

    def __init__(self, pace, platform_per_ms=PLATFORM_PER_MS):
        self.box = Outbox(lambda: 0)
        self.box.pace = pace
        self.platform_per_ms = platform_per_ms
        self.lanes = [LaneMark(1, bytes(16), 10**9 if lane == 3 else 0, bytes(16)) for lane in range(5)]
        self.box.connected(self.lanes)
        self.box.answered = True
        self.flights = []
        self.waiting = []  # (number, bytes) not stored
        self.number = self.stored = self.room = 0
        self.most_waiting = 0
        self.sent = 0

    def run(self, duration_ms, start_ms=0):
        for now_ms in range(start_ms, start_ms + duration_ms, STEP_MS):
            for flight in self.flights:
                self.box.puback(flight, now_ms)
            self.flights = []
            self.send(now_ms)
            self.store()
            if now_ms % RECEIPT_MS == RECEIPT_AT_MS:
                self.box.receipted(3, self.stored, now_ms)
                self.box.receipt_ends(self.lanes, now_ms)
        return self

    def send(self, now_ms):
        while self.box.next_lane(self.lanes, now_ms) == 3:
            self.number += 1
            self.sent += SIZE
            self.waiting.append((self.number, SIZE))
            last = self.number * EVENTS
            self.flights.append(self.box.sending(3, last - EVENTS + 1, last, SIZE, now_ms))
        self.most_waiting = max(self.most_waiting, len(self.waiting))

    def store(self):
        self.room += self.platform_per_ms * STEP_MS
        while self.waiting and self.room >= SIZE:
            self.room -= SIZE
            self.stored = self.waiting.pop(0)[0] * EVENTS
        if not self.waiting:
            self.room = 0


def judged(pace, stored, held_back=True, is_more=True, standing=0):
    """Work a second after a receipt that came when it was time to judge."""
    pace.begin(0)
    pace.held_back = held_back
    pace.receipted(stored, 0)
    pace.receipt_ends(JUDGE_MS, is_more, standing)
    return pace.work_per_s


def most_later(pace, per_ms):
    """Bytes that stood between broker and platform at most, from the 21st to the 24th second of a drain."""
    drain = Drain(pace, per_ms).run(20 * RECEIPT_MS)
    drain.most_waiting = 0
    return drain.run(4 * RECEIPT_MS, 20 * RECEIPT_MS).most_waiting * SIZE


def test_no_burst_stands_between_broker_and_platform_and_the_control_has_one():
    paced, at_once = [Drain(pace).run(RECEIPT_MS).most_waiting for pace in (Pace(), NoPace())]
    assert paced <= 2 * BURST // WORK
    assert at_once > 20 * paced


def test_a_drain_goes_at_the_speed_of_the_platform():
    drain = Drain(Pace()).run(6 * RECEIPT_MS)
    before = drain.sent
    drain.run(6 * RECEIPT_MS, 6 * RECEIPT_MS)
    assert drain.sent - before > PLATFORM_PER_MS * 6 * RECEIPT_MS * 9 // 10


def test_what_stands_at_a_platform_is_about_what_it_stores_between_receipts():
    for per_ms in (300, PLATFORM_PER_MS):
        assert most_later(Pace(), per_ms) <= per_ms * RECEIPT_MS * 5 // 4, per_ms


def test_control_without_a_pace_far_more_stands_there():
    assert most_later(NoPace(), 300) > 10 * 300 * RECEIPT_MS


def test_bundles_that_waited_a_moment_too_long_follow_at_once_and_no_more_than_that():
    pace = Pace()
    assert pace.wait_ms(0) == 0
    pace.sent(BURST, 0, 0, True)
    assert pace.wait_ms(0) == 1
    pace.sent(FIRST_PACE, 0, 0, False)
    assert 1_000 <= pace.wait_ms(0) <= 1_001
    assert pace.wait_ms(1_001) == 0
    pace.wait_ms(1_000_000)
    assert pace.credit == max(BURST, FIRST_PACE * LATE_MS // 1000), "a long pause saves up a burst at most"


def test_it_doubles_until_the_platform_does_not_keep_up_and_goes_on_by_eighths_below_that():
    pace = Pace()
    per_s = JUDGE_MS // 500
    assert judged(pace, FIRST_PACE // 2) == 2 * FIRST_PACE * per_s
    assert judged(pace, FIRST_PACE // 2, standing=MOST_PACE) == FIRST_PACE * 7 // 8
    assert judged(pace, FIRST_PACE * 7 // 16) == FIRST_PACE * 7 // 8 * 9 // 8


def test_it_has_bounds():
    pace = Pace()
    assert judged(pace, 0, standing=MOST_PACE) == LEAST_PACE
    for _ in range(100):
        judged(pace, 2**40)
    assert pace.work_per_s == MOST_PACE


def test_a_trickle_says_nothing_of_the_platform():
    pace = Pace()
    assert judged(pace, 100, held_back=False) == FIRST_PACE
    assert pace.stored_per_s == 0


def test_a_lane_that_ran_dry_says_nothing_of_the_platform():
    pace = Pace()
    assert judged(pace, 100, is_more=False) == FIRST_PACE
    assert not pace.held_back


def test_a_platform_at_which_nothing_stands_is_not_slow():
    pace = Pace()
    assert judged(pace, FIRST_PACE // 4, standing=FIRST_PACE // STANDING_SHARE) == FIRST_PACE
    assert (
        judged(pace, FIRST_PACE // 4, standing=FIRST_PACE // STANDING_SHARE + 1) == FIRST_PACE // 2 * 7 // 8
    )


def test_it_does_not_double_while_something_stands_at_the_platform():
    assert judged(Pace(), FIRST_PACE, standing=FIRST_PACE // STANDING_SHARE + 1) == FIRST_PACE * 9 // 8


def test_who_keeps_several_eighths_had_not_shown_a_limit():
    pace = Pace()
    slow = judged(pace, 0, standing=MOST_PACE)
    for _ in range(KEPT_STEPS):
        before, slow = slow, judged(pace, MOST_PACE)
        assert slow == before * 9 // 8
    assert judged(pace, MOST_PACE) == 2 * slow


def receipt(drain, lanes, now_ms):
    """One receipt of everything in these lanes."""
    for lane in lanes:
        drain.box.receipted(lane, drain.box.lanes[lane].sent, now_ms)
    drain.box.receipt_ends(drain.lanes, now_ms)


def test_a_receipt_is_judged_as_a_whole():
    """One of two lanes came first and was judged alone: 112 bytes of a second, and the pace fell to the least there is."""
    drain = Drain(Pace())
    drain.flights.append(drain.box.sending(4, 1, 1, 112, 0))
    drain.run(980)
    assert drain.box.pace.held_back
    receipt(drain, (4, 3), 980)
    assert drain.box.pace.work_per_s == 2 * FIRST_PACE


def test_a_pace_far_too_slow_is_left_though_alarms_bring_a_receipt_of_each_bundle():
    """Each receipt covered all there was; measuring began anew with each bundle, and nothing was ever judged."""
    drain = Drain(Pace())
    drain.box.pace.work_per_s, drain.box.pace.kept = LEAST_PACE, 0
    for now_ms in range(0, 20_000, STEP_MS):
        drain.send(now_ms)
        for flight in drain.flights:
            drain.box.puback(flight, now_ms)
        drain.flights = []
        if now_ms % 36 == 0 and drain.box.unreceipted_bytes():
            receipt(drain, (3,), now_ms)
    assert drain.box.pace.work_per_s > FIRST_PACE


def test_few_large_events_go_at_more_bytes_a_second_than_many_small_ones():
    sent = []
    for count in (28, EVENTS):
        pace, size = Pace(), 0
        for now_ms in range(RECEIPT_MS):
            while pace.wait_ms(now_ms) == 0:
                pace.sent(SIZE, count, now_ms, False)
                size += SIZE
        sent.append(size)
    assert 2 * sent[1] < sent[0] < 3 * sent[1]


def test_a_receipt_right_after_another_is_not_judged():
    pace = Pace()
    pace.begin(0)
    pace.held_back = True
    pace.receipted(0, 0)
    pace.receipt_ends(JUDGE_MS - 1, True, MOST_PACE)
    assert (pace.work_per_s, pace.stored_per_s) == (FIRST_PACE, 0)


def test_an_alarm_is_not_paced_and_the_sender_wakes_when_routine_may_go_on():
    drain = Drain(Pace())
    while drain.box.paced_ms is None:
        drain.send(0)
        for flight in drain.flights:
            drain.box.puback(flight, 0)
    due_ms = drain.box.next_deadline_ms()
    assert due_ms is not None and 0 < due_ms <= 1 + WORK * 1000 // FIRST_PACE
    drain.lanes[0] = LaneMark(1, bytes(16), 1, bytes(16))
    assert drain.box.next_lane(drain.lanes, 0) == 0
    drain.lanes[0] = LaneMark(1, bytes(16), 0, bytes(16))
    assert drain.box.next_lane(drain.lanes, due_ms) == 3
