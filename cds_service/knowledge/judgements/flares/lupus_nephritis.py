"""Has lupus nephritis flared? Creatinine, proteinuria and sediment by the KDIGO 2012 definition (others differ: X26).

Antibodies and complement alone are information and no flare. Proteinuria may rise after a calcineurin inhibitor ends without
one, which every such flare says.
"""

from decimal import Decimal

from cds_service.knowledge.finding import Term, say
from cds_service.knowledge.judgements.flare import Flare, Reading, Tier
from cds_service.knowledge.judgements.flares.watch import Watch
from cds_service.patient import labs
from cds_service.patient.facts import Lab

DISEASE = "lupus_nephritis"
MARKERS = ("creatinine", "upcr")
KDIGO = "2012"  # the edition of the definition, which the card names
CASTS = ("urine_rbc_casts", "urine_wbc_casts")


def _creatinine(at: Watch) -> Reading | None:
    newest = at.newest("creatinine")
    if newest is None:
        return None
    p, usual, tier = at.parameters, at.usual(newest), Tier.NONE
    if usual is not None:
        high = usual.value >= p.lupus_creatinine_high
        rise = p.lupus_creatinine_rise_high if high else p.lupus_creatinine_rise
        severe = p.lupus_creatinine_severe_high if high else p.lupus_creatinine_severe
        if labs.surely_above(newest, usual.value + severe):
            tier = Tier.SEVERE
        elif labs.surely_at_least(newest, usual.value + rise):
            tier = Tier.RELAPSE
    return Reading(newest, None, False, usual, tier, say("lupus-definition", edition=KDIGO) if tier else None)


def _protein(at: Watch) -> Reading | None:
    newest = at.newest("upcr")
    if newest is None:
        return None
    p, usual, tier = at.parameters, at.usual(newest), Tier.NONE
    if usual is not None:
        if labs.surely_above(newest, usual.value + p.lupus_upcr_severe_rise):
            tier = Tier.SEVERE
        elif labs.surely_at_least(newest, _moderate(at, usual.value)):
            tier = Tier.RELAPSE
    return Reading(newest, None, False, usual, tier, say("lupus-definition", edition=KDIGO) if tier else None)


def _moderate(at: Watch, before: Decimal) -> Decimal:
    """The ratio that is a moderate flare from this baseline."""
    p = at.parameters
    if before < p.lupus_upcr_low:
        return p.lupus_upcr_low_to
    return p.lupus_upcr_middle_to if before <= p.lupus_upcr_low_to else before * p.lupus_upcr_factor


def _sediment(at: Watch) -> tuple[Reading, ...]:
    """New erythrocytes with acanthocytes, or new cellular casts: a mild flare, but not while an infection may explain them."""
    if at.infected:
        return ()
    p = at.parameters
    found = []
    red, acanthocytes = at.newest("urine_rbc"), at.newest("urine_acanthocytes")
    if red and acanthocytes and labs.surely_above(red, p.lupus_urine_rbc):
        usual = at.usual(red)
        new = usual is not None and usual.value < p.lupus_urine_rbc_before
        if new and labs.surely_at_least(acanthocytes, p.lupus_acanthocytes):
            found.append(Reading(red, None, False, usual, Tier.POSSIBLE, say("lupus-sediment", edition=KDIGO)))
    for analyte in CASTS:
        casts = at.newest(analyte)
        if casts is not None and labs.surely_at_least(casts, p.lupus_casts):
            usual = at.usual(casts)
            if usual is None or usual.value < p.lupus_casts:
                found.append(Reading(casts, None, False, usual, Tier.POSSIBLE, say("lupus-sediment", edition=KDIGO)))
    return tuple(found)


def serology(at: Watch) -> tuple[Reading, ...]:
    """Rising antibodies to double-stranded DNA and falling complement: not a flare by themselves."""
    found = []
    antibody = at.newest("dsdna")
    if antibody is not None:
        usual, limit = at.usual(antibody), antibody.high
        doubled = usual is not None and labs.surely_at_least(antibody, max(usual.value * at.parameters.lupus_dsdna_factor, _ONE))
        positive = usual is not None and limit is not None and usual.value <= limit and labs.surely_above(antibody, limit)
        if doubled or positive:
            found.append(Reading(antibody, limit, False, usual, Tier.NONE, say("lupus-antibody")))
    worded = at.newly_positive("dsdna")
    if worded is not None and not found:
        found.append(Reading(worded, None, False, None, Tier.NONE, say("lupus-antibody")))
    for analyte, assumed in (("c3", at.parameters.lln_c3), ("c4", at.parameters.lln_c4)):
        newest = at.newest(analyte)
        if newest is not None and _fallen(at, newest, newest.low if newest.low is not None else assumed):
            why = say("lupus-complement", analyte=Term(analyte))
            found.append(Reading(newest, None, False, at.usual(newest), Tier.NONE, why))
    return tuple(found)


_ONE = Decimal(1)  # twice an antibody of nothing is nothing


def _fallen(at: Watch, newest: Lab, lower: Decimal) -> bool:
    usual = at.usual(newest)
    if usual is None or not labs.surely_below(newest, lower):
        return False
    return labs.value(newest) <= usual.value * (1 - at.parameters.lupus_complement_fall)


def judge(at: Watch) -> Flare:
    """The tier by creatinine, proteinuria and sediment; serology beside it as information."""
    creatinine, protein = _creatinine(at), _protein(at)
    told = tuple(found for found in (creatinine, protein) if found is not None)
    readings = (*told, *_sediment(at))
    tier = max((found.tier for found in readings), default=Tier.NONE)
    unknown = at.without_baseline(creatinine, protein)
    return Flare(
        DISEASE,
        judged=bool(tier) or (len(told) == len(MARKERS) and not unknown),
        tier=tier,
        readings=readings,
        old=None if told else at.old(*MARKERS),
        preliminary=at.preliminary(*MARKERS),
        missing=tuple(name for name, found in zip(MARKERS, (creatinine, protein), strict=True) if found is None),
        unreadable=at.unreadable(*MARKERS),
        hints=serology(at),
        cautions=(say("lupus-protein-without-flare"),) if protein and protein.tier else (),
        unknown=unknown,
        quiet_before=bool(protein and protein.baseline and protein.baseline.value < at.parameters.lupus_upcr_low),
    )
