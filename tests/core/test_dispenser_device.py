"""The reference dispenser: its requirements D1 to D23 where a test can show them."""

from gateway.core.devices.dispenser_events import EVENTS
from gateway.core.devices.dispenser_messages import (
    ACK,
    AGAIN,
    BEAT,
    DESCRIPTION,
    DONE,
    ENTRY,
    ERROR,
    HELLO,
    IDENTIFY,
    LOG_FROM,
    LOG_STATE,
    SET_TIME,
    Frame,
    decode_frame,
    decode_payload,
    encode_frame,
    encode_payload,
)
from gateway.core.framing import cobs
from tests.core.dispenser_bench import LOG_ID, UTC_AT_START_MS, Numbers
from tools.simulators.dispenser import DispenserDevice, Dose

MINUTE_MS = 60_000
DOSE = {
    "dose_id": 1,
    "planned_utc_ms": UTC_AT_START_MS + 10 * MINUTE_MS,
    "window_end_utc_ms": UTC_AT_START_MS + 70 * MINUTE_MS,
}


def frames(data: bytes) -> "list[Frame]":
    return [decode_frame(cobs.decode(piece)) for piece in data.split(b"\x00") if piece]


def made(**settings: object) -> DispenserDevice:
    device = DispenserDevice({}, Numbers(), 0, UTC_AT_START_MS, **settings)  # type: ignore[arg-type]
    device.due(0)
    return device


def command(device: DispenserDevice, kind: int, now_ms: int, **fields: object) -> "list[Frame]":
    data = encode_frame(Frame(kind, 5, device.boot, 0, encode_payload(kind, fields)))
    return frames(device.received(data, now_ms))


def logged(device: DispenserDevice) -> "list[tuple[str, dict[str, object]]]":
    """(kind, fields) of all that its log holds."""
    found = []
    for number in range(device.log.first, device.log.newest + 1):
        fields = decode_payload(Frame(ENTRY, 0, 0, 1, device.log.payload(number)))
        assert fields["number"] == number and fields["log_id"] == LOG_ID
        found.append((EVENTS[fields["event"]], fields))  # type: ignore[index]
    return found


def kinds(device: DispenserDevice) -> "list[str]":
    return [kind for kind, _ in logged(device)]


def with_dose(**settings: object) -> DispenserDevice:
    device = made(**settings)
    device.set_plan([Dose(1, DOSE["planned_utc_ms"], DOSE["window_end_utc_ms"])], 0)
    return device


def test_it_describes_itself_at_start_and_when_asked() -> None:
    device = DispenserDevice({}, Numbers(), 0, UTC_AT_START_MS)
    assert [frame.type for frame in frames(device.due(0))] == [DESCRIPTION]
    answer = command(device, HELLO, 5, versions=[1, 1])
    assert [frame.type for frame in answer] == [DESCRIPTION]
    assert answer[0].is_answer and answer[0].seq == 5 and answer[0].boot == device.boot


def test_at_most_four_entries_are_on_their_way() -> None:
    device = made()
    for turn in range(9):
        device.log_event(("lid.opened", "lid.closed")[turn % 2], 0)
    assert len(frames(device.due(0))) == 4
    assert frames(device.due(100)) == []
    answer = command(device, ACK, 200, log_id=LOG_ID, number=3)
    numbers = [decode_payload(frame)["number"] for frame in answer]
    assert numbers == [5, 6, 7]


def test_what_is_not_acknowledged_is_sent_again_at_a_doubling_pace_for_ever_and_marked() -> None:
    device = made(beat_s=60)
    device.log_event("lid.opened", 0)
    assert [frame.flags & AGAIN for frame in frames(device.due(0))] == [0]
    gaps, last_ms = [], 0
    for now_ms in range(0, 120_000, 100):
        for frame in frames(device.due(now_ms)):
            if frame.type == ENTRY:
                assert frame.flags & AGAIN
                gaps.append(now_ms - last_ms)
                last_ms = now_ms
    assert gaps[:8] == [500, 1000, 2000, 4000, 8000, 8000, 8000, 8000]
    assert len(gaps) > 15
    command(device, ACK, 120_000, log_id=LOG_ID, number=1)
    assert [frame.type for frame in frames(device.due(130_000))] == []


def test_log_from_reads_again_and_acknowledges_nothing() -> None:
    device = made()
    for turn in range(3):
        device.log_event(("lid.opened", "lid.closed")[turn % 2], 0)
    answer = command(device, LOG_FROM, 0, log_id=LOG_ID, number=3)
    assert [frame.type for frame in answer] == [LOG_STATE, ENTRY]
    assert device.log.acknowledged == 0
    answer = command(device, LOG_FROM, 0, log_id=LOG_ID, number=1)
    assert [frame.type for frame in answer] == [LOG_STATE, ENTRY, ENTRY, ENTRY]


def test_other_logs_and_numbers_out_of_range_are_refused_and_change_nothing() -> None:
    device = made()
    device.log_event("lid.opened", 0)
    device.due(0)
    for kind, log_id, number, code in (
        (ACK, b"\x00" * 8, 1, 4),
        (LOG_FROM, b"\x00" * 8, 1, 4),
        (ACK, LOG_ID, 2, 5),
        (LOG_FROM, LOG_ID, 3, 5),
    ):
        answer = command(device, kind, 1, log_id=log_id, number=number)
        assert [frame.type for frame in answer] == [ERROR]
        assert decode_payload(answer[0]) == {"code": code, "type": kind}
        assert device.log.acknowledged == 0
    assert [frame.type for frame in command(device, LOG_FROM, 1, log_id=LOG_ID, number=2)] == [LOG_STATE]


def test_a_beat_comes_each_interval_whether_or_not_anyone_listens() -> None:
    device = made(beat_s=20)
    beats = 0
    for now_ms in range(0, 200_001, 500):
        beats += [frame.type for frame in frames(device.due(now_ms))].count(BEAT)
    assert beats == 10


def test_unknown_types_and_unreadable_payloads_are_answered_and_errors_are_not() -> None:
    device = made()
    for kind, payload, code in ((0x20, b"\xa0", 2), (HELLO, b"\xa0", 3), (ACK, b"\xff", 3)):
        answer = frames(device.received(encode_frame(Frame(kind, 8, 0, 0, payload)), 0))
        assert decode_payload(answer[0])["code"] == code and answer[0].seq == 8
    assert device.received(encode_frame(Frame(ERROR, 8, 0, 0, b"\xa0")), 0) == b""
    assert device.received(b"\x00noise\x00", 0) == b""


def test_identify_and_time_are_refused_where_it_cannot() -> None:
    able = made()
    assert [frame.type for frame in command(able, IDENTIFY, 0, seconds=3)] == [DONE]
    assert able.identifying(2999) and not able.identifying(3000)
    unable = made(identity={"capabilities": 0})
    for kind, fields in ((IDENTIFY, {"seconds": 3}), (SET_TIME, {"utc_ms": 1, "uncertainty_ms": 1})):
        answer = command(unable, kind, 0, **fields)  # type: ignore[arg-type]
        assert decode_payload(answer[0]) == {"code": 6, "type": kind}
    assert unable.utc_ms(0) == UTC_AT_START_MS and not unable.identifying(0)


def test_a_dose_is_planned_put_out_and_collected() -> None:
    device = with_dose()
    device.due(10 * MINUTE_MS - 1)
    assert kinds(device) == ["dose.planned"]
    device.due(10 * MINUTE_MS)
    assert device.doses.remaining == 13
    device.collect("resident", 15 * MINUTE_MS)
    device.due(80 * MINUTE_MS)
    assert kinds(device) == ["dose.planned", "dose.dispensed", "dose.collected"]
    fields = logged(device)[2][1]
    assert fields["dose_id"] == 1 and fields["collected_by"] == 1 and fields["remaining_doses"] == 13
    assert fields["utc_ms"] == UTC_AT_START_MS + 15 * MINUTE_MS


def test_a_dose_that_nobody_collects_is_missed_at_the_end_of_its_window() -> None:
    device = with_dose()
    device.due(10 * MINUTE_MS)
    device.due(70 * MINUTE_MS - 1)
    assert kinds(device)[-1] == "dose.dispensed"
    device.due(70 * MINUTE_MS)
    assert kinds(device)[-1] == "dose.missed" and logged(device)[-1][1]["cause"] == 1
    assert device.collect("resident", 71 * MINUTE_MS) is None


def test_a_power_cut_never_puts_a_dose_out_twice() -> None:
    device = with_dose()
    device.due(10 * MINUTE_MS)
    for at in range(11, 70, 7):
        device.power_cut(at * MINUTE_MS, MINUTE_MS)
        device.due((at + 2) * MINUTE_MS)
    device.due(80 * MINUTE_MS)
    assert kinds(device) == ["dose.planned", "dose.dispensed", "dose.missed"]
    assert device.doses.remaining == 13


def test_a_dose_whose_window_passed_without_power_is_missed_and_not_put_out() -> None:
    device = with_dose()
    device.power_cut(5 * MINUTE_MS, 100 * MINUTE_MS)
    device.due(106 * MINUTE_MS)
    assert kinds(device) == ["dose.planned", "dose.missed"]
    assert logged(device)[-1][1]["cause"] == 5 and device.doses.remaining == 14


def test_without_a_set_clock_nothing_is_put_out_until_it_is_set_and_then_once() -> None:
    device = with_dose()
    device.power_cut(5 * MINUTE_MS, 0, keeps_clock=False)
    device.due(20 * MINUTE_MS)
    assert kinds(device) == ["dose.planned"]
    for _ in range(2):
        command(
            device, SET_TIME, 20 * MINUTE_MS, utc_ms=UTC_AT_START_MS + 20 * MINUTE_MS, uncertainty_ms=1000
        )
    assert kinds(device) == ["dose.planned", "clock.trusted", "dose.dispensed", "clock.trusted"]
    command(device, SET_TIME, 21 * MINUTE_MS, utc_ms=UTC_AT_START_MS, uncertainty_ms=1000)
    device.due(40 * MINUTE_MS)
    assert kinds(device).count("dose.dispensed") == 1


def test_a_changed_plan_withdraws_and_announces() -> None:
    device = with_dose()
    device.set_plan([Dose(2, DOSE["planned_utc_ms"] + MINUTE_MS, DOSE["window_end_utc_ms"])], MINUTE_MS)
    assert kinds(device) == ["dose.planned", "dose.withdrawn", "dose.planned"]
    device.due(12 * MINUTE_MS)
    assert [fields["dose_id"] for kind, fields in logged(device) if kind == "dose.dispensed"] == [2]


def test_a_dose_taken_early_is_at_the_wrong_time_and_not_put_out_again() -> None:
    device = with_dose()
    device.collect("resident", MINUTE_MS, dose_id=1)
    device.due(80 * MINUTE_MS)
    assert kinds(device) == ["dose.planned", "dose.wrong_time"]
    assert device.doses.remaining == 13


def test_few_doses_left_ask_for_a_refill_and_none_left_is_a_missed_dose() -> None:
    device = made()
    device.doses.remaining = 4
    doses = []
    for dose_id in range(1, 6):
        at_ms = UTC_AT_START_MS + dose_id * 10 * MINUTE_MS
        doses.append(Dose(dose_id, at_ms, at_ms + 5 * MINUTE_MS))
    device.set_plan(doses, 0)
    for at in range(60):
        device.due(at * MINUTE_MS)
        device.collect("carer", at * MINUTE_MS)
    assert kinds(device).count("refill.due") == 1
    assert logged(device)[-1][0] == "dose.missed" and logged(device)[-1][1]["cause"] == 2
    device.refill(14, 60 * MINUTE_MS)
    assert kinds(device)[-1] == "refill.done"


def test_a_new_start_has_a_new_boot_id_and_keeps_log_and_numbers() -> None:
    medium: "dict[str, object]" = {}
    device = DispenserDevice(medium, Numbers(), 0, UTC_AT_START_MS)
    device.log_event("lid.opened", 0)
    before = (device.boot, device.log.log_id, device.log.newest)
    device.power_cut(1000, 500)
    assert device.boot != before[0]
    assert device.log.newest == before[2] and device.log.log_id == before[1]
    assert device.uptime_ms(1500) == 0 and device.utc_ms(1500) == UTC_AT_START_MS + 1500
    again = DispenserDevice(medium, Numbers(), 9000)
    assert (again.log.log_id, again.log.newest) == before[1:]
    assert again.log_event("lid.closed", 9000) == 2


def test_an_entry_keeps_the_time_of_its_event_however_late_it_is_sent() -> None:
    device = made()
    device.log_event("lid.opened", 3000)
    first = frames(device.due(3000))[-1].payload
    boot = device.boot
    device.power_cut(50_000, keeps_clock=False)
    again = [frame for frame in frames(device.due(60_000)) if frame.type == ENTRY]
    assert again[0].payload == first and again[0].boot != boot
    assert decode_payload(again[0])["boot"] == boot and decode_payload(again[0])["uptime_ms"] == 3000
