"""Has ANCA vasculitis relapsed? The kidney, lung and nerve, inflammation, and an antibody that is information only."""

import pytest

from cds_service.knowledge.judgements.flare import Tier
from cds_service.patient.facts import Lab
from tests.builders import lab, problem
from tests.flaring import INFECTION, NONE, POSSIBLE, RELAPSE, SEVERE, hints, judged, rising, unknown, whys

VASCULITIS = "ANCA_vasculitis"
BLOOD = lab("urine_rbc", 6)


@pytest.mark.parametrize(
    ("now", "urine", "tier", "why", "hint"),
    [
        (129, (BLOOD,), NONE, [], []),
        (130, (BLOOD,), RELAPSE, ["anca-renal"], []),
        (130, (lab("urine_rbc", 5),), NONE, [], ["anca-creatinine-alone"]),
        (130, (lab("upcr", 501),), RELAPSE, ["anca-renal"], []),
        (130, (lab("upcr", 500),), NONE, [], ["anca-creatinine-alone"]),
        (130, (), NONE, [], ["anca-creatinine-alone"]),
        (149, (), NONE, [], ["anca-creatinine-alone"]),
        (150, (), SEVERE, ["anca-creatinine-major"], []),
    ],
)
def test_creatinine_against_the_own_baseline(
    now: int, urine: tuple[Lab, ...], tier: Tier, why: list[str], hint: list[str]
) -> None:
    found = judged(VASCULITIS, *rising("creatinine", 100, now), *urine)
    assert (found.tier, whys(found), hints(found)) == (tier, why, hint)


@pytest.mark.parametrize(
    ("analyte", "before", "now", "high", "tier"),
    [
        ("crp", 5, 10, None, NONE),
        ("crp", 5, 11, None, POSSIBLE),
        ("crp", 6, 11, None, NONE),
        ("esr", 14, 21, None, POSSIBLE),
        ("esr", 15, 21, None, NONE),
        ("esr", 10, 20, None, NONE),
        ("esr", 10, 31, 30, POSSIBLE),
        ("esr", 10, 30, 30, NONE),
    ],
)
def test_inflammation_has_to_be_over_its_limit_and_over_the_baseline(
    analyte: str, before: int, now: int, high: int | None, tier: Tier
) -> None:
    found = judged(VASCULITIS, *rising(analyte, before, now, high=high))
    assert found.tier is tier
    assert found.quiet_before is True


def test_inflammation_from_a_raised_baseline_was_not_quiet() -> None:
    assert judged(VASCULITIS, *rising("crp", 11, 40)).quiet_before is False


def test_inflammation_without_a_baseline_tells_nothing() -> None:
    found = judged(VASCULITIS, lab("crp", 80))
    assert (found.tier, unknown(found)) == (NONE, ["baseline-missing"])


def test_an_infection_explains_inflammation() -> None:
    found = judged(VASCULITIS, *rising("crp", 5, 80), problems=(INFECTION,))
    assert (found.tier, unknown(found)) == (NONE, ["inflammation-infection"])
    over = problem("sepsis_active_infection", "infection", active=False)
    assert judged(VASCULITIS, *rising("crp", 5, 80), problems=(over,)).tier is POSSIBLE


@pytest.mark.parametrize("group", ["pulmonary_haemorrhage", "mononeuritis_multiplex"])
def test_a_major_sign_since_the_stop_is_severe(group: str) -> None:
    found = judged(VASCULITIS, problems=(problem(group, "flare_sign", onset=-3),))
    assert (found.tier, found.judged, found.leading) == (SEVERE, True, None)
    before = problem(group, "flare_sign", onset=-30)
    over = problem(group, "flare_sign", onset=-3, active=False)
    undated = problem(group, "flare_sign")
    assert judged(VASCULITIS, problems=(before, over, undated)).tier is NONE


@pytest.mark.parametrize(
    ("before", "now", "high", "expected"),
    [
        (10, 20, None, ["anca-titre"]),
        (10, 19, None, []),
        (15, 21, 20, ["anca-titre"]),
        (15, 20, 20, []),
        (21, 30, 20, []),
        (None, 90, 20, []),
    ],
)
def test_a_rising_antibody_is_information(before: int | None, now: int, high: int | None, expected: list[str]) -> None:
    results = [lab("mpo", now, high=high)] if before is None else [*rising("mpo", before, now, high=high)]
    found = judged(VASCULITIS, *results)
    assert (found.tier, hints(found)) == (NONE, expected)


def test_kidney_and_inflammation_together_tell_that_it_is_quiet() -> None:
    kidney, acute = rising("creatinine", 100, 100), rising("esr", 10, 10)
    assert judged(VASCULITIS, *kidney, *acute).judged
    assert judged(VASCULITIS, *kidney, *acute).missing == ()
    half = judged(VASCULITIS, *kidney)
    assert (half.judged, half.missing) == (False, ("crp", "esr"))
    assert judged(VASCULITIS, *acute).missing == ("creatinine", "crp")
