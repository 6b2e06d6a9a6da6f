"""Palliative care: what is found is said, nothing is urged and no treatment suggested."""

import pytest

from cds_service.knowledge.finding import CannotTell, say
from cds_service.knowledge.judgements import palliative
from tests.answers import CRITICAL, INFO, REBOUND, TRANSPLANT, finding, keys, ordered, shown
from tests.builders import HEPATITIS, KIDNEY_TRANSPLANT, flaring, person, problem, record

CARE = problem("palliative", "palliative")


def test_a_relapse_is_information_and_offers_the_laboratory_alone() -> None:
    found = finding(flaring(problems=(HEPATITIS, CARE)), REBOUND)
    assert found.indicator is INFO
    assert keys(found.advice) == ["palliative-care"]
    assert [offer.order_set for offer in found.offers] == ["laboratory"]


def test_a_child_is_not_referred_either() -> None:
    child = finding(flaring(person=person(14)), REBOUND)
    assert any(offer.referrals for offer in child.offers)
    found = finding(flaring(person=person(14), problems=(HEPATITIS, CARE)), REBOUND)
    assert [offer.order_set for offer in found.offers] == ["laboratory"]


def test_an_ordered_stop_of_a_transplant_recipient_is_information_too() -> None:
    assert shown(ordered(problems=(KIDNEY_TRANSPLANT,)))[TRANSPLANT] is CRITICAL
    assert shown(ordered(problems=(KIDNEY_TRANSPLANT, CARE)))[TRANSPLANT] is INFO


@pytest.mark.parametrize(("active", "expected"), [(True, True), (None, True), (False, False)])
def test_care_that_is_over_does_not_count(active: bool | None, expected: bool) -> None:
    assert palliative.judge(record(problems=(problem("palliative", active=active),))) is expected


def test_a_list_of_conditions_that_did_not_come_does_not_tell_of_it() -> None:
    assert not palliative.judge(record(problems=None))


def test_what_cannot_be_told_stays() -> None:
    open_question = CannotTell(REBOUND, (say("indication-not-known"),))
    assert palliative.restrained(open_question) is open_question
