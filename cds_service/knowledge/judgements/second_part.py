"""The part of a regimen that is not ordered yet: a client may apply only the first order of a suggestion."""

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Sentence, say
from cds_service.knowledge.judgements import age, regimens, safety
from cds_service.knowledge.judgements.case import Case
from cds_service.knowledge.judgements.safety import Situation, Subject, Verdict


def missing(case: Case) -> tuple[Sentence, ...]:
    """That azathioprine is not yet ordered beside the lower steroid dose that is drafted, or why it is withheld."""
    treatment, p = case.treatment, case.parameters
    mg = treatment.steroid_mg
    combined = mg is not None and p.steroid_combined_mg <= mg < p.steroid_alone_mg
    begun = treatment.under_way or treatment.replacement or treatment.renewed
    running = valuesets.drugs_in_class("thiopurine") & treatment.running.keys()
    if not combined or begun or running or not _offered(case):
        return ()
    found = safety.about(safety.concerns(Situation(case.record, treatment, p)), Subject.AZATHIOPRINE)
    reasons = tuple(concern.sentence for concern in found if concern.verdict is Verdict.BLOCKED)
    return (say("second-part-open", steroid=p.steroid_combined_mg), *reasons)


def _offered(case: Case) -> bool:
    """Whether this regimen is offered to this person at all."""
    adult = age.surely_adult(case.record, case.parameters)
    return adult and regimens.steroids_offered(case.flare.disease, case.parameters)
