"""Shared vectors of the oximeter service, SFLOAT and FLOAT, battery and device information."""

from decimal import Decimal
from typing import Any

from gateway.core import sfloat
from gateway.core.model import Absent
from tests.gateway.decode_cli import REFUSED, decoded_value, number
from tests.gateway.shared_vectors import compare, rows_of

FEATURES_CUT = (
    "announces a mask of supported status bits that is not there (PLXS 1.0.1, 3.3): refused as cut off"
)
# Row: (our reading, why it is not the expected one).
READ_DIFFERENTLY: dict[str, tuple[dict[str, Any], str]] = {
    "2A60 0100": (REFUSED, FEATURES_CUT),
    "2A60 0200": (REFUSED, FEATURES_CUT),
    "2A60 0700": (REFUSED, FEATURES_CUT),
    "2A60 ff00": (REFUSED, FEATURES_CUT),
    "2A60 ffff": (REFUSED, FEATURES_CUT),
}

NAMES = {
    "spo2": "spo2_pct",
    "pr": "pulse_rate_bpm",
    "spo2_fast": "spo2_fast_pct",
    "pr_fast": "pulse_rate_fast_bpm",
    "spo2_slow": "spo2_slow_pct",
    "pr_slow": "pulse_rate_slow_bpm",
    "pulse_amplitude_index": "pulse_amplitude_pct",
    "timestamp": "timestamp",
    "clock_not_set": "clock_not_set",
}
BITS = {
    "measurement_status_bits": "measurement_status",
    "device_sensor_status_bits": "sensor_status",
    "supported_feature_bits": "features",
    "measurement_status_support_bits": "measurement_status_support",
    "device_sensor_status_support_bits": "sensor_status_support",
}
MARKS = ("questionable", "stored", "implausible")


def ours(row: dict[str, Any]) -> dict[str, Any]:
    """What we say of a row."""
    return decoded_value(row, MARKS)


def theirs(row: dict[str, Any]) -> dict[str, Any]:
    """What a row expects, under our names."""
    expect = row["expect"]
    if "invalid" in expect:
        return REFUSED
    values = {NAMES[name]: number(value) for name, value in expect.items() if name in NAMES}
    values |= {
        BITS[name]: Decimal(sum(1 << bit for bit in bits)) for name, bits in expect.items() if name in BITS
    }
    if "timestamp" not in values:
        values.pop("clock_not_set", None)  # the flag says something of a stamp only where there is one
    known = {"value": "features" if row["char"] == "2A60" else "battery_pct", "battery": "battery_pct"}
    known |= {"string": "maker", "manufacturer_id": "manufacturer_id", "oui": "oui"}
    values |= {known[name]: number(value) for name, value in expect.items() if name in known}
    assert len(values) == len(expect) - ("clock_not_set" in expect and "timestamp" not in expect)
    return values


def name_of(row: dict[str, Any]) -> str:
    return f"{row['char']} {row['frame_hex']}"


def test_every_oximeter_row_reads_as_expected_or_is_refused_where_expected() -> None:
    rows = rows_of("plx.jsonl")
    assert len(rows) == 17
    # Two projects test the same bytes as different characteristics or twice; a name stands for equal rows.
    unique = {(name_of(row), str(row["expect"])): row for row in rows}
    rows = list(unique.values())
    compare(rows, {name_of(row): ours(row) for row in rows}, {name_of(row): theirs(row) for row in rows}, {})


def test_every_battery_feature_and_device_information_row_reads_as_expected_or_as_the_table_says() -> None:
    rows = [row for row in rows_of("gatt_health.jsonl") if row["char"] in ("2A19", "2A23", "2A29", "2A60")]
    assert len(rows) == 20
    compare(
        rows,
        {name_of(row): ours(row) for row in rows},
        {name_of(row): theirs(row) for row in rows},
        READ_DIFFERENTLY,
    )


def test_every_number_of_11073_has_the_value_and_the_digits_of_its_row() -> None:
    rows = rows_of("sfloat.jsonl")
    assert len(rows) == 46
    for row in rows:
        short = row["type"] == "SFLOAT"
        pattern = int.from_bytes(bytes.fromhex(row["le_hex"]), "little")
        assert pattern == int(row["raw_u16" if short else "raw_u32"], 16)
        value = sfloat.decode_sfloat(pattern) if short else sfloat.decode_float(pattern)
        if isinstance(row["expect"], str):
            assert isinstance(value, Absent) and value.reason == row["expect"].lower()
            continue
        assert Decimal(str(value)) == Decimal(str(row["expect"]))
        assert str(value) == row.get("decimal_text", str(value))
