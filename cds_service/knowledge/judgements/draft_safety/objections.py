"""What a check of a drafted medicine finds, and what it looks at."""

from collections.abc import Callable, Collection, Iterable
from fractions import Fraction

from msgspec import Struct

from cds_service.knowledge.finding import Evidence, Indicator, LabOrder, Sentence, Term
from cds_service.knowledge.judgements import weight
from cds_service.knowledge.judgements.case import Case
from cds_service.knowledge.judgements.treatment import ordered
from cds_service.knowledge.judgements.usage import STOPPED, TACROLIMUS
from cds_service.patient.doses import daily_of_line, total
from cds_service.patient.facts import Use, UseStatus

ENDING = frozenset({UseStatus.STOPPED, UseStatus.CANCELLED, UseStatus.COMPLETED, UseStatus.ON_HOLD})


class Objection(Struct, frozen=True):
    """What one check has against the drafts: how urgent, in one line and with its reason, and what it rests on.

    ``tests`` are laboratory orders that would answer what is ``unknown``; ``conflicts`` are those of the knowledge base.
    """

    check: str
    indicator: Indicator
    summary: Sentence
    reasons: tuple[Sentence, ...]
    evidence: tuple[Evidence, ...]
    unknown: tuple[Sentence, ...] = ()
    tests: tuple[LabOrder, ...] = ()
    conflicts: tuple[str, ...] = ()


Check = Callable[[Case], Iterable[Objection]]


def drafted(case: Case, ingredients: Collection[str]) -> tuple[Use, ...]:
    """The drafts that would start or go on with one of these medicines."""
    return tuple(use for use in ordered(case.record) if use.drug.ingredient in ingredients)


def beside(case: Case, ingredients: Collection[str]) -> tuple[Use, ...]:
    """Which of these medicines run now and would go on beside the drafts, by name; what a draft orders anew is left out."""
    anew = {use.drug.ingredient for use in ordered(case.record)}
    ended = {use.drug.ingredient for use in case.record.drafts if use.forbids or use.status in ENDING}
    if case.exposure.kind in STOPPED:
        ended.add(TACROLIMUS)
    replaced = {use.replaces for use in case.record.drafts}
    return tuple(
        use
        for name, use in sorted(case.treatment.running.items())
        if name in ingredients and name not in anew | ended and use.reference not in replaced
    )


def together(case: Case, ingredients: Collection[str]) -> tuple[Use, ...]:
    """Which of these medicines would be taken once the drafts are signed."""
    return (*drafted(case, ingredients), *beside(case, ingredients))


def daily(uses: Iterable[Use], case: Case) -> Fraction | None:
    """The mg a day of all these uses together, the upper end of a range; None where one is not known."""
    kg = weight.on(case.record, case.record.asof, case.parameters)
    dose = total([total([daily_of_line(line, use.drug, kg) for line in use.lines]) for use in uses])
    return None if dose is None else dose.high


def names(uses: Iterable[Use]) -> tuple[Term, ...]:
    """The medicines by name, each once."""
    return tuple(Term(name) for name in dict.fromkeys(use.drug.ingredient or "" for use in uses))
