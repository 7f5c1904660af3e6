"""Silence, stalls, the clock, and state that is told on change."""

from gateway.core.devices.dispenser import STALL_MS, TIME_AGAIN_MS
from gateway.core.devices.dispenser_messages import (
    ANSWER,
    DONE,
    ERROR,
    HELLO,
    LOG_FROM,
    REFUSED,
    SET_TIME,
    Frame,
)
from tests.core.dispenser_talk import UTC_MS, Device, reopened, settled, types


def test_a_device_silent_for_three_beats_is_asked_who_it_is() -> None:
    device = settled()
    assert device.hub.driver.interval_s == 10
    assert device.wait(28_999) == []  # a second has passed since it was last heard
    assert types(device.wait(1)) == [HELLO]


def test_a_device_that_is_heard_while_its_log_does_not_arrive_is_reported_once_and_cleared() -> None:
    device = settled(newest=1)
    sent: "list[Frame]" = []
    for _ in range(STALL_MS // 10_000 + 5):
        sent += device.wait(10_000)
        sent += device.say(device.beat())
    assert device.reasons() == ["log_does_not_arrive"]
    assert LOG_FROM in types(sent)
    device.say(device.entry(1))
    assert device.hub.kinds()[-2:] == ["lid.opened", "problem.cleared"]
    assert "stalled" not in device.hub.state


def test_a_device_that_beats_but_answers_no_hello_is_reported() -> None:
    device = Device()
    for _ in range(STALL_MS // 10_000 + 5):
        device.wait(10_000)
        device.say(device.beat())
    assert device.reasons() == ["log_does_not_arrive"]
    device.sent = device.wait(8000)
    device.settle()
    device.say(device.beat())
    assert device.hub.kinds()[-1] == "problem.cleared"


def test_a_quiet_log_is_no_fault() -> None:
    device = settled()
    for _ in range(50):
        device.wait(10_000)
        device.say(device.beat())
    assert device.hub.kinds() == ["device.described"]


def test_the_time_is_offered_to_a_device_that_has_none_or_is_off_and_can_take_it() -> None:
    ours = UTC_MS
    for capabilities, clock, offered in (
        (1 << 8, {"clock": 2}, True),
        (1 << 8, {"clock": 0}, True),
        (1 << 8, {"clock": 1, "utc_ms": UTC_MS - 31_000}, True),
        (1 << 8, {"clock": 1, "utc_ms": UTC_MS + 29_000}, False),
        (1 << 8, {"clock": 1}, True),
        (0, {"clock": 2}, False),
    ):
        device = Device()
        device.utc_ms = ours
        device.capabilities, device.clock = capabilities, clock  # type: ignore[assignment]
        answer = device.say(device.description(device.sent[0].seq))
        assert (SET_TIME in types(answer)) == offered, (capabilities, clock)
    untrusted = Device()
    untrusted.capabilities = 1 << 8
    assert types(untrusted.say(untrusted.description(untrusted.sent[0].seq))) == [LOG_FROM]


def test_the_time_is_offered_once_a_minute_and_not_after_a_refusal() -> None:
    device = Device()
    device.utc_ms, device.capabilities = UTC_MS, 1 << 8
    device.settle()
    offers = 0
    for _ in range(12):
        device.wait(TIME_AGAIN_MS // 6)
        offers += types(device.say(device.beat())).count(SET_TIME)
    assert offers == 2
    device.say(device.frame(ERROR, {"code": REFUSED, "type": SET_TIME}, ANSWER, 9))
    for _ in range(12):
        device.wait(TIME_AGAIN_MS // 6)
        assert SET_TIME not in types(device.say(device.beat()))


def test_an_event_of_a_device_without_a_clock_is_dated_by_its_uptime() -> None:
    device = Device()
    device.utc_ms = UTC_MS
    device.newest = 1
    device.settle()
    device.now_ms += 5000
    device.utc_ms = UTC_MS + 5000
    device.say(device.entry(1, uptime_ms=device.now_ms - 3000))
    time = device.hub.events[-1].device_time
    assert time is not None and time.clock == 2 and time.utc_ms == UTC_MS + 2000


def test_battery_and_doses_left_are_told_on_change_and_not_again_after_a_restart() -> None:
    device = settled()
    for battery_pct, told in ((90, True), (89, False), (86, False), (85, True), (88, False), (90, True)):
        device.say(device.beat(battery_pct=battery_pct))
        assert ([event.kind for event in device.last().observations] == ["battery.measured"]) == told, (
            battery_pct
        )
    for remaining, mains, told in ((9, True, True), (9, True, False), (8, True, True), (8, False, True)):
        device.say(device.beat(remaining_doses=remaining, mains=mains))
        assert ([event.kind for event in device.last().observations] == ["dispenser.reported"]) == told
    device.hub.start()
    device.sent = device.heard_by_us(device.hub.driver.opened(device.now_ms, None))
    device.settle()
    count = len(device.hub.events)
    device.say(device.beat(remaining_doses=8, mains=False, battery_pct=90))
    assert len(device.hub.events) == count


def test_a_description_is_an_event_once_until_it_changes() -> None:
    device = settled()
    reopened(device)
    assert device.hub.kinds() == ["device.described"]
    device.serial_number = "3"
    reopened(device)
    assert device.hub.kinds() == ["device.described"] * 2
    assert device.hub.events[-1].values["serial_number"] == "3"


def test_done_needs_no_answer() -> None:
    device = settled()
    assert device.say(device.frame(DONE, {"type": SET_TIME}, ANSWER, 3)) == []
    assert device.last().refused is None
