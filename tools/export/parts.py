"""Parts that the FHIR resources share: identifiers, references, codes, tags and dates."""

from typing import Any

from gateway.core import registry
from gateway.core.model import Event
from gateway.core.registry_text import KIND_TEXTS
from tools.export import codes, names, words
from tools.export.words import Words
from tools.platform.books import GatewayBook, Verified

Resource = dict[str, Any]

URN = "urn:ietf:rfc:3986"  # the name space of UUIDs, as VKP asks
SUBJECT = "urn:trygg:subject"
TEST_DATA = "http://terminology.hl7.org/CodeSystem/v3-ActReason"  # HTEST, as the PHD profiles mark test data
ABSENT_URL = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def only(fields: Resource) -> Resource:
    """The fields that are there: FHIR has no empty element."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def coding(system: str, code: str, display: str = "") -> dict[str, str]:
    """One code."""
    return {"system": system, "code": code} | ({"display": display} if display else {})


def kind_concept(event: Event, texts: Words) -> dict[str, Any]:
    """The kind by its own name and, where IEEE 11073 has one, its code."""
    found = [coding(codes.KIND, event.kind)]
    mdc = KIND_TEXTS[event.kind][4]
    if mdc:
        found.append(coding(codes.MDC, str(mdc)))
    return {"coding": found, "text": texts.kind(event.kind)}


def urn(value: str, use: str) -> dict[str, Any]:
    """A UUID as an identifier."""
    return {"use": use, "system": URN, "value": value}


def incident_identifier(book: GatewayBook, incident: bytes) -> dict[str, Any]:
    """What all events of one incident carry."""
    return urn(names.incident_uuid(book, incident), "secondary") | {"type": {"text": "incident"}}


def identifiers(verified: Verified, part: str = "") -> list[dict[str, Any]]:
    """The resource's own name first, then its incident's."""
    content = verified.content
    found = [urn(names.event_uuid(verified, part), "official")]
    if content is not None and content.incident is not None:
        found.append(incident_identifier(verified.book, content.incident))
    return found


def device_reference(book: GatewayBook, placement: int, texts: Words) -> dict[str, Any]:
    """A logical reference to a device; the manifest may come after its first events."""
    return {
        "type": "Device",
        "identifier": {"system": URN, "value": names.device_uuid(book, placement)},
        "display": texts.device(book, placement),
    }


def subject(book: GatewayBook, event: Event) -> dict[str, Any]:
    """Whoever is concerned, by pseudonym: the receiving side knows who lives there, and nobody here does (N7)."""
    return {
        "type": "Patient",
        "identifier": {"system": SUBJECT, "value": names.subject_of(book, event)},
    }


def meta(verified: Verified, texts: Words, profile: str | None = None) -> dict[str, Any]:
    """Where the signed event is, the profile that is kept to, and what a receiver sorts by."""
    content = verified.content
    assert content is not None
    severity, disclosure = KIND_TEXTS[content.kind][2:4]
    tags = [
        coding(codes.VKP_SEVERITY, str(severity), codes.SEVERITIES[severity][0]),
        coding(codes.LANE, codes.LANE_NAMES[registry.KINDS[content.kind][1]]),
        coding(codes.DISCLOSURE, disclosure),
        *(coding(codes.PROVENANCE, name, text) for name, text in texts.provenance(content)),
    ]
    return only(
        {
            "source": names.source_of(verified),
            "profile": [profile] if profile else None,
            "security": [coding(TEST_DATA, "HTEST")] if content.exercise else None,
            "tag": tags,
        }
    )


def absent(reason: str) -> dict[str, Any]:
    """Why an element has no value, as an extension of it."""
    return {"extension": [{"url": ABSENT_URL, "valueCode": reason}]}


def dated(verified: Verified, name: str, *, is_choice: bool = True) -> dict[str, Any]:
    """`name` with a moment; where only the latest is known a period that ends there; else why there is none."""
    moment = words.when(verified)
    known, latest = words.instant(moment.utc_ms), words.instant(moment.latest_ms)
    if known is not None:
        return {name + ("DateTime" if is_choice else ""): known}
    if latest is not None and is_choice:
        return {name + "Period": {"end": latest}}
    return {f"_{name}{'DateTime' if is_choice else ''}": absent("unknown")}
