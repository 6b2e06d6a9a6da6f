"""Was tacrolimus, or would it be, tapered to zero faster than the floor, or in too large a step, with no flare to act on?

The source: spread a planned withdrawal over a month or more and watch closely (C26); azathioprine or mycophenolate in place makes
a rebound less likely (C28). The month is a floor for the alarm, not a taper to call adequate.
"""

from cds_service.knowledge.finding import Answer, Topic, say
from cds_service.knowledge.judgements import coming_stop, past_stop
from cds_service.knowledge.judgements.case import Case
from cds_service.knowledge.judgements.usage import ExposureClass
from cds_service.patient.tapers import TaperKind

TOPIC = Topic("rapid-taper", ("C26", "C28", "C44", "C47", "C48", "C49"), ("X10", "X13"))

KINDS = frozenset({TaperKind.RAPID})


def ask(case: Case) -> Answer:
    """A warning while ordered or recent, information later; silent once the disease has flared or is being treated."""
    floor = say("rapid-taper-meaning", floor=case.parameters.taper_min_days, largest=case.parameters.taper_step_max)
    if case.ordered_stop is not None:
        return coming_stop.answer(case, TOPIC, KINDS, (floor,))
    return past_stop.answer(case, TOPIC, ExposureClass.RAPID_TAPER, (floor,))
