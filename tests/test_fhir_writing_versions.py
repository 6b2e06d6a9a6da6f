"""Whatever FHIR version a client speaks, every order it is offered is valid there and says the same."""

from copy import deepcopy
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir.writing import VERSIONS, dosing, parts, writer
from cds_service.knowledge import orders
from cds_service.knowledge.finding import LabOrder, ReferralOrder
from cds_service.patient.facts import Use, UseStatus
from tests import dstu2, reading
from tests.ordered import (
    ASOF,
    NOTE,
    concept_of,
    doses,
    drug,
    due,
    for_whom,
    known,
    laboratory,
    medicine,
    mg_a_day,
    note_of,
    problems,
    referral,
)

ENCODER = msgspec.json.Encoder(decimal_format="number")
PRODUCTS = orders.orders().product
TESTS = sorted(orders.orders().test)
DOSE_FORMS = [(1,), (3,), (1, 1), (2, 1), (1, 1, 1)]
SCHEDULES: list[dict[str, int]] = [
    {},
    {"first_day": 14},
    {"every_days": 14, "times": 4},
    {"first_day": 3, "every_days": 7, "times": 1},
]
LAB_ORDERS = [LabOrder(name, **schedule) for name in TESTS for schedule in SCHEDULES]
REFERRALS = [ReferralOrder(name, urgent) for name in orders.orders().specialty for urgent in (True, False)]
TACROLIMUS_HALF = known("313190")

every_version = pytest.mark.parametrize("version", VERSIONS)


def test_the_versions_written_are_all_that_a_client_can_speak() -> None:
    assert sorted(VERSIONS) == ["DSTU2", "R4", "R4B", "R5", "STU3"]


# ------------------------------------------------------------- they are valid
@every_version
@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.code)
@pytest.mark.parametrize("pieces", DOSE_FORMS, ids=str)
def test_every_product_in_every_dose_form_is_valid(product: orders.Product, pieces: tuple[int, ...], version: str) -> None:
    resource = medicine(product, *(product.strength * count for count in pieces), version=version)

    assert problems(resource, version) == []


@every_version
def test_every_test_in_every_schedule_is_valid(version: str) -> None:
    faults = {order: problems(laboratory(order, version=version), version) for order in LAB_ORDERS}

    assert {order: found for order, found in faults.items() if found} == {}


@every_version
def test_every_referral_is_valid(version: str) -> None:
    faults = {order: problems(referral(order, version=version), version) for order in REFERRALS}

    assert {order: found for order, found in faults.items() if found} == {}


@given(
    version=st.sampled_from(VERSIONS),
    product=st.sampled_from(PRODUCTS),
    pieces=st.lists(st.integers(1, 12), min_size=1, max_size=2),
    days=st.integers(1, 365),
    patient=st.from_regex(r"[A-Za-z0-9\-.]{1,64}", fullmatch=True),
    asof=st.dates(date(1900, 1, 1), date(9999, 12, 31)),
)
def test_any_dose_for_anybody_on_any_day_is_valid_and_exact(
    version: str, product: orders.Product, pieces: list[int], days: int, patient: str, asof: date
) -> None:
    intakes = sorted((product.strength * count for count in pieces), reverse=True)
    order = drug(product, *intakes, days=days)

    resource = writer(version).medication(order, patient_id=patient, asof=asof, note=NOTE)

    assert problems(resource, version) == []
    assert for_whom(resource) == f"Patient/{patient}"
    assert mg_a_day(resource) == sum(intakes)
    assert {(line.days, line.most_a_day) for line in doses(resource)} == {(days, sum(intakes))}


@given(
    version=st.sampled_from(VERSIONS),
    name=st.sampled_from(TESTS),
    first=st.integers(0, 400),
    every=st.integers(1, 120),
    times=st.integers(1, 30),
    asof=st.dates(date(1900, 1, 1), date(9999, 12, 31)),
)
def test_any_schedule_on_any_day_is_valid(version: str, name: str, first: int, every: int, times: int, asof: date) -> None:
    resource = laboratory(LabOrder(name, first, every, times), version=version, asof=asof)

    assert problems(resource, version) == []


# ----------------------------------------------------------- they say the same
@every_version
@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.code)
@pytest.mark.parametrize("pieces", DOSE_FORMS, ids=str)
def test_a_drug_order_says_the_same_in_every_version(product: orders.Product, pieces: tuple[int, ...], version: str) -> None:
    intakes = [product.strength * count for count in pieces]
    resource, same = medicine(product, *intakes, version=version), medicine(product, *intakes)

    assert concept_of(resource) == concept_of(same)
    assert concept_of(resource)["coding"][0]["code"] == product.code
    assert doses(resource) == doses(same)
    assert mg_a_day(resource) == sum(intakes)
    assert note_of(resource) == NOTE
    assert for_whom(resource) == "Patient/p-1"
    assert resource["status"] == "draft"


@every_version
def test_a_laboratory_order_says_the_same_in_every_version(version: str) -> None:
    for order in LAB_ORDERS:
        resource, same = laboratory(order, version=version), laboratory(order)
        assert concept_of(resource) == concept_of(same)
        assert concept_of(resource)["coding"][0]["code"] == orders.test(order.test).code
        assert due(resource) == due(same)
        assert len(due(resource)) == order.times
        assert for_whom(resource) == "Patient/p-1"
        assert (resource["status"], resource["priority"]) == ("draft", "routine")


@every_version
@pytest.mark.parametrize("urgent", [True, False])
def test_a_referral_says_the_same_in_every_version(urgent: bool, version: str) -> None:
    resource = referral(ReferralOrder("hepatology", urgent), version=version)

    assert concept_of(resource) == {"text": "Referral to hepatology"}
    assert {"text": "hepatology"} in (resource.get("specialty"), resource.get("performerType"))
    assert ("urgent" if urgent else "routine") in str(resource["priority"])
    assert for_whom(resource) == "Patient/p-1"
    assert resource["status"] == "draft"


# ------------------------------------------------- they are read as they are meant
def taken(pieces: tuple[int, ...], version: str) -> Use:
    """A drug order as this service reads it when the client sends it back as its draft."""
    strength = TACROLIMUS_HALF.strength
    resource = medicine(TACROLIMUS_HALF, *(strength * count for count in pieces), version=version, patient_id="p1")
    (use,) = reading.record(drafts=[ENCODER.encode(resource | {"id": "d1"})], version=version).drafts
    return use


@every_version
@pytest.mark.parametrize("pieces", DOSE_FORMS, ids=str)
def test_an_accepted_order_comes_back_as_what_was_offered(pieces: tuple[int, ...], version: str) -> None:
    use = taken(pieces, version)

    assert (use.status, use.drug.ingredient, use.drug.strength) == (UseStatus.DRAFT, "tacrolimus", TACROLIMUS_HALF.strength)
    assert all(line.certain and line.low == line.high for line in use.lines)
    daily = sum((line.low or 0) * (line.times_per_day or 0) for line in use.lines)
    assert daily == TACROLIMUS_HALF.strength * sum(pieces)
    assert use.lines == taken(pieces, "R4").lines


# ------------------------------------------------------- what one version only has
def test_in_stu3_a_test_is_a_procedure_request_and_the_dose_stands_on_its_line() -> None:
    (line,) = medicine(TACROLIMUS_HALF, 2, 2, version="STU3")["dosageInstruction"]

    assert line["doseQuantity"] == {"value": 2, "unit": "mg", "system": parts.UCUM, "code": "mg"}
    assert "doseAndRate" not in line
    assert laboratory(LabOrder("alt"), version="STU3")["resourceType"] == "ProcedureRequest"
    assert referral(ReferralOrder("hepatology"), version="STU3")["resourceType"] == "ReferralRequest"


def test_in_r5_what_is_ordered_is_a_codeable_reference() -> None:
    resource = medicine(TACROLIMUS_HALF, 2, 2, version="R5")

    assert resource["medication"]["concept"]["coding"][0]["code"] == "313190"
    assert isinstance(resource["dosageInstruction"][0]["maxDosePerPeriod"], list)
    assert laboratory(LabOrder("alt"), version="R5")["code"]["concept"]["coding"][0]["code"] == "1742-6"


def test_in_dstu2_the_morning_is_a_code_of_the_timing_and_the_evening_is_in_words() -> None:
    """``when`` has no morning there and may not stand beside a frequency; the code PM is defined as the afternoon."""
    morning, evening = medicine(TACROLIMUS_HALF, 2, "1.5", version="DSTU2")["dosageInstruction"]

    assert morning["timing"]["code"]["coding"] == [{"system": "http://hl7.org/fhir/v3/GTSAbbreviation", "code": "AM"}]
    assert evening["timing"]["code"] == {"text": "once a day in the evening"}
    assert "when" not in morning["timing"]["repeat"]
    assert morning["timing"]["repeat"]["periodUnits"] == "d"
    assert "code" not in medicine(TACROLIMUS_HALF, 2, 2, version="DSTU2")["dosageInstruction"][0]["timing"]


def test_in_dstu2_the_days_of_a_test_are_in_its_note() -> None:
    resource = laboratory(LabOrder("alt", 0, 14, 3), version="DSTU2")

    assert resource["resourceType"] == "DiagnosticOrder"
    assert resource["note"] == [{"text": "Due on 2026-03-01, 2026-03-15, 2026-03-29"}]


def test_in_dstu2_an_order_has_no_intent() -> None:
    resource = medicine(TACROLIMUS_HALF, 2, version="DSTU2")

    assert (resource["resourceType"], resource["dateWritten"]) == ("MedicationOrder", ASOF.isoformat())
    assert not {"intent", "authoredOn", "subject"} & resource.keys()
    assert resource["dosageInstruction"][0]["text"] == dosing.dosage(drug(TACROLIMUS_HALF, 2))


# --------------------------------------------------- the definitions of DSTU2 can fail
@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"status": "proposed"}, "MedicationOrder.status: not a code of its list"),
        ({"intent": "proposal"}, "MedicationOrder.intent: not an element that is written"),
        ({"note": [{"text": "a list"}]}, "MedicationOrder.note: a list, or an empty one"),
        ({"dateWritten": "yesterday"}, "MedicationOrder.dateWritten: not a dateTime"),
        ({"dosageInstruction": []}, "MedicationOrder.dosageInstruction: not a list, or an empty one"),
        ({"medicationCodeableConcept": {}}, "MedicationOrder.medicationCodeableConcept: not a CodeableConcept"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_order_that_dstu2_does_not_allow_is_a_fault(change: dict[str, Any], fault: str) -> None:
    assert dstu2.problems(medicine(TACROLIMUS_HALF, 2, version="DSTU2") | change) == [fault]


@pytest.mark.parametrize(
    ("repeat", "fault"),
    [
        ({"period": 1, "frequency": 1}, "tim-2, a period without its units"),
        ({"periodUnits": "d", "period": -1}, "tim-5, a period below zero"),
        ({"boundsQuantity": {"value": 14, "system": parts.UCUM, "code": "mg"}}, "drt-1, a length of time without a unit of time"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_timing_that_dstu2_does_not_allow_is_a_fault(repeat: dict[str, Any], fault: str) -> None:
    resource = deepcopy(medicine(TACROLIMUS_HALF, 2, version="DSTU2"))  # orders share their parts
    resource["dosageInstruction"][0]["timing"]["repeat"] = repeat

    assert [told.partition(": ")[2] for told in dstu2.problems(resource)] == [fault]


def test_what_dstu2_demands_is_missed() -> None:
    diagnostic = laboratory(LabOrder("alt"), version="DSTU2")
    del diagnostic["subject"]

    assert dstu2.problems(diagnostic) == ["DiagnosticOrder.subject: missing"]
    assert dstu2.problems({"resourceType": "ServiceRequest"}) == ["ServiceRequest is not written in DSTU2"]
