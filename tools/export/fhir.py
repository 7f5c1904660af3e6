"""Events as FHIR R4 resources after the VKP R4 v0.9.0 profiles, in batch Bundles.

Each resource is created conditionally (`ifNoneExist`) by an identifier that follows from the event's identity: what
is sent twice is one resource. A batch promises no order and rewrites no reference, so every reference here is
logical, by identifier. A profile is claimed (`meta.profile`) only where the resource keeps to it as it stands;
docs/mappings.md says what the others lack.
"""

from typing import Any

from gateway.core import registry
from gateway.core.registry_text import KIND_TEXTS
from tools.export import codes, names, words
from tools.export.codes import NoMappingError
from tools.export.observation import observations
from tools.export.parts import (
    Resource,
    coding,
    dated,
    device_reference,
    identifiers,
    incident_identifier,
    kind_concept,
    meta,
    only,
    subject,
    urn,
)
from tools.export.words import NORWEGIAN, Words
from tools.platform.books import GatewayBook, Verified

DETECTED_ISSUE_PROFILE = "http://ehelse.no/fhir/StructureDefinition/vkp-DetectedIssue-v090"
DATA_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
GATEWAY_TYPE = "531981"  # MDC_MOC_VMS_MDS_AHD, as the PHD profiles have it


def event_bundle(verified: Verified, texts: Words = NORWEGIAN) -> Resource:
    """What an event becomes, one Bundle. Raises NoMappingError."""
    assert verified.content is not None
    resource = codes.fhir_resource(verified.content.kind)
    if resource == codes.OBSERVATION:
        made = observations(verified, texts)
        if not made:
            raise NoMappingError("no value that this version knows: use a newer trygg-kit")
        return bundle(made)
    make = medication_dispense if resource == codes.MEDICATION_DISPENSE else detected_issue
    return bundle([make(verified, texts)])


def device_bundle(book: GatewayBook, texts: Words = NORWEGIAN) -> Resource:
    """The gateway and the peripherals of its manifests: what the events refer to."""
    peripherals = (peripheral(book, each, texts) for each in sorted(book.devices))
    return bundle([gateway_device(book, texts), *peripherals])


def bundle(resources: list[Resource]) -> Resource:
    """A batch; the first identifier of each resource is its own."""
    return {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [entry(resource) for resource in resources],
    }


def entry(resource: Resource) -> dict[str, Any]:
    """Create the resource unless one with its identifier is there."""
    own = resource["identifier"][0]
    return {
        "fullUrl": own["value"],
        "resource": resource,
        "request": {
            "method": "POST",
            "url": resource["resourceType"],
            "ifNoneExist": f"identifier={own['system']}|{own['value']}",
        },
    }


# --- alarms and faults --------------------------------------------------------------------------------------------


def detected_issue(verified: Verified, texts: Words) -> Resource:
    """An alarm, a fault, or the end of one, after VkpDetectedIssue.

    What ends a state is a resource of its own that names the incident it ends: a record is never changed from here,
    and without an alert code of its own it is no second alarm.
    """
    book, content = verified.book, verified.content
    assert content is not None
    driver = str(book.devices.get(content.placement, (0, {}))[1].get("driver", ""))
    alert = codes.alert_code(content, driver)
    severity = KIND_TEXTS[content.kind][2]
    clears = registry.KINDS[content.kind][2]
    concept = kind_concept(content, texts)
    if alert:
        concept["coding"].insert(0, coding(codes.VKP_ALERT, alert, codes.ALERTS[alert]))
    implicated = None
    if clears and content.incident is not None:
        implicated = [{"type": "DetectedIssue", "identifier": incident_identifier(book, content.incident)}]
    return only(
        {
            "resourceType": "DetectedIssue",
            "meta": meta(verified, texts, DETECTED_ISSUE_PROFILE if alert else None),
            "language": texts.language,
            "identifier": identifiers(verified),
            "status": "final",
            "code": concept,
            "severity": codes.SEVERITIES[severity][1],
            "patient": subject(book, content),
            **dated(verified, "identified"),
            "author": device_reference(book, content.placement, texts),
            "implicated": implicated,
            "detail": texts.summary(verified),
        }
    )


# --- doses --------------------------------------------------------------------------------------------------------


def medication_dispense(verified: Verified, texts: Words) -> Resource:
    """A dose that left the device, after VkpMedicationDispense. Which medicine it was the dispenser does not say."""
    book, content = verified.book, verified.content
    assert content is not None
    category = kind_concept(content, texts)
    code = codes.dispense_code(content)
    category["coding"].insert(0, coding(codes.VKP_DISPENSE, code, codes.DISPENSES[code]))
    return only(
        {
            "resourceType": "MedicationDispense",
            "meta": meta(verified, texts),
            "language": texts.language,
            "identifier": identifiers(verified),
            "status": "completed",
            "category": category,
            "medicationCodeableConcept": {
                "coding": [coding(DATA_ABSENT, "unknown")],
                "text": texts.say("medication"),
            },
            "subject": subject(book, content),
            "performer": [{"actor": device_reference(book, content.placement, texts)}],
            **dated(verified, "whenHandedOver", is_choice=False),
            "note": [{"text": texts.summary(verified)}],
        }
    )


# --- devices ------------------------------------------------------------------------------------------------------


def gateway_device(book: GatewayBook, texts: Words) -> Resource:
    """The gateway, as the PHD profiles see one: an application hosting device."""
    return {
        "resourceType": "Device",
        "language": texts.language,
        "identifier": [urn(names.device_uuid(book, 0), "official")],
        "deviceName": [{"name": f"{book.tenant}/{book.name}", "type": "user-friendly-name"}],
        "type": {"coding": [coding(codes.MDC, GATEWAY_TYPE)], "text": words.HUB},
    }


def peripheral(book: GatewayBook, placement: int, texts: Words) -> Resource:
    """A device in the home, from the manifest. One that is put into use again is another."""
    device = book.devices[placement][1]
    driver = str(device["driver"])
    kind: dict[str, Any] = {"text": words.clean(driver) or "?"}
    if driver in codes.DEVICE_TYPES:
        kind = {"coding": [coding(codes.MDC, codes.DEVICE_TYPES[driver])]} | kind
    described = {name: words.clean(str(device.get(name, ""))) for name in ("maker", "serial_number", "model")}
    room = words.room_of(book, placement)
    return only(
        {
            "resourceType": "Device",
            "language": texts.language,
            "identifier": [urn(names.device_uuid(book, placement), "official")],
            "manufacturer": described["maker"],
            "serialNumber": described["serial_number"],
            "modelNumber": described["model"],
            "type": kind,
            "location": {"display": room} if room else None,
            "parent": device_reference(book, 0, texts),
        }
    )
