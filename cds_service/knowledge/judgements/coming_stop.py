"""A stop that the orders of this request would bring: how urgently it is shown, and what is said. Two questions ask it."""

from cds_service.knowledge.finding import Answer, CannotTell, Evidence, Finding, Indicator, Sentence, Topic, say
from cds_service.knowledge.judgements import account, past_stop, reinduction
from cds_service.knowledge.judgements.case import Case, of_use
from cds_service.knowledge.judgements.indication import IndicationKind
from cds_service.knowledge.judgements.ordered_stop import OrderedStop, Sign
from cds_service.patient.tapers import TaperKind


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
    if not case.autoimmune:
        return None
    return Finding(
        topic.name,
        _indicator(case, stop),
        kind(stop).value,
        say(f"{topic.name}-ordered", diseases=past_stop.diseases(case)),
        happened=(*ordered(stop), *account.cover(case), *account.markers(case)),
        meaning=(*meaning, *_active(case)),
        advice=(say("taper-instead", days=case.parameters.taper_min_days), say("hold-is-different")),
        unknown=account.flare_unknown(case),
        offers=(reinduction.laboratory_only(case.record, reinduction.panel(case.indication), case.parameters),),
        claims=topic.claims,
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
    if case.flare.relapse:
        return Indicator.WARNING if stop.replacement else Indicator.CRITICAL
    return Indicator.INFO if stop.replacement else Indicator.WARNING


def ordered(stop: OrderedStop) -> tuple[Sentence, ...]:
    """What the order says, and the dose that would end."""
    taper, told = stop.taper, _said(stop)
    if taper is None or taper.last is None or taper.baseline is None:
        return (told, say("ordered-dose-unknown"))
    if stop.sign is Sign.TAPERED:
        return (told, say("ordered-way-down", dose=taper.last, baseline=taper.baseline, days=taper.days))
    return (told, say("ordered-dose", dose=taper.last, baseline=taper.baseline, days=stop.days_before))


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
            return say("ordered-to-stop", status=stop.draft.status.value)


def _active(case: Case) -> tuple[Sentence, ...]:
    return (say("disease-active"),) if case.flare.relapse else ()


def evidence(case: Case, stop: OrderedStop) -> tuple[Evidence, ...]:
    """The order that stops, and what the judgements of the case rest on."""
    items = (of_use(stop.draft), *account.evidence(case))
    return tuple({item.reference: item for item in items}.values())
