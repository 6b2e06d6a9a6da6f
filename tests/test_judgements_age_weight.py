"""Age in whole years and the weight to reckon with, also where dates are known only in part."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from cds_service.knowledge.judgements import age, weight
from cds_service.patient.facts import Lab, LabStatus, Person
from cds_service.patient.when import When
from tests.builders import TODAY, born, day, lab, month, parameters, person, record

IN_FORCE = parameters()


@pytest.mark.parametrize(
    ("birthday", "today", "completed"),
    [
        (date(2008, 3, 1), date(2026, 3, 1), 18),
        (date(2008, 3, 2), date(2026, 3, 1), 17),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2008, 12, 31), date(2026, 1, 1), 17),
    ],
)
def test_years_are_completed_on_the_birthday(birthday: date, today: date, completed: int) -> None:
    assert age.years(birthday, today) == completed


@pytest.mark.parametrize(
    ("birth", "child", "adult"),
    [
        (When.on(date(2008, 3, 1)), False, True),
        (When.on(date(2008, 3, 2)), True, False),
        (When(date(2008, 1, 1), date(2008, 12, 31)), False, False),
        (When(date(2007, 1, 1), date(2007, 12, 31)), False, True),
        (When(date(2009, 1, 1), date(2009, 12, 31)), True, False),
        (None, False, False),
    ],
    ids=["18 today", "18 tomorrow", "18 this year", "born in 2007", "born in 2009", "not recorded"],
)
def test_who_is_certainly_a_child_or_an_adult(birth: When | None, child: bool, adult: bool) -> None:
    told = record(person=Person("p", born=birth))
    assert age.surely_child(told, IN_FORCE) is child
    assert age.surely_adult(told, IN_FORCE) is adult


def test_a_partial_birth_date_gives_the_youngest_and_the_oldest() -> None:
    assert age.span(record(person=Person("p", born=When(date(2008, 1, 1), date(2008, 12, 31))))) == (17, 18)
    assert age.span(record(person=Person("p"))) is None


def test_a_site_may_count_adults_from_21() -> None:
    told = record(person=Person("p", born=born(20)))
    assert age.surely_child(told, parameters(adult_years=21))
    assert age.surely_adult(told, IN_FORCE)


# --- weight


def on(*weights: Lab, today: date = TODAY, years: int | None = 45) -> Fraction | None:
    return weight.on(record(markers=weights, person=person(years)), today, IN_FORCE)


def kg(number: int | str, told: int | When, **more: Any) -> Lab:
    return lab("weight", number, told, **more)


def test_no_weight() -> None:
    assert on() is None
    assert weight.on(record(markers=None), TODAY, IN_FORCE) is None


def test_the_last_weight_before_the_day_counts() -> None:
    weights = (kg(80, -200), kg(70, -100), kg(60, -8))
    assert on(*weights) == 60
    assert on(*weights, today=day(-50)) == 70


def test_a_weight_of_the_day_itself_counts_as_before_it() -> None:
    assert on(kg(60, 0), kg(70, -5)) == 60
    assert on(kg(60, 1), kg(70, -5)) == 70


def test_without_one_before_the_first_after_it_counts() -> None:
    assert on(kg(60, -8), kg(70, -100), today=day(-150)) == 70


@pytest.mark.parametrize(("years", "last"), [(45, -365), (None, -365), (10, -30)])
def test_a_weight_is_fresh_for_a_year_in_adults_and_a_month_in_children(years: int | None, last: int) -> None:
    assert on(kg(60, last), years=years) == 60
    assert on(kg(60, last - 1), years=years) is None


def test_a_weight_of_an_imprecise_day_is_fresh_only_where_every_day_of_it_is() -> None:
    assert on(kg(60, month(2026, 1))) == 60
    assert on(kg(60, When(date(2025, 1, 1), date(2025, 12, 31)))) is None


@pytest.mark.parametrize(("number", "believed"), [(30, True), ("29.9", False), (200, True), ("200.1", False)])
def test_a_weight_that_can_hardly_be_true_carries_no_dose(number: int | str, believed: bool) -> None:
    assert (on(kg(number, -8)) is not None) is believed


def test_a_weight_that_can_hardly_be_true_is_not_replaced_by_an_older_one() -> None:
    assert on(kg(80, -200), kg(8, -8)) is None


def test_a_preliminary_weight_is_none() -> None:
    assert on(kg(60, -8, status=LabStatus.PRELIMINARY)) is None


def test_the_weight_is_exact() -> None:
    assert on(kg("70.3", -8)) == Fraction(703, 10)
