"""Is tacrolimus stopped, or about to be, in a transplant recipient?

There the autoimmune thresholds and doses of the source do not apply: the risk is rejection, and the transplant team decides. The
card says so and offers no treatment. The source's warning against abrupt stops (C25) is all that is used of it.
"""

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Answer, Evidence, Finding, Indicator, Sentence, Topic, say
from cds_service.knowledge.judgements import account, coming_stop
from cds_service.knowledge.judgements.case import Case, of_draft, of_problem
from cds_service.knowledge.judgements.indication import IndicationKind
from cds_service.knowledge.judgements.usage import STOPPED, TACROLIMUS, ExposureClass

TOPIC = Topic("transplant-recipient", ("C25", "C47", "C48", "C49"))

REPLACING = ("calcineurin-inhibitor", "mtor-inhibitor", "costimulation-blocker")


def ask(case: Case) -> Answer:
    """Critical while the stop is being ordered, a warning where it happened; silent where another such drug has taken over."""
    if case.indication.kind is not IndicationKind.TRANSPLANT or _replaced(case):
        return None
    if case.ordered_stop is not None:
        return _finding(case, Indicator.CRITICAL, "transplant-summary-ordered")
    if not case.shows_past_stop():
        return None
    if case.exposure.kind in STOPPED:
        return _finding(case, Indicator.WARNING, "transplant-summary-past")
    return _finding(case, Indicator.WARNING, "transplant-summary-held") if case.exposure.kind is ExposureClass.HOLD else None


def _replaced(case: Case) -> bool:
    others = frozenset[str]().union(*(valuesets.drugs_in_class(name) for name in REPLACING)) - {TACROLIMUS}
    return bool(others & ({use.drug.ingredient for use in case.treatment.replacement} | case.treatment.running.keys()))


def _finding(case: Case, indicator: Indicator, summary: str) -> Finding:
    indication = case.indication
    organ: tuple[Sentence, ...] = () if indication.organ_stated else (say("organ-not-stated"),)
    recurrent: tuple[Sentence, ...] = (say("recurrent-disease"),) if indication.diseases else ()
    recorded = tuple(say("transplant-recorded", transplant=problem.text) for problem in indication.transplants[:1])
    return Finding(
        TOPIC.name,
        indicator,
        IndicationKind.TRANSPLANT.value,
        say(summary),
        happened=(*recorded, *_ordered(case), *account.ending(case)),
        meaning=(say("transplant-meaning"), *recurrent),
        advice=(say("transplant-team"),),
        unknown=organ,
        claims=TOPIC.claims,
        evidence=_evidence(case),
    )


def _ordered(case: Case) -> tuple[Sentence, ...]:
    return coming_stop.ordered(case.ordered_stop) if case.ordered_stop else ()


def _evidence(case: Case) -> tuple[Evidence, ...]:
    drafts = of_draft(case.ordered_stop.draft) if case.ordered_stop else ()
    items = (*drafts, *(of_problem(problem) for problem in case.indication.problems), *account.evidence(case))
    return tuple({item.reference: item for item in items}.values())
