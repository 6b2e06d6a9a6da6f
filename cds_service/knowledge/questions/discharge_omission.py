"""Is the tacrolimus that was in use missing from the orders for the time after the stay in hospital?

The source: never stop it abruptly (C25). At discharge a drug is lost without anybody having decided it. The comparison needs the
orders: lists that were not received leave it open, and say so.
"""

from cds_service.knowledge.finding import Answer, CannotTell, Evidence, Finding, Indicator, Sentence, Topic, say
from cds_service.knowledge.judgements import account
from cds_service.knowledge.judgements.case import Case, of_use
from cds_service.knowledge.judgements.discharge import Discharge, DischargeState
from cds_service.knowledge.judgements.indication import IndicationKind
from cds_service.knowledge.judgements.planned_switch import LOWER

TOPIC = Topic("discharge-omission", ("C25", "C47", "C48", "C49"), ("X11",))

OMISSION = "discharge-omission"


def ask(case: Case) -> Answer:
    """A warning; information after a short use, without an indication, where another drug takes over, or without any order."""
    found = case.discharge
    if found is None:
        return None
    if found.state is DischargeState.NOT_RECEIVED:
        return CannotTell(TOPIC.name, (say("unknown-discharge-orders"),), OMISSION, account.evidence(case))
    none = found.state is DischargeState.NO_ORDERS
    return Finding(
        TOPIC.name,
        _indicator(case, found),
        OMISSION,
        say(f"discharge-summary-{found.state}"),
        happened=(say("discharge-no-orders") if none else say("discharge-omitted", count=len(found.orders)), *_instead(case)),
        meaning=_meaning(case, found),
        advice=(say("discharge-advice"), say("hold-is-different")),
        unknown=_unknown(case),
        claims=TOPIC.claims,
        conflicts=TOPIC.conflicts,
        evidence=_evidence(case, found),
    )


def _indicator(case: Case, found: Discharge) -> Indicator:
    why = {IndicationKind.AUTOIMMUNE, IndicationKind.TRANSPLANT}
    short = found.days_before < case.parameters.min_exposure_days
    if found.state is DischargeState.NO_ORDERS or short or case.indication.kind not in why:
        return Indicator.INFO
    return LOWER[Indicator.WARNING] if case.other_inhibitor else Indicator.WARNING


def _instead(case: Case) -> tuple[Sentence, ...]:
    return (say("discharge-other-inhibitor"),) if case.other_inhibitor else ()


def _meaning(case: Case, found: Discharge) -> tuple[Sentence, ...]:
    if case.indication.kind is IndicationKind.TRANSPLANT:
        return (say("transplant-meaning"),)
    p = case.parameters
    short = found.days_before < p.min_exposure_days and found.state is DischargeState.OMITTED
    cap = (say("cap-short-use", days=found.days_before, limit=p.min_exposure_days),) if short else ()
    return (say("abrupt-stop-meaning"), *cap)


def _unknown(case: Case) -> tuple[Sentence, ...]:
    if case.indication.kind is IndicationKind.NOT_KNOWN:
        return (say("indication-not-known"),)
    return (say("no-indication-coded"),) if case.indication.kind is IndicationKind.NONE else ()


def _evidence(case: Case, found: Discharge) -> tuple[Evidence, ...]:
    items = (*map(of_use, case.exposure.uses), *account.evidence(case), *map(of_use, found.orders))
    return tuple({item.reference: item for item in items}.values())
