"""One disease judged after tacrolimus was stopped nine days ago; results in the canonical unit of their analyte."""

from datetime import date
from typing import Any

from cds_service.knowledge.judgements import flares
from cds_service.knowledge.judgements.flare import Flare, Tier
from cds_service.patient.facts import Lab, Problem
from tests.builders import day, lab, parameters, problem, record

NONE, POSSIBLE, RELAPSE, SEVERE = Tier.NONE, Tier.POSSIBLE, Tier.RELAPSE, Tier.SEVERE
LAST_DOSE, BEGAN = day(-9), day(-8)
INFECTION = problem("sepsis_active_infection", "infection")


def judged(
    disease: str | frozenset[str],
    *results: Lab,
    problems: tuple[Problem, ...] = (),
    since: date | None = LAST_DOSE,
    began: date | None = BEGAN,
    **site: Any,
) -> Flare:
    """The furthest flare of these diseases."""
    diseases = frozenset({disease}) if isinstance(disease, str) else disease
    told = record(markers=results, problems=problems)
    return flares.judge(told, diseases, since, began, parameters(**site))[0]


def rising(analyte: str, before: int | str, now: int | str, **more: Any) -> tuple[Lab, Lab]:
    """A result of two days ago, and the own baseline two months before."""
    return lab(analyte, now, -2, **more), lab(analyte, before, -60)


def whys(found: Flare) -> list[str]:
    """The definitions that the readings meet."""
    return [reading.why.key for reading in found.readings if reading.why]


def hints(found: Flare) -> list[str]:
    """What is information only."""
    return [reading.why.key for reading in found.hints if reading.why]


def unknown(found: Flare) -> list[str]:
    """What could not be told."""
    return [sentence.key for sentence in found.unknown]
