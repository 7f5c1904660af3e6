"""Shared vectors of glucose meters, record access control points and clocks."""

from decimal import Decimal
from typing import Any

from gateway.core.devices import nonin
from tests.core.vectors import refusal
from tests.gateway.decode_cli import REFUSED, decoded_value, number
from tests.gateway.shared_vectors import compare, rows_of

ROWS = {"2A18": 5, "2A52": 15, "2A2B": 4}
A_REQUEST = "a request is what a hub writes; a device that indicates one has said nothing (PLXS 1.0.1, 3.4)"
# Row: (our reading, why it is not the expected one). docs/devices.md has the same table for people.
READ_DIFFERENTLY: dict[str, tuple[dict[str, Any], str]] = {
    "2A52 0101 by name": (REFUSED, A_REQUEST),
    "2A52 0300 by name": (REFUSED, A_REQUEST),
    "2A18 000300e807030f081e00": (
        {
            "sequence_number": Decimal(3),
            "timestamp": "2024-03-15T08:30:00",
            "reason": "no_value",
        },
        "a record without a result is a measurement that failed, and says so",
    ),
}

MARKS = ("questionable", "implausible", "clock_not_set")
SAMPLE_TYPES = {1: "capillary_whole_blood", 2: "capillary_plasma", 8: "undetermined_plasma"}
SITES = {1: "finger", 15: "not_available"}
# What the rows work out from the fields, and a reader of ours may do as well.
WORKED_OUT = ("time", "mg_per_dl", "mmol_per_l_rounded", "context_follows")


def ours(row: dict[str, Any]) -> dict[str, Any]:
    """What we say of a row."""
    return decoded_value(row, MARKS)


def glucose(expect: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {"sequence_number": expect["sequence"], "timestamp": expect["base_time"]}
    if "time_offset_min" in expect:
        values["time_offset_min"] = expect["time_offset_min"]
    if expect.get("unit") == "kg/L":
        values["glucose_kg_per_l"] = expect.get("concentration", expect.get("concentration_kg_per_l"))
    elif expect.get("unit") == "mol/L":
        values["glucose_mol_per_l"] = Decimal(str(expect["mmol_per_l"])) / 1000
    else:
        values["glucose_kg_per_l"] = expect["concentration"]
    if "type" in expect:
        values |= {"sample_type": SAMPLE_TYPES[expect["type"]], "body_site": SITES[expect["location"]]}
    return values | ({"glucose_status": expect["status_raw"]} if "status_raw" in expect else {})


def records(expect: dict[str, Any]) -> dict[str, Any]:
    named = expect.get("value")
    if named is None:
        return dict(expect)
    if named["opcode"] != "RESPONSE_CODE":
        return dict(named)
    request, code = bytes.fromhex(named["operand"])
    return {"response_to": request, "code": code, "meaning": "success"}


def clock(expect: dict[str, Any]) -> dict[str, Any]:
    named = expect.get("value", expect)
    weekday = named["day_of_week"]
    if isinstance(weekday, str):
        weekday = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"].index(
            weekday
        ) + 1
    return {
        "timestamp": named.get("datetime", named.get("date_time")).replace(" ", "T"),
        "day_of_week": weekday,
        "fraction_256": named["fractions256"],
        "adjust_reason": named["adjust_reason"],
    }


READERS = {"2A18": glucose, "2A52": records, "2A2B": clock}


def theirs(row: dict[str, Any]) -> dict[str, Any]:
    """What a row expects, under our names."""
    if "invalid" in row["expect"]:
        return REFUSED
    values = {name: number(item) for name, item in READERS[row["char"]](row["expect"]).items()}
    if values.get("meaning") == "op code not supported":
        values["meaning"] = "opcode not supported"
    return values


def name_of(row: dict[str, Any]) -> str:
    return f"{row['char']} {row['frame_hex']}" + (" by name" if "value" in row["expect"] else "")


def test_every_row_of_these_characteristics_reads_as_expected_or_as_the_table_says() -> None:
    rows = [row for row in rows_of("gatt_health.jsonl") if row["char"] in ROWS]
    assert {char: sum(row["char"] == char for row in rows) for char in ROWS} == ROWS
    compare(
        rows,
        {name_of(row): ours(row) for row in rows},
        {name_of(row): theirs(row) for row in rows},
        READ_DIFFERENTLY,
    )


def test_what_the_rows_work_out_follows_from_what_we_read() -> None:
    row = next(row for row in rows_of("gatt_health.jsonl") if "mg_per_dl" in row["expect"])
    read, expect = ours(row), row["expect"]
    assert set(expect) - {"sequence", "base_time", "unit", "type", "location"} >= set(WORKED_OUT) - {"time"}
    assert read["glucose_kg_per_l"] * 100_000 == expect["mg_per_dl"]
    # 111 mg/dL of glucose, 180.156 g/mol
    assert round(read["glucose_kg_per_l"] * 1_000_000 / Decimal("180.156"), 1) == Decimal(
        str(expect["mmol_per_l_rounded"])
    )


def test_no_frame_of_the_serial_models_passes_for_a_value_of_the_own_service() -> None:
    rows = rows_of("nonin_serial.jsonl")
    assert len(rows) == 12
    for row in rows:
        frame = bytes.fromhex(row["frame_hex"])
        for piece in (frame, frame[:10]):
            assert refusal(nonin.decode_measurement, piece).offset in (0, len(piece)), row["source"]
