"""A stop and what follows it, holds, and what has run out."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import settings
from msgspec import structs

from cds_service.knowledge.judgements import exposure
from cds_service.knowledge.judgements.exposure import Exposure
from cds_service.knowledge.judgements.usage import ExposureClass
from cds_service.patient.facts import DoseUnit, Outside, Record, Use, UseStatus
from tests.builders import (
    day,
    dispense,
    doses,
    drug,
    given,
    known,
    lab,
    line,
    order,
    parameters,
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


@pytest.mark.parametrize(
    ("listed", "last", "kind"),
    [
        ((order(),), 0, ExposureClass.ACTIVE),
        ((order(),), -7, ExposureClass.ACTIVE),
        ((order(),), -8, ExposureClass.ABRUPT_STOP),
        ((), 0, ExposureClass.ABRUPT_STOP),
        ((order(end=-5, status=UseStatus.ACTIVE),), 0, ExposureClass.ABRUPT_STOP),
    ],
)
def test_what_is_still_ordered_and_given_after_a_stated_stop_goes_on(
    listed: tuple[Use, ...], last: int, kind: ExposureClass
) -> None:
    """The list from home says stopped, on the ward it is given every day."""
    every_day = (given(on, lines=(line(4, unit=DoseUnit.MG),)) for on in range(-19, last + 1))
    assert judged(use(end=-20), *listed, *every_day).kind is kind


def test_a_dose_on_the_day_of_the_stop_does_not_undo_it() -> None:
    assert judged(use(end=-3), order(), given(-3)).kind is ExposureClass.ABRUPT_STOP


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


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ((given(-9),), ExposureClass.ABRUPT_STOP),
        ((given(-30), given(-9)), ExposureClass.ABRUPT_STOP),
        ((structs.replace(given(-12), end=known(-9)),), ExposureClass.ABRUPT_STOP),
        ((given(-9), dispense(-8, 30)), ExposureClass.UNKNOWN),
        ((given(-9), order(start=-300, asserted=-5, end=-5, status=UseStatus.COMPLETED)), ExposureClass.UNKNOWN),
        ((given(3),), ExposureClass.UNKNOWN),
        ((given(None),), ExposureClass.UNKNOWN),
    ],
)
def test_the_last_dose_given_dates_a_stop_that_has_no_date(more: tuple[Use, ...], kind: ExposureClass) -> None:
    """An order of a ward says that it was stopped and not when; what was given does, where nothing newer tells of use."""
    stopped = order(status=UseStatus.STOPPED)
    found = judged(stopped, *more)
    assert (found.kind, found.told_by) == (kind, stopped)
    if kind is ExposureClass.ABRUPT_STOP:
        assert found.last_dose == known(-9)


def test_a_hold_reason_of_a_stop_dated_by_the_last_dose_counts() -> None:
    stopped = order(status=UseStatus.STOPPED, reasons=frozenset({"toxicity"}))
    assert judged(stopped, given(-9)).kind is ExposureClass.HOLD


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


@pytest.mark.parametrize(("start", "kind"), [(-74, ExposureClass.SUPPLY_GAP), (-75, ExposureClass.ABRUPT_STOP)])
def test_an_order_begun_about_when_another_was_stopped_went_on_until_its_own_end(start: int, kind: ExposureClass) -> None:
    """A change of dose whose new order has run out since: the end of the old one was no stop."""
    assert judged(use(end=-60), order(start=start, end=-20, status=UseStatus.COMPLETED)).kind is kind


def test_an_order_that_ended_with_the_stop_did_not_go_on() -> None:
    assert judged(use(end=-60), order(start=-70, end=-60, status=UseStatus.COMPLETED)).kind is ExposureClass.ABRUPT_STOP


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


@pytest.mark.parametrize(
    ("on", "kind"),
    [(-20, ExposureClass.HOLD), (-8, ExposureClass.HOLD), (-7, ExposureClass.ACTIVE), (0, ExposureClass.ACTIVE)],
)
def test_a_hold_after_which_it_is_given_again_is_over(on: int, kind: ExposureClass) -> None:
    """Until these days: a single dose long ago is no resumption."""
    assert judged(order(start=-200, end=-20, status=UseStatus.ON_HOLD), given(on)).kind is kind
    assert judged(order(start=-200, status=UseStatus.ON_HOLD), given(on)).kind is ExposureClass.HOLD


def test_a_hold_without_a_start_is_a_hold() -> None:
    assert judged(use(start=None, status=UseStatus.ON_HOLD)).kind is ExposureClass.HOLD


def test_a_newer_order_ends_a_hold() -> None:
    assert judged(order(status=UseStatus.ON_HOLD, start=-200), order(start=-200)).kind is ExposureClass.HOLD
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
    assert judged(use(asserted=-61), dispense(-90, 30)).kind is ExposureClass.SUPPLY_GAP
    assert judged(use(asserted=-60), dispense(-90, 30)).kind is ExposureClass.ACTIVE
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
