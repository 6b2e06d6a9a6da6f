"""Whatever comes together: what any one fact forbids is never pre-filled. The facts and what they forbid stand here in words."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.patient.facts import Record
from tests.builders import HEALTHY, HEPATITIS, LUPUS, SCREENED, allergy, lab, person, problem, record, use, word
from tests.flaring import rising
from tests.offers import judged

STEROID, AZATHIOPRINE, FIXED, TACROLIMUS = "prednisone", "azathioprine", "azathioprine 150", "tacrolimus"
ALL = {STEROID, AZATHIOPRINE, FIXED, TACROLIMUS}
THIOPURINE = {AZATHIOPRINE, FIXED}

Facts = dict[str, tuple[Any, ...]]
FORBIDDEN: dict[str, tuple[Facts, set[str]]] = {
    "sepsis": ({"problems": (problem("sepsis_active_infection"),)}, ALL),
    "tuberculosis": ({"problems": (problem("tuberculosis"),)}, ALL),
    "strongyloidiasis": ({"problems": (problem("strongyloidiasis"),)}, ALL),
    "HBsAg positive": ({"screening": (word("hbsag", "positive", -5),)}, ALL),
    "hepatitis B on record": ({"problems": (problem("hepatitis_B"),)}, ALL),
    "poor metaboliser": ({"screening": (word("tpmt", "poor", -5),)}, THIOPURINE),
    "intermediate metaboliser": ({"screening": (word("nudt15", "intermediate", -5),)}, {FIXED}),
    "allopurinol": ({"medicines": (use("allopurinol", 100, -400),)}, THIOPURINE),
    "febuxostat": ({"medicines": (use("febuxostat", 80, -400),)}, THIOPURINE),
    "leukocytes 3.4": ({"results": (lab("wbc", "3.4", -1),)}, THIOPURINE),
    "neutrophils 1.4": ({"results": (lab("neutrophils", "1.4", -1),)}, THIOPURINE),
    "platelets 99": ({"results": (lab("platelets", 99, -1),)}, THIOPURINE),
    "bilirubin 103": ({"results": (lab("bilirubin", 103, -1),)}, THIOPURINE),
    "decompensation": ({"problems": (problem("liver_decompensation"),)}, THIOPURINE),
    "74 kg": ({"results": (lab("weight", 74, -1),)}, {FIXED}),
    "a weight nobody has": ({"results": (lab("weight", 12, -1),)}, {FIXED}),
    "eGFR 45": ({"results": (lab("egfr", 45, -1),)}, {TACROLIMUS}),
    "kidney injury": ({"problems": (problem("acute_kidney_injury"),)}, {TACROLIMUS}),
    "potassium 5.6": ({"results": (lab("potassium", "5.6", -1),)}, {TACROLIMUS}),
    "microangiopathy": ({"problems": (problem("TMA", active=False),)}, {TACROLIMUS}),
    "encephalopathy": ({"problems": (problem("PRES_seizure", active=False),)}, {TACROLIMUS}),
    "lymphoma": ({"problems": (problem("malignancy_PTLD_skin", active=False),)}, {TACROLIMUS}),
    "long QT": ({"problems": (problem("QT_prolongation"),)}, {TACROLIMUS}),
    "clarithromycin": ({"medicines": (use("clarithromycin", 500, -3),)}, {TACROLIMUS}),
    "rifampicin": ({"medicines": (use("rifampin", 600, -100),)}, {TACROLIMUS}),
    "ciclosporin": ({"medicines": (use("cyclosporine", 100, -400),)}, {TACROLIMUS}),
    "azathioprine runs": ({"medicines": (use("azathioprine", 50, -400),)}, THIOPURINE),
    "prednisone runs": ({"medicines": (use("prednisone", 10, -400),)}, {STEROID, *THIOPURINE}),
    "myasthenia": ({"problems": (problem("myasthenia_gravis"),)}, {STEROID, *THIOPURINE}),
    "allergy to a steroid": ({"allergies": (allergy("prednisolone"),)}, {STEROID, *THIOPURINE}),
    "allergy to azathioprine": ({"allergies": (allergy("azathioprine"),)}, THIOPURINE),
    "allergy to tacrolimus": ({"allergies": (allergy("tacrolimus"),)}, {TACROLIMUS}),
    "a child": ({"years": (17,)}, ALL),
    "an unknown age": ({"years": (None,)}, ALL),
}
"""Each fact, and what must not be ordered beside it; azathioprine is only ever ordered with the steroid."""

DISEASES = {
    "hepatitis": (HEPATITIS, (lab("alt", 150, -2),), {}, set[str]()),
    "lupus nephritis": (LUPUS, rising("upcr", 300, 1200), {}, {STEROID, *THIOPURINE}),
    "lupus nephritis, wider scope": (LUPUS, rising("upcr", 300, 1200), {"reinduction_scope": "any-autoimmune"}, set[str]()),
}


def told(disease: str, names: Iterable[str]) -> Record:
    indication, flare, _, _ = DISEASES[disease]
    facts = [FORBIDDEN[name][0] for name in names]

    def every(kind: str) -> tuple[Any, ...]:
        return tuple(one for fact in facts for one in fact.get(kind, ()))

    years = every("years") or (45,)
    return record(
        use(end=-9),
        *every("medicines"),
        markers=(*HEALTHY, *flare, *every("results")),
        screening=(*SCREENED, *every("screening")),
        problems=(indication, *every("problems")),
        allergies=every("allergies"),
        person=person(years[0]),
    )


def ordered(disease: str, names: Iterable[str]) -> set[str]:
    """Every drug that any alternative orders."""
    found = set()
    for offer in judged(told(disease, names), **DISEASES[disease][2]).offers:
        for one in offer.drugs:
            fixed = one.ingredient == AZATHIOPRINE and sum(one.intakes, Fraction()) == 150
            found.add(FIXED if fixed else one.ingredient)
    return found


@pytest.mark.parametrize("disease", DISEASES)
@pytest.mark.parametrize("name", FORBIDDEN)
def test_each_fact_takes_away_what_it_forbids_and_nothing_else(name: str, disease: str) -> None:
    assert ordered(disease, [name]) == ALL - FORBIDDEN[name][1] - DISEASES[disease][3]


@pytest.mark.parametrize("disease", DISEASES)
def test_without_such_a_fact_everything_is_ordered_that_the_scope_allows(disease: str) -> None:
    assert ordered(disease, []) == ALL - DISEASES[disease][3]


@settings(deadline=None, max_examples=120)
@given(st.sampled_from(list(DISEASES)), st.lists(st.sampled_from(list(FORBIDDEN)), min_size=2, max_size=6, unique=True))
def test_nothing_that_any_of_them_forbids_is_ordered(disease: str, names: list[str]) -> None:
    forbidden = set[str]().union(*(FORBIDDEN[name][1] for name in names))
    assert not ordered(disease, names) & forbidden
