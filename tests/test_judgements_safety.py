"""The checks before an order: where they speak, where they just do not, what they say of what is not known."""

import inspect
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Term
from cds_service.knowledge.judgements import safety
from cds_service.knowledge.judgements.safety import CHECKS, Subject, calcineurin, infections, thiopurines
from cds_service.knowledge.judgements.safety import person as person_checks
from cds_service.patient.facts import Comparator, Lab, LabStatus, Sex
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
    person,
    problem,
    use,
    word,
)
from tests.concerns import (
    AZATHIOPRINE,
    BLOCKED,
    EVERY,
    FIXED,
    QUESTION,
    STEROID,
    TACROLIMUS,
    THIOPURINE,
    WARNING,
    Told,
    concerns,
    keys,
    newly,
    told,
    without,
)


def test_nothing_stands_against_treating_a_healthy_adult() -> None:
    assert concerns() == ()


def test_every_check_is_asked() -> None:
    themes = (calcineurin, infections, person_checks, thiopurines)
    written = {
        found
        for theme in themes
        for name, found in vars(theme).items()
        if inspect.isfunction(found) and found.__module__ == theme.__name__ and not name.startswith("_")
    }
    assert written == set(CHECKS)
    assert len(set(CHECKS)) == len(CHECKS)


# --- infection


@pytest.mark.parametrize("group", ["sepsis_active_infection", "tuberculosis", "strongyloidiasis"])
@pytest.mark.parametrize("active", [True, None])
def test_an_active_infection_blocks_everything(group: str, active: bool | None) -> None:
    infected = problem(group, "serious_infection", active=active)
    found = concerns(problems=(infected,))
    assert told(found) == [("blocked-infection", BLOCKED, EVERY)]
    assert found[0].sentence.values == {"infection": infected.text}


def test_an_infection_that_is_over_does_not() -> None:
    assert concerns(problems=(problem("sepsis_active_infection", "serious_infection", active=False),)) == ()
    assert concerns(problems=None) == ()


def test_a_latent_tuberculosis_is_a_warning_by_condition_or_by_test() -> None:
    expected = [("warning-latent-tuberculosis", WARNING, EVERY)]
    assert told(concerns(problems=(problem("latent_tuberculosis", "infection_latent"),))) == expected
    assert concerns(problems=(problem("latent_tuberculosis", "infection_latent", active=False),)) == ()
    positive = word("igra", "positive")
    found = concerns(screening=(*SCREENED, positive))
    assert (told(found), [concern.lab for concern in found]) == (expected, [positive])
    assert concerns(screening=(*SCREENED, word("igra", "negative"))) == ()


def test_without_a_test_for_tuberculosis_it_asks() -> None:
    asked = [("unknown-tuberculosis", QUESTION, EVERY)]
    assert told(concerns(screening=SCREENED[:3])) == asked
    assert told(concerns(screening=(*SCREENED[:3], word("igra", "indeterminate")))) == asked
    assert told(concerns(screening=(*SCREENED[:3], word("igra", "negative", -3000)))) == []


@pytest.mark.parametrize("group", person_checks.MADE_WORSE)
def test_what_a_steroid_makes_worse_is_said(group: str) -> None:
    found = [one for one in concerns(problems=(problem(group),)) if one.check == "made-worse"]
    assert told(found) == [("warning-made-worse", WARNING, frozenset({STEROID}))]
    assert concerns(problems=(problem(group, active=False),)) == ()


@pytest.mark.parametrize("active", [True, False, None])
def test_a_psychosis_is_said_also_when_it_is_over(active: bool | None) -> None:
    found = concerns(problems=(problem("psychosis", active=active),))
    assert told(found) == [("warning-made-worse", WARNING, frozenset({STEROID}))]


@pytest.mark.parametrize(("percent", "said"), [("6.4", []), ("6.5", ["warning-diabetes-by-test"])])
def test_diabetes_is_also_told_by_hba1c(percent: str, said: list[str]) -> None:
    result = lab("hba1c", percent, -20)
    found = concerns(results=newly(result))
    assert (keys(found), [concern.lab for concern in found]) == (said, [result] if said else [])
    assert keys(concerns(results=newly(result), problems=(problem("diabetes"),))) == ["warning-made-worse"]
    assert keys(concerns(results=newly(lab("hba1c", percent, -200)))) == []


def test_the_serious_infections_of_the_value_sets_are_those_of_the_check() -> None:
    assert valuesets.groups_with_role("serious_infection") == {"sepsis_active_infection", "tuberculosis"}


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


# --- what tacrolimus did before, what changes its level


@pytest.mark.parametrize("group", ["TMA", "PRES_seizure", "malignancy_PTLD_skin"])
@pytest.mark.parametrize("active", [True, False, None])
def test_a_harm_that_lasts_blocks_a_restart_also_when_it_is_over(group: str, active: bool | None) -> None:
    harm = problem(group, active=active)
    found = concerns(problems=(harm,))
    assert told(found) == [("blocked-lasting-harm", BLOCKED, ONLY_TACROLIMUS)]
    assert found[0].sentence.values == {"harm": harm.text}


def test_a_tremor_is_no_harm_that_lasts_and_an_unknown_list_tells_nothing() -> None:
    assert concerns(problems=(problem("neurotoxicity_PRES_tremor"),)) == ()
    assert concerns(problems=None) == ()


@pytest.mark.parametrize("code", ["I67.83", "R56.9"])
def test_encephalopathy_and_seizures_are_known_by_their_codes(code: str) -> None:
    found = valuesets.condition_of_code("http://hl7.org/fhir/sid/icd-10-cm", code)
    assert found is not None
    assert "PRES_seizure" in found.groups


@pytest.mark.parametrize(("active", "blocked"), [(True, True), (None, True), (False, False)])
def test_a_long_qt_blocks_a_restart(active: bool | None, blocked: bool) -> None:
    expected = [("blocked-long-qt", BLOCKED, ONLY_TACROLIMUS)] if blocked else []
    assert told(concerns(problems=(problem("QT_prolongation", active=active),))) == expected


@pytest.mark.parametrize(
    ("ingredient", "blocked"),
    [("clarithromycin", True), ("rifampin", True), ("fluconazole", False), ("dexamethasone", False), ("penicillin", False)],
)
def test_what_changes_its_level_blocks_a_restart(ingredient: str, blocked: bool) -> None:
    for found in (concerns(use(ingredient)), concerns(drafts=(draft(ingredient),))):
        assert ("blocked-changed-level" in keys(found)) is blocked
    assert not [concern for concern in concerns(use("clarithromycin", end=-20)) if concern.check == "changed-level"]


@pytest.mark.parametrize(("number", "said"), [("500", []), ("501", ["blocked-qtc"])])
def test_a_long_corrected_interval_blocks_a_restart(number: str, said: list[str]) -> None:
    result = lab("qtc", number, -20)
    found = concerns(results=newly(result))
    assert (keys(found), [concern.lab for concern in found]) == (said, [result] if said else [])
    assert keys(concerns(results=newly(lab("qtc", number, -20)), problems=(problem("QT_prolongation"),))) == ["blocked-long-qt"]


@pytest.mark.parametrize("group", ["heart_failure", "bradyarrhythmia"])
def test_a_heart_at_risk_asks_for_an_ecg(group: str) -> None:
    found = concerns(problems=(problem(group),))
    assert ("warning-qt-heart", WARNING, ONLY_TACROLIMUS) in told(found)
    assert "warning-qt-heart" not in keys(concerns(problems=(problem(group, active=False),)))


def test_an_antiarrhythmic_asks_for_an_ecg() -> None:
    found = concerns(use("sotalol", 80))
    assert told(found) == [("warning-qt-drugs", WARNING, ONLY_TACROLIMUS)]
    assert found[0].sentence.values == {"drugs": (Term("sotalol"),)}


@pytest.mark.parametrize("analyte", ["potassium", "calcium", "magnesium"])
def test_a_low_salt_and_a_medicine_that_lengthens_the_interval_ask_for_an_ecg(analyte: str) -> None:
    low = replace(lab(analyte, "0.9", -3), low=Decimal(1))
    found = concerns(use("levofloxacin", 500), results=newly(low))
    assert (told(found), found[0].lab) == ([("warning-qt-drugs-and-salt", WARNING, ONLY_TACROLIMUS)], low)
    assert concerns(use("levofloxacin", 500)) == ()
    assert concerns(results=newly(low)) == ()
    assert concerns(use("levofloxacin", 500), results=newly(replace(low, low=None))) == ()
    assert concerns(use("levofloxacin", 500), results=newly(replace(low, low=Decimal("0.9")))) == ()


@pytest.mark.parametrize(
    ("name", "ingredient"),
    [
        ("harms-kidney", "ibuprofen"),
        ("harms-kidney", "gentamicin"),
        ("raises-potassium", "spironolactone"),
        ("raises-potassium", "losartan"),
        ("raises-tacrolimus-by-habit", "cannabidiol"),
    ],
)
def test_what_adds_to_its_harms_is_said_beside_a_restart(name: str, ingredient: str) -> None:
    found = concerns(use(ingredient, 20))
    assert told(found) == [(f"warning-{name}", WARNING, ONLY_TACROLIMUS)]
    assert found[0].sentence.values == {"drugs": (Term(ingredient),)}
    assert concerns(use(ingredient, 20, end=-3)) == ()
    assert concerns(use(drug(ingredient, systemic=False), 20)) == ()


@pytest.mark.parametrize(("formulation", "count"), [("intravenous", 1), ("immediate-release", 0), (None, 0)])
def test_what_is_swallowed_and_not_taken_up_harms_no_kidney(formulation: str | None, count: int) -> None:
    assert len(concerns(use(drug("vancomycin", formulation=formulation), 500))) == count


def test_all_that_changes_its_level_is_named() -> None:
    (found,) = concerns(use("rifampin"), drafts=(draft("clarithromycin"),))
    assert found.sentence.values == {"drugs": (Term("clarithromycin"), Term("rifampin"))}


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
