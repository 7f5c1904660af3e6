"""Measurements as Observations after VkpObservation and HL7's Personal Health Device profiles.

One Observation a number, since VKP has a profile for each; what the device says besides (status, marks, its own time)
goes along as components of each. Digits are the device's: JSON numbers are written from decimals, never from floats.
"""

from typing import Any

from gateway.core.model import Absent, Decimal, Event
from gateway.core.registry_text import KIND_TEXTS, VALUE_TEXTS
from tools.export import codes, words
from tools.export.parts import (
    Resource,
    coding,
    dated,
    device_reference,
    identifiers,
    kind_concept,
    meta,
    only,
    subject,
)
from tools.export.words import Words
from tools.platform.books import Verified

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
PHD_CATEGORY = "http://hl7.org/fhir/uv/phd/CodeSystem/PhdObservationCategories"
GATEWAY_DEVICE = "http://hl7.org/fhir/StructureDefinition/observation-gatewayDevice"
MEASUREMENT_STATUS = "http://hl7.org/fhir/uv/pocd/CodeSystem/measurement-status"
ABSENT_REASON = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
CLOCKS = ("unknown", "set", "not_set")
BESIDE = ("time_offset_min",)  # numbers with a unit that say something of the reading, and are none
MOST_INTEGER = 2**31 - 1  # of FHIR


def observations(verified: Verified, texts: Words) -> list[Resource]:
    """One for each number that was measured; a measurement that failed is one without any."""
    content = verified.content
    assert content is not None
    beside = components(verified, texts)
    if content.kind == "measurement.failed":
        failed = {"code": kind_concept(content, texts), "dataAbsentReason": reason("error")}
        return [observation(verified, "", failed, beside, texts)]
    found = [
        observation(verified, name, measured(content, name, value, texts), beside, texts)
        for name, value in sorted(content.values.items())
        if is_number(name, value)
    ]
    side = content.values.get("glucose_range")
    if not found and side in codes.OFF_SCALE:  # HI or LO, and no field of a concentration at all
        said = {"code": kind_concept(content, texts), "dataAbsentReason": reason(codes.OFF_SCALE[side][2])}
        found.append(observation(verified, "", said, beside, texts))
    return found


def is_number(name: str, value: object) -> bool:
    """Whether a value is what was measured: a number, or the lack of one, with a unit."""
    has_unit = name in VALUE_TEXTS and VALUE_TEXTS[name][2] != ""
    return (
        has_unit
        and name not in BESIDE
        and isinstance(value, (int, Decimal, Absent))
        and not isinstance(value, bool)
    )


def observation(
    verified: Verified, part: str, said: dict[str, Any], beside: list[dict[str, Any]], texts: Words
) -> Resource:
    """What all Observations have in common, around what this one says."""
    book, content = verified.book, verified.content
    assert content is not None
    is_technical = KIND_TEXTS[content.kind][3] == "technical"
    categories = [{"coding": [coding(PHD_CATEGORY, "phd")]}]
    if codes.vital_sign(content, part) is not None:
        categories.insert(0, {"coding": [coding(CATEGORY, "vital-signs", "Vital Signs")]})
    device = device_reference(book, content.placement, texts)
    return only(
        {
            "resourceType": "Observation",
            "meta": meta(verified, texts),
            "language": texts.language,
            "extension": [{"url": GATEWAY_DEVICE, "valueReference": device_reference(book, 0, texts)}],
            "identifier": identifiers(verified, part),
            "status": "final",
            "category": categories,
            "code": said["code"],
            # a battery is a state of the device, and of no person
            "subject": device if is_technical else subject(book, content),
            **dated(verified, "effective"),
            "issued": words.instant(verified.received_ms),
            "valueQuantity": said.get("valueQuantity"),
            "dataAbsentReason": said.get("dataAbsentReason"),
            "interpretation": interpretation(content),
            "note": [{"text": texts.summary(verified)}],
            "device": device,
            "component": beside,
        }
    )


def interpretation(event: Event) -> list[dict[str, Any]] | None:
    """What the device itself thinks of what it measured: outside its range, in doubt."""
    found = []
    side = event.values.get("glucose_range")
    if side in codes.OFF_SCALE:
        code, text, _ = codes.OFF_SCALE[side]
        found.append({"coding": [coding(codes.INTERPRETATION, code, text)]})
    if event.values.get("questionable") is True:
        found.append({"coding": [coding(MEASUREMENT_STATUS, "questionable")]})
    return found or None


def measured(event: Event, name: str, value: object, texts: Words) -> dict[str, Any]:
    """Code and quantity of a number, or why it is not there."""
    said: dict[str, Any] = {"code": value_concept(event, name, texts)}
    if isinstance(value, Absent):
        said["dataAbsentReason"] = reason(codes.ABSENT.get(value.reason, "error"), value.reason)
    else:
        said["valueQuantity"] = quantity(name, value)
    return said


def value_concept(event: Event, name: str, texts: Words) -> dict[str, Any]:
    """IEEE 11073, LOINC and SNOMED CT codes where they are known, and our own name always."""
    found = []
    mdc = codes.mdc_code(event, name)
    if mdc:
        found.append(coding(codes.MDC, str(mdc)))
    sign = codes.vital_sign(event, name)
    if sign is not None:
        loinc, loinc_text, snomed, snomed_text = sign
        found.append(coding(codes.LOINC, loinc, loinc_text))
        if snomed:
            found.append(coding(codes.SNOMED, snomed, snomed_text))
    found.append(coding(codes.VALUE, name))
    return {"coding": found, "text": texts.value_name(name)}


def quantity(name: str, value: object) -> dict[str, Any]:
    """A number in the device's digits and unit (UCUM)."""
    unit = VALUE_TEXTS[name][2]
    return {"value": value, "unit": unit, "system": codes.UCUM, "code": unit}


def reason(code: str, text: str = "") -> dict[str, Any]:
    """Why there is no number: the list's code, and the device's own word."""
    return {"coding": [coding(ABSENT_REASON, code)]} | ({"text": text} if text else {})


def components(verified: Verified, texts: Words) -> list[dict[str, Any]]:
    """Whatever else the event says: values that are no measured number, and the device's own time, raw."""
    content = verified.content
    assert content is not None
    is_failed = content.kind == "measurement.failed"
    found = [
        component(value_concept(content, name, texts), name, value)
        for name, value in sorted(content.values.items())
        if is_failed or not is_number(name, value)
    ]
    stamp = content.device_time
    if stamp is not None:
        own = {"raw": stamp.raw, "clock": CLOCKS[stamp.clock], "uncertainty_ms": stamp.uncertainty_ms}
        found += [
            component({"coding": [coding(codes.DEVTIME, name)]}, name, value)
            for name, value in own.items()
            if value is not None
        ]
    return found


def component(concept: dict[str, Any], name: str, value: object) -> dict[str, Any]:
    """A value in the type that FHIR has for it."""
    said: dict[str, Any]
    if isinstance(value, Absent):
        said = {"dataAbsentReason": reason(codes.ABSENT.get(value.reason, "error"), value.reason)}
    elif isinstance(value, bool):
        said = {"valueBoolean": value}
    elif is_number(name, value):
        said = {"valueQuantity": quantity(name, value)}
    elif name == "uncertainty_ms":
        said = {"valueQuantity": {"value": value, "unit": "ms", "system": codes.UCUM, "code": "ms"}}
    elif isinstance(value, Decimal):
        said = {"valueQuantity": {"value": value}}
    elif isinstance(value, int) and abs(value) <= MOST_INTEGER:
        said = {"valueInteger": value}
    else:
        text = words.clean(bytes(value).hex() if isinstance(value, (bytes, bytearray)) else str(value))
        said = {"valueString": text} if text else {"dataAbsentReason": reason("unknown")}
    return {"code": concept} | said
