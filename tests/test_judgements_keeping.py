"""What an ordered stop is answered with: the order stays, or a taper in words."""

from fractions import Fraction
from typing import Any

import pytest

from cds_service.knowledge.finding import Offer, Sentence, Term
from cds_service.knowledge.judgements import keeping
from cds_service.knowledge.judgements.keeping import Keeping
from cds_service.patient.facts import Drug, Problem, Record, Use, UseStatus
from tests.answers import keys
from tests.builders import HEALTHY, HEPATITIS, LUPUS, Mg, case, doses, draft, drug, lab, order, person, problem, record

TAC = "MedicationRequest/tac"
RUNNING = order(reference=TAC, asserted=-20)
STOP = draft(reference=TAC, status=UseStatus.STOPPED, start=-300)
MYASTHENIA = problem("myasthenia_gravis", "indication")


def ordered(*medicines: Use, drafts: tuple[Use, ...] = (STOP,), **more: Any) -> Record:
    return record(*(medicines or (RUNNING,)), drafts=drafts, hook="order-sign", **more)


def judged(told: Record) -> Keeping:
    found = case(told)
    assert found.ordered_stop is not None
    return keeping.judge(found, found.ordered_stop)


def plan(told: Record, **site: object) -> tuple[Sentence, ...]:
    found = case(told, **site)
    assert found.ordered_stop is not None
    return keeping.taper_plan(found, found.ordered_stop)


def kept(told: Record) -> tuple[str, ...]:
    offers = judged(told).offers
    assert all(isinstance(offer, Offer) and not offer.drugs and not offer.labs for offer in offers)
    return tuple(reference for offer in offers for reference in offer.keeps)


# --- the order stays


@pytest.mark.parametrize("status", [UseStatus.STOPPED, UseStatus.CANCELLED, UseStatus.COMPLETED])
def test_the_order_itself_goes_back_to_active(status: UseStatus) -> None:
    told = ordered(drafts=(draft(reference=TAC, status=status, start=-300),))
    assert kept(told) == (TAC,)
    assert keys(judged(told).advice) == ["keep-order"]


def test_every_order_that_is_stopped_goes_back_together() -> None:
    half = order(drug(strength="1/2"), 1, reference="MedicationRequest/half", asserted=-20)
    stop_half = draft(drug(strength="1/2"), 1, reference="MedicationRequest/half", status=UseStatus.STOPPED, start=-300)
    assert kept(ordered(RUNNING, half, drafts=(STOP, stop_half))) == (TAC, "MedicationRequest/half")


@pytest.mark.parametrize(
    "drafts",
    [
        (draft(forbids=True, reference="MedicationRequest/no"),),
        (STOP, draft(forbids=True, reference="MedicationRequest/no")),
        (draft(reference="MedicationRequest", status=UseStatus.STOPPED, start=-300),),
        (draft(reference=TAC, status=UseStatus.ACTIVE, start=-300, end=0),),
        (draft(reference=TAC, status=UseStatus.STOPPED, start=-300, end=0),),
    ],
    ids=["not to give", "both", "without an id", "revised to end", "with an end of its own"],
)
def test_a_stop_that_does_not_lie_in_a_status_alone_is_answered_in_words(drafts: tuple[Use, ...]) -> None:
    told = ordered(drafts=drafts)
    assert (kept(told), keys(judged(told).advice)) == ((), ["keep-order"])


def test_an_order_whose_own_end_is_to_come_can_stay() -> None:
    assert kept(ordered(drafts=(draft(reference=TAC, status=UseStatus.STOPPED, start=-300, end=1),))) == (TAC,)


def test_a_child_is_offered_no_dose_not_even_its_own() -> None:
    assert kept(ordered(person=person(14))) == ()
    assert kept(ordered(person=person(18))) == (TAC,)
    assert kept(ordered(person=person(None))) == (TAC,)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"markers": (*HEALTHY, lab("egfr", 45, -1))}, "blocked-kidney"),
        ({"markers": (*HEALTHY, lab("potassium", "5.6", -1))}, "blocked-potassium"),
        ({"problems": (HEPATITIS, problem("sepsis_active_infection"))}, "blocked-infection"),
    ],
)
def test_a_check_that_speaks_against_tacrolimus_is_told_instead(more: dict[str, Any], reason: str) -> None:
    told = ordered(**more)
    assert (kept(told), keys(judged(told).advice)) == ((), ["keep-not-offered", reason])


def test_what_is_only_unknown_does_not_speak_against_it() -> None:
    assert kept(ordered(markers=())) == (TAC,)


# --- the taper


def test_steps_in_mg_where_capsules_make_them_up() -> None:
    floor, steps = plan(ordered())
    assert (floor.key, floor.values) == ("taper-instead", {"days": 28})
    assert (steps.key, steps.values) == ("taper-plan-doses", {"doses": (3, 2, 1), "days": 14, "total": 42})


@pytest.mark.parametrize(
    ("mg", "medicine"),
    [(5, drug()), (4, drug(formulation="extended-release-tablet")), (4, drug(formulation=None))],
    ids=["no capsules for 3.75 mg", "tablets", "product not known"],
)
def test_steps_as_shares_elsewhere(mg: Mg, medicine: Drug) -> None:
    told = ordered(
        order(medicine, mg, reference=TAC, asserted=-20),
        drafts=(draft(medicine, mg, reference=TAC, status=UseStatus.STOPPED, start=-300),),
    )
    steps = plan(told)[1]
    assert (steps.key, steps.values["shares"]) == ("taper-plan", (Fraction(3, 4), Fraction(1, 2), Fraction(1, 4)))


def test_a_taper_that_has_begun_goes_on_from_its_dose() -> None:
    told = ordered(*doses((4, 200), last=-20), order(mg=2, start=-19, reference=TAC))
    assert plan(told)[1].values == {"doses": (1,), "days": 14, "total": 14}


def test_at_the_lowest_step_no_steps_are_left() -> None:
    told = ordered(*doses((4, 200), last=-20), order(mg=1, start=-19, reference=TAC))
    assert keys(plan(told)) == ["taper-instead"]


@pytest.mark.parametrize("lines", [(), None])
def test_without_a_known_dose_there_are_no_steps(lines: tuple[()] | None) -> None:
    more = {} if lines is None else {"lines": lines}
    running = order(reference=TAC, asserted=-20, start=-5 if lines is None else -300, **more)
    assert keys(plan(ordered(running))) == ["taper-instead"]


@pytest.mark.parametrize(
    ("problems", "slower"),
    [
        ((HEPATITIS,), None),
        ((MYASTHENIA,), ("myasthenia_gravis",)),
        ((LUPUS, MYASTHENIA), ("lupus_nephritis", "myasthenia_gravis")),
        ((problem("nephrotic_membranous_FSGS_MCD", "indication"),), ("nephrotic_membranous_FSGS_MCD",)),
    ],
)
def test_in_some_diseases_the_steps_are_slower(problems: tuple[Problem, ...], slower: tuple[str, ...] | None) -> None:
    last = plan(ordered(problems=problems))[-1]
    assert (last.key == "taper-slower") is bool(slower)
    assert slower is None or last.values == {"diseases": tuple(map(Term, slower))}


def test_a_site_may_have_longer_steps() -> None:
    assert plan(ordered(), taper_plan_step_days=28)[1].values == {"doses": (3, 2, 1), "days": 28, "total": 84}


@pytest.mark.parametrize("years", [14, None])
def test_no_steps_in_mg_for_a_child_or_at_an_unknown_age(years: int | None) -> None:
    assert keys(plan(ordered(person=person(years)))) == ["taper-instead"]
