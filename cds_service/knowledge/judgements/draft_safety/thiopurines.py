"""Drafted azathioprine: what multiplies its effect, and how much of it."""

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Evidence, Indicator, Sentence, Value, say
from cds_service.knowledge.judgements import weight
from cds_service.knowledge.judgements.case import Case, of_lab, of_use
from cds_service.knowledge.judgements.draft_safety.objections import Objection, daily, drafted, names, together
from cds_service.patient.bounds import first_day
from cds_service.patient.facts import Use

AZATHIOPRINE, ALLOPURINOL = "azathioprine", "allopurinol"


def xanthine_oxidase(case: Case) -> Iterable[Objection]:
    """Azathioprine with a xanthine oxidase inhibitor, whichever of the two is the draft.

    With allopurinol up to a third of the reference dose is a warning; more, or a dose or a reference that nobody knows, critical.
    """
    inhibitors = together(case, valuesets.drugs_in_class("xanthine-oxidase-inhibitor"))
    thiopurines = together(case, valuesets.drugs_in_class("thiopurine"))
    both = (*inhibitors, *thiopurines)
    if not inhibitors or not thiopurines or not set(both) & set(case.record.drafts):
        return
    evidence = tuple(map(of_use, both))
    drugs: dict[str, Value] = {"drugs": names(thiopurines), "inhibitors": names(inhibitors)}
    if any(use.drug.ingredient != ALLOPURINOL for use in inhibitors):
        summary, reason = say("prescribing-summary-febuxostat", **drugs), say("draft-febuxostat", **drugs)
        yield Objection("xanthine-oxidase-inhibitor", Indicator.CRITICAL, summary, (reason,), evidence)
        return
    dose, usual = daily(thiopurines, case), _usual(case, thiopurines, inhibitors)
    reference, told = usual or _by_weight(case, thiopurines)
    if dose is None or reference is None:
        summary, reason = say("prescribing-summary-allopurinol", **drugs), say("draft-allopurinol-unknown", **drugs)
        unknown = say("unknown-reference-dose", **drugs)
        yield Objection("xanthine-oxidase-inhibitor", Indicator.CRITICAL, summary, (reason,), evidence, (unknown,))
        return
    limit = reference * case.parameters.xanthine_oxidase_fraction
    over = dose > limit
    reason = say("draft-allopurinol-over" if over else "draft-allopurinol-within", dose=dose, limit=round(limit), **drugs)
    indicator = Indicator.CRITICAL if over else Indicator.WARNING
    rests = evidence if usual else (*evidence, *_weighed(case))
    summary = say("prescribing-summary-allopurinol", **drugs)
    yield Objection("xanthine-oxidase-inhibitor", indicator, summary, (reason, *told), rests)


Reference = tuple[Fraction | None, tuple[Sentence, ...]]


def _usual(case: Case, thiopurines: Sequence[Use], inhibitors: Sequence[Use]) -> Reference | None:
    """The last dose of the same medicine from before the inhibitor; None where none is on record."""
    ingredients = {use.drug.ingredient for use in thiopurines}
    begun = min((first_day(use) or case.record.asof for use in inhibitors), default=case.record.asof)
    written = (*(case.record.statements or ()), *(case.record.orders or ()))
    earlier = [
        use
        for use in written
        if use.drug.ingredient in ingredients and not use.forbids and (first_day(use) or date.max) < begun and daily([use], case)
    ]
    if not earlier:
        return None
    dose = daily([max(earlier, key=lambda use: (first_day(use) or date.min, use.reference))], case) or Fraction()
    return dose, (say("reference-usual", reference=dose),)


def _by_weight(case: Case, thiopurines: Sequence[Use]) -> Reference:
    """The upper end of the usual dose per kg; of azathioprine only, and only with a weight."""
    kg, per_kg = weight.on(case.record, case.record.asof, case.parameters), case.parameters.azathioprine_mgkg_high
    if kg is None or any(use.drug.ingredient != AZATHIOPRINE for use in thiopurines):
        return None, ()
    return per_kg * kg, (say("reference-weighed", reference=per_kg * kg, per_kg=per_kg, weight=kg),)


def azathioprine_dose(case: Case) -> Iterable[Objection]:
    """More azathioprine a day than the usual upper bound for the weight."""
    drafts = drafted(case, {AZATHIOPRINE})
    dose, kg = daily(drafts, case), weight.on(case.record, case.record.asof, case.parameters)
    limit = case.parameters.azathioprine_mgkg_high
    if dose is None or kg is None or dose <= limit * kg:
        return
    values: dict[str, Value] = {"dose": dose, "weight": kg, "per_kg": dose / kg, "limit": limit, "most": limit * kg}
    yield Objection(
        "azathioprine-dose",
        Indicator.WARNING,
        say("prescribing-summary-azathioprine", **values),
        (say("draft-azathioprine-over", **values),),
        (*map(of_use, drafts), *_weighed(case)),
        conflicts=("X3",),
    )


def _weighed(case: Case) -> tuple[Evidence, ...]:
    """The weight that was reckoned with."""
    found = weight.nearest(case.record, case.record.asof, case.parameters)
    return (of_lab(found),) if found else ()
