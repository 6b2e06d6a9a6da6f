"""Medicines that should not meet tacrolimus unnoticed: what strains the kidney, raises potassium, lengthens the QT interval.

One row a rule. It speaks when the two come together, not at each renewal of what has gone on side by side.
"""

from collections.abc import Iterable

from msgspec import Struct

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Indicator, Term, say
from cds_service.knowledge.judgements.case import Case, of_lab, of_problem, of_use
from cds_service.knowledge.judgements.draft_safety.objections import Objection, drafted, names, together
from cds_service.knowledge.judgements.safety.concerns import low_salt
from cds_service.knowledge.judgements.treatment import acts
from cds_service.knowledge.judgements.usage import TACROLIMUS
from cds_service.patient import labs
from cds_service.patient.facts import Use

INHIBITORS = "calcineurin-inhibitor"


class Pair(Struct, frozen=True):
    """Two kinds of medicine: a class of ``drug_classes.toml``, and tacrolimus or every calcineurin inhibitor beside it."""

    drugs: str
    indicator: Indicator
    inhibitors: bool = False


PAIRS = (
    Pair("mtor-inhibitor", Indicator.WARNING, inhibitors=True),
    Pair("harms-kidney", Indicator.INFO),
    Pair("raises-potassium", Indicator.INFO),
    Pair("raises-tacrolimus-by-habit", Indicator.INFO),
)


def beside_tacrolimus(case: Case) -> Iterable[Objection]:
    """Each pair of which one is new in this request and the other goes on or is new too.

    Information is for people with autoimmune disease: in a transplant recipient tacrolimus and its company are another team's.
    """
    for pair in PAIRS:
        if pair.indicator is Indicator.INFO and not case.autoimmune:
            continue
        others = tuple(filter(acts, together(case, valuesets.drugs_in_class(pair.drugs))))
        known = valuesets.drugs_in_class(INHIBITORS) if pair.inhibitors else {TACROLIMUS}
        own = together(case, known)
        if others and own and _new(case, (*others, *own)):
            values = {"drugs": names(others), "inhibitors": names(own)}
            summary, reason = say(f"prescribing-summary-{pair.drugs}", **values), say(f"draft-{pair.drugs}", **values)
            yield Objection(pair.drugs, pair.indicator, summary, (reason,), tuple(map(of_use, (*others, *own))))


def long_qt(case: Case) -> Iterable[Objection]:
    """A medicine that lengthens the QT interval beside tacrolimus, where the interval is long or a salt that guards it is low."""
    others, own = together(case, valuesets.drugs_in_class("prolongs-qt")), together(case, {TACROLIMUS})
    long = [entry for entry in case.record.problems or () if "QT_prolongation" in entry.groups and entry.active is not False]
    low = low_salt(case.situation)
    if not (others and own and _new(case, (*others, *own)) and (long or low)):
        return
    drugs = names(others)
    reasons = [say("draft-long-qt", drugs=drugs, problem=entry.text) for entry in long]
    if low is not None:
        reasons.append(say("draft-low-salt", drugs=drugs, analyte=Term(low.analyte), value=labs.as_reported(low)))
    told = (*map(of_problem, long), *((of_lab(low),) if low is not None else ()))
    summary = say("prescribing-summary-prolongs-qt", drugs=drugs)
    yield Objection("long-qt", Indicator.WARNING, summary, tuple(reasons), (*map(of_use, (*others, *own)), *told))


def _new(case: Case, uses: Iterable[Use]) -> bool:
    """Whether a draft among these begins a medicine that does not run yet."""
    begun = {use.reference for use in drafted(case, {use.drug.ingredient or "" for use in uses})}
    return any(use.reference in begun and use.drug.ingredient not in case.treatment.running for use in uses)
