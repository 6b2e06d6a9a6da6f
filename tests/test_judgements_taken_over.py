"""What stays on the card once the treatment of a flare is drafted, by whatever way."""

from typing import Any

import pytest

from cds_service.knowledge.finding import Finding, LabOrder
from cds_service.patient.facts import Sex, Use
from tests.answers import REBOUND, WARNING, finding, keys
from tests.builders import HEALTHY, HEPATITIS, SCREENED, draft, flaring, lab, person, problem, use, word

SECOND = "MedicationRequest/second"


def taken_over(*drafts: Use, medicines: tuple[Use, ...] = (), **more: Any) -> Finding:
    found = finding(flaring(*medicines, hook="order-select", drafts=drafts, **more), REBOUND)
    assert found.indicator is WARNING
    assert all(not offer.drugs for offer in found.offers)
    return found


def ordered(found: Finding) -> list[str]:
    (offer,) = found.offers
    return [order.test for order in offer.labs]


def test_nothing_is_added_where_nothing_stands_against_it() -> None:
    found = taken_over(draft("prednisone", 60))
    assert ordered(found)[0] == "alt"
    assert "drafted-against" not in keys(found.advice)
    assert keys(found.unknown) == ["markers-missing"]


@pytest.mark.parametrize("mg", [30, 60])
def test_the_tests_that_come_first_stay_ordered_and_their_questions_asked(mg: int) -> None:
    found = taken_over(draft("prednisone", mg), screening=SCREENED[2:])
    assert ordered(found)[:2] == ["hepatitis-b-surface-antigen", "hepatitis-b-core-antibody"]
    assert "unknown-hepatitis-b" in keys(found.unknown)


def test_what_a_check_would_withhold_is_said_before_signing() -> None:
    carrier = word("hbsag", "positive"), *SCREENED[1:]
    found = taken_over(draft("prednisone", 60), screening=carrier)
    assert keys(found.advice)[:2] == ["drafted-against", "blocked-hepatitis-b"]
    assert "hepatitis-b-dna" in ordered(found)
    allergic = taken_over(draft("prednisone", 60), problems=(HEPATITIS, problem("myasthenia_gravis")))
    assert "blocked-myasthenia" in keys(allergic.advice)


@pytest.mark.parametrize(("egfr", "against"), [("45", True), ("45.1", False)])
def test_a_drafted_restart_is_checked_too(egfr: str, against: bool) -> None:
    found = taken_over(draft("tacrolimus", 4), also=(lab("egfr", egfr, -1),))
    assert ("blocked-kidney" in keys(found.advice)) is against


def test_each_draft_has_its_own_checks_only() -> None:
    weak = lab("egfr", 30, -1), lab("platelets", 60, -1)
    assert "drafted-against" not in keys(taken_over(draft("prednisone", 60), also=weak).advice)
    assert "drafted-against" not in keys(taken_over(draft("mycophenolate mofetil", 2000), also=weak).advice)
    both = taken_over(draft("prednisone", 60), draft("tacrolimus", 4, reference=SECOND), also=weak)
    assert keys(both.advice)[:2] == ["drafted-against", "blocked-kidney"]


def test_a_higher_dose_of_what_runs_is_no_second_one() -> None:
    found = taken_over(draft("prednisone", 60), medicines=(use("prednisone", 10, -400),))
    assert "drafted-against" not in keys(found.advice)


def test_what_runs_already_was_begun_by_somebody_who_knows() -> None:
    running = use("prednisone", 60, -5)
    found = taken_over(draft("prednisone", 60), medicines=(running,), screening=(word("hbsag", "positive"),))
    assert "drafted-against" not in keys(found.advice)


def test_a_child_is_told_of_no_adult_s_checks() -> None:
    found = taken_over(draft("prednisone", 60), person=person(14, Sex.MALE), screening=())
    assert "hepatitis-b-surface-antigen" not in ordered(found)
    assert LabOrder("tpmt-nudt15") not in found.offers[0].labs


def test_laboratory_results_that_did_not_come_are_asked_for() -> None:
    told = taken_over(draft("tacrolimus", 4), markers=(*(one for one in HEALTHY if one.analyte != "egfr"), lab("alt", 150)))
    assert "unknown-kidney" in keys(told.unknown)
