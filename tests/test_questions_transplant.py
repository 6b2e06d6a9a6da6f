"""A stop in a transplant recipient."""

import pytest

from cds_service.patient.facts import Use, UseStatus
from tests.answers import CRITICAL, HOLD, ORDER, QUIET, STOP, TRANSPLANT, WARNING, finding, keys, ordered, shown, stopped
from tests.builders import (
    HEPATITIS,
    KIDNEY_TRANSPLANT,
    LUPUS,
    dispense,
    draft,
    order,
    problem,
    record,
    use,
)


def test_a_stop_ordered_in_a_transplant_recipient_is_critical() -> None:
    found = finding(ordered(problems=(KIDNEY_TRANSPLANT,)), TRANSPLANT)
    assert (found.indicator, found.exposure_class, found.summary.key) == (CRITICAL, "transplant", "transplant-summary-ordered")
    assert keys(found.happened) == ["transplant-recorded", "ordered-to-stop", "ordered-dose-at-maintenance"]
    assert (found.offers, found.unknown, keys(found.meaning)) == ((), (), ["transplant-meaning"])
    assert found.evidence[0].reference == ORDER
    assert shown(ordered(problems=(KIDNEY_TRANSPLANT,))) == {TRANSPLANT: CRITICAL}


def test_a_past_stop_in_a_transplant_recipient_is_a_warning() -> None:
    found = finding(stopped(problems=(KIDNEY_TRANSPLANT,)), TRANSPLANT)
    assert (found.indicator, found.summary.key) == (WARNING, "transplant-summary-past")
    assert keys(found.happened) == ["transplant-recorded", "stopped-abruptly-at-maintenance"]
    assert shown(stopped(problems=(KIDNEY_TRANSPLANT,))) == {TRANSPLANT: WARNING}


def test_an_autoimmune_disease_beside_it_may_recur() -> None:
    told = ordered(problems=(KIDNEY_TRANSPLANT, LUPUS))
    assert "recurrent-disease" in keys(finding(told, TRANSPLANT).meaning)
    assert list(shown(told)) == [TRANSPLANT]


def test_an_organ_that_is_not_stated_is_to_verify() -> None:
    unspecified = problem("transplant_unspecified", "transplant_unspecified")
    assert keys(finding(ordered(problems=(unspecified,)), TRANSPLANT).unknown) == ["organ-not-stated"]


def test_a_transplant_that_only_the_order_names() -> None:
    named = order(reference=ORDER, asserted=-20, indications=frozenset({"transplant_status"}))
    found = finding(ordered(named, problems=(HEPATITIS,)), TRANSPLANT)
    assert keys(found.happened) == ["ordered-to-stop", "ordered-dose-at-maintenance"]
    assert keys(found.meaning) == ["transplant-meaning", "recurrent-disease"]


@pytest.mark.parametrize("ingredient", ["cyclosporine", "sirolimus", "everolimus", "belatacept"])
def test_another_drug_that_has_taken_over_silences_it(ingredient: str) -> None:
    assert shown(stopped(-9, use(ingredient, 2, -5), problems=(KIDNEY_TRANSPLANT,))) == {}
    drafted = ordered(drafts=(STOP, draft(ingredient, 2, reference="MedicationRequest/other")), problems=(KIDNEY_TRANSPLANT,))
    assert TRANSPLANT not in shown(drafted)


def test_mycophenolate_alone_does_not_take_over() -> None:
    assert TRANSPLANT in shown(stopped(-9, use("mycophenolate mofetil", 1000, -5), problems=(KIDNEY_TRANSPLANT,)))


@pytest.mark.parametrize(
    "medicines",
    [
        (order(reference=ORDER, asserted=-100), dispense(-90, 30)),
        (order(reference=ORDER, asserted=-100), use(start=None, asserted=-10, status=UseStatus.NOT_TAKEN)),
        (order(reference=ORDER, start=-500, asserted=-400),),
    ],
    ids=["supply gap", "conflict", "stale"],
)
def test_a_stop_of_a_doubtful_use_in_a_recipient_is_answered(medicines: tuple[Use, ...]) -> None:
    assert shown(ordered(*medicines, problems=(KIDNEY_TRANSPLANT,)))[TRANSPLANT] is CRITICAL


def test_a_past_stop_of_unknown_doses_in_a_recipient_is_told_once() -> None:
    told = record(use(end=-9, lines=()), problems=(KIDNEY_TRANSPLANT,), markers=QUIET)
    assert shown(told) == {TRANSPLANT: WARNING}


def test_a_hold_ordered_in_a_recipient_is_told_once() -> None:
    assert shown(ordered(drafts=(HOLD,), problems=(KIDNEY_TRANSPLANT,))) == {TRANSPLANT: CRITICAL}


@pytest.mark.parametrize("medicines", [(use(asserted=-20),), (use(start=-900, end=-366),)], ids=["taken", "long ago"])
def test_elsewhere_a_recipient_needs_no_card(medicines: tuple[Use, ...]) -> None:
    assert shown(record(*medicines, problems=(KIDNEY_TRANSPLANT,))) == {}
