"""From dosage lines to mg a day, and doses cut to what can be taken."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.patient.doses import DailyDose, daily_of_line, rounded_down, split_in_two, total
from cds_service.patient.facts import DoseLine, DoseUnit, Drug
from tests.builders import drug

quick = settings(deadline=None, max_examples=60)
amounts = st.fractions(min_value=0, max_value=300, max_denominator=40)
steps = st.sampled_from([Fraction(1, 2), Fraction(1), Fraction(5), Fraction(25), Fraction(3, 4)])


def one(amount: int | str, unit: DoseUnit | None, times: int | str | None = 1, **more: Any) -> DoseLine:
    return DoseLine(Fraction(amount), Fraction(amount), unit, None if times is None else Fraction(times), **more)


def exact(line: DoseLine, medicine: Drug | None = None, weight: int | None = None) -> Fraction | None:
    found = daily_of_line(line, medicine or drug(), None if weight is None else Fraction(weight))
    return found.exact if found else None


@pytest.mark.parametrize(
    ("line", "medicine", "weight", "mg"),
    [
        (one(2, DoseUnit.MG, 2), drug(), None, 4),
        (one(4, DoseUnit.MG, "1/2"), drug(), None, 2),  # every other day
        (one(4, DoseUnit.MG_PER_DAY, None), drug(), None, 4),
        (one(2, DoseUnit.PIECE, 2), drug(strength="1/2"), None, 2),
        (one("2.5", DoseUnit.ML, 2), drug(strength="0.5"), None, "2.5"),
        (one("0.05", DoseUnit.MG_PER_KG, 2), drug(), 60, 6),
        (one("0.1", DoseUnit.MG_PER_KG_PER_DAY, None), drug(), 60, 6),
    ],
    ids=["mg twice", "mg every other day", "mg a day", "capsules", "mL", "mg/kg twice", "mg/kg a day"],
)
def test_a_line_becomes_mg_a_day(line: DoseLine, medicine: Drug, weight: int | None, mg: int | str) -> None:
    assert exact(line, medicine, weight) == Fraction(mg)


@pytest.mark.parametrize(
    ("line", "medicine", "weight"),
    [
        (one(2, DoseUnit.MG, None), drug(), None),
        (one(2, DoseUnit.PIECE, 2), drug(), None),
        (one(2, DoseUnit.PIECE, None), drug(strength=1), None),
        (one(2, DoseUnit.ML, 2), drug(), None),
        (one("0.05", DoseUnit.MG_PER_KG, 2), drug(), None),
        (one("0.05", DoseUnit.MG_PER_KG, None), drug(), 60),
        (one("0.1", DoseUnit.MG_PER_KG_PER_DAY), drug(), None),
        (one(2, None, 2), drug(), None),
        (one(2, DoseUnit.MG, 2, as_needed=True), drug(), None),
        (DoseLine(unit=DoseUnit.MG, times_per_day=Fraction(2)), drug(), None),
        (DoseLine(low=Fraction(2), unit=DoseUnit.MG, times_per_day=Fraction(2)), drug(), None),
    ],
    ids=[
        *(
            "no frequency",
            "no strength",
            "capsules without frequency",
            "no concentration",
            "no weight",
            "no times for mg/kg",
        ),
        *("mg/kg a day without weight", "no unit", "as needed", "no amount", "half a range"),
    ],
)
def test_a_line_that_lacks_something_has_no_dose(line: DoseLine, medicine: Drug, weight: int | None) -> None:
    assert daily_of_line(line, medicine, None if weight is None else Fraction(weight)) is None


def test_a_dose_range_is_no_one_number() -> None:
    found = daily_of_line(DoseLine(Fraction(1), Fraction(2), DoseUnit.MG, Fraction(2)), drug(), None)
    assert found == DailyDose(Fraction(2), Fraction(4))
    assert found.exact is None


@pytest.mark.parametrize(("line", "medicine"), [(True, False), (False, True), (False, False)])
def test_what_was_read_from_a_text_is_not_certain(line: bool, medicine: bool) -> None:
    found = daily_of_line(one(4, DoseUnit.MG, certain=line), drug(certain=medicine), None)
    assert found is not None
    assert not found.certain


def test_concurrent_lines_add_up() -> None:
    morning, evening = DailyDose(Fraction(2), Fraction(2)), DailyDose(Fraction(1), Fraction(3, 2), certain=False)
    assert total([morning, evening]) == DailyDose(Fraction(3), Fraction(7, 2), certain=False)


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    assert total([DailyDose(Fraction(2), Fraction(2)), None]) is None
    assert total([None]) is None
    assert total([]) is None


@quick
@given(amounts, steps)
def test_rounding_never_exceeds_the_amount_and_loses_less_than_a_step(amount: Fraction, step: Fraction) -> None:
    found = rounded_down(amount, step)
    assert found <= amount < found + step
    assert found % step == 0


@quick
@given(st.integers(min_value=0, max_value=60), steps)
def test_a_split_adds_up_and_the_morning_is_never_smaller(pieces: int, step: Fraction) -> None:
    morning, evening = split_in_two(pieces * step, step)
    assert morning + evening == pieces * step
    assert 0 <= morning - evening <= step
    assert morning % step == evening % step == 0


@pytest.mark.parametrize(
    ("daily", "morning", "evening"), [("4", "2", "2"), ("2.5", "1.5", "1"), ("7", "3.5", "3.5"), ("0.5", "0.5", "0")]
)
def test_an_uneven_dose_is_larger_in_the_morning(daily: str, morning: str, evening: str) -> None:
    assert split_in_two(Fraction(daily), Fraction(1, 2)) == (Fraction(Decimal(morning)), Fraction(Decimal(evening)))
