"""Diseases without a definition of their own, and several diseases at once."""

import pytest

from cds_service.knowledge.judgements import flares
from tests.builders import LUPUS, day, lab, parameters, problem, record
from tests.flaring import BEGAN, INFECTION, LAST_DOSE, NONE, RELAPSE, SEVERE, hints, judged, rising, unknown

COLITIS = "ulcerative_colitis"


def test_raised_inflammation_is_information_and_never_a_flare() -> None:
    found = judged(COLITIS, *rising("crp", 5, 25))
    assert (found.tier, found.judged, hints(found)) == (NONE, False, ["inflammation-not-specific"])
    assert unknown(found) == ["flare-not-by-laboratory"]


def test_quiet_markers_do_not_tell_that_it_is_quiet() -> None:
    found = judged(COLITIS, *rising("crp", 5, 5))
    assert (found.judged, hints(found)) == (False, [])


@pytest.mark.parametrize("group", ["organ_threat", "pulmonary_haemorrhage", "respiratory_failure"])
def test_an_event_that_endangers_an_organ_is_severe_unless_an_infection_explains_it(group: str) -> None:
    event = problem(group, "flare_sign", onset=-2)
    found = judged(COLITIS, problems=(event,))
    assert (found.tier, found.judged, found.signs) == (SEVERE, True, (event,))
    assert judged(COLITIS, problems=(event, INFECTION)).tier is NONE


def test_the_disease_that_has_gone_furthest_comes_first() -> None:
    told = record(markers=(*rising("upcr", 300, 1200), *rising("alt", 30, 60)), problems=(LUPUS,))
    diseases = frozenset({"autoimmune_hepatitis", "lupus_nephritis", "SLE", COLITIS})
    found = flares.judge(told, diseases, LAST_DOSE, BEGAN, parameters())
    assert [(flare.disease, flare.tier) for flare in found] == [
        ("lupus_nephritis", RELAPSE),
        ("autoimmune_hepatitis", 1),
        (COLITIS, NONE),
    ]


def test_a_nephrotic_code_beside_lupus_nephritis_is_the_same_disease() -> None:
    both = frozenset({"lupus_nephritis", "nephrotic_membranous_FSGS_MCD"})
    found = flares.judge(record(markers=(lab("upcr", 1),)), both, day(-9), day(-8), parameters())
    assert [flare.disease for flare in found] == ["lupus_nephritis"]
