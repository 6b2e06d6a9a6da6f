"""The daily dose laid on one line of days."""

from datetime import date
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from msgspec import structs

from cds_service.patient.bounds import first_day, last_day
from cds_service.patient.facts import DoseUnit, Drug, Moment, Use, UseKind, UseStatus
from cds_service.patient.supplies import supplied_until
from cds_service.patient.timeline import Confidence, Segment, cut, days_on, timeline
from tests.builders import TODAY, Mg, day, dispense, doses, draft, drug, given, known, line, month, order, use

quick = settings(deadline=None, max_examples=50)


def laid(*uses: Use, gap: int = 0, weight: int | None = None, scale: int = 1) -> tuple[Segment, ...]:
    return timeline(
        uses,
        until=TODAY,
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
    assert last_day(stopped) == day(-9)


def test_a_line_has_its_own_days_inside_the_use() -> None:
    two = use(start=-100, end=-9, lines=(line(4, end=-40), line(2, start=-39)))
    assert seen(laid(two)) == [(-100, -40, 4), (-39, -9, 2)]
    assert first_day(two, two.lines[1]) == day(-39)


@pytest.mark.parametrize("status", [UseStatus.CANCELLED, UseStatus.NOT_TAKEN, UseStatus.DRAFT, UseStatus.INTENDED])
def test_what_was_not_taken_is_not_laid(status: UseStatus) -> None:
    assert laid(use(status=status)) == ()


def test_a_supply_of_unknown_dose_tells_days_and_no_dose() -> None:
    assert seen(laid(dispense(-30, 30))) == [(-30, -1, None)]


def test_an_order_not_to_give_is_not_laid() -> None:
    assert laid(order(forbids=True)) == ()


def test_a_use_without_dosage_has_days_and_no_dose() -> None:
    assert seen(laid(use(start=-50, lines=()))) == [(-50, 0, None)]


def test_a_dose_by_weight_takes_the_weight_of_its_first_day() -> None:
    by_weight = use(start=-50, lines=(line("0.1", unit="mg/kg/d"),))
    assert seen(laid(by_weight, weight=60)) == [(-50, 0, 6)]
    assert seen(laid(by_weight)) == [(-50, 0, None)]


def test_a_dose_by_weight_takes_a_later_weight_where_the_first_day_has_none() -> None:
    by_weight = use(start=-500, lines=(line("0.1", unit="mg/kg/d"),))
    found = timeline(
        (by_weight,),
        until=TODAY,
        gap_days=0,
        weight=lambda on: Fraction(60) if on > day(-365) else None,
        scale=lambda _: Fraction(1),
    )
    assert seen(found) == [(-500, 0, 6)]


def test_a_product_on_another_scale_is_brought_to_one() -> None:
    assert seen(laid(use(mg=4, start=-50), scale=2)) == [(-50, 0, 8)]


def test_a_dose_range_has_no_one_dose_and_both_its_ends() -> None:
    found = laid(use(start=-50, lines=(line(2, high=Fraction(4)),)))
    assert seen(found) == [(-50, 0, None)]
    assert (found[0].between, found[0].confidence) == ((2, 4), Confidence.HIGH)


def test_two_neighbouring_ranges_stay_apart() -> None:
    wide, narrow = line(2, high=Fraction(4)), line(2, high=Fraction(3))
    found = laid(use(start=-50, end=-21, lines=(wide,)), use(start=-20, lines=(narrow,)))
    assert [item.between for item in found] == [(2, 4), (2, 3)]


def test_what_cannot_be_brought_to_the_scale_has_no_dose() -> None:
    infused = timeline((use(start=-9),), until=TODAY, gap_days=0, weight=lambda _: None, scale=lambda _: None)
    assert seen(infused) == [(-9, 0, None)]


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


def test_an_order_that_names_no_dosage_does_not_hide_the_dose_of_another() -> None:
    """A renewal without a dosage tells that it goes on, not that the dose is another."""
    assert seen(laid(order(mg=4, start=-100), order(start=-40, lines=()))) == [(-100, 0, 4)]
    assert seen(laid(order(mg=4, start=-100), order(mg=None, start=-40))) == [(-100, -41, 4), (-40, 0, None)]


# --- lines beside each other


def part(mg: int | str, start: int, end: int | None = None, *, strength: int | str | None = 1, **more: Any) -> Use:
    """An order of one product, ended by its own dosage where an end is given."""
    status = UseStatus.ACTIVE if end is None else UseStatus.COMPLETED
    return order(drug(strength=strength), mg, start, end, status=status, reference=f"{strength}{start}", **more)


def test_two_products_renewed_in_turn_are_one_dose() -> None:
    """Capsules of 1 mg and of 0.5 mg, each ordered for 30 days, out of step by ten."""
    large = [part(4, start, start + 29) for start in (-100, -70, -40)]
    small = [part(1, start, start + 29, strength="1/2") for start in (-90, -60, -30)]
    assert seen(laid(*large, *small)) == [(-100, -91, 4), (-90, -11, 5), (-10, -1, 1)]


def test_a_product_never_ordered_again_was_replaced_by_the_one_begun_after_it() -> None:
    assert seen(laid(part(4, -100, -1), part("1.5", -40, -1, strength="1/2"))) == [(-100, -41, 4), (-40, -1, Fraction(3, 2))]


def test_orders_that_nobody_ended_are_no_parts_of_one_dose() -> None:
    """From 1 mg capsules to 0.5 mg and back, and every order is still open: the newest tells."""
    back_and_forth = part(4, -100), part(3, -60, strength="1/2"), part(5, -20)
    assert seen(laid(*back_and_forth)) == [(-100, -61, 4), (-60, -21, 3), (-20, 0, 5)]


def test_a_renewal_after_a_long_gap_is_a_new_series() -> None:
    found = laid(part(4, -100, -71), part(3, -60, -1, strength="1/2"), part(4, -20, -1))
    assert seen(found) == [(-100, -71, 4), (-70, -61, 0), (-60, -21, 3), (-20, -1, 4)]


def test_products_of_unknown_strength_are_no_parts_of_one_dose() -> None:
    found = laid(part(4, -100, -51), part(3, -90, -21, strength=None), part(4, -50, -1))
    assert seen(found) == [(-100, -91, 4), (-90, -51, 3), (-50, -1, 4)]


def test_another_formulation_is_another_dose() -> None:
    tablets = order(drug(formulation="extended-release-tablet", strength=4), 4, -60, -31, status=UseStatus.COMPLETED)
    assert seen(laid(part(3, -100, -51), tablets, part(3, -50, -1))) == [(-100, -61, 3), (-60, -51, 4), (-50, -1, 3)]


def at(moment: Moment | None, mg: int, start: int, end: int | None = None) -> Use:
    return order(mg=mg, start=start, end=end, lines=(line(mg, moment=moment),), reference=f"{moment}{mg}{start}")


def test_morning_and_evening_doses_add_up_whenever_they_were_ordered() -> None:
    morning, evening = at(Moment.MORNING, 2, -100), at(Moment.EVENING, 2, -60)
    assert seen(laid(morning, evening)) == [(-100, -61, 2), (-60, 0, 4)]


def test_an_order_for_the_whole_day_takes_the_place_of_morning_and_evening() -> None:
    assert seen(laid(at(Moment.MORNING, 2, -100), at(Moment.EVENING, 2, -100), at(None, 3, -40)))[-1] == (-40, 0, 3)


def test_equal_doses_of_two_parts_of_the_day_are_two_and_told_twice_they_are_one() -> None:
    morning, evening = at(Moment.MORNING, 2, -50), at(Moment.EVENING, 2, -50)
    again = structs.replace(morning, reference="copy")
    assert seen(laid(morning, evening, again)) == [(-50, 0, 4)]


def test_an_order_with_lines_for_both_parts_of_the_day_is_replaced_as_a_whole() -> None:
    both = order(start=-100, lines=(line(2, moment=Moment.MORNING), line(2, moment=Moment.EVENING)))
    assert seen(laid(both, at(Moment.MORNING, 3, -40))) == [(-100, -41, 4), (-40, 0, 3)]


@pytest.mark.parametrize("vague", [drug(), drug(strength=1, formulation=None)], ids=["no strength", "no form"])
def test_a_copy_that_names_the_product_in_less_detail_is_the_same_dose(vague: Drug) -> None:
    copies = order(drug(strength=1), 4, -50, reference="a"), order(vague, 4, -50, reference="b")
    assert seen(laid(*copies)) == [(-50, 0, 4)]


def test_two_strengths_of_equal_amount_are_two() -> None:
    assert seen(laid(part(2, -50), part(2, -50, strength="1/2"))) == [(-50, 0, 4)]


def test_a_dose_changed_on_the_next_day_is_a_change() -> None:
    """Daily orders whose hours reach into the next day."""
    assert seen(laid(part(4, -3, -2), part(3, -2, -1), part(2, -1, 0))) == [(-3, -3, 4), (-2, -2, 3), (-1, 0, 2)]


def test_more_lines_at_once_than_anybody_takes_tell_no_dose() -> None:
    many = [order(mg=Fraction(number, 100), start=-50, reference=f"{number}") for number in range(1, 60)]
    assert seen(laid(*many)) == [(-50, 0, None)]
    assert seen(laid(*many, order(mg=4, start=-20)))[-1] == (-20, 0, 4)


def test_more_products_at_once_than_anybody_takes_are_not_told_apart() -> None:
    many = [order(drug(strength=Fraction(number, 100)), 1, -50 - number, reference=f"{number}") for number in range(1, 40)]
    assert seen(laid(*many)) == [(-89, 0, 1)]


# --- supplies and givings where nothing else tells


def supplied(start: int, days: int, mg: Mg = None, **more: Any) -> Use:
    """A supply with a dosage of so many mg a day."""
    return dispense(start, days, lines=() if mg is None else (line(mg),), reference=f"supply{start}", **more)


def test_a_supply_tells_the_dose_where_neither_statement_nor_order_does() -> None:
    found = laid(order(mg=4, start=-100, end=-61, status=UseStatus.COMPLETED), supplied(-60, 30, 3))
    assert seen(found) == [(-100, -61, 4), (-60, -31, 3)]
    assert [item.confidence for item in found] == [Confidence.HIGH, Confidence.MEDIUM]


def test_a_supply_tells_the_dose_of_an_order_that_names_none() -> None:
    assert seen(laid(order(start=-60, lines=()), supplied(-60, 30, 3))) == [(-60, -31, 3), (-30, 0, None)]


def test_the_dose_of_a_supply_is_its_amount_over_its_days() -> None:
    assert seen(laid(supplied(-60, 30, supply_mg=Fraction(120)))) == [(-60, -31, 4)]


def test_what_is_written_tells_before_the_supply() -> None:
    assert seen(laid(order(mg=4, start=-60), supplied(-60, 30, 3))) == [(-60, 0, 4)]


def test_two_strengths_handed_over_together_are_one_dose_for_the_same_days() -> None:
    both = supplied(-60, 30, 3, ingredient=drug(strength=1)), supplied(-59, 30, 1, ingredient=drug(strength="1/2"))
    assert seen(laid(*both)) == [(-60, -60, 3), (-59, -31, 4), (-30, -30, 1)]


@pytest.mark.parametrize(("handed", "taken"), [(-45, False), (-40, False), (-39, True)])
def test_the_rest_of_a_supply_is_not_taken_after_a_stop_and_a_new_one_is(handed: int, taken: bool) -> None:
    found = laid(order(mg=4, start=-100, end=-40), supplied(handed, 30, 3))
    assert (found[-1].dose == 3) is taken


def test_a_supply_after_an_order_that_came_to_its_end_is_taken() -> None:
    assert laid(order(mg=4, start=-100, end=-40, status=UseStatus.COMPLETED), supplied(-45, 30, 3))[-1].dose == 3


def mg_given(on: int, mg: Mg, **more: Any) -> Use:
    amount = None if mg is None else line(mg, unit=DoseUnit.MG)
    return given(on, lines=() if amount is None else (amount,), reference=more.pop("reference", f"given{on}{mg}"), **more)


def test_the_doses_given_on_a_day_add_up() -> None:
    first, second = mg_given(-9, 2, reference="a"), mg_given(-9, 1, reference="b")
    found = laid(first, second, mg_given(-8, 3))
    assert seen(found) == [(-9, -8, 3)]
    assert found[0].kinds == (UseKind.ADMINISTRATION,)


def test_a_dose_given_without_an_amount_leaves_the_day_unknown() -> None:
    assert seen(laid(mg_given(-9, 2), mg_given(-9, None))) == [(-9, -9, None)]


def test_doses_given_tell_on_days_without_an_order_and_on_days_ordered_to_be_without() -> None:
    written = order(mg=4, start=-100, end=-20, status=UseStatus.COMPLETED), order(mg=0, start=-10)
    found = laid(*written, mg_given(-19, 2), mg_given(-5, 2))
    assert seen(found)[1:] == [(-19, -19, 2), (-18, -6, 0), (-5, -5, 2), (-4, 0, 0)]


def test_a_dose_given_tells_before_a_supply() -> None:
    assert seen(laid(supplied(-10, 3, 4), mg_given(-9, 2))) == [(-10, -10, 4), (-9, -9, 2), (-8, -8, 4)]


def test_a_dose_given_over_days_is_shared_among_them() -> None:
    assert seen(laid(structs.replace(mg_given(-9, 6), end=known(-7)))) == [(-9, -7, 2)]


def test_a_dose_given_by_weight_takes_the_weight_of_its_day() -> None:
    by_weight = given(-9, lines=(line("0.05", unit=DoseUnit.MG_PER_KG),))
    assert seen(laid(by_weight, weight=60)) == [(-9, -9, 3)]
    assert seen(laid(given(None), given(9))) == []


def test_a_text_is_low_and_an_unknown_dose_no_confidence() -> None:
    assert laid(use(start=-9, lines=(line(4, certain=False),)))[0].confidence is Confidence.LOW
    assert laid(use(start=-9, lines=()))[0].confidence is Confidence.NONE


# --- gaps


def test_a_gap_up_to_the_limit_is_bridged_with_the_dose_before_it() -> None:
    assert seen(laid(use(mg=4, start=-100, end=-48), use(mg=2, start=-40), gap=7)) == [(-100, -41, 4), (-40, 0, 2)]


def test_a_longer_gap_is_days_without_a_dose() -> None:
    found = laid(use(mg=4, start=-100, end=-49), use(mg=4, start=-40), gap=7)
    assert seen(found) == [(-100, -49, 4), (-48, -41, 0), (-40, 0, 4)]


def test_days_of_dose_zero_join_the_gap_before_them() -> None:
    assert seen(laid(use(mg=4, start=-100, end=-60), use(mg=0, start=-40))) == [(-100, -60, 4), (-59, 0, 0)]


# --- partial dates


def test_a_partial_date_counts_for_all_the_days_it_can_mean() -> None:
    found = laid(use(start=month(2025, 12), end=month(2026, 1)))
    assert (found[0].start, found[-1].end) == (date(2025, 12, 1), date(2026, 1, 31))


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


def days_told(segments: tuple[Segment, ...]) -> set[tuple[int, Fraction | None]]:
    """Each day with its dose."""
    return {(item.start.toordinal() + place, item.dose) for item in segments for place in range(item.days)}


@quick
@drawn(histories(), st.integers(min_value=-420, max_value=20))
def test_a_cut_never_lengthens_and_keeps_what_lies_before_it(uses: list[Use], last: int) -> None:
    whole = laid(*uses)
    short = cut(whole, day(last))
    assert all(item.end <= day(last) for item in short)
    assert sum(item.days for item in short) <= sum(item.days for item in whole)
    assert days_told(short) == {one for one in days_told(whole) if one[0] <= day(last).toordinal()}


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
