"""`trygg decode`: its lines to the letter, its exit status, and what it makes of a wrong command line."""

from typing import Any

import pytest

from gateway.core.model import Absent, Decimal
from gateway.daemon.json_text import dumps
from tests.core.bthome_sensor import ADDRESS, KEY, encrypted, plain
from tests.core.vectors import load
from tests.gateway.decode_cli import Answer, trygg_decode

FRAME = ["ble-adv", "--address", "AA:BB:CC:DD:EE:FF", "--uuid", "fcd2"]
KEYED = ["ble-adv", "--address", ADDRESS, "--uuid", "fcd2", "--key", KEY.hex()]


def keyed_lines(*frames: bytes) -> Answer:
    """Frames of one sensor, one a line on standard input."""
    return trygg_decode(*KEYED, "-", stdin=b"".join(frame.hex().encode() + b"\n" for frame in frames))


EXACTLY = [
    ([*FRAME, "400061"], '{"kind": "bthome.frame", "values": {"packet_id": 97}}'),
    (
        [*FRAME, "40", "02 c4 09", "03bf13", "2901"],
        '{"kind": "bthome.frame", "values": {"temperature_c": 25.00, "humidity_pct": 50.55, "smoke": true}}',
    ),
    (
        [*FRAME, "4058ea58 00"],
        '{"kind": "bthome.frame", "values": {"temperature_c": -7.70, "temperature_c_2": 0.00}}',
    ),
    (
        [*FRAME, "44530672c3b8796b225401ff"],
        '{"kind": "bthome.frame", "values": {"text": "røyk\\"", "raw": "ff"}}',
    ),
    (
        ["gatt", "2a5f", "00caf3d0f2"],
        '{"kind": "oximetry.measured", "values": {"spo2_pct": 97.0, "pulse_rate_bpm": 72.0}}',
    ),
    (
        ["gatt", "2a5f", "00 61 00", "48 00"],
        '{"kind": "oximetry.measured", "values": {"spo2_pct": 97, "pulse_rate_bpm": 72}}',
    ),
    (
        ["gatt", "2A5E", "01fe0702080000000000003b"],
        (
            '{"kind": "measurement.failed", "values": {"spo2_pct": "+Infinity", "pulse_rate_bpm": "-Infinity", '
            '"reason": "no_value", "timestamp": "0000-00-00T00:00:59", "clock_not_set": false}}'
        ),
    ),
    (
        ["gatt", "0x2a5f", "03ff07000801086000fe07 4900"],
        (
            '{"kind": "oximetry.measured", "values": {"spo2_pct": "NaN", "pulse_rate_bpm": "NRes", '
            '"spo2_fast_pct": "Reserved", "pulse_rate_fast_bpm": 96, "spo2_slow_pct": "+Infinity", '
            '"pulse_rate_slow_bpm": 73}}'
        ),
    ),
    (
        ["gatt", "00002a60-0000-1000-8000-00805f9b34fb", "a3004010800100"],
        (
            '{"kind": "device.described", "values": {"features": 163, "measurement_status_support": 4160, '
            '"sensor_status_support": 384}}'
        ),
    ),
    (["gatt", "2a19", "33"], '{"kind": "battery.measured", "values": {"battery_pct": 51}}'),
    (
        ["gatt", "2a35", "1e8a0058006900ea070b1c070f1e4800020100"],
        (
            '{"kind": "blood_pressure.measured", "values": {"systolic_mmhg": 138, "diastolic_mmhg": 88, '
            '"mean_mmhg": 105, "pulse_rate_bpm": 72, "user_index": 2, "cuff_status": 1, "questionable": true, '
            '"timestamp": "2026-11-28T07:15:30", "clock_not_set": false}}'
        ),
    ),
    (["gatt", "2a36", "006e00ff07ff07"], '{"kind": "blood_pressure.progress", "values": {"cuff_mmhg": 110}}'),
    (
        ["gatt", "2a1c", "04740e00fe03"],
        '{"kind": "temperature.measured", "values": {"temperature_c": 37.00, "body_site": "ear"}}',
    ),
    (["gatt", "2a9d", "009a38"], '{"kind": "weight.measured", "values": {"weight_kg": 72.450}}'),
    (["gatt", "2a9d", "00ffff"], '{"kind": "measurement.failed", "values": {"reason": "unsuccessful"}}'),
    (
        ["gatt", "2a37", "104800040003"],
        '{"kind": "heart_rate.measured", "values": {"heart_rate_bpm": 72, "rr_intervals": "1024,768"}}',
    ),
    (["gatt", "2a49", "3f00"], '{"kind": "device.described", "values": {"features": 63}}'),
    (["gatt", "2a29", "4e6f6e696e00"], '{"kind": "device.described", "values": {"maker": "Nonin"}}'),
    (
        ["gatt", "2a50", "01590002000301"],
        (
            '{"kind": "device.described", "values": {"vendor_id_source": 1, "vendor_id": 89, "product_id": 2, '
            '"product_version": 259}}'
        ),
    ),
]

REFUSED = [
    ([*FRAME, ""], '{"error": "no info byte: the frame is empty", "offset": 0}'),
    ([*FRAME, "20"], '{"error": "BTHome version 1 in the info byte, expected 2", "offset": 0}'),
    ([*FRAME, "4029"], '{"error": "smoke at byte 1 is cut off: 1 bytes are missing", "offset": 2}'),
    (
        [*FRAME, "41a47266c95f730011223378237214"],
        '{"error": "the frame is encrypted: give the device\'s key with --key", "offset": 0}',
    ),
    ([*KEYED, "4002c409"], '{"error": "a plain frame from a device that has a key", "offset": 0}'),
    (
        [*KEYED, "41a47266c95f730011223378237215"],
        '{"error": "the tag does not hold: another key or address, or not from this device", "offset": 11}',
    ),
    (["gatt", "2a5f", ""], '{"error": "no flags: the value is empty", "offset": 0}'),
    (["gatt", "2a5f", "0161004800"], '{"error": "spo2_fast_pct needs 4 bytes, 0 left", "offset": 5}'),
    (["gatt", "2a9d", "0f643f"], '{"error": "timestamp needs 7 bytes, 0 left", "offset": 3}'),
    (["gatt", "2a19", "65"], '{"error": "battery level 101 is reserved, expected 0 to 100", "offset": 0}'),
    (["gatt", "2a23", "00"], '{"error": "system id needs 8 bytes, 1 left", "offset": 1}'),
]

WRONG = [
    ([], "SORT"),
    (["ble-adv", "--uuid", "fcd2"], "HEX"),
    ([*FRAME[:-1], "fe95", "40"], "expected one of fcd2"),
    (["ble-adv", "--uuid", "fcd2", "--address", "AA:BB", "40"], "an address like AA:BB:CC:DD:EE:FF"),
    (["ble-adv", "--uuid", "fcd2", "--key", KEY.hex(), "40"], "--key needs --address"),
    ([*FRAME, "--key", "secret", "40"], "expected 32 hex digits"),
    ([*FRAME, "4g"], "found 'g' among the hex digits"),
    ([*FRAME, "400"], "expected two for each byte"),
    (
        ["gatt", "2a6e", "00"],
        "expected one of 2a5e, 2a5f, 2a60, 0aad7ea0-0d60-11e2-8e3c-0002a5d5c51b, 2a18, 2a1c",
    ),
    (["serial", "nonin", "00"], "invalid choice"),
]


@pytest.mark.parametrize(("arguments", "line"), EXACTLY)
def test_a_line_is_written_exactly_so(arguments: list[str], line: str) -> None:
    answer = trygg_decode(*arguments)
    assert (answer.text, answer.status, answer.errors) == (line + "\n", 0, "")
    assert trygg_decode(*arguments[:1], "--json", *arguments[1:]) == answer


@pytest.mark.parametrize(("arguments", "line"), REFUSED)
def test_a_refused_input_is_one_line_and_status_1(arguments: list[str], line: str) -> None:
    answer = trygg_decode(*arguments)
    assert (answer.text, answer.status, answer.errors) == (line + "\n", 1, "")


@pytest.mark.parametrize(("arguments", "says"), WRONG)
def test_a_wrong_command_line_is_status_2_and_says_what_is_expected(arguments: list[str], says: str) -> None:
    answer = trygg_decode(*arguments)
    assert answer.status == 2 and answer.text == ""
    assert says in answer.errors
    assert "secret" not in answer.errors.replace("a secret", "")


def test_frames_from_standard_input_share_the_counter() -> None:
    door, closed = encrypted("1a01", 7), encrypted("1a00", 8)
    answer = keyed_lines(door, door, closed, encrypted("1a01", 7), encrypted("1a01", 6), encrypted("1a01", 9))
    assert answer.status == 1
    assert [line.get("values") for line in answer.lines] == [
        {"door": True},
        None,
        {"door": False},
        None,
        None,
        {"door": True},
    ]
    assert answer.lines[1] == {"error": "counter 7 did not rise above 7", "offset": 3}
    assert answer.lines[4] == {"error": "counter 6 did not rise above 8", "offset": 3}


def test_frames_that_rise_are_all_read_and_status_is_0() -> None:
    answer = keyed_lines(*[encrypted("1a01", counter) for counter in range(1, 6)])
    assert answer.status == 0 and len(answer.lines) == 5


def test_an_alarm_in_a_refused_frame_is_shown_with_its_provenance_beside_the_error() -> None:
    smoke = encrypted("1a012901", 5)
    answer = keyed_lines(smoke, smoke, plain("0164" + "2901" + "3a01"), plain("2900"))
    assert answer.lines[1] == {
        "kind": "bthome.frame",
        "values": {"smoke": True},
        "provenance": 2,
        "error": "counter 5 did not rise above 5",
        "offset": 5,
    }
    assert answer.lines[2]["values"] == {"smoke": True, "button": "press"}
    assert answer.lines[2]["provenance"] == 1
    assert set(answer.lines[3]) == {"error", "offset"} and answer.status == 1


def test_a_line_of_standard_input_that_is_no_hex_does_not_end_the_rest() -> None:
    answer = trygg_decode(*FRAME, "-", stdin=b"40 1a 01\n\nnot hex\n401\n\xff\xfe\n401a00")
    assert [("values" in line, "error" in line) for line in answer.lines] == [
        (True, False),
        (False, True),
        (False, True),
        (False, True),
        (True, False),
    ]
    assert answer.status == 1


def test_values_of_a_characteristic_come_from_standard_input_too() -> None:
    answer = trygg_decode("gatt", "2a19", "-", stdin=b"32\n64\n65\n")
    assert [line.get("values") for line in answer.lines] == [{"battery_pct": 50}, {"battery_pct": 100}, None]


def test_nothing_on_standard_input_is_nothing_and_status_0() -> None:
    assert trygg_decode(*FRAME, "-") == Answer(0, "", "")


def test_what_is_met_and_not_read_is_said_beside_the_output() -> None:
    unknown = trygg_decode(*FRAME, "400161fe00")
    assert unknown.line["values"] == {"battery_pct": 97} and unknown.status == 0
    assert "0xfe is not known" in unknown.errors and "(byte 3)" in unknown.errors
    cut = trygg_decode(*FRAME, "400161290102ca")
    assert cut.line["values"] == {"battery_pct": 97, "smoke": True} and cut.status == 0
    assert "is cut off" in cut.errors
    odd = trygg_decode("gatt", "2a5f", "e061004800ff")
    assert "0xe0" in odd.errors and "1 bytes behind the last field" in odd.errors


def test_offsets_within_an_encrypted_frame_are_those_of_the_frame() -> None:
    answer = keyed_lines(encrypted("29", 5))
    assert answer.line == {"error": "smoke at byte 1 is cut off: 1 bytes are missing", "offset": 2}


def test_json_keeps_digits_order_and_reasons() -> None:
    value = {
        "b": Decimal(-5, -3),
        "a": [Decimal(1, 2), Absent("nan"), Absent("other")],
        "æ": None,
        "h": b"\x00\xff",
    }
    assert dumps(value) == '{"b": -0.005, "a": [100, "NaN", "other"], "æ": null, "h": "00ff"}'


DISPENSER = load("dispenser.json")


def said(answer: Answer) -> list[tuple[Any, Any]]:
    """Kinds and values of the lines, without the device's own stamp."""
    stamps = ("timestamp", "clock_not_set")
    lines = [(line["kind"], line["values"]) for line in answer.lines if "kind" in line]
    return [(kind, {name: values[name] for name in values if name not in stamps}) for kind, values in lines]


def test_a_stream_of_the_dispenser_gives_its_observations_in_order() -> None:
    stream = "".join(str(row["line"]) for row in DISPENSER["conversation"])
    expected = [(item["kind"], item["values"]) for row in DISPENSER["conversation"] for item in row["says"]]  # type: ignore[attr-defined]
    answer = trygg_decode("serial", "dispenser", stream)
    assert (answer.status, said(answer)) == (0, expected)
    assert {"dose.collected", "dose.missed", "battery.measured"} <= {kind for kind, _ in expected}
    assert trygg_decode("serial", "dispenser", "-", stdin=stream.encode()) == answer


def test_a_refused_frame_of_the_dispenser_does_not_end_the_stream() -> None:
    good, bad = str(DISPENSER["conversation"][1]["line"]), str(DISPENSER["refused"][0]["line"])
    answer = trygg_decode("serial", "dispenser", good, bad, good)
    assert answer.status == 1
    assert ["error" in line for line in answer.lines] == [False, True, False]
    assert answer.lines[1]["offset"] > len(good) // 2
