"""Every question asked of one case."""

from collections.abc import Callable

from cds_service.knowledge.finding import Answer, CannotTell, Finding
from cds_service.knowledge.judgements import palliative
from cds_service.knowledge.judgements.case import Case
from cds_service.knowledge.parameters import Parameters
from cds_service.knowledge.questions import (
    abrupt_stop,
    abrupt_stop_ordered,
    calcineurin_inhibitor_overlap,
    calcineurin_inhibitor_switch,
    discharge_omission,
    formulation_switch,
    hold_without_plan,
    prescribing_safety,
    rapid_taper,
    rebound,
    transplant_recipient,
    verify_tacrolimus_status,
)
from cds_service.patient.facts import Record

QUESTIONS: tuple[Callable[[Case], Answer], ...] = (
    abrupt_stop_ordered.ask,
    abrupt_stop.ask,
    rapid_taper.ask,
    rebound.ask,
    verify_tacrolimus_status.ask,
    hold_without_plan.ask,
    formulation_switch.ask,
    calcineurin_inhibitor_overlap.ask,
    calcineurin_inhibitor_switch.ask,
    transplant_recipient.ask,
    prescribing_safety.ask,
    discharge_omission.ask,
)
"""The questions, in the order in which their cards stand within an indicator."""


def evaluate(record: Record, parameters: Parameters) -> tuple[Finding | CannotTell, ...]:
    """What the questions answer; nothing is asked about a person who has died, nothing urged where care is palliative."""
    if record.person.deceased:
        return ()
    case = Case(record, parameters)
    answers = (ask(case) for ask in QUESTIONS)
    found = tuple(answer for answer in answers if answer is not None)
    return tuple(map(palliative.restrained, found)) if palliative.judge(record) else found
