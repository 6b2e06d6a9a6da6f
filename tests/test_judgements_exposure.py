"""Is systemic tacrolimus taken at all, is it in doubt, and what do partial dates leave open?"""

from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from cds_service.knowledge.judgements import exposure
from cds_service.knowledge.judgements.exposure import Exposure
from cds_service.knowledge.judgements.usage import STOPPED, ExposureClass
from cds_service.patient.facts import DoseUnit, Record, Use, UseKind, UseStatus
from cds_service.patient.when import When
from tests.builders import (
    TODAY,
    born,
    day,
    dispense,
    doses,
    drug,
    given,
    known,
    lab,
    line,
    month,
    order,
    parameters,
    person,
    record,
    use,
)

quick = settings(deadline=None, max_examples=40)
IN_FORCE = parameters()
VAGUE = drug(systemic=None, formulation=None)
OINTMENT = drug(systemic=False, formulation="topical")
TABLET = drug(formulation="extended-release-tablet")


def judged(*medicines: Use, **more: Any) -> Exposure:
    return exposure.judge(record(*medicines, **more), IN_FORCE)


def of(told: Record) -> Exposure:
    return exposure.judge(told, IN_FORCE)


# --- none, local, never


def test_no_tacrolimus_on_record() -> None:
    assert judged(use("prednisone", 10)).kind is ExposureClass.NONE
    assert of(record(statements=None, orders=None)).kind is ExposureClass.NONE


def test_an_ointment_that_was_stopped_is_no_stop() -> None:
    assert judged(use(OINTMENT, 1, end=-9)).kind is ExposureClass.NOT_SYSTEMIC


def test_an_ointment_beside_capsules_does_not_hide_their_stop() -> None:
    assert judged(use(OINTMENT, 1), use(end=-9)).kind is ExposureClass.ABRUPT_STOP


def test_a_product_of_unknown_route_that_goes_on_is_no_finding() -> None:
    assert judged(use(VAGUE)).kind is ExposureClass.NOT_SYSTEMIC


@pytest.mark.parametrize("status", [UseStatus.STOPPED, UseStatus.ON_HOLD, UseStatus.COMPLETED])
def test_a_product_of_unknown_route_that_ended_is_to_verify(status: UseStatus) -> None:
    found = judged(use(VAGUE, start=-400, end=-200, status=status), use(VAGUE, end=-9, status=status), use(OINTMENT))
    assert (found.kind, found.doubt) == (ExposureClass.UNKNOWN, "doubt-route-unknown")
    assert found.last_dose == known(-9)


@pytest.mark.parametrize("status", [UseStatus.CANCELLED, UseStatus.NOT_TAKEN, UseStatus.DRAFT, UseStatus.INTENDED])
def test_what_was_never_begun_is_no_stop(status: UseStatus) -> None:
    assert judged(order(status=status, end=-9)).kind is ExposureClass.NEVER_TAKEN


def test_an_order_not_to_give_is_no_use() -> None:
    assert judged(order(forbids=True)).kind is ExposureClass.NONE


def test_an_order_cancelled_after_a_supply_was_handed_over_was_taken() -> None:
    found = judged(order(status=UseStatus.CANCELLED), dispense(-100, 30))
    assert (found.kind, found.last_dose) == (ExposureClass.SUPPLY_GAP, known(-71))


# --- active and stale


def test_what_is_taken_is_active() -> None:
    found = judged(use(asserted=-20))
    assert (found.kind, found.last_dose, found.told_by) == (ExposureClass.ACTIVE, None, None)
    assert found.line[-1].dose == 4


def test_a_use_that_ends_today_still_runs() -> None:
    assert judged(use(end=0, status=UseStatus.ACTIVE, asserted=-20)).kind is ExposureClass.ACTIVE
    assert judged(order(end=-40), use(end=0, status=UseStatus.ACTIVE, asserted=-20)).kind is ExposureClass.CONFLICT
    assert judged(order(end=-40), use(end=-1, status=UseStatus.ACTIVE, asserted=-20)).kind is ExposureClass.ABRUPT_STOP


@pytest.mark.parametrize(("asserted", "kind"), [(-180, ExposureClass.ACTIVE), (-181, ExposureClass.STALE)])
def test_an_active_record_that_nobody_confirmed_is_stale(asserted: int, kind: ExposureClass) -> None:
    found = judged(use(start=-500, asserted=asserted))
    assert (found.kind, found.newest) == (kind, day(asserted))


def test_an_active_record_without_any_date_is_stale() -> None:
    found = judged(use(start=None, asserted=None))
    assert (found.kind, found.newest) == (ExposureClass.STALE, None)


@pytest.mark.parametrize("sign", [dispense(-30, 60), given(-30)])
def test_a_supply_or_a_dose_shows_that_it_is_in_use(sign: Use) -> None:
    assert judged(use(start=-500, asserted=-400), sign).kind is ExposureClass.ACTIVE


def test_a_measured_level_shows_that_it_is_in_use() -> None:
    stale = use(start=-500, asserted=-400)
    assert judged(stale, markers=(lab("tacrolimus", 5, -30),)).kind is ExposureClass.ACTIVE
    assert judged(stale, markers=(lab("tacrolimus", 5, 0),)).newest == TODAY
    assert judged(stale, markers=(lab("tacrolimus", 5, 1),)).newest == day(-400)


def test_what_is_written_down_today_counts_and_what_is_dated_ahead_does_not() -> None:
    assert judged(use(start=-500, asserted=0)).newest == TODAY
    assert judged(use(start=-500, asserted=1)).newest == day(-500)


def test_neither_a_denial_nor_a_cancelled_order_shows_that_it_is_in_use() -> None:
    other = order(status=UseStatus.CANCELLED, start=-30)
    assert judged(use(start=-500, asserted=-400), other).newest == day(-400)
    denied = use(start=None, asserted=-30, status=UseStatus.NOT_TAKEN)
    assert judged(use(start=-500, asserted=-400), denied).newest == day(-400)


# --- conflict


def test_a_newer_denial_contradicts_an_active_record() -> None:
    denied = use(start=None, asserted=-10, status=UseStatus.NOT_TAKEN)
    found = judged(order(asserted=-100), denied)
    assert (found.kind, found.doubt, found.told_by) == (ExposureClass.CONFLICT, "doubt-not-taken", denied)


def test_a_contradiction_comes_before_an_old_record() -> None:
    denied = use(start=None, asserted=-10, status=UseStatus.NOT_TAKEN)
    assert judged(order(start=-500, asserted=-400), denied).kind is ExposureClass.CONFLICT


def test_a_denial_of_the_same_day_contradicts() -> None:
    denied = use(start=None, asserted=-20, status=UseStatus.NOT_TAKEN)
    assert judged(order(asserted=-20), denied).kind is ExposureClass.CONFLICT


def test_an_older_denial_is_overtaken() -> None:
    denied = use(start=None, asserted=-100, status=UseStatus.NOT_TAKEN)
    assert judged(order(asserted=-10), denied).kind is ExposureClass.ACTIVE


def test_a_statement_of_use_after_an_order_was_stopped_contradicts_it() -> None:
    found = judged(order(end=-40), use(asserted=-10))
    assert (found.kind, found.doubt) == (ExposureClass.CONFLICT, "doubt-still-active")


def test_a_statement_written_on_the_last_day_is_overtaken_by_the_stop() -> None:
    assert judged(order(end=-40), use(asserted=-40)).kind is ExposureClass.ABRUPT_STOP
    assert judged(order(end=-40), use(asserted=-39)).kind is ExposureClass.CONFLICT


def test_two_statements_one_stopped_one_running_contradict_each_other() -> None:
    assert judged(use(end=-40), use(start=-290)).kind is ExposureClass.CONFLICT


def test_an_older_order_that_nobody_ended_does_not_contradict_a_stop() -> None:
    assert judged(use(end=-9), order(start=-300, asserted=-300)).kind is ExposureClass.ABRUPT_STOP


def test_a_running_statement_without_a_date_of_writing_is_overtaken_by_a_stopped_order() -> None:
    assert judged(order(end=-40), use(asserted=None)).kind is ExposureClass.ABRUPT_STOP


# --- partial dates


def test_a_month_that_decides_nothing_is_enough() -> None:
    found = judged(use(end=month(2026, 1)))
    assert (found.kind, found.last_dose) == (ExposureClass.ABRUPT_STOP, month(2026, 1))


def test_the_recorded_day_of_a_stop_may_be_a_month() -> None:
    found = judged(order(stopped_on=month(2026, 1), status=UseStatus.STOPPED))
    assert (found.kind, found.last_dose) == (ExposureClass.ABRUPT_STOP, month(2026, 1))


def test_the_month_of_a_stop_ends_today() -> None:
    found = judged(use(end=month(2026, 3)))
    assert (found.kind, found.last_dose) == (ExposureClass.ABRUPT_STOP, When.on(TODAY))


def test_a_month_on_which_the_class_depends_is_too_imprecise() -> None:
    """Completed some day in February: still within the grace, or a gap."""
    ended = order(end=month(2026, 2), status=UseStatus.COMPLETED)
    found = judged(ended)
    assert (found.kind, found.doubt, found.told_by) == (ExposureClass.UNKNOWN, "doubt-date-imprecise", ended)


def test_a_month_on_which_the_length_of_a_taper_depends_is_too_imprecise() -> None:
    found = judged(use(mg=4, start=-300, end=-41), use(mg=2, start=-40, end=month(2026, 2)))
    assert (found.kind, found.doubt) == (ExposureClass.UNKNOWN, "doubt-date-imprecise")


def test_a_start_on_which_the_taper_depends_is_too_imprecise() -> None:
    """Begun some day in February, stopped on the 20th: held for weeks, or for a day."""
    found = judged(use(start=month(2026, 2), end=-9))
    assert (found.kind, found.doubt) == (ExposureClass.UNKNOWN, "doubt-date-imprecise")


def test_days_of_use_before_the_stop_are_counted_from_the_latest_start_possible() -> None:
    found = judged(use(start=month(2026, 1), end=-9))
    assert (found.kind, found.days_before) == (ExposureClass.ABRUPT_STOP, 21)


def test_a_year_that_lies_inside_the_look_back_is_enough() -> None:
    assert judged(use(start=-900, end=When(day(-365), day(-60)))).kind is ExposureClass.ABRUPT_STOP
    assert judged(use(start=-900, end=When(day(-366), day(-60)))).kind is ExposureClass.UNKNOWN


def test_a_year_that_lies_on_both_sides_of_the_look_back_is_too_imprecise() -> None:
    year = When(day(-424), day(-60))
    found = judged(use(start=-900, end=year))
    assert (found.kind, found.doubt) == (ExposureClass.UNKNOWN, "doubt-date-imprecise")
    assert found.last_dose is None


# --- properties

HISTORIES: tuple[tuple[Use, ...], ...] = (
    (use(end=-9), order(start=-300, asserted=-300)),
    (use(end=-10), order(end=-10, reasons=frozenset({"toxicity"}))),
    doses((4, 200), (2, 14), (1, 14)),
    (order(end=-30, status=UseStatus.COMPLETED), dispense(-90, 30), dispense(-60, 30), dispense(-28, 30)),
    (use(end=-40), dispense(-60, 30), given(-20), given(-19)),
    (order(status=UseStatus.ON_HOLD, start=-20), order(start=-200), use(asserted=-100)),
    (order(asserted=-100), use(start=None, asserted=-10, status=UseStatus.NOT_TAKEN)),
    (use(mg=2, start=-100, end=-9), order(mg=3, start=-100, end=-9), order(drug(strength=1), 2, -100, -9)),
)


def verdict(found: Exposure) -> tuple[object, ...]:
    doses_told = tuple((item.start, item.end, item.dose) for item in found.line)
    return found.kind, found.last_dose, found.reasons, found.doubt, found.taper, found.days_before, doses_told


@quick
@drawn(st.sampled_from(HISTORIES), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_the_resources_changes_the_verdict(uses: tuple[Use, ...], chance: Random) -> None:
    mixed = [*uses, *chance.sample(uses, k=len(uses) // 2)]
    chance.shuffle(mixed)
    assert verdict(judged(*mixed)) == verdict(judged(*uses))


@quick
@drawn(st.integers(-60, 0), st.integers(-200, 0))
def test_a_later_administration_never_makes_a_stop_earlier(end: int, on: int) -> None:
    alone, with_dose = judged(use(end=end)), judged(use(end=end), given(on))
    assert alone.last_dose is not None
    assert with_dose.last_dose is not None
    assert with_dose.last_dose.latest >= alone.last_dose.latest


@quick
@drawn(st.integers(-80, -8), st.integers(0, 40), st.data())
def test_what_is_said_of_a_partial_date_holds_for_every_day_of_it(first: int, width: int, data: st.DataObject) -> None:
    last = min(first + width, -1)
    partial = judged(*doses((4, 200), (2, 1), last=first - 1), use(mg=2, start=first - 1, end=When(day(first), day(last))))
    exact_end = data.draw(st.integers(first, last))
    exact = judged(*doses((4, 200), (2, 1), last=first - 1), use(mg=2, start=first - 1, end=exact_end))
    assert partial.kind in {exact.kind, ExposureClass.UNKNOWN}
    if partial.kind in STOPPED:
        assert partial.last_dose is not None
        assert exact.last_dose is not None
        assert partial.last_dose.earliest <= exact.last_dose.earliest <= partial.last_dose.latest


@quick
@drawn(st.integers(-250, -20), st.integers(0, 60), st.data())
def test_what_is_said_of_a_partial_start_holds_for_every_day_of_it(first: int, width: int, data: st.DataObject) -> None:
    last = min(first + width, -10)
    partial = judged(use(start=When(day(first), day(last)), end=-9))
    exact = judged(use(start=data.draw(st.integers(first, last)), end=-9))
    assert partial.kind in {exact.kind, ExposureClass.UNKNOWN}
    assert partial.days_before <= exact.days_before


def test_the_weight_of_a_child_is_looked_for_near_the_day() -> None:
    by_weight = use(end=-9, lines=(line("0.1", unit=DoseUnit.MG_PER_KG_PER_DAY),))
    weighed = (lab("weight", 60, -250),)
    assert judged(by_weight, markers=weighed, person=person(10)).kind is ExposureClass.TAPER_UNKNOWN
    assert judged(by_weight, markers=weighed, person=person(30)).kind is ExposureClass.ABRUPT_STOP
    assert born(10).earliest.year == 2016


def test_a_stop_says_which_resource_and_reasons_it_rests_on() -> None:
    assert judged(use()).reasons == frozenset()
    assert judged(use()).reason is None
    assert judged(use(end=-9, reasons=frozenset({"replaced"}))).reasons == {"replaced"}
    assert Fraction(4) in {item.dose for item in judged(use(end=-9)).line}
    assert {item.kind for item in (use(), order())} == {UseKind.STATEMENT, UseKind.ORDER}
