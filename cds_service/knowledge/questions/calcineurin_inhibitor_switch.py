"""Does another calcineurin inhibitor take the place of tacrolimus, or tacrolimus its place, and is there time between the two?

The source names ciclosporin where tacrolimus caused the trouble or was poorly tolerated (C34, C38), calls tacrolimus the more
effective on the whole (C35) and doubts that the exchange keeps a rebound away (C36, X14). Doses and levels differ between sources
(X21): nothing is pre-filled.
"""

from cds_service.knowledge.finding import Answer, Evidence, Finding, Indicator, Sentence, Term, Topic, say
from cds_service.knowledge.judgements import account
from cds_service.knowledge.judgements.calcineurin_inhibitors import Gap, Inhibitors, Meeting
from cds_service.knowledge.judgements.case import Case, of_use
from cds_service.knowledge.judgements.indication import IndicationKind

TOPIC = Topic("calcineurin-inhibitor-switch", ("C34", "C35", "C36", "C38", "C47", "C48", "C49"), ("X14", "X21"))

SWITCH = "cni-switch"
CICLOSPORIN = "cyclosporine"


def ask(case: Case) -> Answer:
    """A warning where less than a day lies between the two; else information in autoimmune disease, or with unknown hours."""
    found = case.inhibitors
    if found is None or found.meeting is Meeting.OVERLAP:
        return None
    disease = found.meeting is Meeting.TO_OTHER and case.indication.kind in {IndicationKind.AUTOIMMUNE, IndicationKind.NOT_KNOWN}
    if not disease and found.gap is Gap.LONG_ENOUGH:
        return None
    short = found.gap is Gap.TOO_SHORT
    other = Term(found.other.drug.ingredient or "")
    return Finding(
        TOPIC.name,
        Indicator.WARNING if short else Indicator.INFO,
        SWITCH,
        say(f"inhibitor-switch-summary-{found.gap}", drug=other, hours=case.parameters.inhibitor_gap_hours),
        happened=_happened(found, other),
        meaning=(say("inhibitor-switch-meaning"),) if disease else (say("overlap-meaning"),),
        advice=(say("inhibitor-wait", hours=case.parameters.inhibitor_gap_hours), *_no_dose(found, other)),
        unknown=(say("unknown-inhibitor-gap"),) if found.gap is Gap.UNCERTAIN else (),
        claims=TOPIC.claims,
        conflicts=TOPIC.conflicts if disease and found.other.drug.ingredient == CICLOSPORIN else (),
        evidence=_evidence(case, found),
    )


def _happened(found: Inhibitors, other: Term) -> tuple[Sentence, ...]:
    key = "inhibitor-switched" if found.meeting is Meeting.TO_OTHER else "inhibitor-switched-back"
    return () if found.last is None or found.begins is None else (say(key, drug=other, last=found.last, begins=found.begins),)


def _no_dose(found: Inhibitors, other: Term) -> tuple[Sentence, ...]:
    return (say("inhibitor-no-dose", drug=other),) if found.meeting is Meeting.TO_OTHER else ()


def _evidence(case: Case, found: Inhibitors) -> tuple[Evidence, ...]:
    items = (of_use(found.other), *account.evidence(case), *map(of_use, case.exposure.uses))
    return tuple({item.reference: item for item in items}.values())
