"""A past stop without a flare: when it is shown, how urgently, and what is said. Two questions ask it, of two kinds of stop."""

from cds_service.knowledge.finding import Answer, CannotTell, Finding, Indicator, Sentence, Term, Topic, say
from cds_service.knowledge.judgements import account, reinduction
from cds_service.knowledge.judgements.case import Case
from cds_service.knowledge.judgements.indication import IndicationKind
from cds_service.knowledge.judgements.usage import ExposureClass


def indicator(case: Case) -> Indicator:
    """A warning while the stop is recent; information later, after too short a use, or at the low end of a slow taper."""
    recent = case.days_since <= case.parameters.past_stop_warning_days
    return Indicator.WARNING if recent and not caps(case) else Indicator.INFO


def caps(case: Case) -> tuple[Sentence, ...]:
    """Why an abrupt or rapid stop is information only."""
    exposure, p = case.exposure, case.parameters
    sentences = []
    if exposure.days_before < p.min_exposure_days:
        sentences.append(say("cap-short-use", days=exposure.days_before, limit=p.min_exposure_days))
    if exposure.taper is not None and exposure.taper.low_end and exposure.kind is ExposureClass.ABRUPT_STOP:
        sentences.append(say("cap-low-dose"))
    return tuple(sentences)


def _summary(case: Case, topic: Topic) -> Sentence:
    """No flare is only said where the markers were there to tell."""
    return say(f"{topic.name}-{'quiet' if case.seen_quiet else 'not-judged'}", days=case.days_since, diseases=diseases(case))


def diseases(case: Case) -> tuple[Term, ...]:
    """The autoimmune diseases by name."""
    return tuple(Term(group) for group in sorted(case.indication.diseases))


def answer(case: Case, topic: Topic, kind: ExposureClass, meaning: tuple[Sentence, ...]) -> Answer:
    """The finding of one kind of stop; silent once the disease has flared or is being treated: other questions speak then."""
    if case.exposure.kind is not kind or not case.shows_past_stop():
        return None
    if case.indication.kind is IndicationKind.NOT_KNOWN:
        return CannotTell(topic.name, (say("indication-not-known"),), kind.value, account.evidence(case))
    acted_on = case.treatment.under_way or case.treatment.renewed
    if not case.autoimmune or acted_on or case.flared:
        return None
    return Finding(
        topic.name,
        indicator(case),
        kind.value,
        _summary(case, topic),
        happened=(*account.ending(case), *account.markers(case)),
        meaning=(*meaning, *caps(case)),
        advice=(say("plan-question"), say("no-treatment-without-flare")),
        unknown=account.flare_unknown(case),
        offers=(reinduction.laboratory_only(case.record, reinduction.panel(case.indication), case.parameters),),
        claims=topic.claims,
        conflicts=topic.conflicts,
        evidence=account.evidence(case),
    )
