"""What is in doubt within a lane: routine lanes hold back behind it, an alarm takes it along as far as it goes out at once."""

from gateway.core.outbox import DOUBT_MS, HOLD_BACK_MS, TOGETHER
from tests.core.test_outbox import marks, outbox


def test_until_the_platform_has_answered_each_lane_sends_one_bundle() -> None:
    box = outbox(0, 0, 0, 1000, 1000)
    box.connected(marks(0, 0, 0, 1000, 1000))
    held = marks(0, 0, 0, 1000, 1000)
    for lane in (3, 4):
        assert box.next_lane(held, 0) == lane
        box.puback(box.sending(lane, 1, 10, 100, 0), 0)
    assert box.next_lane(held, 1) is None
    box.receipted(3, 10, 2)
    box.answered = True
    assert box.next_lane(held, 2) == 3


def test_a_routine_lane_sends_nothing_beyond_what_is_in_doubt() -> None:
    box = outbox(0, 0, 0, 1000, 0)
    box.puback(box.sending(3, 1, 10, 100, 0), 0)
    assert box.next_lane(marks(0, 0, 0, 1000, 0), HOLD_BACK_MS - 1) == 3
    assert box.next_lane(marks(0, 0, 0, 1000, 0), HOLD_BACK_MS) is None
    box.receipted(3, 10, HOLD_BACK_MS)
    assert box.next_lane(marks(0, 0, 0, 1000, 0), HOLD_BACK_MS) == 3


def test_a_new_alarm_takes_those_in_doubt_along_so_that_it_does_not_overtake_them() -> None:
    box = outbox(0, 2)
    box.puback(box.sending(1, 1, 2, 100, 0), 0)
    assert box.next_lane(marks(0, 3), DOUBT_MS - 1) == 1 and box.lanes[1].sent == 2
    assert box.next_lane(marks(0, 3), DOUBT_MS) == 1 and box.lanes[1].sent == 0
    assert box.waiting_since_ms() == 0, "it has been owed since the first sending"


def test_those_in_doubt_that_fill_more_than_one_bundle_go_again_once_and_the_new_one_follows() -> None:
    box = outbox(0, 60)
    for first, last in ((1, 30), (31, 59)):
        box.puback(box.sending(1, first, last, 4_000, 0), 0)
    sent = []
    for _ in range(4):
        if box.next_lane(marks(0, 60), DOUBT_MS) == 1:
            first = box.lanes[1].sent + 1
            box.puback(box.sending(1, first, min(60, first + 29), 4_000, DOUBT_MS), DOUBT_MS)
            sent.append(first)
    assert sent == [1, 31]


def test_where_bundles_hold_one_alarm_the_newest_takes_along_what_goes_out_at_once() -> None:
    box = outbox(0, 10)
    box.most_bytes = 1
    for seq in range(1, 11):
        box.puback(box.sending(1, seq, seq, 60, 0), 0)
    deadline_ms = box.lanes[1].deadline_ms
    sent = []
    while box.next_lane(marks(0, 11), DOUBT_MS) == 1:
        seq = box.lanes[1].sent + 1
        box.puback(box.sending(1, seq, seq, 60, DOUBT_MS), DOUBT_MS)
        sent.append(seq)
    assert sent == [10, 11], "and not ten before it, two at a time"
    assert box.lanes[1].unreceipted == [(seq, 60, 1) for seq in range(1, 12)]
    assert box.lanes[1].deadline_ms == deadline_ms, "those before go again in their time"
    assert not box.lanes[1].sizes_of_several()


def test_a_large_bundle_in_doubt_that_a_smaller_one_would_not_take_is_taken_along_in_part() -> None:
    box = outbox(0, 40)
    box.puback(box.sending(1, 1, 4, 240, 0), 0)
    box.puback(box.sending(1, 5, 40, 2_160, 0), 0)
    box.most_bytes = 300
    assert box.next_lane(marks(0, 41), DOUBT_MS) == 1
    assert box.lanes[1].sent == 31 and box.lanes[1].unreceipted == [(4, 240, 4), (31, 1_620, 27)]
    box.receipted(1, 40, DOUBT_MS)
    assert box.lanes[1].sent == 40 and box.lanes[1].unreceipted == []
    box.receipted(1, 41, DOUBT_MS)
    assert box.next_lane(marks(0, 41), DOUBT_MS) is None


def test_a_storm_of_alarms_in_doubt_does_not_hold_the_newest_back() -> None:
    box = outbox(0, TOGETHER)
    box.puback(box.sending(1, 1, TOGETHER, 100, 0), 0)
    assert box.next_lane(marks(0, TOGETHER + 1), DOUBT_MS) == 1 and box.lanes[1].sent == TOGETHER


def test_a_storm_of_new_alarms_that_each_fill_a_bundle_takes_nothing_along_again() -> None:
    box = outbox(40, 0, 0, 0, 0)
    box.sending(0, 1, 1, 6_000, 0)
    assert box.next_lane(marks(40, 0, 0, 0, 0), DOUBT_MS) == 0
    assert box.lanes[0].sent == 1, (
        "what is in doubt goes again at its deadline, not before thirty-eight newer ones"
    )
