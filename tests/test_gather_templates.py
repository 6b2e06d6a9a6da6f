"""Prefetch templates resolved as a client would, and nothing of a request that means something in a URL."""

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from cds_service.gather import KEYS
from cds_service.gather.templates import resolve
from cds_service.protocol.discovery import services
from cds_service.protocol.request import HookContext

TODAY = date(2026, 3, 1)
DRAFTS = {
    "resourceType": "Bundle",
    "entry": [
        {"resource": {"resourceType": "MedicationRequest", "id": "r1", "medicationReference": {"reference": "Medication/m1"}}},
        {
            "resource": {
                "resourceType": "MedicationRequest",
                "id": "r2",
                "medicationCodeableConcept": {"coding": [{"code": "198377"}, {"code": "42316"}]},
            }
        },
        {"resource": {"resourceType": "ServiceRequest", "id": "s1"}},
    ],
}


def context(**members: Any) -> HookContext:
    return HookContext("p1", "Practitioner/d1", "e1", members=Raw(msgspec.json.encode(members)))


def test_every_template_that_is_advertised_resolves() -> None:
    for service in services().values():
        for key, template in service.prefetch.items():
            url = resolve(template, context(), TODAY)
            assert url is not None
            assert "{" not in url
            if key in KEYS:
                assert url.startswith((f"{KEYS[key]}/p1", f"{KEYS[key]}?patient=p1"))


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("Patient/{{context.patientId}}", "Patient/p1"),
        ("Patient/{{ context.patientId }}", "Patient/p1"),
        ("{{context.userId}}", "Practitioner/d1"),
        ("Encounter/{{context.encounterId}}", "Encounter/e1"),
        ("Practitioner/{{userPractitionerId}}", "Practitioner/d1"),
        ("PractitionerRole/{{userPractitionerRoleId}}", None),
        ("Patient/{{userPatientId}}", None),
        ("RelatedPerson/{{userRelatedPersonId}}", None),
        ("Observation?patient={{context.patientId}}&date=ge{{today()}}", "Observation?patient=p1&date=ge2026-03-01"),
        ("Observation?date=ge{{today() - 90 days}}", "Observation?date=ge2025-12-01"),
        ("Observation?date=le{{today()+1 day}}", "Observation?date=le2026-03-02"),
        ("Observation?date=ge{{today() - 1 years}}", None),
        (
            "Observation?code=http://loinc.org|1742-6,http://loinc.org|1920-8",
            "Observation?code=http://loinc.org%7C1742-6,http://loinc.org%7C1920-8",
        ),
        (
            "MedicationRequest?_id={{context.draftOrders.entry.resource.ofType(MedicationRequest).id}}",
            "MedicationRequest?_id=r1,r2",
        ),
        ("MedicationRequest?_id={{context.draftOrders.entry.resource.id}}", "MedicationRequest?_id=r1,r2,s1"),
        (
            "MedicationRequest?code={{context.draftOrders.entry.resource.medication.ofType(CodeableConcept).coding.code}}",
            "MedicationRequest?code=198377,42316",
        ),
        ("{{context.draftOrders.entry.resource.medicationReference.reference}}", "Medication/m1"),
        ("{{context.draftOrders.entry.resource.id}}", None),
        ("X?a={{context.nothing.id | context.patientId}}", "X?a=p1"),
        ("X?a={{context.selections}}", "X?a=MedicationRequest/r1"),
        ("X?a={{context.nothing}}", None),
        ("X?a={{context.patientId.id}}", None),
        ("X?a={{context.draftOrders}}", None),
        ("X?a={{context}}", None),
        ("X?a={{Patient.id}}", None),
        ("X?a={{%prior.entry.resource.id}}", None),
        ("X?a={{context.draftOrders.entry.resource.medicationReference.resolve().code}}", None),
        ("X?a={{}}", None),
    ],
)
def test_tokens(template: str, url: str | None) -> None:
    assert (
        resolve(template, context(draftOrders=DRAFTS, selections=["MedicationRequest/r1"], patientId="Patient/p1"), TODAY) == url
    )


def test_a_user_without_a_type_is_nobody_in_particular() -> None:
    anybody = HookContext("p1", "d1")
    assert resolve("Practitioner/{{userPractitionerId}}", anybody, TODAY) is None
    assert resolve("{{context.userId}}", anybody, TODAY) == "d1"
    assert resolve("{{context.userId}}", HookContext("p1"), TODAY) is None


HOSTILE = [
    "../x",
    "..",
    ".",
    "%2e%2e",
    "a?b=c",
    "a&b=c",
    "a|b",
    "a#b",
    "a b",
    "a\n",
    "a\x00",
    "",
    "a/b/c",
    "/a",
    "a/",
    "é",
    "a\\b",
    "x" * 65,
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_that_means_something_in_a_url_is_no_value(value: str) -> None:
    for template in ("X?a={{context.thing}}", "X/{{context.thing}}", "X?a={{context.list}}"):
        assert resolve(template, context(thing=value, list=[value]), TODAY) is None
    assert resolve("X?a={{context.patientId}}", HookContext(value), TODAY) is None


@given(st.text())
def test_no_value_brings_anything_else_into_a_url(value: str) -> None:
    url = resolve("X/{{context.patientId}}", HookContext(value), TODAY)
    assert url is None or (url == f"X/{value}" and not set(value) & set("?&#%|\\ \n"))


@given(st.text())
def test_no_token_is_taken_for_another(token: str) -> None:
    url = resolve("X?a={{" + token + "}}", context(), TODAY)
    if url is not None and "}}" not in token:
        assert any(known in token for known in ("context.", "today()", "user"))


def test_a_context_that_cannot_be_looked_into_has_no_values() -> None:
    surrogate = HookContext("p1", members=Raw(b'{"thing":"\\ud800"}'))
    assert resolve("X?a={{context.thing}}", surrogate, TODAY) is None
    assert resolve("X?a={{context.patientId}}", surrogate, TODAY) == "X?a=p1"
