"""What records look like that nobody wrote for a rule: doses of zero, levels below the assay, supplies without a route."""

from fractions import Fraction
from typing import Any

import pytest

from cds_service.knowledge.judgements import exposure
from cds_service.knowledge.judgements.exposure import Exposure
from cds_service.knowledge.judgements.usage import ExposureClass, unmeasurable
from cds_service.patient.facts import Comparator, DoseUnit, Use, UseStatus
from tests.builders import dispense, doses, drug, given, known, lab, line, order, parameters, record, use

IN_FORCE = parameters()
VAGUE = drug(systemic=None, formulation=None)
OINTMENT = drug(systemic=False, formulation="topical")
NOTHING = (line(0),)


def judged(*medicines: Use, **more: Any) -> Exposure:
    return exposure.judge(record(*medicines, **more), IN_FORCE)


# --- levels and supplies


def test_a_level_below_the_limit_of_the_assay_shows_no_use() -> None:
    stale = use(start=-500, asserted=-400)
    below = lab("tacrolimus", 1, -30, comparator=Comparator.LESS)
    assert judged(stale, markers=(below,)).kind is ExposureClass.STALE
    assert judged(stale, markers=(lab("tacrolimus", 0, -30),)).kind is ExposureClass.STALE
    assert judged(stale, markers=(lab("tacrolimus", 1, -30, comparator=Comparator.GREATER),)).kind is ExposureClass.ACTIVE


@pytest.mark.parametrize(
    ("levels", "told"),
    [
        ((("tacrolimus", 0, -9),), -9),
        ((("tacrolimus", 0, -30), ("tacrolimus", 5, -9)), None),
        ((("tacrolimus", 5, -30), ("tacrolimus", 0, -9)), -9),
        ((("tacrolimus", 0, 1),), None),
        ((), None),
    ],
)
def test_only_the_newest_level_supports_that_it_is_not_taken(levels: tuple[tuple[str, int, int], ...], told: int | None) -> None:
    found = unmeasurable(record(use(), markers=tuple(lab(*level) for level in levels)))
    assert (found.when if found else None) == (None if told is None else known(told))


def test_a_supply_without_a_route_counts_with_the_capsules_it_belongs_to() -> None:
    ended = order(end=-60, status=UseStatus.COMPLETED)
    assert judged(ended, dispense(-55, 60, VAGUE)).kind is ExposureClass.ACTIVE
    assert judged(ended, given(-5, VAGUE)).kind is ExposureClass.ACTIVE


def test_a_supply_without_a_route_may_be_the_ointment_where_there_is_one() -> None:
    ended = order(end=-60, status=UseStatus.COMPLETED)
    assert judged(ended, use(OINTMENT), dispense(-55, 60, VAGUE)).kind is ExposureClass.SUPPLY_GAP


def test_a_statement_without_a_route_does_not_stop_the_capsules() -> None:
    assert judged(order(asserted=-20), use(VAGUE, end=-9)).kind is ExposureClass.ACTIVE


def test_two_strengths_handed_over_together_last_no_longer_than_each() -> None:
    both = dispense(-60, 30, drug(strength=1)), dispense(-60, 30, drug(strength="1/2"))
    assert judged(order(end=-60, status=UseStatus.COMPLETED), *both).last_dose == known(-31)


@pytest.mark.parametrize(
    ("days", "begun", "kind"),
    [
        (100, -124, ExposureClass.ACTIVE),
        (100, -125, ExposureClass.SUPPLY_GAP),
        (20, -26, ExposureClass.ACTIVE),
        (20, -27, ExposureClass.SUPPLY_GAP),
    ],
)
def test_an_order_that_allows_no_more_supplies_has_run_out_after_a_grace(days: int, begun: int, kind: ExposureClass) -> None:
    """A quarter of what it allows, and a week at least."""
    found = judged(order(start=begun, supply_days=Fraction(days)))
    assert found.kind is kind
    assert found.last_dose == (None if kind is ExposureClass.ACTIVE else known(begun + days - 1))


def test_what_an_order_allows_does_not_count_beside_other_evidence_or_where_it_is_not_said() -> None:
    short = order(start=-150, supply_days=Fraction(30))
    assert judged(short).kind is ExposureClass.SUPPLY_GAP
    assert judged(short, use(start=-150, asserted=-20)).kind is ExposureClass.ACTIVE
    assert judged(short, order(start=-150, reference="other")).kind is ExposureClass.ACTIVE
    assert judged(short, dispense(-20, 30)).kind is ExposureClass.ACTIVE


# --- doses of zero


def test_an_order_of_dose_zero_is_a_hold_from_its_first_day() -> None:
    zero = order(start=-9, lines=NOTHING)
    for before in (order(start=-200), order(start=-200, end=-10, status=UseStatus.COMPLETED), order(start=-200, end=-10)):
        found = judged(before, zero)
        assert (found.kind, found.last_dose, found.told_by) == (ExposureClass.HOLD, known(-10), zero)


@pytest.mark.parametrize("again", [order(start=-9), order(start=-3), use(start=-3, asserted=-3)])
def test_a_dose_ordered_again_ends_such_a_hold(again: Use) -> None:
    held = order(start=-200, end=-10, status=UseStatus.COMPLETED), order(start=-9, lines=NOTHING)
    assert judged(*held, again).kind is ExposureClass.ACTIVE


@pytest.mark.parametrize(
    "zero",
    [
        order(start=-9, end=-2, lines=NOTHING, status=UseStatus.COMPLETED),
        order(start=-9, end=-2, lines=NOTHING, status=UseStatus.ACTIVE),
        order(start=2, lines=NOTHING),
        order(start=None, asserted=None, lines=NOTHING),
    ],
    ids=["over", "run out", "to come", "some day"],
)
def test_an_order_of_dose_zero_holds_on_its_own_days_only(zero: Use) -> None:
    assert judged(order(start=-200, asserted=-20), zero).kind is ExposureClass.ACTIVE


@pytest.mark.parametrize(
    ("start", "end", "kind"),
    [
        (-60, None, ExposureClass.HOLD),
        (-59, None, ExposureClass.HOLD),
        (-61, None, ExposureClass.ABRUPT_STOP),
        (-300, -9, ExposureClass.HOLD),
        (-300, -60, ExposureClass.ABRUPT_STOP),
        (None, None, ExposureClass.ABRUPT_STOP),
    ],
)
def test_of_a_stop_and_a_later_hold_the_hold_tells(start: int | None, end: int | None, kind: ExposureClass) -> None:
    """The dose was changed by a new order, and that one is on hold."""
    held = order(start=start, end=end, asserted=None, status=UseStatus.ON_HOLD, reference="held")
    assert judged(order(start=-200, end=-60), held).kind is kind


def test_the_last_dose_of_a_stop_is_the_last_that_was_not_zero() -> None:
    found = judged(*doses((4, 200), (0, 20)))
    assert (found.kind, found.last_dose) == (ExposureClass.ABRUPT_STOP, known(-30))


# --- doses that are no one number


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [(4, 6, ExposureClass.ABRUPT_STOP), ("0.05", 6, ExposureClass.TAPER_UNKNOWN), (4, 31, ExposureClass.TAPER_UNKNOWN)],
    ids=["a range", "too little to be true", "too much to be true"],
)
def test_of_a_dose_range_both_ends_are_read(low: int | str, high: int, kind: ExposureClass) -> None:
    assert judged(use(end=-9, lines=(line(low, high=Fraction(high)),))).kind is kind


def test_a_range_that_is_a_taper_at_one_end_only_leaves_it_unknown() -> None:
    last = use(start=-44, end=-9, lines=(line(2, high=Fraction(4)),))
    assert judged(use(start=-300, end=-45, status=UseStatus.COMPLETED), last).kind is ExposureClass.TAPER_UNKNOWN


def test_an_infusion_is_not_reckoned_in_mg_by_mouth() -> None:
    infused = use(drug(formulation="intravenous"), 1, start=-20, end=-9)
    assert judged(infused).kind is ExposureClass.TAPER_UNKNOWN


def test_a_day_of_which_single_givings_are_all_that_is_known_is_no_last_step_of_a_taper() -> None:
    half = given(-9, lines=(line(2, unit=DoseUnit.MG),))
    found = judged(use(end=-10), half)
    assert (found.kind, found.last_dose) == (ExposureClass.ABRUPT_STOP, known(-9))
    alone = judged(order(status=UseStatus.CANCELLED), half)
    assert [item.dose for item in alone.line] == [2]
