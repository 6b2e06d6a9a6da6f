"""Has myasthenia gravis worsened? Scores, symptoms and breathing, each at its boundary."""

import pytest

from cds_service.knowledge.judgements.flare import Tier
from cds_service.patient.facts import Comparator
from tests.builders import lab, problem
from tests.flaring import NONE, POSSIBLE, RELAPSE, SEVERE, judged, rising, unknown, whys

MYASTHENIA = "myasthenia_gravis"


@pytest.mark.parametrize(
    ("analyte", "before", "now", "tier"),
    [("mg_adl", 3, 4, NONE), ("mg_adl", 3, 5, POSSIBLE), ("qmg", 8, 10, NONE), ("qmg", 8, 11, POSSIBLE)],
)
def test_a_score_has_to_rise_by_the_size_that_counts(analyte: str, before: int, now: int, tier: Tier) -> None:
    found = judged(MYASTHENIA, *rising(analyte, before, now))
    assert (found.tier, found.judged) == (tier, True)


def test_a_score_without_a_baseline_tells_nothing() -> None:
    found = judged(MYASTHENIA, lab("mg_adl", 20))
    assert (found.tier, found.judged, unknown(found)) == (NONE, False, ["baseline-missing"])


@pytest.mark.parametrize(
    ("analyte", "number", "tier"),
    [
        ("nif", 25, SEVERE),
        ("nif", -25, SEVERE),
        ("nif", -45, NONE),
        ("nif", 30, NONE),
        ("nif", "-29.9", SEVERE),
        ("mep", 39, SEVERE),
        ("mep", 40, NONE),
    ],
)
def test_a_pressure_counts_by_its_size(analyte: str, number: int | str, tier: Tier) -> None:
    found = judged(MYASTHENIA, lab(analyte, number))
    assert found.tier is tier
    assert whys(found) == (["myasthenia-pressure"] if tier else [])


def test_a_pressure_that_is_only_bounded_is_not_weak() -> None:
    assert judged(MYASTHENIA, lab("nif", -25, comparator=Comparator.LESS)).tier is NONE


@pytest.mark.parametrize(("ml", "tier"), [(1599, SEVERE), (1600, NONE)])
def test_vital_capacity_counts_by_weight(ml: int, tier: Tier) -> None:
    found = judged(MYASTHENIA, lab("fvc", ml), lab("weight", 80, -10))
    assert (found.tier, unknown(found)) == (tier, [])


def test_vital_capacity_without_a_weight_tells_nothing() -> None:
    found = judged(MYASTHENIA, lab("fvc", 500))
    assert (found.tier, unknown(found)) == (NONE, ["vital-capacity-without-weight"])


@pytest.mark.parametrize(
    ("group", "tier"),
    [("myasthenia_exacerbation", POSSIBLE), ("bulbar_or_respiratory_symptom", RELAPSE), ("respiratory_failure", SEVERE)],
)
def test_what_was_recorded_since_the_stop(group: str, tier: Tier) -> None:
    found = judged(MYASTHENIA, problems=(problem(group, "flare_sign", recorded=-3),))
    assert (found.tier, found.judged) == (tier, True)


def test_antibodies_are_never_used_and_nothing_is_called_quiet_without_a_score() -> None:
    found = judged(MYASTHENIA, lab("nif", -60))
    assert (found.judged, found.missing) == (False, ("mg_adl", "qmg"))
    assert judged(MYASTHENIA, lab("mg_adl", 5, -95), since=None, began=None).old is not None
