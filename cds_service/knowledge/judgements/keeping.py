"""What an ordered stop can be answered with: the order stays as it was, or tacrolimus is tapered.

The client's own orders go back to active as a suggestion, where they can be handed back whole and no check speaks against the
drug. The taper is a plan in words: no taper is ever ordered.
"""

from datetime import date
from fractions import Fraction

from msgspec import Struct

from cds_service.knowledge.finding import Offer, Sentence, Term, say
from cds_service.knowledge.judgements import age, safety
from cds_service.knowledge.judgements.case import Case
from cds_service.knowledge.judgements.ordered_stop import ENDING, OrderedStop, Sign
from cds_service.knowledge.judgements.product_change import IMMEDIATE_RELEASE
from cds_service.knowledge.judgements.safety import Subject, Verdict
from cds_service.knowledge.judgements.usage import TACROLIMUS
from cds_service.patient.facts import Use

SLOWER = frozenset({"myasthenia_gravis", "lupus_nephritis", "nephrotic_membranous_FSGS_MCD"})
"""The diseases in which published tapers are far slower (X10)."""


class Keeping(Struct, frozen=True):
    """The alternative that keeps the orders, if there is one, and what is said of it."""

    offers: tuple[Offer, ...] = ()
    advice: tuple[Sentence, ...] = ()


def judge(case: Case, stop: OrderedStop) -> Keeping:
    """Whether the stopped orders are offered to go on; a check that blocks tacrolimus, and a child, leave it to the words."""
    against = [
        concern.sentence
        for concern in safety.about(safety.concerns(case.situation), Subject.TACROLIMUS)
        if concern.verdict is Verdict.BLOCKED
    ]
    if against:
        return Keeping(advice=(say("keep-not-offered"), *against))
    stopped = _stopped(case, stop)
    if not stopped or age.surely_child(case.record, case.parameters):
        return Keeping(advice=(say("keep-order"),))
    return Keeping((Offer("keep-order", say("offer-keep-order"), keeps=stopped),), (say("keep-order"),))


def _stopped(case: Case, stop: OrderedStop) -> tuple[str, ...]:
    """The orders that this request sets to an end, by reference; none where the stop is said in another way too."""
    drafts = [use for use in case.record.drafts if use.drug.ingredient == TACROLIMUS and use.drug.systemic is not False]
    if stop.draft not in drafts or not all(_only_its_status(use, case.record.asof) for use in drafts):
        return ()
    return tuple(use.reference for use in drafts)


def _only_its_status(use: Use, today: date) -> bool:
    """Whether the stop of an order lies in its status alone, its own end still to come, and the order can be named."""
    to_come = use.end is None or use.end.earliest > today
    return use.status in ENDING and use.ended_by is None and not use.forbids and to_come and "/" in use.reference


def taper_plan(case: Case, stop: OrderedStop) -> tuple[Sentence, ...]:
    """The other way, for an adult with an example of steps from the maintenance dose and the days the markers are due."""
    p, taper = case.parameters, stop.taper
    sentences = [say("taper-instead", days=p.taper_min_days)]
    adult = age.surely_adult(case.record, p)
    if adult and stop.sign is not Sign.TAPERED and taper is not None and taper.baseline is not None and taper.last is not None:
        shares = tuple(share for share in p.taper_plan_shares if share * taper.baseline < taper.last)
        if shares:
            steps = {"days": p.taper_plan_step_days, "total": p.taper_plan_step_days * len(shares)}
            doses = _whole(tuple(share * taper.baseline for share in shares), case, stop)
            sentences.append(
                say("taper-plan-doses", doses=doses, **steps) if doses else say("taper-plan", shares=shares, **steps)
            )
    if slower := sorted(case.indication.diseases & SLOWER):
        sentences.append(say("taper-slower", diseases=tuple(map(Term, slower))))
    return tuple(sentences)


def _whole(doses: tuple[Fraction, ...], case: Case, stop: OrderedStop) -> tuple[Fraction, ...]:
    """The doses in mg where immediate-release capsules make up each of them exactly."""
    formulation = stop.draft.drug.formulation
    fit = all(dose % case.parameters.tacrolimus_rounding_mg == 0 for dose in doses)
    return doses if formulation == IMMEDIATE_RELEASE and fit else ()
