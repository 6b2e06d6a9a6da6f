"""Every order the service can emit is a valid FHIR R4 draft, exact to the dose, and holds nothing a client sent."""

import json
import subprocess
import sys
from copy import deepcopy
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir import validation, writing
from cds_service.knowledge import orders
from cds_service.knowledge.finding import DrugOrder, LabOrder, ReferralOrder, say

ASOF = date(2026, 3, 1)
EXAMPLES = Path(__file__).parents[2] / "shared" / "samples" / "hl7-r4-examples"
PRODUCTS = orders.orders().product


def drug(product: orders.Product, *intakes: Fraction | int | str, days: int = 28) -> DrugOrder:
    return DrugOrder(
        product.ingredient, product.code, product.name, tuple(Fraction(mg) for mg in intakes), days, say("order-remark")
    )


def written(product: orders.Product, *intakes: Fraction | int | str, days: int = 28) -> dict[str, Any]:
    order = drug(product, *intakes, days=days)
    return writing.medication_request(order, patient_id="p-1", asof=ASOF, note="source C3, extrapolated, verify")


def known(code: str) -> orders.Product:
    found = orders.product(code)
    assert found is not None
    return found


PREDNISONE_20 = known("312615")
TACROLIMUS_1 = known("198377")


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.code)
@pytest.mark.parametrize("pieces", [(1,), (3,), (1, 1), (2, 1), (1, 1, 1)], ids=str)
def test_every_product_in_every_dose_form_is_a_valid_order(product: orders.Product, pieces: tuple[int, ...]) -> None:
    resource = written(product, *(product.strength * count for count in pieces))

    assert validation.problems(resource) == []


@pytest.mark.parametrize("name", orders.orders().test)
@pytest.mark.parametrize(
    "schedule", [{}, {"first_day": 14}, {"every_days": 14, "times": 4}, {"first_day": 3, "every_days": 7, "times": 1}], ids=str
)
def test_every_test_in_every_schedule_is_a_valid_order(name: str, schedule: dict[str, int]) -> None:
    resource = writing.service_request(LabOrder(name, **schedule), patient_id="p-1", asof=ASOF)

    assert validation.problems(resource) == []


@pytest.mark.parametrize("name", orders.orders().specialty)
@pytest.mark.parametrize("urgent", [True, False])
def test_every_referral_is_a_valid_order(name: str, urgent: bool) -> None:
    resource = writing.referral(ReferralOrder(name, urgent), patient_id="p-1", asof=ASOF)

    assert validation.problems(resource) == []
    assert resource["priority"] == ("urgent" if urgent else "routine")
    assert resource["code"]["text"] == f"Referral to {orders.specialty(name).label}"
    assert "coding" not in resource["code"]


@given(
    product=st.sampled_from(PRODUCTS),
    pieces=st.lists(st.integers(1, 12), min_size=1, max_size=2),
    days=st.integers(1, 365),
    patient=st.from_regex(r"[A-Za-z0-9.-]{1,64}", fullmatch=True),
    asof=st.dates(date(1900, 1, 1), date(9999, 12, 31)),
)
def test_any_dose_for_any_patient_is_valid_and_exact(
    product: orders.Product, pieces: list[int], days: int, patient: str, asof: date
) -> None:
    intakes = sorted((product.strength * count for count in pieces), reverse=True)
    order = drug(product, *intakes, days=days)

    resource = writing.medication_request(order, patient_id=patient, asof=asof, note="verify")

    assert validation.problems(resource) == []
    assert resource["subject"] == {"reference": f"Patient/{patient}"}
    assert daily_mg(resource) == sum(intakes)
    assert {line["maxDosePerPeriod"]["numerator"]["value"] for line in resource["dosageInstruction"]} == {daily_mg(resource)}


@given(
    name=st.sampled_from(sorted(orders.orders().test)),
    first=st.integers(0, 400),
    every=st.integers(1, 120),
    times=st.integers(1, 30),
    asof=st.dates(date(1900, 1, 1), date(9999, 12, 31)),
)
def test_any_schedule_on_any_day_is_valid(name: str, first: int, every: int, times: int, asof: date) -> None:
    resource = writing.service_request(LabOrder(name, first, every, times), patient_id="p", asof=asof)

    assert validation.problems(resource) == []


def daily_mg(resource: dict[str, Any]) -> Fraction:
    total = Fraction()
    for line in resource["dosageInstruction"]:
        repeat = line["timing"]["repeat"]
        hours = {"h": 1, "d": 24}[repeat["periodUnit"]] * Fraction(repeat["period"])
        total += Fraction(line["doseAndRate"][0]["doseQuantity"]["value"]) * repeat["frequency"] * 24 / hours
    return total


def test_once_a_day_is_a_morning_dose_bounded_in_days() -> None:
    (line,) = written(PREDNISONE_20, 60)["dosageInstruction"]

    assert line["timing"]["repeat"] == {
        "boundsDuration": {"value": 28, "unit": "d", "system": writing.UCUM, "code": "d"},
        "frequency": 1,
        "period": 1,
        "periodUnit": "d",
        "when": ["MORN"],
    }
    assert line["text"] == "60 mg (3 x 20 mg tablet) by mouth once a day in the morning, for 28 days"
    assert line["route"]["coding"][0]["code"] == "26643006"
    assert line["maxDosePerPeriod"]["numerator"]["value"] == 60


def test_two_equal_doses_are_every_twelve_hours() -> None:
    (line,) = written(TACROLIMUS_1, 2, 2)["dosageInstruction"]

    repeat = line["timing"]["repeat"]
    assert (repeat["frequency"], repeat["period"], repeat["periodUnit"]) == (1, 12, "h")
    assert line["doseAndRate"] == [{"doseQuantity": {"value": 2, "unit": "mg", "system": writing.UCUM, "code": "mg"}}]
    assert line["maxDosePerPeriod"]["numerator"]["value"] == 4


def test_an_uneven_split_is_two_concurrent_lines_the_larger_in_the_morning() -> None:
    morning, evening = written(known("313190"), 2, "1.5")["dosageInstruction"]

    assert morning["timing"]["repeat"]["when"] == ["MORN"]
    assert evening["timing"]["repeat"]["when"] == ["EVE"]
    assert morning["sequence"] == evening["sequence"]
    assert (morning["doseAndRate"][0]["doseQuantity"]["value"], evening["doseAndRate"][0]["doseQuantity"]["value"]) == (
        Decimal(2),
        Decimal("1.5"),
    )
    assert evening["maxDosePerPeriod"]["numerator"]["value"] == Decimal("3.5")


def test_an_order_says_which_pieces_make_up_the_dose_only_where_they_do() -> None:
    assert writing.dosage(drug(PREDNISONE_20, 60)).startswith("60 mg (3 x 20 mg tablet)")
    assert writing.dosage(drug(PREDNISONE_20, 30)).startswith("30 mg by mouth")
    brand = DrugOrder("tacrolimus", "108513", "Tacrolimus 1 MG Oral Capsule [Prograf]", (Fraction(2), Fraction(2)), 14, say("r"))
    assert writing.dosage(brand) == "2 mg by mouth every 12 hours, for 14 days"


@pytest.mark.parametrize("intakes", [(), (3, 2, 1)])
def test_a_day_of_other_doses_is_refused(intakes: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="the doses of a day"):
        written(TACROLIMUS_1, *intakes)


def test_a_dose_that_no_decimal_can_say_is_refused() -> None:
    with pytest.raises(ValueError, match="exact decimal"):
        writing.decimal(Fraction(1, 3))


def test_numbers_are_printed_as_plain_json_numbers() -> None:
    encoder = msgspec.json.Encoder(decimal_format="number")
    half = writing.medication_request(drug(known("313190"), "1.5", "1.5"), patient_id="p", asof=ASOF, note="n")
    whole = writing.medication_request(drug(PREDNISONE_20, 100), patient_id="p", asof=ASOF, note="n")

    assert b'"value":1.5,' in encoder.encode(half)
    assert b'"value":100,' in encoder.encode(whole)


def test_the_order_names_product_and_patient_and_carries_its_note() -> None:
    resource = written(PREDNISONE_20, 60)

    assert (resource["status"], resource["intent"], resource["authoredOn"]) == ("draft", "proposal", "2026-03-01")
    concept = resource["medicationCodeableConcept"]
    assert concept["text"] == "Prednisone 20 MG Oral Tablet"
    assert concept["coding"][0] == {"system": writing.RXNORM, "code": "312615", "display": "Prednisone 20 MG Oral Tablet"}
    assert resource["subject"] == {"reference": "Patient/p-1"}
    assert resource["note"] == [{"text": "source C3, extrapolated, verify"}]
    assert "dispenseRequest" not in resource


def test_a_single_test_is_due_on_its_day() -> None:
    resource = writing.service_request(LabOrder("alt", first_day=14), patient_id="p", asof=ASOF)

    assert resource["occurrenceDateTime"] == "2026-03-15"
    assert "occurrenceTiming" not in resource


def test_a_repeated_test_has_start_interval_count_and_end() -> None:
    resource = writing.service_request(LabOrder("alt", 0, 14, 5), patient_id="p", asof=ASOF)

    assert resource["occurrenceTiming"]["repeat"] == {
        "boundsPeriod": {"start": "2026-03-01", "end": "2026-04-26"},
        "count": 5,
        "frequency": 1,
        "period": 14,
        "periodUnit": "d",
    }


def test_a_test_without_a_loinc_name_has_the_code_and_our_words() -> None:
    concept = writing.service_request(LabOrder("tuberculosis-igra"), patient_id="p", asof=ASOF)["code"]

    assert concept["coding"] == [{"system": writing.LOINC, "code": "71775-1"}]
    assert "tuberculosis" in concept["text"]


def test_a_fault_is_named_by_path_and_kind_and_never_by_value() -> None:
    resource = writing.referral(ReferralOrder("hepatology"), patient_id="p", asof=ASOF)
    faulty = resource | {"authoredOn": "SECRET", "subject": {"reference": 5}, "SECRET": "SECRET"}

    found = validation.problems(faulty)

    assert "authoredOn: value error" in found
    assert "subject.reference: string type" in found
    assert "resource: an element that FHIR R4 does not have" in found
    assert "SECRET" not in " ".join(found)


def test_a_code_outside_its_required_list_is_a_fault() -> None:
    resource = deepcopy(written(PREDNISONE_20, 60)) | {"status": "SECRET"}  # orders share their parts
    resource["dosageInstruction"][0]["timing"]["repeat"]["periodUnit"] = "fortnight"

    assert validation.problems(resource) == [
        "MedicationRequest.dosageInstruction.timing.repeat.periodUnit: not a code of its list",
        "MedicationRequest.status: not a code of its list",
    ]


@pytest.mark.parametrize(
    "resource", [{}, {"resourceType": 5}, {"resourceType": "Nope"}, {"resourceType": "Timing"}, {"resourceType": "Boolean"}]
)
def test_what_is_no_resource_is_a_fault(resource: dict[str, Any]) -> None:
    assert validation.problems(resource) == ["resourceType: no resource type of FHIR R4"]


def test_a_contained_resource_of_another_version_is_a_fault() -> None:
    resource = written(PREDNISONE_20, 60) | {"contained": [{"resourceType": "MedicationOrder"}]}

    assert validation.problems(resource) == ["contained: a resource type that FHIR R4 does not have"]


def test_the_official_examples_of_the_types_we_read_have_no_fault() -> None:
    if not EXAMPLES.exists():
        pytest.skip("the HL7 examples are not beside this checkout")
    found = {path.name: validation.problems(json.loads(path.read_text(encoding="utf-8"))) for path in EXAMPLES.glob("*.json")}

    assert len(found) > 100
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_writing_an_order_never_loads_the_fhir_models() -> None:
    program = "import sys, cds_service.fhir.writing, cds_service.fhir.validation; print('pydantic' in sys.modules)"

    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert told.stdout.strip() == "False"
