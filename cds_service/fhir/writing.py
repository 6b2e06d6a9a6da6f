"""Draft orders as FHIR R4 resources: built from the orders of a finding, never from what a client sent.

Every resource is status ``draft``, intent ``proposal``, for the patient of the request. Numbers are exact Decimals. The dicts
are plain JSON; they may be shared between suggestions and are not changed after they are made.
"""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache
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


class _Dosage(Struct, frozen=True):
    """A whole dosage: its lines in FHIR, and all of it in words."""

    instructions: list[Resource]
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
        "dosageInstruction": _dosage(order.code, order.intakes, order.days).instructions,
    }


def dosage(order: DrugOrder) -> str:
    """How a drug order is taken, in words: ``60 mg (3 x 20 mg tablet) by mouth once a day in the morning, for 28 days``."""
    return _dosage(order.code, order.intakes, order.days).words


def service_request(order: LabOrder, *, patient_id: str, asof: date) -> Resource:
    """The ServiceRequest of a laboratory test: once, or again every so many days."""
    return _request(_test_code(order.test), patient_id, asof, urgent=False) | _occurrence(order, asof)


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


@cache
def _test_code(name: str) -> Resource:
    test = orders.test(name)
    coding = {"system": LOINC, "code": test.code} | ({"display": test.name} if test.name else {})
    return {"coding": [coding], "text": test.label}


def _occurrence(order: LabOrder, asof: date) -> Resource:
    first = shift(asof, order.first_day)
    if order.every_days is None:
        return {"occurrenceDateTime": first.isoformat()}
    last = shift(first, order.every_days * (order.times - 1))
    repeat = {
        "boundsPeriod": {"start": first.isoformat(), "end": last.isoformat()},
        "count": order.times,
        "frequency": 1,
        "period": order.every_days,
        "periodUnit": "d",
    }
    return {"occurrenceTiming": {"repeat": repeat}}


@lru_cache(maxsize=512)
def _dosage(code: str, intakes: tuple[Fraction, ...], days: int) -> _Dosage:
    """The dosage of a product, whoever takes it: made once, and shared by the orders that have it."""
    daily = _mg(sum(intakes, Fraction()))
    bounds = {"value": days, "unit": "d", "system": UCUM, "code": "d"}
    lines = [_Line(line.mg, line.repeat, f"{_pieces(code, line.mg)} by mouth {line.words}") for line in _lines(intakes)]
    instructions = [
        {
            "sequence": 1,  # the same on every line: taken concurrently, not one after the other
            "text": f"{line.words}, for {days} days",
            "timing": {"repeat": {"boundsDuration": bounds, **line.repeat}},
            "route": _ORAL,
            "doseAndRate": [{"doseQuantity": _mg(line.mg)}],
            "maxDosePerPeriod": {"numerator": daily, "denominator": _ONE_DAY},
        }
        for line in lines
    ]
    return _Dosage(instructions, f"{' and '.join(line.words for line in lines)}, for {days} days")


def _lines(intakes: tuple[Fraction, ...]) -> tuple[_Line, ...]:
    morning = {"frequency": 1, "period": 1, "periodUnit": "d", "when": ["MORN"]}
    match intakes:
        case (dose,):
            return (_Line(dose, morning, "once a day in the morning"),)
        case (first, *rest) if all(dose == first for dose in rest):
            hours = decimal(Fraction(_HOURS_OF_A_DAY, len(intakes)))
            return (_Line(first, {"frequency": 1, "period": hours, "periodUnit": "h"}, f"every {hours} hours"),)
        case (larger, smaller):
            evening = morning | {"when": ["EVE"]}
            return (_Line(larger, morning, "once a day in the morning"), _Line(smaller, evening, "once a day in the evening"))
        case _:
            raise ValueError("the doses of a day are one, equal ones, or a morning and an evening dose")


def _mg(value: Fraction) -> Resource:
    return {"value": decimal(value), "unit": "mg", "system": UCUM, "code": "mg"}


def _pieces(code: str, mg: Fraction) -> str:
    """The dose, with the pieces that make it up where the product is one of ours: ``60 mg (3 x 20 mg tablet)``."""
    product = orders.product(code)
    if product is None or mg % product.strength:
        return f"{decimal(mg)} mg"
    return f"{decimal(mg)} mg ({mg / product.strength} x {decimal(product.strength)} mg {product.form})"
