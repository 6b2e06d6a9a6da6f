"""A flare of another disease than autoimmune hepatitis: the own tacrolimus, a referral, laboratory orders, and no steroid."""

from typing import Any

import pytest

from cds_service.knowledge.finding import Finding, Term
from cds_service.knowledge.judgements import regimens, reinduction
from cds_service.knowledge.judgements.flares import JUDGES
from cds_service.knowledge.judgements.safety import Situation
from cds_service.knowledge.valuesets import groups_with_role
from cds_service.patient.facts import Lab, Problem, Record, UseStatus
from tests.answers import ABRUPT, CRITICAL, INFO, REBOUND, WARNING, finding, keys, shown
from tests.builders import (
    HEALTHY,
    HEPATITIS,
    KIDNEY_TRANSPLANT,
    LUPUS,
    case,
    doses,
    draft,
    lab,
    person,
    problem,
    record,
    use,
)
from tests.flaring import rising

MYASTHENIA = problem("myasthenia_gravis", "indication")
VASCULITIS = problem("ANCA_vasculitis", "indication")
MEMBRANOUS = problem("nephrotic_membranous_FSGS_MCD", "indication")
COLITIS = problem("ulcerative_colitis", "indication")
PROTEIN = rising("upcr", 300, 1200)


def elsewhere(disease: Problem, *results: Lab, also: tuple[Problem, ...] = (), medicines: Any = (), **more: Any) -> Record:
    """4 mg a day were stopped abruptly nine days ago in a person with that disease and no other."""
    stopped = () if more.pop("stopped", None) else (use(end=-9),)
    return record(*stopped, *medicines, problems=(disease, *also), markers=(*HEALTHY, *results), **more)


def flare(disease: Problem, *results: Lab, **more: Any) -> Finding:
    return finding(elsewhere(disease, *results, **more), REBOUND)


@pytest.mark.parametrize(
    ("disease", "results", "specialty", "conflicts"),
    [
        (LUPUS, PROTEIN, "nephrology", ("X2", "X19", "X26")),
        (VASCULITIS, (*rising("creatinine", 80, 110), lab("urine_rbc", 9)), "rheumatology", ("X2", "X19")),
        (MYASTHENIA, (lab("nif", 20),), "neurology", ("X2",)),
        (MEMBRANOUS, rising("upcr", 200, 4000), "nephrology", ("X2",)),
    ],
)
def test_the_own_tacrolimus_and_a_referral_are_offered_and_no_steroid(
    disease: Problem, results: tuple[Lab, ...], specialty: str, conflicts: tuple[str, ...]
) -> None:
    found = flare(disease, *results)
    assert found.indicator is CRITICAL
    assert [offer.order_set for offer in found.offers] == ["tacrolimus-restart", "referral", "laboratory"]
    assert {one.ingredient for offer in found.offers for one in offer.drugs} == {"tacrolimus"}
    assert [[one.specialty for one in offer.referrals] for offer in found.offers] == [[specialty], [specialty], []]
    assert found.conflicts == conflicts
    assert keys(found.advice)[0] == "options-to-review"
    assert shown(elsewhere(disease, *results)) == {REBOUND: CRITICAL}


def test_what_the_source_says_of_steroids_stands_in_words() -> None:
    assert "source-steroid-elsewhere" in keys(flare(LUPUS, *PROTEIN).advice)
    assert "myasthenia-steroid" in keys(flare(MYASTHENIA, lab("nif", 20)).advice)
    assert "source-steroid-elsewhere" not in keys(flare(MYASTHENIA, lab("nif", 20)).advice)


def test_the_checks_of_what_is_not_offered_say_nothing() -> None:
    found = flare(LUPUS, *PROTEIN, screening=())
    assert keys(found.unknown) == ["markers-missing", "unknown-hepatitis-b", "unknown-tuberculosis", "stop-reason-unknown"]
    assert "tpmt-nudt15" not in {one.test for offer in found.offers for one in offer.labs}


def test_a_check_of_tacrolimus_withholds_it_and_leaves_the_referral() -> None:
    found = flare(LUPUS, *PROTEIN, lab("egfr", 38, -1))
    assert [offer.order_set for offer in found.offers] == ["referral", "laboratory"]
    assert keys(found.advice)[0] == "blocked-kidney"


@pytest.mark.parametrize(
    ("disease", "specialty"),
    [
        ("lupus_nephritis", "paediatric-nephrology"),
        ("ANCA_vasculitis", "paediatric-rheumatology"),
        ("myasthenia_gravis", "paediatric-neurology"),
        ("autoimmune_hepatitis", "paediatric-hepatology"),
        ("ulcerative_colitis", "paediatric-specialist"),
    ],
)
def test_a_child_is_referred_to_the_paediatric_team(disease: str, specialty: str) -> None:
    at = case(elsewhere(LUPUS, person=person(14)))
    found = reinduction.judge(Situation(at.record, at.treatment, at.parameters), at.exposure, disease)
    assert [one.specialty for one in found.offers[0].referrals] == [specialty]
    assert found.withheld[0].values["specialty"] == Term(specialty)
    assert not [one for offer in found.offers for one in offer.drugs]


def test_every_disease_has_tests_and_somebody_to_refer_to() -> None:
    """The ids of orders.toml are looked up where the offers are built; none may be missing."""
    adult, child = case(elsewhere(LUPUS)), case(elsewhere(LUPUS, person=person(14)))
    for disease in groups_with_role("indication") | groups_with_role("indication_possible"):
        for at in (adult, child):
            found = reinduction.judge(Situation(at.record, at.treatment, at.parameters), at.exposure, disease)
            assert found.offers[-1].labs, disease


def test_the_tests_of_a_disease_with_a_definition_come_before_those_of_others() -> None:
    assert regimens.first({"ulcerative_colitis", "myasthenia_gravis", "SLE"}) == "myasthenia_gravis"
    assert regimens.first({"ulcerative_colitis", "SLE"}) == "SLE"
    assert regimens.first(()) == ""
    assert set(JUDGES) <= set(regimens.REGIMENS)


@pytest.mark.parametrize(
    ("disease", "results", "steroid"),
    [(LUPUS, PROTEIN, True), (MYASTHENIA, (lab("nif", 20),), False), (HEPATITIS, (lab("alt", 150),), True)],
)
def test_a_site_may_widen_the_steroid_regimens_but_never_to_myasthenia(
    disease: Problem, results: tuple[Lab, ...], steroid: bool
) -> None:
    at = case(elsewhere(disease, *results), reinduction_scope="any-autoimmune")
    found = reinduction.judge(Situation(at.record, at.treatment, at.parameters), at.exposure, at.flare.disease)
    assert ("steroid-alone" in {offer.order_set for offer in found.offers}) is steroid


def test_a_wider_scope_names_the_conflicts_of_the_regimens_too() -> None:
    found = finding(elsewhere(LUPUS, *PROTEIN), REBOUND, reinduction_scope="any-autoimmune")
    assert {"X3", "X4", "X7", "X19", "X26"} <= set(found.conflicts)
    assert keys(found.advice)[-1] == "regimen-borrowed"


def test_treatment_that_has_begun_lowers_it_and_removes_the_offer() -> None:
    found = flare(LUPUS, *PROTEIN, medicines=(use("prednisone", 40, -2),))
    assert (found.indicator, found.summary.key) == (WARNING, "flare-summary-treated")
    assert [offer.order_set for offer in found.offers] == ["laboratory"]
    assert found.conflicts == ("X26",)


def test_a_sign_leads_where_no_result_tells() -> None:
    sign = problem("pulmonary_haemorrhage", "flare_sign", onset=-3)
    found = flare(VASCULITIS, also=(sign,))
    assert (found.summary.key, keys(found.happened)[0]) == ("flare-summary-severe-sign", "severity-sign")
    assert keys(found.meaning) == ["flare-by-sign", "exclude-first-other"]


def test_the_same_definition_is_said_once() -> None:
    found = flare(LUPUS, *PROTEIN, *rising("creatinine", 80, 120))
    assert keys(found.meaning) == ["lupus-definition", "lupus-protein-without-flare", "exclude-first-kidney"]


def test_the_name_of_a_glomerular_disease_is_short_in_a_summary() -> None:
    assert flare(MEMBRANOUS, *rising("upcr", 200, 4000)).summary.values["disease"] == Term("glomerular-disease")


# --- information that makes no flare

SEROLOGY = rising("dsdna", 20, 60)


def test_serology_alone_is_information_beside_the_stop() -> None:
    kidney = (*rising("creatinine", 71, 71), *rising("upcr", 300, 300))
    told = elsewhere(LUPUS, *kidney, *SEROLOGY)
    assert shown(told) == {ABRUPT: WARNING, REBOUND: INFO}
    found = finding(told, REBOUND)
    assert (found.summary.key, found.conflicts) == ("rebound-summary-information", ())
    assert keys(found.happened) == ["marker-plain-baseline", "stopped-abruptly-at-maintenance"]
    assert keys(found.meaning) == ["lupus-antibody", "exclude-first-kidney"]
    assert [offer.order_set for offer in found.offers] == ["laboratory"]


def test_inflammation_of_no_particular_cause_is_information() -> None:
    assert shown(elsewhere(COLITIS, *rising("crp", 5, 25))) == {ABRUPT: WARNING, REBOUND: INFO}


@pytest.mark.parametrize(
    "told",
    [
        elsewhere(LUPUS),
        elsewhere(LUPUS, *SEROLOGY, medicines=(use("prednisone", 40, -2),)),
        elsewhere(LUPUS, *SEROLOGY, also=(KIDNEY_TRANSPLANT,)),
        record(use(end=-60), problems=(LUPUS,), markers=SEROLOGY, hook="order-select", drafts=(draft("paracetamol", 1000),)),
        record(use(), problems=(LUPUS,), markers=SEROLOGY),
    ],
    ids=["nothing has changed", "treated", "transplant", "an old stop and an unrelated draft", "tacrolimus is taken"],
)
def test_where_such_information_is_not_shown(told: Record) -> None:
    assert REBOUND not in shown(told)


def test_a_complete_taper_may_be_followed_by_information() -> None:
    told = record(*doses((4, 200), (2, 14), (1, 14), last=-9), problems=(COLITIS,), markers=rising("crp", 5, 25))
    assert shown(told)[REBOUND] is INFO


# --- response on tacrolimus


@pytest.mark.parametrize(("start", "key"), [(-98, "response-documented"), (-97, "response-not-documented")])
def test_a_response_needs_three_months_on_tacrolimus(start: int, key: str) -> None:
    told = elsewhere(LUPUS, *PROTEIN, stopped=True, medicines=(use(start=start, end=-9, status=UseStatus.STOPPED),))
    found = finding(told, REBOUND)
    assert key in keys((*found.advice, *found.unknown))
