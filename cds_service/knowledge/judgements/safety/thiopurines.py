"""Whether azathioprine is safe, and at what start."""

from collections.abc import Iterable

from msgspec import structs

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Term, say
from cds_service.knowledge.judgements import weight
from cds_service.knowledge.judgements.safety.concerns import (
    CALCINEURIN,
    FIXED,
    THIOPURINE,
    Concern,
    Situation,
    Verdict,
    gene,
    low_counts,
    newest,
    problem,
    screening,
)
from cds_service.knowledge.judgements.treatment import ordered
from cds_service.patient import labs


def metaboliser(at: Situation) -> Iterable[Concern]:
    """TPMT and NUDT15 decide whether azathioprine is safe, and at what start; the worst result of any time counts."""
    poor, intermediate = gene(at, "poor"), gene(at, "intermediate")
    if poor is not None:
        yield Concern("metaboliser", Verdict.BLOCKED, THIOPURINE, say("blocked-metaboliser"), poor)
    elif intermediate is not None:
        yield Concern("metaboliser", Verdict.BLOCKED, FIXED, say("blocked-metaboliser-intermediate"), intermediate)
        yield Concern("metaboliser", Verdict.WARNING, THIOPURINE, say("warning-metaboliser-intermediate"), intermediate)
    elif not _both_genes_normal(at):
        yield Concern("metaboliser", Verdict.BLOCKED, FIXED, say("blocked-metaboliser-unknown"))
        yield Concern("metaboliser", Verdict.QUESTION, THIOPURINE, say("unknown-metaboliser"))


def _both_genes_normal(at: Situation) -> bool:
    both = screening(at, "tpmt_nudt15")
    one, other = screening(at, "tpmt"), screening(at, "nudt15")
    normal = "normal"
    return bool(both and both.concept == normal) or bool(one and other and one.concept == other.concept == normal)


def xanthine_oxidase(at: Situation) -> Iterable[Concern]:
    """Allopurinol and febuxostat multiply the exposure to azathioprine."""
    inhibitors = valuesets.drugs_in_class("xanthine-oxidase-inhibitor")
    drafted = {use.drug.ingredient for use in ordered(at.record)}
    found = sorted(inhibitors & (at.treatment.running.keys() | drafted))
    if found:
        key = "blocked-allopurinol" if found == ["allopurinol"] else "blocked-febuxostat"
        yield Concern("xanthine-oxidase-inhibitor", Verdict.BLOCKED, THIOPURINE, say(key, drug=Term(found[-1])))


def blood_count(at: Situation) -> Iterable[Concern]:
    """Too few white cells or platelets for azathioprine; sources differ on the limit."""
    for lab, values in low_counts(at):
        yield Concern("blood-count", Verdict.BLOCKED, THIOPURINE, say("blocked-blood-count", **values), lab, ("X27",))


def bilirubin(at: Situation) -> Iterable[Concern]:
    """Azathioprine waits until bilirubin has come down; the limit holds in the unit that was reported."""
    lab = newest(at, "bilirubin")
    if lab is None:
        yield Concern("bilirubin", Verdict.BLOCKED, FIXED, say("blocked-bilirubin-unknown"))
        yield Concern("bilirubin", Verdict.QUESTION, THIOPURINE, say("unknown-bilirubin"))
        return
    p, shown = at.parameters, structs.replace(lab, quantity=labs.as_reported(lab))
    mass = labs.as_reported(lab).unit.lower().startswith("mg/d")
    if not labs.surely_below(shown if mass else lab, p.azathioprine_bilirubin_mg_dl if mass else p.azathioprine_bilirubin_umol_l):
        limits = {"limit": p.azathioprine_bilirubin_mg_dl, "limit_molar": p.azathioprine_bilirubin_umol_l}
        sentence = say("blocked-bilirubin", value=labs.as_reported(lab), **limits)
        yield Concern("bilirubin", Verdict.BLOCKED, THIOPURINE, sentence, lab)


def decompensation(at: Situation) -> Iterable[Concern]:
    """In decompensated liver disease azathioprine waits."""
    if problem(at, "liver_decompensation") is not None:
        yield Concern("decompensation", Verdict.BLOCKED, THIOPURINE, say("blocked-decompensation"))


def body_weight(at: Situation) -> Iterable[Concern]:
    """Without a weight there is no arithmetic per kg, and the fixed azathioprine dose has a lowest weight."""
    kg = weight.on(at.record, at.record.asof, at.parameters)
    if kg is None:
        yield Concern("weight", Verdict.BLOCKED, FIXED, say("blocked-weight-unknown"))
        yield Concern("weight", Verdict.QUESTION, THIOPURINE | CALCINEURIN, say("unknown-weight"))
    elif kg < at.parameters.azathioprine_fixed_min_weight:
        sentence = say(
            "blocked-weight",
            dose=at.parameters.azathioprine_fixed_mg,
            per_kg=at.parameters.azathioprine_fixed_mg / kg,
            limit=at.parameters.azathioprine_mgkg_high,
            weight=kg,
        )
        yield Concern("weight", Verdict.BLOCKED, FIXED, sentence, weight.nearest(at.record, at.record.asof, at.parameters))
