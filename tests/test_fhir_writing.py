"""What an order says is exact to the dose and holds nothing a client sent; told of R4, the shape the others are held against."""

import subprocess
import sys
from datetime import date
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest

from cds_service.fhir.writing import dosing, parts, writer
from cds_service.knowledge.finding import DrugOrder, LabOrder, ReferralOrder, say
from tests.ordered import ASOF, NOTE, drug, known, laboratory, medicine, referral

PREDNISONE_20 = known("312615")
TACROLIMUS_HALF = known("313190")
TACROLIMUS_1 = known("198377")


def test_once_a_day_is_a_morning_dose_bounded_in_days() -> None:
    (line,) = medicine(PREDNISONE_20, 60)["dosageInstruction"]

    assert line["timing"]["repeat"] == {
        "boundsDuration": {"value": 28, "unit": "d", "system": parts.UCUM, "code": "d"},
        "frequency": 1,
        "period": 1,
        "periodUnit": "d",
        "when": ["MORN"],
    }
    assert line["text"] == "60 mg (3 x 20 mg tablet) by mouth once a day in the morning, for 28 days"
    assert line["route"]["coding"][0]["code"] == "26643006"
    assert line["maxDosePerPeriod"]["numerator"]["value"] == 60


def test_two_equal_doses_are_every_twelve_hours() -> None:
    (line,) = medicine(TACROLIMUS_1, 2, 2)["dosageInstruction"]

    repeat = line["timing"]["repeat"]
    assert (repeat["frequency"], repeat["period"], repeat["periodUnit"]) == (1, 12, "h")
    assert "when" not in repeat
    assert line["doseAndRate"] == [{"doseQuantity": {"value": 2, "unit": "mg", "system": parts.UCUM, "code": "mg"}}]
    assert line["maxDosePerPeriod"]["numerator"]["value"] == 4


def test_an_uneven_split_is_two_concurrent_lines_the_larger_in_the_morning() -> None:
    morning, evening = medicine(TACROLIMUS_HALF, 2, "1.5")["dosageInstruction"]

    assert morning["timing"]["repeat"]["when"] == ["MORN"]
    assert evening["timing"]["repeat"]["when"] == ["EVE"]
    assert morning["sequence"] == evening["sequence"]
    assert (morning["doseAndRate"][0]["doseQuantity"]["value"], evening["doseAndRate"][0]["doseQuantity"]["value"]) == (
        Decimal(2),
        Decimal("1.5"),
    )
    assert evening["maxDosePerPeriod"]["numerator"]["value"] == Decimal("3.5")


def test_an_uneven_split_is_told_in_one_sentence() -> None:
    assert dosing.dosage(drug(TACROLIMUS_HALF, 2, "1.5", days=14)) == (
        "2 mg (4 x 0.5 mg capsule) by mouth once a day in the morning"
        " and 1.5 mg (3 x 0.5 mg capsule) by mouth once a day in the evening, for 14 days"
    )


def test_an_order_says_which_pieces_make_up_the_dose_only_where_they_do() -> None:
    assert dosing.dosage(drug(PREDNISONE_20, 60)).startswith("60 mg (3 x 20 mg tablet)")
    assert dosing.dosage(drug(PREDNISONE_20, 30)).startswith("30 mg by mouth")
    hecoria = DrugOrder(
        "tacrolimus", "1235241", "Tacrolimus 1 MG Oral Capsule [Hecoria]", (Fraction(2), Fraction(2)), 14, say("r")
    )
    assert dosing.dosage(hecoria) == "2 mg by mouth every 12 hours, for 14 days"


@pytest.mark.parametrize("intakes", [(), (3, 2, 1)])
def test_a_day_of_other_doses_is_refused(intakes: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="the doses of a day"):
        medicine(TACROLIMUS_1, *intakes)


def test_a_dose_that_no_decimal_can_say_is_refused() -> None:
    with pytest.raises(ValueError, match="exact decimal"):
        dosing.decimal(Fraction(1, 3))


def test_numbers_are_printed_as_plain_json_numbers() -> None:
    encoder = msgspec.json.Encoder(decimal_format="number")

    assert b'"value":1.5,' in encoder.encode(medicine(TACROLIMUS_HALF, "1.5", "1.5"))
    assert b'"value":100,' in encoder.encode(medicine(PREDNISONE_20, 100))


def test_the_order_names_product_and_patient_and_carries_its_note() -> None:
    resource = medicine(PREDNISONE_20, 60)

    assert (resource["status"], resource["intent"], resource["authoredOn"]) == ("draft", "proposal", "2026-03-01")
    concept = resource["medicationCodeableConcept"]
    assert concept["text"] == "Prednisone 20 MG Oral Tablet"
    assert concept["coding"][0] == {"system": parts.RXNORM, "code": "312615", "display": "Prednisone 20 MG Oral Tablet"}
    assert resource["subject"] == {"reference": "Patient/p-1"}
    assert resource["note"] == [{"text": NOTE}]
    assert "dispenseRequest" not in resource


def test_a_single_test_is_due_on_its_day() -> None:
    resource = laboratory(LabOrder("alt", first_day=14))

    assert resource["occurrenceDateTime"] == "2026-03-15"
    assert "occurrenceTiming" not in resource


def test_a_repeated_test_has_start_interval_count_and_end() -> None:
    resource = laboratory(LabOrder("alt", 0, 14, 5))

    assert resource["occurrenceTiming"]["repeat"] == {
        "boundsPeriod": {"start": "2026-03-01", "end": "2026-04-26"},
        "count": 5,
        "frequency": 1,
        "period": 14,
        "periodUnit": "d",
    }


def test_a_test_without_a_loinc_name_has_the_code_and_our_words() -> None:
    concept = laboratory(LabOrder("tuberculosis-igra"))["code"]

    assert concept["coding"] == [{"system": parts.LOINC, "code": "71775-1"}]
    assert "tuberculosis" in concept["text"]


def test_a_referral_asks_in_words_and_names_who_should_see_the_person() -> None:
    resource = referral(ReferralOrder("hepatology"))

    assert (resource["priority"], resource["code"]) == ("urgent", {"text": "Referral to hepatology"})
    assert resource["performerType"] == {"text": "hepatology"}
    assert referral(ReferralOrder("hepatology", urgent=False))["priority"] == "routine"


def test_a_dosage_is_made_once_and_shared_by_the_orders_that_have_it() -> None:
    order = drug(PREDNISONE_20, 60)
    one, other = (writer("R4").medication(order, patient_id=whose, asof=ASOF, note=NOTE) for whose in ("p-1", "p-2"))

    assert one["dosageInstruction"] is other["dosageInstruction"]
    assert one["dosageInstruction"] is not writer("R5").medication(order, patient_id="p-1", asof=ASOF, note=NOTE)


def test_writing_an_order_never_loads_the_fhir_models() -> None:
    program = "import sys, cds_service.fhir.writing, cds_service.fhir.validation; print('pydantic' in sys.modules)"

    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert told.stdout.strip() == "False"


def test_a_test_due_beyond_the_calendar_is_due_on_its_last_day() -> None:
    assert laboratory(LabOrder("alt", 14), asof=date(9999, 12, 31))["occurrenceDateTime"] == "9999-12-31"
