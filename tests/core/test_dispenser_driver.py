"""The driver, frame by frame: what it asks, takes, acknowledges and refuses."""

from gateway.core import cbor
from gateway.core.crc import with_crc32
from gateway.core.devices.dispenser_messages import (
    ACK,
    ANSWER,
    COMMANDS,
    ENTRY,
    ERROR,
    FROM_DEVICE,
    HELLO,
    LOG_FROM,
    OUT_OF_RANGE,
    SET_TIME,
    UNKNOWN_LOG,
    Frame,
    decode_frame,
    decode_payload,
    encode_frame,
)
from gateway.core.devices.driver import MALFORMED, REPEATED, Reading
from gateway.core.framing import cobs
from tests.core.dispenser_talk import (
    BOOT,
    LOG,
    OTHER_LOG,
    UTC_MS,
    Device,
    settled,
    types,
)


def test_it_asks_who_is_there_then_for_the_log_from_the_entry_after_the_last() -> None:
    device = Device()
    assert types(device.sent) == [HELLO]
    device.acknowledged = device.newest = 41
    answer = device.say(device.description(device.sent[0].seq))
    assert types(answer) == [LOG_FROM]
    assert decode_payload(answer[0]) == {"log_id": LOG, "number": 42}
    assert answer[0].boot == BOOT and device.sent[0].boot == 0


def test_each_question_is_asked_again_at_a_doubling_pace_for_ever() -> None:
    device = Device()
    gaps, last_ms = [], device.now_ms
    for _ in range(9):
        due_ms = device.hub.driver.next_due_ms(device.now_ms)
        assert due_ms is not None
        assert types(device.wait(due_ms - device.now_ms)) == [HELLO]
        gaps.append(device.now_ms - last_ms)
        last_ms = device.now_ms
    assert gaps == [500, 1000, 2000, 4000, 8000, 8000, 8000, 8000, 8000]
    device.sent = device.say(device.description(device.hub.driver.requests.seq))
    assert types(device.sent) == [LOG_FROM]
    assert types(device.wait(3600)) == [LOG_FROM] * 3
    assert device.hub.driver.next_due_ms(device.now_ms) is not None


def test_a_description_that_answers_an_older_hello_does_not_count() -> None:
    device = Device()
    first = device.sent[0].seq
    again = device.wait(500)
    assert device.say(device.description(first)) == []
    assert types(device.say(device.description(again[0].seq))) == [LOG_FROM]


def test_an_unasked_description_only_makes_it_ask() -> None:
    device = settled()
    device.boot += 1
    assert types(device.say(device.description(5, 0))) == [HELLO]


def test_an_entry_is_acknowledged_only_after_the_append() -> None:
    device = settled(newest=1)
    device.say(device.entry(1))
    reading = device.last()
    assert reading.send == [] and len(reading.send_after) == 1
    assert reading.state["cursor"] == LOG + (1).to_bytes(8, "big")
    assert reading.observations[0].record == LOG + (1).to_bytes(8, "big")
    assert device.hub.numbers() == [1]


def test_what_was_not_stored_is_taken_again_and_not_acknowledged_before() -> None:
    device = settled(newest=1)
    device.hub.fate = "full"
    assert device.say(device.entry(1)) == []
    assert device.say(device.entry(1)) == []
    assert device.hub.numbers() == []
    device.hub.fate = "stored"
    assert types(device.say(device.entry(1))) == [ACK]
    assert device.hub.numbers() == [1]


def test_a_negative_control_that_trusts_its_memory_would_acknowledge_what_was_never_stored() -> None:
    device = settled(newest=1)
    reading = device.hub.driver.received(device.entry(1), device.now_ms, None)
    device.hub.state["cursor"] = reading.state["cursor"]  # type: ignore[assignment]  # the event itself is lost
    assert types(device.say(device.entry(1))) == [ACK]
    assert device.hub.numbers() == []


def test_entries_that_come_together_get_one_acknowledgement_for_the_last() -> None:
    device = settled(newest=4)
    answer = device.say(device.entry(1), device.entry(2), device.entry(3), device.entry(4))
    assert types(answer) == [ACK]
    assert decode_payload(answer[0]) == {"log_id": LOG, "number": 4}
    assert device.hub.numbers() == [1, 2, 3, 4]


def test_an_entry_that_is_stored_already_is_acknowledged_again_and_counted_as_repeated() -> None:
    device = settled(newest=2)
    device.say(device.entry(1), device.entry(2))
    answer = device.say(device.entry(1))
    assert types(answer) == [ACK] and decode_payload(answer[0])["number"] == 2
    assert device.hub.numbers() == [1, 2]
    assert device.last().refused is not None and device.last().refused[0] == REPEATED  # type: ignore[index]
    assert device.last().heard


def test_a_gap_is_asked_for_once_and_nothing_is_taken_out_of_order() -> None:
    device = settled(newest=4)
    answer = device.say(device.entry(2), device.entry(3))
    assert types(answer) == [LOG_FROM] and decode_payload(answer[0])["number"] == 1
    assert device.say(device.entry(4)) == []
    assert device.hub.numbers() == []
    device.say(device.log_state(answer[0].seq), device.entry(1), device.entry(2))
    assert device.hub.numbers() == [1, 2]


def test_a_lost_acknowledgement_is_sent_again_when_the_device_says_where_it_stands() -> None:
    device = settled(newest=1)
    device.say(device.entry(1))
    assert types(device.say(device.beat())) == [ACK]
    device.acknowledged = 1
    assert device.say(device.beat()) == []


def test_entries_before_the_device_is_known_are_left_for_later() -> None:
    device = Device()
    device.newest = 1
    assert device.say(device.entry(1)) == []
    assert device.last().heard and device.hub.numbers() == []


def test_an_entry_of_a_new_boot_makes_it_ask_first() -> None:
    device = settled(newest=2)
    device.say(device.entry(1))
    device.boot += 1
    device.sent = device.say(device.entry(2))
    assert types(device.sent) == [HELLO] and device.hub.numbers() == [1]
    device.settle()
    device.say(device.entry(2))
    assert device.hub.numbers() == [1, 2]


def test_an_entry_of_another_log_makes_it_ask_first() -> None:
    device = settled(newest=1)
    device.log_id = OTHER_LOG
    assert types(device.say(device.entry(1))) == [HELLO]
    assert device.hub.numbers() == []


# --- what cannot be used ------------------------------------------------------------------------------------------


def test_an_entry_that_cannot_be_read_is_kept_as_it_came_and_the_log_goes_on() -> None:
    device = settled(newest=2)
    payload = cbor.encode({1: LOG, 2: 1, 3: 5, 23: "what is this"})
    answer = device.say(encode_frame(Frame(ENTRY, 1, BOOT, FROM_DEVICE, payload)))
    assert types(answer) == [ERROR, ACK]
    kept = device.hub.events[-1]
    assert (
        kept.kind == "problem.detected" and kept.values["raw"] == payload and kept.values["log_number"] == 1
    )
    device.say(device.entry(2))
    assert device.hub.numbers() == [1, 2]


def test_an_entry_without_a_number_is_refused_and_answered() -> None:
    device = settled(newest=1)
    answer = device.say(encode_frame(Frame(ENTRY, 8, BOOT, FROM_DEVICE, cbor.encode({3: 5}))))
    assert types(answer) == [ERROR] and answer[0].seq == 8 and answer[0].is_answer
    assert decode_payload(answer[0]) == {"code": 3, "type": ENTRY}
    assert device.last().refused is not None and device.last().refused[0] == MALFORMED  # type: ignore[index]


def test_unknown_versions_and_types_are_answered_and_noise_is_not() -> None:
    device = settled()
    other = cobs.DELIMITER + cobs.encode(versioned(2)) + cobs.DELIMITER
    answer = device.say(other)
    assert decode_payload(answer[0]) == {"code": 1, "versions": [1, 1]}
    assert not device.last().heard
    answer = device.say(encode_frame(Frame(0x50, 6, BOOT, FROM_DEVICE, b"\xa0")))
    assert decode_payload(answer[0]) == {"code": 2, "type": 0x50} and answer[0].seq == 6
    for noise in (b"\x00garbage\x00", b"\x00" + bytes(range(1, 200)) + b"\x00"):
        assert device.say(noise) == []
        assert device.last().refused is not None and not device.last().heard


def versioned(version: int) -> bytes:
    return with_crc32(bytes([version]) + bytes(range(30)))


def test_an_error_is_never_answered_by_an_error() -> None:
    device = settled()
    assert device.say(encode_frame(Frame(ERROR, 6, BOOT, FROM_DEVICE, b"\xa1\x01"))) == []
    assert device.say(encode_frame(Frame(ERROR, 6, BOOT, FROM_DEVICE, cbor.encode({23: 1})))) == []


def test_an_echo_of_our_own_frames_is_no_sign_of_life() -> None:
    device = Device()
    line = b"".join(device.readings[0].send)
    assert device.say(line) == []
    assert not device.last().heard
    assert "echo" in device.last().refused[1]  # type: ignore[index]


def test_a_device_that_knows_another_log_is_asked_again_who_it_is_at_a_measured_pace() -> None:
    for code in (UNKNOWN_LOG, OUT_OF_RANGE):
        device = Device()
        device.sent = device.say(device.description(device.sent[0].seq))
        refusal = device.frame(ERROR, {"code": code, "type": LOG_FROM}, ANSWER, device.sent[0].seq)
        assert device.say(refusal) == []
        assert types(device.wait(500)) == [HELLO]


def test_many_refusals_in_one_call_are_told_together() -> None:
    device = settled()
    device.say(b"\x00ab\x00cd\x00ef\x00")
    assert device.last().refused is not None and "of 3" in device.last().refused[1]  # type: ignore[index]


# --- no command dispenses -----------------------------------------------------------------------------------------


def test_the_driver_sends_the_closed_set_of_commands_and_no_other() -> None:
    device = Device()
    device.utc_ms, device.capabilities, device.newest = UTC_MS, 1 << 8, 3
    device.settle()
    device.say(device.entry(1), device.entry(3), b"\x00junk\x00", device.beat())
    device.wait(600_000)
    device.hub.take(Reading(send=[device.hub.driver.identify(5)]))
    sent: "list[int]" = []
    for reading in device.readings:
        for data in reading.send + reading.send_after:
            sent.append(decode_frame(cobs.decode(data[1:-1])).type)
    assert [kind for kind in sent if kind not in COMMANDS.values() and kind != ERROR] == []
    for kind in (HELLO, LOG_FROM, ACK, SET_TIME):
        assert kind in sent
    names = [
        name for name in dir(device.hub.driver) if "dispens" in name or "unlock" in name or "release" in name
    ]
    assert names == []
