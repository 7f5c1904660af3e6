"""FHIR resources: held to the R4 models of `fhir.resources`, and what each says of its event."""

import copy
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import registry
from gateway.core.model import CLOCK_SET, Absent, Decimal, DeviceTime
from gateway.daemon.json_text import dumps
from tests.tools.export_homes import (
    CASES,
    GOLDEN,
    NIGHT_MS,
    OXIMETER,
    Home,
    codings,
    exported,
    golden,
    golden_bundles,
    load,
    verified,
)
from tests.tools.export_homes import fhir_of as made
from tools.export import codes, fhir
from tools.export.codes import NoMappingError

Validate = Callable[[dict[str, Any]], None]


# --- the models ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def validate() -> Validate:
    """The R4B models; of the resources used here R4B and R4 have the same elements."""
    pytest.importorskip("fhir.resources", reason="fhir.resources is not installed: make setup")
    model = importlib.import_module("fhir.resources.R4B.bundle").Bundle

    def check(bundle: dict[str, Any]) -> None:
        model.model_validate(bundle)

    return check


def test_every_golden_bundle_is_valid(validate: Validate) -> None:
    found = list(golden_bundles())
    assert len(found) >= len(CASES)
    for bundle in found:
        validate(bundle)


@pytest.mark.parametrize(
    ("case", "path", "value"),
    [
        ("smoke", ("entry", 0, "resource", "status"), None),
        ("smoke", ("entry", 0, "resource", "severity"), 3),
        ("smoke", ("entry", 0, "resource", "identifiedDateTime"), "tonight"),
        ("smoke", ("entry", 0, "request", "method"), None),
        ("smoke", ("type",), None),
        ("dose_collected", ("entry", 0, "resource", "medicationCodeableConcept"), None),
        ("dose_collected", ("entry", 0, "resource", "performer", 0, "actor"), None),
        ("oximetry_stored", ("entry", 1, "resource", "valueQuantity"), "97.0 %"),
        ("oximetry_stored", ("entry", 1, "resource", "colour"), "red"),
    ],
)
def test_a_bundle_that_is_wrong_is_refused(
    case: str, path: tuple[str | int, ...], value: object, validate: Validate
) -> None:
    bundle = load((GOLDEN / f"{case}.fhir.jsonl").read_text("utf-8").splitlines()[1])
    validate(copy.deepcopy(bundle))
    at: Any = bundle
    for step in path[:-1]:
        at = at[step]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    with pytest.raises(ValueError, match=str(path[-1])):
        validate(bundle)


def test_every_kind_is_valid_or_has_a_reason(validate: Validate) -> None:
    kinds = 0
    for kind in registry.KINDS:
        try:
            bundle = fhir.event_bundle(verified(kind, values={"battery_pct": 9, "cause": "empty"}))
        except NoMappingError:
            continue
        kinds += 1
        validate(load(dumps(bundle)))
    assert kinds > 60


anything = st.one_of(
    st.text(max_size=20),
    st.booleans(),
    st.integers(-(2**64) + 1, 2**64 - 1),
    st.binary(max_size=8),
    st.builds(Decimal, st.integers(-(10**12), 10**12), st.integers(-20, 20)),
    st.builds(Absent, st.text(max_size=8)),
)


@given(
    values=st.dictionaries(st.sampled_from([*registry.VALUES, "#999"]), anything, max_size=6),
    text=st.text(max_size=60),
    kind=st.sampled_from(["oximetry.measured", "measurement.failed", "dose.collected", "smoke.detected", "battery.measured"]),
    utc_ms=st.one_of(st.none(), st.integers(-(2**63), 2**63)),
)  # fmt: skip
def test_whatever_an_event_holds_becomes_valid_resources(
    validate: Validate, values: dict[str, object], text: str, kind: str, utc_ms: int | None
) -> None:
    device: dict[str, object] = {"maker": text, "model": text, "room": text, "driver": text}
    one = verified(
        kind, device=device, values=values, utc_ms=utc_ms, device_time=DeviceTime(text, 0, utc_ms, 5)
    )
    validate(load(dumps(fhir.device_bundle(one.book))))
    try:
        bundle = fhir.event_bundle(one)
    except NoMappingError:
        return
    validate(load(dumps(bundle)))


# --- what each says -----------------------------------------------------------------------------------------------


def test_a_smoke_alarm_is_brannalarm_and_its_end_is_no_second_one() -> None:
    alarm, end = golden("smoke", "DetectedIssue")
    assert codings(alarm["code"])[codes.VKP_ALERT] == "4.11"
    assert alarm["severity"] == "high"
    assert codes.VKP_ALERT not in codings(end["code"])
    assert end["implicated"][0]["identifier"] == alarm["identifier"][1] == end["identifier"][1]
    assert {"system": codes.LANE, "code": "safety"} in end["meta"]["tag"]


def test_what_ends_a_state_never_has_the_code_of_what_began_it() -> None:
    for kind, (_, _, clears) in registry.KINDS.items():
        try:
            ended = made(kind, device={"driver": "dispenser"})[0]
            began = made(clears, device={"driver": "dispenser"})[0] if clears in registry.KINDS else None
        except NoMappingError:
            continue
        if began is not None and ended["resourceType"] == "DetectedIssue":
            own = codings(ended["code"]).get(codes.VKP_ALERT)
            assert own is None or own != codings(began["code"])[codes.VKP_ALERT], kind


def test_codes_of_dispensers_are_of_dispensers_only() -> None:
    """VKP 1.17 is a dispenser's battery, 1.19 its mains: of a door sensor or of the gateway they would be false."""
    for kind in ("battery.low", "mains.lost", "tamper.detected"):
        other, own = made(kind)[0], made(kind, device={"driver": "dispenser"})[0]
        assert codes.VKP_ALERT not in codings(other["code"])
        assert "profile" not in other["meta"]
        assert codings(own["code"])[codes.VKP_ALERT].startswith("1.")
        assert codes.VKP_ALERT not in codings(made(kind, placement=0)[0]["code"])


@pytest.mark.parametrize(
    ("kind", "cause", "alert"),
    [
        ("dose.missed", "not_collected", "1.1"),
        ("dose.missed", "out_of_medicine", "1.2"),
        ("dose.missed", "lid_open", "1.1"),
        ("dose.missed", "of a later version", "1.1"),
        ("dispenser.jammed", "tray_full", "1.9"),
        ("refill.due", "empty", "1.13"),
        ("battery.low", "battery_empty", "1.18"),
    ],
)
def test_a_cause_names_the_alert_more_closely_within_its_group(kind: str, cause: str, alert: str) -> None:
    issue = made(kind, device={"driver": "dispenser"}, values={"cause": cause})[0]
    assert codings(issue["code"])[codes.VKP_ALERT] == alert


@pytest.mark.parametrize(
    ("kind", "collector", "code"),
    [
        ("dose.collected", "resident", "1.1"),
        ("dose.collected", "carer", "1.2"),
        ("dose.collected", "unknown", "1"),
        ("dose.collected", None, "1"),
        ("dose.wrong_time", "travel", "2.1"),
    ],
)
def test_a_dose_says_who_collected_it_where_the_dispenser_does(
    kind: str, collector: str | None, code: str
) -> None:
    values = {} if collector is None else {"collected_by": collector}
    dispense = made(kind, values=values)[0]
    assert codings(dispense["category"])[codes.VKP_DISPENSE] == code
    assert codings(dispense["category"])[codes.KIND] == kind


def test_a_stored_reading_keeps_digits_raw_time_and_uncertainty() -> None:
    pulse, spo2, other_pulse, other_spo2 = golden("oximetry_stored", "Observation")
    assert str(spo2["valueQuantity"]["value"]) == "97.0"
    assert spo2["valueQuantity"]["code"] == "%"
    assert codings(spo2["code"]) == {
        codes.MDC: "150456",
        codes.LOINC: "2708-6",
        codes.SNOMED: "431314004",
        codes.VALUE: "spo2_pct",
    }
    assert "valueQuantity" not in pulse
    assert codings(pulse["dataAbsentReason"]).popitem()[1] == "not-a-number"
    beside = {each["code"]["coding"][-1]["code"]: each for each in spo2["component"]}
    assert beside["raw"]["valueString"] == "2026-02-27T21:14:05"
    assert beside["uncertainty_ms"]["valueQuantity"]["value"] == 90_000
    assert spo2["effectiveDateTime"] == "2026-02-27T21:14:05.123Z"
    assert other_spo2["effectivePeriod"] == {"end": "2026-03-01T02:05:03.123Z"}, "read then, measured before"
    assert other_pulse["subject"]["identifier"]["value"] == "oslo/gw-0001/user-2"


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("nan", "not-a-number"),
        ("nres", "error"),
        ("+inf", "positive-infinity"),
        ("-inf", "negative-infinity"),
        ("reserved", "error"),
        ("of a later version", "error"),
    ],
)
def test_a_number_that_is_not_there_says_why(reason: str, code: str) -> None:
    found = made("oximetry.measured", values={"spo2_pct": Absent(reason)})[0]
    assert codings(found["dataAbsentReason"]).popitem()[1] == code
    assert found["dataAbsentReason"]["text"] == reason


@pytest.mark.parametrize(("mantissa", "exponent", "digits"), [(970, -1, "97.0"), (9700, -2, "97.00"), (1, -18, "0." + "0" * 17 + "1"), (123456789012345678, -3, "123456789012345.678")])  # fmt: skip
def test_no_digit_is_lost_to_a_binary_float(mantissa: int, exponent: int, digits: str) -> None:
    bundle = fhir.event_bundle(
        verified("oximetry.measured", values={"spo2_pct": Decimal(mantissa, exponent)})
    )
    assert f'"value": {digits},' in dumps(bundle)


def test_the_model_reads_the_digits_that_were_written(validate: Validate) -> None:
    bundle = importlib.import_module("fhir.resources.R4B.bundle").Bundle
    text = (GOLDEN / "oximetry_stored.fhir.jsonl").read_text("utf-8").splitlines()[1]
    value = bundle.model_validate(load(text)).entry[1].resource.valueQuantity.value
    assert str(value) == "97.0"


PRESSURES: dict[str, object] = {
    "systolic_mmhg": 138,
    "diastolic_mmhg": 88,
    "mean_mmhg": Absent("nan"),
    "pulse_rate_bpm": 72,
}


def by_value(kind: str, values: dict[str, object], **fields: Any) -> dict[str, dict[str, Any]]:
    """Observations by the name of their value."""
    found = made(kind, values=values, **fields)
    return {codings(each["code"])[codes.VALUE]: each for each in found}


def test_a_blood_pressure_is_one_observation_a_number_with_the_codes_of_a_cuff() -> None:
    found = by_value("blood_pressure.measured", PRESSURES | {"cuff_status": 4, "irregular_pulse": True})
    mdc = {name: codings(each["code"])[codes.MDC] for name, each in found.items()}
    assert mdc == {
        "systolic_mmhg": "150021",
        "diastolic_mmhg": "150022",
        "mean_mmhg": "150023",
        "pulse_rate_bpm": "149546",
    }
    loinc = {name: codings(each["code"])[codes.LOINC] for name, each in found.items()}
    assert loinc["systolic_mmhg"] == "8480-6" and loinc["diastolic_mmhg"] == "8462-4"
    assert found["systolic_mmhg"]["valueQuantity"]["code"] == "mm[Hg]"
    assert codings(found["mean_mmhg"]["dataAbsentReason"]).popitem()[1] == "not-a-number"
    assert codes.SNOMED not in codings(found["systolic_mmhg"]["code"])
    beside = {each["code"]["coding"][-1]["code"] for each in found["systolic_mmhg"]["component"]}
    assert beside == {"cuff_status", "irregular_pulse"}
    oximeter = by_value("oximetry.measured", {"spo2_pct": 97, "pulse_rate_bpm": 72})
    assert codings(oximeter["pulse_rate_bpm"]["code"])[codes.MDC] == "149530"


@pytest.mark.parametrize(
    ("kind", "site", "mdc"),
    [
        ("temperature.measured", {"body_site": "ear"}, "188428"),
        ("temperature.measured", {"body_site": "unknown_77"}, "150364"),
        ("temperature.measured", {}, "150364"),
        ("climate.measured", {}, "188508"),
    ],
)
def test_the_temperature_of_a_person_is_not_that_of_a_room(
    kind: str, site: dict[str, object], mdc: str
) -> None:
    (found,) = by_value(kind, {"temperature_c": Decimal(370, -1), **site}).values()
    assert codings(found["code"])[codes.MDC] == mdc
    is_vital = "8310-5" in codings(found["code"]).values()
    assert is_vital == (kind == "temperature.measured")
    assert (len(found["category"]) == 2) == is_vital


def test_a_weight_has_the_codes_of_its_vkp_profile() -> None:
    found = by_value("weight.measured", {"weight_kg": Decimal(72450, -3), "bmi_kg_per_m2": Decimal(243, -1)})
    weight = codings(found["weight_kg"]["code"])
    assert (weight[codes.MDC], weight[codes.LOINC], weight[codes.SNOMED]) == ("188736", "29463-7", "27113001")
    assert str(found["weight_kg"]["valueQuantity"]["value"]) == "72.450"
    heart = by_value("heart_rate.measured", {"heart_rate_bpm": 72, "rr_intervals": "1024"})
    assert codings(heart["heart_rate_bpm"]["code"])[codes.LOINC] == "8867-4"


@pytest.mark.parametrize(
    ("values", "manifest", "subject"),
    [
        ({"user_index": 2}, {"user_index": 1}, "oslo/gw-0001/user-2"),
        ({"user_unknown": True}, {"user_index": 1}, "oslo/gw-0001/user-unknown"),
        ({}, {"user_index": 1}, "oslo/gw-0001/user-1"),
        ({}, {}, "oslo/gw-0001"),
    ],
)
def test_a_reading_is_of_the_user_whom_the_device_names(
    values: dict[str, object], manifest: dict[str, object], subject: str
) -> None:
    for each in made("blood_pressure.measured", values=PRESSURES | values, device=manifest):
        assert each["subject"]["identifier"]["value"] == subject


def test_a_stamp_that_nothing_dates_leaves_only_the_latest_moment() -> None:
    """A cuff may send today what it measured last week."""
    stamped = made(
        "blood_pressure.measured", values=PRESSURES, device_time=DeviceTime("2026-02-20T07:15:30", CLOCK_SET)
    )
    assert all(each["effectivePeriod"] == {"end": "2026-03-01T02:05:03.123Z"} for each in stamped)
    assert "effectiveDateTime" in made("blood_pressure.measured", values=PRESSURES)[0]


def test_an_alarm_of_which_only_the_arrival_is_known_says_so() -> None:
    issue = made("smoke.detected", utc_ms=None)[0]
    assert "identifiedDateTime" not in issue
    assert issue["_identifiedDateTime"]["extension"][0]["valueCode"] == "unknown"
    assert "ukjent tid, mottatt 2026-03-01T02:05:03.123Z" in issue["detail"]


def test_a_dose_told_from_a_log_without_an_estimate_has_no_time() -> None:
    """When the gateway read the log is not when the dose was taken (D2)."""
    fields: dict[str, Any] = {"values": {"log_number": 4}, "device_time": DeviceTime("00c0ffee/-", 2)}
    dispense = made("dose.collected", **fields)[0]
    assert "whenHandedOver" not in dispense
    assert "_whenHandedOver" in dispense
    assert "senest 2026-03-01T02:05:03.123Z" in dispense["note"][0]["text"]


def test_an_exercise_is_marked_as_test_data() -> None:
    issue = made("smoke.detected", exercise=True)[0]
    assert issue["meta"]["security"][0]["code"] == "HTEST"
    assert issue["detail"].startswith("ØVELSE: ")
    assert "security" not in made("smoke.detected")[0]["meta"]


def test_doubts_about_an_event_are_tags_and_words() -> None:
    issue = made("smoke.detected", provenance=1 | 2 | 4 | 8)[0]
    doubts = [each["code"] for each in issue["meta"]["tag"] if each["system"] == codes.PROVENANCE]
    assert doubts == ["unauthenticated", "replay-suspected", "window-assumed", "unproven"]
    assert "kan være en gammel melding" in issue["detail"]


def test_a_battery_is_a_state_of_its_device_and_of_no_person() -> None:
    assert made("battery.measured", values={"battery_pct": 80})[0]["subject"]["type"] == "Device"
    assert made("oximetry.measured", values={"spo2_pct": 97})[0]["subject"]["type"] == "Patient"


def test_a_measurement_without_a_value_that_is_known_is_left_out() -> None:
    with pytest.raises(NoMappingError, match="no value that this version knows"):
        made("oximetry.measured", values={"#999": 4})


def test_a_measurement_that_failed_is_one_without_a_value() -> None:
    (found,) = made("measurement.failed", values={"reason": "finger_out", "spo2_pct": Absent("nan")})
    assert codings(found["dataAbsentReason"]).popitem()[1] == "error"
    assert [each["code"]["coding"][-1]["code"] for each in found["component"]] == ["reason", "spo2_pct"]


def test_each_number_of_a_reading_has_a_name_of_its_own(tmp_path: Path) -> None:
    with Home(tmp_path / "platform.db") as home:
        home.tell(
            "oximetry.measured", OXIMETER, values={"spo2_pct": 97, "pulse_rate_bpm": 61}, utc_ms=NIGHT_MS
        )
        bundle = load(exported(home.path, "fhir").splitlines()[1])
    assert len({entry["fullUrl"] for entry in bundle["entry"]}) == 2
