"""Has membranous nephropathy, minimal change disease or FSGS relapsed? Proteinuria tells, against the remission before."""

from cds_service.knowledge.finding import Sentence, say
from cds_service.knowledge.judgements.flare import Flare, Reading, Tier
from cds_service.knowledge.judgements.flares.watch import Watch
from cds_service.patient import labs

DISEASE = "nephrotic_membranous_FSGS_MCD"
MARKERS = ("upcr",)
COMPLICATIONS = ("acute_kidney_injury", "thrombosis")


def _in_remission(at: Watch) -> bool:
    """Whether the last value on treatment was one of complete remission, or of partial: at the limit and half of the peak."""
    last = at.last_on_treatment("upcr")
    if last is None:
        return False
    p = at.parameters
    if labs.surely_below(last, p.glomerular_upcr_complete):
        return True
    earlier = [labs.value(lab) for lab in labs.final(at.results("upcr")) if lab.when.latest < last.when.earliest]
    fallen = bool(earlier) and labs.value(last) < max(earlier) * (1 - p.glomerular_partial_fall)
    return fallen and labs.value(last) <= p.glomerular_upcr_relapse


def _protein(at: Watch, *, remission: bool) -> Reading | None:
    p = at.parameters
    found = at.multiplied("upcr", (p.glomerular_upcr_factor, Tier.POSSIBLE))
    if found is None:
        return None
    if remission and labs.surely_above(found.lab, p.glomerular_upcr_relapse):
        return Reading(found.lab, None, False, found.baseline, Tier.RELAPSE, say("glomerular-relapse"))
    if found.tier and labs.surely_above(found.lab, p.glomerular_upcr_doubled_min):
        return Reading(found.lab, None, False, found.baseline, Tier.POSSIBLE, say("glomerular-doubled"))
    return Reading(found.lab, None, False, found.baseline, Tier.NONE)


def _nephrotic(at: Watch, tier: Tier) -> tuple[Sentence, ...]:
    albumin = at.newest("albumin")
    low = albumin is not None and labs.surely_below(albumin, at.parameters.glomerular_albumin)
    return (say("nephrotic-syndrome"),) if low and tier >= Tier.RELAPSE else ()


def judge(at: Watch) -> Flare:
    """The tier by proteinuria, raised to severe by kidney injury or thrombosis since the stop."""
    remission = _in_remission(at)
    protein = _protein(at, remission=remission)
    unknown = at.without_baseline(protein)
    tier = protein.tier if protein else Tier.NONE
    signs = at.signs(*COMPLICATIONS) if tier else ()
    tier = Tier.SEVERE if signs else tier
    return Flare(
        DISEASE,
        judged=protein is not None and (bool(tier) or not unknown),
        tier=tier,
        readings=(protein,) if protein else (),
        signs=signs,
        old=None if protein else at.old(*MARKERS),
        preliminary=at.preliminary(*MARKERS),
        missing=() if protein else MARKERS,
        unreadable=at.unreadable(*MARKERS),
        cautions=_nephrotic(at, tier),
        unknown=unknown,
        quiet_before=remission,
    )
