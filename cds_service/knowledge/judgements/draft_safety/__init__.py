"""The safety checks of the orders that the request itself holds.

Each check is a row of ``CHECKS``: a function that looks at the case and yields its objections to a draft.
"""

from cds_service.knowledge.finding import Indicator
from cds_service.knowledge.judgements.case import Case
from cds_service.knowledge.judgements.draft_safety.choices import budesonide, duplicate
from cds_service.knowledge.judgements.draft_safety.companions import beside_tacrolimus, long_qt
from cds_service.knowledge.judgements.draft_safety.diseases import disease_on_record
from cds_service.knowledge.judgements.draft_safety.live_vaccines import live_vaccine
from cds_service.knowledge.judgements.draft_safety.marrow import low_blood_count, metaboliser
from cds_service.knowledge.judgements.draft_safety.objections import Check, Objection
from cds_service.knowledge.judgements.draft_safety.teratogens import teratogen
from cds_service.knowledge.judgements.draft_safety.thiopurines import azathioprine_dose, xanthine_oxidase

__all__ = ["CHECKS", "Check", "Objection", "judge"]

CHECKS: tuple[Check, ...] = (
    live_vaccine,
    teratogen,
    xanthine_oxidase,
    metaboliser,
    low_blood_count,
    azathioprine_dose,
    duplicate,
    budesonide,
    long_qt,
    disease_on_record,
    beside_tacrolimus,
)
"""The checks in the order in which their reasons are shown within an indicator."""

_URGENCY = tuple(Indicator)


def judge(case: Case) -> tuple[Objection, ...]:
    """Every objection, the most urgent first."""
    found = [objection for check in CHECKS for objection in check(case)]
    return tuple(sorted(found, key=lambda objection: _URGENCY.index(objection.indicator)))
