"""A stop that the orders of the request would bring."""

import pytest

from cds_service.knowledge.finding import CannotTell, Indicator
from cds_service.patient.facts import Loss
from tests.answers import CRITICAL, INFO, ORDER, ORDERED, QUIET, RAPID, VERIFY, WARNING, answered, finding, keys, ordered, shown
from tests.builders import (
    LUPUS,
    doses,
    draft,
    lab,
    lost,
    order,
    use,
)


def test_an_ordered_stop() -> None:
    found = finding(ordered(), ORDERED)
    assert (found.indicator, found.exposure_class) == (WARNING, "abrupt-stop")
    assert keys(found.happened)[:2] == ["ordered-to-stop", "ordered-dose"]
    assert found.happened[1].values == {"dose": 4, "baseline": 4, "days": 180}
    assert keys(found.advice) == ["taper-instead", "hold-is-different"]
    assert [offer.order_set for offer in found.offers] == ["laboratory"]
    assert found.evidence[0].reference == ORDER
    assert shown(ordered()) == {ORDERED: WARNING}


@pytest.mark.parametrize("hook", ["medication-prescribe", "order-select", "order-sign", "encounter-discharge", "patient-view"])
def test_it_speaks_in_every_hook_whose_orders_express_a_stop(hook: str) -> None:
    assert shown(ordered(hook=hook)) == {ORDERED: WARNING}


def test_an_order_not_to_give_is_told_as_such() -> None:
    forbidden = draft(forbids=True, reference="MedicationRequest/no")
    assert keys(finding(ordered(drafts=(forbidden,)), ORDERED).happened)[0] == "ordered-not-to-give"


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


def test_an_ordered_stop_without_an_indication_is_to_verify() -> None:
    found = finding(ordered(problems=()), VERIFY)
    assert (found.indicator, found.exposure_class) == (INFO, "no-indication")
    assert keys(found.unknown) == ["no-indication-coded"]
    assert found.evidence[0].reference == ORDER
    assert shown(ordered(problems=())) == {VERIFY: INFO}
