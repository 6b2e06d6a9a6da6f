"""Days known only in part, and the arithmetic of days."""

from datetime import date

import pytest

from cds_service.patient.when import When, days_between, shift


def test_a_full_date_is_exact() -> None:
    assert When.on(date(2026, 2, 20)) == When(date(2026, 2, 20), date(2026, 2, 20))
    assert When.on(date(2026, 2, 20)).exact


def test_a_month_is_not_exact() -> None:
    assert not When(date(2026, 2, 1), date(2026, 2, 28)).exact


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        (date(2026, 2, 20), date(2026, 3, 1), 9),
        (date(2024, 2, 28), date(2024, 3, 1), 2),  # a leap year
        (date(2026, 3, 1), date(2026, 3, 1), 0),
        (date(2026, 3, 1), date(2026, 2, 20), -9),
    ],
)
def test_days_are_counted_from_the_first_to_the_last(first: date, last: date, days: int) -> None:
    assert days_between(first, last) == days


def test_a_shift_goes_both_ways() -> None:
    assert shift(date(2026, 3, 1), -9) == date(2026, 2, 20)
    assert shift(date(2026, 2, 20), 9) == date(2026, 3, 1)


def test_a_shift_stays_inside_the_calendar() -> None:
    assert shift(date(9999, 12, 30), 400) == date.max
    assert shift(date(1, 1, 5), -400) == date.min
    assert shift(date(2026, 3, 1), 10**12) == date.max
    assert shift(date(2026, 3, 1), -(10**12)) == date.min
