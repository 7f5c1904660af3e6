"""Glucose as FHIR: named by its sample, and control solution never a result of a person."""

import json

import pytest

from gateway.core.model import Absent, Decimal
from tests.tools.test_export_fhir import by_value, codings, made
from tools.export import codes


@pytest.mark.parametrize(
    ("name", "sample", "mdc", "loinc"),
    [
        ("glucose_mol_per_l", "capillary_whole_blood", "160184", "15074-8"),
        ("glucose_kg_per_l", "undetermined_plasma", "160368", "2339-0"),
        ("glucose_kg_per_l", "reserved_11", "160020", "2339-0"),
    ],
)
def test_glucose_is_one_observation_named_by_its_sample(name: str, sample: str, mdc: str, loinc: str) -> None:
    beside = {"sample_type": sample, "sequence_number": 7, "time_offset_min": -60, "glucose_status": 0}
    (found,) = by_value("glucose.measured", {name: Decimal(620, -5), **beside}).values()
    assert (codings(found["code"])[codes.MDC], codings(found["code"])[codes.LOINC]) == (mdc, loinc)
    assert str(found["valueQuantity"]["value"]) == "0.00620"
    assert {each["code"]["coding"][-1]["code"] for each in found["component"]} >= {
        "sample_type",
        "time_offset_min",
    }


def test_control_solution_is_no_result_of_a_person() -> None:
    values = {"reason": "control_solution", "control_solution_mol_per_l": Decimal(50, -4)}
    (found,) = made("measurement.failed", values=values)
    assert "valueQuantity" not in found and len(found["category"]) == 1
    texts = json.dumps(found, default=str)
    assert "15074-8" not in texts and "160208" in texts


@pytest.mark.parametrize(
    ("side", "why", "code", "nb"),
    [
        ("above", "positive-infinity", ">", "HØY: over det apparatet måler (HI)"),
        ("below", "negative-infinity", "<", "LAV: under det apparatet måler (LO)"),
    ],
)
def test_a_meter_that_shows_hi_or_lo_says_so_with_a_number_and_without(
    side: str, why: str, code: str, nb: str
) -> None:
    absent = Absent("+inf" if side == "above" else "-inf")
    rows: list[dict[str, object]] = [{"glucose_mol_per_l": absent}, {}, {"glucose_kg_per_l": Decimal(6, -3)}]
    for row in rows:
        values = {"sequence_number": 1, **row, "glucose_range": side}
        (found,) = made("glucose.measured", values=values)
        (coded,) = [each["coding"][0] for each in found["interpretation"]]
        assert coded["code"] == code and coded["system"].endswith("v3-ObservationInterpretation")
        assert nb in found["note"][0]["text"]
        if "glucose_kg_per_l" in row:
            assert "dataAbsentReason" not in found and str(found["valueQuantity"]["value"]) == "0.006"
        else:
            assert "valueQuantity" not in found
            assert found["dataAbsentReason"]["coding"][0]["code"] == why


def test_control_a_reading_within_the_range_is_interpreted_by_nobody() -> None:
    (found,) = made("glucose.measured", values={"glucose_mol_per_l": Decimal(62, -4)})
    assert "interpretation" not in found
