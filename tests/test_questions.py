"""What is to verify, what did not come, and what holds for all questions together, whatever the record holds."""

from random import Random

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from cds_service.cards import sentences
from cds_service.knowledge.finding import CannotTell, Finding
from cds_service.knowledge.judgements.flare import Tier
from cds_service.knowledge.judgements.usage import STOPPED, ExposureClass
from cds_service.knowledge.questions import verify_tacrolimus_status
from cds_service.patient.facts import Lab, LabStatus, Loss, Lost, Outside, Person, Problem, Record, Sex, Use, UseStatus
from tests.answers import (
    ABRUPT,
    CRITICAL,
    HOLD,
    INFO,
    ORDER,
    ORDERED,
    PARACETAMOL,
    QUIET,
    REBOUND,
    STOP,
    VERIFY,
    answered,
    finding,
    keys,
    ordered,
    shown,
)
from tests.builders import (
    HEALTHY,
    HEPATITIS,
    KIDNEY_TRANSPLANT,
    LUPUS,
    case,
    dispense,
    draft,
    drug,
    flaring,
    given,
    lab,
    lost,
    month,
    order,
    person,
    problem,
    record,
    use,
    word,
)

# --- to verify

GAP = (order(end=-80, status=UseStatus.COMPLETED), dispense(-90, 30))
STALE = (use(start=-500, asserted=-400),)
CONFLICT = (order(end=-40), use(asserted=-10))
UNDATED = (order(status=UseStatus.STOPPED),)
DOUBTS: list[tuple[tuple[Use, ...], str, list[str]]] = [
    (GAP, "supply-gap", ["supply-ended"]),
    (STALE, "stale", ["record-stale"]),
    ((use(start=None, asserted=None),), "stale", []),
    (CONFLICT, "conflict", ["doubt-still-active"]),
    (UNDATED, "unknown", ["doubt-stop-date"]),
    ((use(status=UseStatus.UNKNOWN),), "unknown", ["doubt-status-unknown"]),
    ((use(drug(systemic=None), end=-9),), "unknown", ["doubt-route-unknown"]),
    ((order(end=month(2026, 2), status=UseStatus.COMPLETED),), "unknown", ["doubt-date-imprecise"]),
    ((order(asserted=-100), use(start=None, asserted=-10, status=UseStatus.NOT_TAKEN)), "conflict", ["doubt-not-taken"]),
    ((use(end=-9, lines=()),), "taper-unknown", ["stopped-taper-unknown"]),
]


def test_without_the_conditions_the_indication_is_an_unknown_too() -> None:
    found = finding(record(*GAP, markers=QUIET, problems=None, lost=lost("conditions", loss=Loss.NOT_SENT)), VERIFY)
    assert keys(found.unknown) == ["indication-not-known", "lost-not-sent"]


@pytest.mark.parametrize(("medicines", "kind", "happened"), DOUBTS)
def test_what_the_record_does_not_settle_is_to_verify(medicines: tuple[Use, ...], kind: str, happened: list[str]) -> None:
    found = finding(record(*medicines, markers=QUIET), VERIFY)
    assert (found.indicator, found.exposure_class, found.summary.key) == (INFO, kind, f"verify-summary-{kind}")
    assert (keys(found.happened), found.offers) == (happened, ())
    assert shown(record(*medicines, markers=QUIET)) == {VERIFY: INFO}


def test_the_newest_sign_of_use_stands_in_for_the_day_of_the_stop() -> None:
    found = finding(record(order(status=UseStatus.STOPPED), dispense(-57, 30)), VERIFY)
    assert keys(found.unknown) == ["newest-evidence"]
    undated = order(start=None, asserted=None, status=UseStatus.STOPPED)
    assert finding(record(undated), VERIFY).unknown == ()


@pytest.mark.parametrize("medicines", [one[0] for one in DOUBTS])
def test_without_an_indication_a_doubt_is_silent(medicines: tuple[Use, ...]) -> None:
    assert VERIFY not in shown(record(*medicines, problems=()))


@pytest.mark.parametrize(
    ("medicines", "draft_of", "speaks"),
    [(GAP, "paracetamol", False), (GAP, "prednisone", True), (GAP, "tacrolimus", False), (STALE, "prednisone", False)],
)
def test_among_orders_a_doubt_speaks_beside_a_related_draft_only(medicines: tuple[Use, ...], draft_of: str, speaks: bool) -> None:
    told = record(*medicines, hook="order-select", drafts=(draft(draft_of, 60),))
    assert (VERIFY in shown(told)) is speaks


@pytest.mark.parametrize(("end", "speaks"), [(-365, True), (-366, False)])
def test_a_doubt_of_more_than_a_year_ago_is_silent(end: int, speaks: bool) -> None:
    told = record(order(start=-900, end=end, status=UseStatus.COMPLETED))
    assert (VERIFY in shown(told)) is speaks


def test_a_flare_after_unknown_doses_is_not_told_twice() -> None:
    told = record(use(end=-9, lines=()), markers=(*HEALTHY, lab("alt", 150)))
    assert VERIFY not in shown(told)


def test_a_hold_ordered_without_an_indication_is_to_verify_too() -> None:
    assert keys(finding(ordered(drafts=(HOLD,), problems=()), VERIFY).advice) == ["verify-indication"]


# --- what did not come


def missing(told: Record) -> list[str]:
    answer = answered(told).get(VERIFY)
    return [] if answer is None else keys(answer.missing if isinstance(answer, CannotTell) else answer.unknown)


@pytest.mark.parametrize("what", ["medication statements", "medication orders", "dispenses", "administrations"])
def test_a_lost_list_of_medicines_always_counts(what: str) -> None:
    assert missing(record(lost=lost(what, loss=Loss.FAILED))) == ["lost-failed"]


@pytest.mark.parametrize("what", ["conditions", "laboratory results", "allergies", "screening results", "procedures"])
def test_another_list_counts_only_where_tacrolimus_is_involved(what: str) -> None:
    told = lost(what, loss=Loss.INCOMPLETE)
    assert missing(record(lost=told)) == []
    assert missing(record(use("prednisone", 5), use(drug(systemic=False)), lost=told)) == []
    assert missing(record(use(asserted=-20), lost=told)) == ["lost-incomplete"]
    assert missing(record(hook="order-select", drafts=(draft(),), lost=told)) == ["lost-incomplete"]
    assert missing(record(hook="order-select", drafts=(draft(drug(systemic=False)),), lost=told)) == []


def test_a_loss_is_named_where_the_question_speaks_anyway() -> None:
    assert missing(record(*UNDATED, lost=lost("dispenses", loss=Loss.NOT_SENT))) == ["lost-not-sent", "newest-evidence"]


def test_nothing_is_asked_about_the_dead() -> None:
    told = flaring(person=Person("p", deceased=True), lost=lost("medication orders", loss=Loss.FAILED))
    assert answered(told) == {}


def test_an_empty_record_is_silent() -> None:
    assert answered(record(problems=(), markers=(), screening=())) == {}


# --- all together


def test_every_class_that_can_be_in_doubt_has_its_summary() -> None:
    catalogue = sentences.catalogue()
    assert all(f"verify-summary-{kind.value}" in catalogue for kind in verify_tacrolimus_status.SPEAKING)
    assert all(f"rebound-summary-{tier.name.lower()}" in catalogue for tier in Tier if tier)
    assert all(f"severity-{state}" in catalogue for state in ("acute", "acute-severe", "liver-failure"))
    assert all(f"lost-{loss.name.lower().replace('_', '-')}" in catalogue for loss in Loss)


USES = st.sampled_from(
    [
        *(use(end=end) for end in (-2, -9, -60, -200, -500)),
        *(use(mg=mg, start=-900, end=-40) for mg in (None, 2, 40)),
        *(order(status=status) for status in UseStatus),
        *(order(status=status, end=-20, stopped_on=month(2026, 1)) for status in UseStatus),
        *(dispense(on, 30) for on in (-200, -90, -20)),
        *(given(-5), given(-50), use(drug(systemic=None), end=-9), use(drug(systemic=False)), order(forbids=True)),
        *(use(end=month(2025, 12)), use(start=None, asserted=None), order(reference=ORDER, asserted=-20)),
        *(use(name, 40, -3) for name in ("prednisone", "azathioprine", "allopurinol", "warfarin", "cyclosporine")),
        use(end=-9, reasons=frozenset({"toxicity"}), reason=Outside("rash")),
    ]
)
DRAFTS = st.sampled_from(
    [STOP, HOLD, PARACETAMOL, draft(), draft("prednisone", 60), draft(forbids=True), draft(reference=ORDER, end=0)]
)
LABS = st.builds(
    lab,
    st.sampled_from(["alt", "ast", "igg", "bilirubin", "inr", "weight", "egfr", "potassium", "creatinine", "tacrolimus"]),
    st.one_of(st.none(), st.integers(1, 400)),
    st.integers(-400, 2),
    status=st.sampled_from(LabStatus),
)
PROBLEMS = st.sampled_from(
    [
        *(HEPATITIS, HEPATITIS, LUPUS, KIDNEY_TRANSPLANT, problem("sepsis_active_infection")),
        *(problem({"ascites", "liver_decompensation"}, onset=-3), problem("pregnancy_status", "pregnancy")),
    ]
)
LOSSES = st.builds(Lost, st.sampled_from(["conditions", "laboratory results", "medication orders"]), st.sampled_from(Loss))
OF_THE_DISEASE = {ABRUPT, ORDERED, HOLD, REBOUND, "rapid-taper"}
HOOKS = st.sampled_from(["patient-view", "order-select", "order-sign", "encounter-discharge"])


@settings(deadline=None, max_examples=150)
@drawn(
    st.lists(USES, max_size=4),
    st.lists(DRAFTS, max_size=2),
    st.lists(LABS, max_size=6),
    st.lists(PROBLEMS, max_size=3),
    st.lists(LOSSES, max_size=2),
    HOOKS,
    st.sampled_from([None, 10, 45]),
)
def test_whatever_the_record_holds_the_answers_are_sound(
    medicines: list[Use],
    drafts: list[Use],
    results: list[Lab],
    problems: list[Problem],
    losses: list[Lost],
    hook: str,
    years: int | None,
) -> None:
    told = record(
        *medicines,
        drafts=tuple(drafts),
        markers=tuple(results),
        problems=tuple(problems),
        lost=tuple(losses),
        hook=hook,
        person=person(years, Sex.FEMALE),
        screening=(word("hbsag", "negative"),),
    )
    found = answered(told)
    at = case(told)
    critical = [name for name, answer in found.items() if isinstance(answer, Finding) and answer.indicator is CRITICAL]
    if REBOUND in critical:
        assert at.flare.relapse
        assert at.exposure.kind in STOPPED - {ExposureClass.TAPER_UNKNOWN}
    rebound = found.get(REBOUND)
    if isinstance(rebound, Finding):
        assert at.autoimmune
        assert years == 45 or not any(offer.drugs for offer in rebound.offers)
    if at.indication.kind.value == "transplant":
        assert found.keys().isdisjoint(OF_THE_DISEASE)
    assert not {ABRUPT, REBOUND} <= set(found)


def verdicts(told: Record) -> dict[str, object]:
    """What must not depend on the order of the record: everything but the order of the evidence."""
    return {
        name: (answer.indicator, answer.exposure_class, answer.summary, answer.happened, answer.advice, answer.offers)
        if isinstance(answer, Finding)
        else answer.missing
        for name, answer in answered(told).items()
    }


@settings(deadline=None, max_examples=80)
@drawn(st.lists(USES, max_size=5), st.lists(LABS, max_size=6), st.randoms(use_true_random=False), HOOKS)
def test_neither_order_nor_repetition_of_the_entries_changes_an_answer(
    medicines: list[Use], results: list[Lab], chance: Random, hook: str
) -> None:
    told = record(*medicines, markers=tuple(results), hook=hook, drafts=(draft("prednisone", 10),))
    mixed, again = [*medicines, *medicines[:2]], [*results, *results[:2]]
    chance.shuffle(mixed)
    chance.shuffle(again)
    assert verdicts(record(*mixed, markers=tuple(again), hook=hook, drafts=told.drafts)) == verdicts(told)
