"""Has the disease flared? One module a disease; each rests on final results after the last dose that are fresh enough."""

from collections.abc import Callable
from datetime import date

from cds_service.knowledge.judgements.flare import Flare
from cds_service.knowledge.judgements.flares import (
    anca_vasculitis,
    glomerular,
    hepatitis,
    lupus_nephritis,
    myasthenia,
    nonspecific,
    open_results,
)
from cds_service.knowledge.judgements.flares.watch import Watch
from cds_service.knowledge.parameters import Parameters
from cds_service.patient.facts import Record

JUDGES: dict[str, Callable[[Watch], Flare]] = {
    hepatitis.DISEASE: hepatitis.judge,
    lupus_nephritis.DISEASE: lupus_nephritis.judge,
    anca_vasculitis.DISEASE: anca_vasculitis.judge,
    myasthenia.DISEASE: myasthenia.judge,
    glomerular.DISEASE: glomerular.judge,
}
"""The diseases with a definition of their own; where two have flared equally far, the first speaks."""

PART_OF_LUPUS_NEPHRITIS = frozenset({nonspecific.LUPUS, glomerular.DISEASE})


def judge(
    record: Record, diseases: frozenset[str], since: date | None, began: date | None, parameters: Parameters
) -> tuple[Flare, ...]:
    """The judgement of each disease, the one that has gone furthest first.

    ``since`` is the last dose (None while tacrolimus is still taken: then whatever is fresh counts), ``began`` the first day of
    the taper, before which the baseline lies.
    """
    watch = Watch(record, since, began, parameters)
    asked = diseases - PART_OF_LUPUS_NEPHRITIS if lupus_nephritis.DISEASE in diseases else diseases
    found = [ask(watch) for disease, ask in JUDGES.items() if disease in asked]
    others = sorted(asked - JUDGES.keys())
    if others:
        found.append(nonspecific.judge(watch, others))
    found = [open_results.considered(watch, flare) for flare in found]
    return tuple(sorted(found, key=lambda flare: -flare.tier))
