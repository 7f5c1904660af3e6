"""The outbox policy as a table: what a receipt means, which lane goes next, when it goes again."""

from gateway.core.outbox import (
    BUNDLE_EVENTS,
    DOUBT_MS,
    FIRST_BUNDLE_BYTES,
    FIRST_RESEND_MS,
    FORK,
    GROW_AT,
    LEAST_UNRECEIPTED_BYTES,
    MOST_BUNDLE_BYTES,
    PROGRESS,
    RESEND_CEILING_MS,
    SHRINK_AT,
    SMALL_BUNDLE_BYTES,
    STALE,
    UNCHANGED,
    URGENT_WINDOW_BUNDLES,
    WINDOW_BUNDLES,
    Outbox,
)
from hal.types import LaneMark

A, B, C, X = b"a" * 16, b"b" * 16, b"c" * 16, b"x" * 16


def marks(*lasts: int) -> "list[LaneMark]":
    """Marks of five lanes that hold 1 to last; lanes not named hold nothing."""
    rows = [LaneMark(1, A, last, B) for last in lasts]
    return rows + [LaneMark(1, A, 0, A) for _ in range(5 - len(rows))]


def outbox(*lasts: int) -> Outbox:
    box = Outbox(lambda: 0)
    box.connected(marks(*lasts))
    box.answered = True  # a live receipt has come on this connection
    return box


def test_what_a_receipt_means():
    mark = LaneMark(5, A, 9, C)  # 1 to 4 forgotten, 5 to 9 held
    table = [
        (10, X, None, FORK),  # a number never given
        (9, C, C, PROGRESS),
        (7, B, B, PROGRESS),
        (7, X, B, FORK),  # another chain value
        (4, A, A, UNCHANGED),
        (4, X, A, FORK),
        (3, X, None, STALE),  # below what is forgotten: nothing to compare, nothing to do
        (0, X, None, STALE),
    ]
    for seq, chain, own, verdict in table:
        assert Outbox(lambda: 0).judge(mark, seq, chain, own) == verdict, (seq, verdict)


def test_a_lane_that_was_emptied_while_offline_waits_for_no_receipt():
    """Else a fault would stand for ever, and a broker that is well be left for it."""
    box = outbox(0, 0, 0, 0, 1)
    box.sending(4, 1, 1, 100, 0)
    assert box.waiting_since_ms() == 0
    box.connected([LaneMark(1, A, 0, A)] * 4 + [LaneMark(2, A, 1, A)])
    assert box.waiting_since_ms() is None


def unanswered(box: Outbox, size: int, times: int, last: int = 2) -> None:
    """Connections that ended with a bundle of that size on its way, of two events or to `last`."""
    for _ in range(times):
        box.sending(4, 1, last, size, 0)
        box.connected(marks(0, 0, 0, 0, 9))


def test_bundles_without_an_answer_become_smaller_and_receipts_make_them_larger_again():
    """A broker with a small limit has no word for it in MQTT 3.1.1."""
    box = outbox(0, 0, 0, 0, 9)
    unanswered(box, 4_000, SHRINK_AT - 1)
    assert box.bundle_limit() == FIRST_BUNDLE_BYTES, "a connection that ended once says nothing"
    unanswered(box, 4_000, 1)
    assert box.bundle_limit() == 2_000
    unanswered(box, 30, 2 * SHRINK_AT)
    assert box.bundle_limit() == 7, "half of what was sent, if that was less"
    unanswered(box, 1, 10 * SHRINK_AT)
    assert box.bundle_limit() == 1, "which is one event"
    for number in range(1, 20 * GROW_AT):
        box.sending(4, number, number, box.bundle_limit(), 0)
        box.receipted(4, number, 0)
    assert box.bundle_limit() == FIRST_BUNDLE_BYTES and box.most_bytes == MOST_BUNDLE_BYTES


def test_a_machine_that_signs_slowly_makes_small_bundles_on_every_path_and_however_many_receipts_come():
    box = Outbox(lambda: 0, SMALL_BUNDLE_BYTES)
    box.connected(marks(0, 0, 0, 0, 9))
    assert box.bundle_limit() == SMALL_BUNDLE_BYTES, "before the path is measured"
    for bytes_per_s in (1_000, 10_000, 10_000_000):
        box.rate.bytes_per_s = bytes_per_s
        assert box.bundle_limit() == SMALL_BUNDLE_BYTES
    for number in range(1, 4 * GROW_AT):
        box.sending(4, number, number, box.bundle_limit(), 0)
        box.receipted(4, number, 0)
    assert box.bundle_limit() == SMALL_BUNDLE_BYTES
    unanswered(box, 1_000, SHRINK_AT)
    assert box.bundle_limit() == 500, "a broker that takes less is believed"
    assert Outbox(lambda: 0).most_bytes == MOST_BUNDLE_BYTES, "control: other machines have no such limit"


def test_a_lone_event_without_an_answer_says_nothing_of_sizes():
    box = outbox(0, 0, 0, 0, 9)
    unanswered(box, 30, 10 * SHRINK_AT, last=1)
    assert box.bundle_limit() == FIRST_BUNDLE_BYTES


def test_a_deadline_that_passes_counts_where_the_platform_answers_otherwise():
    for answered, limit in ((True, 2_000), (False, FIRST_BUNDLE_BYTES)):
        box, now_ms = outbox(0, 0, 0, 0, 9), 0
        box.answered = answered
        for _ in range(SHRINK_AT):
            box.sending(4, 1, 9, 4_000, now_ms)
            now_ms = box.next_deadline_ms() or 0
            box.next_lane(marks(0, 0, 0, 0, 9), now_ms)
        assert box.bundle_limit() == limit


def test_answers_in_between_keep_bundles_large():
    box = outbox(0, 0, 0, 0, 9)
    for number in range(1, 20):
        unanswered(box, 4_000, SHRINK_AT - 1)
        box.sending(4, number, number, 4_000, 0)
        box.receipted(4, number, 0)
    assert box.bundle_limit() == FIRST_BUNDLE_BYTES


def test_what_takes_back_a_receipt_of_the_same_connection_is_outdated():
    box = outbox(9, 9, 9, 9, 9)
    box.named(2, 7)
    box.named(2, 5)  # a retained one that came late names less: the highest counts
    assert [box.is_outdated(2, seq) for seq in (6, 7, 8)] == [True, False, False]
    assert not box.is_outdated(3, 0), "each lane for itself"
    box.connected(marks(9, 9, 9, 9, 9))
    assert not box.is_outdated(2, 6), "another broker may be behind"


def test_alarm_lanes_go_first():
    box = outbox(1, 1, 5, 5, 5)
    order = []
    for _ in range(5):
        lane = box.next_lane(marks(1, 1, 5, 5, 5), 0)
        order.append(lane)
        if lane is not None:
            box.sending(lane, 1, 5 if lane > 1 else 1, 100, 0)
    assert order == [0, 1, 2, 3, 4]


def test_an_alarm_never_waits_for_the_routine_window():
    box = outbox(0, 0, 0, 1000, 0)
    for _ in range(WINDOW_BUNDLES):
        lane = box.next_lane(marks(0, 0, 0, 1000, 0), 0)
        assert lane == 3
        box.sending(3, 1, 10, 100, 0)
    assert box.next_lane(marks(0, 0, 0, 1000, 0), 0) is None
    for _ in range(URGENT_WINDOW_BUNDLES):
        assert box.next_lane(marks(9, 0, 0, 1000, 0), 0) == 0
        box.sending(0, 1, 1, 100, 0)
    assert box.next_lane(marks(9, 0, 0, 1000, 0), 0) is None


def test_a_puback_makes_room_and_moves_no_mark():
    box = outbox(0, 0, 0, 1000, 0)
    flights = [box.sending(3, 1, 10, 100, 0) for _ in range(WINDOW_BUNDLES)]
    box.puback(flights[0], 10)
    assert box.lanes[3].acked == 0
    assert box.next_lane(marks(0, 0, 0, 1000, 0), 10) == 3


def test_what_is_unreceipted_is_bounded_by_the_measured_rate():
    box = outbox(0, 0, 0, 1000, 0)
    size = LEAST_UNRECEIPTED_BYTES // 2
    for number in range(2):
        box.puback(box.sending(3, number + 1, number + 1, size, 6_000 * number), 6_000 * (number + 1))
    assert box.next_lane(marks(0, 0, 0, 1000, 0), 12_000) is None
    assert box.next_lane(marks(0, 1, 0, 1000, 0), 12_000) == 1
    box.receipted(3, 1, 12_100)
    assert box.next_lane(marks(0, 0, 0, 1000, 0), 12_100) == 3


def test_a_fast_path_gets_larger_bundles_and_a_slow_one_small_ones():
    sizes = []
    for bytes_per_s in (4_000, 12_000, 4_000_000):
        box = outbox(0, 0, 0, 1000, 0)
        now_ms, flights = 0, []
        for number in range(40):
            flights.append(box.sending(3, number + 1, number + 1, bytes_per_s // 10, now_ms))
            if number >= 2:  # the line is never idle
                now_ms += 100
                box.puback(flights.pop(0), now_ms)
        sizes.append(box.bundle_limit())
    assert sizes == sorted(sizes) and sizes[0] < sizes[1] < sizes[2]


def test_without_a_receipt_a_lane_goes_again_from_the_oldest_ever_later():
    for lane in (0, 3):
        box = outbox(*[9 if number == lane else 0 for number in range(5)])
        held = marks(*[9 if number == lane else 0 for number in range(5)])
        now_ms, waits = 0, []
        for _ in range(9):
            assert box.next_lane(held, now_ms) == lane
            box.puback(box.sending(lane, 1, 9, 100, now_ms), now_ms)
            assert box.next_lane(held, now_ms) is None
            due_ms = box.next_deadline_ms()
            waits.append(due_ms - now_ms)
            now_ms = due_ms
        assert waits[0] == FIRST_RESEND_MS[lane]
        assert waits[1] == 2 * waits[0]
        assert waits[-1] == RESEND_CEILING_MS


def test_a_receipt_starts_the_waiting_anew():
    box = outbox(0, 9)
    box.sending(1, 1, 4, 100, 0)
    box.sending(1, 5, 9, 100, 0)
    box.receipted(1, 4, 5_000)
    assert box.next_deadline_ms() == 5_000 + FIRST_RESEND_MS[1]
    box.receipted(1, 9, 6_000)
    assert box.next_deadline_ms() is None
    assert box.waiting_since_ms() is None


def test_an_unchanged_receipt_sends_again_at_most_once_a_second():
    box = outbox(0, 9)
    box.sending(1, 1, 9, 100, 0)
    assert box.resend_now(100)
    assert box.lanes[1].sent == 0
    box.sending(1, 1, 9, 100, 100)
    assert not box.resend_now(900)
    assert box.resend_now(1_100)


def test_a_fresh_connection_sends_everything_not_receipted():
    box = outbox(0, 0, 9)
    box.sending(2, 1, 9, 100, 0)
    box.receipted(2, 4, 10)
    box.connected([LaneMark(1, A, 0, A), LaneMark(1, A, 0, A), LaneMark(5, A, 9, C)] + marks()[:2])
    assert (box.lanes[2].acked, box.lanes[2].sent) == (4, 4)


def test_what_the_journal_gave_up_is_waited_for_no_longer():
    box = outbox(0, 0, 0, 9)
    box.sending(3, 1, 4, 100, 0)
    box.follow([LaneMark(1, A, 0, A)] * 3 + [LaneMark(7, A, 9, C), LaneMark(1, A, 0, A)])
    assert (box.lanes[3].acked, box.lanes[3].sent) == (6, 6)
    assert box.waiting_since_ms() is None


def test_how_long_a_receipt_has_been_owed():
    box = outbox(0, 9)
    assert box.waiting_since_ms() is None
    box.puback(box.sending(1, 1, 9, 100, 50), 60)
    assert box.waiting_since_ms() == 50
    box.next_lane(marks(0, 9), 50 + FIRST_RESEND_MS[1])
    assert box.waiting_since_ms() == 50


def test_a_window_closed_for_lack_of_receipts_does_not_look_like_a_slow_path() -> None:
    box = outbox(0, 0, 0, 1000, 0)
    now_ms = 0
    for number in range(5):
        flights = [box.sending(3, 3 * number + at, 3 * number + at, 8_000, now_ms) for at in (1, 2, 3)]
        for flight in flights:
            now_ms += 2
            box.puback(flight, now_ms)
        now_ms += 1_000  # the receipt comes once a second
        box.receipted(3, 3 * number + 3, now_ms)
    assert box.rate.bytes_per_s > 3_000_000
    assert box.unreceipted_limit() > 6_000_000


def test_a_lone_small_bundle_tells_nothing_of_the_rate() -> None:
    box = outbox(0, 9)
    box.puback(box.sending(1, 1, 1, 60, 0), 600)
    assert box.rate.bytes_per_s == 0


def test_alarms_that_the_first_receipt_of_a_connection_leaves_out_go_again_at_once() -> None:
    box = outbox(2, 1, 0, 5, 5)
    for lane, last in ((0, 2), (1, 1), (3, 5), (4, 5)):
        box.puback(box.sending(lane, 1, last, 100, 0), 0)
    box.receipted(3, 5, 10)
    assert box.left_out(10, True)
    assert [lane.sent for lane in box.lanes] == [0, 0, 0, 5, 5], "lane 4 may still be under way"
    assert box.left_out(DOUBT_MS, True) and box.lanes[4].sent == 0
    assert not box.left_out(2 * DOUBT_MS, True), "nothing is on its way any more"


def test_alarms_that_a_later_receipt_leaves_out_go_again_once_they_had_time_to_be_in_it() -> None:
    box = outbox(2, 0, 0, 0, 5)
    for lane, last in ((0, 2), (4, 5)):
        box.puback(box.sending(lane, 1, last, 100, 0), 0)
    assert not box.left_out(DOUBT_MS - 1, False)
    assert box.left_out(DOUBT_MS, False)
    assert [lane.sent for lane in box.lanes] == [0, 0, 0, 0, 5], "a routine lane is not receipted at once"


TICK_MS, BUNDLE_COST, ROUND_TRIP_MS = 10, 220, 600  # cost: signature, head, topic, TLS


class SlowLine:
    """One direction of a path with a round trip of 600 ms: what waits before it, and what has passed."""

    def __init__(self):
        self.queue = []  # (bytes left, flight, last number)
        self.pubacks = []  # (when, flight, last number)
        self.moved = 0

    def wait_ms(self, bytes_per_s):
        return sum([row[0] for row in self.queue]) * 1000 // bytes_per_s

    def tick(self, now_ms, bytes_per_s):
        credit = bytes_per_s * TICK_MS // 1000
        while self.queue and credit:
            size, flight, last = self.queue.pop(0)
            taken = min(size, credit)
            credit -= taken
            self.moved += taken
            if size > taken:
                self.queue.insert(0, (size - taken, flight, last))
            else:
                self.pubacks.append((now_ms + ROUND_TRIP_MS, flight, last))


def drained(rate_at, event_bytes, seconds=60):
    """An outbox with a long backlog before such a line: (longest wait an alarm would have had, bytes moved)."""
    held = marks(0, 0, 0, 1_000_000, 0)
    box, line = outbox(0, 0, 0, 1_000_000, 0), SlowLine()
    worst_ms, stored = 0, 0
    for now_ms in range(0, seconds * 1000, TICK_MS):
        line.tick(now_ms, rate_at(now_ms))
        while line.pubacks and line.pubacks[0][0] <= now_ms:
            _, flight, stored = line.pubacks.pop(0)
            box.puback(flight, now_ms)
        if now_ms % 1000 == 0 and stored > box.lanes[3].acked:
            box.receipted(3, stored, now_ms)
            box.receipt_ends(held, now_ms)
        while box.next_lane(held, now_ms) == 3:
            first = box.lanes[3].sent + 1
            count = max(1, min(BUNDLE_EVENTS, box.bundle_limit() // event_bytes))
            flight = box.sending(3, first, first + count - 1, count * event_bytes, now_ms)
            line.queue.append((count * event_bytes + BUNDLE_COST, flight, first + count - 1))
        worst_ms = max(worst_ms, line.wait_ms(rate_at(now_ms)))
    return worst_ms, line.moved


def test_at_64_kbit_per_s_an_alarm_is_through_within_3_s_and_the_line_is_used() -> None:
    for event_bytes in (40, 90, 400):
        worst_ms, moved = drained(lambda _: 8_000, event_bytes)
        assert worst_ms <= 2_000, (event_bytes, worst_ms)
        assert moved >= 60 * 8_000 * 97 // 100, (event_bytes, moved)


def test_a_fast_path_that_becomes_slow_at_once_holds_an_alarm_for_3_s_at_most() -> None:
    for event_bytes in (40, 90, 400):
        for fell_ms in range(20_000, 20_300, 50):
            worst_ms, _ = drained(
                lambda now_ms, at=fell_ms: 8_000 if now_ms >= at else 1_000_000, event_bytes, 25
            )
            assert worst_ms <= 2_700, (event_bytes, fell_ms, worst_ms)  # and 300 ms on its way
