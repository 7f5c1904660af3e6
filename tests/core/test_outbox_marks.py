"""Marks of the outbox to the number: where one more or one less would send twice, wait for ever, or overtake."""

from gateway.core.outbox import (
    DOUBT_MS,
    FIRST_RESEND_MS,
    PROGRESS,
    TOGETHER,
    UNCHANGED,
    WINDOW_BUNDLES,
    Lane,
    Outbox,
)
from hal.types import LaneMark
from tests.core.test_outbox import A, B, C, marks, outbox


def sent(lane: int, last: int, now_ms: int = 0, first: int = 1) -> Outbox:
    """Events of one lane on their way on a connection that has had its answer."""
    rows = [0] * 5
    rows[lane] = last
    box = outbox(*rows)
    box.sending(lane, first, last, 100, now_ms)
    return box


def test_the_first_number_that_is_held_is_progress_and_the_one_before_it_is_what_is_known():
    mark = LaneMark(5, A, 9, C)
    box = Outbox(lambda: 0)
    assert box.judge(mark, 5, B, B) == PROGRESS and box.judge(mark, 4, A, A) == UNCHANGED
    empty = LaneMark(5, A, 4, A)
    assert box.judge(empty, 4, A, A) == UNCHANGED


def test_what_is_given_up_moves_the_mark_and_what_is_not_leaves_the_waiting_alone():
    for first, waits in ((1, True), (2, True), (3, True), (4, False)):
        box = sent(4, 3)
        box.follow([LaneMark(1, A, 0, A)] * 4 + [LaneMark(first, A, 9, B)])
        lane = box.lanes[4]
        assert lane.acked == first - 1 and lane.sent == 3
        assert (lane.since_ms is not None) == waits == bool(lane.unreceipted)
    box = sent(4, 3)
    box.receipted(4, 2, 500)
    box.sending(4, 4, 5, 100, 600)
    before = list(box.lanes[4].unreceipted)
    box.follow([LaneMark(1, A, 0, A)] * 4 + [LaneMark(2, A, 9, B)])
    assert box.lanes[4].acked == 2 and box.lanes[4].unreceipted == before, (
        "it is told of what was forgotten long ago"
    )


def test_only_bundles_of_more_than_one_event_could_have_been_smaller():
    lane = Lane()
    lane.acked = 4
    lane.unreceipted = [(5, 50, 1), (7, 70, 2), (8, 80, 1), (11, 110, 3)]
    assert lane.sizes_of_several() == [70, 110]
    lane.unreceipted = [(5, 50, 1)]
    assert lane.sizes_of_several() == []


def test_so_many_alarms_in_doubt_go_again_with_the_newest_and_one_more_do_not():
    for acked in (0, 1_000):
        for count, goes_again in ((TOGETHER, True), (TOGETHER + 1, False)):
            last = acked + count
            box = Outbox(lambda: 0)
            mark = LaneMark(acked + 1, A, last, B)
            box.connected([mark] + marks()[1:])
            box.answered = True
            box.sending(0, acked + 1, last - 1, 100, 0)
            assert box.next_lane([mark] + marks()[1:], DOUBT_MS) == 0
            assert box.lanes[0].sent == (acked if goes_again else last - 1)


def test_an_alarm_that_has_just_gone_is_not_left_out_by_a_receipt_that_could_not_have_it():
    for lane, is_first, since_ms, goes_again in (
        (0, True, 0, True),
        (1, True, 0, True),
        (2, True, 0, False),
        (2, True, DOUBT_MS - 1, False),
        (2, True, DOUBT_MS, True),
        (0, False, 0, False),
        (0, False, DOUBT_MS - 1, False),
        (0, False, DOUBT_MS, True),
        (2, False, DOUBT_MS, False),
    ):
        box = sent(lane, 3, 70_000)
        row = (lane, is_first, since_ms)
        assert box.left_out(70_000 + since_ms, is_first) == goes_again, row
        assert box.lanes[lane].sent == (0 if goes_again else 3), row


def test_an_alarm_waits_from_its_number_to_its_receipt():
    box = outbox(1, 0, 9)
    assert box.alarms_wait(marks(1, 0, 9))
    box.sending(0, 1, 1, 100, 0)
    assert box.alarms_wait(marks(1, 0, 9)), "on its way is not delivered"
    box.receipted(0, 1, 10)
    assert not box.alarms_wait(marks(1, 0, 9)), "the rest is no alarm"
    assert box.alarms_wait(marks(1, 1, 9))


def test_a_puback_of_an_earlier_connection_makes_no_room_on_this_one():
    box = sent(4, 3)
    old = box.flights[0]
    box.connected(marks(0, 0, 0, 0, 9))
    now = box.sending(4, 1, 3, 100, 10)
    box.puback(old, 20)
    assert box.flights == [now]
    box.puback(now, 30)
    box.puback(now, 40)
    assert box.flights == []


def test_an_unchanged_receipt_where_nothing_waits_costs_no_turn():
    box = outbox(0, 0, 0, 0, 9)
    assert not box.resend_now(5_000)
    box.sending(4, 1, 3, 100, 5_000)
    assert box.resend_now(5_000), "a second later would be late"
    box.sending(4, 1, 3, 100, 5_001)
    assert not box.resend_now(5_999) and box.resend_now(6_000)


def test_after_a_receipt_for_a_part_the_rest_has_waited_since_then():
    """Else a broker that forwards the first and loses the rest would never count as mute."""
    box = sent(4, 3, 1_000)
    box.sending(4, 4, 6, 100, 2_000)
    box.receipted(4, 3, 5_000)
    assert box.waiting_since_ms() == 5_000 and box.next_deadline_ms() is not None
    box.receipted(4, 6, 6_000)
    assert box.waiting_since_ms() is None and box.next_deadline_ms() is None


def test_two_seconds_of_the_measured_rate_may_be_on_its_way():
    box = outbox(0, 0, 0, 0, 9)
    box.rate.bytes_per_s = 100_000
    assert box.unreceipted_limit() == 200_000


def test_a_receipt_makes_room_in_the_window_where_the_broker_owes_its_puback():
    box = outbox(0, 0, 0, 0, 9)
    for number in range(1, WINDOW_BUNDLES + 1):
        box.sending(4, number, number, 100, 0)
    assert box.next_lane(marks(0, 0, 0, 0, 9), 10) is None, "the window is full"
    box.receipted(4, 2, 20)
    assert [flight.last for flight in box.flights] == [3]
    assert box.next_lane(marks(0, 0, 0, 0, 9), 30) == 4


def test_a_lane_waits_for_its_receipt_for_as_long_as_was_said_and_at_most_a_quarter_longer():
    for draw, late_ms in ((0, 0), (32_768, 7_500), (65_535, 14_999)):
        box = Outbox(lambda: draw)  # noqa: B023  used in this turn only
        box.connected(marks(0, 0, 0, 0, 9))
        box.sending(4, 1, 3, 100, 1_000)
        assert box.next_deadline_ms() == 1_000 + FIRST_RESEND_MS[4] + late_ms


def test_an_answer_of_half_the_limit_shows_that_such_messages_pass():
    for size, counted in ((50, 0), (49, 1)):
        box = outbox(0, 0, 0, 0, 9)
        box.most_bytes, box.unanswered = 100, 1
        box.answer(size)
        assert box.unanswered == counted
