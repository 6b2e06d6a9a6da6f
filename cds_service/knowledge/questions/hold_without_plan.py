"""Is tacrolimus on hold, or was it stopped for a reason that requires it, with no plan recorded to resume or replace it?

The source: never stop it abruptly (C25). A stop that has to be (toxicity, kidney injury, infection, an interaction, ...) is a
hold, stated in the record or, as a "possible hold", read from signs around its day (X11). It needs a plan. The card shows whether
the disease has flared meanwhile; it never suggests a restart or more immunosuppression.
"""

from datetime import date

from cds_service.knowledge.finding import Answer, CannotTell, Evidence, Finding, Indicator, Sentence, Topic, say
from cds_service.knowledge.judgements import account, coming_stop, holding, reinduction
from cds_service.knowledge.judgements.case import Case, of_draft, of_lab, of_problem, of_use
from cds_service.knowledge.judgements.holding import HoldSign
from cds_service.knowledge.judgements.indication import IndicationKind
from cds_service.knowledge.judgements.ordered_stop import OrderedStop
from cds_service.knowledge.judgements.usage import TACROLIMUS, ExposureClass
from cds_service.patient.bounds import first_day, last_day
from cds_service.patient.facts import Lab, Problem, Use, UseStatus
from cds_service.patient.when import When, days_between

TOPIC = Topic("hold-without-plan", ("C25", "C47", "C48", "C49"), ("X11",))

HOLD = ExposureClass.HOLD.value
SIGNING = "order-sign"
TO_COME = frozenset({UseStatus.ACTIVE, UseStatus.DRAFT, UseStatus.INTENDED, UseStatus.ON_HOLD})


def ask(case: Case) -> Answer:
    """Information while the hold is young, a warning when it has lasted without a plan, or is being ordered."""
    ordered = case.ordered_stop if case.ordered_stop is not None and case.ordered_stop.hold else None
    if ordered is None and not (case.exposure.kind is ExposureClass.HOLD and _shown(case)):
        return None
    if case.indication.kind is IndicationKind.NOT_KNOWN:
        return CannotTell(TOPIC.name, (say("indication-not-known"),), HOLD, _evidence(case))
    if not case.autoimmune or _planned(case):
        return None
    return _ordered(case, ordered) if ordered is not None else _past(case)


def _shown(case: Case) -> bool:
    """On the chart for a year; at signing once it is overdue, and there like any past stop; among other orders not at all."""
    if not case.ordering:
        return case.days_since <= case.parameters.stop_lookback_days
    return case.record.hook == SIGNING and _overdue(case) and case.shows_past_stop()


def _overdue(case: Case) -> bool:
    """Whether it has surely lasted too long; after a CYP3A inhibitor the days count from the inhibitor's end."""
    last = case.exposure.last_dose
    if last is None:
        return False
    ends = [end for use in holding.inhibitors(case.record, last, case.parameters) if (end := _ended(use, case.record.asof))]
    return days_between(max([last.latest, *ends]), case.record.asof) > case.parameters.hold_plan_days


def _ended(use: Use, today: date) -> date | None:
    end = last_day(use)
    return end if end is not None and end < today else None


def _planned(case: Case) -> bool:
    """Whether the record holds a plan: tacrolimus to come, tacrolimus ordered now, or another drug begun in its place.

    An order that only brings tacrolimus to its end is none.
    """
    uses = (*(case.record.statements or ()), *(case.record.orders or ()))
    to_come = [
        use
        for use in uses
        if use.drug.ingredient == TACROLIMUS
        and use.drug.systemic
        and not use.forbids
        and use.status in TO_COME
        and ((first_day(use) or case.record.asof) > case.record.asof or use.status is UseStatus.INTENDED)
    ]
    begun = {use.reference for use in case.treatment.replacement} - {use.reference for use in case.record.drafts}
    return bool(to_come or begun) or (case.treatment.renewed and case.ordered_stop is None)


def _past(case: Case) -> Finding:
    last, p = case.exposure.last_dose, case.parameters
    overdue = _overdue(case)
    short = last is not None and case.exposure.days_before < p.min_exposure_days
    caps = (say("cap-short-use", days=case.exposure.days_before, limit=p.min_exposure_days),) if overdue and short else ()
    kind = "possible" if case.hold_signs else "stated"
    return _finding(
        case,
        Indicator.WARNING if overdue and not short else Indicator.INFO,
        say(f"hold-summary-{kind}", days=case.days_since) if last else say("hold-summary-undated"),
        (*_held(case, last), *_signs(case.hold_signs), *account.cover(case), *_disease(case)),
        caps,
        (say("hold-overdue", limit=p.hold_plan_days),) if overdue else (),
    )


def _ordered(case: Case, stop: OrderedStop) -> Finding:
    """A hold that this request orders: the moment to record the plan."""
    kind = "possible" if case.hold_signs else "stated"
    happened = (say(f"hold-ordered-{kind}"), *coming_stop.ordered(stop), *_reason(stop.draft), *_signs(case.hold_signs))
    return _finding(
        case, Indicator.WARNING, say(f"hold-summary-ordered-{kind}"), (*happened, *account.cover(case), *_disease(case)), (), ()
    )


def _finding(
    case: Case,
    indicator: Indicator,
    summary: Sentence,
    happened: tuple[Sentence, ...],
    caps: tuple[Sentence, ...],
    overdue: tuple[Sentence, ...],
) -> Finding:
    return Finding(
        TOPIC.name,
        indicator,
        HOLD,
        summary,
        happened=happened,
        meaning=(*overdue, say("hold-meaning"), *caps),
        advice=(say("hold-plan-question"), *_of_reason(case), say("hold-no-restart")),
        unknown=account.flare_unknown(case),
        offers=(reinduction.laboratory_only(case.record, reinduction.panel(case.indication), case.parameters),),
        claims=TOPIC.claims,
        conflicts=TOPIC.conflicts,
        evidence=_evidence(case),
    )


def _held(case: Case, last: When | None) -> tuple[Sentence, ...]:
    """Since when, and the recorded reason."""
    if case.hold_signs and last is not None:
        first = say("hold-possible", last=last)
    else:
        first = say("hold-since", last=last) if last else say("hold-since-unknown")
    reason = case.exposure.reason
    return (first, say("stop-reason", reason=reason)) if reason else (first,)


def _reason(draft: Use) -> tuple[Sentence, ...]:
    return (say("stop-reason", reason=draft.reason),) if draft.reason else ()


def _signs(signs: tuple[HoldSign, ...]) -> tuple[Sentence, ...]:
    return tuple(sign.sentence for sign in signs)


def _disease(case: Case) -> tuple[Sentence, ...]:
    """The markers, and how far they have gone."""
    tier = (say(f"hold-flare-{case.flare.tier.name.lower()}"),) if case.flared else ()
    return (*account.markers(case), *tier)


def _of_reason(case: Case) -> tuple[Sentence, ...]:
    """What belongs to a reason: an interaction ends with the other drug, and pregnancy is none against tacrolimus."""
    stop = case.ordered_stop
    reasons = stop.draft.reasons if stop is not None else case.exposure.reasons
    last = When.on(case.record.asof) if stop is not None else case.exposure.last_dose
    interacting = last is not None and holding.inhibitors(case.record, last, case.parameters)
    sentences = []
    if interacting or "drug-interaction" in reasons:
        sentences.append(say("hold-after-inhibitor"))
    if "pregnancy" in reasons:
        sentences.append(say("warning-pregnancy"))
    return tuple(sentences)


def _evidence(case: Case) -> tuple[Evidence, ...]:
    drafts = of_draft(case.ordered_stop.draft) if case.ordered_stop else ()
    items = (*drafts, *account.evidence(case), *(_of(sign.source) for sign in case.hold_signs))
    return tuple({item.reference: item for item in items}.values())


def _of(source: Lab | Problem | Use) -> Evidence:
    if isinstance(source, Lab):
        return of_lab(source)
    return of_problem(source) if isinstance(source, Problem) else of_use(source)
