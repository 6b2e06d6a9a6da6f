"""Which order sets are offered for which concerns, at which doses, and that nothing withheld is ever pre-filled."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from cds_service.knowledge import orders
from cds_service.knowledge.finding import DrugOrder, LabOrder, Offer
from cds_service.knowledge.judgements import reinduction, safety
from cds_service.knowledge.judgements.reinduction import Reinduction
from cds_service.knowledge.judgements.safety import Situation, Subject
from cds_service.patient.facts import Lab, LabStatus, Person, Problem, Record, Sex, Use
from cds_service.patient.when import When
from tests.builders import (
    HEALTHY,
    HEPATITIS,
    LUPUS,
    SCREENED,
    allergy,
    born,
    case,
    day,
    doses,
    drug,
    flaring,
    lab,
    parameters,
    person,
    problem,
    record,
    use,
    word,
)

IN_FORCE = parameters()
TABLET, CAPSULE_24H = "extended-release-tablet", "prolonged-release"
STEROID, COMBINED, RESTART, LABORATORY = "steroid-alone", "steroid-azathioprine", "tacrolimus-restart", "laboratory"
ALL = [(STEROID, 60), (COMBINED, 30, 150), (COMBINED, 30, 50), (RESTART, 4), (LABORATORY,)]
quick = settings(deadline=None, max_examples=50)


def judged(told: Record, **site: Any) -> Reinduction:
    found = case(told, **site)
    return reinduction.judge(Situation(told, found.treatment, found.parameters), found.exposure)


def offered(found: Reinduction) -> list[tuple[object, ...]]:
    """(order set, mg a day of each drug)."""
    return [(offer.order_set, *(sum(order.intakes) for order in offer.drugs)) for offer in found.offers]


def sets(told: Record) -> list[tuple[object, ...]]:
    return offered(judged(told))


def without(*analytes: str) -> tuple[Lab, ...]:
    return tuple(result for result in HEALTHY if result.analyte not in analytes)


def keys(sentences: Iterable[object]) -> list[str]:
    return [sentence.key for sentence in sentences]  # type: ignore[attr-defined]


def restarted(told: Record) -> DrugOrder | None:
    """The order of tacrolimus that is offered."""
    return next((offer.drugs[0] for offer in judged(told).offers if offer.order_set == RESTART), None)


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
    assert keys(found.advice)[-1] == "warning-kidney"


def test_a_question_is_said_and_asked_of_the_laboratory_first() -> None:
    found = judged(flaring(screening=(), person=person(30, Sex.FEMALE)))
    assert keys(found.unknown) == ["unknown-hepatitis-b", "unknown-metaboliser", "unknown-pregnancy"]
    first = ["hepatitis-b-surface-antigen", "hepatitis-b-core-antibody", "tpmt-nudt15", "pregnancy-serum"]
    for offer in found.offers:
        tests = [order.test for order in offer.labs]
        assert [test for test in tests if test in first] == first
    assert [order.test for order in found.offers[-1].labs][:4] == first


def test_nothing_known_leaves_the_start_dose_and_the_questions() -> None:
    found = judged(flaring(screening=None, allergies=None, also=(), markers=(lab("alt", 150),)))
    assert offered(found) == [(STEROID, 60), (COMBINED, 30, 50), (RESTART, 4), (LABORATORY,)]
    assert keys(found.unknown) == [
        *(
            "unknown-hepatitis-b",
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


# --- doses


def test_the_orders_are_real_products_in_whole_pieces() -> None:
    for offer in judged(flaring()).offers:
        for one in offer.drugs:
            product = orders.product(one.code)
            assert product is not None
            assert (product.name, product.ingredient) == (one.display, one.ingredient)
            assert all(intake % product.strength == 0 for intake in one.intakes)


def test_how_long_and_why_an_order_runs() -> None:
    steroid, azathioprine = judged(flaring()).offers[1].drugs
    assert (steroid.intakes, steroid.days, steroid.remark.key) == ((30,), 28, "remark-steroid")
    assert (azathioprine.intakes, azathioprine.days, azathioprine.remark.key) == ((150,), 28, "remark-azathioprine")
    restart = restarted(flaring())
    assert restart is not None
    assert (restart.intakes, restart.days, restart.remark.key) == ((2, 2), 14, "remark-tacrolimus")


@pytest.mark.parametrize(
    ("mg", "intakes"),
    [
        ("0.5", ["0.5"]),
        ("1", ["0.5", "0.5"]),
        ("2.5", ["1.5", "1"]),
        ("3.3", ["1.5", "1.5"]),
        ("7", ["3.5", "3.5"]),
        ("8", ["4", "4"]),
        ("10", None),
        ("8.1", None),
        ("0.4", None),
    ],
)
def test_the_stable_dose_is_split_in_two_and_never_rounded_up(mg: str, intakes: list[str] | None) -> None:
    found = restarted(record(use(mg=mg, end=-9), markers=(*HEALTHY, lab("alt", 150))))
    assert (found and found.intakes) == (intakes and tuple(Fraction(intake) for intake in intakes))


def test_the_restart_is_the_dose_before_the_taper() -> None:
    tapered = record(*doses((4, 200), (2, 14), (1, 14), last=-9), markers=(*HEALTHY, lab("alt", 150)))
    found = restarted(tapered)
    assert found is not None
    assert found.intakes == (2, 2)


@pytest.mark.parametrize(("days", "stable"), [(28, True), (27, False)])
def test_a_dose_is_stable_after_four_weeks(days: int, stable: bool) -> None:
    told = record(use(start=-9 - days + 1, end=-9), markers=(*HEALTHY, lab("alt", 150)))
    found = judged(told)
    assert bool([offer for offer in found.offers if offer.order_set == RESTART]) is stable
    assert ("no-stable-dose" in keys(found.advice)) is not stable


@pytest.mark.parametrize(
    ("formulation", "mg", "intakes", "strength"),
    [
        (TABLET, "4", "4", "4"),
        (TABLET, "3", "3", "1"),
        (TABLET, "3.25", "3", "1"),
        (TABLET, "0.75", "0.75", "0.75"),
        (TABLET, "2.25", "2.25", "0.75"),
        (TABLET, "6", "6", "1"),
        (TABLET, "0.5", None, None),
        (CAPSULE_24H, "4", "4", "1"),
        (CAPSULE_24H, "2.5", "2.5", "0.5"),
        (CAPSULE_24H, "5", "5", "5"),
    ],
)
def test_a_once_daily_product_is_restarted_once_daily(
    formulation: str, mg: str, intakes: str | None, strength: str | None
) -> None:
    """At the person's own dose, as the largest amount that one strength makes up in whole pieces without exceeding it."""
    product = drug(formulation=formulation)
    found = restarted(record(use(product, mg, end=-9), markers=(*HEALTHY, lab("alt", 150))))
    if intakes is None or strength is None:
        assert found is None
    else:
        assert found is not None
        made_of = orders.product(found.code)
        assert made_of is not None
        assert (found.intakes, made_of.formulation, made_of.strength) == ((Fraction(intakes),), formulation, Fraction(strength))


def test_the_product_is_that_of_the_stop_else_the_newest_one_known() -> None:
    old, new = use(drug(formulation=TABLET), "3.2", -400, -200), use(drug(formulation=CAPSULE_24H), 4, -199, -100)
    stopped = use(drug(formulation=None), 4, -99, -9)
    for medicines in permutations((old, new, stopped)):
        found = restarted(record(*medicines, markers=(*HEALTHY, lab("alt", 150))))
        assert found is not None
        assert "24 HR tacrolimus 1 MG Extended Release Oral Capsule" in found.display
    assert restarted(record(use(drug(formulation=None), 4, end=-9))) == restarted(flaring())


def test_an_infusion_is_not_restarted_as_capsules() -> None:
    assert restarted(record(use(drug(formulation="intravenous"), 2, end=-9), markers=(*HEALTHY, lab("alt", 150)))) is None


def test_unknown_doses_are_not_restarted() -> None:
    found = judged(record(use(end=-9, lines=()), markers=(*HEALTHY, lab("alt", 150))))
    assert RESTART not in {offer.order_set for offer in found.offers}
    assert "no-stable-dose" in keys(found.advice)


def test_a_first_level_belongs_to_the_restart() -> None:
    offer = next(offer for offer in judged(flaring()).offers if offer.order_set == RESTART)
    assert offer.labs[0] == LabOrder("tacrolimus-trough", 4)


# --- the doses in words


@pytest.mark.parametrize(
    ("mg", "key"), [("6", None), ("6.5", "dose-above-source"), ("8", "dose-above-source"), ("8.5", "dose-above-published")]
)
def test_an_earlier_dose_above_the_source_is_said(mg: str, key: str | None) -> None:
    found = judged(record(use(mg=mg, end=-9), markers=(*HEALTHY, lab("alt", 150))))
    assert [name for name in keys(found.advice) if name.startswith("dose-above")] == ([key] if key else [])


@pytest.mark.parametrize(
    ("kg", "azathioprine", "tacrolimus", "key"),
    [
        ("50", (50, 100), "3.75", "source-tacrolimus-weighed"),
        ("80", (80, 160), "6", "source-tacrolimus-weighed"),
        ("80.5", (Fraction(161, 2), 161), "6.0375", "source-tacrolimus-over"),
        ("100", (100, 200), "7.5", "source-tacrolimus-over"),
    ],
)
def test_doses_by_weight_are_reckoned_exactly(
    kg: str, azathioprine: tuple[Fraction | int, int], tacrolimus: str, key: str
) -> None:
    words = {sentence.key: sentence.values for sentence in judged(flaring(also=(lab("weight", kg, -1),))).advice}
    told = words["source-azathioprine-weighed"]
    assert (told["from_mg"], told["to_mg"]) == azathioprine
    assert words[key]["reckoned"] == Fraction(Decimal(tacrolimus))


def test_without_a_weight_nothing_is_reckoned() -> None:
    words = keys(judged(flaring(markers=(*without("weight"), lab("alt", 150)))).advice)
    assert words[:3] == ["source-steroid", "source-azathioprine", "source-tacrolimus"]


# --- laboratory orders


def test_the_panel_follows_the_disease() -> None:
    assert reinduction.panel(case(flaring()).indication) == "autoimmune-hepatitis"
    assert reinduction.panel(case(flaring(problems=(LUPUS,))).indication) == "general"


def follow_up(*results: Lab) -> dict[str, LabOrder]:
    told = record(markers=results)
    return {order.test: order for order in reinduction.follow_up(told, "autoimmune-hepatitis", IN_FORCE)}


def test_tests_are_due_now_and_then_every_two_weeks() -> None:
    assert follow_up()["alt"] == LabOrder("alt", 0, 14, 5)


@pytest.mark.parametrize(("on", "recent"), [(0, True), (-7, True), (-8, False), (1, False)])
def test_a_test_of_the_past_week_is_not_repeated_today(on: int, recent: bool) -> None:
    found = follow_up(lab("alt", 150, on), lab("wbc", 5, on))
    assert found["alt"] == (LabOrder("alt", 14, 14, 4) if recent else LabOrder("alt", 0, 14, 5))
    assert found["leukocytes"].first_day == (14 if recent else 0)
    assert found["ast"].first_day == 0


def test_a_preliminary_or_unreadable_result_does_not_spare_a_test() -> None:
    assert follow_up(lab("alt", 150, status=LabStatus.PRELIMINARY))["alt"].first_day == 0
    assert follow_up(lab("alt", None))["alt"].first_day == 0


def test_laboratory_orders_alone_carry_no_medicine() -> None:
    told = record()
    offer = reinduction.laboratory_only(told, "general", IN_FORCE, (LabOrder("tpmt-nudt15"),))
    assert (offer.drugs, offer.referrals, offer.labs[0]) == ((), (), LabOrder("tpmt-nudt15"))
    assert [order.test for order in offer.labs[1:]] == list(orders.panel("general"))


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
