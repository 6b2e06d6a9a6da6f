"""Has myasthenia gravis worsened? Scores are possible, bulbar and respiratory symptoms a flare, weak breathing a crisis at hand.

Antibody titres are never used.
"""

from decimal import Decimal

from cds_service.knowledge.finding import Sentence, say
from cds_service.knowledge.judgements import weight
from cds_service.knowledge.judgements.flare import Flare, Reading, Tier
from cds_service.knowledge.judgements.flares.watch import Watch
from cds_service.patient import labs
from cds_service.patient.facts import Lab

DISEASE = "myasthenia_gravis"
SCORES = ("mg_adl", "qmg")
BREATHING = ("fvc", "nif", "mep")
SIGNS = {
    "respiratory_failure": Tier.SEVERE,
    "bulbar_or_respiratory_symptom": Tier.RELAPSE,
    "myasthenia_exacerbation": Tier.POSSIBLE,
}


def _score(at: Watch, analyte: str, rise: Decimal) -> Reading | None:
    newest = at.newest(analyte)
    if newest is None:
        return None
    usual = at.usual(newest)
    worse = usual is not None and labs.surely_at_least(newest, usual.value + rise)
    why = say("myasthenia-score") if worse else None
    return Reading(newest, None, False, usual, Tier.POSSIBLE if worse else Tier.NONE, why)


def _breathing(at: Watch) -> tuple[Reading, ...]:
    """Vital capacity by weight and the two pressures; a pressure counts by its size, whatever its sign."""
    p = at.parameters
    found = []
    capacity = at.newest("fvc")
    kg = weight.on(at.record, capacity.when.latest, p) if capacity else None
    if capacity is not None and kg is not None:
        limit = p.myasthenia_vital_capacity * Decimal(kg.numerator) / Decimal(kg.denominator)
        found.append(_crisis(capacity, labs.surely_below(capacity, limit), p.myasthenia_vital_capacity))
    for analyte, limit in (("nif", p.myasthenia_inspiratory), ("mep", p.myasthenia_expiratory)):
        pressure = at.newest(analyte)
        if pressure is not None:
            weak = pressure.comparator is None and abs(labs.value(pressure)) < limit
            found.append(_crisis(pressure, weak, limit))
    return tuple(found)


def _crisis(lab: Lab, weak: bool, limit: Decimal) -> Reading:
    why = say("myasthenia-vital-capacity" if lab.analyte == "fvc" else "myasthenia-pressure", limit=limit)
    return Reading(lab, None, False, None, Tier.SEVERE if weak else Tier.NONE, why if weak else None)


def _no_weight(at: Watch, readings: tuple[Reading, ...]) -> tuple[Sentence, ...]:
    read = any(found.lab.analyte == "fvc" for found in readings)
    return (say("vital-capacity-without-weight"),) if at.newest("fvc") and not read else ()


def judge(at: Watch) -> Flare:
    """The tier by breathing, symptoms recorded since the stop, and scores."""
    p = at.parameters
    scores = _score(at, "mg_adl", p.myasthenia_adl_rise), _score(at, "qmg", p.myasthenia_qmg_rise)
    breathing = _breathing(at)
    readings = (*(found for found in scores if found is not None), *breathing)
    signs = at.signs(*SIGNS)
    by_sign = (tier for sign in signs for group, tier in SIGNS.items() if group in sign.groups)
    tier = max((Tier.NONE, *(found.tier for found in readings), *by_sign))
    compared = any(found is not None and found.baseline is not None for found in scores)
    return Flare(
        DISEASE,
        judged=bool(tier) or compared,
        tier=tier,
        readings=readings,
        signs=signs,
        old=None if readings else at.old(*SCORES, *BREATHING),
        preliminary=at.preliminary(*SCORES, *BREATHING),
        missing=() if any(scores) else SCORES,
        unreadable=at.unreadable(*SCORES, *BREATHING),
        cautions=(say("myasthenia-record-scores"),),
        unknown=(*at.without_baseline(*scores), *_no_weight(at, breathing)),
    )
