"""What is being done already: which medicines run, which steroid dose, what has begun since tacrolimus ended."""

from datetime import date
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest

from cds_service.knowledge.judgements import treatment
from cds_service.knowledge.judgements.treatment import Treatment
from cds_service.patient.facts import DoseUnit, Use, UseStatus
from tests.builders import day, dispense, draft, drug, given, lab, line, month, order, parameters, record, use

IN_FORCE = parameters()
LAST_DOSE = day(-9)


def judged(*medicines: Use, drafts: tuple[Use, ...] = (), since: date | None = LAST_DOSE, **more: Any) -> Treatment:
    return treatment.judge(record(*medicines, drafts=drafts, **more), since, IN_FORCE)


# --- what runs


def test_nothing_runs() -> None:
    found = judged()
    assert found == Treatment({})
    assert not found.treated


@pytest.mark.parametrize(
    ("medicine", "runs"),
    [
        (use("warfarin", 5), True),
        (order("warfarin", 5), True),
        (use("warfarin", 5, end=0, status=UseStatus.ACTIVE), True),
        (use("warfarin", 5, end=-1, status=UseStatus.ACTIVE), False),
        (use("warfarin", 5, end=month(2026, 3), status=UseStatus.ACTIVE), True),
        (use("warfarin", 5, status=UseStatus.STOPPED), False),
        (use("warfarin", 5, status=UseStatus.ON_HOLD), False),
        (order("warfarin", 5, forbids=True), False),
        (use(drug("warfarin", systemic=False), 5), False),
        (use(drug("warfarin", systemic=None), 5), True),
        (use(drug(None), 5), False),
        (dispense(-5, 30, "warfarin"), False),
        (given(0, "warfarin"), False),
    ],
    ids=[
        *("statement", "order", "ends today", "ended yesterday", "ends this month", "stopped", "held", "not to give", "local"),
        *("route unknown", "not in the table", "supply", "single dose"),
    ],
)
def test_what_runs(medicine: Use, runs: bool) -> None:
    assert bool(judged(medicine).running) is runs


def test_of_two_records_of_one_medicine_the_newest_tells() -> None:
    old, new = order("prednisone", 5, start=-700), order("prednisone", 60, start=-3)
    for medicines in permutations((old, new)):
        found = judged(*medicines)
        assert (found.running["prednisone"], found.steroid_mg) == (new, 60)


def test_a_statement_tells_before_an_order() -> None:
    stated, ordered = use("prednisone", 40, start=-3), order("prednisone", 60, start=-2)
    assert judged(ordered, stated).running["prednisone"] == stated


# --- steroids


@pytest.mark.parametrize(
    ("ingredient", "mg", "as_prednisone"),
    [
        ("prednisone", 30, 30),
        ("prednisolone", 30, 30),
        ("methylprednisolone", 24, 30),
        ("hydrocortisone", 120, 30),
        ("deflazacort", 36, 30),
        ("dexamethasone", "4.5", 30),
        ("cortisone", 150, 30),
        ("triamcinolone", 24, 30),
        ("betamethasone", "4.5", 30),
    ],
)
def test_a_steroid_in_prednisone_is_exact(ingredient: str, mg: int | str, as_prednisone: int) -> None:
    found = judged(use(ingredient, mg, -3))
    assert (found.steroid_mg, found.under_way, found.drafted) == (as_prednisone, True, False)


@pytest.mark.parametrize(("mg", "enough"), [(30, True), ("29.9", False)])
def test_thirty_mg_treat_a_flare(mg: int | str, enough: bool) -> None:
    assert judged(use("prednisone", mg, -3)).under_way is enough
    drafted = judged(drafts=(draft("prednisone", mg),))
    assert (drafted.under_way, drafted.drafted, drafted.treated) == (False, enough, enough)


def test_budesonide_is_no_systemic_steroid() -> None:
    assert judged(use("budesonide", 9, -3)).steroids == ()


def test_a_steroid_of_unknown_dose_is_there_and_treats_nothing() -> None:
    found = judged(use("prednisone", 60, -3, lines=()))
    assert (len(found.steroids), found.steroid_mg, found.treated) == (1, None, False)


def test_a_steroid_by_weight_takes_the_weight_of_today() -> None:
    by_weight = use("prednisone", start=-3, lines=(line("0.5", unit=DoseUnit.MG_PER_KG_PER_DAY),))
    assert judged(by_weight, markers=(lab("weight", 70, -30),)).steroid_mg == 35


def test_a_dose_range_counts_for_its_lower_end() -> None:
    ranged = use("prednisone", start=-3, lines=(line(20, high=Fraction(40)),))
    assert judged(ranged).steroid_mg == 20


def test_the_strongest_of_several_steroids_comes_first() -> None:
    """What is said of the dose is said of the medicine that has it."""
    weak, strong, unknown = use("hydrocortisone", 20), draft("prednisone", 60), use("dexamethasone", 1, lines=())
    for running in permutations((weak, unknown)):
        found = judged(*running, drafts=(strong,))
        assert (found.steroids, found.steroid_mg) == ((strong, weak, unknown), 60)


# --- what has begun since


@pytest.mark.parametrize("ingredient", ["azathioprine", "mycophenolate mofetil", "cyclosporine", "rituximab"])
def test_an_immunosuppressant_begun_after_the_last_dose_treats(ingredient: str) -> None:
    begun = use(ingredient, 100, -8)
    found = judged(begun)
    assert (found.replacement, found.under_way) == ((begun,), True)


@pytest.mark.parametrize("start", [-9, -100, None])
def test_one_that_ran_before_does_not(start: int | None) -> None:
    found = judged(use("azathioprine", 100, start, asserted=None))
    assert (found.replacement, found.under_way) == ((), False)


def test_while_tacrolimus_is_taken_nothing_replaces_it() -> None:
    assert judged(use("azathioprine", 100, -2), since=None).replacement == ()


@pytest.mark.parametrize(
    ("planned", "drafted"),
    [
        (draft("azathioprine", 50), True),
        (draft("azathioprine", 50, status=UseStatus.ACTIVE), True),
        (draft("azathioprine", 50, status=UseStatus.INTENDED), True),
        (draft("azathioprine", 50, status=UseStatus.STOPPED), False),
        (draft("azathioprine", 50, forbids=True), False),
        (draft(drug("azathioprine", systemic=False), 50), False),
        (draft("paracetamol", 500), False),
    ],
    ids=["draft", "signed again", "intended", "stopped", "not to give", "local", "another medicine"],
)
def test_a_drafted_immunosuppressant_would_treat(planned: Use, drafted: bool) -> None:
    found = judged(drafts=(planned,))
    assert (found.drafted, bool(found.replacement), found.under_way) == (drafted, drafted, False)


def test_tacrolimus_drafted_again_renews_it() -> None:
    found = judged(drafts=(draft(),))
    assert (found.renewed, found.drafted, found.replacement) == (True, True, ())
