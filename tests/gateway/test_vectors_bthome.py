"""Shared BTHome vectors through `trygg decode`: what bthome-ble and the specification expect of each row."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from gateway.core.devices.bthome_frame import decode_header, iso_utc
from gateway.core.devices.bthome_observer import base_of
from gateway.core.errors import DecodeError
from tests.gateway.decode_cli import decode_frame, trygg_decode
from tests.gateway.shared_vectors import compare, rows_of

# Row: (our reading, why it is not the expected one).
READ_DIFFERENTLY: dict[str, tuple[dict[str, Any], str]] = {
    "test_identical_packet_id#2 400008": (
        {"sensors": {"packet_id": (8, None)}, "binary": {}, "events": {}, "sleepy": False},
        "bthome-ble shows its sensor's state, in which the packet before (9) stays; `trygg decode` shows the frame",
    ),
}

# Our value name: (what bthome-ble calls it, its unit there).
SENSORS = {
    "packet_id": ("packet_id", None),
    "battery_pct": ("battery", "%"),
    "temperature_c": ("temperature", "°C"),
    "humidity_pct": ("humidity", "%"),
    "pressure_hpa": ("pressure", "mbar"),
    "illuminance_lx": ("illuminance", "lx"),
    "mass_kg": ("mass", "kg"),
    "mass_lb": ("mass", "lb"),
    "dewpoint_c": ("dew_point", "°C"),
    "count": ("count", None),
    "energy_kwh": ("energy", "kWh"),
    "power_w": ("power", "W"),
    "voltage_v": ("voltage", "V"),
    "pm2_5_ug_m3": ("pm25", "µg/m³"),
    "pm10_ug_m3": ("pm10", "µg/m³"),
    "co2_ppm": ("carbon_dioxide", "ppm"),
    "tvoc_ug_m3": ("volatile_organic_compounds", "µg/m³"),
    "moisture_pct": ("moisture", "%"),
    "rotation_deg": ("rotation", "°"),
    "distance_mm": ("distance", "mm"),
    "distance_m": ("distance", "m"),
    "duration_s": ("duration", "s"),
    "current_a": ("current", "A"),
    "speed_m_s": ("speed", "m/s"),
    "speed_signed_m_s": ("speed", "m/s"),
    "uv_index": ("uv_index", None),
    "volume_l": ("volume", "L"),
    "volume_ml": ("volume", "mL"),
    "volume_storage_l": ("volume_storage", "L"),
    "volume_flow_rate_m3_h": ("volume_flow_rate", "m³/h"),
    "gas_m3": ("gas", "m³"),
    "water_l": ("water", "L"),
    "timestamp": ("timestamp", None),
    "acceleration_m_s2": ("acceleration", "m/s²"),
    "acceleration_signed_m_s2": ("acceleration", "m/s²"),
    "gyroscope_deg_s": ("gyroscope", "°/s"),
    "text": ("text", None),
    "raw": ("raw", None),
    "conductivity_us_cm": ("conductivity", "µS/cm"),
    "direction_deg": ("direction", "°"),
    "precipitation_mm": ("precipitation", "mm"),
    "channel": ("channel", None),
    "rotational_speed_rpm": ("rotational_speed", "rpm"),
    "light_level": ("light_level", None),
    "settings_revision": ("settings_revision", None),
}
BINARY = {"generic_boolean": "generic", "battery": "battery"}


def as_number(value: Any) -> Any:
    """Floats of the file by their digits; a text stays a text."""
    return (
        Decimal(str(value))
        if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
        else value
    )


def upstream_form(values: dict[str, Any], trigger: bool) -> dict[str, Any]:
    """Our values as bthome-ble groups and names them; it numbers from 1 what comes more than once."""
    form: dict[str, Any] = {"sensors": {}, "binary": {}, "events": {}, "sleepy": trigger}
    rows = []
    for name, value in values.items():
        base = name if name in SENSORS else base_of(name)
        if isinstance(value, bool):
            rows.append(("binary", BINARY.get(base, base), value))
        elif base in SENSORS:
            rows.append(("sensors", SENSORS[base][0], (as_number(value), SENSORS[base][1])))
        elif not base.endswith("_steps"):
            steps = {"steps": values[f"{base}_steps{name[len(base) :]}"]} if base == "dimmer" else None
            rows.append(("events", base, (value, steps)))
    places = [(group, name) for group, name, _ in rows]
    for index, (group, name, value) in enumerate(rows):
        number = places[: index + 1].count((group, name))
        repeated = places.count((group, name)) > 1
        if group != "events" or value[0] != "none":
            form[group][f"{name}_{number}" if repeated else name] = value
    return form


def expected_form(expect: dict[str, Any]) -> dict[str, Any]:
    """What a row of bthome-ble's own tests expects."""
    return {
        "sensors": {name: (as_number(s["value"]), s["unit"]) for name, s in expect["sensors"].items()},
        "binary": expect["binary"],
        "events": {name: (event["event_type"], event["props"]) for name, event in expect["events"].items()},
        "sleepy": expect.get("sleepy(trigger_based)", False),
    }


def is_triggered(data: bytes) -> bool:
    try:
        return decode_header(data).trigger
    except DecodeError:
        return False


def our_form(row: dict[str, Any]) -> dict[str, Any]:
    answer = decode_frame(row)
    assert answer.status == (1 if "error" in answer.line else 0)
    return upstream_form(answer.line.get("values", {}), is_triggered(bytes.fromhex(row["service_data_hex"])))


def name_of(row: dict[str, Any]) -> str:
    return row["source"].rsplit("::", 1)[-1] + " " + row["service_data_hex"]


def test_every_plain_row_reads_as_bthome_ble_does_or_as_the_table_says() -> None:
    rows = rows_of("bthome_v2.jsonl")
    assert len(rows) == 89
    compare(
        rows,
        {name_of(row): our_form(row) for row in rows},
        {name_of(row): expected_form(row["expect"]) for row in rows},
        READ_DIFFERENTLY,
    )


def test_every_encrypted_row_opens_or_is_refused_as_expected() -> None:
    rows = rows_of("bthome_v2_encrypted.jsonl")
    assert len(rows) == 11
    for row in rows:
        answer, expect = decode_frame(row), row["expect"]
        if "values" in expect:
            found = {base.rsplit("_", 1)[0]: value for base, value in answer.line["values"].items()}
            found = answer.line["values"] if "motion" in expect["values"] else found
            assert {name: as_number(value) for name, value in found.items()} == {
                name: as_number(value) if name != "motion" else True
                for name, value in expect["values"].items()
            }
            continue
        assert our_form(row) == expected_form(expect), row["source"]
        # A frame that is not authentic, and a plain one of a sensor with a key, must be refused, not merely empty.
        authentic = row.get("independent_check", {"authentic": False})["authentic"]
        assert answer.status == (0 if authentic else 1)
        assert ("error" in answer.line) is not authentic


def test_an_encrypted_row_under_another_key_is_refused() -> None:
    for row in rows_of("bthome_v2_encrypted.jsonl"):
        answer = decode_frame({**row, "bindkey_hex": "00" * 16})
        assert answer.status == 1 and set(answer.line) == {"error", "offset"}


def snake_name(expect: dict[str, Any]) -> str:
    """Our rule for a name, applied to the page: property in snake case, then its unit once."""
    unit = {
        "%": "pct",
        "°": "deg",
        "°C": "c",
        "°/s": "deg_s",
        "m/s²": "m_s2",
        "m3/hr": "m3_h",
        "µS/cm": "us_cm",
    }
    text = expect["property"].lower()
    suffix = unit.get(expect.get("unit", ""), expect.get("unit", "").lower().replace("/", "_"))
    text = text.replace(f"({expect.get('unit', '').lower()})", "")
    return "_".join(re.findall("[a-z0-9]+", text) + ([suffix] if suffix else []))


def test_every_object_of_the_specification_reads_as_its_example() -> None:
    rows = rows_of("bthome_v2_spec_objects.jsonl")
    assert len(rows) == 107
    for row in rows:
        expect = row["expect"]
        answer = trygg_decode("ble-adv", "--uuid", "fcd2", "40" + row["object_hex"])
        assert answer.status == 0 and answer.errors == ""
        values = answer.line["values"]
        if "property" in expect:
            check_property(row["object_hex"], expect, values)
        else:
            check_event(row["object_hex"], expect, values)


def check_property(object_hex: str, expect: dict[str, Any], values: dict[str, Any]) -> None:
    """Name, value, and as many digits as the factor has."""
    name, result = snake_name(expect), expect["result"]
    assert list(values) == [name]
    value = values[name]
    if "False =" in result:
        assert value is (object_hex[2:] == "01")
    elif name == "timestamp":  # the page: "Sunday 2023-05-14 19:41:17 (GMT)" for this example
        assert value == "2023-05-14T19:41:17+00:00"
    elif name == "light_level":
        assert value == 2
    elif name in ("text", "firmware_version"):
        assert value == result
    elif name == "raw":
        assert value == result.replace(" ", "")
    else:
        assert value == Decimal(result)
        digits = -Decimal(expect.get("factor", "1")).as_tuple().exponent  # type: ignore[operator]
        assert digits == (-value.as_tuple().exponent if isinstance(value, Decimal) else 0)


def check_event(object_hex: str, expect: dict[str, Any], values: dict[str, Any]) -> None:
    """A word in snake case and, where the example has one, the number behind it."""
    thing = {"3a": "button", "3b": "command", "3c": "dimmer"}[object_hex[:2]]
    assert values.pop(thing) == expect["event_type"].lower().replace(" ", "_")
    number = re.search("[0-9]+", expect["result"])
    steps = values.pop(f"{thing}_steps", None)
    assert values == {} and (steps or None) == (int(number.group()) if number else None)


def test_every_day_of_a_timestamp_is_that_of_the_calendar() -> None:
    for day in range((1 << 32) // 86_400):
        seconds = day * 86_400 + day % 86_400
        assert iso_utc(seconds) == datetime.fromtimestamp(seconds, UTC).isoformat()


def test_a_row_that_is_read_wrong_or_exempt_without_need_fails() -> None:
    rows = [{"row": 1}, {"row": 2}]
    ours, theirs = {"one": 1, "two": 2}, {"one": 1, "two": 3}
    compare(rows, ours, theirs, {"two": (2, "why")})
    for known in (
        {},
        {"one": (1, "agrees"), "two": (2, "why")},
        {"two": (9, "reads otherwise")},
        {"three": (3, "gone")},
    ):
        with pytest.raises(AssertionError):
            compare(rows, ours, theirs, known)
