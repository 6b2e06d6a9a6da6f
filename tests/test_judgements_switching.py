"""Another tacrolimus product: when an order changes it, whether the dose corresponds, and two products side by side."""

from fractions import Fraction
from typing import Any

import pytest

from cds_service.knowledge.judgements import product_change
from cds_service.knowledge.judgements.product_change import ProductChange, SideBySide
from cds_service.patient.facts import Drug, Record, Use, UseStatus
from cds_service.patient.when import When
from tests.builders import Mg, case, day, dispense, draft, drug, line, order, parameters, record, use

IN_FORCE = parameters()
CAPSULE = drug()
PROLONGED = drug(formulation="prolonged-release")
TABLET = drug(formulation="extended-release-tablet")
OLD = "MedicationRequest/old"


def running(medicine: Drug = CAPSULE, mg: Mg = 4, **more: Any) -> Use:
    return order(medicine, mg, **{"reference": OLD, "asserted": -20, **more})


def new(medicine: Drug = TABLET, mg: Mg = "3.2", **more: Any) -> Use:
    return draft(medicine, mg, **{"reference": "MedicationRequest/new", **more})


STOP = draft(CAPSULE, reference=OLD, status=UseStatus.STOPPED, start=-300)


def told(*medicines: Use, drafts: tuple[Use, ...] = (), **more: Any) -> Record:
    return record(*medicines, drafts=drafts, hook="order-sign", **more)


def changed(*medicines: Use, drafts: tuple[Use, ...] = (new(),), **more: Any) -> ProductChange | None:
    return case(told(*medicines, drafts=drafts, **more)).product_change


def found(*medicines: Use, drafts: tuple[Use, ...] = (new(),), **more: Any) -> ProductChange:
    change = changed(*medicines, drafts=drafts, **more)
    assert change is not None
    return change


# --- what is a change


def test_capsules_to_tablets_on_the_same_exposure() -> None:
    change = found(running(), drafts=(STOP, new()))
    assert (change.before, change.after, change.listed) == ("immediate-release", "extended-release-tablet", False)
    assert (change.dose_before, change.dose_after, change.ratio) == (4, 4, 1)
    assert [use.reference for use in change.uses] == ["MedicationRequest/new", OLD]


@pytest.mark.parametrize(
    ("before", "after", "mg", "ratio"),
    [
        (CAPSULE, PROLONGED, 4, 1),
        (CAPSULE, PROLONGED, 5, Fraction(5, 4)),
        (PROLONGED, CAPSULE, 3, Fraction(3, 4)),
        (TABLET, CAPSULE, 5, 1),
        (TABLET, PROLONGED, 4, Fraction(4, 5)),
        (PROLONGED, TABLET, 4, Fraction(5, 4)),
    ],
)
def test_doses_are_compared_on_the_immediate_release_scale(before: Drug, after: Drug, mg: int, ratio: Fraction) -> None:
    assert found(running(before), drafts=(new(after, mg),)).ratio == ratio


@pytest.mark.parametrize(
    ("old", "drafted"),
    [
        (running(), new(CAPSULE, 8)),
        (running(drug(formulation=None)), new()),
        (running(drug(formulation="intravenous")), new()),
        (running(), new(drug(formulation=None))),
        (running(), new(drug(formulation="extended-release-tablet", systemic=None))),
        (running(), new(status=UseStatus.CANCELLED)),
        (running(), new(forbids=True)),
        (running(), new(end=0)),
        (running(), draft("prednisone", 20)),
    ],
    ids=[
        "dose",
        "old unknown",
        "infusion",
        "new unknown",
        "route unknown",
        "cancelled",
        "not to give",
        "ends now",
        "another drug",
    ],
)
def test_everything_else_is_no_change_of_product(old: Use, drafted: Use) -> None:
    assert changed(old, drafts=(drafted,)) is None


def test_without_an_order_there_is_no_change() -> None:
    assert changed(running(), running(TABLET, reference="MedicationRequest/other"), drafts=()) is None


def test_a_new_product_where_none_was_taken_is_no_change() -> None:
    assert changed(drafts=(new(),)) is None
    assert changed(running(start=None, asserted=None), drafts=(new(),)) is None


# --- which window


@pytest.mark.parametrize(
    ("end", "starts", "is_change"), [(-3, 0, True), (-4, 0, False), (-3, None, True), (-1, 2, True), (-1, 3, False)]
)
def test_the_new_product_follows_within_three_days(end: int, starts: int | None, is_change: bool) -> None:
    assert (changed(running(end=end), drafts=(new(start=starts),)) is not None) is is_change


@pytest.mark.parametrize(("earliest", "is_change"), [(-3, True), (-4, False)])
def test_an_end_known_to_some_days_must_fit_at_both(earliest: int, is_change: bool) -> None:
    assert (changed(running(end=When(day(earliest), day(-1)))) is not None) is is_change


@pytest.mark.parametrize(("begun", "is_change"), [(-14, True), (-15, False)])
def test_a_change_of_more_than_two_weeks_ago_is_no_news(begun: int, is_change: bool) -> None:
    now = running(TABLET, "3.2", start=begun, reference="MedicationRequest/now")
    renewal = new(start=0)
    assert (changed(running(end=begun - 1), now, drafts=(renewal,)) is not None) is is_change


@pytest.mark.parametrize(("end", "is_change"), [(-4, True), (2, True)])
def test_the_new_product_may_begin_before_the_old_one_ends(end: int, is_change: bool) -> None:
    now = running(TABLET, "3.2", start=-7, reference="MedicationRequest/now")
    assert (changed(running(end=end, status=None if end < 0 else UseStatus.ACTIVE), now) is not None) is is_change


@pytest.mark.parametrize(("starts", "is_change"), [(3, True), (4, False)])
def test_the_stop_that_is_ordered_now_counts_as_of_today(starts: int, is_change: bool) -> None:
    assert (changed(running(), drafts=(STOP, new(start=starts))) is not None) is is_change


def test_of_two_earlier_products_the_last_counts() -> None:
    first = running(PROLONGED, 2, start=-400, end=-300, reference="MedicationRequest/first")
    assert found(first, running(start=-299)).before == "immediate-release"


# --- whether the earlier product ends


def test_an_earlier_product_that_nobody_ends_stays_listed() -> None:
    assert found(running()).listed
    assert not found(running(end=-1)).listed


@pytest.mark.parametrize(
    "drafts",
    [
        (STOP, new()),
        (draft(CAPSULE, reference=OLD, status=UseStatus.ON_HOLD, start=-300), new()),
        (draft(CAPSULE, forbids=True, reference="MedicationRequest/no"), new()),
        (new(replaces=OLD),),
        (draft(drug(formulation=None), reference=OLD, status=UseStatus.COMPLETED), new()),
    ],
    ids=["stopped", "held", "not to give", "replaced", "by reference"],
)
def test_an_order_that_ends_it_takes_it_off_the_list(drafts: tuple[Use, ...]) -> None:
    assert not found(running(), drafts=drafts).listed


def test_another_dose_of_the_same_product_ends_none() -> None:
    assert found(running(), drafts=(new(), draft(CAPSULE, 1, reference="MedicationRequest/more", replaces=OLD))).listed


# --- the doses


def test_two_strengths_of_the_new_product_add_up() -> None:
    drafts = (new(mg=2), new(mg="1.2", reference="MedicationRequest/second"))
    assert found(running(), drafts=drafts).ratio == 1


def test_the_first_step_of_several_counts() -> None:
    steps = (line("3.2", start=0, end=6), line(4, start=7))
    assert found(running(), drafts=(new(lines=steps),)).ratio == 1
    open_steps = (line("1.6"), line("1.6", start=0), line(4, start=7))
    assert found(running(), drafts=(new(lines=open_steps),)).ratio == 1


@pytest.mark.parametrize(
    "drafted",
    [new(lines=()), new(mg=None), new(mg=31), new(mg="0.05"), new(lines=(line(2), line(None)))],
    ids=["no dosage", "no amount", "too much", "too little", "half of it"],
)
def test_a_new_dose_that_is_not_known_gives_no_ratio(drafted: Use) -> None:
    change = found(running(), drafts=(drafted,))
    assert (change.dose_after, change.ratio) == (None, None)


def test_an_old_dose_that_is_not_known_gives_no_ratio() -> None:
    assert found(running(lines=())).ratio is None


def test_a_range_is_no_dose() -> None:
    both = line(3)
    ranged = type(both)(low=Fraction(3), high=Fraction(4), unit=both.unit)
    assert found(running(), drafts=(new(lines=(ranged,)),)).dose_after is None


# --- two products side by side


def together(begun: int = -15, *, other: Drug = TABLET, drafts: tuple[Use, ...] = (new(),), **more: Any) -> SideBySide | None:
    second = running(other, "3.2", start=begun, reference="MedicationRequest/second")
    return case(told(running(**more), second, drafts=drafts)).side_by_side


@pytest.mark.parametrize(("begun", "days"), [(-15, 15), (-14, None)])
def test_two_products_listed_together_for_more_than_two_weeks(begun: int, days: int | None) -> None:
    both = together(begun)
    assert (both.days if both else None) == days


def test_the_two_are_named_in_the_order_in_which_they_were_begun() -> None:
    both = together()
    assert both is not None
    assert both.products == ("immediate-release", "extended-release-tablet")
    assert {use.reference for use in both.uses} == {OLD, "MedicationRequest/second"}


@pytest.mark.parametrize(
    "drafts",
    [(), (draft("prednisone", 20),), (STOP, new()), (new(replaces=OLD),)],
    ids=["no order", "another drug", "one is ended", "one is replaced"],
)
def test_only_an_order_that_goes_on_with_both_asks(drafts: tuple[Use, ...]) -> None:
    assert together(drafts=drafts) is None


def test_an_entry_that_nothing_has_confirmed_for_long_was_only_never_closed() -> None:
    assert together(asserted=-180, start=-300) is not None
    assert together(asserted=-181, start=-300) is None
    second = running(TABLET, "3.2", start=-100, reference="MedicationRequest/second")
    supplied = dispense(-30, 30, CAPSULE)
    assert case(told(running(asserted=-300), second, supplied, drafts=(new(),))).side_by_side is not None


def test_a_product_that_ended_is_none_of_two() -> None:
    assert together(end=-1) is None
    assert together(other=CAPSULE) is None


def test_a_pause_begins_the_time_together_again() -> None:
    paused = (running(end=-60, status=UseStatus.COMPLETED), running(start=-10, reference="MedicationRequest/again"))
    second = running(TABLET, "3.2", start=-100, reference="MedicationRequest/second")
    assert case(told(*paused, second, drafts=(new(),))).side_by_side is None
    raised = (running(end=-11, status=UseStatus.COMPLETED), running(mg=5, start=-10, reference="MedicationRequest/again"))
    assert case(told(*raised, second, drafts=(new(),))).side_by_side is not None


def test_a_day_that_is_not_known_exactly_is_read_as_late() -> None:
    assert together(start=When(day(-300), day(-14)), begun=-100) is None
    assert together(start=When(day(-300), day(-15)), begun=-100) is not None


def test_a_case_without_orders_looks_at_nothing() -> None:
    exposure = case(record(use())).exposure
    assert product_change.change(record(use()), exposure, IN_FORCE) is None
    assert product_change.side_by_side(record(use()), exposure, IN_FORCE) is None
