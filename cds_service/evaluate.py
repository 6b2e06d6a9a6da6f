"""Every question asked of one case."""

from collections.abc import Callable

from cds_service.knowledge.finding import Answer, CannotTell, Finding
from cds_service.knowledge.judgements import palliative
from cds_service.knowledge.judgements.case import Case
from cds_service.knowledge.parameters import Parameters
from cds_service.knowledge.questions import (
    abrupt_stop,
    abrupt_stop_ordered,
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
    transplant_recipient.ask,
    prescribing_safety.ask,
    verify_tacrolimus_status.ask,
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
