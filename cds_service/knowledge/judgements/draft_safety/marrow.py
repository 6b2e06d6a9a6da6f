"""Drafted azathioprine, mercaptopurine or mycophenolate where the marrow cannot take it: blood counts, TPMT and NUDT15."""

from collections.abc import Iterable

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Indicator, say
from cds_service.knowledge.judgements.case import Case, of_lab, of_use
from cds_service.knowledge.judgements.draft_safety.objections import Objection, daily, drafted, names
from cds_service.knowledge.judgements.safety.concerns import gene, low_counts


def low_blood_count(case: Case) -> Iterable[Objection]:
    """Too few white cells or platelets; sources differ on the limit."""
    drafts = drafted(case, valuesets.drugs_in_class("thiopurine") | valuesets.drugs_in_class("mycophenolate"))
    found = list(low_counts(case.situation)) if drafts else []
    if found:
        reasons = tuple(say("draft-blood-count", **values) for _, values in found)
        evidence = (*map(of_use, drafts), *(of_lab(lab) for lab, _ in found))
        summary = say("prescribing-summary-blood-count", drugs=names(drafts))
        yield Objection("blood-count", Indicator.WARNING, summary, reasons, evidence, conflicts=("X27",))


def metaboliser(case: Case) -> Iterable[Objection]:
    """A thiopurine in a poor metaboliser is critical; in an intermediate one a warning above the reduced start."""
    drafts = drafted(case, valuesets.drugs_in_class("thiopurine"))
    if not drafts:
        return
    poor, intermediate = gene(case.situation, "poor"), gene(case.situation, "intermediate")
    dose, start = daily(drafts, case), case.parameters.azathioprine_start_mg
    drugs = names(drafts)
    if poor is not None:
        summary, reason = say("prescribing-summary-metaboliser", drugs=drugs), say("draft-poor-metaboliser", drugs=drugs)
        yield Objection("metaboliser", Indicator.CRITICAL, summary, (reason,), (*map(of_use, drafts), of_lab(poor)))
    elif intermediate is not None and (dose is None or dose > start):
        summary = say("prescribing-summary-metaboliser", drugs=drugs)
        reason = say("draft-intermediate-metaboliser", drugs=drugs, start=start)
        yield Objection("metaboliser", Indicator.WARNING, summary, (reason,), (*map(of_use, drafts), of_lab(intermediate)))
