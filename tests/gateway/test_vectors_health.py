"""Shared vectors of blood pressure, thermometer, weight scale and heart rate."""

from decimal import Decimal
from typing import Any

from tests.gateway.decode_cli import REFUSED, decoded_value, number
from tests.gateway.shared_vectors import compare, rows_of

ROWS = {"2A35": 6, "2A1C": 4, "2A9D": 8, "2A37": 6, "2A49": 4, "2A9E": 4}
NO_CONTACT = "the row is silent of the flags: contact is told of and there is none (HRS 1.0, 3.1.1.1)"
# Row: (our reading, why it is not the expected one). docs/devices.md has the same table for people.
READ_DIFFERENTLY: dict[str, tuple[dict[str, Any], str]] = {
    "2A1C 00ffff7f00": (
        {"temperature_c": "NaN", "reason": "no_value"},
        "a temperature that is no number is a measurement that failed, and says so",
    ),
    "2A37 044a": ({"heart_rate_bpm": Decimal(74), "skin_contact": False}, NO_CONTACT),
    "2A37 144a0d03": (
        {"heart_rate_bpm": Decimal(74), "skin_contact": False, "rr_intervals": "781"},
        NO_CONTACT,
    ),
}

WEIGHT_UNITS = {"KG": ("weight_kg", "height_m"), "LB": ("weight_lb", "height_in")}
MARKS = ("questionable", "implausible", "irregular_pulse", "pulse_range", "clock_not_set")


def ours(row: dict[str, Any]) -> dict[str, Any]:
    """What we say of a row."""
    return decoded_value(row, MARKS)


def stamp_of(expected: Any) -> str:
    """A stamp of any row as we write it."""
    if isinstance(expected, str):
        return expected.replace(" ", "T")
    parts = [expected[part] for part in ("year", "month", "day", "h", "m", "s")]
    return "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(*parts)


def pressure(expect: dict[str, Any]) -> dict[str, Any]:
    unit = {"mmHg": "mmhg", "kPa": "kpa"}[expect["unit"]]
    names = {"systolic": f"systolic_{unit}", "diastolic": f"diastolic_{unit}", "map": f"mean_{unit}"}
    names |= {"pulse_rate": "pulse_rate_bpm", "user_id": "user_index", "status_raw": "cuff_status"}
    return {names[name]: item for name, item in expect.items() if name in names}


def temperature(expect: dict[str, Any]) -> dict[str, Any]:
    values = {f"temperature_{expect['unit'].lower()}": expect["temperature"]}
    return values | ({"body_site": expect["type"].partition("(")[0]} if "type" in expect else {})


def body(expect: dict[str, Any]) -> dict[str, Any]:
    weight, height = WEIGHT_UNITS[expect["weight_unit"]]
    names = {"weight": weight, "height": height, "user_id": "user_index", "bmi": "bmi_kg_per_m2"}
    return {names[name]: item for name, item in expect.items() if name in names and item is not None}


def pulse(expect: dict[str, Any]) -> dict[str, Any]:
    if "hr" in expect:
        values: dict[str, Any] = {"heart_rate_bpm": expect["hr"]}
        counts = expect.get("rr_1024", [])
    else:
        values = {"heart_rate_bpm": expect["heart_rate"], "energy_kj": expect["energy_expended"]}
        counts = [int(seconds * 1024) for seconds in expect["rr_intervals"]]
        contact = {"DETECTED": True, "NOT_DETECTED": False}.get(expect["sensor_contact"])
        values |= {} if contact is None else {"skin_contact": contact}
    values |= {"rr_intervals": ",".join(map(str, counts))} if counts else {}
    return {name: item for name, item in values.items() if item is not None}


def features(expect: dict[str, Any]) -> dict[str, Any]:
    return {"features": expect.get("features_bitmap", expect.get("raw_value"))}


READERS = {
    "2A35": pressure,
    "2A1C": temperature,
    "2A9D": body,
    "2A37": pulse,
    "2A49": features,
    "2A9E": features,
}


def theirs(row: dict[str, Any]) -> dict[str, Any]:
    """What a row expects, under our names."""
    if "invalid" in row["expect"]:
        return REFUSED
    expect = row["expect"].get("value", row["expect"])
    values = {name: number(item) for name, item in READERS[row["char"]](expect).items()}
    return values | ({"timestamp": stamp_of(expect["timestamp"])} if expect.get("timestamp") else {})


def name_of(row: dict[str, Any]) -> str:
    return f"{row['char']} {row['frame_hex']}"


def test_every_row_of_these_families_reads_as_expected_or_as_the_table_says() -> None:
    rows = [row for row in rows_of("gatt_health.jsonl") if row["char"] in ROWS]
    assert {char: sum(row["char"] == char for row in rows) for char in ROWS} == ROWS
    compare(
        rows,
        {name_of(row): ours(row) for row in rows},
        {name_of(row): theirs(row) for row in rows},
        READ_DIFFERENTLY,
    )


def test_what_a_vendor_reads_from_its_own_layout_is_not_what_we_say() -> None:
    rows = [row for row in rows_of("gatt_health.jsonl") if "vendor_reading" in row["expect"]]
    assert len(rows) == 1
    assert ours(rows[0]) == REFUSED
