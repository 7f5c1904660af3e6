"""How fast routine bundles follow each other, and what that leaves between broker and platform."""

from gateway.core.outbox import Outbox
from gateway.core.pace import BURST_BYTES, FIRST_PACE, JUDGE_MS, LATE_MS, LEAST_PACE, MOST_PACE, Pace
from hal.types import LaneMark

SIZE = 6 * 1024
PLATFORM_PER_MS = 4_000  # bytes that the platform of these tests stores in a millisecond
RECEIPT_MS, RECEIPT_AT_MS = 1_000, 48
STEP_MS = 4


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
        return self

    def send(self, now_ms):
        while self.box.next_lane(self.lanes, now_ms) == 3:
            self.number += 1
            self.sent += SIZE
            self.waiting.append((self.number, SIZE))
            self.flights.append(self.box.sending(3, self.number, self.number, SIZE, now_ms))
        self.most_waiting = max(self.most_waiting, len(self.waiting))

    def store(self):
        self.room += self.platform_per_ms * STEP_MS
        while self.waiting and self.room >= SIZE:
            self.room -= SIZE
            self.stored = self.waiting.pop(0)[0]
        if not self.waiting:
            self.room = 0


def judged(pace, stored, held_back=True):
    """Bytes a second after a receipt that came when it was time to judge."""
    pace.begin(0)
    pace.held_back = held_back
    pace.receipted(stored, JUDGE_MS)
    return pace.bytes_per_s


def most_later(pace, per_ms):
    """Bytes that stood between broker and platform at most, from the ninth to the twelfth second of a drain."""
    drain = Drain(pace, per_ms).run(8 * RECEIPT_MS)
    drain.most_waiting = 0
    return drain.run(4 * RECEIPT_MS, 8 * RECEIPT_MS).most_waiting * SIZE


def test_no_burst_stands_between_broker_and_platform_and_the_control_has_one():
    paced, at_once = [Drain(pace).run(RECEIPT_MS).most_waiting for pace in (Pace(), NoPace())]
    assert paced <= 2 * BURST_BYTES // SIZE
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
    pace.sent(BURST_BYTES, 0, True)
    assert pace.wait_ms(0) == 1
    pace.sent(FIRST_PACE, 0, False)
    assert 1_000 <= pace.wait_ms(0) <= 1_001
    assert pace.wait_ms(1_001) == 0
    pace.wait_ms(1_000_000)
    assert pace.credit == max(BURST_BYTES, FIRST_PACE * LATE_MS // 1000), (
        "a long pause saves up a burst at most"
    )


def test_it_doubles_until_the_platform_does_not_keep_up_and_goes_on_by_eighths_below_that():
    pace = Pace()
    per_s = JUDGE_MS // 500
    assert judged(pace, FIRST_PACE // 2) == 2 * FIRST_PACE * per_s
    assert judged(pace, FIRST_PACE // 2) == FIRST_PACE * 7 // 8
    assert judged(pace, FIRST_PACE * 7 // 16) == FIRST_PACE * 7 // 8 * 9 // 8


def test_it_has_bounds():
    pace = Pace()
    assert judged(pace, 0) == LEAST_PACE
    for _ in range(100):
        judged(pace, 2**40)
    assert pace.bytes_per_s == MOST_PACE


def test_a_trickle_says_nothing_of_the_platform():
    pace = Pace()
    assert judged(pace, 100, held_back=False) == FIRST_PACE
    assert pace.stored_per_s == 0


def test_a_receipt_right_after_another_is_not_judged():
    pace = Pace()
    pace.begin(0)
    pace.held_back = True
    pace.receipted(0, JUDGE_MS - 1)
    assert (pace.bytes_per_s, pace.stored_per_s) == (FIRST_PACE, 0)


def test_an_alarm_is_not_paced_and_the_sender_wakes_when_routine_may_go_on():
    drain = Drain(Pace())
    while drain.box.paced_ms is None:
        drain.send(0)
        for flight in drain.flights:
            drain.box.puback(flight, 0)
    due_ms = drain.box.next_deadline_ms()
    assert due_ms is not None and 0 < due_ms <= 1 + SIZE * 1000 // FIRST_PACE
    drain.lanes[0] = LaneMark(1, bytes(16), 1, bytes(16))
    assert drain.box.next_lane(drain.lanes, 0) == 0
    drain.lanes[0] = LaneMark(1, bytes(16), 0, bytes(16))
    assert drain.box.next_lane(drain.lanes, due_ms) == 3
