"""A past stop without a flare: when it is shown, how urgently, and what is said. Two questions ask it, of two kinds of stop.

Where another immunosuppressant had taken over around the stop, it is one tier less urgent; where another calcineurin inhibitor
goes on, the stop is an exchange, which another question tells of.
"""

from cds_service.knowledge.finding import Answer, CannotTell, Evidence, Finding, Indicator, Sentence, Term, Topic, say
from cds_service.knowledge.judgements import account, flare_account, reinduction
from cds_service.knowledge.judgements.case import Case, of_use
from cds_service.knowledge.judgements.flares import lupus_nephritis
from cds_service.knowledge.judgements.indication import IndicationKind
from cds_service.knowledge.judgements.planned_switch import LOWER, PlannedSwitch
from cds_service.knowledge.judgements.usage import ExposureClass
from cds_service.patient.facts import Use

PLANNED_SWITCH = "planned-switch"
IN_PLACE = "C28"
LUPUS = frozenset({"SLE"})


def indicator(case: Case) -> Indicator:
    """A warning while the stop is recent; information later, after too short a use, or at the low end of a slow taper."""
    recent = case.days_since <= case.parameters.past_stop_warning_days
    found = Indicator.WARNING if recent and not caps(case) else Indicator.INFO
    return LOWER[found] if case.planned_switch else found


def caps(case: Case) -> tuple[Sentence, ...]:
    """Why an abrupt or rapid stop is information only."""
    exposure, p = case.exposure, case.parameters
    sentences = []
    if exposure.days_before < p.min_exposure_days:
        sentences.append(say("cap-short-use", days=exposure.days_before, limit=p.min_exposure_days))
    if exposure.taper is not None and exposure.taper.low_end and exposure.kind is ExposureClass.ABRUPT_STOP:
        sentences.append(say("cap-low-dose"))
    return tuple(sentences)


def took_over(switch: PlannedSwitch | None) -> tuple[Sentence, ...]:
    """What took the place of tacrolimus, and what of it acts slowly and was begun late."""
    if switch is None:
        return ()
    sentences = [say("planned-switch", drugs=_names(switch.replacing))]
    if switch.lagging:
        sentences.append(say("onset-lags", drugs=_names(switch.lagging)))
    return tuple(sentences)


def claims(case: Case, topic: Topic) -> tuple[str, ...]:
    """The claims of the topic; what the source says of drugs in place only where there are some."""
    return topic.claims if case.planned_switch else tuple(claim for claim in topic.claims if claim != IN_PLACE)


def _names(uses: tuple[Use, ...]) -> tuple[Term, ...]:
    return tuple(Term(name) for name in sorted({use.drug.ingredient or "" for use in uses}))


def _acted_on(case: Case) -> bool:
    """Whether something that treats a flare was begun since, beside what took over by plan; or tacrolimus is ordered again."""
    switch, treatment = case.planned_switch, case.treatment
    planned = {use.reference for use in switch.replacing} if switch else set()
    drafts = {use.reference for use in case.record.drafts}
    begun = any(use.reference not in planned | drafts for use in treatment.replacement)
    return begun or treatment.by_steroid or treatment.renewed


def _summary(case: Case, topic: Topic) -> Sentence:
    """No flare is only said where the markers were there to tell."""
    return say(f"{topic.name}-{'quiet' if case.seen_quiet else 'not-judged'}", days=case.days_since, diseases=diseases(case))


def diseases(case: Case) -> tuple[Term, ...]:
    """The autoimmune diseases by name, shortly enough for a summary; lupus nephritis goes without saying lupus."""
    groups = case.indication.diseases - (LUPUS if lupus_nephritis.DISEASE in case.indication.diseases else frozenset())
    return tuple(Term(flare_account.SHORT.get(group, group)) for group in sorted(groups))


def answer(case: Case, topic: Topic, kind: ExposureClass, meaning: tuple[Sentence, ...]) -> Answer:
    """The finding of one kind of stop; silent once the disease has flared or is being treated: other questions speak then."""
    if case.exposure.kind is not kind or not case.shows_past_stop():
        return None
    if case.indication.kind is IndicationKind.NOT_KNOWN:
        return CannotTell(topic.name, (say("indication-not-known"),), kind.value, account.evidence(case))
    if not case.autoimmune or case.other_inhibitor or _acted_on(case) or case.flared:
        return None
    return Finding(
        topic.name,
        indicator(case),
        PLANNED_SWITCH if case.planned_switch else kind.value,
        _summary(case, topic),
        happened=(*account.ending(case), *took_over(case.planned_switch), *account.markers(case)),
        meaning=(*meaning, *caps(case)),
        advice=(say("plan-question"), say("no-treatment-without-flare")),
        unknown=account.flare_unknown(case),
        offers=(reinduction.laboratory_only(case.record, reinduction.panel(case.indication), case.parameters),),
        claims=claims(case, topic),
        conflicts=topic.conflicts,
        evidence=_evidence(case),
    )


def _evidence(case: Case) -> tuple[Evidence, ...]:
    replacing = case.planned_switch.replacing if case.planned_switch else ()
    items = (*account.evidence(case), *map(of_use, replacing))
    return tuple({item.reference: item for item in items}.values())
