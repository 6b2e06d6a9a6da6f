"""A flare after the stop: how urgent it is, what is said, and where it is another matter."""

import pytest

from cds_service.knowledge.finding import Indicator, Term
from cds_service.patient.facts import Lab, LabStatus, Outside, Person, Record, Use, UseStatus
from tests.answers import CRITICAL, INFO, REBOUND, WARNING, answered, finding, keys, shown
from tests.builders import (
    HEALTHY,
    HEPATITIS,
    KIDNEY_TRANSPLANT,
    LUPUS,
    doses,
    draft,
    flaring,
    lab,
    order,
    person,
    problem,
    record,
    use,
)


def test_a_relapse_after_an_abrupt_stop() -> None:
    found = finding(flaring(), REBOUND)
    assert (found.indicator, found.exposure_class) == (CRITICAL, "abrupt-stop")
    assert found.summary.key == "rebound-summary-relapse"
    assert keys(found.happened) == ["marker-baseline", "stopped-abruptly-at-maintenance"]
    assert keys(found.meaning) == ["relapse-met", "exclude-first"]
    assert keys(found.advice)[0] == "options-to-review"
    assert keys(found.advice)[-2:] == ["response-documented", "regimen-borrowed"]
    assert keys(found.unknown)[-1] == "stop-reason-unknown"
    assert [offer.order_set for offer in found.offers][:1] == ["steroid-alone"]
    assert shown(flaring()) == {REBOUND: CRITICAL}


@pytest.mark.parametrize(
    ("alt", "indicator", "key"),
    [(40, None, ""), (41, WARNING, "possible"), (120, WARNING, "possible"), (121, CRITICAL, "relapse")],
)
def test_the_tier_decides_how_urgent_it_is(alt: int, indicator: Indicator | None, key: str) -> None:
    told = flaring(alt=alt)
    assert shown(told).get(REBOUND) is indicator
    if indicator:
        assert finding(told, REBOUND).summary.key == f"rebound-summary-{key}"


def test_the_marker_furthest_out_leads() -> None:
    found = finding(flaring(also=(lab("ast", 200), lab("igg", 64))), REBOUND)
    assert found.summary.values["analyte"] == Term("ast")


def test_a_possible_flare_says_that_it_does_not_meet_the_definition() -> None:
    assert keys(finding(flaring(alt=85), REBOUND).meaning)[0] == "relapse-not-met"


def test_a_severe_flare_of_mild_markers_does_not_claim_the_definition() -> None:
    found = finding(flaring(alt=60, also=(lab("bilirubin", 50),)), REBOUND)
    assert (found.indicator, found.summary.key, keys(found.meaning)[0]) == (CRITICAL, "rebound-summary-severe", "relapse-not-met")


@pytest.mark.parametrize(
    ("results", "signs", "expected"),
    [
        ((lab("bilirubin", 50),), (), ["severity-marker", "prednisolone-preferred"]),
        ((lab("bilirubin", 50), lab("inr", 1)), (), ["severity-acute", "severity-marker", "prednisolone-preferred"]),
        (
            (lab("bilirubin", 50), lab("inr", 2)),
            (),
            ["severity-acute-severe", *["severity-marker"] * 2, "contact-transplant-centre", "prednisolone-preferred"],
        ),
        (
            (lab("bilirubin", 50), lab("inr", 2)),
            ("hepatic_encephalopathy", "liver_decompensation"),
            [
                *("severity-liver-failure", "severity-marker", "severity-marker", "severity-sign"),
                *("contact-transplant-centre", "prednisolone-preferred"),
            ],
        ),
        ((), ("ascites", "liver_decompensation"), ["severity-sign", "prednisolone-preferred"]),
    ],
    ids=["bilirubin", "acute", "acute severe", "liver failure", "ascites"],
)
def test_the_severity_is_named(results: tuple[Lab, ...], signs: tuple[str, ...], expected: list[str]) -> None:
    problems = (HEPATITIS, *((problem(signs, onset=-3),) if signs else ()))
    found = finding(flaring(also=results, problems=problems), REBOUND)
    told = [key for key in keys((*found.happened, *found.advice)) if key.startswith(("severity", "contact", "prednisolone"))]
    assert told == expected


@pytest.mark.parametrize(
    ("medicine", "key"),
    [(use("prednisone", 30, -3), "steroid-running-dose"), (use("mycophenolate mofetil", 1000, -3), "replacement-begun")],
)
def test_a_flare_that_is_being_treated_is_a_warning_without_orders(medicine: Use, key: str) -> None:
    found = finding(flaring(medicine), REBOUND)
    assert found.indicator is WARNING
    assert key in keys(found.happened)
    assert keys(found.advice) == ["already-treated"]
    assert [offer.order_set for offer in found.offers] == ["laboratory"]


def test_a_drafted_treatment_is_called_drafted_and_not_begun() -> None:
    drafted = finding(flaring(hook="order-select", drafts=(draft("prednisone", 60),)), REBOUND)
    assert (drafted.summary.key, keys(drafted.advice)) == ("rebound-summary-drafted", ["already-drafted"])
    both = finding(flaring(use("prednisone", 60, -3), hook="order-select", drafts=(draft("prednisone", 60),)), REBOUND)
    assert (both.summary.key, keys(both.advice)) == ("rebound-summary-treated", ["already-treated"])


def test_a_drafted_treatment_lowers_it_too() -> None:
    assert shown(flaring(hook="order-select", drafts=(draft("prednisone", 60),))) == {REBOUND: WARNING}
    assert shown(flaring(hook="order-select", drafts=(draft(),)))[REBOUND] is WARNING


def test_a_low_steroid_does_not_treat_it() -> None:
    assert shown(flaring(use("prednisone", 29, -3)))[REBOUND] is CRITICAL


def test_a_flare_after_doses_that_are_not_known_is_a_warning() -> None:
    told = record(use(end=-9, lines=()), markers=(*HEALTHY, lab("alt", 150)))
    assert shown(told) == {REBOUND: WARNING}


def test_a_flare_after_a_short_use_is_information() -> None:
    assert shown(record(use(start=-36, end=-9), markers=(*HEALTHY, lab("alt", 150)))) == {REBOUND: CRITICAL}
    found = finding(record(use(start=-35, end=-9), markers=(*HEALTHY, lab("alt", 150))), REBOUND)
    assert (found.indicator, keys(found.meaning)[-1]) == (INFO, "cap-short-use")


def test_a_flare_after_a_complete_taper_is_critical_too() -> None:
    told = record(*doses((4, 200), (2, 28), last=-9), markers=(*HEALTHY, lab("alt", 150)))
    assert shown(told) == {REBOUND: CRITICAL}


@pytest.mark.parametrize(("end", "alt", "indicator"), [(-365, 150, CRITICAL), (-366, 150, INFO), (-366, 85, None)])
def test_a_flare_long_after_the_stop_is_information_if_at_all(end: int, alt: int, indicator: Indicator | None) -> None:
    told = record(use(start=-900, end=end), markers=(*HEALTHY, lab("alt", alt)))
    assert shown(told).get(REBOUND) is indicator
    if indicator is INFO:
        found = finding(told, REBOUND)
        assert keys(found.advice) == ["remote-stop"]
        assert [offer.order_set for offer in found.offers] == ["laboratory"]


def test_a_flare_long_after_the_stop_that_is_treated_is_silent() -> None:
    assert shown(record(use(start=-900, end=-400), use("prednisone", 60, -3), markers=(*HEALTHY, lab("alt", 150)))) == {}


@pytest.mark.parametrize(
    "told",
    [
        flaring(problems=(LUPUS,)),
        flaring(problems=()),
        flaring(problems=(HEPATITIS, KIDNEY_TRANSPLANT)),
        record(use(asserted=-20), markers=(*HEALTHY, lab("alt", 150))),
        record(use(end=-9, reasons=frozenset({"infection"})), markers=(*HEALTHY, lab("alt", 150))),
        record(order(end=-80, status=UseStatus.COMPLETED), markers=(*HEALTHY, lab("alt", 150))),
        flaring(alt=None, also=(lab("alt", 150, -2, status=LabStatus.PRELIMINARY),)),
        flaring(person=Person("p", deceased=True)),
    ],
    ids=["lupus", "no indication", "transplant", "still taken", "hold", "supply gap", "preliminary", "deceased"],
)
def test_elsewhere_no_rebound(told: Record) -> None:
    assert REBOUND not in answered(told)


def test_a_child_gets_the_urgency_and_no_dose() -> None:
    found = finding(flaring(person=person(14), alt=200), REBOUND)
    assert (found.indicator, keys(found.advice)) == (CRITICAL, ["withheld-child"])
    assert [(offer.order_set, offer.drugs) for offer in found.offers] == [("referral", ()), ("laboratory", ())]


def test_a_child_already_treated_gets_no_word_on_doses() -> None:
    assert finding(flaring(use("prednisone", 40, -3), person=person(14)), REBOUND).advice == ()


def test_a_recorded_reason_answers_why_it_was_stopped() -> None:
    told = record(use(end=-9, reason=Outside("moved away")), markers=(*HEALTHY, lab("alt", 150)))
    assert "stop-reason-unknown" not in keys(finding(told, REBOUND).unknown)


def test_an_unknown_response_to_tacrolimus_is_said() -> None:
    assert "response-not-documented" in keys(finding(flaring(markers=(lab("alt", 150),)), REBOUND).unknown)
    barely_quiet = (lab("alt", 150), lab("alt", 40, -60))
    assert "response-documented" in keys(finding(flaring(markers=barely_quiet), REBOUND).advice)
    never_quiet = (lab("alt", 150), lab("alt", 90, -60))
    assert "response-not-documented" in keys(finding(flaring(markers=never_quiet), REBOUND).unknown)


def test_results_that_withhold_something_are_evidence_and_their_conflict_is_named() -> None:
    low = lab("platelets", 60, reference="Observation/platelets")
    found = finding(flaring(also=(low,)), REBOUND)
    assert "Observation/platelets" in {item.reference for item in found.evidence}
    assert "X27" in found.conflicts
    assert "X27" not in finding(flaring(), REBOUND).conflicts
