"""Has autoimmune hepatitis flared? ALT, AST and IgG tell; bilirubin, INR and decompensation tell how severe it is."""

from datetime import date
from decimal import Decimal

from cds_service.knowledge import valuesets
from cds_service.knowledge.judgements.flare import Flare, Reading, Tier
from cds_service.knowledge.judgements.flares.watch import Watch
from cds_service.knowledge.judgements.treatment import running
from cds_service.knowledge.parameters import Parameters
from cds_service.patient import labs
from cds_service.patient.bounds import TAKEN, first_day, last_day
from cds_service.patient.facts import Lab, Problem
from cds_service.patient.labs import Baseline

DISEASE = "autoimmune_hepatitis"
DECOMPENSATION = "liver_decompensation"
ENCEPHALOPATHY = "hepatic_encephalopathy"
TRANSAMINASES = frozenset({"alt", "ast"})
MARKERS = ("alt", "ast", "igg")


def _upper(lab: Lab, parameters: Parameters) -> tuple[Decimal, bool]:
    """The upper limit of normal, and whether it had to be assumed."""
    if lab.high is not None and lab.high > 0:
        return lab.high, False
    assumed = {"alt": parameters.uln_alt, "ast": parameters.uln_ast, "igg": parameters.uln_igg}
    return assumed[lab.analyte], True


def _tier(lab: Lab, upper: Decimal, usual: Baseline | None, parameters: Parameters) -> Tier:
    if not labs.surely_above(lab, upper):
        return Tier.NONE
    if lab.analyte == "igg":
        return Tier.POSSIBLE if usual is not None and usual.value <= upper else Tier.NONE
    if labs.surely_above(lab, upper * parameters.aih_relapse_xuln):
        return Tier.RELAPSE
    if usual is None or usual.value <= upper:
        return Tier.POSSIBLE
    doubled = labs.surely_at_least(lab, usual.value * parameters.aih_abnormal_baseline_factor)
    return Tier.POSSIBLE if doubled else Tier.NONE


def _reading(at: Watch, analyte: str) -> Reading | None:
    newest = at.newest(analyte)
    if newest is None:
        return None
    upper, assumed = _upper(newest, at.parameters)
    usual = at.usual(newest)
    return Reading(newest, upper, assumed, usual, _tier(newest, upper, usual, at.parameters))


def _quiet_before(readings: tuple[Reading, ...]) -> bool:
    """Whether ALT or AST was known before the taper, and nothing that was known was over its limit."""
    known = [found for found in readings if found.baseline is not None]
    normal = all(found.baseline.value <= found.upper for found in known if found.baseline and found.upper)
    return normal and any(found.lab.analyte in TRANSAMINASES for found in known)


def _new_and_over(at: Watch, newest: Lab | None, limit: Decimal, *, reached: bool) -> Lab | None:
    """A result over a limit that the person's own baseline was not over."""
    over = labs.surely_at_least if reached else labs.surely_above
    if newest is None or not over(newest, limit):
        return None
    usual = at.usual(newest)
    before = usual is not None and (usual.value >= limit if reached else usual.value > limit)
    return None if before else newest


def _anticoagulated(at: Watch, inr: Lab | None) -> bool:
    """Whether an anticoagulant is in use, or was on the day of the sample: it makes an INR meaningless for the liver."""
    names = valuesets.drugs_in_class("anticoagulant")
    if running(at.record).keys() & names:
        return True
    if inr is None:
        return False
    taken = [use for use in at.record.uses if use.drug.ingredient in names and use.status in TAKEN and not use.forbids]
    return any(
        (first_day(use) or date.min) <= inr.when.latest and (end := last_day(use)) is not None and end >= inr.when.earliest
        for use in taken
    )


def _state(bilirubin: Lab | None, inr: Lab | None, inr_low: bool, signs: tuple[Problem, ...]) -> str:
    if bilirubin is not None and inr is not None:
        return "liver-failure" if any(ENCEPHALOPATHY in sign.groups for sign in signs) else "acute-severe"
    return "acute" if bilirubin is not None and inr_low else ""


def judge(at: Watch) -> Flare:
    """The tier by ALT, AST and IgG, raised to severe by new bilirubin, INR or decompensation."""
    read = {analyte: _reading(at, analyte) for analyte in MARKERS}
    readings = tuple(reading for reading in read.values() if reading is not None)
    missing = tuple(analyte for analyte, reading in read.items() if reading is None)
    preliminary, unreadable = at.preliminary(*MARKERS), at.unreadable(*MARKERS)
    quiet = _quiet_before(readings)
    told = any(found.lab.analyte in TRANSAMINASES for found in readings)
    tier = max((found.tier for found in readings), default=Tier.NONE)
    if not told and tier is Tier.NONE:
        return Flare(DISEASE, old=at.old(*MARKERS), preliminary=preliminary, missing=missing, unreadable=unreadable)
    if tier is Tier.NONE:
        return Flare(
            DISEASE,
            judged=True,
            readings=readings,
            preliminary=preliminary,
            missing=missing,
            unreadable=unreadable,
            quiet_before=quiet,
        )
    bilirubin = _new_and_over(at, at.newest("bilirubin"), at.parameters.severe_bilirubin, reached=False)
    measured = at.newest("inr")
    anticoagulated = _anticoagulated(at, measured)
    inr_told = None if anticoagulated else measured
    inr = _new_and_over(at, inr_told, at.parameters.severe_inr, reached=True)
    inr_low = inr_told is not None and labs.surely_below(inr_told, at.parameters.severe_inr)
    signs = at.signs(DECOMPENSATION)
    severity = tuple(lab for lab in (bilirubin, inr) if lab is not None)
    return Flare(
        DISEASE,
        judged=True,
        tier=Tier.SEVERE if severity or signs else tier,
        readings=readings,
        severity=severity,
        signs=signs,
        state=_state(bilirubin, inr, inr_low, signs),
        preliminary=preliminary,
        missing=missing,
        inr_ignored=anticoagulated,
        unreadable=unreadable,
        quiet_before=quiet,
    )
