"""CRP and ESR, the markers of inflammation that belong to no disease."""

from decimal import Decimal

from cds_service.knowledge.finding import Sentence, say
from cds_service.knowledge.judgements.flare import Reading, Tier
from cds_service.knowledge.judgements.flares.watch import Watch
from cds_service.patient import labs
from cds_service.patient.facts import Lab


def raised(at: Watch, tier: Tier, why: Sentence) -> tuple[Reading, ...]:
    """Both markers, each with the tier and the reason it has where it is raised over its limit and over the own baseline.

    Nothing is raised while a serious infection is on record: it explains them.
    """
    p = at.parameters
    found = []
    for analyte, factor in (("crp", p.inflammation_crp_factor), ("esr", p.inflammation_esr_factor)):
        newest = at.newest(analyte)
        if newest is None:
            continue
        usual = at.usual(newest)
        limit, upper, assumed = _limit(newest, at)
        up = usual is not None and labs.surely_above(newest, limit) and labs.surely_at_least(newest, usual.value * factor)
        told = up and not at.infected
        found.append(Reading(newest, upper, assumed, usual, tier if told else Tier.NONE, why if told else None))
    return tuple(found)


def _limit(lab: Lab, at: Watch) -> tuple[Decimal, Decimal | None, bool]:
    """The limit that counts (CRP has one of its own), the upper limit of normal to show, and whether it had to be assumed."""
    if lab.analyte == "crp":
        return at.parameters.inflammation_crp, lab.high, False
    return (lab.high, lab.high, False) if lab.high else (at.parameters.uln_esr, at.parameters.uln_esr, True)


def quiet_before(at: Watch, readings: tuple[Reading, ...]) -> bool:
    """Whether the own baseline of either was within its limit."""
    return any(found.baseline is not None and found.baseline.value <= _limit(found.lab, at)[0] for found in readings)


def unknown(at: Watch, readings: tuple[Reading, ...]) -> tuple[Sentence, ...]:
    """That an infection keeps these markers from telling, and which of them has no baseline."""
    if at.infected and readings:
        return (say("inflammation-infection"),)
    return at.without_baseline(*readings)
