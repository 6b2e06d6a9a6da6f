"""A drafted medicine against the safety checks: what is critical, what just is not, and what nobody knows."""

from fractions import Fraction
from typing import Any

import pytest

from cds_service.knowledge.finding import Finding, Indicator, Term
from cds_service.knowledge.judgements import draft_safety
from cds_service.knowledge.judgements.draft_safety import (
    choices,
    companions,
    diseases,
    live_vaccines,
    marrow,
    teratogens,
    thiopurines,
)
from cds_service.patient.facts import DoseUnit, Lab, Person, Sex, Use, UseStatus
from tests.answers import CRITICAL, INFO, WARNING, answered, keys
from tests.builders import HEALTHY, HEPATITIS, draft, drug, flaring, lab, line, order, person, problem, record, use, word

QUESTION = "prescribing-safety"
UNWEIGHED = tuple(result for result in HEALTHY if result.analyte != "weight")
MMR = draft(drug("MMR vaccine"), None, lines=())
WOMAN = person(30, Sex.FEMALE)


def weighing(kg: int | str) -> tuple[Lab, ...]:
    return (*UNWEIGHED, lab("weight", kg, -8))


def found(*medicines: Use, drafts: tuple[Use, ...], **more: Any) -> Finding | None:
    told: dict[str, Any] = {"hook": "order-select", **more}
    answer = answered(record(*medicines, drafts=drafts, **told)).get(QUESTION)
    assert answer is None or isinstance(answer, Finding)
    return answer


def urgency(*medicines: Use, drafts: tuple[Use, ...], **more: Any) -> Indicator | None:
    answer = found(*medicines, drafts=drafts, **more)
    return answer.indicator if answer else None


def test_every_check_is_in_the_table() -> None:
    themes = (choices, companions, diseases, live_vaccines, marrow, teratogens, thiopurines)
    assert {check.__module__ for check in draft_safety.CHECKS} == {theme.__name__ for theme in themes}
    assert len(set(draft_safety.CHECKS)) == len(draft_safety.CHECKS)


@pytest.mark.parametrize("hook", ["medication-prescribe", "order-select", "order-sign"])
def test_it_speaks_where_orders_are_written(hook: str) -> None:
    assert urgency(use("febuxostat", 40), drafts=(draft("azathioprine", 50),), hook=hook) is CRITICAL


@pytest.mark.parametrize("hook", ["patient-view", "encounter-discharge"])
def test_it_is_silent_elsewhere(hook: str) -> None:
    assert urgency(use("febuxostat", 40), drafts=(draft("azathioprine", 50),), hook=hook) is None


def test_several_objections_make_one_card_with_the_most_urgent_first() -> None:
    answer = found(use("febuxostat", 40), drafts=(draft("azathioprine", 200),))
    assert answer is not None
    assert (answer.indicator, answer.summary.key) == (CRITICAL, "prescribing-summary-febuxostat")
    assert keys(answer.happened) == []
    assert keys(answer.meaning) == ["draft-febuxostat", "prescribing-summary-azathioprine", "draft-azathioprine-over"]
    assert len({item.reference for item in answer.evidence}) == len(answer.evidence)


# --- allopurinol and azathioprine

ALLOPURINOL = use("allopurinol", 300, -400)


@pytest.mark.parametrize(
    ("kg", "mg", "expected"),
    [
        ("80", "53", WARNING),
        ("80", "54", CRITICAL),
        ("75", "50", WARNING),
        ("74.9", "50", CRITICAL),
        ("70", "50", CRITICAL),
        ("50", "50", CRITICAL),
        ("50", "33", WARNING),
    ],
)
def test_a_third_of_the_reference_dose_decides_beside_allopurinol(kg: str, mg: str, expected: Indicator) -> None:
    assert urgency(ALLOPURINOL, drafts=(draft("azathioprine", mg),), markers=weighing(kg)) is expected


def test_the_limit_is_said_in_whole_mg() -> None:
    limits = []
    for kg in (50, 70, 80):
        answer = found(ALLOPURINOL, drafts=(draft("azathioprine", 60),), markers=weighing(kg))
        assert answer is not None
        limits.append(answer.meaning[0].values["limit"])
    assert limits == [33, 47, 53]


def test_without_a_weight_the_reference_is_unknown_and_that_is_critical() -> None:
    answer = found(ALLOPURINOL, drafts=(draft("azathioprine", 50),), markers=UNWEIGHED)
    assert answer is not None
    assert (answer.indicator, keys(answer.unknown)) == (CRITICAL, ["unknown-reference-dose"])


@pytest.mark.parametrize("medicine", [draft("azathioprine", None), draft("mercaptopurine", 10)])
def test_an_unknown_dose_and_a_medicine_without_a_reference_are_critical(medicine: Use) -> None:
    assert urgency(ALLOPURINOL, drafts=(medicine,)) is CRITICAL


def test_the_dose_before_allopurinol_is_the_reference() -> None:
    usual = use("azathioprine", 150, -600, -401)
    assert urgency(ALLOPURINOL, usual, drafts=(draft("azathioprine", 50),), markers=UNWEIGHED) is WARNING
    later = use("azathioprine", 150, -300, -100)
    assert urgency(ALLOPURINOL, later, drafts=(draft("azathioprine", 50),), markers=UNWEIGHED) is CRITICAL
    newer = use("azathioprine", 60, -500, -450)
    assert urgency(ALLOPURINOL, usual, newer, drafts=(draft("azathioprine", 50),), markers=UNWEIGHED) is CRITICAL


def test_an_order_not_to_give_it_is_no_reference() -> None:
    never = order("azathioprine", 150, -600, forbids=True)
    assert urgency(ALLOPURINOL, never, drafts=(draft("azathioprine", 50),), markers=UNWEIGHED) is CRITICAL


def test_allopurinol_drafted_under_azathioprine_is_the_same_danger() -> None:
    answer = found(use("azathioprine", 100), drafts=(draft("allopurinol", 300),))
    assert answer is not None
    assert answer.indicator is CRITICAL
    assert "reference-usual" in keys(answer.meaning)


def test_both_running_and_something_else_drafted_is_silent() -> None:
    assert urgency(ALLOPURINOL, use("azathioprine", 50), drafts=(draft("paracetamol", 500),)) is None


@pytest.mark.parametrize("inhibitor", ["febuxostat", "topiroxostat"])
def test_any_other_inhibitor_is_critical_at_any_dose(inhibitor: str) -> None:
    assert urgency(use(inhibitor, 40), drafts=(draft("azathioprine", 5),)) is CRITICAL
    assert urgency(use("azathioprine", 5), drafts=(draft(inhibitor, 40),)) is CRITICAL


def test_an_inhibitor_that_the_same_request_ends_does_not_count() -> None:
    ended = draft("allopurinol", 300, reference="MedicationRequest/a", status=UseStatus.STOPPED)
    assert urgency(ALLOPURINOL, drafts=(draft("azathioprine", 100), ended)) is None
    forbidden = draft("allopurinol", 300, reference="MedicationRequest/a", forbids=True)
    assert urgency(ALLOPURINOL, drafts=(draft("azathioprine", 100), forbidden)) is None


# --- azathioprine by weight


@pytest.mark.parametrize(("kg", "mg", "expected"), [(75, 150, None), (75, 151, WARNING), (70, 150, WARNING), (50, 100, None)])
def test_more_than_2_mg_per_kg_is_a_warning(kg: int, mg: int, expected: Indicator | None) -> None:
    assert urgency(drafts=(draft("azathioprine", mg),), markers=weighing(kg)) is expected


def test_without_weight_or_dose_nothing_is_reckoned() -> None:
    assert urgency(drafts=(draft("azathioprine", 300),), markers=UNWEIGHED) is None
    assert urgency(drafts=(draft("azathioprine", None),)) is None


# --- pregnancy


@pytest.mark.parametrize("ingredient", ["mycophenolate mofetil", "mycophenolic acid", "methotrexate", "cyclophosphamide"])
def test_in_pregnancy_it_is_critical(ingredient: str) -> None:
    pregnant = (HEPATITIS, problem("pregnancy_status", "pregnancy"))
    assert urgency(drafts=(draft(ingredient, 1000),), problems=pregnant, person=WOMAN) is CRITICAL


def test_a_positive_test_is_critical_and_is_evidence() -> None:
    test = word("pregnancy_test", "positive", -3)
    answer = found(drafts=(draft("methotrexate", 10),), markers=(*HEALTHY, test), person=WOMAN)
    assert answer is not None
    assert answer.indicator is CRITICAL
    assert test.reference in {item.reference for item in answer.evidence}


def test_where_pregnancy_is_not_excluded_two_tests_are_to_order() -> None:
    answer = found(drafts=(draft("mycophenolate mofetil", 1000),), person=WOMAN)
    assert answer is not None
    assert (answer.indicator, keys(answer.unknown)) == (WARNING, ["unknown-pregnancy"])
    (test,) = answer.offers[0].labs
    assert (test.test, test.first_day, test.every_days, test.times) == ("pregnancy-serum", 0, 9, 2)


def test_a_fresh_negative_test_a_man_and_azathioprine_are_silent() -> None:
    mycophenolate = (draft("mycophenolate mofetil", 1000),)
    assert urgency(drafts=mycophenolate, markers=(*HEALTHY, word("pregnancy_test", "negative", -3)), person=WOMAN) is None
    assert urgency(drafts=mycophenolate) is None
    pregnant = (HEPATITIS, problem("pregnancy_status", "pregnancy"))
    assert urgency(drafts=(draft("azathioprine", 50),), problems=pregnant, person=WOMAN) is None


def test_lactation_is_a_warning_unless_a_test_says_more() -> None:
    nursing: dict[str, Any] = {"problems": (HEPATITIS, problem("lactation", "pregnancy")), "person": WOMAN}
    mycophenolate = (draft("mycophenolate mofetil", 1000),)
    assert urgency(drafts=mycophenolate, **nursing) is WARNING
    assert urgency(drafts=mycophenolate, markers=(*HEALTHY, word("pregnancy_test", "positive", -3)), **nursing) is CRITICAL


# --- live vaccines


@pytest.mark.parametrize("ingredient", ["cyclosporine", "mycophenolate mofetil", "cyclophosphamide", "rituximab", "sirolimus"])
def test_some_medicines_rule_a_live_vaccine_out_at_any_dose(ingredient: str) -> None:
    assert urgency(use(ingredient, 1), drafts=(MMR,)) is CRITICAL
    assert urgency(drafts=(MMR, draft(ingredient, 1, reference="MedicationRequest/other"))) is CRITICAL


def test_an_inactivated_vaccine_is_no_concern() -> None:
    assert urgency(use("prednisone", 60, -20), use(), drafts=(draft(drug(None, text="influenza, inactivated"), None),)) is None


def test_without_immunosuppression_nothing_stands_against_it() -> None:
    assert urgency(use("hydroxychloroquine", 200), drafts=(MMR,)) is None


@pytest.mark.parametrize(
    ("mg", "start", "end", "expected"),
    [
        (20, -14, 0, CRITICAL),
        (20, -13, 0, None),
        (20, -13, 1, CRITICAL),
        (20, -13, None, WARNING),
        (20, None, None, CRITICAL),
        ("19.9", -100, None, None),
        (None, -100, None, None),
        (60, -40, -20, None),
    ],
)
def test_a_steroid_counts_from_20_mg_for_14_days(mg: Any, start: int | None, end: int | None, expected: Indicator | None) -> None:
    steroid = use("prednisone", mg, start, end, status=UseStatus.ACTIVE)
    assert urgency(steroid, drafts=(MMR,)) is expected


def test_doses_that_follow_each_other_add_their_days() -> None:
    before = use("prednisone", 60, -20, -6)
    now = use("prednisone", 20, -5, status=UseStatus.ACTIVE)
    assert urgency(before, now, drafts=(MMR,)) is CRITICAL
    earlier = use("prednisone", 60, -30, -8)
    assert urgency(earlier, now, drafts=(MMR,)) is WARNING


def test_a_drafted_course_counts_with_its_length() -> None:
    long = draft("prednisone", 60, end=20, reference="MedicationRequest/p")
    short = draft("prednisone", 60, end=5, reference="MedicationRequest/p")
    assert urgency(drafts=(MMR, long)) is CRITICAL
    assert urgency(drafts=(MMR, short)) is None


def test_in_a_small_child_the_dose_per_kg_counts() -> None:
    child: dict[str, Any] = {"person": person(1), "markers": (*UNWEIGHED, lab("weight", 40, -8)), "drafts": (MMR,)}
    assert urgency(use("prednisone", 16, -30), **child) is None
    assert urgency(use("prednisone", 20, -30), drafts=(MMR,), markers=UNWEIGHED) is CRITICAL


@pytest.mark.parametrize(("mg", "expected"), [(100, WARNING), (240, WARNING), (241, CRITICAL), (None, CRITICAL)])
def test_azathioprine_alone_counts_by_its_dose_per_kg(mg: int | None, expected: Indicator) -> None:
    answer = found(use("azathioprine", mg), drafts=(MMR,))
    assert answer is not None
    assert (answer.indicator, answer.conflicts) == (expected, ("X28",))
    assert urgency(use("azathioprine", mg), drafts=(MMR,), markers=UNWEIGHED) is CRITICAL


@pytest.mark.parametrize(("mg", "expected"), [(32, WARNING), (33, CRITICAL), (None, CRITICAL)])
def test_methotrexate_counts_by_its_dose_a_week(mg: int | None, expected: Indicator) -> None:
    weekly = (line(mg, unit=DoseUnit.MG, times_per_day=Fraction(1, 7)),)
    assert urgency(use("methotrexate", lines=weekly), drafts=(MMR,)) is expected


@pytest.mark.parametrize(("end", "expected"), [(-28, WARNING), (-29, None)])
def test_a_month_after_such_a_medicine_a_live_vaccine_may_be_given(end: int, expected: Indicator | None) -> None:
    assert urgency(use("mycophenolate mofetil", 1000, -300, end), drafts=(MMR,)) is expected


def test_tacrolimus_that_was_stopped_does_not_run_on_in_an_old_order() -> None:
    answer = found(use(end=-9), order(start=-200), drafts=(MMR,))
    assert answer is not None
    assert answer.indicator in {WARNING, CRITICAL}


# --- duplicates, budesonide


@pytest.mark.parametrize(
    ("running", "drafted", "expected"),
    [
        ("azathioprine", "mercaptopurine", WARNING),
        ("mycophenolate mofetil", "mycophenolic acid", WARNING),
        ("azathioprine", "azathioprine", None),
        ("prednisone", "methylprednisolone", None),
    ],
)
def test_two_of_a_kind_are_a_warning(running: str, drafted: str, expected: Indicator | None) -> None:
    assert urgency(use(running, 20), drafts=(draft(drafted, 20),)) is expected


def test_a_replacement_is_no_duplicate() -> None:
    running = order("azathioprine", 50, reference="MedicationRequest/old")
    assert urgency(running, drafts=(draft("mercaptopurine", 25, replaces="MedicationRequest/old"),)) is None


BUDESONIDE = draft("budesonide", 9)


@pytest.mark.parametrize("group", ["liver_cirrhosis", "liver_decompensation"])
@pytest.mark.parametrize(("active", "expected"), [(True, WARNING), (None, WARNING), (False, None)])
def test_budesonide_in_cirrhosis(group: str, active: bool | None, expected: Indicator | None) -> None:
    problems = (HEPATITIS, problem(group, "risk_liver", active=active))
    assert urgency(drafts=(BUDESONIDE,), problems=problems) is expected


def test_budesonide_in_a_severe_flare_but_not_in_a_mild_one() -> None:
    severe = answered(flaring(hook="order-select", drafts=(BUDESONIDE,), also=(lab("bilirubin", 60),)))[QUESTION]
    assert isinstance(severe, Finding)
    assert keys(severe.meaning) == ["draft-budesonide-severe"]
    assert QUESTION not in answered(flaring(hook="order-select", drafts=(BUDESONIDE,)))
    assert urgency(drafts=(draft("prednisone", 40),), problems=(HEPATITIS, problem("liver_cirrhosis", "risk_liver"))) is None


def test_conditions_that_did_not_come_raise_no_objection() -> None:
    assert urgency(drafts=(BUDESONIDE,), problems=None) is None


def test_in_palliative_care_an_objection_is_information() -> None:
    told = {"problems": (HEPATITIS, problem("palliative", "palliative"))}
    assert urgency(use("febuxostat", 40), drafts=(draft("azathioprine", 50),), **told) is INFO


def test_a_medicine_is_named_once() -> None:
    two = (draft("azathioprine", 50), draft("azathioprine", 50, reference="MedicationRequest/second"))
    answer = found(use("febuxostat", 40), drafts=two)
    assert answer is not None
    assert answer.summary.values["drugs"] == (Term("azathioprine"),)


def test_nothing_is_known_of_a_person_and_the_question_stays() -> None:
    answer = found(drafts=(draft("mycophenolate mofetil", 1000),), person=Person("p"), markers=None)
    assert answer is not None
    assert keys(answer.unknown) == ["unknown-pregnancy"]
