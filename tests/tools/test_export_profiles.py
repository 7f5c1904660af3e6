"""What the VKP profiles ask, rule by rule, of the resources in the golden files.

The profiles are those of HL7Norway/Velferdsteknologi (VKP R4 v0.9.0) and HL7Norway/VkpObservation; their rules stand
here in words of ours, since no validator of profiles runs in these tests. Codes are held to the published lists.
"""

import re
from typing import Any

import pytest

from tests.gateway.shared_vectors import rows_of
from tests.tools.export_homes import GOLDEN, codings, golden, golden_bundles, resources
from tools.export import codes, fhir

URN = "urn:ietf:rfc:3986"
NATIONAL = re.compile(r"urn:oid:2\.16\.578\.1\.12\.4\.1\.4\.[123]$")
UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def profile_faults(resource: dict[str, Any], alerts: set[str], dispenses: set[str]) -> list[str]:
    """What a resource lacks of its VKP profile, "subject" where a national identity number is asked for."""
    found = []
    kind = resource["resourceType"]
    if kind == "DetectedIssue":
        if codings(resource["code"]).get(codes.VKP_ALERT) not in alerts:
            found.append("code")
        if not resource.get("patient"):
            found.append("patient")
    if kind == "MedicationDispense":
        if codings(resource.get("category", {"coding": []})).get(codes.VKP_DISPENSE) not in dispenses:
            found.append("category")
        found += ["identifier" for each in resource["identifier"] if each["system"] != URN]
        actors = [each["actor"] for each in resource.get("performer", [])]
        if not actors or any(
            "reference" in each or not each.get("identifier", {}).get("value") for each in actors
        ):
            found.append("performer")
    if kind in ("MedicationDispense", "Observation"):
        system = resource.get("subject", {}).get("identifier", {}).get("system", "")
        if not NATIONAL.match(system):
            found.append("subject")
    return found


@pytest.fixture(scope="module")
def vkp() -> tuple[set[str], set[str]]:
    """Alert codes and dispensing events of the published lists."""
    rows = rows_of("vkp_codes.jsonl")
    return (
        {row["code"] for row in rows if row["system"] == codes.VKP_ALERT},
        {row["code"] for row in rows if row["system"] == codes.VKP_DISPENSE},
    )


def test_our_words_for_vkp_codes_are_those_of_the_list() -> None:
    displays = {(row["system"], row["code"]): row["display"] for row in rows_of("vkp_codes.jsonl")}
    for code, words in codes.ALERTS.items():
        assert displays[codes.VKP_ALERT, code] == words
    for code, words in codes.DISPENSES.items():
        assert displays[codes.VKP_DISPENSE, code] == words
    for level, (words, _) in codes.SEVERITIES.items():
        assert displays[codes.VKP_SEVERITY, str(level)] == words


def test_a_profile_is_claimed_where_it_is_kept_and_nowhere_else(vkp: tuple[set[str], set[str]]) -> None:
    for resource in [each for bundle in golden_bundles() for each in resources(bundle)]:
        lacking = profile_faults(resource, *vkp)
        claimed = resource.get("meta", {}).get("profile", [])
        assert (claimed == [fhir.DETECTED_ISSUE_PROFILE]) == (
            resource["resourceType"] == "DetectedIssue" and lacking == []
        )
        if resource["resourceType"] == "MedicationDispense":
            assert lacking == ["subject"], "and nothing else, once the receiving side has mapped the person"


@pytest.mark.parametrize(
    ("case", "resource", "field", "value", "fault"),
    [
        ("smoke", "DetectedIssue", "patient", None, "patient"),
        ("smoke", "DetectedIssue", "code", {"coding": [{"system": codes.VKP_ALERT, "code": "4.99"}]}, "code"),
        ("dose_collected", "MedicationDispense", "category", {"coding": []}, "category"),
        ("dose_collected", "MedicationDispense", "performer", [], "performer"),
        ("dose_collected", "MedicationDispense", "identifier", [{"system": "x", "value": "y"}], "identifier"),
    ],
)  # fmt: skip
def test_a_resource_that_leaves_its_profile_is_found(
    case: str, resource: str, field: str, value: object, fault: str, vkp: tuple[set[str], set[str]]
) -> None:
    changed = golden(case, resource)[0]
    assert fault not in profile_faults(changed, *vkp)
    changed[field] = value
    assert fault in profile_faults(changed, *vkp)


def test_a_bundle_of_measurements_holds_nothing_else_and_is_a_batch() -> None:
    """PmdBundleObservation: batch, Observations only, a fullUrl and a request of POST each."""
    for bundle in golden_bundles():
        kinds = {each["resourceType"] for each in resources(bundle)}
        assert bundle["type"] == "batch"
        assert len(kinds) == 1
        for entry in bundle["entry"]:
            own = entry["resource"]["identifier"][0]
            assert UUID.fullmatch(own["value"])
            assert entry["fullUrl"] == own["value"]
            assert entry["request"]["method"] == "POST"
            assert entry["request"]["url"] == entry["resource"]["resourceType"]
            assert entry["request"]["ifNoneExist"] == f"identifier={URN}|{own['value']}"


def test_every_reference_is_logical_and_no_person_is_named() -> None:
    """A batch resolves no references; who lives there is known on the receiving side only."""
    assert not [path.name for path in GOLDEN.glob("*.fhir.jsonl") if '"reference"' in path.read_text("utf-8")]
    for bundle in golden_bundles():
        for resource in resources(bundle):
            person = resource.get("patient") or resource.get("subject")
            if person is not None and person["type"] == "Patient":
                assert set(person) == {"type", "identifier"}
                assert person["identifier"]["value"].startswith("oslo/gw-0001")
