"""One bad element never loses the rest of its resource, one bad entry never the rest of its list."""

from decimal import Decimal
from fractions import Fraction

import pytest

from cds_service.fhir.lenient import UnreadableError, decode
from cds_service.fhir.numbers import amount, number
from cds_service.fhir.wire import Concept, MedicationRequest, Observation, many
from tests.reading import raw


def test_a_whole_resource_is_read_as_it_is() -> None:
    found, dropped = decode(raw({"resourceType": "MedicationRequest", "id": "m1", "status": "active", "unread": [1]}))
    assert isinstance(found, MedicationRequest)
    assert (found.id, found.status, dropped) == ("m1", "active", 0)


def test_an_element_of_the_wrong_type_is_left_out_and_counted_and_the_rest_kept() -> None:
    found, dropped = decode(raw({"resourceType": "MedicationRequest", "id": 7, "status": "active", "intent": ["order"]}))
    assert isinstance(found, MedicationRequest)
    assert (found.id, found.status, found.intent, dropped) == (None, "active", None, 2)


def test_a_wrong_element_deep_inside_loses_only_itself() -> None:
    dosage = [{"text": "2 mg", "timing": {"repeat": {"frequency": 2, "period": [], "periodUnit": "d"}}}, None, "once"]
    found, dropped = decode(raw({"resourceType": "MedicationRequest", "dosageInstruction": dosage}))
    assert isinstance(found, MedicationRequest)
    (kept,) = many(found.dosage_instruction)
    assert kept.timing is not None
    assert kept.timing.repeat is not None
    assert (kept.text, kept.timing.repeat.frequency, kept.timing.repeat.period_unit, dropped) == ("2 mg", Decimal(2), "d", 3)


def test_an_object_stands_for_a_list_of_one() -> None:
    found, dropped = decode(raw({"resourceType": "MedicationRequest", "reasonCode": {"text": "AIH"}}))
    assert isinstance(found, MedicationRequest)
    assert list(many(found.reason_code)) == [Concept(text="AIH")]
    assert dropped == 0


def test_a_string_of_broken_utf8_is_left_out() -> None:
    found, dropped = decode(raw(b'{"resourceType":"MedicationRequest","id":"\xff","status":"active"}'))
    assert isinstance(found, MedicationRequest)
    assert (found.id, found.status, dropped) == (None, "active", 1)


def test_numbers_keep_every_digit_on_both_ways() -> None:
    body = b'{"resourceType":"Observation","valueQuantity":{"value":1.50,"unit":"g"}%s}'
    for extra in (b"", b',"id":7'):
        found, _ = decode(raw(body % extra))
        assert isinstance(found, Observation)
        assert found.value_quantity is not None
        assert str(found.value_quantity.value) == "1.50"


def test_a_type_that_nothing_reads_is_passed_over() -> None:
    assert decode(raw({"resourceType": "OperationOutcome", "issue": []})) == (None, 0)


@pytest.mark.parametrize("value", [[], "text", 1, None, {}, {"id": "x"}, {"resourceType": 5}, {"resourceType": None}])
def test_what_is_no_resource_is_unreadable(value: object) -> None:
    with pytest.raises(UnreadableError):
        decode(raw(value))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("1.50", "1.50"),
        ("-1", "-1"),
        ("0", "0"),
        ("1e12", "1E+12"),
        ("1e400", None),
        ("1e-400", None),
        ("NaN", None),
        ("Infinity", None),
    ],
)
def test_a_number_of_clinical_size_is_kept_exactly_and_any_other_is_none(given: str, expected: str | None) -> None:
    assert number(Decimal(given)) == (None if expected is None else Decimal(expected))
    assert number(None) is None


def test_a_number_with_thousands_of_digits_is_rounded_before_anything_reckons_with_it() -> None:
    assert len(str(number(Decimal("1." + "3" * 5000)))) <= 36


def test_an_amount_is_an_exact_fraction_and_never_negative() -> None:
    assert amount(Decimal("0.1")) == Fraction(1, 10)
    assert amount(Decimal(-1)) is None
    assert amount(None) is None
