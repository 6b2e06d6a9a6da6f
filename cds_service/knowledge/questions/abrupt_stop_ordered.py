"""Would the orders in this request stop systemic tacrolimus abruptly in autoimmune disease?

The source: never stop it abruptly (C25); when it is to end, taper over a month or more (C26); azathioprine or mycophenolate in
place makes a rebound less likely (C28). The question speaks in every hook whose orders express a stop. It suggests to keep the
order, or laboratory orders, and names the taper as the other way; it never orders a taper.
"""

from cds_service.knowledge.finding import Answer, Topic, say
from cds_service.knowledge.judgements import coming_stop
from cds_service.knowledge.judgements.case import Case
from cds_service.patient.tapers import TaperKind

TOPIC = Topic("abrupt-stop-ordered", ("C25", "C26", "C28", "C47", "C48", "C49"), ("X10", "X11"))

KINDS = frozenset({TaperKind.ABRUPT, TaperKind.UNKNOWN})


def ask(case: Case) -> Answer:
    """A warning, also where the doses so far are not known; critical while the disease is active."""
    return coming_stop.answer(case, TOPIC, KINDS, (say("abrupt-stop-meaning"),))
