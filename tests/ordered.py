"""What a written order says, whatever the FHIR version: so that the versions can be compared."""

import re
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from cds_service.fhir import validation
from cds_service.fhir.writing import writer
from cds_service.knowledge import orders
from cds_service.knowledge.finding import DrugOrder, LabOrder, ReferralOrder, say
from tests import dstu2

Json = dict[str, Any]
ASOF = date(2026, 3, 1)
NOTE = "source C3, extrapolated, verify"


class DoseSaid(NamedTuple):
    """One dosage line: its text, mg a dose, doses a day, for how many days, the route's code and the most mg a day."""

    text: str
    mg: Fraction
    times_a_day: Fraction
    days: int
    route: str
    most_a_day: Fraction


def known(code: str) -> orders.Product:
    """The product of an RxNorm code."""
    found = orders.product(code)
    assert found is not None
    return found


def drug(product: orders.Product, *intakes: Fraction | int | str, days: int = 28) -> DrugOrder:
    """An order of a product, each intake in mg."""
    return DrugOrder(
        product.ingredient, product.code, product.name, tuple(Fraction(mg) for mg in intakes), days, say("order-remark")
    )


def medicine(
    product: orders.Product, *intakes: Fraction | int | str, version: str = "R4", days: int = 28, patient_id: str = "p-1"
) -> Json:
    """An order of a product as a resource."""
    return writer(version).medication(drug(product, *intakes, days=days), patient_id=patient_id, asof=ASOF, note=NOTE)


def laboratory(order: LabOrder, *, version: str = "R4", asof: date = ASOF) -> Json:
    """A laboratory order as a resource."""
    return writer(version).laboratory(order, patient_id="p-1", asof=asof)


def referral(order: ReferralOrder, *, version: str = "R4") -> Json:
    """A referral as a resource."""
    return writer(version).referral(order, patient_id="p-1", asof=ASOF)


def problems(resource: Json, version: str) -> list[str]:
    """What is wrong with a resource of that version: by the models, in DSTU2 by its own definitions."""
    return validation.problems(resource, version) if version in validation.VERSIONS else dstu2.problems(resource)


def concept_of(resource: Json) -> Json:
    """What is ordered, as a CodeableConcept."""
    match resource:
        case {"medicationCodeableConcept": found} | {"medication": {"concept": found}} | {"code": {"concept": found}}:
            return dict(found)
        case {"item": [{"code": found}]} | {"serviceRequested": [found]} | {"code": found}:
            return dict(found)
    raise AssertionError(resource)


def for_whom(resource: Json) -> str:
    """The reference to the patient."""
    holders = [resource[name] for name in ("subject", "patient") if name in resource]
    assert len(holders) == 1
    return str(holders[0]["reference"])


def note_of(resource: Json) -> str:
    """The note, whether a text or a list of one annotation."""
    note = resource["note"]
    if isinstance(note, list):
        (only,) = note
        note = only["text"]
    return str(note)


def doses(resource: Json) -> tuple[DoseSaid, ...]:
    """The dosage lines of a drug order."""
    return tuple(_dose(line) for line in resource["dosageInstruction"])


def mg_a_day(resource: Json) -> Fraction:
    """The mg of all dosage lines together."""
    return sum((line.mg * line.times_a_day for line in doses(resource)), Fraction())


def _dose(line: Json) -> DoseSaid:
    repeat = line["timing"]["repeat"]
    hours = {"h": 1, "d": 24}[repeat.get("periodUnit") or repeat["periodUnits"]] * Fraction(repeat["period"])
    quantity = line["doseQuantity"] if "doseQuantity" in line else line["doseAndRate"][0]["doseQuantity"]
    bounds = repeat.get("boundsDuration") or repeat["boundsQuantity"]
    most = line["maxDosePerPeriod"]
    most = most[0] if isinstance(most, list) else most
    assert (quantity["code"], bounds["code"], most["numerator"]["code"]) == ("mg", "d", "mg")
    assert (most["denominator"]["value"], most["denominator"]["code"]) == (1, "d")
    (route,) = line["route"]["coding"]
    return DoseSaid(
        text=line["text"],
        mg=Fraction(quantity["value"]),
        times_a_day=repeat["frequency"] * 24 / hours,
        days=bounds["value"],
        route=route["code"],
        most_a_day=Fraction(most["numerator"]["value"]),
    )


def due(resource: Json) -> tuple[date, ...]:
    """The days on which a test is due."""
    if "occurrenceDateTime" in resource:
        return (date.fromisoformat(resource["occurrenceDateTime"]),)
    if "occurrenceTiming" in resource:
        repeat = resource["occurrenceTiming"]["repeat"]
        assert (repeat["frequency"], repeat["periodUnit"]) == (1, "d")
        first = date.fromisoformat(repeat["boundsPeriod"]["start"])
        found = tuple(first + timedelta(days=repeat["period"] * turn) for turn in range(repeat["count"]))
        assert found[-1].isoformat() == repeat["boundsPeriod"]["end"]
        return found
    return tuple(date.fromisoformat(text) for text in re.findall(r"\d{4}-\d\d-\d\d", note_of(resource)))
