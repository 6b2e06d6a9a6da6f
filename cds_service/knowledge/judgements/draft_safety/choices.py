"""A drafted medicine that doubles one that runs, or that does not do what it is meant to in this liver."""

from collections.abc import Iterable

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Indicator, say
from cds_service.knowledge.judgements.case import Case, of_lab, of_problem, of_use
from cds_service.knowledge.judgements.draft_safety.objections import Objection, beside, drafted, names
from cds_service.knowledge.judgements.flare import Tier
from cds_service.knowledge.judgements.flares import hepatitis

NEVER_TWO = ("thiopurine", "mycophenolate")
IMPAIRED_LIVER = frozenset({"liver_cirrhosis", "liver_decompensation"})


def duplicate(case: Case) -> Iterable[Objection]:
    """Two of a kind: another thiopurine, another mycophenolate. A new dose of the same medicine is no duplicate."""
    for kind in NEVER_TWO:
        members = valuesets.drugs_in_class(kind)
        drafts, running = drafted(case, members), beside(case, members)
        if drafts and running:
            values = {"drugs": names(drafts), "running": names(running)}
            summary, reason = say("prescribing-summary-duplicate", **values), say("draft-duplicate", **values)
            yield Objection("duplicate", Indicator.WARNING, summary, (reason,), tuple(map(of_use, (*drafts, *running))))


def budesonide(case: Case) -> Iterable[Objection]:
    """Budesonide is cleared by a healthy liver: not the steroid for cirrhosis, nor for a severe flare of the liver."""
    drafts = drafted(case, {"budesonide"})
    impaired = [entry for entry in case.record.problems or () if entry.groups & IMPAIRED_LIVER and entry.active is not False]
    severe = case.flare.tier >= Tier.SEVERE and case.flare.disease == hepatitis.DISEASE
    if not drafts or not (impaired or severe):
        return
    told = tuple(map(of_problem, impaired)) or tuple(map(of_lab, case.flare.severity))
    reason = say("draft-budesonide-cirrhosis") if impaired else say("draft-budesonide-severe")
    yield Objection(
        "budesonide", Indicator.WARNING, say("prescribing-summary-budesonide"), (reason,), (*map(of_use, drafts), *told)
    )
