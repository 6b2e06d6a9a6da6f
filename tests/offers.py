"""What is offered for re-induction in a built record."""

from collections.abc import Iterable
from typing import Any

from hypothesis import settings

from cds_service.knowledge.finding import DrugOrder
from cds_service.knowledge.judgements import reinduction
from cds_service.knowledge.judgements.reinduction import Reinduction
from cds_service.knowledge.judgements.safety import Situation
from cds_service.patient.facts import Lab, Record
from tests.builders import (
    HEALTHY,
    case,
    parameters,
)

IN_FORCE = parameters()
TABLET, CAPSULE_24H = "extended-release-tablet", "prolonged-release"
STEROID, COMBINED, RESTART, LABORATORY = "steroid-alone", "steroid-azathioprine", "tacrolimus-restart", "laboratory"
ALL = [(STEROID, 60), (COMBINED, 30, 150), (COMBINED, 30, 50), (RESTART, 4), (LABORATORY,)]
quick = settings(deadline=None, max_examples=50)


def judged(told: Record, **site: Any) -> Reinduction:
    found = case(told, **site)
    return reinduction.judge(Situation(told, found.treatment, found.parameters), found.exposure, found.flare.disease)


def offered(found: Reinduction) -> list[tuple[object, ...]]:
    """(order set, mg a day of each drug)."""
    return [(offer.order_set, *(sum(order.intakes) for order in offer.drugs)) for offer in found.offers]


def sets(told: Record) -> list[tuple[object, ...]]:
    return offered(judged(told))


def without(*analytes: str) -> tuple[Lab, ...]:
    return tuple(result for result in HEALTHY if result.analyte not in analytes)


def keys(sentences: Iterable[object]) -> list[str]:
    return [sentence.key for sentence in sentences]  # type: ignore[attr-defined]


def restarted(told: Record) -> DrugOrder | None:
    """The order of tacrolimus that is offered."""
    return next((offer.drugs[0] for offer in judged(told).offers if offer.order_set == RESTART), None)
