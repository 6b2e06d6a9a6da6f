"""The checks that stand between an evidence-based option and a pre-filled order.

Each check is a row of ``CHECKS``: a function that looks at the record and yields its concerns. A concern blocks an order, warns
beside it, or asks a question; its sentence says why.
"""

from collections.abc import Iterable

from cds_service.knowledge.judgements.safety.calcineurin import (
    adding_harm,
    changed_level,
    kidney,
    lasting_harm,
    long_qt,
    potassium,
)
from cds_service.knowledge.judgements.safety.concerns import Check, Concern, Situation, Subject, Verdict
from cds_service.knowledge.judgements.safety.infections import hepatitis_b, infection, latent_tuberculosis
from cds_service.knowledge.judgements.safety.person import allergy, duplicates, expecting, made_worse, myasthenia
from cds_service.knowledge.judgements.safety.thiopurines import (
    bilirubin,
    blood_count,
    body_weight,
    decompensation,
    metaboliser,
    xanthine_oxidase,
)

__all__ = ["CHECKS", "Concern", "Situation", "Subject", "Verdict", "about", "blocked", "concerns"]

CHECKS: tuple[Check, ...] = (
    infection,
    hepatitis_b,
    latent_tuberculosis,
    metaboliser,
    xanthine_oxidase,
    blood_count,
    bilirubin,
    decompensation,
    kidney,
    potassium,
    lasting_harm,
    long_qt,
    changed_level,
    adding_harm,
    expecting,
    body_weight,
    duplicates,
    myasthenia,
    made_worse,
    allergy,
)
"""The checks in the order in which their reasons are shown. Age comes before them: a child is offered no dose at all."""


def concerns(at: Situation) -> tuple[Concern, ...]:
    """All concerns, in the order of the checks."""
    return tuple(concern for check in CHECKS for concern in check(at))


def about(found: Iterable[Concern], *subjects: Subject) -> tuple[Concern, ...]:
    """The concerns about any of these treatments."""
    return tuple(concern for concern in found if concern.subjects & set(subjects))


def blocked(found: Iterable[Concern], *subjects: Subject) -> bool:
    """Whether an order for one of these treatments is withheld."""
    return any(concern.verdict is Verdict.BLOCKED for concern in about(found, *subjects))
