"""Which order sets are offered for which concerns, and that nothing withheld is ever pre-filled."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from cds_service.knowledge.finding import Offer
from cds_service.knowledge.judgements import safety
from cds_service.knowledge.judgements.safety import Situation, Subject
from cds_service.patient.facts import Lab, Person, Problem, Record, Sex, Use
from cds_service.patient.when import When
from tests.builders import (
    HEALTHY,
    HEPATITIS,
    SCREENED,
    allergy,
    born,
    case,
    day,
    drug,
    flaring,
    lab,
    person,
    problem,
    record,
    use,
    word,
)
from tests.offers import (
    ALL,
    CAPSULE_24H,
    COMBINED,
    IN_FORCE,
    LABORATORY,
    RESTART,
    STEROID,
    TABLET,
    judged,
    keys,
    offered,
    quick,
    sets,
)

# --- which order sets for which concerns


def test_a_healthy_adult_is_offered_every_alternative() -> None:
    found = judged(flaring())
    assert offered(found) == ALL
    assert (found.withheld, found.unknown, found.concerns) == ((), (), ())


NO_FIXED = [one for one in ALL if 150 not in one]
NO_AZATHIOPRINE = [one for one in ALL if one[0] != COMBINED]
NO_STEROID = [(RESTART, 4), (LABORATORY,)]
NO_TACROLIMUS = [one for one in ALL if one[0] != RESTART]
NOTHING = [(LABORATORY,)]


@pytest.mark.parametrize(
    ("told", "expected", "withheld"),
    [
        (flaring(problems=(HEPATITIS, problem("sepsis_active_infection"))), NOTHING, ["blocked-infection"]),
        (flaring(screening=(*SCREENED, word("hbsag", "positive", -5))), NOTHING, ["blocked-hepatitis-b"]),
        (flaring(screening=(*SCREENED[:2], word("tpmt_nudt15", "poor"))), NO_AZATHIOPRINE, ["blocked-metaboliser"]),
        (
            flaring(screening=(*SCREENED[:2], word("tpmt_nudt15", "intermediate"))),
            NO_FIXED,
            ["blocked-metaboliser-intermediate"],
        ),
        (flaring(screening=SCREENED[:2]), NO_FIXED, ["blocked-metaboliser-unknown"]),
        (flaring(use("allopurinol", 300)), NO_AZATHIOPRINE, ["blocked-allopurinol"]),
        (flaring(use("febuxostat", 80)), NO_AZATHIOPRINE, ["blocked-febuxostat"]),
        (flaring(also=(lab("platelets", 99),)), NO_AZATHIOPRINE, ["blocked-blood-count"]),
        (flaring(also=(lab("bilirubin", 100),)), NO_AZATHIOPRINE, ["blocked-bilirubin"]),
        (flaring(problems=(HEPATITIS, problem("liver_decompensation"))), NO_AZATHIOPRINE, ["blocked-decompensation"]),
        (flaring(also=(lab("egfr", 45),)), NO_TACROLIMUS, ["blocked-kidney"]),
        (flaring(also=(lab("egfr", "45.1"),)), ALL, []),
        (flaring(problems=(HEPATITIS, problem("acute_kidney_injury"))), NO_TACROLIMUS, ["blocked-kidney-injury"]),
        (flaring(also=(lab("potassium", "5.6"),)), NO_TACROLIMUS, ["blocked-potassium"]),
        (flaring(also=(lab("weight", 74, -1),)), NO_FIXED, ["blocked-weight"]),
        (flaring(use("prednisone", 10)), NO_STEROID, ["blocked-duplicate-since"]),
        (flaring(use("azathioprine", 50)), NO_AZATHIOPRINE, ["blocked-duplicate-since"]),
        (flaring(use("cyclosporine", 100)), NO_TACROLIMUS, ["blocked-duplicate-since"]),
        (flaring(problems=(HEPATITIS, problem("myasthenia_gravis"))), NO_STEROID, ["blocked-myasthenia"]),
        (flaring(allergies=(allergy("prednisolone"),)), NO_STEROID, ["blocked-allergy"]),
        (flaring(allergies=(allergy("azathioprine"),)), NO_AZATHIOPRINE, ["blocked-allergy"]),
        (flaring(allergies=(allergy("tacrolimus"),)), NO_TACROLIMUS, ["blocked-allergy"]),
    ],
    ids=[
        *("infection", "hepatitis B", "poor metaboliser", "intermediate", "metaboliser unknown", "allopurinol", "febuxostat"),
        *("platelets", "bilirubin", "decompensation", "eGFR 45", "eGFR 45.1", "AKI", "potassium", "74 kg", "prednisone runs"),
        *("azathioprine runs", "ciclosporin runs", "myasthenia", "steroid allergy", "azathioprine allergy", "tacrolimus allergy"),
    ],
)
def test_a_concern_withholds_what_it_guards_and_nothing_else(
    told: Record, expected: list[tuple[object, ...]], withheld: list[str]
) -> None:
    found = judged(told)
    assert offered(found) == expected
    assert keys(found.withheld) == withheld


def test_a_warning_is_said_beside_the_offer() -> None:
    found = judged(flaring(also=(lab("egfr", 50),)))
    assert offered(found) == ALL
    assert keys(found.warned) == ["warning-kidney"]


def test_a_question_is_said_and_asked_of_the_laboratory_first() -> None:
    found = judged(flaring(screening=(), person=person(30, Sex.FEMALE)))
    assert keys(found.unknown) == ["unknown-hepatitis-b", "unknown-tuberculosis", "unknown-metaboliser", "unknown-pregnancy"]
    before = ["hepatitis-b-surface-antigen", "hepatitis-b-core-antibody", "tuberculosis-igra"]
    first = [*before, "tpmt-nudt15", "pregnancy-serum"]
    for offer in found.offers:
        tests = [order.test for order in offer.labs]
        assert [test for test in tests if test in first] == first
    assert [order.test for order in found.offers[-1].labs][:5] == first


def test_nothing_known_leaves_the_start_dose_and_the_questions() -> None:
    found = judged(flaring(screening=None, allergies=None, also=(), markers=(lab("alt", 150),)))
    assert offered(found) == [(STEROID, 60), (COMBINED, 30, 50), (RESTART, 4), (LABORATORY,)]
    assert keys(found.unknown) == [
        *(
            "unknown-hepatitis-b",
            "unknown-tuberculosis",
            "unknown-metaboliser",
            "unknown-bilirubin",
            "unknown-kidney",
            "unknown-potassium",
            "unknown-weight",
        )
    ]


# --- age


@pytest.mark.parametrize(
    ("who", "specialty", "withheld", "unknown"),
    [
        (person(17), "paediatric-hepatology", "withheld-child", []),
        (person(None), "hepatology", "withheld-age-unknown", ["unknown-age"]),
        (Person("p", born=When(born(18).earliest, day(0))), "hepatology", "withheld-age-unknown", []),
    ],
    ids=["child", "no birth date", "an imprecise one"],
)
def test_without_a_known_adult_there_are_no_doses(who: Person, specialty: str, withheld: str, unknown: list[str]) -> None:
    found = judged(flaring(person=who))
    assert offered(found) == [("referral",), (LABORATORY,)]
    assert [referral.specialty for referral in found.offers[0].referrals] == [specialty]
    assert found.offers[0].labs == found.offers[1].labs
    assert (keys(found.withheld), keys(found.unknown), found.advice) == ([withheld], unknown, ())


def test_from_18_years_on_doses_are_offered() -> None:
    assert sets(flaring(person=person(18))) == ALL


# --- properties


def mg(offer: Offer, ingredient: str) -> Fraction:
    return sum((sum(order.intakes, Fraction()) for order in offer.drugs if order.ingredient == ingredient), Fraction())


@quick
@drawn(st.integers(300, 2000), st.integers(1, 40), st.sampled_from(["immediate-release", TABLET, CAPSULE_24H, None]))
def test_no_offered_dose_leaves_what_the_parameters_allow(tenths_kg: int, quarters: int, formulation: str | None) -> None:
    kg, before = Fraction(tenths_kg, 10), Fraction(quarters, 4)
    told = record(
        use(drug(formulation=formulation), before, end=-9),
        markers=(*HEALTHY, lab("weight", Decimal(tenths_kg) / 10, -1), lab("alt", 150)),
    )
    for offer in judged(told).offers:
        steroid, azathioprine, tacrolimus = (mg(offer, name) for name in ("prednisone", "azathioprine", "tacrolimus"))
        assert steroid in ({30} if azathioprine else {0, 60})
        assert azathioprine <= IN_FORCE.azathioprine_mgkg_high * kg
        assert azathioprine in {0, 50, 150}
        assert tacrolimus <= before
        assert tacrolimus <= IN_FORCE.tacrolimus_published_max_mg
        assert tacrolimus == 0 or formulation == TABLET or before - tacrolimus < Fraction(1, 2)
        assert not (tacrolimus and steroid)


GUARDS = {"prednisone": Subject.STEROID, "azathioprine": Subject.AZATHIOPRINE, "tacrolimus": Subject.TACROLIMUS}
RESULTS: list[Lab] = [
    *(lab("egfr", number, -1) for number in (30, 45, 50)),
    *(lab("potassium", number, -1) for number in ("5.6", "4")),
    *(lab("platelets", 60, -1), lab("wbc", 2, -1), lab("bilirubin", 120, -1), lab("weight", 50, -1), lab("weight", 20, -1)),
]
PROBLEMS: list[Problem] = [
    problem(group)
    for group in ("sepsis_active_infection", "hepatitis_B", "acute_kidney_injury", "liver_decompensation", "myasthenia_gravis")
]
MEDICINES: list[Use] = [
    use(name, 5, -400) for name in ("prednisone", "azathioprine", "allopurinol", "febuxostat", "cyclosporine")
]


@settings(deadline=None, max_examples=80)
@drawn(
    st.lists(st.sampled_from(RESULTS), max_size=4),
    st.lists(st.sampled_from(PROBLEMS), max_size=2),
    st.lists(st.sampled_from(MEDICINES), max_size=2),
    st.sampled_from(["normal", "poor", "intermediate", None]),
    st.sampled_from([None, 10, 17, 18, 45]),
)
def test_no_order_is_pre_filled_while_a_concern_blocks_it(
    results: list[Lab], problems: list[Problem], medicines: list[Use], gene: str | None, years: int | None
) -> None:
    told = flaring(
        *medicines,
        also=results,
        problems=(HEPATITIS, *problems),
        screening=(*SCREENED[:2], word("tpmt_nudt15", gene)),
        person=person(years),
    )
    found = judged(told)
    situation = Situation(told, case(told).treatment, IN_FORCE)
    concerns = safety.concerns(situation)
    for offer in found.offers:
        for one in offer.drugs:
            assert years is not None
            assert years >= 18
            assert not safety.blocked(concerns, GUARDS[one.ingredient])
        if mg(offer, "azathioprine") == 150:
            assert not safety.blocked(concerns, Subject.AZATHIOPRINE_FIXED)
    assert found.offers[-1].order_set == LABORATORY
    blocked = [concern.sentence for concern in concerns if concern.verdict is safety.Verdict.BLOCKED]
    if years is not None and years >= 18:
        assert list(found.withheld) == blocked
