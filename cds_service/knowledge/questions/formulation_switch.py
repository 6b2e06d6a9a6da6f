"""Does this request give another tacrolimus product, at a dose that does not correspond, or do two products run side by side?

The source says nothing of products. The labels do: the extended-release tablet at 80 % of the immediate-release daily dose,
prolonged-release capsules at the same dose, with lower levels seen after the change; a level belongs to each of them.
"""

from cds_service.knowledge.finding import Answer, Evidence, Finding, Indicator, LabOrder, Offer, Sentence, Term, Topic, say
from cds_service.knowledge.judgements.case import Case, of_use
from cds_service.knowledge.judgements.exposure import EXTENDED_RELEASE_TABLET
from cds_service.knowledge.judgements.product_change import ProductChange, SideBySide

TOPIC = Topic("formulation-switch", ("C47", "C48", "C49"))

SWITCH = "formulation-switch"
SIGNING = "order-sign"


def ask(case: Case) -> Answer:
    """A warning where the dose is far off or both run; information where it is off, and at signing for every change."""
    if case.side_by_side is not None:
        return _both(case, case.side_by_side)
    change = case.product_change
    if change is None:
        return None
    indicator = _indicator(case, change)
    if indicator is None and case.record.hook != SIGNING:
        return None
    return Finding(
        TOPIC.name,
        indicator or Indicator.INFO,
        SWITCH,
        _summary(case, change, differs=indicator is not None),
        happened=(_happened(change), *((say("formulation-still-listed", before=Term(change.before)),) if change.listed else ())),
        meaning=(say("formulation-meaning", factor=case.parameters.extended_release_tablet_factor),),
        advice=_advice(case, change),
        unknown=() if change.ratio is not None else (say("unknown-formulation-dose"),),
        offers=(_level(case),),
        claims=TOPIC.claims,
        evidence=_evidence(change),
    )


def _indicator(case: Case, change: ProductChange) -> Indicator | None:
    """How far off the dose is; None where it corresponds, or is not known."""
    ratio, p = change.ratio, case.parameters
    if ratio is None or p.product_ratio_low <= ratio <= p.product_ratio_high:
        return None
    far = not p.product_ratio_far_low <= ratio <= p.product_ratio_far_high
    return Indicator.WARNING if far else Indicator.INFO


def _summary(case: Case, change: ProductChange, *, differs: bool) -> Sentence:
    names = {"before": Term(change.before), "after": Term(change.after)}
    if change.ratio is None:
        return say("formulation-summary-unknown", **names)
    if differs:
        return say("formulation-summary-differs", **names, ratio=round(change.ratio, 2))
    return say("formulation-summary-corresponds", **names, days=case.parameters.product_level_days)


def _happened(change: ProductChange) -> Sentence:
    names = {"before": Term(change.before), "after": Term(change.after)}
    if change.dose_before is None or change.dose_after is None or change.ratio is None:
        return say("formulation-changed", **names)
    doses = {"old": round(change.dose_before, 2), "new": round(change.dose_after, 2), "ratio": round(change.ratio, 2)}
    return say("formulation-changed-doses", **names, **doses)


def _advice(case: Case, change: ProductChange) -> tuple[Sentence, ...]:
    """When a level is due, and when the first dose of the tablet is taken."""
    p = case.parameters
    if EXTENDED_RELEASE_TABLET not in {change.before, change.after}:
        level = say("formulation-level-prolonged", days=p.product_level_days, last=p.product_level_last_days)
    else:
        level = say("formulation-level-extended", days=p.product_level_days)
    first = change.after == EXTENDED_RELEASE_TABLET
    return (level, say("formulation-first-tablet", hours=p.extended_release_first_hours)) if first else (level,)


def _level(case: Case) -> Offer:
    return Offer("laboratory", say("offer-laboratory"), labs=(LabOrder("tacrolimus-trough", case.parameters.product_level_days),))


def _both(case: Case, side: SideBySide) -> Finding:
    products = tuple(map(Term, side.products))
    return Finding(
        TOPIC.name,
        Indicator.WARNING,
        SWITCH,
        say("formulation-summary-both", products=products, days=side.days),
        happened=(say("formulation-both", products=products, days=side.days, limit=case.parameters.product_overlap_days),),
        meaning=(say("formulation-both-meaning"),),
        advice=(say("formulation-both-advice"),),
        offers=(Offer("laboratory", say("offer-laboratory"), labs=(LabOrder("tacrolimus-trough"),)),),
        claims=TOPIC.claims,
        evidence=_evidence(side),
    )


def _evidence(found: ProductChange | SideBySide) -> tuple[Evidence, ...]:
    return tuple({use.reference: of_use(use) for use in found.uses}.values())
