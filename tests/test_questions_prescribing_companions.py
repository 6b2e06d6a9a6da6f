"""Drafts beside tacrolimus, and drafts that a disease or the marrow stands against: where they speak, and where not."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from cds_service.knowledge.finding import Finding, Indicator
from cds_service.patient.facts import Comparator, Problem, Use
from tests.answers import CRITICAL, INFO, WARNING, answered, keys
from tests.builders import HEALTHY, HEPATITIS, KIDNEY_TRANSPLANT, SCREENED, draft, drug, lab, order, problem, record, use, word

QUESTION = "prescribing-safety"
MYASTHENIA = problem("myasthenia_gravis", "indication")
NO_TPMT = SCREENED[:2]
TACROLIMUS = use()


def found(*medicines: Use, drafts: tuple[Use, ...], **more: Any) -> Finding | None:
    told: dict[str, Any] = {"hook": "order-select", **more}
    answer = answered(record(*medicines, drafts=drafts, **told)).get(QUESTION)
    assert answer is None or isinstance(answer, Finding)
    return answer


def said(*medicines: Use, drafts: tuple[Use, ...], **more: Any) -> tuple[Indicator | None, list[str]]:
    """How urgent, and the reasons."""
    answer = found(*medicines, drafts=drafts, **more)
    return (None, []) if answer is None else (answer.indicator, keys(answer.meaning))


SILENT: tuple[None, list[str]] = (None, [])

# --- beside tacrolimus

BESIDE = [
    ("ibuprofen", INFO, "draft-harms-kidney"),
    ("gentamicin", INFO, "draft-harms-kidney"),
    ("co-trimoxazole", INFO, "draft-harms-kidney"),
    ("spironolactone", INFO, "draft-raises-potassium"),
    ("lisinopril", INFO, "draft-raises-potassium"),
    ("sirolimus", WARNING, "draft-mtor-inhibitor"),
]


@pytest.mark.parametrize(("ingredient", "indicator", "reason"), BESIDE)
def test_a_draft_beside_tacrolimus_speaks_when_the_two_come_together(ingredient: str, indicator: Indicator, reason: str) -> None:
    new = draft(ingredient, 10)
    assert said(TACROLIMUS, drafts=(new,)) == (indicator, [reason])
    assert said(drafts=(new,)) == SILENT, "no tacrolimus"
    assert said(use(end=-9), drafts=(new,)) == SILENT, "tacrolimus has ended"
    assert said(TACROLIMUS, use(ingredient, 10), drafts=(new,)) == SILENT, "it is renewed"
    assert said(TACROLIMUS, drafts=(draft(drug(ingredient, systemic=False), 10),)) == SILENT, "for the skin or the eye"


@pytest.mark.parametrize(("ingredient", "indicator", "reason"), BESIDE)
def test_tacrolimus_drafted_beside_it_speaks_when_it_is_new(ingredient: str, indicator: Indicator, reason: str) -> None:
    running = use(ingredient, 10)
    assert said(running, drafts=(draft(),)) == (indicator, [reason])
    assert said(running, TACROLIMUS, drafts=(draft(),)) == SILENT, "tacrolimus is renewed"
    assert said(running, drafts=(draft("prednisone", 10),)) == SILENT


@pytest.mark.parametrize("problems", [(KIDNEY_TRANSPLANT,), (), None])
def test_information_is_for_people_with_autoimmune_disease(problems: tuple[Problem, ...] | None) -> None:
    assert said(TACROLIMUS, drafts=(draft("lisinopril", 10),), problems=problems) == SILENT
    assert said(TACROLIMUS, drafts=(draft("sirolimus", 2),), problems=problems)[0] is WARNING


def test_ciclosporin_with_an_mtor_inhibitor_is_a_warning_too() -> None:
    answer = found(use("cyclosporine", 200), drafts=(draft("everolimus", 2),))
    assert answer is not None
    assert (answer.indicator, answer.summary.key) == (WARNING, "prescribing-summary-mtor-inhibitor")


def test_what_is_taken_by_habit_speaks_beside_new_tacrolimus() -> None:
    assert said(use("cannabidiol", 300), drafts=(draft(),)) == (INFO, ["draft-raises-tacrolimus-by-habit"])


@pytest.mark.parametrize(
    ("formulation", "expected"), [("intravenous", (INFO, ["draft-harms-kidney"])), ("immediate-release", SILENT), (None, SILENT)]
)
def test_vancomycin_counts_where_it_is_injected(formulation: str | None, expected: object) -> None:
    assert said(TACROLIMUS, drafts=(draft(drug("vancomycin", formulation=formulation), 2000),)) == expected


# --- the QT interval


def test_a_medicine_that_lengthens_the_interval_is_silent_while_nothing_adds_to_it() -> None:
    assert said(TACROLIMUS, drafts=(draft("azithromycin", 500),)) == SILENT


def test_a_low_salt_or_a_long_interval_makes_it_a_warning() -> None:
    new = draft("azithromycin", 500)
    low = replace(lab("potassium", "3.1", -3), low=Decimal("3.5"))
    markers = (*HEALTHY, low)
    assert said(TACROLIMUS, drafts=(new,), markers=markers) == (WARNING, ["draft-low-salt"])
    long = problem("QT_prolongation")
    assert said(TACROLIMUS, drafts=(new,), problems=(HEPATITIS, long)) == (WARNING, ["draft-long-qt"])
    both = found(TACROLIMUS, drafts=(new,), problems=(HEPATITIS, long), markers=markers)
    assert both is not None
    assert keys(both.meaning) == ["draft-long-qt", "draft-low-salt"]
    assert {low.reference, long.reference} <= {item.reference for item in both.evidence}
    assert said(drafts=(new,), markers=markers) == SILENT, "no tacrolimus"
    assert said(TACROLIMUS, drafts=(new,), problems=(HEPATITIS, replace(long, active=False))) == SILENT
    assert said(TACROLIMUS, use("azithromycin", 500), drafts=(new,), markers=markers) == SILENT, "it goes on"


# --- diseases


@pytest.mark.parametrize(
    ("ingredient", "expected"),
    [
        ("ciprofloxacin", (WARNING, ["draft-myasthenia-forbidden"])),
        ("telithromycin", (WARNING, ["draft-myasthenia-forbidden"])),
        ("azithromycin", (INFO, ["draft-myasthenia-caution"])),
        ("propranolol", (INFO, ["draft-myasthenia-caution"])),
        ("penicillamine", (INFO, ["draft-myasthenia-caution"])),
        ("paracetamol", SILENT),
    ],
)
def test_what_can_worsen_myasthenia_is_said(ingredient: str, expected: object) -> None:
    new = draft(ingredient, 100)
    assert said(TACROLIMUS, drafts=(new,), problems=(MYASTHENIA,)) == expected
    assert said(TACROLIMUS, drafts=(new,), problems=(HEPATITIS,)) == SILENT
    assert said(TACROLIMUS, drafts=(new,), problems=(replace(MYASTHENIA, active=False),)) == SILENT
    assert said(TACROLIMUS, use(ingredient, 100), drafts=(new,), problems=(MYASTHENIA,)) == SILENT, "it is renewed"
    assert said(drafts=(new,), problems=(MYASTHENIA,)) == SILENT, "tacrolimus was never taken: not our business"


def test_magnesium_counts_in_myasthenia_where_it_is_injected() -> None:
    injected, swallowed = drug("magnesium", formulation="intravenous"), drug("magnesium")
    assert said(TACROLIMUS, drafts=(draft(injected, 2000),), problems=(MYASTHENIA,)) == (INFO, ["draft-myasthenia-caution"])
    assert said(TACROLIMUS, drafts=(draft(swallowed, 400),), problems=(MYASTHENIA,)) == SILENT


@pytest.mark.parametrize(
    ("ingredient", "group", "reason"),
    [
        ("mycophenolate mofetil", "gi_bleeding", "draft-mycophenolate-gut"),
        ("mycophenolic acid", "peptic_ulcer", "draft-mycophenolate-gut"),
        ("mycophenolate mofetil", "hgprt_deficiency", "draft-mycophenolate-enzyme"),
        ("methotrexate", "liver_cirrhosis", "draft-methotrexate-liver"),
        ("methotrexate", "alcohol", "draft-methotrexate-liver"),
    ],
)
def test_a_disease_stands_against_a_draft(ingredient: str, group: str, reason: str) -> None:
    new, disease = draft(ingredient, 20), problem(group)
    answer = found(drafts=(new,), problems=(HEPATITIS, disease))
    assert answer is not None
    assert (answer.indicator, keys(answer.meaning)) == (WARNING, [reason])
    assert {item.reference for item in answer.evidence} == {new.reference, disease.reference}
    assert said(drafts=(new,), problems=(HEPATITIS, replace(disease, active=False))) == SILENT
    assert said(drafts=(draft("azathioprine", 50),), problems=(HEPATITIS, disease)) == SILENT
    assert said(drafts=(new,), problems=None) == SILENT


# --- the marrow


@pytest.mark.parametrize("ingredient", ["azathioprine", "mercaptopurine", "mycophenolate mofetil"])
@pytest.mark.parametrize(
    ("analyte", "low", "enough"), [("wbc", "3.4", "3.5"), ("neutrophils", "1.4", "1.5"), ("platelets", "99", "100")]
)
def test_a_low_count_is_a_warning_and_names_both_sides(ingredient: str, analyte: str, low: str, enough: str) -> None:
    new = draft(ingredient, 50)
    answer = found(drafts=(new,), markers=(*HEALTHY, lab(analyte, low, -3)))
    assert answer is not None
    assert (answer.indicator, keys(answer.meaning), answer.conflicts) == (WARNING, ["draft-blood-count"], ("X27",))
    assert said(drafts=(new,), markers=(*HEALTHY, lab(analyte, enough, -3))) == SILENT
    assert said(drafts=(new,), markers=(*HEALTHY, lab(analyte, enough, -3, comparator=Comparator.LESS)))[0] is WARNING
    assert said(drafts=(draft("prednisone", 10),), markers=(*HEALTHY, lab(analyte, low, -3))) == SILENT


def test_a_thiopurine_in_a_poor_metaboliser_is_critical() -> None:
    poor = word("tpmt", "poor")
    assert said(drafts=(draft("azathioprine", 25),), screening=(*NO_TPMT, poor)) == (CRITICAL, ["draft-poor-metaboliser"])
    assert said(drafts=(draft("mycophenolate mofetil", 1000),), screening=(*NO_TPMT, poor)) == SILENT


@pytest.mark.parametrize(
    ("mg", "expected"),
    [(50, SILENT), (75, (WARNING, ["draft-intermediate-metaboliser"])), (None, (WARNING, ["draft-intermediate-metaboliser"]))],
)
def test_an_intermediate_metaboliser_starts_low(mg: int | None, expected: object) -> None:
    assert said(drafts=(draft("azathioprine", mg),), screening=(*NO_TPMT, word("nudt15", "intermediate"))) == expected
    assert said(drafts=(draft("azathioprine", mg),), screening=NO_TPMT) == SILENT, (
        "not known: the restart asks, a draft is not held"
    )


def test_an_order_that_stops_one_of_the_two_is_no_companion() -> None:
    ended = order("ibuprofen", 400, reference="MedicationRequest/draft", end=0)
    assert said(TACROLIMUS, drafts=(ended,)) == SILENT
