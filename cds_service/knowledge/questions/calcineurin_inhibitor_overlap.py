"""Would tacrolimus and another calcineurin inhibitor be taken together?

The source keeps them apart as alternatives (C34, C38). Together they injure the kidney and raise each other's level; the labels
exclude it. The card offers no treatment.
"""

from cds_service.knowledge.finding import Answer, Evidence, Finding, Indicator, Term, Topic, say
from cds_service.knowledge.judgements.calcineurin_inhibitors import Inhibitors, Meeting
from cds_service.knowledge.judgements.case import Case, of_use

TOPIC = Topic("calcineurin-inhibitor-overlap", ("C34", "C38", "C47", "C48", "C49"))

OVERLAP = "cni-overlap"


def ask(case: Case) -> Answer:
    """Critical; information where one of the two may be a cream or drops, or may not be taken any more."""
    found = case.inhibitors
    if found is None or found.meeting is not Meeting.OVERLAP:
        return None
    other = Term(found.other.drug.ingredient or "")
    kind = "certain" if found.certain else "possible"
    return Finding(
        TOPIC.name,
        Indicator.CRITICAL if found.certain else Indicator.INFO,
        OVERLAP,
        say(f"overlap-summary-{kind}", drug=other),
        happened=(say(f"overlap-{kind}", drug=other),),
        meaning=(say("overlap-meaning"),),
        advice=(say("overlap-advice", drug=other), say("inhibitor-wait", hours=case.parameters.inhibitor_gap_hours)),
        unknown=() if found.certain else (say("unknown-overlap"),),
        claims=TOPIC.claims,
        evidence=_evidence(case, found),
    )


def _evidence(case: Case, found: Inhibitors) -> tuple[Evidence, ...]:
    uses = (found.other, *case.exposure.uses)
    return tuple({use.reference: of_use(use) for use in uses}.values())
