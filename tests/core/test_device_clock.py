"""A device's clock held against the hub's: offsets, stamps, and what is written."""

from gateway.core.devices.device_clock import (
    AGAIN_MS,
    LIVE_MS,
    LONGEST_MS,
    READ_MS,
    UNTRUSTED_AGAIN_MS,
    DeviceClock,
    decode_current_time,
    encode_current_time,
    stamp_ms,
)
from gateway.core.devices.measurement import decode_date_time
from gateway.core.model import DeviceTime
from gateway.core.timezone import date_of, days_of, local_ms
from tests.core.vectors import refusal

OSLO = "Europe/Oslo"
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
# 2026-01-15 12:00:00 UTC, a Thursday in winter: 13:00 in Oslo; uptime then is 50 s.
NOON_UTC_MS, NOW_MS = 1_768_478_400_000, 50_000
NOON_OSLO_MS = NOON_UTC_MS + HOUR_MS


def clock_showing(at_ms: int, served: bool = True, utc_ms: "int | None" = NOON_UTC_MS) -> DeviceClock:
    """A fresh connection to a device that shows `at_ms` at NOW_MS."""
    clock = DeviceClock(OSLO)
    clock.begin(served)
    clock.take(encode_current_time(at_ms), NOW_MS)
    clock.look(NOW_MS, utc_ms)
    return clock


def stamp_of(at_ms: int) -> DeviceTime:
    return decode_date_time(encode_current_time(at_ms)[:7])


def dated(
    clock: DeviceClock, at_ms: int, now_ms: int = NOW_MS, shift_ms: int = 0
) -> "tuple[int | None, int | None]":
    stamp = stamp_of(at_ms)
    clock.date(stamp, now_ms, shift_ms)
    return stamp.utc_ms, stamp.uncertainty_ms


def test_ten_bytes_of_current_time() -> None:
    assert encode_current_time(NOON_OSLO_MS + 500).hex() == "ea07010f0d0000048002"
    shown = decode_current_time(bytes.fromhex("e10701040b262d030102"))
    assert (shown.raw, shown.day_of_week, shown.fraction_256, shown.adjust_reason) == (
        "2017-01-04T11:38:45",
        3,
        1,
        2,
    )
    assert shown.at_ms == 1_483_529_925_000 + 3
    assert decode_current_time(bytes.fromhex("00000000000000000000")).at_ms is None
    error = refusal(decode_current_time, bytes(9))
    assert "current time needs 10 bytes" in error.reason and error.offset == 9


def test_what_is_written_reads_back_on_every_day_of_forty_years() -> None:
    day = days_of(2000, 1, 1)
    for number in range(0, 40 * 366, 7):
        at_ms = (day + number) * DAY_MS + number * 7_919_000 % DAY_MS
        value = encode_current_time(at_ms)
        shown = decode_current_time(value)
        assert len(value) == 10 and shown.at_ms == at_ms // 1000 * 1000
        assert shown.day_of_week == (day + number + 3) % 7 + 1


def test_dates_are_the_inverse_of_days() -> None:
    for year, month, last in (
        (1582, 12, 31),
        (1970, 1, 31),
        (2000, 2, 29),
        (2026, 2, 28),
        (2028, 2, 29),
        (9999, 12, 31),
    ):
        for day in (1, last):
            assert date_of(days_of(year, month, day)) == (year, month, day)
        assert date_of(days_of(year, month, last) + 1)[2] == 1


def test_a_stamp_that_is_no_date_gives_no_time() -> None:
    for hex_ in (
        "e20702001f000000",
        "e207020f18000000",
        "e2070d01000000",
        "e207021e000000",
        "ffff0101000000",
        "01000101000000",
    ):
        assert stamp_ms(decode_date_time(bytes.fromhex(hex_)[:7])) is None, hex_
    assert stamp_ms(decode_date_time(bytes.fromhex("e207021c173b3b"))) == 1_519_862_399_000
    assert stamp_ms(DeviceTime("41/900/1700000000000", 1)) is None, "a dispenser's"


def test_local_time_follows_the_zone_and_its_summer() -> None:
    assert local_ms(NOON_UTC_MS, OSLO) == NOON_OSLO_MS
    assert local_ms(NOON_UTC_MS + 181 * DAY_MS, OSLO) == NOON_UTC_MS + 181 * DAY_MS + 2 * HOUR_MS
    assert local_ms(NOON_UTC_MS, "Mars/Olympus") == NOON_UTC_MS


def test_the_offset_found_is_that_to_local_time() -> None:
    for ahead_ms in (0, 1_000, -90_000, HOUR_MS, -26 * 365 * DAY_MS):
        assert clock_showing(NOON_OSLO_MS + ahead_ms).offset_ms(NOW_MS) == ahead_ms
    assert clock_showing(NOON_OSLO_MS, utc_ms=None).offset_ms(NOW_MS) is None


def test_a_stamp_is_corrected_by_the_offset_whatever_the_clock_is_set_to() -> None:
    lost_ms = days_of(2000, 1, 1) * DAY_MS + 40 * 60_000
    for shown_ms in (NOON_OSLO_MS, NOON_OSLO_MS - HOUR_MS, lost_ms):
        clock = clock_showing(shown_ms)
        assert dated(clock, shown_ms - 30 * 60_000) == (NOON_UTC_MS - 30 * 60_000, READ_MS + 180)
        assert dated(clock, shown_ms - 60_000, NOW_MS + 5_000) == (NOON_UTC_MS - 60_000, READ_MS + 6)


def test_the_offset_of_a_meter_is_added_to_its_stamps() -> None:
    clock = clock_showing(NOON_OSLO_MS)
    assert dated(clock, NOON_OSLO_MS - 6 * HOUR_MS, shift_ms=5 * HOUR_MS)[0] == NOON_UTC_MS - HOUR_MS


def test_a_stamp_of_another_run_of_the_clock_gets_no_time() -> None:
    clock = clock_showing(NOON_OSLO_MS)
    assert dated(clock, NOON_OSLO_MS + 1_000)[0] == NOON_UTC_MS, "rounding"
    for at_ms in (NOON_OSLO_MS + 3_000, NOON_OSLO_MS + 365 * DAY_MS, NOON_OSLO_MS - LONGEST_MS - 1_000):
        assert dated(clock, at_ms) == (None, None)
    assert dated(clock_showing(NOON_OSLO_MS, utc_ms=None), NOON_OSLO_MS) == (None, None)
    unset = DeviceClock(OSLO)
    unset.begin(True)
    unset.look(NOW_MS, NOON_UTC_MS)
    assert dated(unset, NOON_OSLO_MS) == (None, None)


def test_a_clock_that_is_off_is_told_and_set_and_one_that_is_right_is_left() -> None:
    clock = clock_showing(NOON_OSLO_MS - HOUR_MS)
    assert clock.is_ready()
    told, value = clock.settle(NOW_MS)
    assert told is not None and told.kind == "device.described"
    assert told.values == {"device_clock_offset_ms": -HOUR_MS}
    assert value == encode_current_time(NOON_OSLO_MS) and not clock.is_ready()
    assert clock.offset_ms(NOW_MS) == 0
    right = clock_showing(NOON_OSLO_MS + 2_000)
    assert right.settle(NOW_MS)[1] == b""
    assert clock_showing(NOON_OSLO_MS + 2_010).settle(NOW_MS)[1] != b""


def test_a_clock_without_a_date_is_set_and_one_that_is_not_served_is_not() -> None:
    clock = DeviceClock(OSLO)
    clock.begin(True)
    clock.look(NOW_MS, NOON_UTC_MS)
    clock.take(bytes(10), NOW_MS)
    assert clock.settle(NOW_MS) == (None, encode_current_time(NOON_OSLO_MS))
    live = DeviceClock(OSLO)
    live.begin(False)
    live.look(NOW_MS, NOON_UTC_MS)
    live.take_live(stamp_of(NOON_OSLO_MS + HOUR_MS), NOW_MS)
    told, value = live.settle(NOW_MS)
    assert told is not None and told.values == {"device_clock_offset_ms": HOUR_MS} and value == b""
    assert dated(live, NOON_OSLO_MS) == (NOON_UTC_MS - HOUR_MS, LIVE_MS + 360)


def test_the_stamp_of_a_live_reading_does_not_count_beside_the_clock_itself() -> None:
    clock = clock_showing(NOON_OSLO_MS)
    clock.take_live(stamp_of(NOON_OSLO_MS - HOUR_MS), NOW_MS)
    assert clock.offset_ms(NOW_MS) == 0


def test_the_clock_of_a_hub_that_does_not_know_the_time_sets_nobody_elses() -> None:
    clock = clock_showing(NOON_OSLO_MS - HOUR_MS, utc_ms=None)
    assert not clock.is_ready() and clock.settle(NOW_MS) == (None, b"")
    assert clock.due_ms() == NOW_MS + UNTRUSTED_AGAIN_MS
    clock.look(NOW_MS + 60_000, NOON_UTC_MS + 60_000)
    assert clock.is_ready() and clock.offset_ms(NOW_MS) == -HOUR_MS
    assert clock.due_ms() == NOW_MS + 60_000 + AGAIN_MS


def test_an_offset_is_told_again_only_when_it_has_changed() -> None:
    clock = clock_showing(NOON_OSLO_MS + 5_000)
    assert clock.settle(NOW_MS)[0] is not None
    for ahead_ms, news in ((5_000, False), (64_000, False), (65_000, True), (65_000, False), (4_000, True)):
        clock = DeviceClock(OSLO, clock.state())
        clock.begin(True)
        clock.take(encode_current_time(NOON_OSLO_MS + ahead_ms), NOW_MS)
        clock.look(NOW_MS, NOON_UTC_MS)
        assert (clock.settle(NOW_MS)[0] is not None) == news, ahead_ms


def test_a_refused_setting_is_never_tried_again_even_after_a_restart() -> None:
    clock = clock_showing(NOON_OSLO_MS - HOUR_MS)
    assert clock.settle(NOW_MS)[1]
    clock.denied()
    assert clock.offset_ms(NOW_MS) == -HOUR_MS, "it shows what it showed"
    assert dated(clock, NOON_OSLO_MS - 2 * HOUR_MS)[0] == NOON_UTC_MS - HOUR_MS
    again = DeviceClock(OSLO, clock.state())
    again.begin(True)
    again.take(encode_current_time(NOON_OSLO_MS - HOUR_MS), NOW_MS)
    again.look(NOW_MS, NOON_UTC_MS)
    assert again.settle(NOW_MS)[1] == b"" and again.offset_ms(NOW_MS) == -HOUR_MS


def test_stamps_from_before_the_hub_set_the_clock_get_no_time_any_more() -> None:
    clock = clock_showing(NOON_OSLO_MS - HOUR_MS)
    clock.settle(NOW_MS)
    after = DeviceClock(OSLO, clock.state())
    after.begin(True)
    after.take(encode_current_time(NOON_OSLO_MS + HOUR_MS), NOW_MS + HOUR_MS)
    after.look(NOW_MS + HOUR_MS, NOON_UTC_MS + HOUR_MS)
    assert dated(after, NOON_OSLO_MS + 60_000, NOW_MS + HOUR_MS)[0] == NOON_UTC_MS + 60_000
    assert dated(after, NOON_OSLO_MS - 60_000, NOW_MS + HOUR_MS) == (None, None)
