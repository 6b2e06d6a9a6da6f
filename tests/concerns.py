"""The concerns of the safety checks about a built record."""

from collections.abc import Iterable
from typing import Any

from cds_service.knowledge.judgements import safety, treatment
from cds_service.knowledge.judgements.safety import Concern, Situation, Subject, Verdict
from cds_service.patient.facts import Lab, Use
from tests.builders import (
    HEALTHY,
    day,
    parameters,
    record,
)

IN_FORCE = parameters()
STEROID, AZATHIOPRINE, FIXED, TACROLIMUS = Subject.STEROID, Subject.AZATHIOPRINE, Subject.AZATHIOPRINE_FIXED, Subject.TACROLIMUS
EVERY = frozenset(Subject)
THIOPURINE = frozenset({AZATHIOPRINE, FIXED})
BLOCKED, WARNING, QUESTION = Verdict.BLOCKED, Verdict.WARNING, Verdict.QUESTION
Told = tuple[str, Verdict, frozenset[Subject]]


def concerns(*medicines: Use, results: Iterable[Lab] = HEALTHY, **more: Any) -> tuple[Concern, ...]:
    told = record(*medicines, markers=tuple(results), **more)
    return safety.concerns(Situation(told, treatment.judge(told, day(-9), IN_FORCE), IN_FORCE))


def keys(found: Iterable[Concern]) -> list[str]:
    return [concern.sentence.key for concern in found]


def told(found: Iterable[Concern]) -> list[Told]:
    return [(concern.sentence.key, concern.verdict, concern.subjects) for concern in found]


def without(*analytes: str) -> tuple[Lab, ...]:
    """The healthy results but those."""
    return tuple(result for result in HEALTHY if result.analyte not in analytes)


def newly(result: Lab) -> tuple[Lab, ...]:
    """The healthy results with a newer one."""
    return (*HEALTHY, result)
