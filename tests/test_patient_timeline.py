"""The daily dose laid on one line of days."""

from datetime import date
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from cds_service.patient.facts import Use, UseKind, UseStatus
from cds_service.patient.timeline import (
    Segment,
    cut,
    days_on,
    end_of,
    first_day,
    last_day,
    supplied_until,
    timeline,
)
from cds_service.patient.when import When
from tests.builders import TODAY, day, dispense, doses, draft, drug, given, line, month, order, use

quick = settings(deadline=None, max_examples=50)


def laid(*uses: Use, late: bool = True, gap: int = 0, weight: int | None = None, scale: int = 1) -> tuple[Segment, ...]:
    return timeline(
        uses,
        until=TODAY,
        late=late,
        gap_days=gap,
        weight=lambda _: None if weight is None else Fraction(weight),
        scale=lambda _: Fraction(scale),
    )


def seen(segments: tuple[Segment, ...]) -> list[object]:
    """(first day, last day, mg) with days as offsets from today."""
    return [((item.start - TODAY).days, (item.end - TODAY).days, item.dose) for item in segments]


# --- one use


def test_a_use_that_goes_on_runs_until_today() -> None:
    assert seen(laid(use(mg=4, start=-100))) == [(-100, 0, 4)]


def test_a_use_that_ended_covers_its_last_day_too() -> None:
    line_of_days = laid(use(mg=4, start=-100, end=-9))
    assert seen(line_of_days) == [(-100, -9, 4)]
    assert line_of_days[0].days == 92


def test_nothing_is_laid_after_today() -> None:
    assert seen(laid(use(start=-10, end=30))) == [(-10, 0, 4)]
    assert laid(use(start=5)) == ()


def test_a_use_that_ended_before_it_began_is_no_use() -> None:
    assert laid(use(start=-10, end=-20)) == ()


def test_no_use_is_an_empty_line() -> None:
    assert laid() == ()


def test_an_order_without_a_start_counts_from_the_day_it_was_written() -> None:
    assert seen(laid(order(start=None, asserted=-50))) == [(-50, 0, 4)]


def test_a_statement_without_a_start_is_on_no_day() -> None:
    assert laid(use(start=None, asserted=-50)) == ()


def test_the_recorded_day_of_a_stop_ends_a_use_without_an_end() -> None:
    stopped = use(start=-100, stopped_on=-9, status=UseStatus.STOPPED)
    assert seen(laid(stopped)) == [(-100, -9, 4)]
    assert last_day(stopped, late=True) == day(-9)


def test_a_line_has_its_own_days_inside_the_use() -> None:
    two = use(start=-100, end=-9, lines=(line(4, end=-40), line(2, start=-39)))
    assert seen(laid(two)) == [(-100, -40, 4), (-39, -9, 2)]
    assert first_day(two, two.lines[1]) == day(-39)


@pytest.mark.parametrize("status", [UseStatus.CANCELLED, UseStatus.NOT_TAKEN, UseStatus.DRAFT, UseStatus.INTENDED])
def test_what_was_not_taken_is_not_laid(status: UseStatus) -> None:
    assert laid(use(status=status)) == ()


def test_supplies_and_single_doses_tell_no_daily_dose() -> None:
    assert laid(dispense(-30, 30), given(-5)) == ()


def test_an_order_not_to_give_is_not_laid() -> None:
    assert laid(order(forbids=True)) == ()


def test_a_use_without_dosage_has_days_and_no_dose() -> None:
    assert seen(laid(use(start=-50, lines=()))) == [(-50, 0, None)]


def test_a_dose_by_weight_takes_the_weight_of_its_first_day() -> None:
    by_weight = use(start=-50, lines=(line("0.1", unit="mg/kg/d"),))
    assert seen(laid(by_weight, weight=60)) == [(-50, 0, 6)]
    assert seen(laid(by_weight)) == [(-50, 0, None)]


def test_a_product_on_another_scale_is_brought_to_one() -> None:
    assert seen(laid(use(mg=4, start=-50), scale=2)) == [(-50, 0, 8)]


def test_a_dose_range_has_no_one_dose() -> None:
    assert seen(laid(use(start=-50, lines=(line(2, high=Fraction(4)),)))) == [(-50, 0, None)]


# --- several uses


def test_a_change_of_dose_is_a_step() -> None:
    assert seen(laid(use(mg=4, start=-100, end=-41), use(mg=2, start=-40))) == [(-100, -41, 4), (-40, 0, 2)]


def test_a_renewal_at_the_same_dose_is_one_stretch_with_both_sources() -> None:
    first, second = use(start=-100, end=-41, reference="a"), use(start=-40, reference="b")
    found = laid(first, second)
    assert seen(found) == [(-100, 0, 4)]
    assert found[0].references == ("a", "b")


def test_a_newer_order_supersedes_an_older_one_that_nobody_ended() -> None:
    assert seen(laid(order(mg=4, start=-100), order(mg=2, start=-40))) == [(-100, -41, 4), (-40, 0, 2)]


def test_two_lines_of_one_order_add_up() -> None:
    assert seen(laid(order(start=-50, lines=(line(2), line(1))))) == [(-50, 0, 3)]


def test_two_strengths_begun_together_add_up() -> None:
    parts = order(drug(strength=1), 3, -50), order(drug(strength="1/2"), "0.5", -49)
    assert seen(laid(*parts)) == [(-50, -50, 3), (-49, 0, Fraction(7, 2))]


def test_a_statement_and_its_order_are_one_dose_and_the_statement_tells() -> None:
    assert seen(laid(use(mg=3, start=-50), order(mg=4, start=-50))) == [(-50, 0, 3)]


def test_an_order_tells_where_the_statement_has_no_dose() -> None:
    assert seen(laid(use(start=-50, lines=()), order(mg=4, start=-50))) == [(-50, 0, 4)]


def test_the_same_dose_read_from_a_text_and_from_a_number_is_taken_once() -> None:
    worded = use(start=-50, lines=(line(4, certain=False),), reference="text")
    assert seen(laid(worded, use(start=-50, reference="coded"))) == [(-50, 0, 4)]


def test_a_dose_from_a_text_is_not_certain() -> None:
    assert [item.certain for item in laid(use(start=-50, lines=(line(4, certain=False),)))] == [False]


def test_a_stretch_of_certain_and_uncertain_days_is_not_certain() -> None:
    found = laid(use(start=-50, end=-21), use(start=-20, lines=(line(4, certain=False),)))
    assert [(item.days, item.certain) for item in found] == [(51, False)]


# --- gaps


def test_a_gap_up_to_the_limit_is_bridged_with_the_dose_before_it() -> None:
    assert seen(laid(use(mg=4, start=-100, end=-48), use(mg=2, start=-40), gap=7)) == [(-100, -41, 4), (-40, 0, 2)]


def test_a_longer_gap_is_days_without_a_dose() -> None:
    found = laid(use(mg=4, start=-100, end=-49), use(mg=4, start=-40), gap=7)
    assert seen(found) == [(-100, -49, 4), (-48, -41, 0), (-40, 0, 4)]


def test_days_of_dose_zero_join_the_gap_before_them() -> None:
    assert seen(laid(use(mg=4, start=-100, end=-60), use(mg=0, start=-40))) == [(-100, -60, 4), (-59, 0, 0)]


# --- partial dates


def test_a_partial_end_is_read_as_its_last_or_its_first_day() -> None:
    ended = use(start=-300, end=month(2026, 1))
    assert laid(ended, late=True)[-1].end == date(2026, 1, 31)
    assert laid(ended, late=False)[-1].end == date(2026, 1, 1)
    assert end_of(None, late=True) is None


def test_a_partial_start_is_read_as_its_last_or_its_first_day_and_never_after_the_end() -> None:
    begun = use(start=month(2026, 1), end=-9)
    assert laid(begun, late=False)[0].start == date(2026, 1, 1)
    assert laid(begun, late=True)[0].start == date(2026, 1, 31)
    assert laid(use(start=month(2026, 2), end=-9), late=True)[0].days == 1


@quick
@drawn(st.integers(min_value=0, max_value=80), st.integers(min_value=0, max_value=80))
def test_every_day_a_partial_end_can_mean_lies_between_both_readings(width: int, inside: int) -> None:
    partial = When(day(-100), day(-100 + width))
    exact = laid(use(start=-300, end=day(-100 + min(inside, width))))[-1].end
    assert laid(use(start=-300, end=partial), late=False)[-1].end <= exact <= laid(use(start=-300, end=partial))[-1].end


# --- properties


@st.composite
def histories(draw: st.DrawFn) -> list[Use]:
    """Uses of any kind that may overlap."""
    found = []
    for number in range(draw(st.integers(min_value=1, max_value=6))):
        start = draw(st.integers(min_value=-400, max_value=-1))
        length = draw(st.integers(min_value=1, max_value=200))
        kind = draw(st.sampled_from([UseKind.STATEMENT, UseKind.ORDER]))
        mg = draw(st.sampled_from([None, 0, 1, 2, 4]))
        found.append(use(mg=mg, start=start, end=start + length, kind=kind, reference=f"{number}"))
    return found


def told(uses: list[Use]) -> list[object]:
    return [(item.start, item.end, item.dose, item.certain, frozenset(item.references)) for item in laid(*uses, gap=7)]


@quick
@drawn(histories(), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_the_sources_matters(uses: list[Use], chance: Random) -> None:
    mixed = uses + uses[:2]
    chance.shuffle(mixed)
    assert told(mixed) == told(uses)


@quick
@drawn(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 90)), min_size=1, max_size=6))
def test_the_total_dose_is_the_sum_of_its_sources(steps: list[tuple[int, int]]) -> None:
    found = laid(*doses(*steps, last=-5))
    assert sum(item.days * (item.dose or 0) for item in found) == sum(mg * days for mg, days in steps)


@quick
@drawn(histories(), st.integers(min_value=-420, max_value=20))
def test_a_cut_never_lengthens_and_keeps_what_lies_before_it(uses: list[Use], last: int) -> None:
    whole = laid(*uses)
    short = cut(whole, day(last))
    assert all(item.end <= day(last) for item in short)
    assert sum(item.days for item in short) <= sum(item.days for item in whole)
    assert [item for item in whole if item.end <= day(last)] == list(short)[: len([i for i in whole if i.end <= day(last)])]


@quick
@drawn(histories())
def test_the_stretches_follow_each_other_without_gap_or_overlap(uses: list[Use]) -> None:
    found = laid(*uses)
    assert all((later.start - earlier.end).days == 1 for earlier, later in pairwise(found))
    assert all(earlier.dose != later.dose for earlier, later in pairwise(found))


# --- days of use


def test_days_of_use_count_an_unknown_dose_and_not_a_dose_of_zero() -> None:
    found = laid(use(mg=4, start=-100, end=-91), use(mg=0, start=-90, end=-81), use(mg=None, start=-80, end=-71))
    assert days_on(found, day(-200), TODAY) == 20
    assert days_on(found, day(-95), day(-76)) == 10
    assert days_on(found, day(-60), TODAY) == 0


# --- supplies


def test_without_dispenses_no_supply_is_known() -> None:
    assert supplied_until([]) is None
    assert supplied_until([dispense(None, 30), dispense(-30, None)]) is None


def test_a_supply_lasts_for_its_days_from_the_day_it_was_handed_over() -> None:
    assert supplied_until([dispense(-28, 30)]) == day(1)


def test_a_supply_is_used_up_before_the_next_one_is_begun() -> None:
    assert supplied_until([dispense(-60, 30), dispense(-40, 30)]) == day(-1)


def test_a_supply_that_the_record_holds_twice_was_handed_over_once() -> None:
    assert supplied_until([dispense(-60, 30), dispense(-60, 30)]) == day(-31)
    assert supplied_until([dispense(-60, 30, reference="a"), dispense(-60, 30, reference="b")]) == day(-1)


def test_a_supply_for_no_days_is_none() -> None:
    assert supplied_until([dispense(-60, 0)]) is None


def test_a_supply_after_a_gap_begins_on_its_own_day() -> None:
    assert supplied_until([dispense(-60, 10), dispense(-20, 10)]) == day(-11)


supplies = st.lists(st.tuples(st.integers(-300, 0), st.integers(1, 90)), min_size=1, max_size=6)


@quick
@drawn(supplies, st.tuples(st.integers(-300, 0), st.integers(1, 90)), st.randoms(use_true_random=False))
def test_more_supply_never_ends_sooner_whatever_the_order(
    handed: list[tuple[int, int]], more: tuple[int, int], chance: Random
) -> None:
    before = supplied_until([dispense(*one) for one in handed])
    mixed = [*handed, more]
    chance.shuffle(mixed)
    after = supplied_until([dispense(*one) for one in mixed])
    assert before is not None
    assert after is not None
    assert after >= before


def test_a_draft_is_laid_nowhere() -> None:
    assert laid(draft()) == ()
