"""What FHIR DSTU2 says of the elements that this service writes: fhir.resources has no models of that version.

Cardinalities, types, required code lists and rules (tim-2, tim-3, tim-5, qty-3, drt-1, rat-1) are those of HL7's structure
definitions and value sets of FHIR 1.0.2 (package hl7.fhir.core 1.0.2: MedicationOrder, DiagnosticOrder, ReferralRequest and
the data types they use). Elements that are never written are left out on purpose: writing one is a fault until it is looked up.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

UCUM = "http://unitsofmeasure.org"
DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}")  # the only form that is written
CODE = re.compile(r"\S+( \S+)*")
UNITS_OF_TIME = frozenset({"s", "min", "h", "d", "wk", "mo", "a"})
MEDICATION_ORDER_STATUS = frozenset({"active", "on-hold", "completed", "entered-in-error", "stopped", "draft"})
DIAGNOSTIC_ORDER_STATUS = frozenset(
    {"proposed", "draft", "planned", "requested", "received", "accepted", "in-progress", "review"}
    | {"completed", "cancelled", "suspended", "rejected", "failed"}
)
DIAGNOSTIC_ORDER_PRIORITY = frozenset({"routine", "urgent", "stat", "asap"})
REFERRAL_STATUS = frozenset({"draft", "requested", "active", "cancelled", "accepted", "rejected", "completed"})


class Element(NamedTuple):
    """Type, smallest number, whether several may be there (then it is a list), and the codes it is bound to."""

    kind: str
    least: int = 0
    several: bool = False
    codes: frozenset[str] = frozenset()


DEFINITIONS: dict[str, dict[str, Element]] = {
    "MedicationOrder": {
        "dateWritten": Element("dateTime"),
        "status": Element("code", codes=MEDICATION_ORDER_STATUS),
        "patient": Element("Reference"),
        "note": Element("string"),
        "medicationCodeableConcept": Element("CodeableConcept", 1),
        "dosageInstruction": Element("MedicationOrder.dosageInstruction", several=True),
    },
    "MedicationOrder.dosageInstruction": {
        "text": Element("string"),
        "timing": Element("Timing"),
        "route": Element("CodeableConcept"),
        "doseQuantity": Element("Quantity"),
        "maxDosePerPeriod": Element("Ratio"),
    },
    "DiagnosticOrder": {
        "subject": Element("Reference", 1),
        "status": Element("code", codes=DIAGNOSTIC_ORDER_STATUS),
        "priority": Element("code", codes=DIAGNOSTIC_ORDER_PRIORITY),
        "item": Element("DiagnosticOrder.item", several=True),
        "note": Element("Annotation", several=True),
    },
    "DiagnosticOrder.item": {"code": Element("CodeableConcept", 1)},
    "ReferralRequest": {
        "status": Element("code", 1, codes=REFERRAL_STATUS),
        "date": Element("dateTime"),
        "specialty": Element("CodeableConcept"),
        "priority": Element("CodeableConcept"),
        "patient": Element("Reference"),
        "serviceRequested": Element("CodeableConcept", several=True),
    },
    "Timing": {"repeat": Element("Timing.repeat"), "code": Element("CodeableConcept")},
    "Timing.repeat": {
        "boundsQuantity": Element("Duration"),
        "frequency": Element("integer"),
        "period": Element("decimal"),
        "periodUnits": Element("code", codes=UNITS_OF_TIME),
    },
    "CodeableConcept": {"coding": Element("Coding", several=True), "text": Element("string")},
    "Coding": {"system": Element("uri"), "code": Element("code"), "display": Element("string")},
    "Reference": {"reference": Element("string")},
    "Annotation": {"text": Element("string", 1)},
    "Quantity": {
        "value": Element("decimal"),
        "unit": Element("string"),
        "system": Element("uri"),
        "code": Element("code"),
    },
    "Ratio": {"numerator": Element("Quantity"), "denominator": Element("Quantity")},
}
DEFINITIONS["Duration"] = DEFINITIONS["Quantity"]
RESOURCES = frozenset({"MedicationOrder", "DiagnosticOrder", "ReferralRequest"})


def problems(resource: dict[str, Any]) -> list[str]:
    """What is wrong with a resource, one line a fault; none where it is valid."""
    kind = resource.get("resourceType")
    if kind not in RESOURCES:
        return [f"{kind} is not written in DSTU2"]
    content = {name: value for name, value in resource.items() if name != "resourceType"}
    return list(_of_parts(content, kind, kind))


def _of_parts(value: Any, kind: str, path: str) -> Iterator[str]:
    if not isinstance(value, dict) or not value:
        yield f"{path}: not a {kind}"
        return
    definition = DEFINITIONS[kind]
    yield from (f"{path}.{name}: not an element that is written" for name in value if name not in definition)
    for name, element in definition.items():
        yield from _of_element(value, name, element, f"{path}.{name}")
    yield from (f"{path}: {rule}" for rule in _broken(value, kind))


def _of_element(parent: dict[str, Any], name: str, element: Element, path: str) -> Iterator[str]:
    if name not in parent:
        if element.least:
            yield f"{path}: missing"
        return
    value = parent[name]
    if isinstance(value, list) is not element.several or value == []:
        yield f"{path}: {'not a list' if element.several else 'a list'}, or an empty one"
        return
    for one in value if element.several else [value]:
        if element.kind in DEFINITIONS:
            yield from _of_parts(one, element.kind, path)
        elif not _is_primitive(one, element.kind):
            yield f"{path}: not a {element.kind}"
        elif element.codes and one not in element.codes:
            yield f"{path}: not a code of its list"


def _is_primitive(value: Any, kind: str) -> bool:
    match kind:
        case "integer":
            return type(value) is int
        case "decimal":
            return type(value) in {int, Decimal}
        case "dateTime":
            return isinstance(value, str) and bool(DATE_TIME.fullmatch(value)) and bool(date.fromisoformat(value))
        case "code":
            return isinstance(value, str) and bool(CODE.fullmatch(value))
        case "uri":
            return isinstance(value, str) and bool(re.fullmatch(r"\S+", value))
        case _:
            return isinstance(value, str) and bool(value.strip())


def _broken(value: dict[str, Any], kind: str) -> Iterator[str]:
    """The rules of a data type that do not hold."""
    match kind:
        case "Timing.repeat":
            if "period" in value and "periodUnits" not in value:
                yield "tim-2, a period without its units"
            if ("period" in value or "frequency" in value) and "when" in value:
                yield "tim-3, both a frequency and a real world event"
            if value.get("period", 0) < 0:
                yield "tim-5, a period below zero"
        case "Quantity" | "Duration":
            if "code" in value and "system" not in value:
                yield "qty-3, a code without its system"
            if kind == "Duration" and (value.get("code") not in UNITS_OF_TIME or value.get("system", UCUM) != UCUM):
                yield "drt-1, a length of time without a unit of time"
        case "Ratio":
            if ("numerator" in value) is not ("denominator" in value):
                yield "rat-1, half a ratio"
