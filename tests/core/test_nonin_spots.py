"""Spot checks of Nonin's data format 13: stamps, the memory that is sent again, the clock, and the device's commands."""

from gateway.core.devices import nonin_spot
from gateway.core.devices.driver import MALFORMED, REPEATED
from gateway.core.errors import DecodeError
from gateway.core.model import CLOCK_SET, CLOCK_UNKNOWN
from tests.core.nonin_hub import Hub
from tests.core.vectors import refusal
from tools.simulators.nonin_serial import FROM_MEMORY, NO_MEASUREMENT, NoninDevice, spot
from tools.simulators.virtual_clock import VirtualClock

STAMP = bytes.fromhex("2026112807153042")
NOON_UTC_MS = 1_764_327_600_000  # 2025-11-28 11:00:00 UTC, 12:00 in Oslo
NOON_LOCAL_S = NOON_UTC_MS // 1000 + 3_600


def test_a_spot_check_has_its_stamp_and_its_marks() -> None:
    decoded = nonin_spot.decode_spot(spot(STAMP, 97, 300))
    assert decoded.values == {"spo2_pct": 97, "pulse_rate_bpm": 300, "oximeter_status": 0x0200}
    assert decoded.device_time is not None
    assert (decoded.device_time.raw, decoded.device_time.clock) == ("2026-11-28T07:15:30.42", CLOCK_SET)
    observation = nonin_spot.observation_of(decoded)
    assert "questionable" not in observation.values and "stored" not in observation.values
    late = nonin_spot.observation_of(nonin_spot.decode_spot(spot(STAMP, 97, 72, status=FROM_MEMORY)))
    assert late.values["questionable"] is True and late.values["stored"] is True
    failed = nonin_spot.observation_of(nonin_spot.decode_spot(spot(STAMP, 97, 72, status=NO_MEASUREMENT)))
    assert failed.kind == "measurement.failed" and failed.values["reason"] == "no_value"


def test_a_longer_spot_check_is_read_and_a_wrong_one_refused() -> None:
    decoded = nonin_spot.decode_spot(spot(STAMP, 97, 72, more=b"\x01\x02\x03"))
    assert decoded.values["spo2_pct"] == 97 and decoded.trailing == 3
    good = spot(STAMP, 97, 72)
    for wrong in (
        good[:-1],
        b"\x01" + good[1:],
        good[:-1] + b"\x04",
        good[:7] + b"\x99" + good[8:],
        good[:5] + b"\x0d" + good[6:],
    ):
        assert isinstance(refusal(nonin_spot.decode_spot, wrong), DecodeError)


def test_a_stamp_that_is_no_date_tells_nothing_apart() -> None:
    for stamp in ("2026133107153042", "2026023007153042", "20261128AA153042", "0000000000000000"):
        decoded = nonin_spot.decode_spot(spot(bytes.fromhex(stamp), 97, 72))
        assert decoded.device_time is not None and decoded.device_time.clock == CLOCK_UNKNOWN, stamp
        assert decoded.record is None
    hub = Hub({})
    twice = spot(bytes(8), 97, 72)
    hub.hear(twice + twice)
    assert len(hub.values("spo2_pct")) == 2, "without a date two equal readings are two"


def test_the_memory_is_told_once_however_often_it_is_sent() -> None:
    clock = VirtualClock(NOON_LOCAL_S, 0)
    for cut in range(0, 66, 5):
        hub, device = Hub({}), NoninDevice(13, clock)
        for number in range(3):
            device.check(95 + number, 70 + number, 60_000 * number)
        stored = list(device.memory)
        device.received(hub.take(hub.driver.opened(180_000, None)), 180_000)
        sent = device.due(190_000)
        assert len(sent) == 66 and device.memory == []
        hub.hear(sent[:cut], 190_000)
        device.pull()
        hub.restart()
        device.memory = stored  # it does not know what came through, and sends all again
        device.received(hub.take(hub.driver.opened(200_000, None)), 200_000)
        hub.hear(device.due(210_000), 210_000)
        assert hub.values("spo2_pct") == [95, 96, 97], cut
        assert hub.values("stored") == [True, True, True]
        assert len([why for why, _ in hub.refused if why == REPEATED]) == (1 if cut >= 22 else 0), (
            "one reading, one word"
        )


def test_the_check_of_the_memory_sees_a_hub_that_forgets() -> None:
    hub = Hub({})
    data = spot(STAMP, 97, 72, status=0x0200 | FROM_MEMORY)
    hub.hear(data)
    hub.state = {}
    hub.restart()
    hub.hear(data)
    assert len(hub.values("spo2_pct")) == 2


def test_a_reading_sent_live_and_again_from_memory_is_one() -> None:
    hub = Hub({})
    hub.hear(spot(STAMP, 97, 72))
    hub.hear(spot(STAMP, 97, 72, status=0x0200 | FROM_MEMORY))
    hub.hear(spot(STAMP, 97, 73, status=0x0200 | FROM_MEMORY))
    assert hub.values("pulse_rate_bpm") == [72, 73] and hub.refused[0][0] == REPEATED


def test_stored_readings_are_dated_by_the_hub_and_then_the_clock_is_set() -> None:
    late_ms = 3_600_000  # its clock is an hour behind
    clock = VirtualClock(NOON_LOCAL_S - 3_600, 0)
    hub, device = Hub({}), NoninDevice(13, clock)
    device.check(94, 71, 0)
    now_ms = 7_200_000

    def turn(at_ms: int) -> None:
        answer = hub.take(hub.driver.due(at_ms, NOON_UTC_MS + at_ms))
        hub.hear(device.received(answer, at_ms) + device.due(at_ms), at_ms)

    hub.hear(device.received(hub.take(hub.driver.opened(now_ms, None)), now_ms), now_ms)
    turn(now_ms)
    assert hub.values("spo2_pct") == [94]
    stamp = hub.told[0].device_time
    assert stamp is not None and stamp.utc_ms is not None
    assert abs(stamp.utc_ms - NOON_UTC_MS) <= 3_000, "when it was by the hub's clock, whatever its own said"
    assert abs(clock.shown_ms(now_ms) - (1000 * NOON_LOCAL_S + now_ms - late_ms)) < 1000, (
        "not set while records may come"
    )
    turn(now_ms + 11_000)
    assert abs(clock.shown_ms(now_ms + 11_000) - (1000 * NOON_LOCAL_S + now_ms + 11_000)) <= 1_000
    assert [item.values for item in hub.told if item.kind == "device.described"]


def test_the_clock_of_a_device_that_shows_none_is_left_alone() -> None:
    hub = Hub({})
    assert hub.take(hub.driver.opened(0, None)) == nonin_spot.ASK_TIME
    assert hub.take(hub.driver.due(60_000, NOON_UTC_MS)) == b""
    assert hub.driver.next_due_ms(60_001) is not None


def test_the_format_is_chosen_where_that_is_asked_for_and_a_no_is_said() -> None:
    hub = Hub({"select": True})
    device = NoninDevice(2, VirtualClock(NOON_LOCAL_S, 0))
    answer = device.received(hub.take(hub.driver.opened(0, None)), 0)
    assert device.number == 13 and hub.hear(answer) == b"" and hub.refused == []
    stubborn = NoninDevice(8, format_fixed=True)
    hub.hear(stubborn.received(hub.take(hub.driver.opened(0, None)), 0))
    assert hub.refused == [(MALFORMED, "the device does not take data format 13")]
    streaming = Hub({"format": 7, "select": True})
    assert streaming.take(streaming.driver.opened(0, None)) == nonin_spot.encode_select(7)
    assert Hub({"format": 7}).driver.opened(0, None).send == []


def test_a_spot_check_behind_a_false_beginning_comes_when_the_line_is_quiet() -> None:
    hub = Hub({})
    false = b"\x00\x02\x00\x0d\x00\x40"  # announces 64 bytes that never come
    hub.hear(false + spot(STAMP, 97, 72), 1_000)
    assert hub.told == []
    due_ms = hub.driver.next_due_ms(1_000)
    assert due_ms is not None and due_ms <= 1_500
    hub.take(hub.driver.due(1_500, None))
    assert hub.values("spo2_pct") == [97] and hub.heard == 1


def test_commands_are_the_maker_s_own_examples() -> None:
    assert nonin_spot.encode_select(13).hex() == "027002020d03"
    assert nonin_spot.encode_set_time("2050-12-31T14:30:15").hex() == "027206320c1f0e1e0f03"
    assert nonin_spot.decode_time(bytes.fromhex("027206320c1f0e1e0f03")) == "2050-12-31T14:30:15"
    assert isinstance(refusal(nonin_spot.decode_time, b"\x02\x72\x00\x03"), DecodeError)
