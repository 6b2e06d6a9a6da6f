"""Has ANCA vasculitis relapsed? Inflammation is possible, the kidney probable, lung, nerve or a high creatinine major.

A rising antibody may go before a relapse and is none by itself.
"""

from decimal import Decimal

from cds_service.knowledge.finding import Term, say
from cds_service.knowledge.judgements.flare import Flare, Reading, Tier
from cds_service.knowledge.judgements.flares import inflammation
from cds_service.knowledge.judgements.flares.watch import Watch
from cds_service.patient import labs

DISEASE = "ANCA_vasculitis"
MARKERS = ("creatinine", "crp", "esr")
MAJOR = ("pulmonary_haemorrhage", "mononeuritis_multiplex")
ANTIBODIES = ("mpo", "pr3")


def _kidney(at: Watch) -> Reading | None:
    """Creatinine over the baseline: major from the higher multiple, probable from the lower one with blood or protein."""
    p = at.parameters
    steps = (p.anca_creatinine_factor, Tier.RELAPSE), (p.anca_creatinine_severe_factor, Tier.SEVERE)
    found = at.multiplied("creatinine", *steps)
    if found is None or not found.tier:
        return found
    if found.tier is Tier.SEVERE:
        return _why(found, Tier.SEVERE, "anca-creatinine-major")
    return _why(found, Tier.RELAPSE, "anca-renal") if _urine(at) else _why(found, Tier.NONE, "anca-creatinine-alone")


def _why(found: Reading, tier: Tier, key: str) -> Reading:
    return Reading(found.lab, None, False, found.baseline, tier, say(key))


def _urine(at: Watch) -> bool:
    """Whether there is blood or protein in the urine."""
    red, protein = at.newest("urine_rbc"), at.newest("upcr")
    blood = red is not None and labs.surely_above(red, at.parameters.anca_urine_rbc)
    return blood or (protein is not None and labs.surely_above(protein, at.parameters.anca_upcr))


def _antibodies(at: Watch) -> tuple[Reading, ...]:
    found = []
    for analyte in ANTIBODIES:
        newest = at.newest(analyte)
        usual = at.usual(newest) if newest else None
        if newest is None or usual is None:
            continue
        doubled = labs.surely_at_least(newest, max(usual.value * at.parameters.anca_titre_factor, Decimal(1)))
        positive = newest.high is not None and usual.value <= newest.high and labs.surely_above(newest, newest.high)
        if doubled or positive:
            found.append(Reading(newest, newest.high, False, usual, Tier.NONE, say("anca-titre", analyte=Term(analyte))))
    return tuple(found)


def judge(at: Watch) -> Flare:
    """The tier by kidney, lung, nerve and inflammation; the antibody beside it as information."""
    kidney = _kidney(at)
    acute = inflammation.raised(at, Tier.POSSIBLE, say("anca-inflammation"))
    signs = at.signs(*MAJOR)
    alone = (kidney,) if kidney and kidney.why and not kidney.tier else ()
    told = tuple(found for found in (kidney, *acute) if found is not None)
    tier = max((*(found.tier for found in told), Tier.SEVERE if signs else Tier.NONE))
    unknown = (*at.without_baseline(kidney), *inflammation.unknown(at, acute))
    seen = {found.lab.analyte for found in told}
    complete = kidney is not None and bool(acute)
    return Flare(
        DISEASE,
        judged=bool(tier) or (complete and not unknown),
        tier=tier,
        readings=tuple(found for found in told if found not in alone),
        signs=signs,
        old=None if told else at.old(*MARKERS),
        preliminary=at.preliminary(*MARKERS),
        missing=() if complete else tuple(name for name in MARKERS if name not in seen),
        unreadable=at.unreadable(*MARKERS),
        hints=(*alone, *_antibodies(at)),
        unknown=unknown,
        quiet_before=inflammation.quiet_before(at, acute),
    )
