"""Every check that stands before an order: where it speaks, where it just does not, and what it says of what is not known."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from msgspec import structs

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Term
from cds_service.knowledge.judgements import safety, treatment
from cds_service.knowledge.judgements.safety import CHECKS, Concern, Situation, Subject, Verdict
from cds_service.patient.facts import Comparator, Lab, LabStatus, Quantity, Sex, Use, UseStatus
from cds_service.patient.when import When
from tests.builders import (
    HEALTHY,
    SCREENED,
    allergy,
    day,
    draft,
    drug,
    known,
    lab,
    month,
    order,
    parameters,
    person,
    problem,
    record,
    use,
    word,
)

IN_FORCE = parameters()
STEROID, AZATHIOPRINE, FIXED, TACROLIMUS = Subject.STEROID, Subject.AZATHIOPRINE, Subject.AZATHIOPRINE_FIXED, Subject.TACROLIMUS
EVERY = frozenset(Subject)
THIOPURINE = frozenset({AZATHIOPRINE, FIXED})
BLOCKED, WARNING, QUESTION = Verdict.BLOCKED, Verdict.WARNING, Verdict.QUESTION
Told = tuple[str, Verdict, frozenset[Subject]]


def concerns(*medicines: Use, results: Iterable[Lab] = HEALTHY, **more: Any) -> tuple[Concern, ...]:
    told = record(*medicines, markers=tuple(results), **more)
    return safety.concerns(Situation(told, treatment.judge(told, day(-9), IN_FORCE), IN_FORCE))


def keys(found: Iterable[Concern]) -> list[str]:
    return [concern.sentence.key for concern in found]


def told(found: Iterable[Concern]) -> list[Told]:
    return [(concern.sentence.key, concern.verdict, concern.subjects) for concern in found]


def without(*analytes: str) -> tuple[Lab, ...]:
    """The healthy results but those."""
    return tuple(result for result in HEALTHY if result.analyte not in analytes)


def newly(result: Lab) -> tuple[Lab, ...]:
    """The healthy results with a newer one."""
    return (*HEALTHY, result)


def test_nothing_stands_against_treating_a_healthy_adult() -> None:
    assert concerns() == ()


def test_every_check_is_asked() -> None:
    asked = {
        name for name, found in vars(safety).items() if callable(found) and getattr(found, "__module__", "") == safety.__name__
    }
    assert {check.__name__ for check in CHECKS} <= asked
    assert len(set(CHECKS)) == len(CHECKS)


# --- infection


@pytest.mark.parametrize("group", ["sepsis_active_infection", "tuberculosis"])
@pytest.mark.parametrize("active", [True, None])
def test_an_active_infection_blocks_everything(group: str, active: bool | None) -> None:
    infected = problem(group, "serious_infection", active=active)
    found = concerns(problems=(infected,))
    assert told(found) == [("blocked-infection", BLOCKED, EVERY)]
    assert found[0].sentence.values == {"infection": infected.text}


def test_an_infection_that_is_over_and_a_latent_one_do_not() -> None:
    over = problem("sepsis_active_infection", "serious_infection", active=False)
    assert concerns(problems=(over, problem("latent_tuberculosis", "infection_latent"))) == ()
    assert concerns(problems=None) == ()


def test_the_serious_infections_of_the_value_sets_are_those_of_the_check() -> None:
    assert valuesets.groups_with_role("serious_infection") == {"sepsis_active_infection", "tuberculosis"}


# --- hepatitis B

NEGATIVE = (word("hbsag", "negative"), word("anti_hbc", "negative"))
NORMAL = (word("tpmt_nudt15", "normal", -300),)


def hepatitis_b(*results: Lab, **more: Any) -> tuple[Concern, ...]:
    return concerns(screening=(*NORMAL, *results), **more)


def test_a_carrier_of_hepatitis_b_gets_no_order() -> None:
    antigen = word("hbsag", "positive")
    found = hepatitis_b(antigen, word("anti_hbc", "positive"))
    assert told(found) == [("blocked-hepatitis-b", BLOCKED, EVERY)]
    assert found[0].lab == antigen


def test_hepatitis_b_on_the_list_of_conditions_is_enough() -> None:
    assert keys(hepatitis_b(*NEGATIVE, problems=(problem("hepatitis_B", "infection"),))) == ["blocked-hepatitis-b"]
    assert hepatitis_b(*NEGATIVE, problems=(problem("hepatitis_B", "infection", active=False),)) == ()


def test_an_old_positive_antigen_still_blocks() -> None:
    assert keys(hepatitis_b(word("hbsag", "positive", -3000))) == ["blocked-hepatitis-b"]


def test_the_newest_antigen_counts() -> None:
    assert hepatitis_b(word("hbsag", "positive", -900), *NEGATIVE) == ()
    assert keys(hepatitis_b(word("hbsag", "positive", -50), *NEGATIVE)) == ["blocked-hepatitis-b"]


def test_a_past_infection_is_a_warning() -> None:
    core = word("anti_hbc", "positive")
    found = hepatitis_b(NEGATIVE[0], core)
    assert told(found) == [("warning-hepatitis-b-core", WARNING, EVERY)]
    assert found[0].lab == core


def test_a_past_infection_with_unknown_antigen_also_asks() -> None:
    """A positive core antibody alone may be a carrier: the antigen has to be known."""
    for antigen in ((), (word("hbsag", "negative", -366),), (word("hbsag", "indeterminate"),)):
        found = hepatitis_b(*antigen, word("anti_hbc", "positive"))
        assert told(found) == [("warning-hepatitis-b-core", WARNING, EVERY), ("unknown-hepatitis-b", QUESTION, EVERY)]


@pytest.mark.parametrize(
    "results",
    [
        (),
        (NEGATIVE[0],),
        (NEGATIVE[1],),
        (NEGATIVE[0], word("anti_hbc", "indeterminate")),
        (NEGATIVE[0], word("anti_hbc", None)),
        (NEGATIVE[0], word("anti_hbc", "negative", status=LabStatus.PRELIMINARY)),
        (NEGATIVE[0], word("anti_hbc", "negative", -366)),
    ],
    ids=["none", "antigen only", "antibody only", "indeterminate", "not readable", "preliminary", "too old"],
)
def test_unless_both_are_known_and_fresh_it_asks(results: tuple[Lab, ...]) -> None:
    assert told(hepatitis_b(*results)) == [("unknown-hepatitis-b", QUESTION, EVERY)]


def test_a_negative_test_is_fresh_for_a_year() -> None:
    assert hepatitis_b(word("hbsag", "negative", -365), word("anti_hbc", "negative", -365)) == ()
    imprecise = When(day(-400), day(-300))
    assert keys(hepatitis_b(word("hbsag", "negative", imprecise), NEGATIVE[1])) == ["unknown-hepatitis-b"]


def test_without_the_screening_list_it_asks() -> None:
    assert set(keys(concerns(screening=None))) == {"unknown-hepatitis-b", "blocked-metaboliser-unknown", "unknown-metaboliser"}


# --- TPMT and NUDT15


def metaboliser(*results: Lab) -> tuple[Concern, ...]:
    return concerns(screening=(*NEGATIVE, *results))


UNKNOWN_METABOLISER = [
    ("blocked-metaboliser-unknown", BLOCKED, frozenset({FIXED})),
    ("unknown-metaboliser", QUESTION, THIOPURINE),
]


@pytest.mark.parametrize("analyte", ["tpmt", "nudt15", "tpmt_nudt15"])
def test_a_poor_metaboliser_gets_no_azathioprine(analyte: str) -> None:
    poor = word(analyte, "poor")
    found = metaboliser(poor)
    assert told(found) == [("blocked-metaboliser", BLOCKED, THIOPURINE)]
    assert found[0].lab == poor


@pytest.mark.parametrize("analyte", ["tpmt", "nudt15", "tpmt_nudt15"])
def test_an_intermediate_metaboliser_gets_the_start_dose_only(analyte: str) -> None:
    assert told(metaboliser(word(analyte, "intermediate"))) == [
        ("blocked-metaboliser-intermediate", BLOCKED, frozenset({FIXED})),
        ("warning-metaboliser-intermediate", WARNING, THIOPURINE),
    ]


def test_the_worse_of_the_two_genes_counts() -> None:
    assert keys(metaboliser(word("tpmt", "intermediate"), word("nudt15", "poor"))) == ["blocked-metaboliser"]
    assert "warning-metaboliser-intermediate" in keys(metaboliser(word("tpmt", "normal"), word("nudt15", "intermediate")))


@pytest.mark.parametrize("worse", ["poor", "intermediate"])
def test_a_later_normal_result_does_not_undo_a_worse_one(worse: str) -> None:
    """Genes do not change; an enzyme measured after a transfusion can look normal."""
    assert metaboliser(word("tpmt", worse, -300), word("tpmt_nudt15", "normal", -10)) != ()


@pytest.mark.parametrize(
    "results",
    [
        (),
        (word("tpmt", "normal"),),
        (word("nudt15", "normal"),),
        (word("tpmt_nudt15", "indeterminate"),),
        (word("tpmt", "normal"), word("nudt15", "indeterminate")),
        (word("tpmt_nudt15", "normal", status=LabStatus.PRELIMINARY),),
    ],
    ids=["none", "TPMT only", "NUDT15 only", "indeterminate", "one indeterminate", "preliminary"],
)
def test_unless_both_genes_are_normal_it_asks_and_the_fixed_dose_waits(results: tuple[Lab, ...]) -> None:
    assert told(metaboliser(*results)) == UNKNOWN_METABOLISER


@pytest.mark.parametrize("results", [(word("tpmt_nudt15", "normal", -4000),), (word("tpmt", "normal"), word("nudt15", "normal"))])
def test_both_genes_normal_at_any_time_are_enough(results: tuple[Lab, ...]) -> None:
    assert metaboliser(*results) == ()


# --- allopurinol and febuxostat


@pytest.mark.parametrize(
    ("running", "key", "named"),
    [
        (("allopurinol",), "blocked-allopurinol", "allopurinol"),
        (("febuxostat",), "blocked-febuxostat", "febuxostat"),
        (("topiroxostat",), "blocked-febuxostat", "topiroxostat"),
        (("allopurinol", "febuxostat"), "blocked-febuxostat", "febuxostat"),
    ],
)
def test_a_xanthine_oxidase_inhibitor_blocks_azathioprine(running: tuple[str, ...], key: str, named: str) -> None:
    found = concerns(*(use(name, 300) for name in running))
    assert told(found) == [(key, BLOCKED, THIOPURINE)]
    assert found[0].sentence.values == {"drug": Term(named)}


def test_one_that_is_being_ordered_blocks_too() -> None:
    assert keys(concerns(drafts=(draft("allopurinol", 300),))) == ["blocked-allopurinol"]
    assert concerns(drafts=(draft("allopurinol", 300, status=UseStatus.STOPPED),)) == ()


def test_one_that_was_stopped_does_not() -> None:
    assert concerns(use("allopurinol", 300, end=-20)) == ()


# --- blood count


@pytest.mark.parametrize(
    ("analyte", "low", "enough"), [("wbc", "3.4", "3.5"), ("neutrophils", "1.4", "1.5"), ("platelets", "99", "100")]
)
def test_a_low_count_blocks_azathioprine(analyte: str, low: str, enough: str) -> None:
    result = lab(analyte, low)
    found = concerns(results=newly(result))
    assert told(found) == [("blocked-blood-count", BLOCKED, THIOPURINE)]
    assert (found[0].lab, found[0].conflicts) == (result, ("X27",))
    assert found[0].sentence.values["limit"] == Decimal(enough)
    assert concerns(results=newly(lab(analyte, enough))) == ()


def test_each_low_count_is_told() -> None:
    assert keys(concerns(results=(*HEALTHY, lab("wbc", 2), lab("platelets", 40)))) == ["blocked-blood-count"] * 2


def test_only_a_fresh_final_count_blocks() -> None:
    assert concerns(results=newly(lab("wbc", 2, -91))) == ()
    assert concerns(results=newly(lab("wbc", 2, status=LabStatus.PRELIMINARY))) == ()
    assert keys(concerns(results=newly(lab("wbc", 2, -90)))) == ["blocked-blood-count"]


# --- bilirubin


def reported(canonical: str, number: str, unit: str, comparator: Comparator | None = None) -> Lab:
    return lab("bilirubin", canonical, reported=Quantity(Decimal(number), unit), comparator=comparator)


@pytest.mark.parametrize(
    ("result", "blocked"),
    [
        (reported("100.9", "5.9", "mg/dL"), False),
        (reported("102.6", "6.0", "mg/dL"), True),
        (reported("102.6", "6.0", "MG/DL"), True),
        (reported("17.1", "10", "mg/L"), False),
        (reported("99.9", "99.9", "umol/L"), False),
        (reported("100", "100", "umol/L"), True),
        (reported("100", "0.1", "mmol/L"), True),
        (reported("85.5", "5.0", "mg/dL", Comparator.GREATER), True),
        (reported("102.6", "6.0", "mg/dL", Comparator.LESS), False),
        (reported("90", "90", "umol/L", Comparator.GREATER), True),
        (reported("100", "100", "umol/L", Comparator.LESS), False),
    ],
)
def test_bilirubin_is_compared_in_the_unit_it_was_reported_in(result: Lab, blocked: bool) -> None:
    found = concerns(results=newly(result))
    assert told(found) == ([("blocked-bilirubin", BLOCKED, THIOPURINE)] if blocked else [])


def test_a_bilirubin_whose_report_is_not_kept_is_compared_all_the_same() -> None:
    result = structs.replace(lab("bilirubin", 150), reported=None)
    assert keys(concerns(results=newly(result))) == ["blocked-bilirubin"]


@pytest.mark.parametrize("results", [without("bilirubin"), (*without("bilirubin"), lab("bilirubin", 12, -91))])
def test_without_a_fresh_bilirubin_the_fixed_dose_waits(results: tuple[Lab, ...]) -> None:
    assert told(concerns(results=results)) == [
        ("blocked-bilirubin-unknown", BLOCKED, frozenset({FIXED})),
        ("unknown-bilirubin", QUESTION, THIOPURINE),
    ]


def test_decompensated_liver_disease_blocks_azathioprine() -> None:
    assert told(concerns(problems=(problem("liver_decompensation", "risk_liver"),))) == [
        ("blocked-decompensation", BLOCKED, THIOPURINE)
    ]
    assert concerns(problems=(problem("liver_cirrhosis", "risk_liver"),)) == ()
    assert concerns(problems=(problem("liver_decompensation", "risk_liver", active=False),)) == ()


# --- kidney

ONLY_TACROLIMUS = frozenset({TACROLIMUS})


@pytest.mark.parametrize(
    ("number", "comparator", "expected"),
    [
        ("45", None, [("blocked-kidney", BLOCKED, ONLY_TACROLIMUS)]),
        ("45.1", None, [("warning-kidney", WARNING, ONLY_TACROLIMUS)]),
        ("60", None, [("warning-kidney", WARNING, ONLY_TACROLIMUS)]),
        ("60.1", None, []),
        ("60", Comparator.GREATER, []),
        ("45", Comparator.LESS, [("blocked-kidney", BLOCKED, ONLY_TACROLIMUS)]),
        ("90", Comparator.LESS, [("blocked-kidney", BLOCKED, ONLY_TACROLIMUS)]),
    ],
)
def test_the_kidney_decides_on_tacrolimus(number: str, comparator: Comparator | None, expected: list[Told]) -> None:
    assert told(concerns(results=newly(lab("egfr", number, comparator=comparator)))) == expected


@pytest.mark.parametrize("results", [without("egfr"), (*without("egfr"), lab("egfr", 90, -91))])
def test_without_a_fresh_egfr_it_asks(results: tuple[Lab, ...]) -> None:
    assert told(concerns(results=results)) == [("unknown-kidney", QUESTION, ONLY_TACROLIMUS)]


def test_an_acute_kidney_injury_on_the_list_blocks_tacrolimus() -> None:
    injury = problem("acute_kidney_injury", "risk_renal")
    assert told(concerns(problems=(injury,))) == [("blocked-kidney-injury", BLOCKED, ONLY_TACROLIMUS)]
    assert concerns(problems=(problem("acute_kidney_injury", "risk_renal", active=False),)) == ()


@pytest.mark.parametrize(("number", "blocked"), [("134.9", False), ("135", True)])
def test_a_creatinine_far_over_its_baseline_blocks_tacrolimus(number: str, blocked: bool) -> None:
    newest = lab("creatinine", number, -2)
    found = concerns(results=(*HEALTHY, lab("creatinine", 90, -60), newest))
    assert keys(found) == (["blocked-kidney-injury"] if blocked else [])
    assert [concern.lab for concern in found] == ([newest] if blocked else [])


def test_a_creatinine_without_a_baseline_or_too_old_does_not() -> None:
    assert concerns(results=newly(lab("creatinine", 400))) == ()
    assert concerns(results=(*HEALTHY, lab("creatinine", 90, -200), lab("creatinine", 400, -91))) == ()


# --- potassium


@pytest.mark.parametrize(("number", "blocked"), [("5.5", False), ("5.6", True)])
def test_a_high_potassium_blocks_tacrolimus(number: str, blocked: bool) -> None:
    expected = [("blocked-potassium", BLOCKED, ONLY_TACROLIMUS)] if blocked else []
    assert told(concerns(results=newly(lab("potassium", number)))) == expected


def test_without_a_fresh_potassium_it_asks() -> None:
    assert told(concerns(results=without("potassium"))) == [("unknown-potassium", QUESTION, ONLY_TACROLIMUS)]


# --- pregnancy


def pregnancy(*results: Lab, years: int | None = 30, sex: Sex | None = Sex.FEMALE, **more: Any) -> list[Told]:
    return told(concerns(results=(*HEALTHY, *results), person=person(years, sex), **more))


PREGNANT = [("warning-pregnancy", WARNING, EVERY)]
ASKED = [("unknown-pregnancy", QUESTION, EVERY)]


@pytest.mark.parametrize("group", ["pregnancy_status", "lactation"])
def test_pregnancy_and_lactation_are_said(group: str) -> None:
    assert pregnancy(problems=(problem(group, "pregnancy"),)) == PREGNANT
    assert pregnancy(word("pregnancy_test", "negative", -2), problems=(problem(group, "pregnancy", active=False),)) == []


@pytest.mark.parametrize("analyte", ["pregnancy_test", "pregnancy_status"])
def test_a_pregnancy_test_answers(analyte: str) -> None:
    assert pregnancy(word(analyte, "positive", -2)) == PREGNANT
    assert pregnancy(word(analyte, "negative", -2)) == []


@pytest.mark.parametrize(("on", "asked"), [(-14, []), (-15, ASKED)])
def test_a_negative_test_answers_for_two_weeks(on: int, asked: list[Told]) -> None:
    assert pregnancy(word("pregnancy_test", "negative", on)) == asked


@pytest.mark.parametrize(
    "result",
    [
        word("pregnancy_test", "indeterminate", -2),
        word("pregnancy_test", None, -2),
        word("pregnancy_test", "negative", -2, status=LabStatus.PRELIMINARY),
        word("pregnancy_test", "negative", When(day(-30), day(-2))),
        word("hbsag", "negative", -2),
    ],
    ids=["indeterminate", "not readable", "preliminary", "imprecise", "another test"],
)
def test_a_test_that_does_not_answer_leaves_the_question(result: Lab) -> None:
    assert pregnancy(result) == ASKED


def test_the_newest_test_counts() -> None:
    assert pregnancy(word("pregnancy_test", "positive", -10), word("pregnancy_test", "negative", -2)) == []


@pytest.mark.parametrize(("years", "asked"), [(11, []), (12, ASKED), (50, ASKED), (51, []), (None, ASKED)])
def test_pregnancy_is_asked_about_at_childbearing_age(years: int | None, asked: list[Told]) -> None:
    without_weight = concerns(results=(*HEALTHY,), person=person(years, Sex.FEMALE))
    assert [one for one in told(without_weight) if one[0] == "unknown-pregnancy"] == asked


@pytest.mark.parametrize(("sex", "asked"), [(Sex.MALE, []), (Sex.OTHER, ASKED), (Sex.UNKNOWN, ASKED), (None, ASKED)])
def test_it_is_asked_unless_the_person_is_known_to_be_a_man(sex: Sex | None, asked: list[Told]) -> None:
    assert pregnancy(sex=sex) == asked


# --- weight


@pytest.mark.parametrize("results", [without("weight"), (*without("weight"), lab("weight", 80, -366)), newly(lab("weight", 8))])
def test_without_a_weight_to_believe_the_fixed_dose_waits(results: tuple[Lab, ...]) -> None:
    assert told(concerns(results=results)) == [
        ("blocked-weight-unknown", BLOCKED, frozenset({FIXED})),
        ("unknown-weight", QUESTION, THIOPURINE | ONLY_TACROLIMUS),
    ]


def test_below_75_kg_the_fixed_dose_is_too_much() -> None:
    weighed = lab("weight", "74.9", -1)
    found = concerns(results=newly(weighed))
    assert told(found) == [("blocked-weight", BLOCKED, frozenset({FIXED}))]
    assert found[0].lab == weighed
    assert found[0].sentence.values["per_kg"] == Fraction(1500, 749)
    assert concerns(results=newly(lab("weight", 75, -1))) == ()


# --- duplicates


@pytest.mark.parametrize(
    ("ingredient", "subjects"),
    [
        ("prednisone", frozenset({STEROID})),
        ("hydrocortisone", frozenset({STEROID})),
        ("azathioprine", THIOPURINE),
        ("mercaptopurine", THIOPURINE),
        ("cyclosporine", ONLY_TACROLIMUS),
        ("voclosporin", ONLY_TACROLIMUS),
    ],
)
def test_what_runs_is_not_ordered_twice(ingredient: str, subjects: frozenset[Subject]) -> None:
    found = concerns(use(ingredient, 5, -20))
    assert told(found) == [("blocked-duplicate-since", BLOCKED, subjects)]
    assert found[0].sentence.values == {"drug": Term(ingredient), "since": known(-20)}


def test_a_duplicate_without_a_start_has_no_day() -> None:
    assert keys(concerns(use("azathioprine", 50, None))) == ["blocked-duplicate"]


def test_another_immunosuppressant_is_no_duplicate() -> None:
    assert (
        concerns(use("mycophenolate mofetil", 1000), use("budesonide", 9), use(drug("hydrocortisone", systemic=False), 1)) == ()
    )


def test_an_old_order_of_tacrolimus_that_nobody_ended_is_not_called_running() -> None:
    """The stop has been judged to hold; the card must not say that tacrolimus is already in use."""
    assert concerns(use(end=-9), order(start=-900)) == ()


# --- myasthenia gravis


def test_in_myasthenia_gravis_no_steroid_is_started() -> None:
    myasthenia = problem("myasthenia_gravis", "indication")
    assert told(concerns(problems=(myasthenia,))) == [("blocked-myasthenia", BLOCKED, frozenset({STEROID}))]
    assert concerns(problems=(problem("myasthenia_gravis", "indication", active=False),)) == ()


# --- allergy


@pytest.mark.parametrize(
    ("ingredient", "subjects"),
    [
        ("prednisone", frozenset({STEROID})),
        ("dexamethasone", frozenset({STEROID})),
        ("azathioprine", THIOPURINE),
        ("mercaptopurine", THIOPURINE),
        ("tacrolimus", ONLY_TACROLIMUS),
    ],
)
def test_an_allergy_blocks_its_kind(ingredient: str, subjects: frozenset[Subject]) -> None:
    found = concerns(allergies=(allergy(ingredient),))
    assert told(found) == [("blocked-allergy", BLOCKED, subjects)]
    assert found[0].sentence.values == {"substance": allergy(ingredient).text}


@pytest.mark.parametrize("ingredient", ["cyclosporine", "penicillin", None])
def test_another_allergy_does_not(ingredient: str | None) -> None:
    assert concerns(allergies=(allergy(ingredient),)) == ()


def test_a_list_of_allergies_that_did_not_come_is_no_concern_here() -> None:
    """The loss is said once for the whole card, not for every order."""
    assert concerns(allergies=None) == ()


# --- reading the concerns


def test_concerns_are_found_by_what_they_are_about() -> None:
    found = concerns(results=without("potassium", "weight"))
    assert keys(safety.about(found, STEROID)) == []
    assert keys(safety.about(found, TACROLIMUS)) == ["unknown-potassium", "unknown-weight"]
    assert safety.blocked(found, FIXED)
    assert not safety.blocked(found, AZATHIOPRINE, STEROID, TACROLIMUS)


def test_reasons_come_in_the_order_of_the_checks() -> None:
    found = concerns(
        use("allopurinol", 300),
        screening=(),
        results=(),
        problems=(problem("tuberculosis", "serious_infection"),),
        allergies=(allergy("prednisone"),),
    )
    names = [concern.check for concern in found]
    assert len(set(names)) == sum(one != other for one, other in pairwise([*names, ""]))
    assert names[0] == "infection"
    assert names[-1] == "allergy"


def test_the_defaults_of_these_tests_raise_no_concern_with_any_month() -> None:
    assert {result.concept for result in SCREENED} == {"negative", "normal"}
    assert month(2026, 2).latest == day(-1)
