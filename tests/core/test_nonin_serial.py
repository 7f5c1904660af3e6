"""Serial oximeters of Nonin: formats 2, 7, 8 and 13, held values, memory and clock."""

from gateway.core.devices import nonin_seconds, nonin_stream
from gateway.core.devices.driver import MALFORMED
from gateway.core.devices.nonin_serial import NoninSerial
from gateway.core.errors import DecodeError
from gateway.core.model import Absent
from tests.core.nonin_hub import Hub
from tests.core.vectors import refusal
from tools.simulators.noisy_bytes import NoisyBytes
from tools.simulators.nonin_serial import (
    ALARM,
    ARTIFACT,
    DISCONNECTED,
    GREEN,
    HELD_MS,
    NO_PULSE,
    NO_SPO2,
    OUT_OF_TRACK,
    RED,
    NoninDevice,
    packet,
    places,
    second,
)

GOOD = places(97, 72, 97, 72)


def with_packets(number: int, *statuses: int) -> Hub:
    """A hub that was sent a packet of each status, with good numbers in all of them."""
    hub = Hub({"format": number})
    hub.take(hub.driver.opened(0, None))
    for status in statuses:
        hub.hear(packet(number, GOOD, status))
    return hub


# --- formats 2 and 7 ------------------------------------------------------------------------------------------------


def test_a_packet_of_25_frames_is_one_measurement() -> None:
    for number in (2, 7):
        hub = with_packets(number, GREEN, GREEN)
        assert hub.told[0].values == {"spo2_pct": 97, "pulse_rate_bpm": 72, "oximeter_status": 0x83}
        assert len(hub.told) == 2 and hub.refused == [] and hub.heard == 2


def test_a_pulse_above_127_needs_both_bytes() -> None:
    for number in (2, 7):
        hub = Hub({"format": number})
        hub.hear(packet(number, places(88, 301, 88, 301)))
        assert hub.values("pulse_rate_bpm") == [301] and hub.values("implausible") == ["pulse_rate_bpm"]


def test_numbers_that_may_be_held_are_never_told_and_the_reason_is_once() -> None:
    for status, reason in (
        (DISCONNECTED, "sensor_off"),
        (ALARM, "no_finger"),
        (OUT_OF_TRACK, "searching"),
        (DISCONNECTED | ALARM | OUT_OF_TRACK, "sensor_off"),
    ):
        for number in (2, 7):
            hub = with_packets(number, GREEN, status, status, status, GREEN)
            assert hub.reasons() == [reason]
            assert [item.kind for item in hub.told] == [
                "oximetry.measured",
                "measurement.failed",
                "oximetry.measured",
            ]
            assert (
                "spo2_pct" not in hub.told[1].values
                and hub.told[1].values["oximeter_status"] == 0x81 | status
            )


def test_one_frame_in_alarm_is_enough_wherever_it_stands() -> None:
    whole = bytearray(packet(2, GOOD))
    for place in range(25):
        data = bytearray(whole)
        data[5 * place + 1] |= ALARM
        data[5 * place + 4] = (data[5 * place + 4] + ALARM) & 0xFF
        hub = Hub({"format": 2})
        hub.hear(bytes(data))
        assert hub.reasons() == ["no_finger"], place


def test_numbers_that_are_not_there_are_absent_and_without_any_there_is_no_measurement() -> None:
    hub = Hub({"format": 2})
    hub.hear(packet(2, places(NO_SPO2, 72, 97, 72)) + packet(2, places(NO_SPO2, NO_PULSE, 97, 72)))
    assert hub.told[0].values["spo2_pct"] == Absent("nan") and hub.told[0].values["pulse_rate_bpm"] == 72
    assert hub.reasons() == ["no_value"]


def test_an_artifact_and_a_poor_signal_are_questionable_and_a_middling_one_is_not() -> None:
    hub = with_packets(2, GREEN | ARTIFACT, RED, RED | GREEN, 0)
    assert hub.values("questionable") == [True, True, None, None]


def test_a_packet_that_breaks_off_is_given_up_and_the_next_one_counts() -> None:
    whole = packet(2, GOOD)
    hub = Hub({"format": 2})
    hub.hear(whole[:115] + whole)
    assert hub.values("spo2_pct") == [97]
    assert hub.refused == [(MALFORMED, "23 frames of a packet that broke off")]
    hub.hear(whole[5:] + whole)
    assert hub.values("spo2_pct") == [97, 97], "frames without a beginning are no packet"


def test_a_line_opened_anew_forgets_half_a_packet() -> None:
    whole = packet(7, GOOD)
    hub = Hub({"format": 7})
    hub.hear(whole[:60])
    hub.take(hub.driver.opened(0, None))
    hub.hear(whole[60:])
    assert hub.told == []
    hub.hear(whole)
    assert hub.values("spo2_pct") == [97]


def test_a_damaged_packet_is_never_a_measurement() -> None:
    for number in (2, 7):
        whole = packet(number, GOOD, GREEN)
        for at in range(len(whole)):
            hub = Hub({"format": number})
            hub.hear(whole[:at] + bytes([whole[at] ^ 0x04]) + whole[at + 1 :])
            assert hub.told == [], (number, at)


def test_a_low_battery_is_told_once_and_its_end_also_across_a_restart() -> None:
    hub = Hub({"format": 2})
    low = packet(2, places(97, 72, 97, 72, battery_low=True))
    hub.hear(low + low)
    hub.restart()
    hub.hear(low + packet(2, GOOD))
    assert [item.kind for item in hub.told if item.kind.startswith("battery")] == [
        "battery.low",
        "battery.restored",
    ]


def test_a_noisy_stream_brings_no_wrong_number_and_comes_back_at_once() -> None:
    for number in (2, 7):
        for seed in range(6):
            hub, noise = Hub({"format": number}), NoisyBytes(seed, flipped=40, lost=20, burst=20, piece=30)
            device = NoninDevice(number)
            device.finger(97, 72)
            for second_ms in range(0, 20_000, 1_000):
                for piece in noise.carry(device.due(second_ms)):
                    hub.hear(piece)
            assert noise.faults > 20 and hub.refused
            assert {str(value) for value in hub.values("spo2_pct")} <= {"97"}, seed
            assert {str(value) for value in hub.values("pulse_rate_bpm")} <= {"72"}, seed
            noise.quiet = True
            before = len(hub.told)
            for second_ms in range(20_000, 22_000, 1_000):
                for piece in noise.carry(device.due(second_ms)):
                    hub.hear(piece)
            assert len(hub.told) - before >= 4, "two packets of six may lie before the first whole one"


# --- format 8 -------------------------------------------------------------------------------------------------------


def test_format_8_counts_a_frame_that_follows_another() -> None:
    hub = Hub({"format": 8})
    hub.take(hub.driver.opened(0, None))
    hub.hear(second(97, 200) + second(96, 301))
    assert hub.values("spo2_pct") == [96] and hub.values("pulse_rate_bpm") == [301]
    hub.hear(b"\x33" + second(95, 70) + second(94, 70))
    assert hub.values("spo2_pct") == [96, 94], "the first one behind garbage shows that it is one"


def test_format_8_takes_held_numbers_back() -> None:
    hub = Hub({"format": 8})
    hub.hear(second(97, 72) + second(97, 72) + second(97, 72, last=0x08) + second(97, 72, first=0x20))
    assert hub.values("spo2_pct") == [97] and hub.reasons() == ["no_finger", "searching"]
    hub.hear(second(NO_SPO2, NO_PULSE) + second(97, 72, first=0x10) + second(97, 72, first=0x04))
    assert hub.reasons() == ["no_finger", "searching", "no_value"]
    assert hub.values("questionable") == [None, True, True]


def test_format_8_refuses_what_only_looks_like_it() -> None:
    for data in ("c0484800", "80c84800", "8048c800", "80486180", "80486140", "80486102", "804861"):
        assert isinstance(refusal(nonin_seconds.decode_second, bytes.fromhex(data)), DecodeError)
    hub = Hub({"format": 8})
    hub.hear(b"".join([packet(2, GOOD, GREEN, pleth) for pleth in range(0, 200, 20)]))
    assert hub.told == [] and hub.heard == 0, (
        "a stream of format 2 has bytes that pass for frames, but no two in a row"
    )


# --- a finger that leaves -------------------------------------------------------------------------------------------


def test_a_finger_that_leaves_is_told_at_once_and_no_number_after_that() -> None:
    for number in (2, 7, 8):
        hub, device = Hub({"format": number}), NoninDevice(number)
        device.finger(97, 72)
        hub.hear(device.due(5_000))
        before = len(hub.values("spo2_pct"))
        assert before > 3
        device.take_out(5_001)
        hub.hear(device.due(5_001 + HELD_MS // 2))
        hub.hear(device.due(5_001 + 2 * HELD_MS))
        assert len(hub.values("spo2_pct")) == before and hub.reasons()[0] == "no_finger", number
        device.finger(95, 80)
        hub.hear(device.due(40_000))
        assert hub.values("spo2_pct")[-1] == 95


def test_options_are_checked() -> None:
    for options, key in (
        ({"format": 9}, "format"),
        ({"format": "2"}, "format"),
        ({"format": True}, "format"),
        ({"select": 1}, "select"),
    ):
        wrong = NoninSerial.wrong_option(options)
        assert wrong is not None and wrong[0] == key, options
    assert NoninSerial.wrong_option({"format": 8, "select": True}) is None
    assert NoninSerial.wrong_option({}) is None


def test_a_frame_of_the_stream_is_refused_with_its_reason() -> None:
    for data, reason in (
        ("0181020000", "the checksum does not hold"),
        ("017f020082", "bit 7 of the status is clear"),
        ("0281010084", "no start byte"),
        ("01810100", "needs 5 bytes, found 4"),
    ):
        assert refusal(nonin_stream.FORMAT_2.decode, bytes.fromhex(data)).reason == reason
    assert nonin_stream.FORMAT_7.decode(bytes.fromhex("8112340fd6")).pleth == 0x1234
