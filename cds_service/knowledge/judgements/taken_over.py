"""What stays to be said once the treatment of a flare is drafted: objections, what is unknown, which tests come first.

A client may take over the first order of a suggestion only, and a clinician may write an order without one: the tests before
immunosuppression, and the checks, belong to the treatment however it came about.
"""

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import say
from cds_service.knowledge.judgements import age, regimens, reinduction, safety
from cds_service.knowledge.judgements.case import Case
from cds_service.knowledge.judgements.reinduction import Reinduction
from cds_service.knowledge.judgements.safety import Subject, Verdict
from cds_service.knowledge.judgements.treatment import ordered
from cds_service.knowledge.judgements.usage import TACROLIMUS

OF_RUNNING = frozenset({"duplicate"})
"""Checks that are about offering a second time what somebody has decided on already."""


def beside(case: Case) -> Reinduction:
    """The laboratory orders; where the treatment is only drafted, with what guards it."""
    panel = regimens.of(case.flare.disease).panel
    subjects = frozenset() if case.treatment.under_way else _drafted(case)
    if not subjects or age.surely_child(case.record, case.parameters):
        return Reinduction((reinduction.laboratory_only(case.record, panel, case.parameters),))
    concerns = safety.about(safety.concerns(case.situation), *subjects)
    found = tuple(concern for concern in concerns if concern.check not in OF_RUNNING)
    against = tuple(concern.sentence for concern in found if concern.verdict is Verdict.BLOCKED)
    return Reinduction(
        (reinduction.laboratory_only(case.record, panel, case.parameters, reinduction.before(found, case.situation)),),
        withheld=(say("drafted-against"), *against) if against else (),
        unknown=tuple(concern.sentence for concern in found if concern.verdict is Verdict.QUESTION),
        concerns=found,
    )


def _drafted(case: Case) -> frozenset[Subject]:
    """The treatments that the orders of this request begin; drafts of azathioprine are checked by a question of their own."""
    names = {use.drug.ingredient for use in ordered(case.record)}
    steroid = {Subject.STEROID} if names & valuesets.drugs_in_class("systemic-steroid") else set()
    return frozenset(steroid | ({Subject.TACROLIMUS} if TACROLIMUS in names else set()))
