"""To the minute, and in which stay: what resources of every version tell beside days and doses."""

from datetime import datetime
from typing import Any

import pytest

from cds_service.fhir.reading import read
from cds_service.patient.facts import Use
from cds_service.protocol.gathered import Gathered
from cds_service.protocol.request import HookContext, HookRequest
from tests.reading import ME, TODAY, UTC, answers, line, only_use, tacrolimus

EVENING, MORNING = "2026-02-20T20:00:00Z", "2026-02-10T08:00:00Z"
AT_EVENING = datetime(2026, 2, 20, 20, tzinfo=UTC)
AT_MORNING = datetime(2026, 2, 10, 8, tzinfo=UTC)
BOUNDS = {"boundsPeriod": {"start": MORNING, "end": EVENING}}


def told(kind: str, **more: Any) -> Use:
    resource = {"resourceType": kind, "id": "m1", "subject": ME, "medicationCodeableConcept": tacrolimus(), **more}
    return only_use(resource)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("MedicationRequest", {"status": "stopped", "dosageInstruction": [line(**BOUNDS)]}),
        ("MedicationRequest", {"status": "stopped", "effectiveDosePeriod": {"start": MORNING, "end": EVENING}}),
        ("MedicationStatement", {"status": "stopped", "effectivePeriod": {"start": MORNING, "end": EVENING}}),
        ("MedicationOrder", {"status": "stopped", "dosageInstruction": [line(**BOUNDS)], "dateEnded": "2026-02-20T19:00:00Z"}),
        ("MedicationAdministration", {"status": "completed", "effectivePeriod": {"start": MORNING, "end": EVENING}}),
        ("MedicationAdministration", {"status": "completed", "occurencePeriod": {"start": MORNING, "end": EVENING}}),
    ],
)
def test_the_first_and_the_last_dose_to_the_minute(kind: str, more: dict[str, Any]) -> None:
    use = told(kind, **more)
    assert (use.starts_at, use.ends_at) == (AT_MORNING, AT_EVENING)


def test_of_several_lines_the_first_and_the_last_count() -> None:
    lines = [line(boundsPeriod={"start": MORNING, "end": "2026-02-15T08:00:00Z"}), line(boundsPeriod={"end": EVENING}), line()]
    use = told("MedicationRequest", status="active", dosageInstruction=[*lines, {"text": "as directed"}])
    assert (use.starts_at, use.ends_at) == (AT_MORNING, AT_EVENING)


@pytest.mark.parametrize("element", ["effectiveDateTime", "effectiveTimeDateTime", "occurenceDateTime"])
def test_a_giving_is_both_first_and_last(element: str) -> None:
    use = told("MedicationAdministration", status="completed", **{element: EVENING})
    assert (use.starts_at, use.ends_at) == (AT_EVENING, AT_EVENING)


def test_a_supply_has_neither() -> None:
    use = told("MedicationDispense", status="completed", whenHandedOver=EVENING)
    assert (use.starts_at, use.ends_at) == (None, None)


def test_days_without_a_time_give_no_instants() -> None:
    use = told("MedicationStatement", status="stopped", effectivePeriod={"start": "2026-02-10", "end": "2026-02"})
    assert (use.starts_at, use.ends_at) == (None, None)


@pytest.mark.parametrize(
    ("category", "at_discharge"),
    [
        ([{"coding": [{"code": "discharge"}]}], True),
        ({"coding": [{"code": "Discharge"}]}, True),
        ([{"text": "Discharge"}], True),
        ([{"coding": [{"code": "community"}]}, {"coding": [{"code": "discharge"}]}], True),
        ([{"coding": [{"code": "inpatient"}]}], False),
        ([{"text": "not at discharge"}], False),
        (None, False),
    ],
)
def test_an_order_for_the_time_after_the_stay(category: Any, at_discharge: bool) -> None:
    use = told("MedicationRequest", status="active", **({} if category is None else {"category": category}))
    assert use.at_discharge is at_discharge


def test_an_order_of_a_medicine_that_nobody_asks_about_is_one_of_the_discharge_all_the_same() -> None:
    other = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "197361"}], "text": "amlodipine"}
    stay = {"category": [{"coding": [{"code": "discharge"}]}], "encounter": {"reference": "Encounter/e1"}}
    use = told("MedicationRequest", status="active", medicationCodeableConcept=other, **stay)
    assert (use.drug.ingredient, use.at_discharge, use.encounter) == (None, True, "e1")
    assert not told("MedicationRequest", status="active", medicationCodeableConcept=other).at_discharge


@pytest.mark.parametrize(
    ("element", "reference", "stay"),
    [
        ("encounter", "Encounter/e1", "e1"),
        ("context", "https://ehr.example.org/fhir/Encounter/e1/_history/2", "e1"),
        ("encounter", None, None),
    ],
)
def test_the_stay_an_order_belongs_to(element: str, reference: str | None, stay: str | None) -> None:
    use = told("MedicationRequest", status="active", **({} if reference is None else {element: {"reference": reference}}))
    assert use.encounter == stay


@pytest.mark.parametrize("stay", [None, "e1"])
def test_the_record_knows_the_stay_of_the_request(stay: str | None) -> None:
    request = HookRequest("encounter-discharge", "i", HookContext("p1", encounter_id=stay))
    told = read(Gathered(answers([])), request, hook="encounter-discharge", asof=TODAY, zone=UTC)
    assert told.encounter == stay
