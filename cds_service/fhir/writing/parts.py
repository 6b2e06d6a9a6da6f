"""The elements of an order that several FHIR versions write alike."""

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

from cds_service.fhir.writing.dosing import Dosing, Line, decimal, dosing
from cds_service.knowledge import orders
from cds_service.knowledge.finding import DrugOrder, LabOrder, ReferralOrder
from cds_service.patient.when import shift

Resource = dict[str, Any]
LineWriter = Callable[[Line, Dosing], Resource]
"""Writes one line of a whole dosage."""

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
SNOMED_CT = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"

ORAL: Resource = {"coding": [{"system": SNOMED_CT, "code": "26643006", "display": "Oral route"}], "text": "Oral"}


def proposal(kind: str, *, patient_id: str, asof: date) -> Resource:
    """What every request has from STU3 on."""
    return {
        "resourceType": kind,
        "status": "draft",
        "intent": "proposal",
        "subject": patient(patient_id),
        "authoredOn": asof.isoformat(),
    }


def patient(patient_id: str) -> Resource:
    """The reference to the patient of the request."""
    return {"reference": f"Patient/{patient_id}"}


def priority(*, urgent: bool) -> str:
    """The priority of a request; the two codes are the same in every version."""
    return "urgent" if urgent else "routine"


def medicine(order: DrugOrder) -> Resource:
    """The product as a CodeableConcept."""
    return {"coding": [{"system": RXNORM, "code": order.code, "display": order.display}], "text": order.display}


@cache
def test(name: str) -> Resource:
    """A test of orders.toml as a CodeableConcept."""
    found = orders.test(name)
    coding = {"system": LOINC, "code": found.code} | ({"display": found.name} if found.name else {})
    return {"coding": [coding], "text": found.label}


def specialty(order: ReferralOrder) -> Resource:
    """To whom a person is referred, as a CodeableConcept in words."""
    return {"text": orders.specialty(order.specialty).label}


def service(order: ReferralOrder) -> Resource:
    """What a referral asks for, as a CodeableConcept in words."""
    return {"text": f"Referral to {orders.specialty(order.specialty).label}"}


def mg(value: Fraction) -> Resource:
    """An amount of mg as a Quantity."""
    return {"value": decimal(value), "unit": "mg", "system": UCUM, "code": "mg"}


def days(count: int) -> Resource:
    """A length of time as a Quantity."""
    return {"value": count, "unit": "d", "system": UCUM, "code": "d"}


def most_a_day(whole: Dosing) -> Resource:
    """The mg of a day, all lines together, as a Ratio."""
    return {"numerator": mg(whole.daily_mg), "denominator": days(1)}


def instructions(order: DrugOrder, written: LineWriter) -> list[Resource]:
    """The dosage of an order, its lines as ``written`` has them: made once, and shared by the orders that are taken alike."""
    return _instructions(order.code, order.intakes, order.days, written)


@lru_cache(maxsize=512)
def _instructions(code: str, intakes: tuple[Fraction, ...], length: int, written: LineWriter) -> list[Resource]:
    whole = dosing(code, intakes, length)
    return [written(line, whole) for line in whole.lines]


def line_without_dose(line: Line, whole: Dosing) -> Resource:
    """A dosage line as from STU3 on, but for the dose, which has another place in each version."""
    rhythm = line.rhythm
    repeat: Resource = {
        "boundsDuration": days(whole.days),
        "frequency": 1,
        "period": rhythm.period,
        "periodUnit": rhythm.unit,
    }
    if rhythm.moment:
        repeat["when"] = [rhythm.moment.value]
    return {
        "sequence": 1,  # the same on every line: taken concurrently, not one after the other
        "text": line.words,
        "timing": {"repeat": repeat},
        "route": ORAL,
    }


@lru_cache(maxsize=1024)
def occurrence(order: LabOrder, asof: date) -> Resource:
    """When a test is due, as the element ``occurrence[x]`` that requests have from STU3 on; shared by all of that day."""
    due = due_on(order, asof)
    if order.every_days is None:
        return {"occurrenceDateTime": due[0]}
    repeat = {
        "boundsPeriod": {"start": due[0], "end": due[-1]},
        "count": order.times,
        "frequency": 1,
        "period": order.every_days,
        "periodUnit": "d",
    }
    return {"occurrenceTiming": {"repeat": repeat}}


@lru_cache(maxsize=1024)
def due_on(order: LabOrder, asof: date) -> tuple[str, ...]:
    """Each day a test is due, in order."""
    first = shift(asof, order.first_day)
    if order.every_days is None:
        return (first.isoformat(),)
    return tuple(shift(first, order.every_days * turn).isoformat() for turn in range(order.times))
