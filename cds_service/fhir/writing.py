"""Draft orders as FHIR R4 resources: built from the orders of a finding, never from what a client sent.

Every resource is status ``draft``, intent ``proposal``, for the patient of the request. Numbers are exact Decimals. The dicts
are plain JSON; they may be shared between suggestions and are not changed after they are made.
"""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from msgspec import Struct

from cds_service.knowledge import orders
from cds_service.knowledge.finding import DrugOrder, LabOrder, ReferralOrder
from cds_service.patient.when import shift

Resource = dict[str, Any]

VERSIONS = frozenset({"R4", "R4B"})  # the versions this module writes; the orders used are the same in both
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
SNOMED_CT = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"

_ORAL = {"coding": [{"system": SNOMED_CT, "code": "26643006", "display": "Oral route"}], "text": "Oral"}
_ONE_DAY = {"value": 1, "unit": "d", "system": UCUM, "code": "d"}
_HOURS_OF_A_DAY = 24


class _Line(Struct, frozen=True):
    """One dosage line: a dose, the repeat of its timing and both in words."""

    mg: Fraction
    repeat: Resource
    words: str


def decimal(value: Fraction) -> Decimal:
    """The number exactly.

    Raises:
        ValueError: it has no finite decimal (such as 1/3).
    """
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    if Fraction(exact) != value:
        raise ValueError("a dose must be an exact decimal number of mg")
    return exact


def medication_request(order: DrugOrder, *, patient_id: str, asof: date, note: str) -> Resource:
    """The MedicationRequest of a drug order; ``note`` is the order's remark in words."""
    daily = _mg(sum(order.intakes, Fraction()))
    bounds = {"value": order.days, "unit": "d", "system": UCUM, "code": "d"}
    return {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "proposal",
        "medicationCodeableConcept": {
            "coding": [{"system": RXNORM, "code": order.code, "display": order.display}],
            "text": order.display,
        },
        "subject": {"reference": f"Patient/{patient_id}"},
        "authoredOn": asof.isoformat(),
        "note": [{"text": note}],
        "dosageInstruction": [
            {
                "sequence": 1,  # the same on every line: taken concurrently, not one after the other
                "text": f"{_pieces(order, line.mg)} {line.words}, for {order.days} days",
                "timing": {"repeat": {"boundsDuration": bounds, **line.repeat}},
                "route": _ORAL,
                "doseAndRate": [{"doseQuantity": _mg(line.mg)}],
                "maxDosePerPeriod": {"numerator": daily, "denominator": _ONE_DAY},
            }
            for line in _lines(order)
        ],
    }


def dosage(order: DrugOrder) -> str:
    """How a drug order is taken, in words: ``60 mg (3 x 20 mg tablet) by mouth once a day in the morning, for 28 days``."""
    lines = " and ".join(f"{_pieces(order, line.mg)} {line.words}" for line in _lines(order))
    return f"{lines}, for {order.days} days"


def service_request(order: LabOrder, *, patient_id: str, asof: date) -> Resource:
    """The ServiceRequest of a laboratory test: once, or again every so many days."""
    test = orders.test(order.test)
    coding = {"system": LOINC, "code": test.code} | ({"display": test.name} if test.name else {})
    request = _request({"coding": [coding], "text": test.label}, patient_id, asof, urgent=False)
    first = shift(asof, order.first_day)
    if order.every_days is None:
        return request | {"occurrenceDateTime": first.isoformat()}
    last = shift(first, order.every_days * (order.times - 1))
    repeat = {
        "boundsPeriod": {"start": first.isoformat(), "end": last.isoformat()},
        "count": order.times,
        "frequency": 1,
        "period": order.every_days,
        "periodUnit": "d",
    }
    return request | {"occurrenceTiming": {"repeat": repeat}}


def referral(order: ReferralOrder, *, patient_id: str, asof: date) -> Resource:
    """The ServiceRequest of a referral, in words: the receiving site codes it."""
    label = orders.specialty(order.specialty).label
    request = _request({"text": f"Referral to {label}"}, patient_id, asof, urgent=order.urgent)
    return request | {"performerType": {"text": label}}


def _request(code: Resource, patient_id: str, asof: date, *, urgent: bool) -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "proposal",
        "priority": "urgent" if urgent else "routine",
        "code": code,
        "subject": {"reference": f"Patient/{patient_id}"},
        "authoredOn": asof.isoformat(),
    }


def _lines(order: DrugOrder) -> tuple[_Line, ...]:
    match order.intakes:
        case (dose,):
            return (_line(dose, "once a day in the morning", when="MORN"),)
        case (first, *rest) if all(dose == first for dose in rest):
            return (_every_hours(first, Fraction(_HOURS_OF_A_DAY, len(order.intakes))),)
        case (morning, evening):
            return (
                _line(morning, "once a day in the morning", when="MORN"),
                _line(evening, "once a day in the evening", when="EVE"),
            )
        case _:
            raise ValueError("the doses of a day are one, equal ones, or a morning and an evening dose")


def _line(mg: Fraction, words: str, *, when: str) -> _Line:
    return _Line(mg, {"frequency": 1, "period": 1, "periodUnit": "d", "when": [when]}, f"by mouth {words}")


def _every_hours(mg: Fraction, hours: Fraction) -> _Line:
    return _Line(mg, {"frequency": 1, "period": decimal(hours), "periodUnit": "h"}, f"by mouth every {decimal(hours)} hours")


def _mg(value: Fraction) -> Resource:
    return {"value": decimal(value), "unit": "mg", "system": UCUM, "code": "mg"}


def _pieces(order: DrugOrder, mg: Fraction) -> str:
    """The dose, with the pieces that make it up where the product is one of ours: ``60 mg (3 x 20 mg tablet)``."""
    product = orders.product(order.code)
    if product is None or mg % product.strength:
        return f"{decimal(mg)} mg"
    return f"{decimal(mg)} mg ({mg / product.strength} x {decimal(product.strength)} mg {product.form})"
