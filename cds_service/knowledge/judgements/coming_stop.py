"""A stop that the orders of this request would bring: how urgently it is shown, and what is said. Two questions ask it.

Where another immunosuppressant takes over, it is one tier less urgent; where another calcineurin inhibitor goes on, the stop is
an exchange, which another question tells of.
"""

from cds_service.knowledge.finding import Answer, CannotTell, Evidence, Finding, Indicator, Sentence, Topic, say
from cds_service.knowledge.judgements import account, keeping, past_stop, reinduction
from cds_service.knowledge.judgements.case import Case, of_draft, of_use
from cds_service.knowledge.judgements.indication import IndicationKind
from cds_service.knowledge.judgements.ordered_stop import GOING, OrderedStop, Sign
from cds_service.knowledge.judgements.planned_switch import LOWER
from cds_service.patient.doses import withheld
from cds_service.patient.facts import DISCONTINUED, Use
from cds_service.patient.tapers import TaperKind

BY_ANOTHER = {"Task": "ordered-by-task", "CarePlan": "ordered-by-plan"}
"""What is said where something else than the order ends it, by the type of that; else it is a group of orders."""


def kind(stop: OrderedStop) -> TaperKind:
    """How the dose would come to zero; unknown where the doses so far are."""
    return stop.taper.kind if stop.taper else TaperKind.UNKNOWN


def answer(case: Case, topic: Topic, kinds: frozenset[TaperKind], meaning: tuple[Sentence, ...]) -> Answer:
    """The finding about an ordered stop of one of these kinds in autoimmune disease; a hold is another matter."""
    stop = case.ordered_stop
    if stop is None or stop.hold or kind(stop) not in kinds:
        return None
    if case.indication.kind is IndicationKind.NOT_KNOWN:
        return CannotTell(topic.name, (say("indication-not-known"),), kind(stop).value, evidence(case, stop))
    if not case.autoimmune or case.other_inhibitor:
        return None
    kept = keeping.judge(case, stop)
    return Finding(
        topic.name,
        _indicator(case, stop),
        past_stop.PLANNED_SWITCH if case.planned_switch else kind(stop).value,
        say(f"{topic.name}-ordered", diseases=past_stop.diseases(case)),
        happened=_happened(case, stop),
        meaning=(*meaning, *_active(case)),
        advice=(*kept.advice, *keeping.taper_plan(case, stop), say("hold-is-different")),
        unknown=account.flare_unknown(case),
        offers=(*kept.offers, reinduction.laboratory_only(case.record, reinduction.panel(case.indication), case.parameters)),
        claims=past_stop.claims(case, topic),
        conflicts=topic.conflicts,
        evidence=evidence(case, stop),
    )


def _indicator(case: Case, stop: OrderedStop) -> Indicator:
    """A warning; critical while the disease is active; one step less where another immunosuppressant is ordered instead.

    Information after too short a use or at the end of a slow taper.
    """
    short = stop.days_before < case.parameters.min_exposure_days
    low = stop.taper is not None and stop.taper.low_end and stop.taper.kind is TaperKind.ABRUPT
    if short or low:
        return Indicator.INFO
    found = Indicator.CRITICAL if case.flare.relapse else Indicator.WARNING
    return LOWER[found] if case.planned_switch else found


def _happened(case: Case, stop: OrderedStop) -> tuple[Sentence, ...]:
    return (*ordered(stop), *account.cover(case), *past_stop.took_over(case.planned_switch), *account.markers(case))


def ordered(stop: OrderedStop) -> tuple[Sentence, ...]:
    """What the order says, and the dose that would end."""
    taper, told = stop.taper, _said(stop)
    if taper is None or taper.last is None or taper.baseline is None:
        return (told, say("ordered-dose-unknown"))
    if stop.sign is Sign.TAPERED:
        return (told, say("ordered-way-down", dose=taper.last, baseline=taper.baseline, days=taper.days))
    key = "ordered-dose-at-maintenance" if taper.last == taper.baseline else "ordered-dose"
    return (told, say(key, dose=taper.last, baseline=taper.baseline, days=stop.days_before))


def _said(stop: OrderedStop) -> Sentence:
    """By what the order says that tacrolimus is to end."""
    match stop.sign:
        case Sign.FORBIDDEN:
            return say("ordered-not-to-give")
        case Sign.REPLACED:
            return say("ordered-to-replace")
        case Sign.REVISED | Sign.TAPERED if stop.last is not None:
            return say("ordered-to-end", last=stop.last)
        case _:
            return _ended(stop.draft)


def _ended(draft: Use) -> Sentence:
    """By its own status or dose, or by what else in the request ends it."""
    if draft.ended_by is None:
        zero = withheld(draft.lines) and draft.status in GOING
        return say("ordered-dose-zero") if zero else say("ordered-to-stop", status=draft.status.value)
    if draft.ended_by == DISCONTINUED:
        return say("ordered-to-discontinue")
    kind = draft.ended_by.partition("/")[0]
    return say(BY_ANOTHER.get(kind, "ordered-by-group"), status=draft.status.value)


def _active(case: Case) -> tuple[Sentence, ...]:
    return (say("disease-active"),) if case.flare.relapse else ()


def evidence(case: Case, stop: OrderedStop) -> tuple[Evidence, ...]:
    """The order that stops, and what the judgements of the case rest on."""
    replacing = case.planned_switch.replacing if case.planned_switch else ()
    items = (*of_draft(stop.draft), *account.evidence(case), *map(of_use, replacing))
    return tuple({item.reference: item for item in items}.values())
