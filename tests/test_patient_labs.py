"""Results in time: which count, what is usual for a person, what a bound leaves open."""

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from cds_service.patient import labs
from cds_service.patient.facts import Comparator, Lab, LabStatus, Quantity
from cds_service.patient.labs import Baseline
from cds_service.patient.when import When
from tests.builders import TODAY, day, lab, month

quick = settings(deadline=None, max_examples=60)
LESS, AT_MOST, AT_LEAST, GREATER = Comparator.LESS, Comparator.AT_MOST, Comparator.AT_LEAST, Comparator.GREATER
HALF_A_YEAR = (day(-180), day(-365))


def alt(number: int | str, on: int | When = -2, **more: Any) -> Lab:
    return lab("alt", number, on, **more)


# --- selecting


def test_results_of_the_asked_tests_come_newest_first() -> None:
    old, new, other = alt(30, -90), alt(150, -2), lab("bilirubin", 12, -1)
    assert labs.of([old, other, new], "alt") == (new, old)
    assert labs.of([old, other, new], "alt", "bilirubin") == (other, new, old)


def test_a_result_without_a_readable_unit_is_not_used() -> None:
    assert labs.of([lab("alt", None)], "alt") == ()


def test_a_partial_date_counts_as_its_latest_day() -> None:
    some_day, last_day_but_one = alt(50, month(2026, 1)), alt(60, When.on(month(2026, 1).latest.replace(day=30)))
    assert labs.of([last_day_but_one, some_day], "alt") == (some_day, last_day_but_one)


def test_results_of_one_day_have_a_fixed_order() -> None:
    one, other = alt(50, reference="Observation/1"), alt(60, reference="Observation/2")
    assert labs.of([one, other], "alt") == labs.of([other, one], "alt")


@pytest.mark.parametrize(("on", "inside"), [(-90, True), (-91, False), (0, True), (1, False)])
def test_both_ends_of_a_time_belong_to_it(on: int, inside: bool) -> None:
    assert bool(labs.between([alt(50, on)], day(-90), TODAY)) is inside


def test_a_partial_date_lies_inside_only_where_every_day_of_it_does() -> None:
    partial = alt(50, month(2026, 1))
    assert labs.between([partial], month(2026, 1).earliest, month(2026, 1).latest) == (partial,)
    assert labs.between([partial], month(2026, 1).earliest.replace(day=2), TODAY) == ()
    assert labs.between([partial], day(-365), month(2026, 1).latest.replace(day=30)) == ()


def test_a_preliminary_result_is_not_final() -> None:
    final, preliminary = alt(50), alt(150, status=LabStatus.PRELIMINARY)
    assert labs.final([preliminary, final]) == (final,)


# --- numbers and bounds


def test_a_result_without_a_number_is_worth_nothing() -> None:
    assert labs.value(lab("alt", None)) == 0
    assert labs.value(alt("150.5")) == Decimal("150.5")


@pytest.mark.parametrize(
    ("comparator", "number", "above", "at_least", "below"),
    [
        (None, 119, False, False, True),
        (None, 120, False, True, False),
        (None, 121, True, True, False),
        (LESS, 120, False, False, True),
        (LESS, 121, False, False, False),
        (LESS, 500, False, False, False),
        (AT_MOST, 119, False, False, True),
        (AT_MOST, 120, False, False, False),
        (AT_LEAST, 119, False, False, False),
        (AT_LEAST, 120, False, True, False),
        (AT_LEAST, 121, True, True, False),
        (GREATER, 119, False, False, False),
        (GREATER, 120, True, True, False),
        (GREATER, 1, False, False, False),
    ],
)
def test_a_bound_tells_only_what_is_sure(
    comparator: Comparator | None, number: int, above: bool, at_least: bool, below: bool
) -> None:
    found = alt(number, comparator=comparator)
    limit = Decimal(120)
    assert labs.surely_above(found, limit) is above
    assert labs.surely_at_least(found, limit) is at_least
    assert labs.surely_below(found, limit) is below


TRUE: dict[Comparator | None, Callable[[int, int], bool]] = {
    None: lambda shown, true: true == shown,
    LESS: lambda shown, true: true < shown,
    AT_MOST: lambda shown, true: true <= shown,
    AT_LEAST: lambda shown, true: true >= shown,
    GREATER: lambda shown, true: true > shown,
}


@quick
@given(st.sampled_from(list(TRUE)), st.integers(1, 20), st.integers(1, 20), st.integers(1, 20))
def test_what_is_sure_is_true_of_every_value_a_bound_allows(
    comparator: Comparator | None, shown: int, limit: int, true: int
) -> None:
    if TRUE[comparator](shown, true):
        found = alt(shown, comparator=comparator)
        assert not labs.surely_above(found, Decimal(limit)) or true > limit
        assert not labs.surely_at_least(found, Decimal(limit)) or true >= limit
        assert not labs.surely_below(found, Decimal(limit)) or true < limit


# --- the person's own usual value


def usual(*found: Lab) -> Baseline | None:
    return labs.baseline(found, TODAY, window=HALF_A_YEAR)


@quick
@given(st.lists(st.integers(1, 500), min_size=1, max_size=9), st.randoms(use_true_random=False))
def test_the_usual_value_is_the_median_whatever_the_order(numbers: list[int], chance: Random) -> None:
    found = [alt(number, -10 - place) for place, number in enumerate(numbers)]
    chance.shuffle(found)
    baseline = usual(*found)
    assert baseline is not None
    below = sum(number <= baseline.value for number in numbers)
    above = sum(number >= baseline.value for number in numbers)
    assert min(below, above) * 2 >= len(numbers)
    assert not baseline.fallback


def test_the_median_of_two_is_exactly_between_them() -> None:
    assert usual(alt(30, -10), alt(41, -20)) == Baseline(Decimal("35.5"))


@pytest.mark.parametrize(("on", "baseline"), [(-180, Baseline(Decimal(30))), (-181, Baseline(Decimal(30), fallback=True))])
def test_beyond_half_a_year_the_lowest_of_the_year_is_taken(on: int, baseline: Baseline) -> None:
    assert usual(alt(30, on)) == baseline


def test_the_lowest_of_the_year_is_the_fallback() -> None:
    assert usual(alt(60, -200), alt(30, -300), alt(50, -364)) == Baseline(Decimal(30), fallback=True)


@pytest.mark.parametrize(("on", "found"), [(-365, True), (-366, False)])
def test_nothing_older_than_the_longer_time_is_usual(on: int, found: bool) -> None:
    assert (usual(alt(30, on)) is not None) is found


@pytest.mark.parametrize("result", [alt(30, 0), alt(30, 1), alt(30, -10, status=LabStatus.PRELIMINARY)])
def test_neither_a_later_nor_a_preliminary_value_is_usual(result: Lab) -> None:
    assert usual(result) is None


def test_a_partial_date_is_before_a_day_only_with_its_last_day() -> None:
    partial = alt(30, month(2026, 1))
    assert labs.baseline([partial], month(2026, 1).latest, window=HALF_A_YEAR) is None
    assert labs.baseline([partial], day(-1), window=HALF_A_YEAR) == Baseline(Decimal(30))


# --- as the laboratory gave it


def test_a_result_is_shown_as_reported_else_in_the_canonical_unit() -> None:
    igg = lab("igg", 19, reported=Quantity(Decimal(1900), "mg/dL"))
    assert labs.as_reported(igg) == Quantity(Decimal(1900), "mg/dL")
    assert labs.as_reported(structs.replace(igg, reported=None)) == Quantity(Decimal(19), "g/L")
    assert labs.as_reported(lab("igg", None)) == Quantity(Decimal(), "")


@pytest.mark.parametrize(
    ("number", "places", "expected"),
    [("3.745", 2, "3.74"), ("3.755", 2, "3.76"), ("1E+27", 2, "1000000000000000000000000000.00"), ("0.1" + "1" * 40, 3, "0.111")],
)
def test_a_number_is_rounded_however_long_it_is(number: str, places: int, expected: str) -> None:
    assert labs.rounded(Decimal(number), places) == Decimal(expected)


def test_a_bound_is_shown_as_a_bound() -> None:
    high = alt(1000, comparator=GREATER, reported=Quantity(Decimal(1000), "U/L"))
    assert labs.as_reported(high) == Quantity(Decimal(1000), "U/L", GREATER)


@pytest.mark.parametrize(
    ("comparator", "number", "limit", "expected"),
    [
        (None, 39, 40, True),
        (None, 39, None, True),
        (GREATER, 5, 40, False),
        (AT_LEAST, 5, None, False),
        (LESS, 40, 40, True),
        (AT_MOST, 41, 40, False),
        (LESS, 500, None, True),
    ],
)
def test_what_a_value_below_a_limit_decides(
    comparator: Comparator | None, number: int, limit: int | None, expected: bool
) -> None:
    assert labs.decides(alt(number, comparator=comparator), None if limit is None else Decimal(limit)) is expected


def test_what_cannot_be_read_is_found_by_its_test() -> None:
    readable, unreadable, other = alt(50), lab("alt", None), lab("ast", None)
    assert labs.unreadable([readable, unreadable, other], "alt") == (unreadable,)
