"""Is systemic tacrolimus taken, and if it ended, when and how: each class, and each way to be in doubt."""

from fractions import Fraction
from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from msgspec import structs

from cds_service.knowledge.judgements import exposure
from cds_service.knowledge.judgements.exposure import Exposure
from cds_service.knowledge.judgements.usage import STOPPED, ExposureClass
from cds_service.patient.facts import DoseUnit, Outside, Record, Use, UseKind, UseStatus
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
    assert judged(stale, markers=(lab("tacrolimus", 5, 30),)).kind is ExposureClass.STALE


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


def test_an_older_denial_is_overtaken() -> None:
    denied = use(start=None, asserted=-100, status=UseStatus.NOT_TAKEN)
    assert judged(order(asserted=-10), denied).kind is ExposureClass.ACTIVE


def test_a_statement_of_use_after_an_order_was_stopped_contradicts_it() -> None:
    found = judged(order(end=-40), use(asserted=-10))
    assert (found.kind, found.doubt) == (ExposureClass.CONFLICT, "doubt-still-active")


def test_two_statements_one_stopped_one_running_contradict_each_other() -> None:
    assert judged(use(end=-40), use(start=-290)).kind is ExposureClass.CONFLICT


def test_an_older_order_that_nobody_ended_does_not_contradict_a_stop() -> None:
    assert judged(use(end=-9), order(start=-300, asserted=-300)).kind is ExposureClass.ABRUPT_STOP


def test_a_running_statement_without_a_date_of_writing_is_overtaken_by_a_stopped_order() -> None:
    assert judged(order(end=-40), use(asserted=None)).kind is ExposureClass.ABRUPT_STOP


# --- a stop, and what follows it


def test_a_stop_from_one_day_to_the_next() -> None:
    stopped = use(end=-9, reason=Outside("went home"))
    found = judged(stopped)
    assert (found.kind, found.last_dose, found.told_by) == (ExposureClass.ABRUPT_STOP, known(-9), stopped)
    assert (found.days_before, found.reason) == (180, Outside("went home"))
    assert found.taper is not None
    assert found.taper.baseline == 4


def test_days_of_use_are_counted_in_the_half_year_before_the_stop() -> None:
    assert judged(use(start=-36, end=-9)).days_before == 28
    assert judged(use(start=-400, end=-250), use(start=-36, end=-9)).days_before == 28


def test_a_rapid_and_a_complete_taper() -> None:
    assert judged(*doses((4, 200), (2, 27))).kind is ExposureClass.RAPID_TAPER
    assert judged(*doses((4, 200), (2, 28))).kind is ExposureClass.TAPER_COMPLETE


@pytest.mark.parametrize(
    "unknown",
    [
        use(end=-9, lines=()),
        use(mg="0.05", end=-9),
        use(mg=31, end=-9),
        use(end=-9, lines=(line("0.1", unit=DoseUnit.MG_PER_KG_PER_DAY),)),
    ],
    ids=["no dosage", "too little to be true", "too much to be true", "by weight without a weight"],
)
def test_doses_that_are_not_known_leave_the_taper_unknown(unknown: Use) -> None:
    assert judged(unknown, markers=()).kind is ExposureClass.TAPER_UNKNOWN


@pytest.mark.parametrize("mg", ["0.1", 30])
def test_the_least_and_the_greatest_dose_are_believed(mg: int | str) -> None:
    assert judged(use(mg=mg, end=-9)).kind is ExposureClass.ABRUPT_STOP


def test_a_stop_whose_use_began_nobody_knows_when_leaves_the_taper_unknown() -> None:
    found = judged(use(start=None, end=-9))
    assert (found.kind, found.taper, found.days_before) == (ExposureClass.TAPER_UNKNOWN, None, 0)


def test_an_order_of_dose_zero_before_the_stop_is_no_last_dose() -> None:
    found = judged(*doses((4, 200), (0, 20)))
    assert (found.kind, found.line[-1].dose) == (ExposureClass.ABRUPT_STOP, 4)


def test_a_dose_by_weight_takes_the_weight() -> None:
    by_weight = use(end=-9, lines=(line("0.1", unit=DoseUnit.MG_PER_KG_PER_DAY),))
    found = judged(by_weight, markers=(lab("weight", 60, -250),))
    assert found.taper is not None
    assert found.taper.baseline == 6


def test_a_change_to_the_extended_release_tablet_is_no_taper() -> None:
    found = judged(use(start=-250, end=-110), use(TABLET, "3.2", -109, -9))
    assert (found.kind, found.line[-1].dose) == (ExposureClass.ABRUPT_STOP, 4)
    assert found.taper is not None
    assert found.taper.days == 0


def test_a_dose_given_after_the_stop_moves_the_last_day() -> None:
    assert judged(use(end=-20), given(-9)).last_dose == known(-9)
    assert judged(use(end=-20), given(-30)).last_dose == known(-20)


def test_an_infusion_counts_to_its_last_day() -> None:
    assert judged(use(end=-20), structs.replace(given(-15), end=known(-9))).last_dose == known(-9)


def test_the_recorded_day_of_the_stop_comes_before_the_planned_end_of_the_order() -> None:
    found = judged(order(end=60, stopped_on=-9, status=UseStatus.STOPPED))
    assert (found.kind, found.last_dose) == (ExposureClass.ABRUPT_STOP, known(-9))
    assert found.line[-1].end == day(-9)


def test_a_planned_end_in_the_future_is_not_the_day_of_a_stop() -> None:
    """An order valid for a year and stopped in the middle does not say when."""
    found = judged(order(end=60))
    assert (found.kind, found.doubt) == (ExposureClass.UNKNOWN, "doubt-stop-date")


def test_a_stop_without_a_date_is_to_verify() -> None:
    stopped = order(status=UseStatus.STOPPED)
    found = judged(stopped, dispense(-57, 30))
    assert (found.kind, found.doubt, found.told_by) == (ExposureClass.UNKNOWN, "doubt-stop-date", stopped)
    assert found.newest == day(-57)


def test_an_undated_stop_of_an_earlier_order_does_not_matter_while_another_runs() -> None:
    assert judged(order(start=-900, status=UseStatus.STOPPED), order(asserted=-20)).kind is ExposureClass.ACTIVE


@pytest.mark.parametrize(("start", "kind"), [(-23, ExposureClass.ACTIVE), (-24, ExposureClass.ABRUPT_STOP)])
def test_an_order_begun_about_when_another_was_stopped_goes_on(start: int, kind: ExposureClass) -> None:
    """Within the days a dose must be held to count: the stop of the old order was a change of dose."""
    assert judged(use(end=-9), order(start=start)).kind is kind


def test_another_strength_goes_on_when_one_is_stopped() -> None:
    stopped, running = order(drug(strength="1/2"), 1, end=-9), order(drug(strength=1), 4)
    assert judged(stopped, running).kind is ExposureClass.ACTIVE
    unknown = order(drug(), 4, asserted=-300)
    assert judged(stopped, unknown).kind is ExposureClass.CONFLICT


def test_a_supply_after_the_stop_says_that_it_went_on() -> None:
    assert judged(use(end=-20), dispense(-15, 30)).kind is ExposureClass.ACTIVE


def test_a_supply_after_the_stop_that_has_run_out_is_a_gap() -> None:
    found = judged(use(end=-60), dispense(-55, 30))
    assert (found.kind, found.last_dose) == (ExposureClass.SUPPLY_GAP, known(-26))


def test_a_supply_of_unknown_length_after_the_stop_is_not_measured_by_an_older_one() -> None:
    found = judged(use(end=-20), dispense(-15, None), dispense(-200, 30))
    assert found.last_dose != known(-171)
    assert found.last_dose is None or found.last_dose.latest >= day(-15)


def test_a_supply_on_the_day_of_the_last_dose_does_not_undo_the_stop() -> None:
    assert judged(use(end=-9), dispense(-9, 30)).kind is ExposureClass.ABRUPT_STOP


@pytest.mark.parametrize("status", [UseStatus.COMPLETED, UseStatus.ACTIVE])
def test_an_order_begun_after_the_stop_that_ran_out_is_a_gap(status: UseStatus) -> None:
    later = order(start=-50, end=-20, status=status)
    found = judged(use(end=-60), later)
    assert (found.kind, found.last_dose, found.told_by) == (ExposureClass.SUPPLY_GAP, known(-20), later)


def test_an_order_begun_after_the_stop_and_completed_before_its_end_goes_on() -> None:
    assert judged(use(end=-60), order(start=-50, end=20, status=UseStatus.COMPLETED)).kind is ExposureClass.ACTIVE


def test_of_two_stops_the_later_counts() -> None:
    assert judged(use(start=-400, end=-200), use(start=-190, end=-9)).last_dose == known(-9)


def test_a_statement_tells_the_last_day_where_its_order_was_stopped_the_day_after() -> None:
    stated, ordered = use(end=-10), order(end=-9)
    assert judged(stated, ordered).told_by == stated
    assert judged(use(end=-11), ordered).told_by == ordered


# --- holds


@pytest.mark.parametrize(
    "reason",
    [
        *("toxicity", "high-level", "acute-kidney-injury", "hyperkalaemia", "neurotoxicity", "thrombotic-microangiopathy"),
        *("infection", "surgery", "pregnancy", "malignancy", "drug-interaction"),
    ],
)
def test_a_stop_for_a_reason_that_requires_it_is_a_hold(reason: str) -> None:
    assert judged(use(end=-9, reasons=frozenset({reason}))).kind is ExposureClass.HOLD


@pytest.mark.parametrize("reason", ["planned-taper", "replaced"])
def test_another_reason_does_not_excuse_a_stop(reason: str) -> None:
    assert judged(use(end=-9, reasons=frozenset({reason}))).kind is ExposureClass.ABRUPT_STOP


@pytest.mark.parametrize("ended", [-9, -10])
def test_the_reason_counts_on_whichever_resource_of_the_stop_it_stands(ended: int) -> None:
    stated = use(end=-10)
    ordered = order(end=ended, reasons=frozenset({"toxicity"}), reason=Outside("tremor and AKI"))
    for medicines in permutations((stated, ordered)):
        found = judged(*medicines)
        assert (found.kind, found.reason) == (ExposureClass.HOLD, Outside("tremor and AKI"))


def test_on_hold_is_a_hold() -> None:
    held = order(status=UseStatus.ON_HOLD, start=-200)
    found = judged(held, order(start=-300, status=UseStatus.COMPLETED, end=-201))
    assert (found.kind, found.told_by, found.last_dose) == (ExposureClass.HOLD, held, None)


def test_a_hold_with_an_end_has_a_last_dose() -> None:
    assert judged(order(status=UseStatus.ON_HOLD, end=-9)).last_dose == known(-9)


def test_the_planned_end_of_a_held_order_is_no_last_dose() -> None:
    assert judged(order(status=UseStatus.ON_HOLD, end=90)).last_dose is None


def test_a_hold_without_a_start_is_a_hold() -> None:
    assert judged(use(start=None, status=UseStatus.ON_HOLD)).kind is ExposureClass.HOLD


def test_a_newer_order_ends_a_hold() -> None:
    assert judged(order(status=UseStatus.ON_HOLD, start=-200), order(start=-20)).kind is ExposureClass.ACTIVE
    assert judged(order(status=UseStatus.ON_HOLD, start=-20), order(start=-200)).kind is ExposureClass.HOLD


def test_a_statement_does_not_end_the_hold_of_an_order() -> None:
    assert judged(order(status=UseStatus.ON_HOLD, start=-200), use(start=-20)).kind is ExposureClass.HOLD


# --- run out


def test_a_completed_order_whose_supply_lasts_is_active() -> None:
    assert judged(order(end=-30, status=UseStatus.COMPLETED), dispense(-28, 30)).kind is ExposureClass.ACTIVE


def test_a_completed_order_whose_supply_ran_out_is_a_gap_and_no_stop() -> None:
    supply = dispense(-90, 30)
    found = judged(order(end=-80, status=UseStatus.COMPLETED), supply)
    assert (found.kind, found.last_dose, found.told_by) == (ExposureClass.SUPPLY_GAP, known(-61), supply)


def test_a_completed_order_without_supplies_ends_with_itself() -> None:
    ended = order(end=-30, status=UseStatus.COMPLETED)
    found = judged(ended)
    assert (found.kind, found.last_dose, found.told_by) == (ExposureClass.SUPPLY_GAP, known(-30), ended)


@pytest.mark.parametrize(("end", "kind"), [(-7, ExposureClass.ACTIVE), (-8, ExposureClass.SUPPLY_GAP)])
def test_a_week_of_grace_after_a_supply(end: int, kind: ExposureClass) -> None:
    assert judged(order(end=end, status=UseStatus.COMPLETED)).kind is kind
    assert judged(dispense(end - 9, 10)).kind is kind


@pytest.mark.parametrize(("end", "kind"), [(-22, ExposureClass.ACTIVE), (-23, ExposureClass.SUPPLY_GAP)])
def test_the_grace_grows_with_the_last_supply(end: int, kind: ExposureClass) -> None:
    assert judged(dispense(end - 89, 90)).kind is kind


def test_the_grace_is_that_of_the_supply_handed_over_last() -> None:
    long_ago, last = dispense(-200, 90), dispense(-50, 30)
    for medicines in permutations((long_ago, last)):
        assert judged(*medicines).kind is ExposureClass.SUPPLY_GAP


def test_doses_given_last_month_are_a_gap_since_then() -> None:
    last = given(-20)
    found = judged(given(-22), last)
    assert (found.kind, found.last_dose, found.told_by) == (ExposureClass.SUPPLY_GAP, known(-20), last)


def test_an_active_record_whose_supply_ran_out_is_a_gap() -> None:
    assert judged(use(asserted=-100), dispense(-90, 30)).kind is ExposureClass.SUPPLY_GAP


def test_an_active_record_confirmed_after_the_supply_ran_out_is_active() -> None:
    assert judged(use(asserted=-10), dispense(-90, 30)).kind is ExposureClass.ACTIVE


def test_an_active_record_beside_doses_given_long_ago_is_active() -> None:
    assert judged(use(asserted=-100), given(-90)).kind is ExposureClass.ACTIVE


def test_a_status_that_is_unknown_is_to_verify() -> None:
    asked = use(status=UseStatus.UNKNOWN)
    found = judged(asked)
    assert (found.kind, found.doubt, found.told_by) == (ExposureClass.UNKNOWN, "doubt-status-unknown", asked)


def test_a_supply_of_unknown_status_does_not_make_the_use_unknown() -> None:
    assert judged(dispense(-90, 30, status=UseStatus.UNKNOWN)).kind is ExposureClass.SUPPLY_GAP


def test_a_completed_order_without_an_end_is_to_verify() -> None:
    found = judged(order(status=UseStatus.COMPLETED))
    assert (found.kind, found.doubt) == (ExposureClass.UNKNOWN, "doubt-stop-date")


def test_a_supply_of_unknown_length_counts_from_the_day_it_was_handed_over() -> None:
    assert judged(dispense(-5, None)).kind is ExposureClass.ACTIVE
    assert judged(dispense(-100, None)).last_dose == known(-100)


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
