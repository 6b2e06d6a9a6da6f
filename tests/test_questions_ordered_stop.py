"""A stop that the orders of the request would bring."""

import pytest

from cds_service.knowledge.finding import CannotTell, Indicator
from cds_service.patient.facts import DISCONTINUED, Loss, UseStatus
from tests.answers import (
    CRITICAL,
    INFO,
    ORDER,
    ORDERED,
    QUIET,
    RAPID,
    STOP,
    VERIFY,
    WARNING,
    answered,
    finding,
    keys,
    ordered,
    shown,
)
from tests.builders import LUPUS, day, doses, draft, drug, lab, line, lost, order, record, use


def test_an_ordered_stop() -> None:
    found = finding(ordered(), ORDERED)
    assert (found.indicator, found.exposure_class) == (WARNING, "abrupt-stop")
    assert keys(found.happened)[:2] == ["ordered-to-stop", "ordered-dose-at-maintenance"]
    assert found.happened[1].values == {"dose": 4, "baseline": 4, "days": 180}
    assert keys(found.advice) == ["keep-order", "taper-instead", "taper-plan-doses", "hold-is-different"]
    assert [(offer.order_set, offer.keeps) for offer in found.offers] == [("keep-order", (ORDER,)), ("laboratory", ())]
    assert found.evidence[0].reference == ORDER
    assert shown(ordered()) == {ORDERED: WARNING}


@pytest.mark.parametrize("hook", ["medication-prescribe", "order-select", "order-sign", "encounter-discharge", "patient-view"])
def test_it_speaks_in_every_hook_whose_orders_express_a_stop(hook: str) -> None:
    assert shown(ordered(hook=hook)) == {ORDERED: WARNING}


def test_an_order_not_to_give_is_told_as_such() -> None:
    forbidden = draft(forbids=True, reference="MedicationRequest/no")
    assert keys(finding(ordered(drafts=(forbidden,)), ORDERED).happened)[0] == "ordered-not-to-give"


@pytest.mark.parametrize(
    ("by", "told", "evidence"),
    [
        (None, "ordered-to-stop", [ORDER, "Condition/autoimmune_hepatitis"]),
        (DISCONTINUED, "ordered-to-discontinue", [ORDER, "Condition/autoimmune_hepatitis"]),
        ("Task/t", "ordered-by-task", [ORDER, "Task/t"]),
        ("CarePlan/c", "ordered-by-plan", [ORDER, "CarePlan/c"]),
        ("RequestOrchestration/g", "ordered-by-group", [ORDER, "RequestOrchestration/g"]),
    ],
)
def test_what_ends_an_order_in_place_of_its_status_is_told_and_is_evidence(
    by: str | None, told: str, evidence: list[str]
) -> None:
    case = ordered(drafts=(draft(reference=ORDER, status=UseStatus.STOPPED, ended_by=by),))
    found = finding(case, ORDERED)
    assert keys(found.happened)[0] == told
    assert [item.reference for item in found.evidence][:2] == evidence
    assert bool(found.offers[0].keeps) is (by is None)


def test_an_order_revised_to_end_is_told_with_its_day() -> None:
    revised = draft(reference=ORDER, status=UseStatus.ACTIVE, start=-300, end=3)
    found = finding(ordered(drafts=(revised,)), ORDERED)
    assert (found.happened[0].key, found.happened[0].values) == ("ordered-to-end", {"last": day(3)})


def test_an_order_in_its_place_is_told_as_such() -> None:
    assert (
        keys(finding(ordered(drafts=(draft("atorvastatin", 20, replaces=ORDER),)), ORDERED).happened)[0] == "ordered-to-replace"
    )


def test_an_order_that_is_itself_too_fast_a_taper() -> None:
    way_down = draft(mg=2, start=0, end=13, lines=(line(2, start=0, end=13),), replaces=ORDER)
    found = finding(ordered(drafts=(way_down,)), RAPID)
    assert keys(found.happened)[:2] == ["ordered-to-end", "ordered-way-down"]
    assert found.happened[1].values == {"dose": 2, "baseline": 4, "days": 14}


@pytest.mark.parametrize(
    ("alt", "alone", "with_another"), [(30, WARNING, INFO), (121, CRITICAL, WARNING)], ids=["quiet", "active"]
)
def test_another_immunosuppressant_ordered_instead_lowers_it(alt: int, alone: Indicator, with_another: Indicator) -> None:
    markers = (*QUIET, lab("alt", alt, -1))
    instead = draft("azathioprine", 100, reference="MedicationRequest/aza")
    assert shown(ordered(markers=markers))[ORDERED] is alone
    found = finding(ordered(drafts=(STOP, instead), markers=markers), ORDERED)
    assert found.indicator is with_another
    assert "replacement-begun" in keys(found.happened)


@pytest.mark.parametrize(("alt", "indicator"), [(120, WARNING), (121, CRITICAL)])
def test_while_the_disease_is_active_an_ordered_stop_is_critical(alt: int, indicator: Indicator) -> None:
    found = finding(ordered(markers=(*QUIET, lab("alt", alt, -1))), ORDERED)
    assert found.indicator is indicator
    assert ("disease-active" in keys(found.meaning)) is (indicator is CRITICAL)


def test_in_another_disease_it_is_a_warning() -> None:
    found = finding(ordered(problems=(LUPUS,), markers=(*QUIET, lab("alt", 400, -1))), ORDERED)
    assert (found.indicator, keys(found.unknown)) == (WARNING, ["markers-missing"])


@pytest.mark.parametrize(("start", "indicator"), [(-27, WARNING), (-26, INFO)])
def test_after_a_short_use_an_ordered_stop_is_information(start: int, indicator: Indicator) -> None:
    assert shown(ordered(order(start=start, reference=ORDER))) == {ORDERED: indicator}


def test_an_ordered_stop_at_the_low_end_of_a_slow_taper_is_information() -> None:
    slow = doses((3, 200), ("2.5", 90), (2, 90), ("1.5", 90), (1, 90), last=-200)
    told = ordered(*slow, order(mg="0.5", start=-199, reference=ORDER, asserted=-20))
    assert shown(told) == {ORDERED: INFO}


def test_an_ordered_stop_of_unknown_doses_is_a_warning_that_says_so() -> None:
    found = finding(ordered(order(reference=ORDER, lines=(), asserted=-20)), ORDERED)
    assert (found.indicator, found.exposure_class) == (WARNING, "taper-unknown")
    assert keys(found.happened)[1] == "ordered-dose-unknown"


def test_an_ordered_stop_of_which_no_day_of_use_is_known() -> None:
    found = finding(ordered(use(start=None, asserted=-20)), ORDERED)
    assert (found.indicator, found.exposure_class) == (INFO, "taper-unknown")


def test_an_order_that_ends_a_taper_too_fast() -> None:
    told = ordered(*doses((4, 200), last=-20), order(mg=2, start=-19, reference=ORDER))
    found = finding(told, RAPID)
    assert (found.indicator, found.summary.key, found.exposure_class) == (WARNING, "rapid-taper-ordered", "rapid-taper")
    assert shown(told) == {RAPID: WARNING}


def test_an_order_that_ends_a_complete_taper_is_silent() -> None:
    assert shown(ordered(*doses((4, 200), last=-30), order(mg=2, start=-29, reference=ORDER))) == {}


def test_an_ordered_stop_without_the_conditions_cannot_be_told() -> None:
    answer = answered(ordered(problems=None, lost=lost("conditions", loss=Loss.FAILED)))[ORDERED]
    assert isinstance(answer, CannotTell)
    assert answer.evidence[0].reference == ORDER


def test_the_end_of_a_product_of_unknown_route_is_to_verify_where_there_is_an_indication() -> None:
    vague = drug(systemic=None, formulation=None)
    told = order(vague, reference=ORDER, asserted=-20)
    stop = draft(vague, reference=ORDER, status=UseStatus.STOPPED, start=-300)
    found = finding(ordered(told, drafts=(stop,)), VERIFY)
    assert (found.indicator, keys(found.happened)) == (INFO, ["route-unknown-ordered"])
    assert shown(ordered(told, drafts=(stop,), problems=())) == {}


@pytest.mark.parametrize(("level", "told"), [(0, True), (5, False)])
def test_a_level_below_the_limit_of_the_assay_supports_a_doubt(level: int, told: bool) -> None:
    gap = record(order(end=-60, status=UseStatus.COMPLETED), markers=(lab("tacrolimus", level, -9, reference="level"),))
    found = finding(gap, VERIFY)
    assert ("level-unmeasurable" in keys(found.happened)) is told
    assert ("level" in {item.reference for item in found.evidence}) is told


def test_an_ordered_stop_without_an_indication_is_to_verify() -> None:
    found = finding(ordered(problems=()), VERIFY)
    assert (found.indicator, found.exposure_class) == (INFO, "no-indication")
    assert keys(found.unknown) == ["no-indication-coded"]
    assert found.evidence[0].reference == ORDER
    assert shown(ordered(problems=())) == {VERIFY: INFO}
