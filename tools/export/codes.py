"""What a kind is to each receiver: its codes by the registry, held to what the device is, and why it has none.

Sources: registry.toml; HL7Norway/Velferdsteknologi VKP-R4 v0.9.0 (code systems); HL7Norway/VkpObservation 0.5.2;
HL7/phd (R4); SS 91100:2014 codes as docs/mappings.md names them. Kinds and values never listed here get none.
"""

from typing import NamedTuple

from gateway.core import registry
from gateway.core.devices.dispenser_events import CAUSE_CODES
from gateway.core.model import Event
from gateway.core.registry_text import KIND_TEXTS, VALUE_TEXTS

SAFETY, ALARM, TECHNICAL, MEASUREMENT = 0, 1, 2, 3
LANE_NAMES = ("safety", "alarm", "technical", "measurement", "info")
DISPENSER = "dispenser"

# --- code systems -------------------------------------------------------------------------------------------------

VKP_ALERT = "http://ehelse.no/fhir/CodeSystem/vkp-alert-code-v090"
VKP_DISPENSE = "http://ehelse.no/fhir/CodeSystem/vkp-medicationdispense-events-v090"
VKP_SEVERITY = "http://ehelse.no/fhir/CodeSystem/vkp-severity-level-v090"
MDC = "urn:iso:std:iso:11073:10101"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
# Our own, where no list has what the registry has. Names of no registered name space: docs/mappings.md.
KIND, VALUE, DEVTIME = "urn:trygg:kind", "urn:trygg:value", "urn:trygg:devtime"
LANE, DISCLOSURE, PROVENANCE = "urn:trygg:lane", "urn:trygg:disclosure", "urn:trygg:provenance"

SEVERITIES = {
    0: ("Ikke rapportert", "low"),
    10: ("Normal", "low"),
    20: ("Moderat", "moderate"),
    30: ("Alvorlig", "high"),
    40: ("Kritisk", "high"),
}
ALERTS = {
    "1.1": "Ikke utlevert",
    "1.2": "Utlevering forhindret av medisinmangel",
    "1.3": "Mangler utleveringsbekreftelse",
    "1.4": "Melding ikke lest",
    "1.5": "Teknisk feil",
    "1.6": "Pose ikke lest",
    "1.7": "Feil ved rull",
    "1.8": "Rull sitter fast",
    "1.9": "Full skuff",
    "1.10": "Medisin venter",
    "1.11": "Mangler tilstrekkelig mengde medisin",
    "1.12": "Snart tomt for medisin",
    "1.13": "Tomt for medisin",
    "1.14": "Mangler tidsplan",
    "1.15": "Endringskontroll av medisinplan",
    "1.16": "Rull behandlet",
    "1.17": "Batteri lavt",
    "1.18": "Batteri tomt",
    "1.19": "Ikke tilkoblet strøm",
    "1.20": "Ingen kontakt",
    "1.21": "Dispenser åpen",
    "1.22": "Innbrudd",
    "1.23": "Dosett feilplassert",
    "4.8": "Aktivitet rom",
    "4.11": "Brannalarm",
    "4.13": "Knappetrykk",
    "4.15": "Dør åpnet",
    "4.16": "Dør lukket",
    "4.17": "Vannalarm",
    "4.21": "Forlatt bolig",
}
DISPENSES = {
    "1": "medisin utlevert",
    "1.1": "medisin utlevert uassistert",
    "1.2": "medisin utlevert assistert",
    "1.3": "behovsmedisin utlevert",
    "2.1": "medisin utlevert reise uassistert",
    "2.2": "medisin utlevert reise assistert",
}
# docs/protocols/dispenser.md, "Collected by"
COLLECTED = {
    "resident": "1.1",
    "carer": "1.2",
    "as_needed": "1.3",
    "travel": "2.1",
    "travel_with_carer": "2.2",
}
# A cause names the alert more closely, within the group that the list itself makes by its definitions: not handed
# out, stopped, medicine and plan, technical.
CAUSE_GROUPS = (range(1, 5), range(5, 10), range(10, 17), range(17, 24))
BODY_TEMPERATURE = ("8310-5", "Body temperature", "", "")
WEIGHT = ("29463-7", "Body weight", "27113001", "Body weight (observable entity)")
SYSTOLIC = ("8480-6", "Systolic blood pressure", "", "")
DIASTOLIC = ("8462-4", "Diastolic blood pressure", "", "")
MEAN = ("8478-0", "Mean blood pressure", "", "")
HEIGHT = ("8302-2", "Body height", "", "")
# value: (LOINC, display, SNOMED CT, display). Oximetry and weight as the VKP profiles have them; the others after HL7
# FHIR R4, value set observation-vitalsignresult, which has no SNOMED CT.
VITAL_SIGNS = {
    "spo2_pct": (
        "2708-6",
        "Oxygen saturation in Arterial blood",
        "431314004",
        "Peripheral oxygen saturation (observable entity)",
    ),
    "pulse_rate_bpm": ("8867-4", "Heart rate", "364075005", "Heart rate (observable entity)"),
    "heart_rate_bpm": ("8867-4", "Heart rate", "364075005", "Heart rate (observable entity)"),
    "weight_kg": WEIGHT,
    "weight_lb": WEIGHT,
    "temperature_c": BODY_TEMPERATURE,
    "temperature_f": BODY_TEMPERATURE,
    "systolic_mmhg": SYSTOLIC,
    "systolic_kpa": SYSTOLIC,
    "diastolic_mmhg": DIASTOLIC,
    "diastolic_kpa": DIASTOLIC,
    "mean_mmhg": MEAN,
    "mean_kpa": MEAN,
    "bmi_kg_per_m2": ("39156-5", "Body mass index (BMI) [Ratio]", "", ""),
    "height_m": HEIGHT,
    "height_in": HEIGHT,
    "glucose_kg_per_l": ("2339-0", "Glucose [Mass/volume] in Blood", "", ""),
    "glucose_mol_per_l": ("15074-8", "Glucose [Moles/volume] in Blood", "", ""),
}
GLUCOSE = ("glucose_kg_per_l", "glucose_mol_per_l")
# MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD and its like, by what a meter says that it measured
GLUCOSE_SAMPLES = {
    "capillary_whole_blood": 160184,
    "capillary_plasma": 160188,
    "venous_whole_blood": 160192,
    "venous_plasma": 160196,
    "arterial_whole_blood": 160200,
    "arterial_plasma": 160204,
    "interstitial_fluid": 160212,
    "undetermined_whole_blood": 160364,
    "undetermined_plasma": 160368,
}
ROOM = "climate.measured"  # a room has a temperature too, and no vital signs
TEMPERATURES = ("temperature_c", "temperature_f")
BODY = 150364  # MDC_TEMP_BODY: of a place that is not told
# MDC_TEMP_AXILLA and its like, by the place where a thermometer says that it measured
BODY_SITES = {
    "armpit": 188452,
    "ear": 188428,
    "finger": 188432,
    "gi_tract": 188456,
    "mouth": 188424,
    "rectum": 188420,
    "toe": 188448,
    "tympanum": 150392,
}
CUFF_PULSE = 149546  # MDC_PULS_RATE_NON_INV; the registry's code of a pulse is an oximeter's
# HL7/phd, FLOATS.md: special values of FLOAT and SFLOAT
ABSENT = {
    "nan": "not-a-number",
    "nres": "error",
    "+inf": "positive-infinity",
    "-inf": "negative-infinity",
    "reserved": "error",
}
# Outside what a meter measures: interpretation, and why there is no number where not even its place is there.
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
OFF_SCALE: dict[object, tuple[str, str, str]] = {
    "above": (">", "Off scale high", "positive-infinity"),
    "below": ("<", "Off scale low", "negative-infinity"),
}
# MDC device specialisations, 32 bit
DEVICE_TYPES = {
    "dispenser": "528456",
    "plx": "528388",
    "blood_pressure": "528391",
    "thermometer": "528392",
    "weight_scale": "528399",
    "heart_rate": "528525",
    "glucose": "528401",
    "nonin_ble": "528388",
}

# --- FHIR ---------------------------------------------------------------------------------------------------------

DETECTED_ISSUE, MEDICATION_DISPENSE, OBSERVATION = "DetectedIssue", "MedicationDispense", "Observation"
DOSES_OUT = ("dose.collected", "dose.wrong_time")  # both say that a dose left the device
OPENING = {row[2] for row in registry.KINDS.values()} - {"", "*"}


class NoMappingError(Exception):
    """An event that a receiver has no place for, and why."""


def fhir_resource(kind: str) -> str:
    """The resource a kind becomes. Raises NoMappingError."""
    if kind not in registry.KINDS:
        raise NoMappingError("kind unknown to this version: use a newer trygg-kit")
    _, lane, clears = registry.KINDS[kind]
    severity, vkp = KIND_TEXTS[kind][2], KIND_TEXTS[kind][6]
    if kind in DOSES_OUT:
        return MEDICATION_DISPENSE
    if kind.endswith(".measured") or kind == "measurement.failed":
        return OBSERVATION
    if lane in (SAFETY, ALARM) or (vkp and not clears) or kind in OPENING or severity >= 20:
        return DETECTED_ISSUE
    if clears and (lane == TECHNICAL or vkp):
        return DETECTED_ISSUE
    raise NoMappingError("neither an alarm, a fault, a dose nor a measurement")


def vital_sign(event: Event, name: str) -> tuple[str, str, str, str] | None:
    """LOINC and SNOMED CT of a value, where it is a person's."""
    return None if event.kind == ROOM else VITAL_SIGNS.get(name)


def mdc_code(event: Event, name: str) -> int:
    """IEEE 11073 code of a value, 0 where there is none: the registry's, but for what its device measures otherwise."""
    if name in TEMPERATURES and event.kind != ROOM:
        return BODY_SITES.get(str(event.values.get("body_site")), BODY)
    if name in GLUCOSE and str(event.values.get("sample_type")) in GLUCOSE_SAMPLES:
        return GLUCOSE_SAMPLES[str(event.values["sample_type"])]
    if name == "pulse_rate_bpm" and any(each.startswith("systolic_") for each in event.values):
        return CUFF_PULSE
    return VALUE_TEXTS[name][3] if name in VALUE_TEXTS else 0


def alert_code(event: Event, driver: str) -> str:
    """The VKP alert code, "" where there is none.

    Group 1 is of medicine dispensers in its every definition: a door sensor's low battery is not 1.17. What ends a
    state has a code only where the list has one for it; an alarm's own would be a second alarm.
    """
    code = KIND_TEXTS[event.kind][6] if event.kind in KIND_TEXTS else ""
    if code not in ALERTS or (code.startswith("1.") and driver != DISPENSER):
        return ""
    cause = CAUSE_CODES.get(str(event.values.get("cause")), 0)
    own = int(code[2:]) if code.startswith("1.") else 0
    is_closer = any(own in group and cause in group for group in CAUSE_GROUPS)
    return f"1.{cause}" if is_closer else code


def dispense_code(event: Event) -> str:
    """The VKP dispensing event; by whoever collected the dose, where the dispenser says it."""
    return COLLECTED.get(str(event.values.get("collected_by")), "1")


# --- SCAIP --------------------------------------------------------------------------------------------------------

UNSPECIFIED, PILL_DISPENSER, CONTROLLER = 1, 11, 45  # device types
AUTOMATIC_ALARM, NORMAL_STATE, TEST = 9, 70, 102  # status codes
TECHNICAL_MOST = 4  # priority: a fault never stands beside a person's alarm
PRIORITIES = {0: 0, 10: 1, 20: 4, 30: 7, 40: 9}


class ScaipCodes(NamedTuple):
    """Device type, status code, priority 0 to 9 (9 is highest), message type ME or IN."""

    dty: int
    stc: int
    pri: int
    mty: str


def scaip_codes(kind: str, driver: str = "", *, exercise: bool = False) -> ScaipCodes:
    """What a kind is as an alarm message. Raises NoMappingError.

    ME (alarm) only for what may be a person in need: lanes 0 and 1, and not what ends such a state. An exercise is a
    test in every lane.
    """
    if kind not in registry.KINDS:
        raise NoMappingError("kind unknown to this version: use a newer trygg-kit")
    _, lane, clears = registry.KINDS[kind]
    pair = status_of(kind)
    if pair is None:
        raise NoMappingError(
            "SCAIP has no status that says it is followed no longer: close the case by hand"
            if clears == "*"
            else "SCAIP has no device type and status for it"
        )
    dty = PILL_DISPENSER if pair[0] == UNSPECIFIED and driver == DISPENSER else pair[0]
    if exercise:
        return ScaipCodes(dty, TEST, 0, "IN")
    pri = PRIORITIES[KIND_TEXTS[kind][2]]
    is_alarm = lane in (SAFETY, ALARM) and not clears
    return ScaipCodes(dty, pair[1], pri if is_alarm else min(pri, TECHNICAL_MOST), "ME" if is_alarm else "IN")


def status_of(kind: str) -> tuple[int, int] | None:
    """Device type and status code: the registry's; without them, what is true of the kind by its place there.

    An alarm is never left out for want of a code: it is an automatic alarm of an unspecified device, and its text
    says which. What ends a state says that the device is in its normal state.
    """
    own = KIND_TEXTS[kind][5]
    if own is not None:
        return own
    _, lane, clears = registry.KINDS[kind]
    if clears in registry.KINDS:
        began = status_of(clears)
        return None if began is None else (began[0], NORMAL_STATE)
    return (UNSPECIFIED, AUTOMATIC_ALARM) if lane in (SAFETY, ALARM) and not clears else None
