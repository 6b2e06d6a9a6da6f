"""Was systemic tacrolimus stopped abruptly in the past year in autoimmune disease, with no flare seen or none that can be judged?

The source: never stop it abruptly (C25), taper over a month or more (C26); most relapses come within the year (C44); azathioprine
or mycophenolate in place makes a rebound less likely (C28). A stop alone yields laboratory orders and the question for the plan,
never a treatment.
"""

from cds_service.knowledge.finding import Answer, Topic, say
from cds_service.knowledge.judgements import past_stop
from cds_service.knowledge.judgements.case import Case
from cds_service.knowledge.judgements.usage import ExposureClass

TOPIC = Topic("abrupt-stop", ("C25", "C26", "C28", "C44", "C47", "C48", "C49"), ("X10", "X11", "X13"))


def ask(case: Case) -> Answer:
    """A warning while the stop is recent, information later; silent once the disease has flared or is being treated."""
    return past_stop.answer(case, TOPIC, ExposureClass.ABRUPT_STOP, (say("abrupt-stop-meaning"),))
