"""Short ways to hand FHIR to the reading side: resources as a client sends them, and the record that comes of it."""

import json
from collections.abc import Iterable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Raw

from cds_service.fhir.reading import read
from cds_service.patient.facts import Record, Use
from cds_service.protocol.gathered import Answer, Gathered, State
from cds_service.protocol.request import HookContext, HookRequest

Json = dict[str, Any]
UTC = ZoneInfo("UTC")
TODAY = date(2026, 3, 1)
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ME = {"reference": "Patient/p1"}
ORAL = {"coding": [{"system": SNOMED, "code": "26643006"}]}
KEYS = {
    "Patient": "patient",
    "MedicationStatement": "medicationStatements",
    "MedicationRequest": "medicationRequests",
    "MedicationOrder": "medicationOrders",
    "MedicationDispense": "medicationDispenses",
    "MedicationAdministration": "medicationAdministrations",
    "Medication": "medicationRequests",
    "Condition": "conditions",
    "Procedure": "procedures",
    "AllergyIntolerance": "allergies",
    "Observation": "markers",
}


def raw(value: object) -> Raw:
    """A value as the bytes that came."""
    return Raw(value if isinstance(value, bytes) else json.dumps(value).encode())


def concept(system: str, code: str, text: str = "") -> Json:
    """A CodeableConcept with one coding."""
    return {"coding": [{"system": system, "code": code, **({"display": text} if text else {})}]}


def tacrolimus(code: str = "198377") -> Json:
    """Tacrolimus by its RxNorm code."""
    return concept(RXNORM, code)


def line(value: float | str = 2, unit: str = "mg", **timing: Any) -> Json:
    """One R4 dosage line: so much, by mouth, with a timing's repeat."""
    dose = {"doseQuantity": {"value": value, "code": unit}}
    return {
        "doseAndRate": [dose],
        "route": ORAL,
        "timing": {"repeat": timing or {"frequency": 2, "period": 1, "periodUnit": "d"}},
    }


def order(**more: Any) -> Json:
    """An active R4 order of tacrolimus."""
    base = {"resourceType": "MedicationRequest", "id": "m1", "status": "active", "intent": "order", "subject": ME}
    return {**base, "medicationCodeableConcept": tacrolimus(), "authoredOn": "2025-08-01", "dosageInstruction": [line()], **more}


def statement(**more: Any) -> Json:
    """An active R4 statement of tacrolimus."""
    base = {"resourceType": "MedicationStatement", "id": "s1", "status": "active", "subject": ME}
    return {**base, "medicationCodeableConcept": tacrolimus(), "dateAsserted": "2026-02-22", "dosage": [line()], **more}


def result(loinc: str = "1742-6", value: float | None = 150, unit: str = "U/L", **more: Any) -> Json:
    """A final R4 result, ALT unless said otherwise."""
    base = {"resourceType": "Observation", "id": "o1", "status": "final", "subject": ME, "code": concept(LOINC, loinc)}
    quantity = {} if value is None else {"valueQuantity": {"value": value, "unit": unit, "code": unit}}
    return {**base, "effectiveDateTime": "2026-02-27T07:15:00Z", **quantity, **more}


def condition(**more: Any) -> Json:
    """An active R4 condition, autoimmune hepatitis unless said otherwise."""
    return {"resourceType": "Condition", "id": "c1", "subject": ME, "code": concept(ICD10CM, "K75.4"), **more}


def answers(resources: Iterable[object], state: State = State.PRESENT) -> dict[str, Answer]:
    """Every question answered: by the resources of its type, in their order."""
    found: dict[str, list[Raw]] = {key: [] for key in (*KEYS.values(), "screening")}
    for resource in resources:
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        found[KEYS.get(str(kind), "markers")].append(raw(resource))
    return {key: Answer(state, tuple(raws)) for key, raws in found.items()}


def record(*resources: object, drafts: Iterable[object] | None = None, version: str | None = None, **given: Answer) -> Record:
    """The record read from these resources; ``given`` answers a question otherwise."""
    everything = (
        resources if any(_is_patient(one) for one in resources) else ({"resourceType": "Patient", "id": "p1"}, *resources)
    )
    orders = None if drafts is None else tuple(raw(draft) for draft in drafts)
    request = HookRequest("patient-view", "i", HookContext("p1", orders=orders))
    gathered = Gathered({**answers(everything), **given}, version)
    return read(gathered, request, hook="patient-view", asof=TODAY, zone=UTC)


def _is_patient(resource: object) -> bool:
    return isinstance(resource, dict) and resource.get("resourceType") == "Patient"


def only_use(*resources: object) -> Use:
    """The one use that the resources tell of."""
    (use,) = record(*resources).uses
    return use
