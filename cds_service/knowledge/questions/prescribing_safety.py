"""Does a safety check forbid or limit a drafted drug?

The upper bound of azathioprine is the source's (C1); all else rests on labels, immunisation tables and guidelines. The card names
what stands against the draft and why; it orders nothing but the tests that would answer an open question.
"""

from cds_service.knowledge.finding import Answer, Finding, Offer, Topic, say
from cds_service.knowledge.judgements import draft_safety
from cds_service.knowledge.judgements.case import Case

TOPIC = Topic("prescribing-safety", ("C1", "C47", "C48", "C49"), ("X3", "X28"))


def ask(case: Case) -> Answer:
    """As urgent as the most urgent objection to a draft; silent without one."""
    found = draft_safety.judge(case) if case.ordering else ()
    if not found:
        return None
    first, *others = found
    tests = tuple(test for objection in found for test in objection.tests)
    evidence = {item.reference: item for objection in found for item in objection.evidence}
    return Finding(
        TOPIC.name,
        first.indicator,
        case.exposure.kind.value,
        first.summary,
        meaning=(*first.reasons, *(said for objection in others for said in (objection.summary, *objection.reasons))),
        unknown=tuple(sentence for objection in found for sentence in objection.unknown),
        offers=(Offer("laboratory", say("offer-laboratory"), labs=tests),) if tests else (),
        claims=TOPIC.claims,
        conflicts=tuple(dict.fromkeys(name for objection in found for name in objection.conflicts)),
        evidence=tuple(evidence.values()),
    )
