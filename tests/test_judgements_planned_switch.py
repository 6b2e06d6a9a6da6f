"""What takes the place of tacrolimus: another immunosuppressant begun or raised around the stop."""

from typing import Any

import pytest

from cds_service.knowledge.judgements import planned_switch
from cds_service.knowledge.judgements.planned_switch import PlannedSwitch
from cds_service.patient.facts import DoseUnit, Use, UseStatus
from cds_service.patient.when import When
from tests.builders import case, day, dispense, draft, drug, given, known, line, order, parameters, record, use

IN_FORCE = parameters()
STOP = -30


def judged(*medicines: Use, stop: int | When = STOP, coming: bool = False, **more: Any) -> PlannedSwitch | None:
    return planned_switch.judge(record(use(end=STOP), *medicines, **more), known(stop), IN_FORCE, coming=coming)


def names(found: PlannedSwitch | None) -> list[str]:
    return [use.drug.ingredient or "" for use in found.replacing] if found else []


@pytest.mark.parametrize(("start", "replaces"), [(-120, True), (-121, False), (-30, True), (-16, True), (-15, False)])
def test_a_drug_begun_from_90_days_before_to_14_days_after_takes_over(start: int, replaces: bool) -> None:
    assert (names(judged(use("azathioprine", 100, start))) == ["azathioprine"]) is replaces


@pytest.mark.parametrize(
    "ingredient",
    ["mercaptopurine", "mycophenolate mofetil", "methotrexate", "cyclophosphamide", "sirolimus", "everolimus", "rituximab"],
)
def test_every_other_immunosuppressant_counts(ingredient: str) -> None:
    assert names(judged(use(ingredient, 100, -60))) == [ingredient]


@pytest.mark.parametrize("ingredient", ["cyclosporine", "voclosporin", "prednisone", "paracetamol"])
def test_other_calcineurin_inhibitors_and_steroids_do_not(ingredient: str) -> None:
    assert judged(use(ingredient, 100, -60)) is None


@pytest.mark.parametrize(
    "medicine",
    [
        use("azathioprine", 100, -60, -5),
        use("azathioprine", 100, -60, status=UseStatus.NOT_TAKEN),
        use(drug("azathioprine", systemic=False), 100, -60),
    ],
    ids=["stopped since", "not taken", "not systemic"],
)
def test_what_is_not_taken_now_takes_nothing_over(medicine: Use) -> None:
    assert judged(medicine) is None


# --- stepped up


def test_a_raised_dose_counts_and_a_renewal_does_not() -> None:
    before = use("azathioprine", 50, -400, -61, status=UseStatus.COMPLETED)
    assert names(judged(before, use("azathioprine", 100, -60))) == ["azathioprine"]
    assert judged(before, use("azathioprine", 50, -60)) is None
    assert judged(before, use("azathioprine", 25, -60)) is None


def test_a_dose_that_nobody_knows_was_not_raised() -> None:
    before = use("azathioprine", None, -400, -61, status=UseStatus.COMPLETED)
    assert judged(before, use("azathioprine", 100, -60)) is None
    known_before = use("azathioprine", 50, -400, -61, status=UseStatus.COMPLETED)
    assert judged(known_before, use("azathioprine", None, -60)) is None


def test_a_drug_of_unknown_dose_that_was_begun_counts() -> None:
    assert names(judged(use("azathioprine", None, -60))) == ["azathioprine"]


def test_a_drug_taken_up_again_after_a_pause_counts() -> None:
    before = use("azathioprine", 100, -400, -200, status=UseStatus.COMPLETED)
    assert names(judged(before, use("azathioprine", 100, -60))) == ["azathioprine"]


def test_a_dose_by_weight_is_reckoned() -> None:
    by_weight = (line("1.5", unit=DoseUnit.MG_PER_KG_PER_DAY),)
    before = use("azathioprine", 50, -400, -61, status=UseStatus.COMPLETED)
    assert names(judged(before, use("azathioprine", start=-60, lines=by_weight))) == ["azathioprine"]


@pytest.mark.parametrize(("first", "replaces"), [(-120, True), (-121, False)])
def test_a_partial_start_must_lie_in_the_window_at_both_ends(first: int, replaces: bool) -> None:
    assert (judged(use("azathioprine", 100, When(day(first), day(-60)))) is not None) is replaces


@pytest.mark.parametrize(("earliest", "latest", "replaces"), [(-35, -20, True), (-36, -20, False), (-35, -19, False)])
def test_the_window_lies_around_every_day_that_the_stop_can_be(earliest: int, latest: int, replaces: bool) -> None:
    begun = (use("azathioprine", 100, -21), use("methotrexate", 15, -110))
    found = judged(*begun, stop=When(day(earliest), day(latest)))
    assert (set(names(found)) == {"azathioprine", "methotrexate"}) is replaces


# --- infusions


@pytest.mark.parametrize(
    ("infusion", "replaces"),
    [
        (given(-60, "rituximab"), True),
        (given(-130, "rituximab"), False),
        (given(When(day(-130), day(-60)), "rituximab"), False),
        (order("rituximab", 1000, -60, -60, status=UseStatus.COMPLETED), True),
        (order("rituximab", 1000, -60, -60, status=UseStatus.CANCELLED), False),
        (dispense(-60, 30, "methotrexate"), False),
        (order("rituximab", 1000, None, -60, status=UseStatus.COMPLETED), False),
    ],
)
def test_an_infusion_of_a_biologic_acts_for_months(infusion: Use, replaces: bool) -> None:
    assert (judged(infusion) is not None) is replaces


def test_a_biologic_that_runs_and_was_infused_is_named_once() -> None:
    assert names(judged(use("rituximab", 1000, -60), given(-58, "rituximab"))) == ["rituximab"]


# --- slow onset


@pytest.mark.parametrize(("start", "lags"), [(-85, True), (-86, False), (-20, True)])
def test_azathioprine_begun_less_than_eight_weeks_before_may_not_act_yet(start: int, lags: bool) -> None:
    found = judged(use("azathioprine", 100, start))
    assert found is not None
    assert bool(found.lagging) is lags


def test_only_slow_drugs_lag() -> None:
    found = judged(use("methotrexate", 15, -40), use("mycophenolate mofetil", 2000, -40))
    assert found is not None
    assert [use.drug.ingredient for use in found.lagging] == ["mycophenolate mofetil"]


# --- ordered in the same request


def test_what_is_ordered_together_with_the_stop_begins_today() -> None:
    drafts = (draft("azathioprine", 100, reference="MedicationRequest/aza"), draft("prednisone", 10))
    found = judged(drafts=drafts, stop=0, coming=True)
    assert names(found) == ["azathioprine"]
    assert found is not None
    assert found.lagging == found.replacing
    assert judged(drafts=drafts) is None


def test_a_drug_that_runs_and_is_ordered_again_is_named_once() -> None:
    drafts = (draft("azathioprine", 100, reference="MedicationRequest/aza"),)
    running = use("azathioprine", 100, -80)
    found = judged(running, drafts=drafts, stop=0, coming=True)
    assert found is not None
    assert found.replacing == (running,)


# --- as the case has it


def test_a_case_without_a_stop_has_no_switch() -> None:
    assert case(record(use(), use("azathioprine", 100, -30))).planned_switch is None


def test_a_case_asks_around_the_stop_that_is_ordered() -> None:
    running = order(reference="MedicationRequest/tac", asserted=-20)
    stop = draft(reference="MedicationRequest/tac", status=UseStatus.STOPPED, start=-300)
    assert case(record(running, use("azathioprine", 100, -90), drafts=(stop,), hook="order-sign")).planned_switch
    assert not case(record(running, use("azathioprine", 100, -91), drafts=(stop,), hook="order-sign")).planned_switch
