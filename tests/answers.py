"""What the questions answer about a built record; every answer is checked to be sound on the way.

``sound``: its sentences are in the catalogue and have a value for every slot.
"""

from collections.abc import Iterator
from typing import Any

from cds_service.cards import sentences
from cds_service.evaluate import evaluate
from cds_service.knowledge.finding import CannotTell, Finding, Indicator, Sentence
from cds_service.patient.facts import Record, Use, UseStatus
from tests.builders import (
    HEALTHY,
    draft,
    lab,
    order,
    parameters,
    record,
    use,
)

IN_FORCE = parameters()
CRITICAL, WARNING, INFO = Indicator.CRITICAL, Indicator.WARNING, Indicator.INFO
ABRUPT, RAPID, REBOUND = "abrupt-stop", "rapid-taper", "rebound"
ORDERED, TRANSPLANT, VERIFY = "abrupt-stop-ordered", "transplant-recipient", "verify-tacrolimus-status"
QUIET = (*HEALTHY, lab("alt", 30), lab("ast", 28), lab("igg", 12))
ORDER = "MedicationRequest/tac"
RUNNING = order(reference=ORDER, asserted=-20)
STOP = draft(reference=ORDER, status=UseStatus.STOPPED, start=-300)
HOLD = draft(reference=ORDER, status=UseStatus.ON_HOLD, start=-300)
PARACETAMOL = draft("paracetamol", 1500)

Answers = dict[str, Finding | CannotTell]


def said(answer: Finding | CannotTell) -> Iterator[Sentence]:
    """Every sentence of an answer, those of its orders included."""
    if isinstance(answer, CannotTell):
        yield from answer.missing
        return
    yield answer.summary
    for part in (answer.happened, answer.meaning, answer.advice, answer.unknown):
        yield from part
    for offer in answer.offers:
        yield offer.label
        yield from (one.remark for one in offer.drugs)


def sound(answer: Finding | CannotTell) -> None:
    """Every sentence can be worded; no resource is named twice; only a rebound offers a medicine."""
    catalogue = sentences.catalogue()
    for sentence in said(answer):
        assert sentence.key in catalogue
        assert set(catalogue[sentence.key].slots) <= set(sentence.values), sentence.key
        assert sentences.render(sentence, markdown=True)
    named = [item.reference for item in answer.evidence]
    assert len(named) == len(set(named))
    if isinstance(answer, Finding) and answer.question != REBOUND:
        assert all(not offer.drugs for offer in answer.offers)


def answered(told: Record, **site: Any) -> Answers:
    """What the questions answer, each checked to be sound."""
    found = evaluate(told, parameters(**site) if site else IN_FORCE)
    for answer in found:
        sound(answer)
    return {answer.question: answer for answer in found}


def shown(told: Record, **site: Any) -> dict[str, Indicator]:
    """The findings by question, with how urgent they are."""
    return {name: answer.indicator for name, answer in answered(told, **site).items() if isinstance(answer, Finding)}


def finding(told: Record, question: str, **site: Any) -> Finding:
    answer = answered(told, **site)[question]
    assert isinstance(answer, Finding)
    return answer


def keys(part: tuple[Sentence, ...]) -> list[str]:
    return [sentence.key for sentence in part]


def stopped(end: int = -9, *medicines: Use, start: int = -900, **more: Any) -> Record:
    """4 mg a day stopped, the markers quiet."""
    return record(use(start=start, end=end), *medicines, **{"markers": QUIET, **more})


def ordered(*medicines: Use, drafts: tuple[Use, ...] = (STOP,), **more: Any) -> Record:
    """Tacrolimus runs, and an order in the request stops it."""
    told: dict[str, Any] = {"hook": "order-sign", "markers": QUIET, **more}
    return record(*(medicines or (RUNNING,)), drafts=drafts, **told)
