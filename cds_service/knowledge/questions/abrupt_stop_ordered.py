"""Would the orders in this request stop systemic tacrolimus abruptly?

The source: never stop it abruptly in autoimmune disease (C25); when it is to end, taper over a month or more (C26). The question
speaks in every hook whose orders express a stop. It suggests laboratory orders and names the taper as the other way; it never
orders a taper.
"""

from cds_service.knowledge.finding import Answer, CannotTell, Evidence, Finding, Indicator, Sentence, Topic, say
from cds_service.knowledge.judgements import account, ordered_stop, past_stop, reinduction
from cds_service.knowledge.judgements.case import Case, of_use
from cds_service.knowledge.judgements.indication import IndicationKind
from cds_service.knowledge.judgements.ordered_stop import OrderedStop
from cds_service.patient.tapers import TaperKind

TOPIC = Topic("abrupt-stop-ordered", ("C25", "C26", "C47", "C48", "C49"), ("X10", "X11"))


def ask(case: Case) -> Answer:
    """A warning; critical while the disease is active; information where no indication is on record or the use was short."""
    stop = case.ordered_stop
    if stop is None or stop.hold or not ordered_stop.abrupt(stop) or case.indication.kind is IndicationKind.TRANSPLANT:
        return None
    if case.indication.kind is IndicationKind.NOT_KNOWN:
        return CannotTell(TOPIC.name, (say("indication-not-known"),), "abrupt-stop", _evidence(case, stop))
    if case.indication.kind is IndicationKind.NONE:
        return _without_indication(case, stop)
    return Finding(
        TOPIC.name,
        _indicator(case, stop),
        _class(stop),
        say("abrupt-stop-ordered-summary", diseases=past_stop.diseases(case)),
        happened=(*_ordered(stop), *account.cover(case), *(account.markers(case) if case.indication.hepatitis else ())),
        meaning=(say("abrupt-stop-meaning"), *_active(case)),
        advice=(say("taper-instead", days=case.parameters.taper_min_days), say("hold-is-different")),
        unknown=account.flare_unknown(case) if case.indication.hepatitis else (),
        offers=(reinduction.laboratory_only(case.record, reinduction.panel(case.indication), case.parameters),),
        claims=TOPIC.claims,
        conflicts=TOPIC.conflicts,
        evidence=_evidence(case, stop),
    )


def _class(stop: OrderedStop) -> str:
    return stop.taper.kind.value if stop.taper else TaperKind.UNKNOWN.value


def _indicator(case: Case, stop: OrderedStop) -> Indicator:
    short = stop.days_before < case.parameters.min_exposure_days
    low = stop.taper is not None and stop.taper.low_end and stop.taper.kind is TaperKind.ABRUPT
    if short or low:
        return Indicator.INFO
    return Indicator.CRITICAL if case.indication.hepatitis and case.flare.relapse else Indicator.WARNING


def _ordered(stop: OrderedStop) -> tuple[Sentence, ...]:
    taper = stop.taper
    status = stop.draft.status.value
    told = say("ordered-not-to-give") if stop.draft.forbids else say("ordered-to-stop", status=status)
    if taper is None or taper.last is None or taper.baseline is None:
        return (told, say("ordered-dose-unknown"))
    return (told, say("ordered-dose", dose=taper.last, baseline=taper.baseline, days=stop.days_before))


def _active(case: Case) -> tuple[Sentence, ...]:
    return (say("disease-active"),) if case.indication.hepatitis and case.flare.relapse else ()


def _without_indication(case: Case, stop: OrderedStop) -> Finding:
    return Finding(
        TOPIC.name,
        Indicator.INFO,
        IndicationKind.NONE.value,
        say("abrupt-stop-ordered-no-indication"),
        happened=_ordered(stop),
        meaning=(say("indication-decides"),),
        advice=(say("verify-indication"),),
        unknown=(say("no-indication-coded"),),
        claims=TOPIC.claims,
        evidence=_evidence(case, stop),
    )


def _evidence(case: Case, stop: OrderedStop) -> tuple[Evidence, ...]:
    items = (of_use(stop.draft), *account.evidence(case))
    return tuple({item.reference: item for item in items}.values())
